"""A worker: drains lanes, wakes for what comes due, takes over from workers that are lost.

Procrastinate carries hints, never state: a lost hint costs a moment (the scan finds what is due), a double nothing.
A database that is lost or busy is waited for: nothing here ends because of it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from lastday.evidence.sequencer import Sequencer
from lastday.execution.engine import Engine
from lastday.execution.interpreter import postpone, run_operation, take_over
from lastday.model.ids import ApplicationName, OperationId
from lastday.store import operations, workers
from lastday.store.database import DatabaseBusy, DatabaseLost
from lastday.store.jobs import Hint
from lastday.store.operations import Lane

logger = logging.getLogger(__name__)

DRAIN = "drain_lane"
QUEUE = "lanes"
CHANNEL = "lastday_due"
SLICE_S = 5.0
SCAN_S = 2.0
SEQUENCE_S = 1.0
AGAIN_S = 0.5
STUMBLED = timedelta(seconds=30)
"""So long an operation rests over which this program stumbled, so that it does not keep its lane from the others."""


async def hint_due(engine: Engine) -> None:
    """Every lane with something due gets a job; to be called after the commit, never inside a transaction."""
    async with engine.database.at_once() as tx:
        lanes = await operations.due_lanes(tx, engine.applications.lanes(), engine.clock.now())
    await engine.jobs.defer_many(QUEUE, DRAIN, [_hint(lane, priority) for lane, priority in lanes])


async def hint_lane(engine: Engine, lane: Lane, priority: int = 50) -> None:
    """The lane gets one waiting job; a second one is not needed."""
    await engine.jobs.defer_many(QUEUE, DRAIN, [_hint(lane, priority)])


def _hint(lane: Lane, priority: int) -> Hint:
    return Hint(
        args={"application": lane.application, "lane": lane.number},
        lock=f"{lane.application}/{lane.number}",
        priority=100 - priority,
    )


async def drain_lane(engine: Engine, lane: Lane, stop: asyncio.Event) -> None:
    """The lane's due operations are carried on, the most urgent first, for one slice or until `stop` is set.

    Where the database is lost or busy the lane is left: the scan finds it again.
    """
    try:
        unfinished = await _drain(engine, lane, stop)
        if unfinished and not stop.is_set():
            await hint_lane(engine, lane)
    except (DatabaseLost, DatabaseBusy) as fault:
        logger.warning("lane left for now", extra={"lane": f"{lane.application}/{lane.number}", "cause": fault.code})


async def _drain(engine: Engine, lane: Lane, stop: asyncio.Event) -> bool:
    """True where the slice ended before the lane was empty."""
    loop = asyncio.get_running_loop()
    until = loop.time() + SLICE_S
    while loop.time() < until and not stop.is_set():
        operation, wait_s = await _next(engine, lane)
        if operation is not None:
            if not await _run(engine, operation):
                return False  # somebody else is at it
        elif wait_s is None or not 0 < wait_s <= 1:
            return False
        else:
            await _sleep(stop, max(wait_s, 0.005))
    return True


async def _next(engine: Engine, lane: Lane) -> tuple[OperationId | None, float | None]:
    """What to do now, or else in how many seconds something comes due; None for never."""
    lanes = engine.applications.lanes()[lane.application]
    async with engine.database.at_once() as tx:
        now = engine.clock.now()
        operation = await operations.most_urgent(tx, lane, lanes, now)
        wake = await operations.next_wake(tx, lane, lanes) if operation is None else None
    return operation, None if wake is None else (wake - now).total_seconds()


async def _run(engine: Engine, operation: OperationId) -> bool:
    """Whether the operation was ours to carry on. One that we stumble over, by a fault of ours, rests for a while."""
    through = False
    try:
        state = await run_operation(engine, operation)
        through = True
    except (DatabaseLost, DatabaseBusy):
        through = True
        raise
    finally:
        if not through:
            await postpone(engine, operation, STUMBLED)
    return state is not None


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # Python 3.11's wait_for loses a cancellation that comes with the event
            await stop.wait()


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works until it is told to stop. Any number of workers share one database."""

    engine: Engine
    sequencer: Sequencer
    concurrency: int
    ticks: tuple[Callable[[], Awaitable[None]], ...] = ()
    """Done once every scan: due people, sweeps. Empty where the worker only carries out a plan."""
    _nudge: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set and what was begun has been finished."""
        self._register(stop)
        slots = max(self.concurrency, 4 * max(self.engine.applications.lanes().values(), default=1))
        parts = (self._keep_alive, self._watch, self._sequence, self._listen, self.engine.keep_database)
        async with asyncio.TaskGroup() as group:
            background = [group.create_task(_patiently(part)) for part in parts]
            try:
                await self.engine.jobs.work([QUEUE], slots, stop)
            finally:
                await _end(background)
        await self._say_goodbye()

    def _register(self, stop: asyncio.Event) -> None:
        async def drain(application: str, lane: int) -> None:
            await drain_lane(self.engine, Lane(ApplicationName(application), lane), stop)

        self.engine.jobs.task(DRAIN)(drain)

    async def _say_goodbye(self) -> None:
        """Off the list, the evidence numbered. A database that is lost just now is told neither: others see to it."""
        try:
            await workers.leave(self.engine.database, self.engine.worker)
            await self.sequencer.run_once()
        except (DatabaseLost, DatabaseBusy) as fault:
            logger.warning("the worker left without a word", extra={"cause": fault.code})

    async def _keep_alive(self) -> None:
        liveness = self.engine.liveness
        while True:
            await workers.beat(self.engine.database, self.engine.worker)
            await self._take_over_lost()
            await self.engine.jobs.rescue_stalled(liveness.stalled_s)
            await asyncio.sleep(liveness.beat_s)

    async def _take_over_lost(self) -> None:
        """What lost workers were acting on is uncertain: it is read before anything else happens."""
        for operation in await orphaned(self.engine):
            logger.warning("operation of a lost worker taken over", extra={"operation": operation})
            await take_over(self.engine, operation)

    async def _watch(self) -> None:
        """The alarm: sleeps until something comes due, a notification nudges, or the scan time is over."""
        while True:
            self._nudge.clear()
            for tick in self.ticks:
                await tick()
            await hint_due(self.engine)
            async with self.engine.database.at_once() as tx:
                now = self.engine.clock.now()
                wake = await operations.earliest_wake(tx, after=now)
            wait = SCAN_S if wake is None else (wake - now).total_seconds()
            await _sleep(self._nudge, min(max(wait, 0.02), SCAN_S))

    async def _listen(self) -> None:
        async for _ in self.engine.database.listen(CHANNEL):
            self._nudge.set()

    async def _sequence(self) -> None:
        while True:
            await self.sequencer.run_once()
            await asyncio.sleep(SEQUENCE_S)


async def _patiently(part: Callable[[], Awaitable[None]]) -> None:
    """The part runs for ever: a database that is lost or busy begins it anew."""
    while True:
        try:
            await part()
        except (DatabaseLost, DatabaseBusy) as fault:
            logger.warning("a part of the worker waits for the database", extra={"cause": fault.code})
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """None of the tasks runs any more. One may take a cancellation for a query that the server gave up, and go on: it
    is told again.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=AGAIN_S)


async def orphaned(engine: Engine) -> tuple[OperationId, ...]:
    """Operations that somebody began to act on and nobody acts on: their worker is lost, or is us and stumbled."""
    async with engine.database.transaction() as tx:
        holders = await operations.acting_holders(tx)
        living = await workers.alive(tx, engine.liveness.stalled_s)
        lost = [holder for holder in holders if holder not in living or holder == engine.worker]
        found = await operations.acting_of(tx, lost)
    return tuple(operation for operation in found if operation not in engine.running)
