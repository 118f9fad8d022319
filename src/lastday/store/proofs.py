"""What was seen of operations, and which entries of the log hold it: what a certificate shows beside each one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lastday.model.ids import EntryId, OperationId
from lastday.model.operation import Verification, VerificationKind
from lastday.store.database import Transaction


@dataclass(frozen=True, slots=True)
class NotedEntry:
    """An entry that an operation wrote."""

    kind: str
    entry: EntryId


async def observations_of(
    tx: Transaction, wanted: Sequence[OperationId]
) -> Mapping[OperationId, tuple[Verification, ...]]:
    """What fresh reads showed of each of these operations, in the order of time."""
    rows = await tx.fetch_all("SELECT * FROM observation WHERE operation = ANY(%s) ORDER BY at", (list(wanted),))
    seen: dict[OperationId, tuple[Verification, ...]] = {}
    for row in rows:
        verification = Verification(
            kind=VerificationKind(row["kind"]),
            detail=row["detail"],
            observed_at=row["at"],
            probes=tuple(row["probes"]),
        )
        operation = OperationId(row["operation"])
        seen[operation] = (*seen.get(operation, ()), verification)
    return seen


async def noted_entries(tx: Transaction, wanted: Sequence[OperationId]) -> Mapping[OperationId, tuple[NotedEntry, ...]]:
    """The entries of each of these operations with their kinds, in the order they came."""
    rows = await tx.fetch_all(
        "SELECT o.operation, o.kind, o.entry FROM operation_entry o JOIN entry e ON e.id = o.entry"
        " WHERE o.operation = ANY(%s) ORDER BY e.arrival",
        (list(wanted),),
    )
    noted: dict[OperationId, tuple[NotedEntry, ...]] = {}
    for row in rows:
        operation = OperationId(row["operation"])
        noted[operation] = (*noted.get(operation, ()), NotedEntry(row["kind"], EntryId(row["entry"])))
    return noted
