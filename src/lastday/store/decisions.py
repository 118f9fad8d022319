"""What was decided about a person's access beside the policy: adopted holdings, denies, preserve orders."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg.rows import scalar_row

from lastday.model.access import Adopted, Deny
from lastday.model.account import EntitlementRef
from lastday.model.ids import IdentityId
from lastday.store.database import Transaction
from lastday.store.ids import new_id


async def adopt(tx: Transaction, adopted: Sequence[Adopted]) -> None:
    """These holdings have the reason *adopted*; one that has it already keeps its first instant."""
    await tx.execute_many(
        "INSERT INTO adopted (identity, application, entitlement, since) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        [(a.identity, a.entitlement.application, a.entitlement.name, a.since) for a in adopted],
    )


async def end_adopted(
    tx: Transaction, identity: IdentityId, at: datetime, entitlements: Sequence[EntitlementRef] | None = None
) -> int:
    """The reason *adopted* has ended for these entitlements of the person, or for all; how many ended."""
    only = None if entitlements is None else [str(entitlement) for entitlement in entitlements]
    return await tx.execute(
        "UPDATE adopted SET ended_at = greatest(since, %(at)s) WHERE identity = %(who)s AND ended_at IS NULL"
        " AND (%(only)s::text[] IS NULL OR application || ':' || entitlement = ANY(%(only)s))",
        {"at": at, "who": identity, "only": only},
    )


async def load_adopted(tx: Transaction, identities: Iterable[IdentityId] | None = None) -> tuple[Adopted, ...]:
    """The adopted holdings of these people, or of everybody, that have not ended."""
    rows = await tx.fetch_all(
        "SELECT identity, application, entitlement, since FROM adopted WHERE ended_at IS NULL"
        " AND (%(ids)s::text[] IS NULL OR identity = ANY(%(ids)s)) ORDER BY identity, application, entitlement",
        {"ids": None if identities is None else list(identities)},
    )
    return tuple(
        Adopted(
            identity=row["identity"],
            entitlement=EntitlementRef(row["application"], row["entitlement"]),
            since=row["since"],
        )
        for row in rows
    )


async def add_deny(tx: Transaction, deny: Deny, at: datetime) -> None:
    """The person is not to have the entitlement until the deny ends."""
    await tx.execute(
        "INSERT INTO deny (id, identity, application, entitlement, why, by, since, until)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            new_id("deny"),
            deny.identity,
            deny.entitlement.application,
            deny.entitlement.name,
            deny.why,
            deny.by,
            at,
            deny.until,
        ),
    )


async def load_denies(
    tx: Transaction, now: datetime, identities: Iterable[IdentityId] | None = None
) -> tuple[Deny, ...]:
    """The denies of these people, or of everybody, that have not ended at `now`."""
    rows = await tx.fetch_all(
        "SELECT identity, application, entitlement, why, by, until FROM deny WHERE (until IS NULL OR until > %(now)s)"
        " AND (%(ids)s::text[] IS NULL OR identity = ANY(%(ids)s)) ORDER BY identity, application, entitlement, since",
        {"now": now, "ids": None if identities is None else list(identities)},
    )
    return tuple(
        Deny(
            identity=row["identity"],
            entitlement=EntitlementRef(row["application"], row["entitlement"]),
            why=row["why"],
            by=row["by"],
            until=row["until"],
        )
        for row in rows
    )


async def preserve(tx: Transaction, identity: IdentityId, why: str, by: str, at: datetime) -> None:
    """What belongs to the person is not destroyed until the order ends; the sign-in cut is not held up."""
    await tx.execute(
        "INSERT INTO preserve (id, identity, why, by, since) VALUES (%s, %s, %s, %s, %s)",
        (new_id("keep"), identity, why, by, at),
    )


async def end_preserve(tx: Transaction, identity: IdentityId, at: datetime) -> int:
    """No preserve order of the person is in force; how many were."""
    return await tx.execute(
        "UPDATE preserve SET ended_at = %s WHERE identity = %s AND ended_at IS NULL", (at, identity)
    )


async def preserved_identities(tx: Transaction) -> frozenset[IdentityId]:
    """Everybody under a preserve order."""
    return frozenset(
        await tx.fetch_all("SELECT DISTINCT identity FROM preserve WHERE ended_at IS NULL", row=scalar_row)
    )
