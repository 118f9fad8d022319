"""Cases: one joiner, mover or leaver each, with milestones and coverage."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from lastday.model.case import Case, CaseKind, CaseState, Coverage
from lastday.model.ids import ApplicationName, BatchId, CaseId, IdentityId
from lastday.model.operation import Milestone
from lastday.store.database import Row, Transaction, as_jsonb


async def save_cases(tx: Transaction, cases: Sequence[Case]) -> None:
    """New cases are stored; one that exists stays as it is."""
    await tx.execute_many(
        "INSERT INTO case_file (id, kind, identity, batch, effective_at, opened_at, state, profile, limit_s,"
        " milestones, coverage)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
        [
            (
                case.id,
                case.kind,
                case.identity,
                case.batch,
                case.effective_at,
                case.opened_at,
                case.state,
                case.profile,
                case.limit_s,
                as_jsonb(_milestones(case)),
                as_jsonb(dict(case.coverage)),
            )
            for case in cases
        ],
    )


async def load_case(tx: Transaction, case: CaseId) -> Case | None:
    row = await tx.fetch_one("SELECT * FROM case_file WHERE id = %s FOR UPDATE", (case,))
    return None if row is None else _case(row)


async def load_cases(tx: Transaction, cases: Sequence[CaseId]) -> tuple[Case, ...]:
    rows = await tx.fetch_all("SELECT * FROM case_file WHERE id = ANY(%s) ORDER BY effective_at, id", (list(cases),))
    return tuple(_case(row) for row in rows)


async def cases_of_batches(tx: Transaction, batches: Sequence[BatchId]) -> tuple[Case, ...]:
    rows = await tx.fetch_all(
        "SELECT * FROM case_file WHERE batch = ANY(%s) ORDER BY effective_at, id", (list(batches),)
    )
    return tuple(_case(row) for row in rows)


async def open_cases(tx: Transaction, identities: Sequence[IdentityId] | None = None) -> tuple[Case, ...]:
    """Cases that are not closed, of these people or of everybody."""
    rows = await tx.fetch_all(
        "SELECT * FROM case_file WHERE closed_at IS NULL AND (%(all)s OR identity = ANY(%(some)s)) ORDER BY"
        " opened_at, id",
        {"all": identities is None, "some": list(identities or ())},
    )
    return tuple(_case(row) for row in rows)


async def all_cases(tx: Transaction) -> tuple[Case, ...]:
    rows = await tx.fetch_all("SELECT * FROM case_file ORDER BY opened_at, id")
    return tuple(_case(row) for row in rows)


async def update_case(tx: Transaction, case: Case, closed_at: datetime | None) -> None:
    """State, profile, milestones and coverage are those of `case`."""
    tx.later(
        "UPDATE case_file SET state = %s, profile = %s, limit_s = %s, milestones = %s, coverage = %s, closed_at"
        " = %s WHERE id = %s",
        (
            case.state,
            case.profile,
            case.limit_s,
            as_jsonb(_milestones(case)),
            as_jsonb(dict(case.coverage)),
            closed_at,
            case.id,
        ),
    )


def _milestones(case: Case) -> Mapping[str, str]:
    return {milestone.value: at.isoformat() for milestone, at in case.milestones}


def _case(row: Row) -> Case:
    return Case(
        id=CaseId(row["id"]),
        kind=CaseKind(row["kind"]),
        identity=IdentityId(row["identity"]),
        batch=BatchId(row["batch"]),
        effective_at=row["effective_at"],
        opened_at=row["opened_at"],
        state=CaseState(row["state"]),
        profile=row["profile"],
        limit_s=row["limit_s"],
        milestones=tuple(
            (Milestone(name), datetime.fromisoformat(at)) for name, at in sorted(row["milestones"].items())
        ),
        coverage=tuple((ApplicationName(name), Coverage(value)) for name, value in sorted(row["coverage"].items())),
    )
