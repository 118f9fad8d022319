"""Calls the application as an ASGI server does, and reads what it sends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lastday.interfaces.scim.application import ScimApplication
from lastday.interfaces.scim.cursors import CursorSeal
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.profiles import load_profile
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from tests.unit.interfaces.scim.stored import BASE_URL, SCHEMAS, KnownClients, SetClock, Stored

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK_URN = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH_URN = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


GOOD = "good"


@dataclass(frozen=True)
class Got:
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def scim_type(self) -> Any:
        return self.json.get("scimType")


@dataclass
class Called:
    """The application with what stands behind it."""

    clock: SetClock = field(default_factory=SetClock)
    clients: KnownClients = field(default_factory=KnownClients)
    limits: ScimLimits = field(default_factory=ScimLimits)
    schemas: SchemaSet = field(default_factory=lambda: SCHEMAS)
    key: bytes = bytes(32)

    def __post_init__(self) -> None:
        self.stored = Stored(clock=self.clock)
        self.application = ScimApplication(
            resources=self.stored,
            writer=self.stored,
            clients=self.clients,
            schemas=lambda source: self.schemas,
            profiles=load_profile,
            base_url=BASE_URL,
            cursors=CursorSeal(self.key),
            limits=self.limits,
            clock=self.clock,
        )

    async def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = GOOD,
        query: Mapping[str, Any] | str = "",
        root_path: str = "",
        **headers: str,
    ) -> Got:
        """`headers` by name with `_` for `-`; a body that is no bytes is written as JSON."""
        pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
        if token is not None:
            pairs.append((b"authorization", f"Bearer {token}".encode()))
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        text = query if isinstance(query, str) else urlencode(query)
        return await self.send(method, path, pairs, text.encode("latin-1"), [content], root_path=root_path)

    async def send(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[bytes, bytes]],
        query: bytes,
        parts: Sequence[bytes],
        *,
        root_path: str = "",
    ) -> Got:
        """The whole answer; fails where it is not sent as ASGI wants it."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "method": method,
            "path": path,
            "root_path": root_path,
            "query_string": query,
            "headers": list(headers),
        }
        messages = [
            {"type": "http.request", "body": part, "more_body": place + 1 < len(parts)}
            for place, part in enumerate(parts)
        ]
        sent = await self.send_scope(scope, *messages)
        start, answer = sent
        assert (start["type"], answer["type"]) == ("http.response.start", "http.response.body")
        return Got(
            status=start["status"],
            headers={name.decode(): value.decode() for name, value in start["headers"]},
            content=answer["body"],
        )

    async def send_scope(self, scope: dict[str, Any], *messages: dict[str, Any]) -> list[Any]:
        """What the application sends to somebody who sends `messages` and then hangs up."""
        waiting = list(messages)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return waiting.pop(0) if waiting else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.application(scope, receive, send)
        return sent


def user(user_name: str = "ada", /, **more: object) -> dict[str, object]:
    return {"schemas": [USER_URN], "userName": user_name, **more}


def group(display_name: str = "Readers", /, *members: str, **more: object) -> dict[str, object]:
    return {"schemas": [GROUP_URN], "displayName": display_name, "members": [{"value": one} for one in members], **more}


def patch(*operations: dict[str, object]) -> dict[str, object]:
    return {"schemas": [PATCH_URN], "Operations": list(operations)}
