"""The shell of the simulation: it carries out the machine's scripts step by step and can be cut off at any of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, assert_never

from lastday.execution import machine
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
    Step,
)
from lastday.model.account import Correlation, ObservedAccount
from lastday.model.errors import ConnectorError, RateLimited
from lastday.model.ids import ApplicationName, NativeId, OperationId
from lastday.model.operation import OperationState, Verb
from sim.application import SimulatedApplication
from sim.company import terms_of
from sim.judging import judged
from sim.memory import Entry, Kept, Memory
from sim.reading import read_back


class House(Protocol):
    """What a run needs of the world."""

    memory: Memory
    applications: dict[ApplicationName, SimulatedApplication]
    now: datetime


class Abandoned(Exception):
    """Somebody else has moved this operation on; the script ends without effect."""


@dataclass(slots=True, kw_only=True)
class Run:
    """One worker carrying one operation. `steps` yields before each step; whoever drops it plays the crash."""

    house: House
    operation: OperationId
    stored: Kept
    began_at: datetime
    generation: int = 0
    draft: Memory | None = None
    seen: ObservedAccount | None = None
    brought: NativeId | None = None
    steps: Iterator[Step] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = self._carry(HolderLost() if self.stored.life.state is OperationState.ACTING else Due())

    @property
    def in_transaction(self) -> bool:
        return self.draft is not None

    def _carry(self, event: Event | None) -> Iterator[Step]:
        while event is not None:
            operation = self.stored.operation
            terms = terms_of(operation.application)
            script = machine.advance(operation, self.stored.life, event, self.house.now, terms)
            event = None
            for step in script:
                yield step
                try:
                    event = self._step(step)
                except Abandoned:
                    self.draft = None
                    return
                if event is not None:
                    break

    def _step(self, step: Step) -> Event | None:  # noqa: C901, PLR0912 - one arm for each step of the machine
        match step:
            case Begin():
                self._begin()
            case Lease():
                self._lease()
            case Fence():
                self._fence()
            case Judge():
                return self._judge()
            case Append():
                self._append(step)
            case Save():
                self._save(step)
            case Adopt():
                self._adopt()
            case OpenFinding():
                self._open.findings[step.code, self.operation] = self.house.now
            case AdvanceCase():
                pass  # cases only count; nothing is decided by them
            case LookAgain():
                self._open.note_look_again(self.stored.operation.identity, step.at)
            case Commit():
                self.house.memory, self.draft = self._open, None
            case Call():
                return self._call()
            case Read():
                return self._read()
            case Again():
                return Due()
            case _:
                assert_never(step)
        return None

    @property
    def _open(self) -> Memory:
        assert self.draft is not None, "a script writes only between Begin and Commit"
        return self.draft

    def _begin(self) -> None:
        self.draft = self.house.memory.copy()
        fresh = self.draft.operations.get(self.operation)
        if fresh is None or fresh.life != self.stored.life:
            raise Abandoned

    def _lease(self) -> None:
        o = self.stored.operation
        busy = self._open.acting(o.application, o.identity)
        if busy and self.stored.life.state is not OperationState.ACTING:
            raise Abandoned
        self.generation = self._open.leases.get((o.application, o.identity), 0) + 1
        self._open.leases[o.application, o.identity] = self.generation

    def _fence(self) -> None:
        o = self.stored.operation
        if self._open.leases.get((o.application, o.identity)) != self.generation:
            raise Abandoned

    def _judge(self) -> Event:
        application = self.house.applications[self.stored.operation.application]
        answer, native_id = judged(self._open, self.stored, application, self.house.now)
        if native_id is not None and self.stored.operation.native_id is None:
            self._note_native_id(native_id)
        return answer

    def _note_native_id(self, native_id: NativeId) -> None:
        self._keep(replace(self.stored, operation=replace(self.stored.operation, native_id=native_id)))

    def _keep(self, stored: Kept) -> None:
        self.stored = stored
        self._open.operations[self.operation] = stored

    def _append(self, step: Append) -> None:
        attempt = self.stored.life.attempts + (1 if step.record is Record.INTENT else 0)
        entry = Entry(
            kind=step.record.value,
            operation=self.operation,
            attempt=attempt,
            at=self.house.now,
            detail=step.detail,
        )
        self._open.entries.append(entry)

    def _save(self, step: Save) -> None:
        if self.brought is not None:
            self._note_native_id(self.brought)
            self.brought = None
        acting = step.life.state is OperationState.ACTING
        attempted_at = self.house.now if acting else self.stored.attempted_at
        self._keep(replace(self.stored, life=step.life, attempted_at=attempted_at))

    def _call(self) -> Answered | NotReached:
        operation = self.stored.operation
        try:
            outcome = self.house.applications[operation.application].call(operation, self.stored.life, self.house.now)
        except RateLimited as err:
            wait = timedelta(seconds=err.retry_after_s)
            return NotReached(code=err.code, detail=err.what, retry_after=wait)
        except ConnectorError as err:
            return NotReached(code=err.code, detail=err.what)
        if operation.native_id is None:
            self.brought = outcome.native_id
        return Answered(outcome)

    def _read(self) -> Event:
        application = self.house.applications[self.stored.operation.application]
        verification, self.seen = read_back(self.house.memory, self.stored.operation, application, self.house.now)
        return Observed(verification)

    def _adopt(self) -> None:
        operation = self.stored.operation
        native_id = self.seen.native_id if self.seen is not None else operation.native_id
        if native_id is None:
            return
        self._open.take_read(operation.application, native_id, self.seen, self.house.now)
        if operation.verb is Verb.CREATE and self.seen is not None:
            self._open.link((operation.application, native_id), Correlation.MATCHED, operation.identity)


def start(house: House, operation: OperationId) -> Run:
    """A worker takes the operation up; nothing has happened yet."""
    return Run(house=house, operation=operation, stored=house.memory.operations[operation], began_at=house.now)


def finish(run: Run) -> None:
    """The run goes as far as it can."""
    for _ in run.steps:
        pass


def go(run: Run, steps: int) -> bool:
    """The run goes this many steps, then on until nothing is half written; False where it came to its end."""
    for _ in run.steps:
        steps -= 1
        if steps < 0 and not run.in_transaction:
            return True
    return False


def go_exactly(run: Run, steps: int) -> None:
    """The run goes this many steps and no further: what was not committed by then is lost."""
    for _ in run.steps:
        steps -= 1
        if steps < 0:
            return
