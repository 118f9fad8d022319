"""What a client gets back: status, headers and bytes, and how they go out over ASGI."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

import orjson

from lastday.interfaces.asgi import Send
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.model.canonical import JsonValue
from lastday.model.scim import PushedResource

Header: TypeAlias = tuple[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `content` is empty where there is no body."""

    status: int = HTTPStatus.OK
    content: bytes = field(default=b"", repr=False)
    headers: tuple[Header, ...] = ()


class Refused(ScimError):
    """A refusal that says more in its headers, such as what is allowed or when to come back."""

    def __init__(self, status: int, detail: str, *, headers: tuple[Header, ...]) -> None:
        super().__init__(int(status), detail)
        self.headers = headers


def json_answer(document: JsonValue, *, status: int = HTTPStatus.OK, headers: tuple[Header, ...] = ()) -> Answer:
    return Answer(status=status, content=orjson.dumps(document), headers=headers)


def error_answer(error: ScimError) -> Answer:
    headers = error.headers if isinstance(error, Refused) else ()
    return json_answer(error.body(), status=error.status, headers=headers)


def etag_header(resource: PushedResource) -> Header:
    return b"etag", resource.etag.encode("ascii")


async def send_answer(send: Send, answer: Answer, *, media_type: bytes, request_id: str, bodiless: bool) -> None:
    """Sends `answer`; with `bodiless` (HEAD) everything but its content, with the length that it would have."""
    headers: list[Header] = [*answer.headers, (b"x-request-id", request_id.encode("ascii"))]
    if answer.content:
        headers += ((b"content-type", media_type), (b"content-length", b"%d" % len(answer.content)))
    elif answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        headers.append((b"content-length", b"0"))
    await send({"type": "http.response.start", "status": int(answer.status), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.content})
