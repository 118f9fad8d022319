"""What clients changed, joined to what is known of it: the rows that a pushed source brings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lastday.configuration.settings import CompanySettings, SourceSettings
from lastday.lifecycle.engagements import is_archived
from lastday.lifecycle.normalise import NO_LINE, SHOWN_VALUE, NormalisedRow
from lastday.lifecycle.pushed import (
    RESOURCE_ID,
    following,
    is_switched_off,
    normalise_pushed,
    row_of_end,
    row_of_gone,
    says_nothing_of_its_switch,
    stated_end,
    switched_off,
)
from lastday.model.finding import Finding, RejectedRow, Severity
from lastday.model.identity import Engagement, EngagementStatus, Identity
from lastday.model.ids import ResourceId
from lastday.model.scim import PushedResource


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A user as it stands, or stood when the client took it away."""

    resource: PushedResource
    gone_at: datetime | None = None
    said_active: bool | None = None
    """What it said last of its switch since it was last read, perhaps not any more; None for nothing."""


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
    *,
    others: Collection[ResourceId] = (),
) -> PushedRows:
    """The rows of these users, after what is known of them. The order of users and people does not matter.

    `others` are users who are there without a change, and whose keys nobody else may have meanwhile.

    What was received counts from `now` at the latest: clocks of hosts differ, and who is off must not stay a moment.
    A user who was taken away is over since then, and one who never came in leaves nothing. A key belongs to the user
    that is there before one that is gone, and to the one that came in with it for as long as that is there: else a
    second user of the same key would overwrite another person. Who is given another key keeps the one they came with.
    """
    read = tuple(pushed)
    there = frozenset({*others, *(one.resource.id for one in read if one.gone_at is None)})
    reading = _Reading(known, managers, settings, company, now, there)
    for one in read:
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
    there: frozenset[ResourceId]
    rejected: list[RejectedRow] = field(default_factory=list)
    _here: list[NormalisedRow] = field(default_factory=list)
    _over: dict[str, NormalisedRow] = field(default_factory=dict)
    _by_key: dict[str, _Known] = field(default_factory=dict)
    _by_resource: dict[str, _Known] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for person in self.known:
            for engagement in person.engagements:
                if engagement.source == self.settings.name and not is_archived(engagement.key):
                    one = _Known(person, engagement)
                    self._by_key[engagement.key] = one
                    self._by_resource[_resource_of(engagement)] = one

    @property
    def rows(self) -> tuple[NormalisedRow, ...]:
        here = {row.key for row in self._here}
        return (*self._here, *(row for key, row in self._over.items() if key not in here))

    def read(self, one: Pushed) -> None:
        last = self._by_resource.get(one.resource.id)
        received_at = min(one.gone_at or one.resource.modified_at, self.now)
        if one.gone_at is not None:
            self._note_gone(last, received_at)
            return
        row = normalise_pushed(one.resource, self.managers, self.settings, self.company, received_at)
        if isinstance(row, RejectedRow):
            self._reject(row, one, last, received_at)
            return
        if last is not None and self._ends_as_another(row, last):
            self._reject(self._of_another_person(row), one, last, received_at)
            return
        if last is None and self._is_anothers(row.key):
            self.rejected.append(self._claimed(row.key, one.resource.id))
            return
        row = row if last is None else _under_known_key(row, last.engagement)
        if self._stays_off(one, last):
            row = switched_off(row, received_at)
        self._here.append(following(row, self._before(row.key), received_at))

    def _reject(self, row: RejectedRow, one: Pushed, last: _Known | None, received_at: datetime) -> None:
        """Nothing of the user is taken but that they are out, or when they will be."""
        self.rejected.append(row)
        if last is None:
            return
        end = stated_end(one.resource, self.settings, self.company, received_at)
        if is_switched_off(one.resource, self.settings) or self._was_off_and_says_no_more(one):
            self._note_gone(last, received_at)
        elif end is not None and last.engagement.status is not EngagementStatus.ENDED:
            self._over[last.engagement.key] = row_of_end(last.engagement, last.person.kind, end)

    def _stays_off(self, one: Pushed, last: _Known | None) -> bool:
        """Silence brings nobody back: a client that sends a whole user without `active` does not say that it is on."""
        was_off = last is not None and last.engagement.status is EngagementStatus.ENDED and one.said_active is None
        return self._was_off_and_says_no_more(one) or (
            was_off and says_nothing_of_its_switch(one.resource, self.settings)
        )

    def _was_off_and_says_no_more(self, one: Pushed) -> bool:
        """Switched off since it was last read; then the client took the switch away, or left it out."""
        return one.said_active is False and says_nothing_of_its_switch(one.resource, self.settings)

    def _ends_as_another(self, row: NormalisedRow, last: _Known) -> bool:
        """The row would be refused for naming another person, and its end with it."""
        known = last.person.person_key
        is_another = row.person_key is not None and known is not None and row.person_key != known
        return is_another and row.ends_at is not None and row.status is not EngagementStatus.ENDED

    def _of_another_person(self, row: NormalisedRow) -> RejectedRow:
        return RejectedRow(
            row=NO_LINE,
            column=self.settings.person_key,
            value=(row.person_key or "")[:SHOWN_VALUE],
            why="is another person key than before; of the change only the end is taken",
            mend="Find out in the source whose key it is.",
            key=row.key,
        )

    def _note_gone(self, last: _Known | None, at: datetime) -> None:
        if last is not None:
            self._over[last.engagement.key] = row_of_gone(last.engagement, last.person.kind, at)

    def _is_anothers(self, key: str) -> bool:
        """Another user came in with the key, and is still there."""
        holder = self._by_key.get(key)
        return holder is not None and _resource_of(holder.engagement) in self.there

    def _claimed(self, key: str, resource: ResourceId) -> RejectedRow:
        """Told of the user who claims the key: nothing is wrong with the one who has it."""
        return RejectedRow(
            row=NO_LINE,
            column=self.settings.key,
            value=key[:SHOWN_VALUE],
            why="is the key of another user, who is there",
            mend="Delete the one user that should not be, or choose a key that no two users have, such as id.",
            key=resource,
        )

    def _before(self, key: str) -> tuple[Engagement, ...]:
        found = self._by_key.get(key)
        return () if found is None else found.person.engagements


def _resource_of(engagement: Engagement) -> str:
    """The id of the user who came in with the engagement."""
    return engagement.attributes.text(RESOURCE_ID) or engagement.key


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
