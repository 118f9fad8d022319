"""HTTP: one server for every face that speaks it, run in the loop of whoever runs it.

What a client can hold on to is bounded: connections, the time for a request to come and for an answer to be fetched,
and the size of what stands before a body. A client that does less than it should costs itself its connection.
"""

import asyncio
import contextlib
import json
import socket
import ssl
from asyncio import TimerHandle
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from lastday.interfaces.asgi import Message, Receive, Scope, Send
from lastday.model.errors import ConfigurationError, InputError

Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
AtHand: TypeAlias = Callable[[bytes, Sequence[tuple[bytes, bytes]]], tuple[bytes, bytes] | None]
"""From address and headers of a GET to the rest of the head of a 200, with its empty line, and the body; without
waiting. None: ask the application.
"""

MOST_CONNECTIONS = 800
"""Beyond it requests are answered 503. A process may usually have 1024 files open."""
_TOLD_SO = 100
"""So many more get an answer; after them nobody does."""
KEEP_ALIVE_S = 75
"""Longer than the usual 60 s of proxies: whoever keeps a connection longest must be the one who is asked."""
REQUEST_S = 30.0
"""Until then a request has come as a whole."""
FETCHED_S = 30.0
"""So long an answer may lie that its client does not fetch."""
HEAD_BYTES = 64 * 1024
GOODBYE_S = 10
"""What was begun when the server was told to stop has so long to end."""
_BEGAN_NOW = -1
"""Where in what just came a head began is not known: what comes after is counted."""
_BACKLOG = 1_024
_NOT_FOUND = {"type": "about:blank", "title": "Not Found", "status": 404}


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """The certificate with its whole chain, and its key: PEM files."""

    certificate: Path
    private_key: Path


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket on which clients may knock already; port 0 takes any free one. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"nothing can listen on {host}:{port}: {getattr(error, 'strerror', None) or error}",
            code="I140",
            effect="Nothing is served.",
            mend="End what listens there, or change `listen` in [server].",
        ) from error


