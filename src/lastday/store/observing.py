"""How a reading becomes versions: only what differs from what is believed is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.model.account import ObservedAccount
from lastday.model.ids import AccountId, ApplicationName, NativeId, SnapshotId
from lastday.store.database import Row, Transaction
from lastday.store.ids import new_account_id
from lastday.store.ranges import attributes_text, iso, since, storable, version_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one reading saw: accounts that are there, and those that are not."""

    application: ApplicationName
    accounts: Sequence[ObservedAccount]
    absent: Sequence[NativeId] | None
    """None: everything that is not among `accounts` is absent (a complete snapshot)."""
    at: datetime
    """When the reading began."""
    known_at: datetime
    snapshot: SnapshotId | None


@dataclass(frozen=True, slots=True)
class _Seen:
    id: AccountId
    account: ObservedAccount
    digest: str


async def note_observed(tx: Transaction, observation: Observation) -> None:
    """Accounts, versions and holdings are as observed, except where something newer was seen already."""
    await tx.lock(f"inventory of {observation.application}")
    heads = await _heads(tx, observation)
    stale = {native_id for native_id, head in heads.items() if head["checked_at"] > observation.at}
    seen = [
        _Seen(head["id"] if (head := heads.get(account.native_id)) else new_account_id(), account, digest_of(account))
        for account in observation.accounts
        if account.native_id not in stale
    ]
    gone = _gone(observation, heads, stale)
    changed = [one for one in seen if heads.get(one.account.native_id, _NOTHING)["digest"] != one.digest]
    new = [one for one in seen if one.account.native_id not in heads]
    if new:
        await _insert_accounts(tx, observation, new)
    await _touch(tx, observation, seen, gone)
    if changed or gone:
        await _write_versions(tx, observation, changed, gone)
        await _write_holdings(tx, observation, changed, gone)


_NOTHING: Mapping[str, object] = {"digest": None}


def digest_of(account: ObservedAccount) -> str:
    """Over everything but the last use, which changes at every sign-in."""
    return version_digest(
        account.username,
        account.enabled,
        attributes_text(account.attributes),
        iso(account.created_at),
        [[holding.entitlement, holding.via.value] for holding in sorted(set(account.holdings))],
    )


def _gone(observation: Observation, heads: Mapping[str, Row], stale: set[str]) -> list[AccountId]:
    there = {account.native_id for account in observation.accounts}
    absent = heads.keys() if observation.absent is None else observation.absent
    missing = (native_id for native_id in absent if native_id not in there and native_id not in stale)
    return [heads[native_id]["id"] for native_id in missing if native_id in heads and heads[native_id]["exists"]]


async def _heads(tx: Transaction, observation: Observation) -> dict[str, Row]:
    wanted = None
    if observation.absent is not None:
        wanted = [*observation.absent, *(account.native_id for account in observation.accounts)]
    rows = await tx.fetch_all(
        "SELECT a.native_id, a.id, a.checked_at, v.exists, CASE WHEN v.exists THEN v.digest END AS digest"
        " FROM account a JOIN account_version v ON v.account = a.id AND upper_inf(v.known)"
        " WHERE a.application = %(app)s AND (%(some)s::text[] IS NULL OR a.native_id = ANY(%(some)s))",
        {"app": observation.application, "some": wanted},
    )
    return {row["native_id"]: row for row in rows}


async def _insert_accounts(tx: Transaction, observation: Observation, new: Sequence[_Seen]) -> None:
    await tx.copy(
        "account",
        ("id", "application", "native_id", "first_seen_at", "seen_at", "checked_at", "last_used", "snapshot"),
        (
            (
                one.id,
                observation.application,
                one.account.native_id,
                observation.at,
                observation.at,
                observation.at,
                one.account.last_used,
                observation.snapshot,
            )
            for one in new
        ),
    )


