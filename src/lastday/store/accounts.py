"""Accounts and what they hold, as applications showed them, with every version that was ever believed.

A holding or an account closes only because a complete snapshot or a verified read no longer showed it, and a reading
that began before a newer one changes nothing about what the newer one saw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import scalar_row

from lastday.model.account import (
    Account,
    AccountKind,
    ApplicationSnapshot,
    Correlation,
    EntitlementRef,
    ObservedAccount,
    ObservedHolding,
    Via,
)
from lastday.model.attributes import Attributes
from lastday.model.ids import AccountId, ApplicationName, Digest, IdentityId, NativeId, SnapshotId
from lastday.store.database import Row, Transaction, as_jsonb
from lastday.store.ids import new_snapshot_id
from lastday.store.observing import Observation, digest_of, note_observed
from lastday.store.ranges import storable, version_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Whose an account is, as far as that is known. `identity` is set exactly where it is matched."""

    account: AccountId
    correlation: Correlation
    identity: IdentityId | None
    how: str
    """Why: `employeeNumber (proof)`, `two people held the mail`; a sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account is to automation."""

    account: AccountId
    kind: AccountKind
    protected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSnapshot:
    id: SnapshotId
    application: ApplicationName
    taken_at: datetime
    accounts: int
    entitlements: int
    digest: Digest
    """Over everything but the last use of the accounts."""


async def apply_snapshot(tx: Transaction, snapshot: ApplicationSnapshot, known_at: datetime) -> SnapshotId:
    """The inventory shows what the complete snapshot shows, and no longer what it does not show."""
    snapshot_id = new_snapshot_id()
    observed = {account.native_id: account for account in snapshot.accounts}
    await _insert_snapshot(tx, snapshot_id, snapshot, known_at)
    await note_observed(
        tx,
        Observation(
            application=snapshot.application,
            accounts=tuple(observed.values()),
            absent=None,
            at=snapshot.taken_at,
            known_at=known_at,
            snapshot=snapshot_id,
        ),
    )
    held = {holding.entitlement for account in observed.values() for holding in account.holdings}
    await _note_entitlements(tx, snapshot.application, held | set(snapshot.entitlements), snapshot.taken_at)
    return snapshot_id


async def apply_read(
    tx: Transaction,
    application: ApplicationName,
    native_id: NativeId,
    observed: ObservedAccount | None,
    at: datetime,
) -> None:
    """The inventory shows for this one account what a verified read at `at` showed; None: it is not there."""
    await note_observed(
        tx,
        Observation(
            application=application,
            accounts=() if observed is None else (observed,),
            absent=(native_id,) if observed is None else (),
            at=at,
            known_at=at,
            snapshot=None,
        ),
    )
    if observed is not None:
        await _note_entitlements(tx, application, {holding.entitlement for holding in observed.holdings}, at)


async def was_ever_linked(tx: Transaction, application: ApplicationName) -> bool:
    """An account of the application was known to be somebody's once."""
    row = await tx.fetch_one(
        "SELECT 1 AS one FROM link l JOIN account a ON a.id = l.account"
        " WHERE a.application = %s AND l.identity IS NOT NULL LIMIT 1",
        (application,),
    )
    return row is not None


async def last_snapshot(tx: Transaction, application: ApplicationName) -> StoredSnapshot | None:
    """The newest complete snapshot of the application, or None."""
    row = await tx.fetch_one(
        "SELECT * FROM snapshot WHERE subject = %s AND complete ORDER BY taken_at DESC, known_at DESC LIMIT 1",
        (application,),
    )
    if row is None:
        return None
    return StoredSnapshot(
        id=row["id"],
        application=application,
        taken_at=row["taken_at"],
        accounts=row["counts"]["accounts"],
        entitlements=row["counts"]["entitlements"],
        digest=row["digest"],
    )


async def last_snapshots(tx: Transaction) -> dict[ApplicationName, SnapshotId]:
    """The newest complete snapshot of each application that was ever read whole."""
    rows = await tx.fetch_all(
        "SELECT DISTINCT ON (subject) subject, id FROM snapshot WHERE complete"
        " ORDER BY subject, taken_at DESC, known_at DESC"
    )
    return {ApplicationName(row["subject"]): SnapshotId(row["id"]) for row in rows}


async def count_accounts(tx: Transaction) -> dict[ApplicationName, int]:
    """How many accounts exist in each application."""
    rows = await tx.fetch_all(
        "SELECT a.application, count(*) AS accounts FROM account a"
        " JOIN account_version v ON v.account = a.id AND upper_inf(v.known) WHERE v.exists GROUP BY a.application"
    )
    return {ApplicationName(row["application"]): int(row["accounts"]) for row in rows}


async def count_members(tx: Transaction) -> dict[EntitlementRef, int]:
    """How many holdings of each entitlement there are in existing accounts."""
    rows = await tx.fetch_all(
        "SELECT a.application, h.entitlement, count(*) AS members FROM holding_version h JOIN account a"
        " ON a.id = h.account JOIN account_version v ON v.account = a.id AND upper_inf(v.known)"
        " WHERE upper_inf(h.known) AND v.exists GROUP BY a.application, h.entitlement"
    )
    return {EntitlementRef(ApplicationName(r["application"]), r["entitlement"]): int(r["members"]) for r in rows}


