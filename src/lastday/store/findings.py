"""What a person should see: open once for each code and subject, until it is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import scalar_row

from lastday.model.finding import Finding, Severity
from lastday.model.ids import FindingId
from lastday.store.database import Row, Transaction
from lastday.store.ids import new_finding_id
from lastday.store.ranges import storable


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    id: FindingId
    finding: Finding
    opened_at: datetime
    seen_at: datetime
    """When it was last found again."""
    closed_at: datetime | None


async def open_finding(tx: Transaction, finding: Finding, now: datetime) -> FindingId:
    """The finding is open. Found again it gets the newer words, keeps its id, its owner and its earlier deadline."""
    found = await tx.fetch_one(
        "INSERT INTO finding (id, code, severity, subject, detail, mend, owner, deadline, opened_at, seen_at)"
        " VALUES (%(id)s, %(code)s, %(severity)s, %(subject)s, %(detail)s, %(mend)s, %(owner)s, %(deadline)s,"
        " %(now)s, %(now)s)"
        " ON CONFLICT (code, subject) WHERE closed_at IS NULL DO UPDATE SET severity = excluded.severity,"
        " detail = excluded.detail, mend = excluded.mend, owner = coalesce(finding.owner, excluded.owner),"
        " deadline = least(finding.deadline, excluded.deadline), seen_at = greatest(finding.seen_at, excluded.seen_at)"
        " RETURNING id",
        {
            "id": new_finding_id(),
            "code": finding.code,
            "severity": finding.severity.value,
            "subject": storable(finding.subject),
            "detail": storable(finding.detail),
            "mend": storable(finding.mend),
            "owner": finding.owner,
            "deadline": finding.deadline,
            "now": now,
        },
        row=scalar_row,
    )
    return FindingId(str(found))


async def close_findings(tx: Transaction, code: str, subject: str, now: datetime) -> int:
    """No finding of this code about this subject is open; how many were."""
    return await tx.execute(
        "UPDATE finding SET closed_at = %s WHERE code = %s AND subject = %s AND closed_at IS NULL",
        (now, code, storable(subject)),
    )


async def close_about(tx: Transaction, subjects: Sequence[str], now: datetime) -> int:
    """No finding about exactly one of these subjects is open, whatever its code; how many were."""
    return await tx.execute(
        "UPDATE finding SET closed_at = %s WHERE subject = ANY(%s) AND closed_at IS NULL",
        (now, [storable(subject) for subject in subjects]),
    )


async def open_findings(
    tx: Transaction, *, code: str | None = None, subject: str | None = None
) -> tuple[StoredFinding, ...]:
    """What is open: all of it, of one code, about one subject; the oldest first."""
    rows = await tx.fetch_all(
        "SELECT * FROM finding WHERE closed_at IS NULL AND code = coalesce(%s, code)"
        " AND subject = coalesce(%s, subject) ORDER BY opened_at, code, subject",
        (code, subject),
    )
    return tuple(_stored(row) for row in rows)


def finding_from_json(value: Mapping[str, object]) -> Finding:
    """The inverse of `Finding.as_json`."""
    owner, deadline = value["owner"], value["deadline"]
    return Finding(
        code=str(value["code"]),
        severity=Severity(str(value["severity"])),
        subject=str(value["subject"]),
        detail=str(value["detail"]),
        mend=str(value["mend"]),
        owner=None if owner is None else str(owner),
        deadline=None if deadline is None else datetime.fromisoformat(str(deadline)),
    )


def _stored(row: Row) -> StoredFinding:
    return StoredFinding(
        id=row["id"],
        finding=Finding(
            code=row["code"],
            severity=Severity(row["severity"]),
            subject=row["subject"],
            detail=row["detail"],
            mend=row["mend"],
            owner=row["owner"],
            deadline=row["deadline"],
        ),
        opened_at=row["opened_at"],
        seen_at=row["seen_at"],
        closed_at=row["closed_at"],
    )
