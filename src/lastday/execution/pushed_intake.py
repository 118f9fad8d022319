"""Taking in what clients pushed: everything that waits at once, from the resources as they stand, behind the same locks
and brakes as a file.

Only people who changed are looked at, so that one change costs the same in a company of ten and of ten thousand.
Everybody is read where somebody leaves: the brakes count them against all who are here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.configuration.settings import AbsenceRule, SourceSettings
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.batching import SERIALISED, open_batch
from lastday.execution.engine import Engine
from lastday.execution.intake import changes_due, set_walked
from lastday.execution.people import load_people, under_orders
from lastday.execution.pushed_reading import PushedReading, read_all, read_changed
from lastday.lifecycle.intake import Intake, MergeContext, merge_feed
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.canonical import JsonValue, digest
from lastday.model.change import Change, ChangeKind
from lastday.model.errors import FirstLoadNotAccepted
from lastday.model.finding import Finding
from lastday.model.identity import Identity
from lastday.model.ids import SourceName, UserName
from lastday.model.scim import ResourceType
from lastday.store import feeds, findings, identities, orders
from lastday.store.database import Transaction
from lastday.store.feeds import FeedRecord
from lastday.store.pushed import count_resources
from lastday.store.pushes import Push, mark_taken, pending_pushes, waiting_pushes

AT_ONCE = 5000
"""Changes taken in together; more than these wait for the next time."""
ALL = 2**31 - 1
_NOW = AbsenceRule(files=1, hours=0)
_AGAIN = "every user, read again"
_NAMED = 3
_PROVEN = 50
"""How many requests a cause names, and how many its entry in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushesTaken:
    """What a take-in brought."""

    source: SourceName
    pushes: int
    rows: int
    """How many users were read."""
    changed: int
    batch: Batch | None
    """None where nothing that was pushed makes a difference to a person."""
    findings: tuple[Finding, ...]
    first_load: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PushesDiff:
    """What taking in would bring; nothing of it is stored."""

    source: SourceName
    pushes: int
    rows: int
    rejected: int
    changes: tuple[Change, ...]
    people: tuple[Identity, ...]
    """Whom the changes are about, as they would be."""
    findings: tuple[Finding, ...]
    first_load: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """People after what was pushed, and what happened to them. `before` is the instant at which they were as known."""

    intake: Intake
    after: tuple[Identity, ...]
    changes: tuple[Change, ...]
    before: datetime


async def take_in_pushes(
    engine: Engine, settings: SourceSettings, *, accepted_by: UserName | None = None
) -> PushesTaken | None:
    """What waits of the source is taken in, and what follows is in a batch; None where nothing waits.

    Raises FirstLoadNotAccepted until somebody accepts the first load, which takes in everything that is there.
    """
    async with engine.database.transaction() as tx:
        await tx.lock(f"lastday source {settings.name}")
        first_load = not await is_accepted(tx, settings.name)
        if first_load and accepted_by is None:
            await _refuse_what_waits(tx, settings.name)
            return None
        waiting = await pending_pushes(tx, settings.name, ALL if first_load else AT_ONCE)
        if not waiting:
            return None
        await tx.lock(SERIALISED)
        return await _take_in(engine, tx, settings, waiting, accepted_by, first_load=first_load)


async def read_again(engine: Engine, settings: SourceSettings) -> PushesTaken | None:
    """Every user of the source is read once more: how they are read may have changed since they were pushed.

    None where that makes no difference, where changes wait, which come first, or before the first load was accepted.
    """
    async with engine.database.transaction() as tx:
        await tx.lock(f"lastday source {settings.name}")
        if not await is_accepted(tx, settings.name) or await pending_pushes(tx, settings.name, 1):
            return None
        await tx.lock(SERIALISED)
        now = engine.clock.now()
        reading = await read_changed(
            tx, settings, engine.configuration.company, (), now, everything=await read_all(tx, settings)
        )
        outcome = await _outcome(tx, settings, reading, now, first_load=False, whole=True)
        found = outcome.intake.findings
        await _note_findings(tx, settings.name, reading, found, now)
        if not outcome.intake.changed:
            return None
        batch = await _batch(engine, tx, settings, (), outcome, _AGAIN, now, first_load=False)
        await _prove(engine, tx, settings, (), reading, batch, found, None)
    return PushesTaken(
        source=settings.name,
        pushes=0,
        rows=reading.users,
        changed=len(outcome.after),
        batch=batch,
        findings=found,
        first_load=False,
    )