def encryption_context(files: Encryption) -> ssl.SSLContext:
    """TLS 1.2 and newer with this certificate. Raises ConfigurationError where the files are none, or do not match."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.private_key, password=b"")
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"the certificate cannot be used: {getattr(error, 'strerror', None) or error}",
            code="P160",
            effect="Nothing is served.",
            mend="`certificate` and `private_key` are PEM files that belong together, the key without a password.",
            where=str(files.certificate),
        ) from error
    return context


class HttpServer:
    """Serves one application on one socket until it is told to stop."""

    def __init__(
        self,
        application: Application,
        listening: socket.socket,
        encryption: ssl.SSLContext | None,
        at_hand: AtHand | None = None,
    ) -> None:
        """`at_hand` is asked first: it answers on the spot what the application would answer the same way."""
        self._socket = listening
        config = uvicorn.Config(
            application,
            loop="none",
            http=type("_Protocol", (BoundedProtocol,), {"at_hand": staticmethod(at_hand or _nothing_at_hand)}),
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GOODBYE_S,
            ssl_context_factory=None if encryption is None else lambda _config, _default: encryption,
        )
        self._server = _Server(config)

    async def serve(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set, nothing new is taken and what was begun is answered."""
        stopper = asyncio.create_task(self._exit_when(stop))
        try:
            await self._server.serve([self._socket])
        finally:
            stopper.cancel()

    async def _exit_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._server.should_exit = True


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals are the business of whoever runs this."""
        yield


class _Exchange(RequestResponseCycle):
    """A request and its answer. An answer that comes in one piece leaves in one piece."""

    _start: Message | None = None

    async def send(self, message: Message) -> None:  # type: ignore[override]  # as ASGI has it: any mapping
        """The head waits for the body, so that one that fails in between can still become a 500."""
        if message["type"] == "http.response.start" and not self.response_started:
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if not message.get("more_body") and self._leaves_whole(start, message.get("body", b"")):
                return
            await super().send(start)  # type: ignore[arg-type]  # the same
        await super().send(message)  # type: ignore[arg-type]  # the same

    def _leaves_whole(self, start: Message, body: bytes) -> bool:
        """False where the answer is not as plain as nearly all are; then nothing has happened."""
        if not self.keep_alive or self.disconnected or self.flow.write_paused or self.scope["method"] == "HEAD":
            return False
        parts, length = [STATUS_LINE[start["status"]]], -1
        headers = (*self.default_headers, *start["headers"])
        for name, value in headers:
            if name == b"content-length":
                length = int(value)
            parts += (name, b": ", value, b"\r\n")
        head = b"".join(parts)
        lines = len(headers) + 1
        if length != len(body) or not head.count(b"\n") == head.count(b"\r") == lines or b"connection: " in head:
            return False
        self.response_started = self.response_complete = True
        self.transport.write(head + b"\r\n" + body)
        self.message_event.set()
        self.on_response()
        return True


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the bounds that it lacks: it waits for ever for the rest of a request, of any size."""

    at_hand: AtHand
    _in_head = False
    _whole = False
    _answered = False
    _unfinished = 0
    _deadline: TimerHandle | None = None
    _fetch_deadline: TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS + _TOLD_SO:
            transport.abort()
        self._deadline = self.loop.call_later(REQUEST_S, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._whole = False
        super().data_received(data)
        if self._whole:
            self._forget_deadline()
        elif not self.transport.is_closing():
            self._await_the_rest(len(data))

    def on_message_begin(self) -> None:
        self._in_head, self._whole, self._unfinished = True, False, _BEGAN_NOW
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """As uvicorn does it, with our own exchange, and without a way to another protocol."""
        self._in_head = False
        if self._answers_at_once():
            return
        version, url = self.parser.get_http_version(), httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        self.scope["method"] = self.parser.get_method().decode("ascii")
        self.scope["http_version"] = version
        self.scope["path"] = unquote(path) if "%" in path else path
        self.scope["raw_path"] = url.path
        self.scope["query_string"] = url.query or b""
        before, self.cycle = self.cycle, self._exchange(keep_alive=version != "1.0" and self.parser.should_keep_alive())
        busy = len(self.connections) >= MOST_CONNECTIONS or len(self.tasks) >= MOST_CONNECTIONS
        application = service_unavailable if busy else self.app
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, application)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, application))

    def on_message_complete(self) -> None:
        self._whole = True
        if self._answered:
            self._answered = False
        else:
            super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._fetch_deadline = self.loop.call_later(FETCHED_S, self.transport.abort)

    def resume_writing(self) -> None:
        if self._fetch_deadline is not None:
            self._fetch_deadline.cancel()
            self._fetch_deadline = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing came any more; an answer that nobody fetched goes with the connection."""
        self._close()

    def _answers_at_once(self) -> bool:
        """True where the whole answer is on its way: to a GET without a body, with nothing still to be said before."""
        parser = self.parser
        if parser.get_method() != b"GET" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return False
        if (self.cycle is not None and not self.cycle.response_complete) or self.flow.write_paused:
            return False
        found = self.at_hand(self.url, self.headers)
        if found is None:
            return False
        head = b"".join([b"%b: %b\r\n" % header for header in self.server_state.default_headers])
        self.transport.write(b"".join((STATUS_LINE[200], head, *found)))
        self._answered = True
        self.on_response_complete()
        return True

    def _exchange(self, *, keep_alive: bool) -> "_Exchange":
        return _Exchange(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=keep_alive,
            on_response=self.on_response_complete,
        )

    def _await_the_rest(self, size: int) -> None:
        self._unfinished = 0 if self._unfinished == _BEGAN_NOW else self._unfinished + size
        if self._in_head and self._unfinished > HEAD_BYTES:
            self.send_400_response("The head of the request is too large.")
        elif self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_S, self._close)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _close(self) -> None:
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.close()


def _nothing_at_hand(_url: bytes, _headers: Sequence[tuple[bytes, bytes]]) -> None:
    """Everything is asked of the application."""


class Faces:
    """Each face below its own path; what is nobody's is not found (RFC 9457)."""

    def __init__(self, below: Mapping[str, Application]) -> None:
        """`below`: paths such as `/scim/v2`, the longer ones before what they begin with."""
        self._below = tuple((path, f"{path}/", face) for path, face in below.items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked: str = scope["path"]
        for path, inside, face in self._below:
            if asked.startswith(inside) or asked == path:
                await face(scope, receive, send)
                return
        await answer(send, 404, _NOT_FOUND, b"application/problem+json")


def status_face(works: Callable[[], Awaitable[bool]]) -> Application:
    """Answers 200 where it works and 503 where it does not, to GET and HEAD."""

    async def face(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await answer(send, 405, {"status": "only GET"})
        elif await works():
            await answer(send, 200, {"status": "ok"})
        else:
            await answer(send, 503, {"status": "unavailable"})

    return face


async def answer(
    send: Send, status: int, content: Mapping[str, object], media_type: bytes = b"application/json"
) -> None:
    """The whole answer is sent; nobody may keep it."""
    body = json.dumps(content).encode()
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
