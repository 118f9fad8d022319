"""Cases: opened with a batch, advanced with every operation, complete only when every application has an answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.execution.standing import standings
from lastday.model.batch import Batch, CauseKind
from lastday.model.canonical import JsonValue, short_id
from lastday.model.case import Case, CaseKind, CaseState, Coverage
from lastday.model.change import Change, ChangeKind
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName, CaseId, IdentityId
from lastday.model.operation import Milestone, OperationState, Verb
from lastday.store import cases, looking_again, operations
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation

CASE_OF: Mapping[ChangeKind, CaseKind] = {
    ChangeKind.JOINED: CaseKind.JOINER,
    ChangeKind.MOVED: CaseKind.MOVER,
    ChangeKind.RENAMED: CaseKind.RENAME,
    ChangeKind.SUSPENDED: CaseKind.LEAVE,
    ChangeKind.RELEASED: CaseKind.LEAVE,
    ChangeKind.RETURNED: CaseKind.RETURN,
    ChangeKind.LEFT: CaseKind.LEAVER,
}
"""Which case a change opens; an amendment opens none."""

DECIDING = frozenset({CaseKind.LEAVER, CaseKind.JOINER, CaseKind.LEAVE, CaseKind.RETURN})
"""Cases that say whether the person is here; of these one counts at a time."""

MILESTONE_OF: Mapping[Verb, Milestone] = {
    Verb.DISABLE: Milestone.ACCESS_GONE,
    Verb.END_SESSIONS: Milestone.ACCESS_GONE,
    Verb.ROTATE: Milestone.ACCESS_GONE,
    Verb.REVOKE: Milestone.ENTITLEMENTS_GONE,
    Verb.TRANSFER: Milestone.POSSESSIONS_CLOSED,
    Verb.WIPE: Milestone.POSSESSIONS_CLOSED,
    Verb.DELETE: Milestone.DATA_RETIRED,
}

_COVERED_BY: Mapping[OperationState, Coverage] = {
    OperationState.CONTRADICTED: Coverage.CONTRADICTED,
    OperationState.FAILED: Coverage.FAILED,
    OperationState.MANUAL: Coverage.MANUAL,
    OperationState.STOPPED: Coverage.UNKNOWN,
}
_FINAL = frozenset({Coverage.NO_ACCOUNT, Coverage.GONE, Coverage.RIGHT, Coverage.CONFIRMED_BY_HAND})


def cases_of(batch: Batch, catalogue: Iterable[ApplicationName], stopped: frozenset[IdentityId]) -> tuple[Case, ...]:
    """One case for each change that opens one; nothing is known yet of any application.

    A first load opens none: the people were there before us, and what they need is in its plan.
    """
    if batch.cause.kind is CauseKind.FIRST_LOAD:
        return ()
    unknown = tuple((application, Coverage.UNKNOWN) for application in sorted(catalogue))
    return tuple(_case_of(batch, change, unknown, stopped) for change in batch.changes if change.kind in CASE_OF)


def _case_of(
    batch: Batch, change: Change, coverage: tuple[tuple[ApplicationName, Coverage], ...], stopped: frozenset[IdentityId]
) -> Case:
    kind = CASE_OF[change.kind]
    prefix = {CaseKind.LEAVER: "LV", CaseKind.MOVER: "MV", CaseKind.JOINER: "JN"}.get(kind, kind.value.upper()[:2])
    return Case(
        id=CaseId(short_id(prefix, batch.id, change.identity, kind.value, change.at.isoformat())),
        kind=kind,
        identity=change.identity,
        batch=batch.id,
        effective_at=change.at,
        opened_at=batch.opened_at,
        state=CaseState.STOPPED if change.identity in stopped else CaseState.OPEN,
        profile=None,
        limit_s=None,
        coverage=coverage,
    )


async def open_case_files(
    engine: Engine, tx: Transaction, batch: Batch, stopped: frozenset[IdentityId]
) -> tuple[Case, ...]:
    """The cases of the batch are stored and in the evidence; an older open case of the same people gives way."""
    drafted = cases_of(batch, engine.applications.names, stopped)
    opened = await _with_profiles(engine, tx, drafted)
    await _close_older(tx, opened, batch.opened_at)
    await cases.save_cases(tx, opened)
    for overtaken in overtaken_cases(opened):
        await cases.update_case(tx, replace(overtaken, state=CaseState.SUPERSEDED), batch.opened_at)
    people = {person.id: person for person in await load_people(tx, [case.identity for case in opened])}
    for case in opened:
        body = {"kind": case.kind.value, "effective_at": case.effective_at.isoformat(), "state": case.state.value}
        draft = EntryDraft(
            kind=EntryKind.CASE_OPENED,
            at=batch.opened_at,
            body=body,
            case=case.id,
            batch=batch.id,
            identity=case.identity,
            personal=_named(people.get(case.identity), batch.opened_at),
        )
        await append(tx, draft, engine.stamp)
    return opened


def _named(person: Identity | None, at: datetime) -> dict[str, JsonValue] | None:
    """Who the case is about; stands beside the log, which holds a salted commitment only."""
    if person is None or not person.engagements:
        return None
    name = person.leading_engagement(at).attributes.text("displayName")
    return {"displayName": name, "employeeNumber": person.employee_number}


async def _with_profiles(engine: Engine, tx: Transaction, drafted: Sequence[Case]) -> tuple[Case, ...]:
    """Leavers' cases name the profile that applies and its limit."""
    leaving = tuple(case.identity for case in drafted if case.kind is CaseKind.LEAVER)
    found = {s.identity.id: s.desired for s in await standings(engine, tx, leaving)} if leaving else {}
    return tuple(
        replace(case, profile=found[case.identity].profile, limit_s=found[case.identity].limit_s)
        if case.kind is CaseKind.LEAVER and case.identity in found
        else case
        for case in drafted
    )