async def _touch(tx: Transaction, observation: Observation, seen: Sequence[_Seen], gone: Sequence[AccountId]) -> None:
    tx.later(
        "UPDATE account a SET seen_at = %(at)s, checked_at = %(at)s, snapshot = coalesce(%(snapshot)s, a.snapshot),"
        " last_used = greatest(a.last_used, n.last_used)"
        " FROM unnest(%(ids)s::text[], %(used)s::timestamptz[]) AS n (id, last_used) WHERE a.id = n.id",
        {
            "at": observation.at,
            "snapshot": observation.snapshot,
            "ids": [one.id for one in seen],
            "used": [one.account.last_used for one in seen],
        },
    )
    if gone:
        tx.later("UPDATE account SET checked_at = %s WHERE id = ANY(%s)", (observation.at, list(gone)))


async def _write_versions(
    tx: Transaction, observation: Observation, changed: Sequence[_Seen], gone: Sequence[AccountId]
) -> None:
    closed = await tx.fetch_all(
        "UPDATE account_version SET valid = tstzrange(lower(valid), greatest(lower(valid), %s)),"
        " known = tstzrange(lower(known), greatest(lower(known), %s))"
        " WHERE account = ANY(%s) AND upper_inf(known)"
        " RETURNING account, username, enabled, attributes::text AS attributes, created_at, digest",
        (observation.at, observation.known_at, [*(one.id for one in changed), *gone]),
    )
    last = {row["account"]: row for row in closed}
    times = (since(observation.at), since(observation.known_at))
    rows: list[tuple[object, ...]] = [(*_version(one), *times) for one in changed]
    rows += [(*_last_version(last[account]), *times) for account in gone]
    columns = ("account", "username", "enabled", "attributes", "created_at", "exists", "digest", "valid", "known")
    await tx.copy("account_version", columns, rows)


def _version(one: _Seen) -> tuple[object, ...]:
    account = one.account
    return (
        one.id,
        storable(account.username),
        account.enabled,
        attributes_text(account.attributes),
        account.created_at,
        True,
        one.digest,
    )


def _last_version(row: Row) -> tuple[object, ...]:
    """What is gone is remembered as it was last."""
    return (row["account"], row["username"], row["enabled"], row["attributes"], row["created_at"], False, row["digest"])


async def _write_holdings(
    tx: Transaction, observation: Observation, changed: Sequence[_Seen], gone: Sequence[AccountId]
) -> None:
    before = await _holdings_before(tx, [*(one.id for one in changed), *gone])
    now = {
        (one.id, storable(holding.entitlement), holding.via.value)
        for one in changed
        for holding in one.account.holdings
    }
    await _close_holdings(tx, observation, before.keys() - now)
    began = _earliest(before)
    times = (since(observation.at), since(observation.known_at))
    await tx.copy(
        "holding_version",
        ("account", "entitlement", "via", "since", "valid", "known"),
        ((*key, began.get(key[:2], observation.at), *times) for key in sorted(now - before.keys())),
    )


_HoldingKey = tuple[AccountId, str, str]


async def _holdings_before(tx: Transaction, accounts: Sequence[AccountId]) -> dict[_HoldingKey, datetime]:
    rows = await tx.fetch_all(
        "SELECT account, entitlement, via, since FROM holding_version WHERE upper_inf(known) AND account = ANY(%s)",
        (accounts,),
    )
    return {(row["account"], row["entitlement"], row["via"]): row["since"] for row in rows}


def _earliest(before: Mapping[_HoldingKey, datetime]) -> dict[tuple[AccountId, str], datetime]:
    """Since when each account has held each entitlement without a break, whatever carried it."""
    began: dict[tuple[AccountId, str], datetime] = {}
    for (account, entitlement, _), instant in before.items():
        began[account, entitlement] = min(began.get((account, entitlement), instant), instant)
    return began


async def _close_holdings(tx: Transaction, observation: Observation, over: Iterable[_HoldingKey]) -> None:
    keys = list(over)
    if not keys:
        return
    await tx.execute(
        "UPDATE holding_version h SET valid = tstzrange(lower(valid), greatest(lower(valid), %s)),"
        " known = tstzrange(lower(known), greatest(lower(known), %s))"
        " FROM unnest(%s::text[], %s::text[], %s::text[]) AS n (account, entitlement, via)"
        " WHERE (h.account, h.entitlement, h.via) = (n.account, n.entitlement, n.via) AND upper_inf(h.known)",
        (
            observation.at,
            observation.known_at,
            [key[0] for key in keys],
            [key[1] for key in keys],
            [key[2] for key in keys],
        ),
    )
