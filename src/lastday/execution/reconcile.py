"""The loop that nobody has to start: what came due, what was delivered, what failed, and now and then everybody.

Each part reads stored state anew and may run again at any time. What brakes hold stays held, what needs an approval
waits for it; all else that the plan of a batch may do is done. A first load is left to whoever accepted it.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from lastday.configuration.settings import Mode, SourceSettings
from lastday.execution.applying import apply_plan
from lastday.execution.batching import batch_of
from lastday.execution.engine import Engine
from lastday.execution.intake import due_tick, read_source
from lastday.execution.policy_activation import activate_policy
from lastday.execution.proposal import propose
from lastday.execution.pushed_intake import read_again, take_in_pushes
from lastday.execution.source_watch import SourceWatch
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.case import Case, CaseState, Coverage
from lastday.model.errors import FirstLoadNotAccepted, HeldError, InputError, LastdayError, PlanStale
from lastday.model.finding import Finding, Severity
from lastday.model.ids import ApplicationName, Digest, IdentityId, PlanId, SourceName
from lastday.model.operation import OperationState
from lastday.store import batches, cases, feeds, findings, looking_again, operations
from lastday.store.database import Transaction
from lastday.store.leadership import Leadership
from lastday.store.pushes import PUSHED, sources_with_pending

logger = logging.getLogger(__name__)

BY = "serve"
SWEEP_EVERY = timedelta(hours=6)
RETRY_EVERY = timedelta(minutes=15)
_ATTEMPTS = 3
_PUSHED_AT_A_TIME = 20
_LEFT_TO_OTHERS = (CauseKind.FIRST_LOAD, CauseKind.SWEEP)
"""A first load is for its person to look at; a sweep belongs to whoever began it."""


async def reconcile_due(engine: Engine) -> tuple[PlanId, ...]:
    """Whoever's hour has come, and whatever else waits for a plan, is planned and pending; the plans."""
    await activate_policy(engine, BY)
    await due_tick(engine)
    return await plan_waiting(engine)


async def plan_waiting(engine: Engine) -> tuple[PlanId, ...]:
    """Each batch that waits for a plan has one, for its people, and what may go of it is pending."""
    async with engine.database.transaction() as tx:
        found = [await batches.load_batch(tx, batch) for batch in await batches.unplanned_batches(tx)]
        waiting = [batch for batch in found if batch is not None and batch.cause.kind not in _LEFT_TO_OTHERS]
        idle = [batch.id for batch in waiting if _people_of(batch) == ()]
        await batches.mark_planned(tx, idle, engine.clock.now())
    moving = [batch for batch in waiting if batch.id not in idle]
    return tuple([await _plan_and_apply(engine, batch, _people_of(batch)) for batch in moving])


def _people_of(batch: Batch) -> tuple[IdentityId, ...] | None:
    """Whom a batch is about; None for everybody: a new policy."""
    if batch.cause.kind is CauseKind.POLICY:
        return None
    return tuple(sorted({change.identity for change in batch.changes}))


async def _plan_and_apply(engine: Engine, batch: Batch, only: Sequence[IdentityId] | None) -> PlanId:
    """A plan that grows old between making and applying is made again."""
    for attempt in range(_ATTEMPTS):
        plan = (await propose(engine, batch, only)).plan.id
        try:
            await apply_plan(engine, plan, BY)
        except PlanStale:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return plan
    raise AssertionError("the last attempt returns or raises")


async def read_delivered(engine: Engine, watch: SourceWatch) -> tuple[SourceName, ...]:
    """Each source whose file was delivered anew is read; what stops one is a finding already. The sources taken in."""
    async with engine.database.transaction() as tx:
        last = {name: await _last_digest(tx, name) for name in engine.configuration.sources}
    known = {name: digest for name, digest in last.items() if digest is not None}
    now_s = asyncio.get_running_loop().time()
    delivered = await asyncio.to_thread(watch.delivered, engine.configuration.sources, known, now_s)
    return tuple([name for name in delivered if await _was_taken(engine, name)])


async def _last_digest(tx: Transaction, name: SourceName) -> Digest | None:
    history = await feeds.feed_history(tx, name, limit=1)
    return history[0].digest if history else None


async def _was_taken(engine: Engine, name: SourceName) -> bool:
    try:
        await read_source(engine, name)
    except (HeldError, InputError) as held:
        logger.warning("source not taken in", extra={"source": name, "code": held.code})
        return False
    return True