async def load_accounts(
    tx: Transaction,
    application: ApplicationName | None = None,
    identity: IdentityId | None = None,
    native_id: NativeId | None = None,
) -> tuple[Account, ...]:
    """The accounts of an application, of a person, or all; those that are gone too (`exists` is false)."""
    rows = await tx.fetch_all(
        "SELECT a.id, a.application, a.native_id, a.kind, a.protected, a.first_seen_at, a.seen_at, a.last_used,"
        " a.snapshot, v.username, v.enabled, v.attributes, v.created_at, v.exists, l.correlation, l.identity"
        " FROM account a JOIN account_version v ON v.account = a.id AND upper_inf(v.known)"
        " LEFT JOIN link l ON l.account = a.id AND l.ended_at IS NULL"
        " WHERE (%(app)s::text IS NULL OR a.application = %(app)s)"
        " AND (%(who)s::text IS NULL OR l.identity = %(who)s)"
        " AND (%(native)s::text IS NULL OR a.native_id = %(native)s) ORDER BY a.application, a.native_id",
        {"app": application, "who": identity, "native": native_id},
    )
    holdings = await _open_holdings(tx, [row["id"] for row in rows])
    return tuple(_account(row, holdings.get(row["id"], [])) for row in rows)


async def find_account(tx: Transaction, application: ApplicationName, native_id: NativeId) -> Account | None:
    """The account with this native id, whoever owns it; also one that is gone."""
    known = await load_accounts(tx, application=application, native_id=native_id)
    return known[0] if known else None


async def known_entitlements(tx: Transaction, application: ApplicationName) -> tuple[str, ...]:
    """Every entitlement that the application was ever seen to have."""
    return tuple(
        await tx.fetch_all(
            "SELECT name FROM entitlement WHERE application = %s ORDER BY name", (application,), row=scalar_row
        )
    )


async def set_links(tx: Transaction, links: Sequence[Link], at: datetime) -> None:
    """Each account is correlated so from `at` on; what it was before stays in the history."""
    columns = (
        [link.account for link in links],
        [link.correlation.value for link in links],
        [link.identity for link in links],
        [storable(link.how) for link in links],
    )
    await tx.execute(
        "UPDATE link l SET ended_at = greatest(l.at, %s)"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS n (account, correlation, identity, how)"
        " WHERE l.account = n.account AND l.ended_at IS NULL"
        " AND (l.correlation, l.identity) IS DISTINCT FROM (n.correlation, n.identity)",
        (at, *columns),
    )
    await tx.execute(
        "INSERT INTO link (account, correlation, identity, how, at)"
        " SELECT n.account, n.correlation, n.identity, n.how, %s"
        " FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS n (account, correlation, identity, how)"
        " ON CONFLICT (account) WHERE ended_at IS NULL DO NOTHING",
        (at, *columns),
    )


async def set_standings(tx: Transaction, standings: Sequence[Standing]) -> None:
    """These accounts are of that kind, and protected or not."""
    await tx.execute(
        "UPDATE account a SET kind = n.kind, protected = n.protected"
        " FROM unnest(%s::text[], %s::text[], %s::bool[]) AS n (account, kind, protected)"
        " WHERE a.id = n.account AND (a.kind, a.protected) IS DISTINCT FROM (n.kind, n.protected)",
        ([s.account for s in standings], [s.kind.value for s in standings], [s.protected for s in standings]),
    )


async def _insert_snapshot(
    tx: Transaction, snapshot_id: SnapshotId, snapshot: ApplicationSnapshot, known_at: datetime
) -> None:
    counts = {
        "accounts": snapshot.completeness.accounts,
        "pages": snapshot.completeness.pages,
        "stated_total": snapshot.completeness.stated_total,
        "entitlements": len(snapshot.entitlements),
    }
    contents = sorted([account.native_id, digest_of(account)] for account in snapshot.accounts)
    await tx.execute(
        "INSERT INTO snapshot (id, subject, taken_at, known_at, complete, counts, digest)"
        " VALUES (%s, %s, %s, %s, true, %s, %s)",
        (snapshot_id, snapshot.application, snapshot.taken_at, known_at, as_jsonb(counts), version_digest(contents)),
    )


async def _note_entitlements(tx: Transaction, application: ApplicationName, names: set[str], at: datetime) -> None:
    if not names:
        return
    tx.later(
        "INSERT INTO entitlement (application, name, first_seen) SELECT %s, name, %s FROM unnest(%s::text[]) AS name"
        " ON CONFLICT DO NOTHING",
        (application, at, sorted(storable(name) for name in names)),
    )


async def _open_holdings(tx: Transaction, accounts: Sequence[str]) -> dict[str, list[Row]]:
    rows = await tx.fetch_all(
        "SELECT account, entitlement, via, since FROM holding_version WHERE upper_inf(known) AND account = ANY(%s)"
        " ORDER BY entitlement, via",
        (accounts,),
    )
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["account"], []).append(row)
    return grouped


def _account(row: Row, holdings: Sequence[Row]) -> Account:
    since: dict[str, datetime] = {}
    for holding in holdings:
        name = holding["entitlement"]
        since[name] = min(since.get(name, holding["since"]), holding["since"])
    return Account(
        id=row["id"],
        application=row["application"],
        kind=AccountKind(row["kind"]),
        observed=_observed(row, holdings),
        exists=row["exists"],
        correlation=Correlation(row["correlation"] or Correlation.UNCORRELATED),
        identity=row["identity"],
        first_seen_at=row["first_seen_at"],
        seen_at=row["seen_at"],
        snapshot=row["snapshot"],
        protected=row["protected"],
        holdings_since=tuple(sorted(since.items())),
    )


def _observed(row: Row, holdings: Sequence[Row]) -> ObservedAccount:
    return ObservedAccount(
        native_id=row["native_id"],
        username=row["username"],
        enabled=row["enabled"],
        attributes=Attributes.from_json(row["attributes"]),
        holdings=tuple(ObservedHolding(holding["entitlement"], Via(holding["via"])) for holding in holdings),
        created_at=row["created_at"],
        last_used=row["last_used"],
    )
