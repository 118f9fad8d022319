"""Applying a plan: its operations become pending, each in its case; older pending ones on the same people give way."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias, TypeVar

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.casework import advance_case, counting_cases, look_again
from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.execution.proposal import identity_digest
from lastday.execution.subjects import close_about
from lastday.execution.worker import CHANNEL
from lastday.inventory.aggregation import perhaps_owned
from lastday.model.account import Account
from lastday.model.case import Case, CaseKind, CaseState, Coverage
from lastday.model.errors import PlanStale
from lastday.model.ids import ApplicationName, CaseId, IdentityId, NativeId, OperationId, PlanId
from lastday.model.operation import Life, Operation, OperationState, Verb, operation_from_json
from lastday.store import accounts, batches, cases, operations, plans
from lastday.store.database import Transaction
from lastday.store.operations import NewOperation, StoredOperation
from lastday.store.plans import StoredPlan


async def apply_plan(engine: Engine, plan_id: PlanId, by: str) -> tuple[OperationId, ...]:
    """The plan's operations are pending; applying it again changes nothing.

    Raises PlanStale where the plan is not the newest word: policy or people changed since it was made, or a plan
    made later was applied.
    """
    async with engine.database.transaction() as tx:
        await tx.lock("lastday plans")
        plan = await _checked(engine, tx, plan_id)
        proposed = tuple(operation_from_json(item) for item in plan.content["operations"])
        if plan.applied_at is None:
            await _take_up(engine, tx, plan, proposed)
            await plans.mark_applied(tx, plan_id, by, engine.clock.now())
            await batches.close_batches(tx, engine.clock.now())
            await tx.notify(CHANNEL)
    return tuple(operation.id for operation in proposed)


async def is_held_back(tx: Transaction, plan_id: PlanId) -> bool:
    """A brake or a rule keeps something of the plan from being done; what is only observed does not count."""
    plan = await plans.load_plan(tx, plan_id)
    return plan is not None and any(o["stopped"] not in (None, "observe") for o in plan.content["operations"])


async def _checked(engine: Engine, tx: Transaction, plan_id: PlanId) -> StoredPlan:
    plan = await plans.load_plan(tx, plan_id)
    if plan is None:
        raise PlanStale(f"there is no plan {plan_id}", code="X111", mend="Make one with `lastday plan`.")
    if plan.applied_at is None:
        await _refuse_stale(engine, tx, plan)
    return plan


async def _refuse_stale(engine: Engine, tx: Transaction, plan: StoredPlan) -> None:
    """What the plan was made from must still be so."""
    if plan.content["policy"] != engine.stamp.policy:
        raise PlanStale(f"the policy changed since plan {plan.id} was made", effect="Nothing was done.", mend=_AGAIN)
    people = {person.id: person for person in await load_people(tx)}
    for identity, version in plan.content["identities"]:
        person = people.get(IdentityId(identity))
        if person is None or identity_digest(person) != version:
            raise PlanStale(
                f"plan {plan.id} was made before the sources said something newer of {identity}",
                effect="Nothing was done.",
                mend=_AGAIN,
            )
    overtaken = await plans.overtaken_for(tx, plan.id, plan.made_at, [who for who, _ in plan.content["identities"]])
    if overtaken is not None:
        raise PlanStale(
            f"a plan made after {plan.id} is being carried out for {overtaken}", effect="Nothing was done.", mend=_AGAIN
        )


_AGAIN = "Make a new plan with `lastday plan`."


async def _take_up(engine: Engine, tx: Transaction, plan: StoredPlan, proposed: Sequence[Operation]) -> None:
    """Operations that may go are pending, those that wait for an approval wait, stopped ones have no effect."""
    now = engine.clock.now()
    going = [operation for operation in proposed if operation.stopped is None]
    approved = bool(await plans.approvers_of(tx, plan.id, plan.hash))
    people = tuple({IdentityId(identity) for identity, _ in plan.content["identities"]})
    read = tuple(ApplicationName(name) for name, _ in plan.content["snapshots"])
    older = await operations.unfinished_operations(tx, plan.id, people, read)
    standing = still_standing(older, proposed)
    giving_way = [stored for stored in older if stored not in standing]
    await _supersede(engine, tx, plan, giving_way)
    await _close_idle(tx, giving_way, proposed, now)
    await _await_creates(engine, tx, people)
    tasks = {subject_of(stored.operation) for stored in standing}
    all_open = await cases.open_cases(tx, people)
    open_cases = counting_cases(all_open)
    await _carry_over(tx, standing, open_cases)
    new = [
        NewOperation(operation=o, life=_first_life(o, approved=approved), case=_case_of(open_cases, o))
        for o in going
        if subject_of(o) not in tasks
    ]
    await operations.insert_operations(tx, plan.id, plan.batch, new, now)
    await _cover(engine, tx, plan, all_open, proposed)


async def _await_creates(engine: Engine, tx: Transaction, people: Sequence[IdentityId]) -> None:
    """An account that was being made while the plan was may come to be after it: its person is looked at again."""
    for stored in await operations.creates_in_flight(tx, people):
        settle = engine.applications.terms(stored.operation.application).settle
        at = engine.clock.now() + settle
        await look_again(tx, stored.operation.identity, at, "an account may still come to be")


async def _close_idle(
    tx: Transaction, giving_way: Sequence[StoredOperation], proposed: Sequence[Operation], now: datetime
) -> None:
    """What nobody asks for any more needs nobody to see to it."""
    again = {subject_of(operation) for operation in proposed}
    for stored in giving_way:
        if subject_of(stored.operation) not in again:
            await close_about(tx, stored.operation, now)


async def _carry_over(
    tx: Transaction, standing: Sequence[StoredOperation], open_cases: Mapping[IdentityId, Case]
) -> None:
    """A person's task that stands counts for the case that is open now."""
    for stored in standing:
        case = _case_of(open_cases, stored.operation)
        if stored.life.state is OperationState.MANUAL and case not in (None, stored.case):
            await operations.move_to_case(tx, (stored.operation.id,), case)


