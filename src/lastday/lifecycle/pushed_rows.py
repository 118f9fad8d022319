"""What clients changed, joined to what is known of it: the rows that a pushed source brings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lastday.configuration.settings import CompanySettings, SourceSettings
from lastday.lifecycle.engagements import is_archived
from lastday.lifecycle.normalise import NormalisedRow
from lastday.lifecycle.pushed import RESOURCE_ID, following, is_switched_off, normalise_pushed, row_of_gone
from lastday.model.finding import Finding, RejectedRow, Severity
from lastday.model.identity import Engagement, Identity
from lastday.model.scim import PushedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A user as it stands, or stood when the client took it away."""

    resource: PushedResource
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRows:
    """What the users of a take-in mean. A rejected one may have a row, too: that it is over was readable."""

    rows: tuple[NormalisedRow, ...]
    rejected: tuple[RejectedRow, ...]


def rows_of_pushed(
    pushed: Iterable[Pushed],
    known: Sequence[Identity],
    managers: Mapping[str, str],
    settings: SourceSettings,
    company: CompanySettings,
    now: datetime,
) -> PushedRows:
    """The rows of these users, after what is known of them. The order of users and people does not matter.

    What was received counts from `now` at the latest: clocks of hosts differ, and who is off must not stay a moment.
    A user who was taken away is over since then, and one who never came in leaves nothing. A key belongs to the user
    that is there before one that is gone; a user who is given another key keeps the one they came with.
    """
    reading = _Reading(known, managers, settings, company, now)
    for one in pushed:
        reading.read(one)
    return PushedRows(rows=reading.rows, rejected=tuple(reading.rejected))


@dataclass(slots=True)
class _Known:
    """An engagement with whose it is."""

    person: Identity
    engagement: Engagement


@dataclass(slots=True)
class _Reading:
    known: Sequence[Identity]
    managers: Mapping[str, str]
    settings: SourceSettings
    company: CompanySettings
    now: datetime
    rejected: list[RejectedRow] = field(default_factory=list)
    _here: list[NormalisedRow] = field(default_factory=list)
    _gone: dict[str, NormalisedRow] = field(default_factory=dict)
    _by_key: dict[str, _Known] = field(default_factory=dict)
    _by_resource: dict[str, _Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for person in self.known:
            for engagement in person.engagements:
                if engagement.source == self.settings.name and not is_archived(engagement.key):
                    one = _Known(person, engagement)
                    self._by_key[engagement.key] = one
                    self._by_resource[engagement.attributes.text(RESOURCE_ID) or engagement.key] = one

    @property
    def rows(self) -> tuple[NormalisedRow, ...]:
        here = {row.key for row in self._here}
        return (*self._here, *(row for key, row in self._gone.items() if key not in here))

    def read(self, one: Pushed) -> None:
        last = self._by_resource.get(one.resource.id)
        received_at = min(one.gone_at or one.resource.modified_at, self.now)
        if one.gone_at is not None:
            self._note_gone(last, received_at)
            return
        row = normalise_pushed(one.resource, self.managers, self.settings, self.company, received_at)
        if isinstance(row, RejectedRow):
            self.rejected.append(row)
            if is_switched_off(one.resource, self.settings):
                self._note_gone(last, received_at)
            return
        row = row if last is None else _under_known_key(row, last.engagement)
        self._here.append(following(row, self._before(row.key), received_at))

    def _note_gone(self, last: _Known | None, at: datetime) -> None:
        if last is not None:
            self._gone[last.engagement.key] = row_of_gone(last.engagement, last.person.kind, at)

    def _before(self, key: str) -> tuple[Engagement, ...]:
        found = self._by_key.get(key)
        return () if found is None else found.person.engagements


def _under_known_key(row: NormalisedRow, last: Engagement) -> NormalisedRow:
    """The row under the key that its user came with: a new key neither ends the engagement nor hides that it ended."""
    if row.key == last.key:
        return row
    finding = Finding(
        code="S140",
        severity=Severity.WARNING,
        subject=f"{row.source}/{last.key}",
        detail="the client changed the attribute that is the key; the key that came first stays",
        mend="Choose a key that never changes, such as id.",
    )
    return replace(row, key=last.key, findings=(*row.findings, finding))
