"""Which policy was in force when: the text as it was read, under its digest."""

from dataclasses import dataclass
from datetime import datetime

from lastday.model.ids import Digest
from lastday.store.database import Row, Transaction
from lastday.store.ranges import since


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersion:
    digest: Digest
    text: str
    activated_at: datetime
    by: str
    ended_at: datetime | None
    """When the next one took its place; None for the one in force."""


async def activate_policy(tx: Transaction, digest: Digest, text: str, by: str, at: datetime) -> bool:
    """The policy is in force; False where it already was."""
    await tx.lock("policy")
    current = await active_policy(tx)
    if current is not None and current.digest == digest:
        return False
    await tx.execute(
        "UPDATE policy_version SET valid = tstzrange(lower(valid), greatest(lower(valid), %s)) WHERE upper_inf(valid)",
        (at,),
    )
    await tx.execute(
        "INSERT INTO policy_version (digest, text, activated_at, by, valid) VALUES (%s, %s, %s, %s, %s)",
        (digest, text, at, by, since(at)),
    )
    return True


async def active_policy(tx: Transaction) -> PolicyVersion | None:
    """The policy in force, or None before the first."""
    row = await tx.fetch_one("SELECT *, upper(valid) AS ended_at FROM policy_version WHERE upper_inf(valid)")
    return None if row is None else _version(row)


async def load_policy(tx: Transaction, digest: Digest) -> PolicyVersion | None:
    """The version with this digest that was in force last, or None."""
    row = await tx.fetch_one(
        "SELECT *, upper(valid) AS ended_at FROM policy_version WHERE digest = %s ORDER BY activated_at DESC LIMIT 1",
        (digest,),
    )
    return None if row is None else _version(row)


def _version(row: Row) -> PolicyVersion:
    return PolicyVersion(
        digest=row["digest"],
        text=row["text"],
        activated_at=row["activated_at"],
        by=row["by"],
        ended_at=row["ended_at"],
    )
