"""A TCP proxy that breaks a line in the ways real lines break: one answer swallowed, a cut, a truncated answer.

    with FaultProxy("127.0.0.1", server.port) as proxy:
        proxy.swallow_answer_to(lambda sent: b"..." in sent)   # the server acts, its answer never arrives
        ...connect to 127.0.0.1:proxy.port

What reached the server is what it really did; the proxy changes no byte of a request. Threads only, no asyncio.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from enum import StrEnum
from types import TracebackType

Matches = Callable[[bytes], bool]
CHUNK = 65_536


class Fault(StrEnum):
    NONE = "none"
    SWALLOW = "swallow"
    """The request goes through; from then on nothing comes back on this connection, which stays open."""
    CUT = "cut"
    """The request goes through, then both ends are closed."""
    HOLD = "hold"
    """The request never reaches the server, and nothing comes back."""
    TRUNCATE = "truncate"
    """Only the first bytes of the answer come back, then both ends are closed."""


class FaultProxy:
    """Forwards from a free port of 127.0.0.1 to a server; faults are set and lifted while it runs."""

    def __init__(self, host: str, port: int, *, unix_path: str | None = None) -> None:
        """The server listens on `host`:`port`, or on `unix_path` where one is given."""
        self._target = (host, port)
        self._unix_path = unix_path
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._fault, self._keep = Fault.NONE, 0
        self._matches: Matches = _never
        self._lock = threading.Lock()
        self._lines: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.tripped = threading.Event()
        """Set once the fault has struck."""

    def __enter__(self) -> "FaultProxy":
        self._spawn(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """No socket and no thread of the proxy is left."""
        _shut(self._listener)
        for line in list(self._lines):
            _shut(line)
        for thread in self._threads:
            thread.join(5)

    def swallow_answer_to(self, matches: Matches) -> None:
        """The next request that matches is carried out, but its answer is lost and the line stays silent."""
        self._set(Fault.SWALLOW, matches)

    def cut_after(self, matches: Matches) -> None:
        """The next request that matches is delivered, then the line breaks."""
        self._set(Fault.CUT, matches)

    def hold(self, matches: Matches) -> None:
        """The next request that matches never arrives; nobody is told."""
        self._set(Fault.HOLD, matches)

    def truncate_answer_to(self, matches: Matches, keep: int) -> None:
        """Of the answer to the next request that matches, `keep` bytes arrive; then the line breaks."""
        self._set(Fault.TRUNCATE, matches, keep)

    def heal(self) -> None:
        """New connections work again; broken ones stay broken."""
        self._set(Fault.NONE, _never)

    def _set(self, fault: Fault, matches: Matches, keep: int = 0) -> None:
        with self._lock:
            self._fault, self._matches, self._keep = fault, matches, keep
            self.tripped.clear()

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = self._dial()
            except OSError:
                _shut(near)
                continue
            line = _Line(self, near, far)
            self._lines |= {near, far}
            self._spawn(line.requests)
            self._spawn(line.answers)

    def _dial(self) -> socket.socket:
        if self._unix_path is None:
            return socket.create_connection(self._target, timeout=None)
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._unix_path)
        return far

    def strike(self, sent: bytes) -> tuple[Fault, int]:
        """The fault that this request meets; it strikes once."""
        with self._lock:
            if self._fault is Fault.NONE or not self._matches(sent):
                return Fault.NONE, 0
            struck = self._fault, self._keep
            self._fault, self._matches = Fault.NONE, _never
            self.tripped.set()
            return struck


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy: FaultProxy, near: socket.socket, far: socket.socket) -> None:
        self._proxy, self._near, self._far = proxy, near, far
        self._fault, self._keep = Fault.NONE, 0

    def requests(self) -> None:
        with contextlib.suppress(OSError):
            while sent := self._near.recv(CHUNK):
                fault, keep = self._proxy.strike(sent)
                if fault is not Fault.NONE:
                    self._fault, self._keep = fault, keep
                if self._fault is not Fault.HOLD:
                    self._far.sendall(sent)
                if self._fault is Fault.CUT:
                    break
        _shut(self._near)
        _shut(self._far)

    def answers(self) -> None:
        with contextlib.suppress(OSError):
            while answer := self._far.recv(CHUNK):
                if self._fault is Fault.TRUNCATE:
                    self._near.sendall(answer[: self._keep])
                    break
                if self._fault is Fault.NONE:
                    self._near.sendall(answer)
        if self._fault is not Fault.SWALLOW:
            _shut(self._near)
        _shut(self._far)


def _never(_: bytes) -> bool:
    return False


def _shut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        line.close()
