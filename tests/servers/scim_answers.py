"""What a scripted SCIM server answers: resources, pages and errors in a few words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tests.servers.http_faults import Asked, Reply, Script, as_json, listing

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
HTML = Reply(status=502, body=b"<html>502 Bad Gateway</html>", headers={"Content-Type": "text/html"})

Answer = Reply | Callable[[Asked], Reply]


def user(native_id: str = "u1", /, **more: object) -> dict[str, object]:
    return {"id": native_id, "userName": f"name-{native_id}", "active": True, **more}


def refused(status: int, kind: str = "", detail: str = "no") -> Reply:
    """A SCIM error (RFC 7644 section 3.12)."""
    return as_json({"schemas": [ERROR], "status": str(status), "scimType": kind, "detail": detail}, status=status)


def answering(routes: Mapping[tuple[str, str], Answer]) -> Script:
    """A script: the route of method and path answers; what has none is 404."""

    def script(asked: Asked) -> Reply:
        found = routes.get((asked.method, asked.path.removeprefix("/v2")))
        if found is None:
            return refused(404, detail="not found")
        return found if isinstance(found, Reply) else found(asked)

    return script


def paged(resources: Sequence[dict[str, object]], *, total: int | None = None) -> Callable[[Asked], Reply]:
    """A list that is paged by index as it should be (RFC 7644 section 3.4.2.4)."""

    def reply(asked: Asked) -> Reply:
        start, count = int(asked.query("startIndex") or 1), int(asked.query("count") or 100)
        stated = len(resources) if total is None else total
        return listing(list(resources[start - 1 : start - 1 + count]), total=stated, start=start)

    return reply


class Stored:
    """One resource that is read and put, with a version; the first `stale` writes come too late."""

    def __init__(self, resource: dict[str, Any], *, etag: bool = True, stale: int = 0) -> None:
        self.resource, self.version, self.etag, self.stale = resource, 7, etag, stale
        self.guards: list[str | None] = []

    def get(self, _asked: Asked) -> Reply:
        shown = as_json(self.resource)
        return replace(shown, headers={**shown.headers, "ETag": f'W/"{self.version}"'}) if self.etag else shown

    def put(self, asked: Asked) -> Reply:
        self.guards.append(asked.headers.get("if-match"))
        if self.stale:
            self.stale -= 1
            self.version += 1
            self.resource = {**self.resource, "title": f"by somebody else {self.version}"}
            return refused(412, "", "stale")
        self.resource = asked.json()
        return as_json(self.resource)


def routes_of(stored: Stored, path: str = "/Users/u1", patch: Answer | None = None) -> dict[tuple[str, str], Answer]:
    """Where the resource is read, put, and perhaps patched."""
    found: dict[tuple[str, str], Answer] = {("GET", path): stored.get, ("PUT", path): stored.put}
    return found if patch is None else {**found, ("PATCH", path): patch}