async def take_in_pushed(engine: Engine) -> tuple[SourceName, ...]:
    """Whatever clients pushed is taken in, but for first loads, which wait for a person; the sources taken in."""
    async with engine.database.transaction() as tx:
        waiting = await sources_with_pending(tx)
    pushed = {name: one for name, one in engine.configuration.sources.items() if one.is_pushed}
    for name in waiting:
        if name not in pushed:
            await _tell_once(engine, _nobodys(name))
    return tuple([name for name in waiting if name in pushed and await _took_in(engine, pushed[name])])


def _nobodys(name: SourceName) -> Finding:
    return Finding(
        code="S141",
        severity=Severity.WARNING,
        subject=f"source/{name}",
        detail=f"clients pushed changes to {name}, which the configuration no longer has as a pushed source; they wait",
        mend=f"Put [source.{name}] back until they are taken in, or see that these people come from another source.",
    )


async def read_pushed_again(engine: Engine) -> tuple[SourceName, ...]:
    """Every pushed user is read as the configuration has it now; the sources in which that changed somebody.

    A status that nothing mapped was refused when it came, and its client has no reason to send it again.
    """
    pushed = [settings for settings in engine.configuration.sources.values() if settings.is_pushed]
    return tuple([one.name for one in pushed if await read_again(engine, one) is not None])


async def _took_in(engine: Engine, settings: SourceSettings) -> bool:
    taken = False
    try:
        while await take_in_pushes(engine, settings) is not None:
            taken = True
    except FirstLoadNotAccepted as held:
        await _tell_once(engine, _waiting_for_a_person(settings.name, held))
    return taken


def _waiting_for_a_person(name: SourceName, held: FirstLoadNotAccepted) -> Finding:
    return Finding(
        code=held.code, severity=Severity.WARNING, subject=f"source/{name}", detail=held.what, mend=held.mend
    )


async def _tell_once(engine: Engine, finding: Finding) -> None:
    """The finding is open; clients go on pushing meanwhile, and the words need not follow each push."""
    async with engine.database.transaction() as tx:
        if not await findings.open_findings(tx, code=finding.code, subject=finding.subject):
            await findings.open_finding(tx, finding, engine.clock.now())


async def look_again(engine: Engine) -> tuple[IdentityId, ...]:
    """People on whom an effect may have landed after a newer decision are compared again; where that fails, later."""
    async with engine.database.transaction() as tx:
        due = await looking_again.take_due(tx, engine.clock.now())
        batch = await _open(engine, tx, "look again") if due else None
    if batch is None:
        return due
    looked = False
    try:
        await _plan_and_apply(engine, batch, due)
        looked = True
    finally:
        if not looked:
            await _note_again(engine, due)
    return due


async def _note_again(engine: Engine, people: Sequence[IdentityId]) -> None:
    at = engine.clock.now() + RETRY_EVERY
    async with engine.database.transaction() as tx:
        for identity in people:
            await looking_again.note(tx, identity, at, "the look failed")


async def retry_unfinished(engine: Engine, every: timedelta = RETRY_EVERY) -> tuple[IdentityId, ...]:
    """People in whose case something failed are planned again, not more often than `every`."""
    async with engine.database.transaction() as tx:
        if not await _is_time(engine, tx, "retry", every):
            return ()
        people = await _unfinished(engine, tx)
        batch = await _open(engine, tx, "retry") if people else None
    if batch is not None:
        await _plan_and_apply(engine, batch, people)
    return people


async def _unfinished(engine: Engine, tx: Transaction) -> tuple[IdentityId, ...]:
    """Whoever waits for a person (an approval, a task) is not among them: a new plan would not bring it nearer."""
    settings = engine.applications.settings
    observed = {name for name in engine.applications.names if settings[name].mode is Mode.OBSERVE}
    found = await cases.open_cases(tx)
    incomplete = [case for case in found if case.state is CaseState.INCOMPLETE or _was_never_planned(case)]
    waiting = await operations.operations_in_state(tx, (OperationState.WAITING,))
    for_approval = {stored.operation.identity for stored in waiting if stored.life.wake_at is None}
    return tuple(sorted({c.identity for c in incomplete if _failed(c, observed)} - for_approval))


def _was_never_planned(case: Case) -> bool:
    """Its batch had a plan that was lost before it was applied: nothing has ever been said of any application."""
    return case.state is CaseState.OPEN and all(value is Coverage.UNKNOWN for _, value in case.coverage)


def _failed(case: Case, observed: set[ApplicationName]) -> bool:
    """Something failed, or could not be read. An application that is only observed never has an answer."""
    return any(
        value in (Coverage.FAILED, Coverage.CONTRADICTED) or (value is Coverage.UNKNOWN and application not in observed)
        for application, value in case.coverage
    )


