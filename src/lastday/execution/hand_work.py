"""What people do where an application has no interface: their tasks, and what a later reading says of their word.

A confirmation counts at once, and is checked against the next reading that differs from the one before it. Where that
shows otherwise, the operation is contradicted, its case is open again, and the same is proposed anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.engine import Engine
from lastday.execution.subjects import finding_subject
from lastday.model.account import Account
from lastday.model.attributes import NO_ATTRIBUTES
from lastday.model.canonical import JsonValue
from lastday.model.finding import Finding, Severity
from lastday.model.ids import ApplicationName, IdentityId
from lastday.model.operation import Operation, VerificationKind
from lastday.model.plan import NoOperation, Plan
from lastday.planning.postcondition import Extra, postcondition
from lastday.store import accounts, findings, hand_tasks, operations
from lastday.store.database import Transaction
from lastday.store.hand_tasks import HandTask
from lastday.store.operations import StoredOperation

UNSEEN_AFTER = timedelta(hours=24)
UNSEEN_CODE = "X132"


async def open_hand_task(engine: Engine, tx: Transaction, operation: Operation) -> None:
    """The application's owner has the task, until the deadline that its configuration sets."""
    settings = engine.applications.settings[operation.application]
    now = engine.clock.now()
    deadline = now + settings.deadline if settings.deadline is not None else None
    task = HandTask(operation=operation.id, owner=settings.owner, opened_at=now, deadline=deadline)
    await hand_tasks.open_task(tx, task)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's word that no later reading has shown or contradicted yet."""

    stored: StoredOperation
    task: HandTask

    @property
    def confirmed_at(self) -> datetime:
        assert self.task.confirmed_at is not None, "only confirmed tasks are loaded"
        return self.task.confirmed_at


async def unchecked(tx: Transaction, application: ApplicationName | None = None) -> tuple[Confirmation, ...]:
    """Confirmations of one application, or of all, that wait for a reading."""
    tasks = {task.operation: task for task in await hand_tasks.unchecked_tasks(tx, application)}
    found = await operations.load_operations(tx, tuple(tasks))
    return tuple(Confirmation(stored, tasks[stored.operation.id]) for stored in found)


async def check_confirmations(
    engine: Engine, tx: Transaction, application: ApplicationName, seen: Sequence[Account]
) -> None:
    """Each confirmation of the application is checked against this reading, unless it shows just what the one before
    showed: then nothing follows from it yet, and after a day somebody is told.
    """
    snapshot = await accounts.last_snapshot(tx, application)
    for confirmation in await unchecked(tx, application):
        if snapshot is None or snapshot.digest == confirmation.task.reading:
            await _tell_unseen(engine, tx, confirmation)
        else:
            await _check(engine, tx, confirmation, seen)


async def _check(engine: Engine, tx: Transaction, confirmation: Confirmation, seen: Sequence[Account]) -> None:
    operation = confirmation.stored.operation
    now = engine.clock.now()
    holds = is_so(operation, seen)
    await hand_tasks.note_check(tx, operation.id, now, contradicted=not holds)
    await findings.close_findings(tx, UNSEEN_CODE, finding_subject(operation), now)
    body: dict[str, JsonValue] = {"operation": operation.id, "checked": "a later reading", "holds": holds}
    draft = EntryDraft(
        kind=EntryKind.DECISION,
        at=now,
        body=body,
        case=confirmation.stored.case,
        operation=operation.id,
        batch=confirmation.stored.batch,
        identity=operation.identity,
    )
    entry = await append(tx, draft, engine.stamp)
    await operations.note_entry(tx, operation.id, EntryKind.DECISION.value, entry)


def is_so(operation: Operation, seen: Sequence[Account]) -> bool:
    """The reading shows what the operation was to bring about."""
    there = [account for account in seen if account.exists and _is_about(operation, account)]
    observed = there[0].observed if there else None
    found = tuple(account.observed for account in there)
    judged = postcondition(operation, observed, found, key=NO_ATTRIBUTES, extra=Extra())
    return judged.kind is VerificationKind.CONFIRMED


def _is_about(operation: Operation, account: Account) -> bool:
    if operation.native_id is not None:
        return account.native_id == operation.native_id
    return account.identity == operation.identity


async def _tell_unseen(engine: Engine, tx: Transaction, confirmation: Confirmation) -> None:
    """Nobody trusts a word for ever: without a newer export its owner is told."""
    operation, now = confirmation.stored.operation, engine.clock.now()
    if now - confirmation.confirmed_at < UNSEEN_AFTER:
        return
    finding = Finding(
        code=UNSEEN_CODE,
        severity=Severity.WARNING,
        subject=finding_subject(operation),
        detail=f"{operation.id} was confirmed by hand on {confirmation.confirmed_at.isoformat(timespec='minutes')};"
        " no newer reading has shown it yet.",
        mend=f"Export {operation.application} anew.",
        owner=confirmation.task.owner,
    )
    await findings.open_finding(tx, finding, now)


def less_confirmed(plan: Plan, confirmed: Sequence[Confirmation], left: Mapping[IdentityId, datetime | None]) -> Plan:
    """The plan without the tasks that somebody has confirmed and no reading has answered yet.

    `left` tells when each person last left: a word from before that is not about this leaving.
    """
    known = {_key(c.stored.operation): c for c in confirmed if _is_current(c, left)}
    spared = [o for o in plan.operations if o.manual and _key(o) in known]
    if not spared:
        return plan
    notes = tuple(
        NoOperation(identity=o.identity, application=o.application, detail=_wait(known[_key(o)])) for o in spared
    )
    kept = tuple(operation for operation in plan.operations if operation not in spared)
    return replace(plan, operations=kept, no_operations=(*plan.no_operations, *notes))


def _is_current(confirmation: Confirmation, left: Mapping[IdentityId, datetime | None]) -> bool:
    left_at = left.get(confirmation.stored.operation.identity)
    return left_at is None or confirmation.confirmed_at >= left_at


def _key(operation: Operation) -> tuple[str, ...]:
    about = operation.native_id or operation.identity
    return (operation.application, about, operation.verb.value, operation.entitlement or "")


def _wait(confirmation: Confirmation) -> str:
    return f"Confirmed by hand ({confirmation.stored.operation.id}); the next reading is to show it."
