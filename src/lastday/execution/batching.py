"""Batches: all that one cause produces. Brakes are judged in the same serialised transaction, before any effect."""

from collections.abc import Sequence
from datetime import datetime

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.casework import open_case_files
from lastday.execution.engine import Engine
from lastday.model.batch import Batch, Cause, Tripped
from lastday.model.canonical import digest, short_id
from lastday.model.change import Change, Surprise
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Identity, Lifecycle
from lastday.model.ids import BatchId, IdentityId
from lastday.planning.brakes import (
    WEEK,
    Announcement,
    BrakeHistory,
    CountedLeaver,
    check_brakes,
    populations_of,
    stopped_people,
)
from lastday.store import announcements, batches, findings
from lastday.store.database import Transaction

SERIALISED = "lastday batches"
_ENGAGED = (Lifecycle.ACTIVE, Lifecycle.SUSPENDED, Lifecycle.RELEASED)


async def open_batch(
    engine: Engine,
    tx: Transaction,
    cause: Cause,
    changes: Sequence[Change],
    people_before: Sequence[Identity],
    before: datetime,
) -> Batch:
    """The batch, its cases and what brakes say of it are stored; what trips has no effect until two people release it.

    `people_before` are all people as they were just before the cause, `before` is the instant at which they were so.
    """
    await tx.lock(SERIALISED)
    now = engine.clock.now()
    batch = batch_of(cause, changes, now)
    if await batches.load_batch(tx, batch.id) is not None:
        return batch
    engaged = [person for person in people_before if person.lifecycle_at(before) in _ENGAGED]
    history = await leavers_before(tx, people_before, now)
    announced = [
        Announcement(
            identities=frozenset(one.identities), since=one.since, until=one.until, approved=one.second_by is not None
        )
        for one in await announcements.announcements_at(tx, now)
    ]
    tripped = check_brakes(batch.changes, engaged, history, engine.configuration.brakes, now, announced)
    await batches.save_batch(tx, batch, tripped)
    await _note_brakes(engine, tx, batch, tripped)
    held = frozenset(stopped_people(tripped))
    await batches.drop_superseded_stops(tx, [c.identity for c in changes if c.identity not in held], now, batch.id)
    await open_case_files(engine, tx, batch, held)
    return batch


def batch_of(cause: Cause, changes: Sequence[Change], now: datetime) -> Batch:
    """The batch of this cause: the same cause with the same changes has the same id and hash."""
    ordered = tuple(sorted(changes, key=lambda change: (change.at, change.identity, change.kind.value)))
    content = [[c.identity, c.kind.value, c.at.isoformat(), c.surprise.value, c.detail] for c in ordered]
    hashed = digest([cause.kind.value, cause.reference, cause.by, content])
    return Batch(id=BatchId(short_id("b", hashed)), cause=cause, opened_at=now, changes=ordered, hash=hashed)


async def leavers_before(tx: Transaction, people: Sequence[Identity], now: datetime) -> BrakeHistory:
    """Who left in the last seven days and was let go: a brake counts them on top."""
    known = {person.id: person for person in people}
    passed = await batches.leavers_let_go(tx, now - WEEK)
    return BrakeHistory(leavers=tuple(_counted(known.get(who), who, at, how, now) for who, at, how in passed))


def _counted(person: Identity | None, who: IdentityId, at: datetime, how: Surprise, now: datetime) -> CountedLeaver:
    populations = populations_of(person, now) if person is not None else ()
    return CountedLeaver(identity=who, at=at, surprise=how, populations=populations)


async def _note_brakes(engine: Engine, tx: Transaction, batch: Batch, tripped: Sequence[Tripped]) -> None:
    opened = {"cause": batch.cause.kind.value, "reference": batch.cause.reference, "by": batch.cause.by,
              "hash": batch.hash, "changes": len(batch.changes)}  # fmt: skip
    await append(
        tx, EntryDraft(kind=EntryKind.BATCH_OPENED, at=batch.opened_at, body=opened, batch=batch.id), engine.stamp
    )
    for trip in tripped:
        body = {"brake": trip.brake.value, "counted": trip.counted, "limit": trip.limit, "base": trip.base,
                "identities": list(trip.identities), "hash": batch.hash}  # fmt: skip
        await append(
            tx, EntryDraft(kind=EntryKind.BATCH_STOPPED, at=batch.opened_at, body=body, batch=batch.id), engine.stamp
        )
        await findings.open_finding(tx, brake_finding(batch.id, trip), batch.opened_at)


def brake_finding(batch: BatchId, trip: Tripped) -> Finding:
    """What a person sees of a brake that holds."""
    return Finding(
        code=trip.brake.value,
        severity=Severity.CRITICAL,
        subject=f"batch/{batch}",
        detail=trip.detail,
        mend=f"`lastday approve {batch} --person NUMBER`: two people, by name, within 24 hours.",
    )
