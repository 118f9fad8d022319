"""The rows of an accepted feed joined to the people that are known. Names and mails never say who somebody is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lastday.configuration.settings import AbsenceRule
from lastday.lifecycle.engagements import (
    Place,
    archived,
    begins_again,
    bridged,
    engagement_of,
    is_archived,
    restore_letters,
    with_end_history,
)
from lastday.lifecycle.normalise import NormalisedRow, place_words
from lastday.model.canonical import short_id
from lastday.model.finding import Finding, RejectedRow, Severity
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import IdentityId, SourceName

REUSED = ("userName", "emails.value")
"""Attributes that people believe to be unique; a newcomer who has one of somebody else is told, never joined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """An engagement that complete files left out."""

    since: datetime
    """When the first file without it came."""
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeContext:
    source: SourceName
    received_at: datetime
    rule: AbsenceRule
    absences: Mapping[str, Absence] = field(default_factory=dict)
    """Per engagement key; what the last merge gave as `new_absences`."""
    first_import: bool = False
    """The first file of the source, accepted by a person: its ends count as announced."""
    complete: bool = True
    """False for a partial feed: what it leaves out says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What a feed changed."""

    changed: tuple[Identity, ...]
    """New and altered people, whole, by id."""
    unchanged: int
    """How many known people of the source are as they were."""
    new_absences: Mapping[str, Absence]
    """All absences that count from now on."""
    findings: tuple[Finding, ...]


def merge_feed(
    known: Sequence[Identity],
    rows: Sequence[NormalisedRow],
    rejected: Sequence[RejectedRow],
    context: MergeContext,
) -> Intake:
    """The people after this feed. The order of rows and of people does not matter.

    A row belongs to the person who has its source and key, else to the one with its person key, else to somebody
    new. A rejected row keeps its last good version and counts as present. Absence ends an engagement only by the
    rule of the source.
    """
    merge = _Merge(known, context)
    merge.keep_rejected(rejected)
    for row in merge.each_once(rows):
        merge.take(row)
    merge.write_rows()
    absences = merge.count_absences(certain=context.complete and all(line.key is not None for line in rejected))
    return merge.intake(absences)


