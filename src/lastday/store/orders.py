"""Orders that name a person: they leave now, whatever the sources still say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lastday.model.ids import IdentityId, UserName
from lastday.store.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveOrder:
    id: str
    identity: IdentityId
    at: datetime
    by: UserName | str
    reason: str
    urgent: bool


async def save_order(tx: Transaction, order: LeaveOrder) -> None:
    await tx.execute(
        "INSERT INTO leave_order (id, identity, at, by, reason, urgent) VALUES (%s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO NOTHING",
        (order.id, order.identity, order.at, order.by, order.reason, order.urgent),
    )


async def standing_orders(tx: Transaction) -> Mapping[IdentityId, LeaveOrder]:
    """The latest order that stands for each person."""
    rows = await tx.fetch_all(
        "SELECT DISTINCT ON (identity) * FROM leave_order WHERE lifted_at IS NULL ORDER BY identity, at DESC"
    )
    return {
        IdentityId(row["identity"]): LeaveOrder(
            id=row["id"],
            identity=IdentityId(row["identity"]),
            at=row["at"],
            by=row["by"],
            reason=row["reason"],
            urgent=row["urgent"],
        )
        for row in rows
    }


async def lift_orders(tx: Transaction, identity: IdentityId, at: datetime) -> int:
    """The sources count again for this person; how many orders stood."""
    return await tx.execute(
        "UPDATE leave_order SET lifted_at = %s WHERE identity = %s AND lifted_at IS NULL", (at, identity)
    )
