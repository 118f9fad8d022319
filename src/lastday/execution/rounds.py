"""One round of the loop: what is due becomes a batch, a plan is made for it, and, where asked, carried out."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lastday.evidence.sequencer import Sequencer
from lastday.execution.batching import batch_of
from lastday.execution.engine import Engine
from lastday.execution.intake import due_tick
from lastday.execution.policy_activation import activate_policy
from lastday.execution.proposal import Proposed, propose
from lastday.execution.worker import Worker, hint_due
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.ids import IdentityId, OperationId
from lastday.model.operation import OperationState
from lastday.store import batches, operations, workers
from lastday.store.operations import StoredOperation

FRESH_S = 10.0
SOON = timedelta(seconds=90)
"""What is due within this time is waited for; what is due later rests until its hour."""
CONCURRENCY = 32


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

    Where another worker's heartbeat is fresh this only watches; otherwise it works itself.
    """
    async with engine.database.transaction() as tx:
        others = await workers.alive(tx, FRESH_S)
    if others:
        await hint_due(engine)
        return await _watch(engine, goal, progress)
    stop = asyncio.Event()
    worker = asyncio.create_task(Worker(engine=engine, sequencer=sequencer, concurrency=CONCURRENCY).run(stop))
    try:
        watching = asyncio.create_task(_watch(engine, goal, progress))
        await asyncio.wait({worker, watching}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            watching.cancel()
            await worker
        return await watching
    finally:
        stop.set()
        await worker


async def _watch(
    engine: Engine, goal: Goal, progress: Callable[[Sequence[StoredOperation]], None]
) -> tuple[StoredOperation, ...]:
    """Only what has not come as far as the goal is read again; all of it once more at the end."""
    seen: dict[OperationId, StoredOperation] = {}
    moving: tuple[OperationId, ...] = goal.operations
    while True:
        async with engine.database.transaction() as tx:
            seen |= {one.operation.id: one for one in await operations.load_operations(tx, moving)}
        progress(tuple(seen.values()))
        moving = tuple(one for one in moving if one in seen and not goal.reached_by(seen[one], engine))
        if not moving:
            break
        await asyncio.sleep(0.1)
    async with engine.database.transaction() as tx:
        return await operations.load_operations(tx, goal.operations)
