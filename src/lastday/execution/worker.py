"""A worker: drains lanes, wakes for what comes due, takes over from workers that are lost.

Procrastinate carries hints, never state: a lost hint costs a moment (the scan finds what is due), a double nothing.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from lastday.evidence.sequencer import Sequencer
from lastday.execution.engine import Engine
from lastday.execution.interpreter import run_operation, take_over
from lastday.model.ids import ApplicationName, OperationId
from lastday.store import operations, workers
from lastday.store.operations import Lane

logger = logging.getLogger(__name__)

DRAIN = "drain_lane"
QUEUE = "lanes"
CHANNEL = "lastday_due"
SLICE_S = 5.0
SCAN_S = 2.0
SEQUENCE_S = 1.0
STALLED_S = 15.0


async def hint_due(engine: Engine) -> None:
    """Every lane with something due gets a job; to be called after the commit, never inside a transaction."""
    async with engine.database.transaction() as tx:
        lanes = await operations.due_lanes(tx, engine.applications.lanes(), engine.clock.now())
    for lane, priority in lanes:
        await hint_lane(engine, lane, priority)


async def hint_lane(engine: Engine, lane: Lane, priority: int = 50) -> None:
    """The lane gets one waiting job; a second one is not needed."""
    name = f"{lane.application}/{lane.number}"
    await engine.jobs.defer(
        DRAIN,
        {"application": lane.application, "lane": lane.number},
        lock=name,
        queueing_lock=name,
        priority=100 - priority,
        queue=QUEUE,
    )


async def drain_lane(engine: Engine, lane: Lane) -> None:
    """The lane's due operations are carried on, the most urgent first, for at most one slice."""
    lanes = engine.applications.lanes()[lane.application]
    loop = asyncio.get_running_loop()
    until = loop.time() + SLICE_S
    while loop.time() < until:
        async with engine.database.transaction() as tx:
            now = engine.clock.now()
            operation = await operations.most_urgent(tx, lane, lanes, now)
            wake = await operations.next_wake(tx, lane, lanes) if operation is None else None
        if operation is not None:
            await run_operation(engine, operation)
        elif wake is None or wake - now > timedelta(seconds=1):
            return
        else:
            await asyncio.sleep(max((wake - now).total_seconds(), 0.005))
    await hint_lane(engine, lane)


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
        self._register()
        slots = max(self.concurrency, 4 * max(self.engine.applications.lanes().values(), default=1))
        async with asyncio.TaskGroup() as group:
            group.create_task(self.engine.jobs.work([QUEUE], slots, stop))
            background = [
                group.create_task(part)
                for part in (self._keep_alive(), self._watch(), self._sequence(), self._listen())
            ]
            await stop.wait()
            for task in background:
                task.cancel()
        await self.sequencer.run_once()

    def _register(self) -> None:
        async def drain(application: str, lane: int) -> None:
            await drain_lane(self.engine, Lane(ApplicationName(application), lane))

        self.engine.jobs.task(DRAIN)(drain)

    async def _keep_alive(self) -> None:
        async with workers.presence(self.engine.database, self.engine.worker):
            while True:
                await workers.beat(self.engine.database, self.engine.worker)
                await self._take_over_lost()
                await self.engine.jobs.rescue_stalled(STALLED_S)
                await asyncio.sleep(SCAN_S)

    async def _take_over_lost(self) -> None:
        """What lost workers were acting on is uncertain: it is read before anything else happens."""
        for operation in await _orphaned(self.engine):
            logger.warning("operation of a lost worker taken over", extra={"operation": operation})
            await take_over(self.engine, operation)

    async def _watch(self) -> None:
        """The alarm: sleeps until something comes due, a notification nudges, or the scan time is over."""
        while True:
            for tick in self.ticks:
                await tick()
            await hint_due(self.engine)
            async with self.engine.database.transaction() as tx:
                wake = await operations.earliest_wake(tx)
            wait = SCAN_S if wake is None else (wake - self.engine.clock.now()).total_seconds()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), min(max(wait, 0.02), SCAN_S))
            self._nudge.clear()

    async def _listen(self) -> None:
        async for _ in self.engine.database.listen(CHANNEL):
            self._nudge.set()

    async def _sequence(self) -> None:
        while True:
            await self.sequencer.run_once()
            await asyncio.sleep(SEQUENCE_S)


async def _orphaned(engine: Engine) -> tuple[OperationId, ...]:
    async with engine.database.transaction() as tx:
        holders = await operations.acting_holders(tx)
        lost = [
            holder
            for holder in holders
            if holder != engine.worker and not await workers.is_alive(tx, holder, STALLED_S)
        ]
        return await operations.acting_of(tx, lost)
