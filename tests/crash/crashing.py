"""`lastday` with a fail point: the process kills itself, as kill -9 does, when it comes to a boundary the n-th time.

    python -m tests.crash.crashing apply PLAN --wait      with CRASH_AT=after_effect CRASH_ON=3

With CRASH_HOW=stumble it raises there what nobody expects, as a fault of ours would, and the process lives on. It is
the real composition and the real command; only what happens at a boundary, and how soon a silent worker counts as lost,
are the test's.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from lastday.app import Composition
from lastday.execution.engine import Boundary
from lastday.execution.liveness import Liveness
from lastday.execution.worker import Worker
from lastday.interfaces.cli.main import run

QUICK = Liveness(beat_s=0.5, fresh_s=2.0, stalled_s=4.0)


class Stumbled(Exception):
    """What a fault of ours would raise: no part of the program knows of it."""


class FailPoint:
    """Ends the process without a word on the n-th arrival at the boundary, or stumbles there."""

    def __init__(self, boundary: Boundary, on: int, *, dies: bool) -> None:
        self.boundary = boundary
        self.left = on
        self.dies = dies

    def __call__(self, boundary: Boundary, subject: str) -> None:
        if boundary is self.boundary:
            self.left -= 1
            if self.left == 0 and not self.dies:
                raise Stumbled
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


async def only_work(composition: Composition, configuration: Path) -> None:
    """A worker that carries out what is applied and makes no plans of its own, as `lastday worker` would."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with composition.open(configuration) as session:
        await Worker(engine=session.engine, sequencer=session.sequencer, concurrency=32).run(stop)


def main() -> None:
    """The command of this process, or `only-work`, with the fail point that the environment names."""
    composition = Composition(dict(os.environ))
    composition.liveness = QUICK
    if "CRASH_AT" in os.environ:
        dies = os.environ.get("CRASH_HOW") != "stumble"
        composition.reached = FailPoint(Boundary(os.environ["CRASH_AT"]), int(os.environ["CRASH_ON"]), dies=dies)
    if sys.argv[1] == "only-work":
        asyncio.run(only_work(composition, Path(sys.argv[-1])))
    else:
        run(composition)


if __name__ == "__main__":
    main()
