"""The row of a source that a case rests on: what is mapped, and never for which reason somebody left."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lastday.configuration.settings import Configuration, SourceSettings
from lastday.lifecycle.feed import read_feed
from lastday.model.batch import Batch, CauseKind
from lastday.model.canonical import JsonValue
from lastday.model.change import Change
from lastday.model.identity import Engagement, Identity
from lastday.reports.pushed_row import NOTHING_PUSHED, PushedWord, pushed_word_of
from lastday.store import feeds, identities
from lastday.store.database import Transaction
from lastday.store.feeds import FeedRecord

CONFIDENTIAL = frozenset({"endreason"})
"""Attributes for HR and legal only (design section 10): no bundle has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRow:
    """One row as it was read, or what was kept of it."""

    source: str
    key: str
    feed: str | None
    """The reading it stands in; None where that file is not kept any more."""
    digest: str | None
    line: int | None
    values: Mapping[str, JsonValue]
    """Column -> cell as it was read; attribute -> value where the file is not kept any more."""
    pushed: PushedWord = NOTHING_PUSHED
    """Where clients push: in which requests it came."""

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "source": self.source,
            "key": self.key,
            "feed": self.feed,
            "file_sha256": self.digest,
            "line": self.line,
            "values": self.values,
            "pushed": [request.as_json() for request in self.pushed.requests],
            "change": self.pushed.change,
        }


async def feed_row_of(
    configuration: Configuration,
    tx: Transaction,
    person: Identity,
    change: Change | None,
    batch: Batch,
    now: datetime,
) -> FeedRow | None:
    """The row behind the change: from the file itself while it is kept, else from the version that was taken in.

    Where clients push it names the client and the request.
    """
    engagement = _engagement(person, change, batch.opened_at)
    if engagement is None:
        return None
    settings = configuration.sources.get(engagement.source)
    if settings is not None and settings.is_pushed:
        row = await _as_taken_in(tx, engagement, batch.opened_at)
        return replace(row, pushed=await pushed_word_of(tx, settings, engagement, batch))
    last = await feeds.last_good_feed(tx, engagement.source)
    if settings is not None and last is not None and last.content is not None and _is_behind(last, batch):
        found = _in_file(settings, last, engagement, now)
        if found is not None:
            return found
    return await _as_taken_in(tx, engagement, batch.opened_at)


def _engagement(person: Identity, change: Change | None, at: datetime) -> Engagement | None:
    named = [e for e in person.engagements if change is not None and e.id == change.engagement]
    if named:
        return named[0]
    return person.leading_engagement(at) if person.engagements else None


def _is_behind(last: FeedRecord, batch: Batch) -> bool:
    """A feed caused the batch, or its row was the last word when the batch was opened for another cause."""
    if batch.cause.kind in (CauseKind.FEED, CauseKind.FIRST_LOAD):
        return batch.cause.reference == last.id
    return last.received_at <= batch.opened_at


def _in_file(settings: SourceSettings, last: FeedRecord, engagement: Engagement, now: datetime) -> FeedRow | None:
    assert last.content is not None, "the caller has looked"
    rows = read_feed(last.content, settings, now).rows
    row = next((row for row in rows if row.cells.get(settings.key) == engagement.key), None)
    if row is None:
        return None
    return FeedRow(
        source=engagement.source,
        key=engagement.key,
        feed=last.id,
        digest=last.digest,
        line=row.line,
        values={column: row.cells[column] for column in _columns(settings) if column in row.cells},
    )


def _columns(settings: SourceSettings) -> tuple[str, ...]:
    """The mapped columns that anybody who gets a bundle may see."""
    confidential = {column for name, column in settings.columns.items() if name.lower() in CONFIDENTIAL}
    mapped = {settings.key, *settings.columns.values()}
    if settings.status is not None:
        mapped.add(settings.status.column)
    return tuple(sorted(mapped - confidential))


async def _as_taken_in(tx: Transaction, engagement: Engagement, at: datetime) -> FeedRow:
    known = await identities.engagements_known_at(tx, engagement.identity, at)
    then = next((e for e in known if e.id == engagement.id), engagement)
    values: dict[str, JsonValue] = {
        name: value for name, value in then.attributes.as_json().items() if name.lower() not in CONFIDENTIAL
    }
    values |= {
        "status": then.status.value,
        "starts_at": then.starts_at.isoformat() if then.starts_at else None,
        "ends_at": then.ends_at.isoformat() if then.ends_at else None,
    }
    return FeedRow(source=then.source, key=then.key, feed=None, digest=None, line=None, values=values)