async def diff_pushes(engine: Engine, settings: SourceSettings) -> PushesDiff:
    """What would follow if everything that waits of the source were taken in now."""
    async with engine.database.transaction() as tx:
        first_load = not await is_accepted(tx, settings.name)
        waiting = await pending_pushes(tx, settings.name, ALL)
        now = engine.clock.now()
        reading = await _read(engine, tx, settings, waiting, now, first_load=first_load)
        outcome = await _outcome(tx, settings, reading, now, first_load=first_load, whole=first_load)
    named = {change.identity for change in outcome.changes}
    return PushesDiff(
        source=settings.name,
        pushes=len(waiting),
        rows=reading.users,
        rejected=len(reading.rejected),
        changes=outcome.changes,
        people=tuple(person for person in outcome.after if person.id in named),
        findings=outcome.intake.findings,
        first_load=first_load,
    )


async def is_accepted(tx: Transaction, source: SourceName) -> bool:
    """Somebody accepted the first load of what is pushed; a file that came under the same name before is none."""
    last = await feeds.last_good_feed(tx, source)
    return last is not None and not last.columns


async def _refuse_what_waits(tx: Transaction, name: SourceName) -> None:
    """Counts only: while a first load is pushed this runs again and again. Raises FirstLoadNotAccepted."""
    waiting = (await waiting_pushes(tx, name)).count
    if waiting:
        users = await count_resources(tx, name, ResourceType.USER)
        raise FirstLoadNotAccepted(
            f"this is the first load of source {name}: {users} users, {waiting} changes wait",
            effect="Nothing was taken in.",
            mend=f"Look at `lastday source diff {name}`, then `lastday source read {name} --accept`.",
        )


async def _read(
    engine: Engine,
    tx: Transaction,
    settings: SourceSettings,
    waiting: Sequence[Push],
    now: datetime,
    *,
    first_load: bool,
) -> PushedReading:
    pushed = await read_all(tx, settings, waiting) if first_load else None
    return await read_changed(tx, settings, engine.configuration.company, waiting, now, everything=pushed)


async def _take_in(
    engine: Engine,
    tx: Transaction,
    settings: SourceSettings,
    waiting: Sequence[Push],
    accepted_by: UserName | None,
    *,
    first_load: bool,
) -> PushesTaken:
    """One moment counts for all of it: an end between two of them would be told now and again when next looked."""
    now = engine.clock.now()
    reading = await _read(engine, tx, settings, waiting, now, first_load=first_load)
    outcome = await _outcome(tx, settings, reading, now, first_load=first_load, whole=first_load)
    found = outcome.intake.findings
    reference = await _accept(tx, settings, reading, accepted_by, found, now) if first_load else _reference(waiting)
    batch = await _batch(engine, tx, settings, waiting, outcome, reference, now, first_load=first_load)
    await mark_taken(tx, settings.name, [push.sequence for push in waiting], batch.id if batch else None, now)
    await _prove(engine, tx, settings, waiting, reading, batch, found, accepted_by)
    await _note_findings(tx, settings.name, reading, found, now)
    return PushesTaken(
        source=settings.name,
        pushes=len(waiting),
        rows=reading.users,
        changed=len(outcome.after),
        batch=batch,
        findings=found,
        first_load=first_load,
    )


async def _outcome(
    tx: Transaction, settings: SourceSettings, reading: PushedReading, now: datetime, *, first_load: bool, whole: bool
) -> _Outcome:
    """Who changed, and how, under the orders that stand.

    A `whole` reading has every user who is there. What a file of the same name brought before, and no user has, would
    keep everybody in for ever: it ends, unless somebody could not be read and it may be theirs.
    """
    context = MergeContext(
        source=settings.name,
        received_at=now,
        rule=_NOW if whole else settings.absent_after,
        first_import=first_load,
        complete=whole and not reading.rejected,
    )
    intake = merge_feed(reading.known, reading.rows, reading.rejected, context)
    given = await orders.standing_orders(tx)
    before = tuple(under_orders(person, given.get(person.id, ())) for person in reading.known)
    after = tuple(under_orders(person, given.get(person.id, ())) for person in intake.changed)
    changes, since = await changes_due(tx, before, after, now, only=[person.id for person in after])
    return _Outcome(intake=intake, after=after, changes=changes, before=since)


