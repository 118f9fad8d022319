"""A feed as it was read, and what is remembered of the last good one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from lastday.configuration.settings import SourceSettings
from lastday.connectors.sdk.delimited import Row, read_delimited
from lastday.model.identity import Identity, Lifecycle
from lastday.model.ids import Digest, SourceName

GROUP_ATTRIBUTES = {"location": "location", "organization": "employer", "manager": "team of manager"}
"""Attributes whose whole disappearance from a feed is named, with the word it is named by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSnapshot:
    """One file of a source, undecided: checked and accepted, or stopped as a whole."""

    source: SourceName
    received_at: datetime
    digest: Digest
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str
    suspect_letters: bool
    ends_with_newline: bool

    def keys(self, column: str) -> tuple[str, ...]:
        """The engagement keys of all rows, in order; rows without one are left out."""
        return tuple(key for key in (row.cells.get(column, "") for row in self.rows) if key)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedHistory:
    """What the last good feed of a source held. `NO_HISTORY` before the first."""

    rows: int = 0
    """How many engagements of the source are known."""
    columns: tuple[str, ...] = ()
    """Headings of the last good file."""
    departed: frozenset[str] = frozenset()
    """Keys of engagements that have ended: a file may leave them out."""
    groups: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Key of a living engagement -> the groups it belongs to, as (attribute, value)."""
    ended_with_newline: bool = False
    """The last good file ended with one: a file that does not is cut."""


NO_HISTORY = FeedHistory()


def read_feed(content: bytes, settings: SourceSettings, received_at: datetime) -> FeedSnapshot:
    """The rows of the file. Raises FeedError (S101 empty, S102 undecodable, S103 no heading, S104 too large, S105)."""
    file = read_delimited(content, name=settings.name if settings.path is None else settings.path.name)
    return FeedSnapshot(
        source=settings.name,
        received_at=received_at,
        digest=file.digest,
        columns=file.columns,
        rows=file.rows,
        encoding=file.encoding,
        suspect_letters=file.suspect_letters,
        ends_with_newline=file.ends_with_newline,
    )


def feed_history(
    known: Iterable[Identity],
    source: SourceName,
    now: datetime,
    *,
    columns: Sequence[str] = (),
    ended_with_newline: bool = False,
) -> FeedHistory:
    """What is known of `source` at `now`, from the identities and the headings of its last good file."""
    engagements = [e for identity in known for e in identity.engagements if e.source == source]
    departed = frozenset(e.key for e in engagements if e.lifecycle_at(now) is Lifecycle.ENDED)
    groups = {
        e.key: tuple((name, value) for name in GROUP_ATTRIBUTES if (value := e.attributes.text(name)))
        for e in engagements
        if e.key not in departed
    }
    return FeedHistory(
        rows=len(engagements),
        columns=tuple(columns),
        departed=departed,
        groups=groups,
        ended_with_newline=ended_with_newline,
    )
