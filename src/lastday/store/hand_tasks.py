"""Tasks for people where an application has no interface: owner, deadline, confirmation, what a file said later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.model.ids import ApplicationName, Digest, OperationId, UserName
from lastday.store.database import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class HandTask:
    operation: OperationId
    owner: str | None
    opened_at: datetime
    deadline: datetime | None
    confirmed_by: UserName | None = None
    confirmed_at: datetime | None = None
    note: str = ""
    file_digest: Digest | None = None
    """SHA-256 of the file that was shown as proof."""
    reading: Digest | None = None
    """Of what the application showed last when it was confirmed: the same again is no answer."""
    checked_at: datetime | None = None
    """When a later reading showed that it is so."""
    contradicted_at: datetime | None = None
    """When a later reading showed that it is not so."""


async def open_task(tx: Transaction, task: HandTask) -> None:
    """The task is there; opened again it keeps its first hour and deadline."""
    await tx.execute(
        "INSERT INTO hand_task (operation, owner, opened_at, deadline) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (task.operation, task.owner, task.opened_at, task.deadline),
    )


async def load_tasks(tx: Transaction, operations: Sequence[OperationId]) -> tuple[HandTask, ...]:
    """The tasks of these operations, locked."""
    rows = await tx.fetch_all(
        "SELECT * FROM hand_task WHERE operation = ANY(%s) ORDER BY opened_at, operation FOR UPDATE",
        (list(operations),),
    )
    return tuple(_task(row) for row in rows)


async def confirm_task(tx: Transaction, task: HandTask) -> None:
    """Who confirmed it, when, with which proof, and what was known then."""
    await tx.execute(
        "UPDATE hand_task SET confirmed_by = %s, confirmed_at = %s, note = %s, file_digest = %s, reading = %s"
        " WHERE operation = %s",
        (task.confirmed_by, task.confirmed_at, task.note, task.file_digest, task.reading, task.operation),
    )


async def unchecked_tasks(tx: Transaction, application: ApplicationName | None = None) -> tuple[HandTask, ...]:
    """Confirmed tasks, of one application or of all, that no later reading has shown or contradicted yet."""
    rows = await tx.fetch_all(
        "SELECT t.* FROM hand_task t JOIN operation o ON o.id = t.operation WHERE t.confirmed_at IS NOT NULL"
        " AND t.checked_at IS NULL AND t.contradicted_at IS NULL AND o.state = 'confirmed_by_hand'"
        " AND o.application = coalesce(%s, o.application) ORDER BY t.confirmed_at, t.operation",
        (application,),
    )
    return tuple(_task(row) for row in rows)


async def note_check(tx: Transaction, operation: OperationId, at: datetime, *, contradicted: bool) -> None:
    """A later reading showed that it is so, or that it is not."""
    column = "contradicted_at" if contradicted else "checked_at"
    await tx.execute(f"UPDATE hand_task SET {column} = %s WHERE operation = %s", (at, operation))  # noqa: S608 - one of two fixed names


async def contradicted_operations(tx: Transaction) -> tuple[OperationId, ...]:
    """Operations that still stand as confirmed although a later reading contradicted it."""
    rows = await tx.fetch_all(
        "SELECT t.operation FROM hand_task t JOIN operation o ON o.id = t.operation"
        " WHERE t.contradicted_at IS NOT NULL AND o.state = 'confirmed_by_hand' ORDER BY t.operation"
    )
    return tuple(OperationId(row["operation"]) for row in rows)


def _task(row: Row) -> HandTask:
    return HandTask(
        operation=OperationId(row["operation"]),
        owner=row["owner"],
        opened_at=row["opened_at"],
        deadline=row["deadline"],
        confirmed_by=UserName(row["confirmed_by"]) if row["confirmed_by"] else None,
        confirmed_at=row["confirmed_at"],
        note=row["note"],
        file_digest=row["file_digest"],
        reading=row["reading"],
        checked_at=row["checked_at"],
        contradicted_at=row["contradicted_at"],
    )