async def sweep(engine: Engine, every: timedelta = SWEEP_EVERY) -> PlanId | None:
    """Everybody is compared with everything, not more often than `every`, and not while a first load waits."""
    async with engine.database.transaction() as tx:
        found = [await batches.load_batch(tx, batch) for batch in await batches.unplanned_batches(tx)]
        first_load = any(batch is not None and batch.cause.kind is CauseKind.FIRST_LOAD for batch in found)
        if first_load or not await _is_time(engine, tx, "sweep", every):
            return None
        batch = await _open(engine, tx, "sweep")
    return await _plan_and_apply(engine, batch, None)


async def _is_time(engine: Engine, tx: Transaction, by: str, every: timedelta) -> bool:
    last = await batches.last_opened(tx, CauseKind.SWEEP, by)
    return last is None or engine.clock.now() - last >= every


async def _open(engine: Engine, tx: Transaction, by: str) -> Batch:
    now = engine.clock.now()
    batch = batch_of(Cause(kind=CauseKind.SWEEP, reference=now.isoformat(), by=by), (), now)
    await batches.save_batch(tx, batch, ())
    return batch


@dataclass(slots=True, kw_only=True)
class Reconciler:
    """Runs the loop beside a worker, one round at a time; of all processes on a database one does.

    What clients push begins a round at once. While one runs, more of it gathers for the next.
    """

    engine: Engine
    watch: SourceWatch = field(default_factory=SourceWatch)
    _round: asyncio.Task[None] | None = None
    _listening: asyncio.Task[None] | None = None
    _told: bool = False
    _read_again: bool = False
    _leads: bool = False
    _leadership: Leadership | None = None

    async def tick(self) -> None:
        """A round is running. Never waits for one, so that the worker's alarm is not held up."""
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        if self._round is not None:
            if not self._round.done():
                return
            self._round.result()
        self._round = asyncio.create_task(self._go_rounds())

    async def close(self) -> None:
        """No round is running, and another process may go on."""
        running = [task for task in (self._listening, self._round) if task is not None]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)
        if self._leadership is not None:
            await self._leadership.close()

    async def _listen(self) -> None:
        """Only where this process leads; how a round ended is for the tick to hear."""
        async for _ in self.engine.database.listen(PUSHED):
            self._told = True
            if self._leads and self._round is not None and self._round.done() and not self._round.exception():
                self._round = asyncio.create_task(self._take_pushed())

    async def _go_rounds(self) -> None:
        """One round, and what was pushed while it ran."""
        if self._leadership is None:
            self._leadership = Leadership(self.engine.database.url, "lastday reconciler")
        self._leads = await self._leadership.held()
        if self._leads:
            self._told = False
            await go_round(self.engine, self.watch)
            await self._read_pushed_again()
            await self._take_pushed()

    async def _read_pushed_again(self) -> None:
        """Once for each process: its configuration stays as it was read."""
        if not self._read_again:
            self._read_again = True
            await _alone("read again what was pushed", read_pushed_again(self.engine))
            await _alone("plan what waits", plan_waiting(self.engine))

    async def _take_pushed(self) -> None:
        """What was pushed is taken in and planned, again and again for a while: other parts have their turn, too."""
        for _ in range(_PUSHED_AT_A_TIME):
            if not self._told:
                return
            self._told = False
            await _alone("take in what is pushed", take_in_pushed(self.engine))
            await _alone("plan what waits", plan_waiting(self.engine))


async def go_round(engine: Engine, watch: SourceWatch) -> None:
    """Every part has had its turn. One that fails is tried again in the next round and holds up no other."""
    parts: tuple[tuple[str, Callable[[], Coroutine[object, object, object]]], ...] = (
        ("take in what is pushed", lambda: take_in_pushed(engine)),
        ("read delivered sources", lambda: read_delivered(engine, watch)),
        ("what is due", lambda: reconcile_due(engine)),
        ("look again", lambda: look_again(engine)),
        ("retry", lambda: retry_unfinished(engine)),
        ("sweep", lambda: sweep(engine)),
    )
    for name, part in parts:
        await _alone(name, part())


async def _alone(name: str, part: Coroutine[object, object, object]) -> None:
    """The part has ended, well or not. What it stumbles over, a fault of ours too, is told and stays with it."""
    task = asyncio.create_task(part)
    try:
        await asyncio.wait((task,))
    finally:
        task.cancel()
        await asyncio.wait((task,))
    fault = None if task.cancelled() else task.exception()
    if isinstance(fault, LastdayError):
        logger.warning("a part of the round failed", extra={"part": name, "code": fault.code})
    elif fault is not None:
        logger.error("a part of the round broke", extra={"part": name}, exc_info=fault)