_Subject: TypeAlias = tuple[ApplicationName, IdentityId, NativeId | None, Verb, str | None]


def subject_of(operation: Operation) -> _Subject:
    """What an operation is about: two with the same subject want the same."""
    return (operation.application, operation.identity, operation.native_id, operation.verb, operation.entitlement)


def still_standing(older: Sequence[StoredOperation], proposed: Sequence[Operation]) -> tuple[StoredOperation, ...]:
    """Older operations that a newer plan leaves alone: a person's task that it asks for again (it keeps its deadline),
    and what waits for a later hour and is not asked for again (a deletion at the end of the keep time).
    """
    again = {subject_of(operation) for operation in proposed}
    return tuple(stored for stored in older if _stands(stored, again))


def _stands(stored: StoredOperation, again: Set[_Subject]) -> bool:
    asked_again = subject_of(stored.operation) in again
    if stored.life.state is OperationState.MANUAL:
        return asked_again
    waits_for_its_hour = stored.life.state is OperationState.WAITING and stored.life.wake_at is not None
    return waits_for_its_hour and not asked_again


async def _supersede(engine: Engine, tx: Transaction, plan: StoredPlan, older: Sequence[StoredOperation]) -> None:
    """They give way, and the evidence says to what."""
    await operations.supersede(tx, [stored.operation.id for stored in older])
    for stored in older:
        body = {"operation": stored.operation.id, "detail": "a newer plan decides", "plan": plan.id}
        draft = EntryDraft(
            kind=EntryKind.DECISION,
            at=engine.clock.now(),
            body=body,
            case=stored.case,
            operation=stored.operation.id,
            identity=stored.operation.identity,
        )
        await append(tx, draft, engine.stamp)
        if stored.life.attempts:
            settle = engine.applications.terms(stored.operation.application).settle
            await look_again(tx, stored.operation.identity, engine.clock.now() + settle, "a request may still land")


def _first_life(operation: Operation, *, approved: bool) -> Life:
    if operation.approval is not None and not approved:
        return Life(state=OperationState.WAITING, detail=f"waits for approval ({operation.approval})")
    if operation.due_at is not None:
        return Life(state=OperationState.WAITING, wake_at=operation.due_at, detail="waits for its hour")
    return Life()


def _case_of(open_cases: Mapping[IdentityId, Case], operation: Operation) -> CaseId | None:
    case = open_cases.get(operation.identity)
    return None if case is None else case.id


async def _cover(
    engine: Engine, tx: Transaction, plan: StoredPlan, open_cases: Sequence[Case], proposed: Sequence[Operation]
) -> None:
    """Each open case knows what the plan says of every application: an answer, something pending, or nothing yet."""
    read = {ApplicationName(name) for name, _ in plan.content["snapshots"]}
    moving = [case for case in open_cases if case.state is not CaseState.STOPPED]
    linked = [a for a in await accounts.load_accounts(tx) if a.exists and a.identity is not None]
    perhaps = await _perhaps_theirs(engine, tx, moving)
    for case in moving:
        theirs = [operation for operation in proposed if operation.identity == case.identity]
        mine = [account for account in linked if account.identity == case.identity]
        coverage = tuple(
            (
                name,
                _coverage(
                    case, _in(name, theirs), _in(name, mine), known=name in read, perhaps=name in perhaps[case.identity]
                ),
            )
            for name in engine.applications.names
        )
        await cases.update_case(tx, replace(case, coverage=coverage), None)
        await advance_case(engine, tx, case.id)


async def _perhaps_theirs(
    engine: Engine, tx: Transaction, moving: Sequence[Case]
) -> Mapping[IdentityId, frozenset[ApplicationName]]:
    """For each of these people the applications in which an account that is on may be theirs without being linked."""
    found: dict[IdentityId, frozenset[ApplicationName]] = {case.identity: frozenset() for case in moving}
    if not any(case.kind in _CLOSING for case in moving):
        return found
    people = await load_people(tx)
    for name in engine.applications.names:
        owners = await perhaps_owned(tx, engine.applications.settings[name], people, engine.clock.now())
        for identity in owners & found.keys():
            found[identity] |= {name}
    return found


_CLOSING = (CaseKind.LEAVER, CaseKind.LEAVE)
_SWITCHES_OFF = (Verb.DISABLE, Verb.DELETE)
_Placed = TypeVar("_Placed", Operation, Account)


def _in(application: ApplicationName, several: Sequence[_Placed]) -> list[_Placed]:
    return [one for one in several if one.application == application]


def _coverage(
    case: Case, here: Sequence[Operation], owned: Sequence[Account], *, known: bool, perhaps: bool
) -> Coverage:
    """What the plan and the inventory say of one application. What nobody switches off is left to a person."""
    if not known or any(operation.stopped is not None for operation in here):
        return Coverage.UNKNOWN
    going = {operation.native_id for operation in here if operation.verb in _SWITCHES_OFF}
    stays_on = any(account.observed.enabled and account.native_id not in going for account in owned)
    if case.kind in _CLOSING and (perhaps or stays_on):
        return Coverage.MANUAL
    if here:
        return Coverage.PENDING
    if not owned:
        return Coverage.NO_ACCOUNT
    return Coverage.GONE if case.kind is CaseKind.LEAVER else Coverage.RIGHT