async def _close_older(tx: Transaction, opened: Sequence[Case], now: datetime) -> None:
    """A leaver's open case gives way to a rehire's and the other way round: the newer decision counts."""
    deciding = {case.identity for case in opened if case.kind in DECIDING}
    for older in await cases.open_cases(tx, tuple(deciding)):
        if older.kind in DECIDING and older.batch != opened[0].batch:
            await cases.update_case(tx, replace(older, state=CaseState.SUPERSEDED), now)


def overtaken_cases(opened: Sequence[Case]) -> tuple[Case, ...]:
    """Of several deciding cases of one person in one batch (a leave and a rehire in one file) all but the last."""
    deciding = sorted((case for case in opened if case.kind in DECIDING), key=lambda case: case.effective_at)
    last = {case.identity: case for case in deciding}
    return tuple(case for case in deciding if last[case.identity] is not case)


def counting_cases(open_ones: Sequence[Case]) -> Mapping[IdentityId, Case]:
    """The case to which each person's operations belong: one that decides before a move or a new name."""
    in_order = sorted(open_ones, key=lambda case: (case.kind in DECIDING, case.opened_at, case.effective_at))
    return {case.identity: case for case in in_order}


async def advance_case(engine: Engine, tx: Transaction, case_id: CaseId | None) -> None:
    """Coverage, milestones and state of the case follow from its operations; complete only without a gap."""
    if case_id is None:
        return
    case = await cases.load_case(tx, case_id)
    if case is None or case.state is CaseState.SUPERSEDED:
        return
    done = await operations.operations_of_case(tx, case_id)
    if case.state is CaseState.COMPLETE:
        if not any(s.life.state is OperationState.CONTRADICTED for s in done):
            return
        case = reopened_case(case, done)
        await _append_reopening(engine, tx, case)
    now = engine.clock.now()
    advanced = advanced_case(case, done, now)
    if advanced.state is CaseState.COMPLETE and await looking_again.is_noted(tx, case.identity):
        advanced = replace(advanced, state=CaseState.OPEN)
    closed = advanced.state is CaseState.COMPLETE
    await cases.update_case(tx, advanced, now if closed else None)
    if closed:
        await _append_closing(engine, tx, advanced, done)


def reopened_case(case: Case, done: Sequence[StoredOperation]) -> Case:
    """The closed case, open again, without the milestones that turned out not to be reached."""
    lost = {MILESTONE_OF.get(s.operation.verb) for s in done if s.life.state is OperationState.CONTRADICTED}
    return replace(
        case, state=CaseState.OPEN, milestones=tuple((name, at) for name, at in case.milestones if name not in lost)
    )


