"""What a client sent: scope and body of ASGI as one value, checked as far as HTTP goes (RFC 9110)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import parse_qsl

from lastday.interfaces.asgi import Receive, Scope
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.store.ids import new_id

Headers: TypeAlias = Mapping[bytes, bytes]
Parameters: TypeAlias = Mapping[str, str]
"""Query parameters under their lower-case names."""

MOUNTED_AT = "/scim/v2"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:=+-]{0,63}")
SCIM_JSON = b"application/scim+json"
_ANY = frozenset({"application/*", "*/*"})
_USUAL = frozenset({b"application/scim+json", b"*/*", b"application/scim+json; charset=utf-8"})
_MOST_PARAMETERS = 32


class ClientGone(Exception):
    """The client hung up before it had sent its whole request; nobody waits for an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request without its body."""

    method: str
    path: tuple[str, ...]
    """The segments below the place where SCIM is mounted."""
    query: bytes = field(repr=False)
    headers: Headers = field(repr=False)
    """Under their lower-case names; what came several times is joined with commas."""
    request_id: str

    def header(self, name: bytes) -> str | None:
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def parameters(self) -> Parameters:
        """Raises ScimError where there are too many or one comes twice: nobody could say which counts."""
        if not self.query:
            return {}
        try:
            pairs = parse_qsl(self.query.decode("latin-1"), keep_blank_values=True, max_num_fields=_MOST_PARAMETERS)
        except ValueError:
            raise _wrong_parameters(f"There are more than {_MOST_PARAMETERS} query parameters.") from None
        found = {name.lower(): value for name, value in pairs}
        if len(found) < len(pairs):
            raise _wrong_parameters("A query parameter comes twice.")
        if "\0" in "".join(found.values()):
            raise _wrong_parameters("A query parameter has the character U+0000 in it.")
        return found


def request_of(scope: Scope, headers: Headers, request_id: str) -> Request:
    """The request that `scope` describes, whether or not whoever mounted us took our prefix off the path."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root):
        path = path[len(root) :]
    path = path.removeprefix(MOUNTED_AT)
    segments = tuple(path.strip("/").split("/")) if path not in ("", "/") else ()
    return Request(
        method=scope["method"], path=segments, query=scope["query_string"], headers=headers, request_id=request_id
    )


def headers_of(pairs: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers by name; several of one name joined with commas (RFC 9110 section 5.2)."""
    listed = list(pairs)
    found = dict(listed)
    if len(found) < len(listed):
        for name in found:
            found[name] = b", ".join(value for other, value in listed if other == name)
    return found


def request_id_of(headers: Headers) -> str:
    """What the client calls this request where that is a short plain word, else a new id."""
    given = headers.get(b"x-request-id")
    if given is not None and _REQUEST_ID.fullmatch(given) is not None:
        return given.decode("ascii")
    return new_id("req")


def accepted_type(headers: Headers) -> bytes | None:
    """The media type of the answer (RFC 7644 section 3.8); None where the client takes neither."""
    accept = headers.get(b"accept")
    if accept is None or accept in _USUAL:
        return SCIM_JSON
    ranges = {_media_type(part) for part in accept.decode("latin-1").split(",")}
    if not accept.strip() or "application/scim+json" in ranges or ranges & _ANY:
        return SCIM_JSON
    if "application/json" in ranges:
        return b"application/json"
    return None


def check_content(headers: Headers, media_types: frozenset[str]) -> None:
    """Raises ScimError 415 where the body says that it is none of `media_types`, not in UTF-8, or compressed."""
    content_type = headers.get(b"content-type", b"").decode("latin-1").strip()
    if content_type and _media_type(content_type) not in media_types:
        raise ScimError(status=415, detail=f"A body is {' or '.join(sorted(media_types))}.")
    charset = re.search(r";\s*charset\s*=\s*\"?([^\s;\"]+)", content_type, re.IGNORECASE)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise ScimError(status=415, detail="A body is JSON in UTF-8.")
    if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
        raise ScimError(status=415, detail="A body is not compressed.")


async def read_body(headers: Headers, receive: Receive, *, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes. Raises ScimError 413 beyond it, ClientGone where it breaks off."""
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and (len(announced) > len(str(limit)) or int(announced) > limit):
        raise _too_large(limit)
    content = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")
        content += part
        if len(content) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return content


def prefers_minimal(headers: Headers) -> bool:
    """The client wants no representation in the answer (RFC 7240 section 4.2)."""
    prefer = headers.get(b"prefer")
    return prefer is not None and b"return=minimal" in prefer.lower().replace(b" ", b"").replace(b'"', b"")


def _media_type(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _wrong_parameters(detail: str) -> ScimError:
    return ScimError(status=400, detail=detail, scim_type=ScimType.INVALID_VALUE)


def _too_large(limit: int) -> ScimError:
    return ScimError(status=413, detail=f"A request has at most {limit} bytes.")
