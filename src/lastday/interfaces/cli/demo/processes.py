"""Starting and ending what the demo runs, so that nothing is left whenever somebody presses Ctrl-C."""

import asyncio
import signal
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self, TypeVar

from lastday.model.errors import LastdayError

LOOPBACK = "127.0.0.1"
_START_S = 30.0
_END_S = 10.0
_POLL_S = 0.02
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

ResultT = TypeVar("ResultT")


class NotStarted(LastdayError):
    """A program that the demo needs did not come up."""

    code = "D201"


class Interruptions:
    """Ctrl-C, a closed terminal and a polite kill end the demo where it can end.

    Never between starting a program and knowing how to end it, and never while things are put away.
    """

    def __init__(self) -> None:
        self._before: dict[int, signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = {}
        self._held = 0
        self._pending = False
        self._over = False
        self._cancel: Callable[[], object] | None = None

    def __enter__(self) -> Self:
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._arrived)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """The handlers are those of before, except where all is put away: then the process ends in peace."""
        if not self._over:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside nothing is interrupted; what came meanwhile interrupts at the end."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self._pending and not self._held:
            raise KeyboardInterrupt

    def ignore(self) -> None:
        """From now on nothing interrupts: what was begun is put away, and the process is about to end."""
        self._held += 1
        self._over = True

    def run(self, work: Awaitable[ResultT]) -> ResultT:
        """What `work` returns; an interruption cancels it and waits until it has let go of everything."""
        try:
            return asyncio.run(self._cancellable(work))
        except asyncio.CancelledError as cancelled:
            raise KeyboardInterrupt from cancelled

    async def _cancellable(self, work: Awaitable[ResultT]) -> ResultT:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None, "asyncio.run made one"
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            return await work
        finally:
            self._cancel = None

    def _arrived(self, _number: int, _frame: FrameType | None) -> None:
        if self._held:
            self._pending = True
        elif self._cancel is not None:
            cancel, self._cancel = self._cancel, _already_ending
            cancel()
        else:
            raise KeyboardInterrupt


def _already_ending() -> None:
    """A second Ctrl-C does not cut off what the first one made end."""


def free_port() -> int:
    """A TCP port of this machine on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def launch(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """The program runs, in a session of its own: Ctrl-C is for us, and we end it in good order."""
    with log.open("ab") as out:
        return subprocess.Popen(  # noqa: S603 - our own programs, by their paths
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            cwd="/",
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )


def wait_until_it_listens(name: str, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """The program takes connections. Raises NotStarted with its last words."""
    until = time.monotonic() + _START_S
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > until:
            raise NotStarted(f"{name} did not start: {last_words(log)}", mend=f"Read {log}.")
        time.sleep(_POLL_S)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((LOOPBACK, port)) == 0


def last_words(log: Path) -> str:
    """The last line that a program wrote."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "it said nothing"


def end(process: subprocess.Popen[bytes]) -> None:
    """The program has ended."""
    if process.stdin is not None:
        process.stdin.close()
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
