"""What sources delivered: the history of feeds, the last good one, and who has been absent since when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import scalar_row

from lastday.model.finding import Finding
from lastday.model.ids import Digest, SnapshotId, SourceName, UserName
from lastday.store.database import Row, Transaction, as_jsonb
from lastday.store.findings import finding_from_json
from lastday.store.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedRecord:
    """One reading of a source. Only the last accepted one keeps its content."""

    source: SourceName
    received_at: datetime
    digest: Digest
    rows: int
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    """Keys of all rows whose key could be read, the rejected ones included."""
    accepted: bool
    findings: tuple[Finding, ...] = ()
    content: bytes | None = None
    accepted_by: UserName | None = None
    """Who accepted a first load; None where nobody had to."""
    id: SnapshotId | None = None
    """Given by the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """An engagement that complete feeds have not named since then."""

    key: str
    since: datetime
    files: int


async def record_feed(tx: Transaction, feed: FeedRecord) -> SnapshotId:
    """The feed is in the history; when it is accepted, the content of the ones before is let go of."""
    feed_id = SnapshotId(new_id("feed"))
    await tx.execute(
        "INSERT INTO feed (id, source, received_at, digest, rows, columns, keys, accepted, accepted_by, findings,"
        " content) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            feed_id,
            feed.source,
            feed.received_at,
            feed.digest,
            feed.rows,
            list(feed.columns),
            list(feed.keys),
            feed.accepted,
            feed.accepted_by,
            as_jsonb([finding.as_json() for finding in feed.findings]),
            feed.content,
        ),
    )
    if feed.accepted:
        await _keep_only(tx, feed.source, feed_id)
    return feed_id


async def accept_feed(tx: Transaction, feed: SnapshotId, by: UserName) -> None:
    """A person accepted the feed: it is the last good one."""
    source = await tx.fetch_one(
        "UPDATE feed SET accepted = true, accepted_by = %s WHERE id = %s RETURNING source", (by, feed), row=scalar_row
    )
    if source is not None:
        await _keep_only(tx, source, feed)


async def last_good_feed(tx: Transaction, source: SourceName) -> FeedRecord | None:
    """The accepted feed of the source that came last, with its content, or None."""
    history = await _feeds(tx, source, accepted_only=True, limit=1)
    return history[0] if history else None


async def feed_history(tx: Transaction, source: SourceName, limit: int = 20) -> tuple[FeedRecord, ...]:
    """The feeds of the source, accepted or not, the last first."""
    return await _feeds(tx, source, accepted_only=False, limit=limit)


async def load_absences(tx: Transaction, source: SourceName) -> Mapping[str, Absence]:
    """Who is absent from the source's feeds, by engagement key."""
    rows = await tx.fetch_all("SELECT key, since, files FROM absence WHERE source = %s", (source,))
    return {row["key"]: Absence(key=row["key"], since=row["since"], files=row["files"]) for row in rows}


async def save_absences(tx: Transaction, source: SourceName, absences: Sequence[Absence]) -> None:
    """These, and no others, are absent from the source's feeds."""
    await tx.execute("DELETE FROM absence WHERE source = %s", (source,))
    await tx.copy("absence", ("source", "key", "since", "files"), ((source, a.key, a.since, a.files) for a in absences))


async def _keep_only(tx: Transaction, source: str, feed: SnapshotId) -> None:
    await tx.execute(
        "UPDATE feed SET content = NULL WHERE source = %s AND id <> %s AND content IS NOT NULL", (source, feed)
    )


async def _feeds(tx: Transaction, source: SourceName, *, accepted_only: bool, limit: int) -> tuple[FeedRecord, ...]:
    rows = await tx.fetch_all(
        "SELECT * FROM feed WHERE source = %s AND (accepted OR NOT %s) ORDER BY received_at DESC, id DESC LIMIT %s",
        (source, accepted_only, limit),
    )
    return tuple(_feed(row) for row in rows)


def _feed(row: Row) -> FeedRecord:
    return FeedRecord(
        id=row["id"],
        source=row["source"],
        received_at=row["received_at"],
        digest=row["digest"],
        rows=row["rows"],
        columns=tuple(row["columns"]),
        keys=tuple(row["keys"]),
        accepted=row["accepted"],
        accepted_by=row["accepted_by"],
        findings=tuple(finding_from_json(finding) for finding in row["findings"]),
        content=row["content"],
    )
