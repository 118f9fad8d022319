"""How many changes of a pushed source wait, and when the last one came."""

from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from lastday.model.ids import SourceName
from lastday.store.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What was not taken in yet, and when the source last changed."""

    count: int
    last_at: datetime | None


async def waiting_pushes(tx: Transaction, source: SourceName) -> Waiting:
    """What waits of the source; the last change counts whether it waits or not."""
    found = await tx.fetch_one(
        "SELECT (SELECT count(*) FROM push WHERE source = %(source)s AND taken_at IS NULL) AS count,"
        " (SELECT at FROM push WHERE source = %(source)s ORDER BY sequence DESC LIMIT 1) AS last_at",
        {"source": source},
        row=class_row(Waiting),
    )
    assert found is not None, "a SELECT without FROM has one row"
    return found
