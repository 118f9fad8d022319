"""Reading sources: a feed is checked whole, joined to the people, and what follows from it is a batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lastday.configuration.settings import SourceSettings
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.batching import SERIALISED, open_batch
from lastday.execution.engine import Engine
from lastday.execution.people import load_people, under_orders
from lastday.lifecycle.checks import check_feed, is_stopped
from lastday.lifecycle.feed import NO_HISTORY, FeedHistory, FeedSnapshot, feed_history, read_feed
from lastday.lifecycle.intake import Absence, Intake, MergeContext, merge_feed
from lastday.lifecycle.normalise import NormalisedRow, normalise
from lastday.lifecycle.walk import changes_between, next_instant
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.canonical import JsonValue, digest_bytes
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.errors import FeedError, FeedStopped, FirstLoadNotAccepted
from lastday.model.finding import Finding, RejectedRow, Severity
from lastday.model.identity import Identity
from lastday.model.ids import IdentityId, SourceName, UserName
from lastday.store import feeds, findings, identities, orders
from lastday.store.database import Transaction
from lastday.store.feeds import FeedRecord
from lastday.store.identities import Walked
from lastday.store.orders import LeaveOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRead:
    """What a reading of a source brought."""

    source: SourceName
    rows: int
    changed: int
    unchanged: int
    batch: Batch
    findings: tuple[Finding, ...]
    first_load: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed:
    """A file that was read and judged; without a snapshot where it was no table."""

    settings: SourceSettings
    content: bytes
    snapshot: FeedSnapshot | None = None
    rows: tuple[NormalisedRow, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    findings: tuple[Finding, ...] = ()


async def read_source(engine: Engine, name: SourceName, *, accepted_by: UserName | None = None) -> SourceRead:
    """The source's file is taken in, and everything that is due by now is in a batch.

    Raises FeedStopped where the file cannot be believed (the last good one stays), FirstLoadNotAccepted for the first
    file of a source until somebody accepts it, FeedError where there is no file or nothing in it.
    """
    settings = settings_of(engine, name)
    content = _content(settings)
    async with engine.database.transaction() as tx:
        await tx.lock(f"lastday source {name}")
        known = await load_people(tx)
        last = await feeds.last_good_feed(tx, name)
        feed = _judged(engine, settings, content, known, last)
        if not is_stopped(feed.findings) and (last is not None or accepted_by is not None):
            return await _take_in(engine, tx, feed, accepted_by, first_load=last is None)
        await _record_stopped(engine, tx, feed)
    raise _held(feed)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDiff:
    """What reading a source now would bring; nothing of it is stored."""

    source: SourceName
    rows: int
    rejected: tuple[RejectedRow, ...]
    changes: tuple[Change, ...]
    people: tuple[Identity, ...]
    """Whom the changes are about, as they would be."""
    findings: tuple[Finding, ...]
    stopped: bool
    first_load: bool


async def diff_source(engine: Engine, name: SourceName) -> SourceDiff:
    """What would follow if the source were read now. Raises FeedError where there is no file or nothing in it."""
    settings = settings_of(engine, name)
    content = _content(settings)
    async with engine.database.transaction() as tx:
        known = await load_people(tx)
        last = await feeds.last_good_feed(tx, name)
        feed = _judged(engine, settings, content, known, last)
        stopped = is_stopped(feed.findings)
        after = () if stopped else await _imagined(engine, tx, feed, first_load=last is None)
        changes, _ = await changes_due(tx, known, after, engine.clock.now())
    named = {change.identity for change in changes}
    return SourceDiff(
        source=name,
        rows=len(feed.rows),
        rejected=feed.rejected,
        changes=changes,
        people=tuple(person for person in after if person.id in named),
        findings=feed.findings,
        stopped=stopped,
        first_load=last is None,
    )


async def _imagined(engine: Engine, tx: Transaction, feed: _Feed, *, first_load: bool) -> tuple[Identity, ...]:
    """Everybody as they would be, under the orders that stand."""
    stored = await identities.load_identities(tx)
    intake = await _merged(tx, feed, stored, engine.clock.now(), first_load=first_load)
    everybody = {person.id: person for person in (*stored, *intake.changed)}
    given = await orders.standing_orders(tx)
    return tuple(under_orders(person, given.get(person.id, ())) for person in everybody.values())


def settings_of(engine: Engine, name: SourceName) -> SourceSettings:
    """The source of this name. Raises FeedError where none is configured."""
    settings = engine.configuration.sources.get(name)
    if settings is None:
        known = ", ".join(sorted(engine.configuration.sources)) or "none"
        raise FeedError(f"there is no source {name}", mend=f"Configured are: {known}.", code="S106")
    return settings


def _content(settings: SourceSettings) -> bytes:
    path = settings.path
    if path is None:
        raise FeedError(
            f"nothing is delivered for source {settings.name}: clients push to it",
            code="S108",
            mend="See `lastday source list`.",
        )
    try:
        return path.read_bytes()
    except OSError as err:
        raise FeedError(
            f"the file cannot be read: {err.strerror}",
            code="S107",
            where=str(path),
            effect="The last good feed stays.",
            mend="See that the file is there and may be read.",
        ) from err


def _judged(
    engine: Engine, settings: SourceSettings, content: bytes, known: Sequence[Identity], last: FeedRecord | None
) -> _Feed:
    """The feed with everything that speaks against it. A file that is no table at all is stopped like any other."""
    now = engine.clock.now()
    try:
        snapshot = read_feed(content, settings, now)
    except FeedError as err:
        return _Feed(settings=settings, content=content, findings=(_unreadable(settings, err),))
    rows, rejected = _normalised(engine, settings, snapshot, now)
    history = _history(known, settings, last, now)
    found = check_feed(snapshot, history, settings, engine.configuration.brakes, rejected)
    return _Feed(settings=settings, content=content, snapshot=snapshot, rows=rows, rejected=rejected, findings=found)


def _unreadable(settings: SourceSettings, err: FeedError) -> Finding:
    return Finding(
        code=err.code, severity=Severity.ERROR, subject=f"source/{settings.name}", detail=err.what, mend=err.mend
    )


def _normalised(
    engine: Engine, settings: SourceSettings, snapshot: FeedSnapshot, now: datetime
) -> tuple[tuple[NormalisedRow, ...], tuple[RejectedRow, ...]]:
    company = engine.configuration.company
    read = [normalise(row, settings, company, now, suspect_letters=snapshot.suspect_letters) for row in snapshot.rows]
    good = tuple(row for row in read if isinstance(row, NormalisedRow))
    return good, tuple(row for row in read if isinstance(row, RejectedRow))


def _history(
    known: Sequence[Identity], settings: SourceSettings, last: FeedRecord | None, now: datetime
) -> FeedHistory:
    if last is None:
        return NO_HISTORY
    ended = last.content is not None and last.content.endswith((b"\n", b"\r", b"\n\x00", b"\r\x00"))
    return feed_history(known, settings.name, now, columns=last.columns, ended_with_newline=ended)


async def _take_in(
    engine: Engine,
    tx: Transaction,
    feed: _Feed,
    accepted_by: UserName | None,
    *,
    first_load: bool,
) -> SourceRead:
    """Everybody is read again behind the lock: what another source or an order said meanwhile must not be lost."""
    await tx.lock(SERIALISED)
    now = engine.clock.now()
    name = feed.settings.name
    known = await load_people(tx)
    stored = await identities.load_identities(tx)
    intake = await _merged(tx, feed, stored, now, first_load=first_load)
    reference = await _record(engine, tx, feed, accepted_by, accepted=True)
    await identities.save_identities(tx, intake.changed, now)
    await feeds.save_absences(tx, name, [_stored(key, absence) for key, absence in intake.new_absences.items()])
    after = await load_people(tx)
    changes, before = await changes_due(tx, known, after, now)
    cause = Cause(kind=CauseKind.FIRST_LOAD if first_load else CauseKind.FEED, reference=reference, by=f"source {name}")
    batch = await open_batch(engine, tx, cause, changes, after if first_load else known, now if first_load else before)
    found = (*feed.findings, *intake.findings)
    await _note_findings(tx, name, found, now)
    await set_walked(tx, after, now)
    return SourceRead(
        source=name,
        rows=len(feed.rows),
        changed=len(intake.changed),
        unchanged=intake.unchanged,
        batch=batch,
        findings=found,
        first_load=first_load,
    )


async def _merged(
    tx: Transaction, feed: _Feed, stored: Sequence[Identity], now: datetime, *, first_load: bool
) -> Intake:
    name = feed.settings.name
    absences = {
        key: Absence(since=absence.since, files=absence.files)
        for key, absence in (await feeds.load_absences(tx, name)).items()
    }
    context = MergeContext(
        source=name, received_at=now, rule=feed.settings.absent_after, absences=absences, first_import=first_load
    )
    return merge_feed(stored, feed.rows, feed.rejected, context)


def _stored(key: str, absence: Absence) -> feeds.Absence:
    return feeds.Absence(key=key, since=absence.since, files=absence.files)


async def changes_due(
    tx: Transaction,
    before: Sequence[Identity],
    after: Sequence[Identity],
    now: datetime,
    *,
    only: Sequence[IdentityId] | None = None,
) -> tuple[tuple[Change, ...], datetime]:
    """What happened to anybody since they were last walked, up to `now`; and the earliest of those moments.

    `only` are the people that `after` is about, where looking at everybody would be too much.
    """
    known = {person.id: person for person in before}
    walked = await identities.load_walked(tx, only)
    since = [w.walked_until for w in walked.values() if w.walked_until is not None]
    changes = [change for person in after for change in _walk(known.get(person.id), person, walked, now)]
    return as_ordered(changes, await orders.standing_orders(tx)), min(since, default=now)


def as_ordered(changes: Sequence[Change], given: Mapping[IdentityId, Sequence[LeaveOrder]]) -> tuple[Change, ...]:
    """The same changes, in which those whom an order names leave by name, and by surprise no more."""
    return tuple(
        replace(change, surprise=Surprise.NAMED)
        if change.kind is ChangeKind.LEFT and any(order.at == change.at for order in given.get(change.identity, ()))
        else change
        for change in changes
    )


def _walk(
    before: Identity | None, after: Identity, walked: Mapping[IdentityId, Walked], now: datetime
) -> tuple[Change, ...]:
    position = walked.get(after.id)
    if before is None or position is None or position.walked_until is None:
        return changes_between(None, after, now, now)
    return changes_between(before, after, position.walked_until, now)


async def set_walked(tx: Transaction, people: Sequence[Identity], now: datetime) -> None:
    """Everybody has been walked up to `now`, and is due again when something of theirs changes by itself."""
    await identities.set_walked(
        tx,
        [
            Walked(
                identity=person.id,
                lifecycle_seen=person.lifecycle_at(now),
                walked_until=now,
                next_change_at=next_instant(person, now),
            )
            for person in people
        ],
    )


async def due_tick(engine: Engine) -> Batch | None:
    """Everybody whose instant has come is in a batch; None where nobody's has."""
    async with engine.database.transaction() as tx:
        await tx.lock(SERIALISED)
        now = engine.clock.now()  # behind the lock: whoever had it walked everybody up to a later moment
        due = frozenset(await identities.due_identities(tx, now))
        if not due:
            return None
        people = await load_people(tx)
        mine = [person for person in people if person.id in due]
        changes, before = await changes_due(tx, mine, mine, now)
        await set_walked(tx, mine, now)
        if not changes:
            return None
        cause = Cause(kind=CauseKind.DUE, reference=now.isoformat(), by="clock")
        return await open_batch(engine, tx, cause, changes, people, before)


