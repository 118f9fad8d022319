"""Batches with their changes, what stopped them, and releases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.model.batch import Batch, Brake, Cause, CauseKind, Tripped
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.ids import ApplicationName, BatchId, Digest, EngagementId, IdentityId, UserName
from lastday.store.database import Row, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    batch: BatchId
    cause: CauseKind
    change: Change
    stopped_by: str | None
    released_at: datetime | None

    @property
    def is_stopped(self) -> bool:
        return self.stopped_by is not None and self.released_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """A release with one or two signatures; with one it lets nobody go."""

    id: str
    batch: BatchId
    batch_hash: Digest
    identities: tuple[IdentityId, ...]
    reason: str
    first_by: UserName
    second_by: UserName | None
    until: datetime


async def save_batch(tx: Transaction, batch: Batch, tripped: Sequence[Tripped]) -> None:
    """The batch, its changes and what stopped them are stored; stopped changes are marked before anybody sees them."""
    await tx.execute(
        "INSERT INTO batch (id, cause, reference, by, opened_at, hash) VALUES (%s, %s, %s, %s, %s, %s)",
        (batch.id, batch.cause.kind, batch.cause.reference, batch.cause.by, batch.opened_at, batch.hash),
    )
    stopped = {identity: trip.brake.value for trip in reversed(tripped) for identity in trip.identities}
    await tx.execute_many(
        "INSERT INTO change (batch, ordinal, identity, kind, at, engagement, surprise, detail, contract_ended,"
        " stopped_by)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (
                batch.id,
                ordinal,
                c.identity,
                c.kind,
                c.at,
                c.engagement,
                c.surprise,
                c.detail,
                c.contract_ended,
                stopped.get(c.identity),
            )
            for ordinal, c in enumerate(batch.changes)
        ],
    )
    await tx.execute_many(
        "INSERT INTO tripped (batch, brake, counted, allowed, base, detail, application, entitlement, identities)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            (batch.id, t.brake, t.counted, t.limit, t.base, t.detail, t.application, t.entitlement, list(t.identities))
            for t in tripped
        ],
    )


async def load_batch(tx: Transaction, batch: BatchId) -> Batch | None:
    """The batch as it was opened, or None."""
    row = await tx.fetch_one("SELECT * FROM batch WHERE id = %s", (batch,))
    if row is None:
        return None
    changes = await changes_of(tx, [batch])
    return Batch(
        id=batch,
        cause=Cause(kind=CauseKind(row["cause"]), reference=row["reference"], by=row["by"]),
        opened_at=row["opened_at"],
        changes=tuple(stored.change for stored in changes),
        hash=Digest(row["hash"]),
    )


async def open_batches(tx: Transaction) -> tuple[BatchId, ...]:
    """Batches that still have something to plan or to release, the oldest first."""
    rows = await tx.fetch_all("SELECT id FROM batch WHERE closed_at IS NULL ORDER BY opened_at, id")
    return tuple(BatchId(row["id"]) for row in rows)


async def unplanned_batches(tx: Transaction) -> tuple[BatchId, ...]:
    """Batches for which no plan was made yet, the oldest first."""
    rows = await tx.fetch_all(
        "SELECT id FROM batch WHERE planned_at IS NULL AND closed_at IS NULL ORDER BY opened_at, id"
    )
    return tuple(BatchId(row["id"]) for row in rows)


async def last_opened(tx: Transaction, cause: CauseKind, by: str) -> datetime | None:
    """When the newest batch of this cause was opened by this one."""
    row = await tx.fetch_one("SELECT max(opened_at) AS at FROM batch WHERE cause = %s AND by = %s", (cause, by))
    return row["at"] if row else None


async def mark_planned(tx: Transaction, batches: Sequence[BatchId], at: datetime) -> None:
    await tx.execute("UPDATE batch SET planned_at = %s WHERE id = ANY(%s) AND planned_at IS NULL", (at, list(batches)))


async def close_batches(tx: Transaction, at: datetime) -> None:
    """Batches without a stopped change and without an open case are closed."""
    await tx.execute(
        "UPDATE batch b SET closed_at = %s WHERE closed_at IS NULL AND planned_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM change c WHERE c.batch = b.id AND c.stopped_by IS NOT NULL AND"
        " c.released_at IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM case_file f WHERE f.batch = b.id AND f.closed_at IS NULL)",
        (at,),
    )


async def changes_of(tx: Transaction, batches: Sequence[BatchId]) -> tuple[StoredChange, ...]:
    """The changes of these batches in their order."""
    rows = await tx.fetch_all(
        "SELECT c.*, b.cause FROM change c JOIN batch b ON b.id = c.batch WHERE c.batch = ANY(%s) ORDER BY b.opened_at,"
        " c.batch, c.ordinal",
        (list(batches),),
    )
    return tuple(_change(row) for row in rows)


async def stopped_identities(tx: Transaction) -> dict[IdentityId, Brake]:
    """Everybody held by a brake now, with the brake."""
    rows = await tx.fetch_all(
        "SELECT identity, stopped_by FROM change WHERE stopped_by IS NOT NULL AND released_at IS NULL"
    )
    return {IdentityId(row["identity"]): Brake(row["stopped_by"]) for row in rows}


async def tripped_of(tx: Transaction, batch: BatchId) -> tuple[Tripped, ...]:
    rows = await tx.fetch_all("SELECT * FROM tripped WHERE batch = %s ORDER BY brake", (batch,))
    return tuple(
        Tripped(
            brake=Brake(row["brake"]),
            identities=tuple(IdentityId(identity) for identity in row["identities"]),
            counted=row["counted"],
            limit=row["allowed"],
            base=row["base"],
            detail=row["detail"],
            application=ApplicationName(row["application"]) if row["application"] else None,
            entitlement=row["entitlement"],
        )
        for row in rows
    )


async def leavers_let_go(tx: Transaction, since: datetime) -> tuple[tuple[IdentityId, datetime, Surprise], ...]:
    """Who left and was not stopped, or was released by two people, in batches since then: what brakes count on top."""
    rows = await tx.fetch_all(
        "SELECT c.identity, b.opened_at, c.surprise FROM change c JOIN batch b ON b.id = c.batch"
        " WHERE c.kind = 'left' AND (c.stopped_by IS NULL OR c.released_by_two) AND b.opened_at > %s"
        " ORDER BY b.opened_at, c.identity",
        (since,),
    )
    return tuple((IdentityId(row["identity"]), row["opened_at"], Surprise(row["surprise"])) for row in rows)


async def release_changes(tx: Transaction, batch: BatchId, identities: Sequence[IdentityId], at: datetime) -> int:
    """The stopped changes of these people may go, and their cases are open; how many changes there were."""
    released = await tx.execute(
        "UPDATE change SET released_at = %s, released_by_two = true WHERE batch = %s AND identity = ANY(%s)"
        " AND stopped_by IS NOT NULL AND released_at IS NULL",
        (at, batch, list(identities)),
    )
    await tx.execute("UPDATE batch SET planned_at = NULL, closed_at = NULL WHERE id = %s", (batch,))
    await tx.execute(
        "UPDATE case_file SET state = 'open' WHERE batch = %s AND identity = ANY(%s) AND state = 'stopped'",
        (batch, list(identities)),
    )
    return released


async def drop_superseded_stops(
    tx: Transaction, identities: Sequence[IdentityId], at: datetime, newer: BatchId
) -> None:
    """Holds of older batches on these people are lifted: a newer decision that was not stopped takes their place."""
    await tx.execute(
        "UPDATE change SET released_at = %s WHERE identity = ANY(%s) AND batch <> %s AND stopped_by IS NOT NULL"
        " AND released_at IS NULL",
        (at, list(identities), newer),
    )


async def save_release(tx: Transaction, release: StoredRelease, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO release (id, batch, batch_hash, identities, reason, first_by, first_at, until)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            release.id,
            release.batch,
            release.batch_hash,
            list(release.identities),
            release.reason,
            release.first_by,
            at,
            release.until,
        ),
    )


async def load_release(tx: Transaction, release: str) -> StoredRelease | None:
    row = await tx.fetch_one("SELECT * FROM release WHERE id = %s FOR UPDATE", (release,))
    if row is None:
        return None
    return StoredRelease(
        id=row["id"],
        batch=BatchId(row["batch"]),
        batch_hash=Digest(row["batch_hash"]),
        identities=tuple(IdentityId(identity) for identity in row["identities"]),
        reason=row["reason"],
        first_by=UserName(row["first_by"]),
        second_by=UserName(row["second_by"]) if row["second_by"] else None,
        until=row["until"],
    )


async def sign_release(tx: Transaction, release: str, by: UserName, at: datetime) -> None:
    """The second signature; from now the release is used up."""
    await tx.execute("UPDATE release SET second_by = %s, second_at = %s WHERE id = %s", (by, at, release))


def _change(row: Row) -> StoredChange:
    change = Change(
        identity=IdentityId(row["identity"]),
        kind=ChangeKind(row["kind"]),
        at=row["at"],
        engagement=EngagementId(row["engagement"]) if row["engagement"] else None,
        surprise=Surprise(row["surprise"]),
        detail=row["detail"],
        contract_ended=row["contract_ended"],
    )
    return StoredChange(
        batch=BatchId(row["batch"]),
        cause=CauseKind(row["cause"]),
        change=change,
        stopped_by=row["stopped_by"],
        released_at=row["released_at"],
    )


async def stopped_in(tx: Transaction, batch: BatchId) -> tuple[IdentityId, ...]:
    """Whom a brake holds in this batch now."""
    rows = await tx.fetch_all(
        "SELECT DISTINCT identity FROM change WHERE batch = %s AND stopped_by IS NOT NULL AND released_at IS NULL",
        (batch,),
    )
    return tuple(sorted(IdentityId(row["identity"]) for row in rows))


async def note_tripped(tx: Transaction, batch: BatchId, trip: Tripped) -> None:
    """A brake on the plan of this batch holds these people's operations of its kind."""
    await tx.execute(
        "INSERT INTO tripped (batch, brake, counted, allowed, base, detail, application, entitlement, identities)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            batch,
            trip.brake,
            trip.counted,
            trip.limit,
            trip.base,
            trip.detail,
            trip.application,
            trip.entitlement,
            list(trip.identities),
        ),
    )


async def released_people(tx: Transaction, now: datetime) -> frozenset[IdentityId]:
    """Whom two people released in the last 24 hours: brakes on plans do not hold them again."""
    rows = await tx.fetch_all("SELECT identities FROM release WHERE second_at IS NOT NULL AND until > %s", (now,))
    return frozenset(IdentityId(identity) for row in rows for identity in row["identities"])


async def held_in(tx: Transaction, batch: BatchId) -> frozenset[IdentityId]:
    """Everybody whom any brake of this batch, or of its plans, counted."""
    rows = await tx.fetch_all("SELECT identities FROM tripped WHERE batch = %s", (batch,))
    return frozenset(IdentityId(identity) for row in rows for identity in row["identities"])
