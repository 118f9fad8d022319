"""Requests over kept connections at one HTTP server, and what they cost it in CPU time.

The driver is one thread over plain sockets and no part of what is measured: CPU time of the servers is read from /proc.
"""

import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_CHUNKED = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, ready to be sent."""

    content: bytes

    @classmethod
    def of(
        cls,
        method: str,
        url: str,
        *,
        token: str | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> "Asked":
        """`method url` with the bearer token and the body, which is SCIM's JSON."""
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
        if token is not None:
            lines.append(f"Authorization: Bearer {token}")
        if body:
            lines += ["Content-Type: application/scim+json", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        return cls(content="\r\n".join(lines).encode() + _HEAD_END + body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of it."""

    statuses: Mapping[int, int]
    seconds: float
    latencies_ms: Sequence[float]
    """Sorted."""
    cpu_us: Mapping[str, float]
    """Microseconds of CPU per request, by what was watched."""

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def latency_ms(self, share: float) -> float:
        """The latency that this share of the requests did not exceed."""
        return self.latencies_ms[min(int(len(self.latencies_ms) * share), len(self.latencies_ms) - 1)]


def load(
    url: str, asked: Iterator[Asked], *, connections: int, seconds: float, watched: Mapping[str, Sequence[int]]
) -> Load:
    """Requests one after the other on each connection until the time is over or none is left.

    `watched`: process ids by a name of ours; their CPU time during the load is part of the result. A process that
    begins meanwhile is not seen.
    """
    parts = urlsplit(url)
    before = {name: cpu_seconds(pids) for name, pids in watched.items()}
    driver = _Driver((parts.hostname or "", parts.port or 80), asked, time.perf_counter() + seconds)
    taken = driver.run(connections)
    spent = {name: cpu_seconds(pids) - before[name] for name, pids in watched.items()}
    count = max(sum(driver.statuses.values()), 1)
    return Load(
        statuses=dict(driver.statuses),
        seconds=taken,
        latencies_ms=sorted(driver.latencies_ms),
        cpu_us={name: value * 1e6 / count for name, value in spent.items()},
    )


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time of these processes so far, to a hundredth of a second; what has ended counts 0."""
    return sum(map(_cpu_ticks, pids)) / TICKS_PER_S


def children_of(pid: int) -> list[int]:
    """The process and everything that it started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def _cpu_ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name of the program, which may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


class _Driver:
    def __init__(self, address: tuple[str, int], asked: Iterator[Asked], until: float) -> None:
        self._address = address
        self._asked = asked
        self._until = until
        self._selector = selectors.DefaultSelector()
        self.statuses: Counter[int] = Counter()
        self.latencies_ms: list[float] = []

    def run(self, connections: int) -> float:
        """The seconds that it took."""
        began = time.perf_counter()
        for _ in range(connections):
            self._next(_Connection(self._address, self._selector))
        while self._selector.get_map():
            for key, _ in self._selector.select():
                self._receive(key.data)
        return time.perf_counter() - began

    def _next(self, connection: "_Connection") -> None:
        asked = next(self._asked, None) if time.perf_counter() < self._until else None
        if asked is None:
            connection.close()
        else:
            connection.send(asked)

    def _receive(self, connection: "_Connection") -> None:
        status = connection.receive()
        if status is not None:
            self.latencies_ms.append((time.perf_counter() - connection.sent_at) * 1e3)
            self.statuses[status] += 1
            self._next(connection)


class _Connection:
    def __init__(self, address: tuple[str, int], selector: selectors.BaseSelector) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector = selector
        self._received = b""
        self._expected: int | None = None
        self.sent_at = 0.0
        selector.register(self._socket, selectors.EVENT_READ, self)

    def send(self, asked: Asked) -> None:
        self._received, self._expected, self.sent_at = b"", None, time.perf_counter()
        self._socket.sendall(asked.content)

    def receive(self) -> int | None:
        """The status once the answer is here as a whole. Raises ConnectionError where the server hangs up."""
        chunk = self._socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("the server hung up")
        self._received += chunk
        if self._expected is None:
            self._expected = _length(self._received)
        if self._expected == _CHUNKED:
            if not self._received.endswith(_LAST_CHUNK):
                return None
        elif self._expected is None or len(self._received) < self._expected:
            return None
        return int(self._received[9:12])

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self._socket.close()


def _length(received: bytes) -> int | None:
    """Of head and body together; None while the head is not here; _CHUNKED for a body that says itself where it ends.

    Raises ValueError for a body that ends with its connection.
    """
    end = received.find(_HEAD_END)
    if end < 0:
        return None
    head = received[:end].lower()
    start = head.find(b"\r\ncontent-length:")
    if start >= 0:
        return end + 4 + int(head[start + 17 :].partition(b"\r\n")[0])
    if head[9:12] in (b"204", b"304"):
        return end + 4
    if b"\r\ntransfer-encoding: chunked" in head:
        return _CHUNKED
    raise ValueError("an answer without content-length")
