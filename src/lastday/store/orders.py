"""Orders that name a person: they leave at an instant, whatever the sources still say, until the order is lifted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import scalar_row

from lastday.model.ids import IdentityId, UserName
from lastday.store.database import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOrder:
    id: str
    identity: IdentityId
    at: datetime
    """When the person is out."""
    by: UserName
    reason: str
    urgent: bool
    ordered_at: datetime
    reviewed_by: UserName | None = None
    """Who looked at an urgent one afterwards."""


async def save_order(tx: Transaction, order: LeaveOrder) -> None:
    """The order stands from now on."""
    await tx.execute(
        "INSERT INTO leave_order (id, identity, at, by, reason, urgent, ordered_at) VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO NOTHING",
        (order.id, order.identity, order.at, order.by, order.reason, order.urgent, order.ordered_at),
    )


async def standing_orders(tx: Transaction) -> Mapping[IdentityId, tuple[LeaveOrder, ...]]:
    """The orders that stand for each person, the earliest instant first."""
    rows = await tx.fetch_all("SELECT * FROM leave_order WHERE lifted_at IS NULL ORDER BY identity, at, id")
    found: dict[IdentityId, list[LeaveOrder]] = {}
    for row in rows:
        found.setdefault(IdentityId(row["identity"]), []).append(_order(row))
    return {identity: tuple(mine) for identity, mine in found.items()}


async def load_order(tx: Transaction, order: str) -> LeaveOrder | None:
    """The order, locked; one that was lifted too."""
    row = await tx.fetch_one("SELECT * FROM leave_order WHERE id = %s FOR UPDATE", (order,))
    return None if row is None else _order(row)


async def lift_orders(tx: Transaction, identity: IdentityId, at: datetime) -> int:
    """The sources count again for this person; how many orders stood."""
    return await tx.execute(
        "UPDATE leave_order SET lifted_at = %s WHERE identity = %s AND lifted_at IS NULL", (at, identity)
    )


async def urgent_since(tx: Transaction, by: UserName, since: datetime) -> int:
    """How many urgent orders the user has given since then, lifted ones included."""
    count = await tx.fetch_one(
        "SELECT count(*) FROM leave_order WHERE by = %s AND urgent AND ordered_at > %s", (by, since), row=scalar_row
    )
    return int(count or 0)


async def note_review(tx: Transaction, order: str, by: UserName, at: datetime) -> None:
    """A second person has looked at the urgent order."""
    await tx.execute("UPDATE leave_order SET reviewed_by = %s, reviewed_at = %s WHERE id = %s", (by, at, order))


def _order(row: Row) -> LeaveOrder:
    return LeaveOrder(
        id=row["id"],
        identity=IdentityId(row["identity"]),
        at=row["at"],
        by=UserName(row["by"]),
        reason=row["reason"],
        urgent=row["urgent"],
        ordered_at=row["ordered_at"],
        reviewed_by=UserName(row["reviewed_by"]) if row["reviewed_by"] else None,
    )