class _Merge:
    """The people as they become while one feed is taken in."""

    def __init__(self, known: Sequence[Identity], context: MergeContext) -> None:
        self._context = context
        self._before = {identity.id: identity for identity in known}
        self._people = dict(self._before)
        self._owners = {e.key: p.id for p in known for e in p.engagements if e.source == context.source}
        self._by_person = {identity.person_key: identity.id for identity in known if identity.person_key}
        self._rows: dict[IdentityId, list[NormalisedRow]] = {}
        self._present: set[str] = set()
        self._findings: list[Finding] = []
        self._held = _values_held(known)

    def keep_rejected(self, rejected: Sequence[RejectedRow]) -> None:
        """Their last good versions stay; a row that told its key is present."""
        for line in sorted(rejected, key=lambda item: item.row):
            self._present |= set() if line.key is None else {line.key}
            detail = f"{place_words(line.row, line.column)}: {line.value!r} {line.why}; the last good version stays"
            self._tell("S130", Severity.WARNING, line.key or place_words(line.row), detail, line.mend)

    def each_once(self, rows: Sequence[NormalisedRow]) -> tuple[NormalisedRow, ...]:
        """Rows with a known key first, each in the order of keys; a key that stands twice is taken from neither row."""
        times = Counter(row.key for row in rows)
        for key in sorted(key for key, count in times.items() if count > 1):
            self._refuse(key, f"the key stands on {times[key]} rows; none is taken")
        once = (row for row in rows if times[row.key] == 1)
        return tuple(sorted(once, key=lambda row: (row.key not in self._owners, row.key)))

    def take(self, row: NormalisedRow) -> None:
        """The row belongs to a person from now on, or is refused because it contradicts whose key it is."""
        owner = self._owners.get(row.key)
        holder = None if row.person_key is None else self._by_person.get(row.person_key)
        if owner is not None and self._contradicts(owner, holder, row):
            self._refuse(
                row.key, f"{place_words(row.line)}: the key came with another person key before; the row is not taken"
            )
            return
        self._present.add(row.key)
        person = owner or holder or self._newcomer(row)
        self._rows.setdefault(person, []).append(row)
        self._findings.extend(row.findings)
        if row.person_key is not None:
            self._by_person[row.person_key] = person

    def write_rows(self) -> None:
        for person, rows in sorted(self._rows.items()):
            self._people[person] = self._with_rows(self._people[person], rows)

    def count_absences(self, *, certain: bool) -> Mapping[str, Absence]:
        """The absences from now on. A row without a readable key may be anybody's: then nothing is counted."""
        counted: dict[str, Absence] = {}
        for key, person in sorted(self._owners.items()):
            engagement = self._engagement(person, key)
            over = engagement.lifecycle_at(self._context.received_at) is Lifecycle.ENDED
            if key in self._present or over or is_archived(key):
                continue
            before = self._context.absences.get(key)
            absence = _counted(before, self._context.received_at) if certain else before
            if absence is None:
                continue
            if certain and self._is_over(absence):
                self._end(person, engagement, absence)
            else:
                counted[key] = absence
                if before is None:
                    self._tell_absent(key)
        return counted

    def intake(self, absences: Mapping[str, Absence]) -> Intake:
        changed = tuple(person for i, person in sorted(self._people.items()) if self._before.get(i) != person)
        touched = {identity.id for identity in changed}
        same = len(set(self._owners.values()) - touched)
        return Intake(changed=changed, unchanged=same, new_absences=absences, findings=tuple(self._findings))

    def _contradicts(self, owner: IdentityId, holder: IdentityId | None, row: NormalisedRow) -> bool:
        if row.person_key is None:
            return False
        before = self._people[owner].person_key
        return (before is not None and before != row.person_key) or (holder is not None and holder != owner)

    def _newcomer(self, row: NormalisedRow) -> IdentityId:
        proof = (row.person_key,) if row.person_key is not None else ("engagement", row.key)
        person = IdentityId(short_id("i", row.source, *proof))
        self._people[person] = Identity(id=person, kind=row.kind, person_key=row.person_key, engagements=())
        others = sorted({holder for name in REUSED if (holder := self._held.get((name, _folded(row, name))))})
        if others:
            named = ", ".join(others)
            detail = f"{place_words(row.line)}: somebody new has the mail or user name of {named}; not the same person"
            self._tell(
                "S138", Severity.INFO, row.key, detail, "Nothing, unless both are one person: then mend the key."
            )
        return person

    def _with_rows(self, identity: Identity, rows: Sequence[NormalisedRow]) -> Identity:
        """The person with these rows in place of what their keys said before."""
        old: dict[Place, Engagement] = {(e.source, e.key): e for e in identity.engagements}
        fresh: dict[Place, NormalisedRow] = {(row.source, row.key): row for row in rows}
        places = dict(old)
        for place, row in fresh.items():
            places |= self._versions(identity.id, row, old.get(place))
        whole = bridged([places[place] for place in sorted(places)], fresh)
        dated = tuple(self._dated(e, old) if (e.source, e.key) in fresh else e for e in whole)
        person_key = identity.person_key or next((row.person_key for row in rows if row.person_key), None)
        person = replace(identity, person_key=person_key, engagements=dated)
        return replace(person, kind=self._kind(person, fresh))

    def _versions(self, person: IdentityId, row: NormalisedRow, old: Engagement | None) -> dict[Place, Engagement]:
        """What stands at the row's key now, and apart the engagement that was over before the key was used again."""
        attributes, findings = restore_letters(row, old)
        self._findings.extend(findings)
        row = replace(row, attributes=attributes)
        past = archived(old, row.starts_at) if old is not None and begins_again(old, row) else None
        new = engagement_of(person, row, None if past else old)
        versions = {(new.source, new.key): new}
        return versions if past is None else {**versions, (past.source, past.key): past}

    def _dated(self, engagement: Engagement, old: Mapping[Place, Engagement]) -> Engagement:
        before = old.get((engagement.source, engagement.key))
        return with_end_history(engagement, before, self._context.received_at, first_import=self._context.first_import)

    def _kind(self, person: Identity, fresh: Mapping[Place, NormalisedRow]) -> IdentityKind:
        leading = person.leading_engagement(self._context.received_at)
        row = fresh.get((leading.source, leading.key))
        return person.kind if row is None else row.kind

    def _engagement(self, person: IdentityId, key: str) -> Engagement:
        source = self._context.source
        return next(e for e in self._people[person].engagements if (e.source, e.key) == (source, key))

    def _is_over(self, absence: Absence) -> bool:
        lasted = self._context.received_at - absence.since
        return absence.files >= self._context.rule.files and lasted >= timedelta(hours=self._context.rule.hours)

    def _end(self, person: IdentityId, engagement: Engagement, absence: Absence) -> None:
        at = self._context.received_at
        ended = replace(engagement, status=EngagementStatus.ENDED, ends_at=at, end_known_since=at, end_accepted=False)
        identity = self._people[person]
        others = tuple(ended if e.id == engagement.id else e for e in identity.engagements)
        self._people[person] = replace(identity, engagements=others)
        detail = f"absent from {absence.files} complete files since {absence.since:%Y-%m-%dT%H:%MZ}; taken as ended"
        self._tell("S137", Severity.WARNING, engagement.key, detail, "If that is wrong, send the row again.")

    def _tell_absent(self, key: str) -> None:
        rule = self._context.rule
        detail = f"absent from the file; taken as ended after {rule.files} complete files over {rule.hours} hours"
        self._tell("S136", Severity.INFO, key, detail, "If the person stays, have the row sent again.")

    def _refuse(self, key: str, detail: str) -> None:
        """The row is not taken; its key is present and keeps its last good version."""
        self._present.add(key)
        self._tell("S135", Severity.WARNING, key, detail, "Find out in the source whose key it is.")

    def _tell(self, code: str, severity: Severity, key: str, detail: str, mend: str) -> None:
        subject = f"{self._context.source}/{key}"
        self._findings.append(Finding(code=code, severity=severity, subject=subject, detail=detail, mend=mend))


def _counted(before: Absence | None, received_at: datetime) -> Absence:
    return Absence(since=received_at, files=1) if before is None else replace(before, files=before.files + 1)


def _values_held(known: Sequence[Identity]) -> dict[tuple[str, str], IdentityId]:
    """Who holds which user name or mail, in lower case."""
    held: dict[tuple[str, str], IdentityId] = {}
    for identity in sorted(known, key=lambda person: person.id):
        for engagement in identity.engagements:
            held |= {(n, v.casefold()): identity.id for n in REUSED if (v := engagement.attributes.text(n))}
    return held


def _folded(row: NormalisedRow, name: str) -> str:
    return (row.attributes.text(name) or "").casefold()