async def _record(engine: Engine, tx: Transaction, feed: _Feed, accepted_by: UserName | None, *, accepted: bool) -> str:
    now = engine.clock.now()
    snapshot, settings = feed.snapshot, feed.settings
    record = FeedRecord(
        source=settings.name,
        received_at=now,
        digest=digest_bytes(feed.content),
        rows=len(snapshot.rows) if snapshot else 0,
        columns=snapshot.columns if snapshot else (),
        keys=snapshot.keys(settings.key) if snapshot else (),
        accepted=accepted,
        accepted_by=accepted_by,
        findings=feed.findings,
        content=feed.content if accepted else None,
    )
    feed_id = await feeds.record_feed(tx, record)
    body: dict[str, JsonValue] = {
        "source": settings.name,
        "feed": feed_id,
        "digest": record.digest,
        "rows": record.rows,
        "accepted_by": accepted_by,
        "findings": [finding.code for finding in feed.findings],
    }
    kind = EntryKind.FEED_ACCEPTED if accepted else EntryKind.FEED_STOPPED
    await append(tx, EntryDraft(kind=kind, at=now, body=body), engine.stamp)
    return feed_id


async def _record_stopped(engine: Engine, tx: Transaction, feed: _Feed) -> None:
    """That it came and was stopped is in the history, the evidence and the findings; nothing else of it is."""
    await _record(engine, tx, feed, None, accepted=False)
    for finding in feed.findings:
        await findings.open_finding(tx, finding, engine.clock.now())


