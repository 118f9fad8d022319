"""Announcements of leavers: said by one person, in force when a second has signed."""

from dataclasses import dataclass
from datetime import datetime

from lastday.model.ids import IdentityId, UserName
from lastday.store.database import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAnnouncement:
    id: str
    cause: str
    identities: tuple[IdentityId, ...]
    since: datetime
    until: datetime
    first_by: UserName
    first_at: datetime
    second_by: UserName | None = None


async def save_announcement(tx: Transaction, announcement: StoredAnnouncement) -> None:
    """The announcement waits for its second signature."""
    a = announcement
    await tx.execute(
        "INSERT INTO announcement (id, cause, identities, since, until, first_by, first_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (a.id, a.cause, list(a.identities), a.since, a.until, a.first_by, a.first_at),
    )


async def load_announcement(tx: Transaction, announcement: str) -> StoredAnnouncement | None:
    """The announcement, locked."""
    row = await tx.fetch_one("SELECT * FROM announcement WHERE id = %s FOR UPDATE", (announcement,))
    return None if row is None else _announcement(row)


async def sign_announcement(tx: Transaction, announcement: str, by: UserName, at: datetime) -> None:
    """The second signature: from now it is in force."""
    await tx.execute("UPDATE announcement SET second_by = %s, second_at = %s WHERE id = %s", (by, at, announcement))


async def announcements_at(tx: Transaction, now: datetime) -> tuple[StoredAnnouncement, ...]:
    """Those whose time is now, signed by two or not yet."""
    rows = await tx.fetch_all("SELECT * FROM announcement WHERE since <= %s AND until >= %s ORDER BY id", (now, now))
    return tuple(_announcement(row) for row in rows)


def _announcement(row: Row) -> StoredAnnouncement:
    return StoredAnnouncement(
        id=row["id"],
        cause=row["cause"],
        identities=tuple(IdentityId(identity) for identity in row["identities"]),
        since=row["since"],
        until=row["until"],
        first_by=UserName(row["first_by"]),
        first_at=row["first_at"],
        second_by=UserName(row["second_by"]) if row["second_by"] else None,
    )
