"""People to be reconciled again at an instant."""

from datetime import datetime

from lastday.model.ids import IdentityId
from lastday.store.database import Transaction


async def note(tx: Transaction, identity: IdentityId, at: datetime, why: str) -> None:
    """The person is due again at `at`, or later where a later instant was noted already."""
    await tx.execute(
        "INSERT INTO look_again (identity, at, why) VALUES (%s, %s, %s)"
        " ON CONFLICT (identity) DO UPDATE SET at = greatest(look_again.at, excluded.at), why = excluded.why",
        (identity, at, why),
    )


async def take_due(tx: Transaction, now: datetime) -> tuple[IdentityId, ...]:
    """Whose instant has come; they are no longer noted."""
    rows = await tx.fetch_all("DELETE FROM look_again WHERE at <= %s RETURNING identity", (now,))
    return tuple(IdentityId(row["identity"]) for row in rows)


async def is_noted(tx: Transaction, identity: IdentityId) -> bool:
    """The person is still to be looked at again."""
    return await tx.fetch_one("SELECT 1 AS one FROM look_again WHERE identity = %s", (identity,)) is not None