async def _note_findings(tx: Transaction, name: SourceName, found: Sequence[Finding], now: datetime) -> None:
    """Findings that stopped earlier feeds of this source are over: this one was taken."""
    fresh = {(finding.code, finding.subject) for finding in found}
    for stored in await findings.open_findings(tx, subject=f"source/{name}"):
        if (stored.finding.code, stored.finding.subject) not in fresh:
            await findings.close_findings(tx, stored.finding.code, stored.finding.subject, now)
    for finding in found:
        await findings.open_finding(tx, finding, now)


def _held(feed: _Feed) -> FeedStopped | FirstLoadNotAccepted:
    name = feed.settings.name
    if not is_stopped(feed.findings):
        return FirstLoadNotAccepted(
            f"this is the first load of source {name}: {len(feed.rows)} rows, {len(feed.rejected)} of them unreadable",
            effect="Nothing was taken in.",
            mend=f"Look at the counts, then `lastday source read {name} --accept`.",
        )
    reasons = [f for f in feed.findings if f.severity in (Severity.ERROR, Severity.CRITICAL)]
    return FeedStopped(
        f"the feed of source {name} is stopped: " + "; ".join(f"{f.detail} [{f.code}]" for f in reasons),
        effect="Nothing of it was taken in; the last good feed stays.",
        mend=" ".join(dict.fromkeys(f.mend for f in reasons if f.mend)),
        where=str(feed.settings.path),
    )
