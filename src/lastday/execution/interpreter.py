"""The shell around the machine: it carries scripts out step by step and decides nothing."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import assert_never

from lastday.connectors.sdk.ports import Exchange
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution import casework, judging, reading_back
from lastday.execution.calling import call_connector
from lastday.execution.engine import Boundary, Engine
from lastday.execution.exchanges import collected_exchanges
from lastday.execution.hand_work import open_hand_task
from lastday.execution.machine import (
    Adopt,
    AdvanceCase,
    Again,
    Answered,
    Append,
    Begin,
    Call,
    Commit,
    Due,
    Event,
    Fence,
    HandConfirmed,
    HolderLost,
    Judge,
    Lease,
    LookAgain,
    NotReached,
    Observed,
    OpenFinding,
    Read,
    Record,
    Save,
    Script,
    Step,
    advance,
)
from lastday.execution.records import outcome_record, verification_record
from lastday.execution.subjects import close_about, finding_subject
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.canonical import JsonValue
from lastday.model.finding import Finding
from lastday.model.ids import NativeId, OperationId
from lastday.model.operation import OperationState
from lastday.store import findings, operations
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation


class _Abandoned(Exception):
    """Somebody else has moved this operation on; this script ends without effect."""


async def run_operation(engine: Engine, operation: OperationId, event: Event | None = None) -> OperationState | None:
    """The operation was carried as far as it goes now; its state, or None where it is not ours to carry.

    Idempotent: running it again, or in two processes at once, has no further effect. Raises DatabaseLost and
    DatabaseBusy; where it was acting then, it is found by `worker.orphaned`.
    """
    if operation in engine.running:
        return None
    engine.running.add(operation)
    try:
        async with engine.database.at_once() as tx:
            stored = await operations.load_operation(tx, operation)
        return None if stored is None else await _Run(engine=engine, stored=stored).carry(event or Due())
    finally:
        engine.running.discard(operation)


@dataclass(slots=True, kw_only=True)
class _Run:
    engine: Engine
    stored: StoredOperation
    generation: int = 0
    transaction: AsyncExitStack = field(default_factory=AsyncExitStack)
    tx: Transaction | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    seen: reading_back.SeenBack | None = None
    known: Attributes = NO_ATTRIBUTES
    """What the inventory last saw of the account."""
    brought: NativeId | None = None
    """The id that a create brought; stored with the outcome."""

    async def carry(self, event: Event | None) -> OperationState | None:
        """What goes wrong inside a transaction goes through it, so that it is rolled back and named."""
        try:
            with collected_exchanges() as self.exchanges:
                async with self.transaction:
                    while event is not None:
                        event = await self._interpret(self._script(event))
                    self._refuse_unfinished()
        except _Abandoned:
            return None
        return self.stored.life.state

    def _refuse_unfinished(self) -> None:
        """A script that ends without Commit has no effect."""
        if self.tx is not None:
            raise _Abandoned

    def _script(self, event: Event) -> Script:
        terms = self.engine.applications.terms(self.stored.operation.application)
        return advance(self.stored.operation, self.stored.life, event, self.engine.clock.now(), terms)

    async def _interpret(self, script: Script) -> Event | None:
        for step in script:
            event = await self._step(step)
            if event is not None:
                return event
        return None

    async def _step(self, step: Step) -> Event | None:  # noqa: C901, PLR0912 - one arm for each step of the machine
        match step:
            case Begin():
                await self._begin()
            case Lease():
                await self._lease()
            case Fence():
                await self._fence()
            case Judge():
                return await self._judge()
            case Append():
                await self._append(step)
            case Save():
                await self._save(step)
            case Adopt():
                await self._adopt()
            case OpenFinding():
                await self._open_finding(step)
            case AdvanceCase():
                await casework.advance_case(self.engine, self._open, self.stored.case)
            case LookAgain():
                await casework.look_again(
                    self._open, self.stored.operation.identity, step.at, "an effect may still land"
                )
            case Commit():
                await self._commit()
            case Call():
                return await self._call()
            case Read():
                return await self._read()
            case Again():
                return Due()
            case _:
                assert_never(step)
        return None

    @property
    def _open(self) -> Transaction:
        assert self.tx is not None, "a script writes only between Begin and Commit"
        return self.tx

    async def _begin(self) -> None:
        self.tx = await self.transaction.enter_async_context(self.engine.database.transaction())
        fresh = await operations.load_operation(self.tx, self.stored.operation.id)
        if fresh is None or fresh.life != self.stored.life:
            raise _Abandoned

    async def _lease(self) -> None:
        o = self.stored.operation
        if self.stored.life.state is OperationState.ACTING:
            self.generation = await operations.break_lease(self._open, o.application, o.identity, self.engine.worker)
            return
        generation = await operations.take_lease(self._open, o.application, o.identity, self.engine.worker)
        if generation is None:
            raise _Abandoned
        self.generation = generation

    async def _fence(self) -> None:
        o = self.stored.operation
        if not await operations.lease_holds(self._open, o.application, o.identity, self.generation):
            raise _Abandoned

    async def _judge(self) -> Event:
        judged, account = await judging.judge(self.engine, self._open, self.stored)
        self.known = account.observed.attributes if account is not None else NO_ATTRIBUTES
        if account is not None and self.stored.operation.native_id is None:
            await self._note_native_id(account.native_id)
        return judged

    async def _note_native_id(self, native_id: NativeId) -> None:
        await operations.set_native_id(self._open, self.stored.operation.id, native_id)
        self.stored = replace(self.stored, operation=replace(self.stored.operation, native_id=native_id))

    async def _append(self, step: Append) -> None:
        o, life = self.stored.operation, self.stored.life
        body: dict[str, JsonValue] = {
            "operation": o.id,
            "application": o.application,
            "verb": o.verb.value,
            "entitlement": o.entitlement,
            "native_id": o.native_id,
            "attempt": life.attempts + (1 if step.record is Record.INTENT else 0),
            "detail": step.detail,
            "plan": self.stored.plan,
            "connector": self.engine.applications.settings[o.application].connector,
        }
        if step.outcome is not None:
            body["outcome"] = outcome_record(step.outcome)
            await operations.note_outcome(self._open, o.id, life.attempts, step.outcome)
        if step.verification is not None:
            body["verification"] = verification_record(step.verification)
            await operations.note_observation(self._open, o.id, step.verification)
        draft = EntryDraft(
            kind=EntryKind(step.record.value),
            at=self.engine.clock.now(),
            body=body,
            case=self.stored.case,
            operation=o.id,
            batch=self.stored.batch,
            plan=self.stored.plan,
            identity=o.identity,
        )
        entry = await append(self._open, draft, self.engine.stamp)
        await operations.note_entry(self._open, o.id, step.record.value, entry)

    async def _save(self, step: Save) -> None:
        holder = self.engine.worker if step.life.state is OperationState.ACTING else None
        operation = self.stored.operation.id
        if step.life.state is OperationState.ACTING:
            await operations.note_attempt(self._open, operation, step.life.attempts, self.engine.clock.now())
        if step.life.state is OperationState.MANUAL:
            await open_hand_task(self.engine, self._open, self.stored.operation)
        if self.brought is not None:
            await self._note_native_id(self.brought)
            self.brought = None
        if step.life.state.counts_for_milestones:
            await close_about(self._open, self.stored.operation, self.engine.clock.now())
        await operations.save_life(self._open, operation, step.life, holder)
        self.stored = replace(self.stored, life=step.life, holder=holder)

    async def _adopt(self) -> None:
        """The inventory shows what was read; an account that only the search knew has its native id from now on."""
        found = self.seen.account if self.seen is not None else None
        if found is not None and self.stored.operation.native_id is None:
            await self._note_native_id(found.native_id)
        await reading_back.adopt(self.engine, self._open, self.stored, self.seen)

    async def _open_finding(self, step: OpenFinding) -> None:
        o = self.stored.operation
        settings = self.engine.applications.settings[o.application]
        now = self.engine.clock.now()
        finding = Finding(
            code=step.code,
            severity=step.severity,
            subject=finding_subject(o),
            detail=step.detail,
            mend="See the operation, mend the cause, then plan again.",
            owner=settings.owner,
            deadline=now + settings.deadline if settings.deadline else None,
        )
        await findings.open_finding(self._open, finding, now)

    async def _commit(self) -> None:
        concluding = self.stored.life.state is OperationState.ACCEPTED
        await self._keep_exchanges()
        if concluding:
            self.engine.reached(Boundary.BEFORE_OUTCOME_COMMIT, self.stored.operation.id)
        self.tx = None
        await self.transaction.aclose()
        self.engine.moved.set()
        if concluding:
            self.engine.reached(Boundary.AFTER_COMMIT, self.stored.operation.id)
        if self.stored.life.state is OperationState.ACTING:
            self.engine.reached(Boundary.AFTER_INTENT, self.stored.operation.id)

    async def _keep_exchanges(self) -> None:
        await operations.note_exchanges(self._open, self.stored.operation.id, self.engine.clock.now(), self.exchanges)
        self.exchanges.clear()

    async def _call(self) -> Answered | NotReached:
        operation = self.stored.operation
        self.engine.reached(Boundary.BEFORE_CALL, operation.id)
        answer = await call_connector(self.engine.applications, operation, self.stored.life)
        self.engine.reached(Boundary.AFTER_EFFECT, operation.id)
        if isinstance(answer, Answered) and operation.native_id is None:
            self.brought = answer.outcome.native_id
        return answer

    async def _read(self) -> Event:
        if self.stored.life.state is OperationState.VERIFIED:
            self.engine.reached(Boundary.BEFORE_SETTLE, self.stored.operation.id)
        self.seen = await reading_back.read_back(self.engine, self.stored, self.known)
        self.engine.reached(Boundary.AFTER_VERIFY, self.stored.operation.id)
        return Observed(self.seen.verification)


async def confirm_by_hand(engine: Engine, operation: OperationId, *, by: str, detail: str) -> OperationState | None:
    """A person says that it is done: who, when, and what they saw."""
    return await run_operation(engine, operation, HandConfirmed(by=by, detail=detail))


async def take_over(engine: Engine, operation: OperationId) -> OperationState | None:
    """An operation whose worker is lost is read and carried on."""
    return await run_operation(engine, operation, HolderLost())


async def postpone(engine: Engine, operation: OperationId, wait: timedelta) -> None:
    """An operation that this program stumbled over is not looked at for so long; others go on meanwhile."""
    async with engine.database.transaction() as tx:
        await operations.postpone(tx, operation, engine.clock.now() + wait)
