"""What became of a plan, as `apply --json` shows it (`lastday/result/1`)."""

from collections.abc import Mapping
from datetime import datetime

from lastday.execution.people import load_people
from lastday.model.canonical import JsonValue
from lastday.model.case import Case
from lastday.model.identity import Identity
from lastday.model.ids import EntryId, IdentityId, PlanId
from lastday.store import cases, operations
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation

SCHEMA = "lastday/result/1"


async def result_report(tx: Transaction, plan: PlanId) -> dict[str, JsonValue]:
    """The plan's operations and the cases they belong to, as they stand now."""
    mine = await operations.operations_of_plan(tx, plan)
    people = {person.id: person for person in await load_people(tx)}
    entries = await operations.entries_of(tx, [stored.operation.id for stored in mine])
    touched = {stored.case for stored in mine if stored.case is not None}
    files = await cases.load_cases(tx, sorted(touched))
    return {
        "schema": SCHEMA,
        "plan": plan,
        "cases": [case_report(case, people.get(case.identity)) for case in files],
        "operations": [operation_report(stored, people, entries.get(stored.operation.id, ())) for stored in mine],
    }


def case_report(case: Case, person: Identity | None) -> dict[str, JsonValue]:
    """One case as JSON."""
    return {
        "case": case.id,
        "identity": case.identity,
        "employee_number": person.employee_number if person else None,
        "kind": case.kind.value,
        "state": case.state.value,
        "batch": case.batch,
        "effective_at": case.effective_at.isoformat(),
        "opened_at": case.opened_at.isoformat(),
        "profile": case.profile,
        "limit_s": case.limit_s,
        "milestones": {milestone.value: at.isoformat() for milestone, at in case.milestones},
        "coverage": {application: value.value for application, value in case.coverage},
        "missing": list(case.missing),
    }


def operation_report(
    stored: StoredOperation, people: Mapping[IdentityId, Identity], entries: tuple[EntryId, ...]
) -> dict[str, JsonValue]:
    """One operation as JSON, as it stands now."""
    o, life = stored.operation, stored.life
    person = people.get(o.identity)
    return {
        "id": o.id,
        "identity": o.identity,
        "employee_number": person.employee_number if person else None,
        "case": stored.case,
        "application": o.application,
        "native_id": o.native_id,
        "verb": o.verb.value,
        "entitlement": o.entitlement,
        "state": life.state.value,
        "detail": life.detail,
        "attempts": life.attempts,
        "accepted_at": _instant(life.accepted_at),
        "verified_at": _instant(life.verified_at),
        "settled_at": _instant(life.settled_at),
        "evidence": list(entries),
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
