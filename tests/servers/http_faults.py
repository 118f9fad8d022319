"""An HTTP server that answers exactly what a test says, whole, broken, slow or not at all."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int
    """Which connection it came on, counted from 1."""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str) -> str | None:
        return next(iter(parse_qs(urlsplit(self.target).query).get(name, [])), None)

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stated_length: int | None = None
    """A Content-Length other than the true one: the answer breaks off."""
    drip_s: float | None = None
    """One byte, then this long nothing, and so on."""
    silent: bool = False
    """No answer at all, until the server ends."""
    hang_up: bool = False
    """The connection is closed without an answer."""


def as_json(value: object, *, status: int = 200, kind: str = "application/scim+json", **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status=status, body=json.dumps(value).encode(), headers={"Content-Type": kind, **named})


def listing(resources: list[dict[str, object]], *, total: int | str | None = None, start: int = 1) -> Reply:
    stated = len(resources) if total is None else total
    return as_json({"totalResults": stated, "startIndex": start, "Resources": resources})


Script = Callable[[Asked], Reply]


class ScriptedServer:
    """Answers each request by the script, on a free port of this machine; keeps what was asked."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""
        self._server: asyncio.Server | None = None
        self._ended = asyncio.Event()
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v2"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended.set()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for writer in self._open.values():
            writer.transport.abort()  # whoever waits for a next request hears that there is none
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._open[task] = writer
        try:
            while (asked := await _read(reader, number)) is not None:
                self.asked.append(asked)
                if not await self._reply(self.script(asked), writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client gave up, which is what many of these tests want
        finally:
            writer.close()
            del self._open[task]

    async def _reply(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection goes on."""
        if reply.silent:
            await self._ended.wait()
        if reply.silent or reply.hang_up:
            return False
        length = len(reply.body) if reply.stated_length is None else reply.stated_length
        head = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {length}"]
        head += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
        await self._send(reply, writer)
        return reply.stated_length is None

    async def _send(self, reply: Reply, writer: asyncio.StreamWriter) -> None:
        if reply.drip_s is None:
            writer.write(reply.body)
            await writer.drain()
            return
        for byte in reply.body:
            writer.write(bytes([byte]))
            await writer.drain()
            if await _happens(self._ended.wait(), reply.drip_s):
                return


async def _happens(event: Awaitable[object], within_s: float) -> bool:
    try:
        await asyncio.wait_for(event, within_s)
    except TimeoutError:
        return False
    return True


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, connection)