def advanced_case(case: Case, done: Sequence[StoredOperation], now: datetime) -> Case:
    """The case as its operations say. Pure, so that the certificate and the tests can ask the same."""
    coverage = tuple((application, _coverage(case, before, application, done)) for application, before in case.coverage)
    milestones = dict(case.milestones)
    asked = {s.operation.application for s in done}
    answered = all(v in _FINAL or (v is Coverage.PENDING and application in asked) for application, v in coverage)
    for milestone in Milestone:
        theirs = [s for s in done if MILESTONE_OF.get(s.operation.verb) is milestone]
        if milestone not in milestones and answered and all(s.life.state.counts_for_milestones for s in theirs):
            milestones[milestone] = _reached_at(theirs, now)
    state = _state(case, coverage, done)
    return replace(case, coverage=coverage, milestones=tuple(sorted(milestones.items())), state=state)


def _reached_at(theirs: Sequence[StoredOperation], now: datetime) -> datetime:
    instants = [s.life.settled_at or s.life.accepted_at for s in theirs]
    known = [instant for instant in instants if instant is not None]
    return max(known, default=now)


def _coverage(case: Case, before: Coverage, application: ApplicationName, done: Sequence[StoredOperation]) -> Coverage:
    theirs = [s for s in done if s.operation.application == application]
    if not theirs:
        return before
    for state, coverage in _COVERED_BY.items():
        if any(s.life.state is state for s in theirs):
            return coverage
    if before is Coverage.MANUAL and not any(s.life.state is OperationState.CONFIRMED_BY_HAND for s in theirs):
        return before  # an account that the plan leaves to a person: no other operation closes it
    if not all(s.life.state.counts_for_milestones or _waits_for_its_hour(s) for s in theirs):
        return Coverage.PENDING
    if any(s.life.state is OperationState.CONFIRMED_BY_HAND for s in theirs):
        return Coverage.CONFIRMED_BY_HAND
    return Coverage.GONE if case.kind is CaseKind.LEAVER else Coverage.RIGHT


def _state(
    case: Case, coverage: Sequence[tuple[ApplicationName, Coverage]], done: Sequence[StoredOperation]
) -> CaseState:
    if case.state is CaseState.STOPPED:
        return CaseState.STOPPED
    through = all(s.life.state.counts_for_milestones for s in done)
    if through and all(value in _FINAL for _, value in coverage):
        return CaseState.COMPLETE
    unfinished = [s for s in done if not s.life.state.rests]
    if any(not _waits_for_its_hour(s) for s in unfinished):
        return CaseState.OPEN
    missing = any(value not in _FINAL and value is not Coverage.PENDING for _, value in coverage)
    return CaseState.INCOMPLETE if missing or not unfinished else CaseState.OPEN


def _waits_for_its_hour(stored: StoredOperation) -> bool:
    """A deletion at the end of the keep time: access is gone long before, the milestone of data is not."""
    return stored.operation.verb.destroys and stored.life.state is OperationState.WAITING


async def _append_reopening(engine: Engine, tx: Transaction, case: Case) -> None:
    body: dict[str, JsonValue] = {"reopened": case.id, "why": "a later reading contradicts what was confirmed by hand"}
    draft = EntryDraft(
        kind=EntryKind.DECISION,
        at=engine.clock.now(),
        body=body,
        case=case.id,
        batch=case.batch,
        identity=case.identity,
    )
    await append(tx, draft, engine.stamp)


async def _append_closing(engine: Engine, tx: Transaction, case: Case, done: Sequence[StoredOperation]) -> None:
    body: dict[str, JsonValue] = {
        "kind": case.kind.value,
        "milestones": {milestone.value: at.isoformat() for milestone, at in case.milestones},
        "coverage": {application: value.value for application, value in case.coverage},
        "operations": {s.operation.id: s.life.state.value for s in done},
    }
    draft = EntryDraft(
        kind=EntryKind.CASE_CLOSED,
        at=engine.clock.now(),
        body=body,
        case=case.id,
        batch=case.batch,
        identity=case.identity,
    )
    await append(tx, draft, engine.stamp)


async def look_again(tx: Transaction, identity: IdentityId, at: datetime, why: str) -> None:
    """The person is reconciled again at this instant."""
    await looking_again.note(tx, identity, at, why)
