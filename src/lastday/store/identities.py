"""People and their engagements, with every version that was ever believed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import scalar_row

from lastday.model.attributes import Attributes
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import EngagementId, IdentityId, SourceName
from lastday.store.database import Row, Transaction
from lastday.store.held_values import REMEMBERED, folded, remember_values
from lastday.store.ranges import attributes_text, between, iso, since, version_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far an identity's life has been looked at, and when it changes next by itself."""

    identity: IdentityId
    lifecycle_seen: Lifecycle | None
    walked_until: datetime | None
    next_change_at: datetime | None


async def save_identities(
    tx: Transaction,
    identities: Sequence[Identity],
    known_at: datetime,
    *,
    remembered: Collection[str] = REMEMBERED,
) -> tuple[IdentityId, ...]:
    """The identities are stored, a new version for each engagement that is not as it was; those that changed.

    Who holds a value of the `remembered` attributes, and until when, is kept beside: name those that hints speak of.
    """
    await _insert_identities(tx, identities)
    await _insert_engagements(tx, identities)
    before = await _open_digests(tx, [identity.id for identity in identities])
    changed = [(e, d) for identity in identities for e in identity.engagements if (d := _digest(e)) != before.get(e.id)]
    await _close_versions(tx, [engagement.id for engagement, _ in changed], known_at)
    await tx.copy("engagement_version", _VERSION_COLUMNS, (_version_row(e, d, known_at) for e, d in changed))
    touched = {engagement.identity for engagement, _ in changed}
    await remember_values(tx, [identity for identity in identities if identity.id in touched], known_at, remembered)
    return tuple(sorted(touched))


async def load_identity(tx: Transaction, identity: IdentityId) -> Identity | None:
    """The identity as it is believed now, or None."""
    return next(iter(await load_identities(tx, [identity])), None)


async def load_identities(tx: Transaction, ids: Iterable[IdentityId] | None = None) -> tuple[Identity, ...]:
    """The identities as they are believed now: these, or all; in the order of their ids."""
    wanted = None if ids is None else list(ids)
    rows = await tx.fetch_all(
        "SELECT i.id AS identity_id, i.kind, i.person_key, e.id, e.source, e.key, v.attributes, v.status, v.starts_at,"
        " v.ends_at, v.end_known_since, v.end_accepted"
        " FROM identity i LEFT JOIN engagement e ON e.identity = i.id"
        " LEFT JOIN engagement_version v ON v.engagement = e.id AND upper_inf(v.known)"
        " WHERE %(ids)s::text[] IS NULL OR i.id = ANY(%(ids)s) ORDER BY i.id, e.id",
        {"ids": wanted},
    )
    return _grouped(rows)


async def identities_of_source(tx: Transaction, source: SourceName) -> tuple[Identity, ...]:
    """Everybody with an engagement from this source, with all their engagements."""
    ids = await tx.fetch_all("SELECT DISTINCT identity FROM engagement WHERE source = %s", (source,), row=scalar_row)
    return await load_identities(tx, ids)


async def find_by_employee_number(tx: Transaction, number: str) -> tuple[Identity, ...]:
    """Everybody whom a feed ever gave this number, who has it now first; more than one where it was used again."""
    ids = await tx.fetch_all(
        "SELECT identity FROM value_history WHERE attribute = 'employeenumber' AND value_folded = %s"
        " ORDER BY until DESC NULLS FIRST, identity",
        (folded(number),),
        row=scalar_row,
    )
    found = {identity.id: identity for identity in await load_identities(tx, ids)}
    return tuple(found[identity] for identity in ids)


async def find_by_person_key(tx: Transaction, source: SourceName, keys: Sequence[str]) -> Mapping[str, IdentityId]:
    """Which identity each of these keys of the source means; keys that nobody has are left out."""
    rows = await tx.fetch_all(
        "SELECT key, identity FROM person_key WHERE source = %s AND key = ANY(%s)", (source, list(keys))
    )
    return {row["key"]: row["identity"] for row in rows}


async def engagements_as_of(
    tx: Transaction, identity: IdentityId, valid_at: datetime, known_at: datetime
) -> tuple[Engagement, ...]:
    """The engagements that ran at `valid_at`, as they were believed at `known_at`."""
    rows = await tx.fetch_all(
        "SELECT e.identity AS identity_id, e.id, e.source, e.key, v.attributes, v.status, v.starts_at, v.ends_at,"
        " v.end_known_since, v.end_accepted FROM engagement e JOIN engagement_version v ON v.engagement = e.id"
        " WHERE e.identity = %s AND v.valid @> %s AND v.known @> %s ORDER BY e.id",
        (identity, valid_at, known_at),
    )
    return tuple(_engagement(row) for row in rows)


async def engagements_known_at(tx: Transaction, identity: IdentityId, known_at: datetime) -> tuple[Engagement, ...]:
    """All engagements of the person, past and coming ones too, as they were believed at `known_at`."""
    rows = await tx.fetch_all(
        "SELECT e.identity AS identity_id, e.id, e.source, e.key, v.attributes, v.status, v.starts_at, v.ends_at,"
        " v.end_known_since, v.end_accepted FROM engagement e JOIN engagement_version v ON v.engagement = e.id"
        " WHERE e.identity = %s AND v.known @> %s ORDER BY e.id",
        (identity, known_at),
    )
    return tuple(_engagement(row) for row in rows)


