"""One round of the loop: what is due becomes a batch, a plan is made for it, and, where asked, carried out."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from lastday.evidence.sequencer import Sequencer
from lastday.execution.batching import batch_of
from lastday.execution.engine import Engine
from lastday.execution.intake import due_tick
from lastday.execution.policy_activation import activate_policy
from lastday.execution.proposal import Proposed, propose
from lastday.execution.worker import Worker
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.ids import IdentityId, OperationId
from lastday.model.operation import OperationState
from lastday.store import batches, operations, workers
from lastday.store.database import DatabaseBusy, DatabaseLost
from lastday.store.operations import StoredOperation

SOON = timedelta(seconds=90)
"""What is due within this time is waited for; what is due later rests until its hour."""
CONCURRENCY = 32
LOOK_S = 0.25
LOST_S = 120.0


async def make_plan(engine: Engine, by: str, only: Sequence[IdentityId] | None = None) -> Proposed:
    """A plan over everybody, or over these people, from fresh readings; policy and clock have had their say before."""
    activated = await activate_policy(engine, by)
    due = await due_tick(engine)
    batch = await _batch_to_plan(engine, by, activated or due)
    return await propose(engine, batch, only)


async def _batch_to_plan(engine: Engine, by: str, newest: Batch | None) -> Batch:
    """The one batch that waits for a plan; a sweep where there is none, or several to be planned together."""
    async with engine.database.transaction() as tx:
        waiting = await batches.unplanned_batches(tx)
        if len(waiting) == 1:
            only = await batches.load_batch(tx, waiting[0])
            if only is not None:
                return only
        if newest is not None and not waiting:
            return newest
        now = engine.clock.now()
        reference = "+".join(waiting) or now.isoformat()
        sweep = batch_of(Cause(kind=CauseKind.SWEEP, reference=reference, by=by), (), now)
        if await batches.load_batch(tx, sweep.id) is None:
            await batches.save_batch(tx, sweep, ())
        return sweep


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """Until when to work on a plan's operations."""

    operations: tuple[OperationId, ...]
    verified_is_enough: bool

    def reached_by(self, stored: StoredOperation, engine: Engine) -> bool:
        life = stored.life
        if life.state.rests or (self.verified_is_enough and life.state is OperationState.VERIFIED):
            return True
        if life.state is not OperationState.WAITING:
            return False
        return life.wake_at is None or life.wake_at - engine.clock.now() > SOON


async def work_until(
    engine: Engine, sequencer: Sequencer, goal: Goal, progress: Callable[[Sequence[StoredOperation]], None]
) -> tuple[StoredOperation, ...]:
    """The operations have come as far as the goal; as they stand then.

    Where another worker's heartbeat is fresh this only watches; where there is none, or the last one falls silent, it
    works itself. Raises DatabaseLost where the database stays away.
    """
    watch = _Watch(engine=engine, goal=goal, progress=progress)
    while not await watch.look_patiently():
        if await _is_alone(engine):
            await _work(engine, sequencer, watch)
        else:
            await watch.wait()
    return watch.stored()


async def watch_until(engine: Engine, goal: Goal) -> tuple[StoredOperation, ...]:
    """The operations have come as far as the goal, by whoever works. Raises DatabaseLost where it stays away."""
    watch = _Watch(engine=engine, goal=goal, progress=lambda _: None)
    await watch.until_reached()
    return watch.stored()


async def goes_on(engine: Engine) -> bool:
    """Another worker is there to carry on what this process leaves."""
    return bool(await _others(engine))


async def _others(engine: Engine) -> tuple[str, ...]:
    async with engine.database.transaction() as tx:
        fresh = await workers.alive(tx, engine.liveness.fresh_s)
    return tuple(worker for worker in fresh if worker != engine.worker)


async def _is_alone(engine: Engine) -> bool:
    """Nobody else works; while the database is away nobody knows, and the answer is no."""
    try:
        return not await _others(engine)
    except (DatabaseLost, DatabaseBusy):
        return False


async def _work(engine: Engine, sequencer: Sequencer, watch: "_Watch") -> None:
    """Works until the goal is reached; what was begun is finished before it returns, cancelled or not."""
    stop = asyncio.Event()
    worker = asyncio.create_task(Worker(engine=engine, sequencer=sequencer, concurrency=CONCURRENCY).run(stop))
    watching = asyncio.create_task(watch.until_reached())
    try:
        await asyncio.wait({worker, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            await watching
    finally:
        watching.cancel()
        stop.set()
        await worker


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Looks at operations until each has come as far as the goal; asks again only for those that have not."""

    engine: Engine
    goal: Goal
    progress: Callable[[Sequence[StoredOperation]], None]
    _seen: dict[OperationId, StoredOperation] = field(default_factory=dict)
    _reached: set[OperationId] = field(default_factory=set)
    _lost_since: float | None = None

    async def until_reached(self) -> None:
        """Every operation has come as far as the goal. Raises DatabaseLost where the database stays away."""
        while not await self.look_patiently():
            await self.wait()

    async def look_patiently(self) -> bool:
        """As `look`; False where the database is away just now. Raises DatabaseLost after `LOST_S` without it."""
        now = asyncio.get_running_loop().time()
        try:
            reached = await self.look()
        except (DatabaseLost, DatabaseBusy):
            self._lost_since = self._lost_since or now
            if now - self._lost_since > LOST_S:
                raise
            return False
        self._lost_since = None
        return reached

    async def look(self) -> bool:
        """Whether every operation has come as far as the goal."""
        self.engine.moved.clear()
        open_ones = [operation for operation in self.goal.operations if operation not in self._reached]
        async with self.engine.database.at_once() as tx:
            fresh = await operations.load_operations(tx, open_ones)
        self._seen |= {stored.operation.id: stored for stored in fresh}
        self._reached |= {s.operation.id for s in fresh if self.goal.reached_by(s, self.engine)}
        self.progress(self.stored())
        return all(stored.operation.id in self._reached for stored in fresh)

    async def wait(self) -> None:
        """Something moved here, or it is time to look what others moved."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.engine.moved.wait(), LOOK_S)
        pending = len(self.goal.operations) - len(self._reached)
        await asyncio.sleep(min(pending / 1000, LOOK_S))  # many are looked at less often

    def stored(self) -> tuple[StoredOperation, ...]:
        return tuple(self._seen[operation] for operation in self.goal.operations if operation in self._seen)