async def _batch(
    engine: Engine,
    tx: Transaction,
    settings: SourceSettings,
    waiting: Sequence[Push],
    outcome: _Outcome,
    reference: str,
    now: datetime,
    *,
    first_load: bool,
) -> Batch | None:
    """The people are stored as they are now, and what happened to them is in a batch; without a change there is none.

    A first load has one all the same: it is what its person looks at and plans.
    """
    leaving = any(change.kind is ChangeKind.LEFT for change in outcome.changes)
    everybody = await load_people(tx) if leaving and not first_load else ()
    await identities.save_identities(tx, outcome.intake.changed, now)
    if not first_load and not outcome.changes:
        batch = None
    else:
        kind = CauseKind.FIRST_LOAD if first_load else CauseKind.FEED
        cause = Cause(kind=kind, reference=reference, by=_by(settings.name, waiting))
        people = await load_people(tx) if first_load else everybody
        batch = await open_batch(engine, tx, cause, outcome.changes, people, now if first_load else outcome.before)
    await set_walked(tx, outcome.after, now)
    return batch


async def _accept(
    tx: Transaction,
    settings: SourceSettings,
    reading: PushedReading,
    accepted_by: UserName | None,
    found: Sequence[Finding],
    now: datetime,
) -> str:
    """The acceptance of the first load is in the history of the source; its id."""
    record = FeedRecord(
        source=settings.name,
        received_at=now,
        digest=digest([[resource, version] for resource, version in reading.versions]),
        rows=reading.users,
        columns=(),
        keys=tuple(row.key for row in reading.rows),
        accepted=True,
        accepted_by=accepted_by,
        findings=tuple(found),
    )
    return await feeds.record_feed(tx, record)


def _reference(waiting: Sequence[Push]) -> str:
    """Which pushes, and in which requests they came."""
    requests = list(dict.fromkeys(push.request_id for push in waiting))
    named = ", ".join(requests[:_NAMED]) + (f" and {len(requests) - _NAMED} more" if len(requests) > _NAMED else "")
    word = "request" if len(requests) == 1 else "requests"
    first, last = waiting[0].sequence, waiting[-1].sequence
    return f"push {first}, {word} {named}" if first == last else f"pushes {first} to {last}, {word} {named}"


def _by(source: SourceName, waiting: Sequence[Push]) -> str:
    clients = sorted({push.client_name for push in waiting})
    if not clients:
        return f"source {source}"
    return f"source {source} via {'client' if len(clients) == 1 else 'clients'} {', '.join(clients)}"


async def _prove(
    engine: Engine,
    tx: Transaction,
    settings: SourceSettings,
    waiting: Sequence[Push],
    reading: PushedReading,
    batch: Batch | None,
    found: Sequence[Finding],
    accepted_by: UserName | None,
) -> None:
    requests = list(dict.fromkeys(push.request_id for push in waiting))
    body: dict[str, JsonValue] = {
        "source": settings.name,
        "pushes": [waiting[0].sequence, waiting[-1].sequence] if waiting else [],
        "count": len(waiting),
        "clients": sorted({push.client_name for push in waiting}),
        "requests": list(requests[:_PROVEN]),
        "request_count": len(requests),
        "rows": reading.users,
        "rejected": len(reading.rejected),
        "accepted_by": accepted_by,
        "findings": [finding.code for finding in found],
    }
    draft = EntryDraft(
        kind=EntryKind.FEED_ACCEPTED, at=engine.clock.now(), body=body, batch=batch.id if batch else None
    )
    await append(tx, draft, engine.stamp)


async def _note_findings(
    tx: Transaction, source: SourceName, reading: PushedReading, found: Sequence[Finding], now: datetime
) -> None:
    """What was wrong with these users before and is not any more is over."""
    fresh = {(finding.code, finding.subject) for finding in found}
    subjects = {f"{source}/{key}" for key in reading.keys} | {f"source/{source}"}
    for stored in await findings.open_findings(tx):
        one = (stored.finding.code, stored.finding.subject)
        if stored.finding.subject in subjects and one not in fresh:
            await findings.close_findings(tx, *one, now)
    for finding in found:
        await findings.open_finding(tx, finding, now)