async def set_walked(tx: Transaction, walked: Sequence[Walked]) -> None:
    """These identities have been looked at so far and change next then."""
    await tx.execute_many(
        "UPDATE identity SET lifecycle_seen = %s, walked_until = %s, next_change_at = %s WHERE id = %s",
        [(w.lifecycle_seen, w.walked_until, w.next_change_at, w.identity) for w in walked],
    )


async def load_walked(tx: Transaction, ids: Iterable[IdentityId] | None = None) -> Mapping[IdentityId, Walked]:
    """How far each of these, or everybody, has been looked at."""
    rows = await tx.fetch_all(
        "SELECT id, lifecycle_seen, walked_until, next_change_at FROM identity"
        " WHERE %(ids)s::text[] IS NULL OR id = ANY(%(ids)s)",
        {"ids": None if ids is None else list(ids)},
    )
    return {row["id"]: _walked(row) for row in rows}


async def due_identities(tx: Transaction, now: datetime) -> tuple[IdentityId, ...]:
    """Everybody whose life changes by itself at or before `now`, the earliest first."""
    return tuple(
        await tx.fetch_all(
            "SELECT id FROM identity WHERE next_change_at <= %s ORDER BY next_change_at, id", (now,), row=scalar_row
        )
    )


_VERSION_COLUMNS = (
    "engagement",
    "attributes",
    "status",
    "starts_at",
    "ends_at",
    "end_known_since",
    "end_accepted",
    "digest",
    "valid",
    "known",
)


def _version_row(e: Engagement, digest: str, known_at: datetime) -> tuple[object, ...]:
    return (
        e.id,
        attributes_text(e.attributes),
        e.status.value,
        e.starts_at,
        e.ends_at,
        e.end_known_since,
        e.end_accepted,
        digest,
        between(e.starts_at, e.ends_at),
        since(known_at),
    )


def _digest(e: Engagement) -> str:
    return version_digest(
        attributes_text(e.attributes),
        e.status.value,
        iso(e.starts_at),
        iso(e.ends_at),
        iso(e.end_known_since),
        e.end_accepted,
    )


async def _insert_identities(tx: Transaction, identities: Sequence[Identity]) -> None:
    await tx.execute(
        "INSERT INTO identity (id, kind, person_key) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
        " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, person_key = excluded.person_key"
        " WHERE (identity.kind, identity.person_key) IS DISTINCT FROM (excluded.kind, excluded.person_key)",
        ([i.id for i in identities], [i.kind.value for i in identities], [i.person_key for i in identities]),
    )
    keys = {(e.source, i.person_key): i.id for i in identities if i.person_key for e in i.engagements}
    await tx.execute(
        "INSERT INTO person_key (source, key, identity) SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])"
        " ON CONFLICT DO NOTHING",
        ([source for source, _ in keys], [key for _, key in keys], list(keys.values())),
    )


async def _insert_engagements(tx: Transaction, identities: Sequence[Identity]) -> None:
    """An engagement may pass to another identity, when two turn out to be one person."""
    engagements = [engagement for identity in identities for engagement in identity.engagements]
    await tx.execute(
        "INSERT INTO engagement (id, identity, source, key)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
        " ON CONFLICT (id) DO UPDATE SET identity = excluded.identity WHERE engagement.identity <> excluded.identity",
        (
            [e.id for e in engagements],
            [e.identity for e in engagements],
            [e.source for e in engagements],
            [e.key for e in engagements],
        ),
    )


async def _open_digests(tx: Transaction, identities: Sequence[IdentityId]) -> dict[EngagementId, str]:
    rows = await tx.fetch_all(
        "SELECT e.id, v.digest FROM engagement e JOIN engagement_version v ON v.engagement = e.id"
        " WHERE upper_inf(v.known) AND e.identity = ANY(%s)",
        (identities,),
    )
    return {row["id"]: row["digest"] for row in rows}


async def _close_versions(tx: Transaction, engagements: Sequence[EngagementId], known_at: datetime) -> None:
    await tx.execute(
        "UPDATE engagement_version SET known = tstzrange(lower(known), greatest(lower(known), %s))"
        " WHERE engagement = ANY(%s) AND upper_inf(known)",
        (known_at, engagements),
    )


def _grouped(rows: Sequence[Row]) -> tuple[Identity, ...]:
    heads: dict[str, Row] = {}
    engagements: dict[str, list[Engagement]] = {}
    for row in rows:
        heads.setdefault(row["identity_id"], row)
        mine = engagements.setdefault(row["identity_id"], [])
        if row["status"] is not None:
            mine.append(_engagement(row))
    return tuple(_identity(head, engagements[identity]) for identity, head in heads.items())


def _identity(head: Row, engagements: Sequence[Engagement]) -> Identity:
    return Identity(
        id=head["identity_id"],
        kind=IdentityKind(head["kind"]),
        person_key=head["person_key"],
        engagements=tuple(engagements),
    )


def _engagement(row: Row) -> Engagement:
    return Engagement(
        id=row["id"],
        identity=row["identity_id"],
        source=row["source"],
        key=row["key"],
        attributes=Attributes.from_json(row["attributes"]),
        status=EngagementStatus(row["status"]),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        end_known_since=row["end_known_since"],
        end_accepted=row["end_accepted"],
    )


def _walked(row: Row) -> Walked:
    seen = row["lifecycle_seen"]
    return Walked(
        identity=row["id"],
        lifecycle_seen=None if seen is None else Lifecycle(seen),
        walked_until=row["walked_until"],
        next_change_at=row["next_change_at"],
    )
