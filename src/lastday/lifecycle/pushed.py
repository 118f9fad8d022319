"""Users that clients push by SCIM (RFC 7643) as rows of a source. The resource as it stands counts, not its history.

A pushed `active = false` is a fact, not a plan: the client has switched the person off, so they are out when we hear of
it, or at the end that the resource states where that is earlier. A file says `ended` of people whose last day is yet to
come, and is believed about the day; a client that means a later day leaves the switch on until then. And nothing that
is wrong with the rest of a resource keeps somebody in whose switch is off.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from lastday.configuration.scim_paths import ENTERPRISE
from lastday.configuration.settings import CompanySettings, SourceSettings
from lastday.connectors.sdk.delimited import Row
from lastday.lifecycle.engagements import ARCHIVED, is_archived
from lastday.lifecycle.moments import read_moment
from lastday.lifecycle.normalise import NO_LINE, SHOWN_VALUE, EndBasis, NormalisedRow, normalise
from lastday.lifecycle.scim_values import text_of, values_at
from lastday.lifecycle.text import harmless
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.finding import RejectedRow
from lastday.model.identity import Engagement, EngagementStatus, IdentityKind
from lastday.model.ids import ResourceId
from lastday.model.scim import PushedResource

RESOURCE_ID = "id"
ACTIVE = "active"
NO_MANAGERS: Mapping[str, str] = {}

_MANAGER = f"{ENTERPRISE}:manager.value"
_NUMBER = f"{ENTERPRISE}:employeeNumber"
_KEEPING = (EngagementStatus.SUSPENDED, EngagementStatus.RELEASED)
"""What a status of its own may make of a switch that is off."""
_TIMES = frozenset({"startdate", "enddate", "endsat", "startsat", "lifecycle", "engagements"})
"""Attributes that `normalise` reckons from their text."""
_ENDS = frozenset({"enddate", "endsat"})
_WITH_TIME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<time>[\d:.]+)(?P<zone>[Zz]|[+-]\d\d:?\d\d)?", re.ASCII)
_MIDNIGHT = re.compile(r"00:00(?::00(?:\.0*)?)?")
_TOO_FINE = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedUser:
    """A user as the mapped attributes see it."""

    row: Row
    """Attribute path -> the first value as text; days without a time."""
    values: Mapping[str, tuple[AttributeValue, ...]]
    """Identity attribute -> every value, as it was pushed."""
    moments: Mapping[str, str]
    """`startDate`, `endDate` where the client gave them a time of day."""
    status: str
    is_off: bool
    """`active` is false."""


def row_of_pushed(resource: PushedResource, managers: Mapping[str, str], settings: SourceSettings) -> PushedUser:
    """The user's mapped attributes. Of several values the primary one comes first.

    The manager is an employee number where `managers` (resource id -> number) has it, else what was pushed.
    """
    seen = {**resource.body, RESOURCE_ID: resource.id, **_with_manager(resource, managers)}
    paths = {settings.key, *settings.columns.values(), *(() if settings.person_key is None else (settings.person_key,))}
    values = {path: values_at(seen, path) for path in paths}
    cells = {path: _TOO_FINE.sub(r"\1", text_of(found)) for path, found in values.items()}
    days, moments = _days(cells, settings)
    status = "" if settings.status is None else text_of(values_at(seen, settings.status.column))
    return PushedUser(
        row=Row(line=NO_LINE, cells={**cells, **days}, width=len(cells)),
        values={name: values[path] for name, path in settings.columns.items()},
        moments=moments,
        status=status,
        is_off=values_at(seen, ACTIVE)[:1] == (False,),
    )


def normalise_pushed(
    resource: PushedResource,
    managers: Mapping[str, str],
    settings: SourceSettings,
    company: CompanySettings,
    received_at: datetime,
) -> NormalisedRow | RejectedRow:
    """The user in our words. Whoever is switched off ended at `received_at`, or at the stated end where that is
    earlier.

    A switch that is off leaves somebody suspended or released where the status says so; an absent `active` is on (RFC
    7643 section 4.1.1 leaves it open) for whoever was not switched off before.
    """
    user = row_of_pushed(resource, managers, settings)
    row = normalise(user.row, replace(settings, status=None), company, received_at)
    if isinstance(row, RejectedRow):
        return row
    status = _status(user, settings)
    if status is None:
        return _unmapped(user, row.key, settings)
    whole = replace(_timed(row, user, company), status=status, attributes=_attributes(row, user, resource.id, settings))
    return switched_off(whole, received_at) if status is EngagementStatus.ENDED else whole


def is_switched_off(resource: PushedResource, settings: SourceSettings) -> bool:
    """The client says that the person is not here any more, whatever else the resource says."""
    return _status(row_of_pushed(resource, NO_MANAGERS, settings), settings) is EngagementStatus.ENDED


def says_nothing_of_its_switch(resource: PushedResource, settings: SourceSettings) -> bool:
    """`active` is not there, and nothing else of the user says whether they are here."""
    mapping = settings.status
    return (mapping is None or mapping.column.lower() == ACTIVE) and not values_at(resource.body, ACTIVE)


def stated_end(
    resource: PushedResource, settings: SourceSettings, company: CompanySettings, received_at: datetime
) -> NormalisedRow | None:
    """A row with the end that the user states, whatever is wrong with the rest; None where they state none.

    The end of a day is that of the user's own zone where that can be read.
    """
    for names in (_ENDS | {"timezone"}, _ENDS):
        columns = {name: path for name, path in settings.columns.items() if name.lower() in names}
        narrow = replace(settings, key=RESOURCE_ID, person_key=None, status=None, columns=columns)
        row = normalise_pushed(resource, NO_MANAGERS, narrow, company, received_at)
        if isinstance(row, NormalisedRow):
            return None if row.ends_at is None else row
    return None


def key_of(resource: PushedResource, settings: SourceSettings) -> str | None:
    """What names the user's engagement in the source; None where the user has no such value."""
    return harmless(text_of(values_at({**resource.body, RESOURCE_ID: resource.id}, settings.key))).text or None


def manager_of(resource: PushedResource) -> str | None:
    """What the user names as manager: the id of another user."""
    return text_of(values_at(resource.body, _MANAGER)) or None


def number_of(resource: PushedResource, settings: SourceSettings) -> str | None:
    """The user's employee number, from where the source has it."""
    path = next((path for name, path in settings.columns.items() if name.lower() == "employeenumber"), _NUMBER)
    return text_of(values_at(resource.body, path)) or None


def switched_off(row: NormalisedRow, at: datetime) -> NormalisedRow:
    """The row of somebody who is out since `at`, or since the end it states where that is earlier."""
    if row.ends_at is not None and row.ends_at <= at:
        return replace(row, status=EngagementStatus.ENDED)
    return replace(row, status=EngagementStatus.ENDED, ends_at=at, end_basis=EndBasis.RECEIPT)


def row_of_gone(last: Engagement, kind: IdentityKind, at: datetime) -> NormalisedRow:
    """The row of a user of whom nothing new can be believed but that they are out since `at`: else as it was last."""
    return switched_off(_row_as_it_was(last, kind), at)


def row_of_end(last: Engagement, kind: IdentityKind, end: NormalisedRow) -> NormalisedRow:
    """The row of a user of whom nothing new can be believed but when they end: else as it was last."""
    return replace(_row_as_it_was(last, kind), ends_at=end.ends_at, end_basis=end.end_basis)


def _row_as_it_was(last: Engagement, kind: IdentityKind) -> NormalisedRow:
    return NormalisedRow(
        line=NO_LINE,
        source=last.source,
        key=last.key,
        person_key=None,
        kind=kind,
        attributes=last.attributes,
        status=last.status,
        starts_at=last.starts_at,
        ends_at=last.ends_at,
        end_basis=EndBasis.NONE if last.ends_at is None else EndBasis.MOMENT,
    )


def following(row: NormalisedRow, before: Sequence[Engagement], at: datetime) -> NormalisedRow:
    """The row after what is known under its key: whoever was switched off and is on again lives again since `at`.

    A client seldom gives a rehire a new first day, so the gap is what was seen of it; `walk_engagements` tells from it
    whether somebody was hired again or put out by mistake. An end that is moved on is no rehire. Of a row that ends
    only the key counts: it is not refused for naming another person than before.
    """
    old = next((e for e in before if (e.source, e.key) == (row.source, row.key)), None)
    if old is None:
        return row
    kept = replace(row, starts_at=_start(row, old, before))
    if row.status is EngagementStatus.ENDED:
        return replace(kept, person_key=None)
    was_off = old.status is EngagementStatus.ENDED and old.ends_at is not None and old.ends_at < at
    is_over = row.ends_at is not None and row.ends_at <= at
    return replace(kept, starts_at=at) if was_off and not is_over and not _begins_after(kept, old) else kept


def _start(row: NormalisedRow, old: Engagement, before: Sequence[Engagement]) -> datetime | None:
    """The row's own start, unless that belongs to a stretch that is over: then the one that was seen stays."""
    prefix = f"{row.key}{ARCHIVED}"
    ends = [e.ends_at for e in before if e.ends_at and e.key.startswith(prefix) and is_archived(e.key)]
    if not ends or (row.starts_at is not None and row.starts_at > max(ends)):
        return row.starts_at
    return old.starts_at


def _begins_after(row: NormalisedRow, old: Engagement) -> bool:
    return row.starts_at is not None and old.ends_at is not None and row.starts_at > old.ends_at


def _with_manager(resource: PushedResource, managers: Mapping[str, str]) -> Mapping[str, object]:
    """The enterprise extension with the manager's number in place of their id, where it is known."""
    named = manager_of(resource) if managers else None
    extension = resource.body.get(ENTERPRISE)
    if named is None or named not in managers or not isinstance(extension, Mapping):
        return {}
    return {ENTERPRISE: {**extension, "manager": {"value": managers[named]}}}


def _days(cells: Mapping[str, str], settings: SourceSettings) -> tuple[dict[str, str], dict[str, str]]:
    """By path the days of those first and last days that carry a time, and by attribute the moments themselves.

    Midnight in UTC or without a zone is how clients without a type for dates write a day, and no moment.
    """
    days, moments = {}, {}
    for name, path in settings.columns.items():
        found = _WITH_TIME.fullmatch(cells[path]) if name.lower() in ("startdate", "enddate") else None
        if found is None:
            continue
        days[path] = found["day"]
        is_a_day = _MIDNIGHT.fullmatch(found["time"]) and (found["zone"] or "Z").upper() in ("Z", "+00:00", "+0000")
        if not is_a_day:
            moments[name.lower()] = cells[path]
    return days, moments


def _timed(row: NormalisedRow, user: PushedUser, company: CompanySettings) -> NormalisedRow:
    """The row with the moments that the client gave in place of the days; `endsAt` outranks both."""
    zone = _zone(row, company)
    start = _moment(user.moments.get("startdate"), zone)
    end = _moment(user.moments.get("enddate"), zone)
    if start is not None and row.starts_at is not None:
        row = replace(row, starts_at=start)
    if end is not None and row.end_basis is EndBasis.DATE:
        row = replace(row, ends_at=end, end_basis=EndBasis.MOMENT)
    return row


def _moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """The moment; None where there is none, or it is none after all: then the day stands."""
    try:
        return None if text is None else read_moment(text.upper(), zone)
    except ValueError:
        return None


def _zone(row: NormalisedRow, company: CompanySettings) -> ZoneInfo:
    """`normalise` has refused what is no zone."""
    named = row.attributes.text("timezone")
    return company.time_zone if named is None else ZoneInfo(named)


def _status(user: PushedUser, settings: SourceSettings) -> EngagementStatus | None:
    """What the client says of the person; None where it says something that nothing maps."""
    mapping = settings.status
    if mapping is None or (not user.status and mapping.column.lower() == ACTIVE):
        return EngagementStatus.ENDED if user.is_off else EngagementStatus.ACTIVE
    said = mapping.values.get(user.status.strip().casefold())
    return EngagementStatus.ENDED if user.is_off and said not in _KEEPING else said


def _unmapped(user: PushedUser, key: str, settings: SourceSettings) -> RejectedRow:
    return RejectedRow(
        row=NO_LINE,
        column=None if settings.status is None else settings.status.column,
        value=harmless(user.status).text[:SHOWN_VALUE],
        why="is a status that nothing maps",
        mend=f"Map the value in [source.{settings.name}.map] status, or mend it in the client.",
        key=key,
    )


def _attributes(row: NormalisedRow, user: PushedUser, resource: ResourceId, settings: SourceSettings) -> Attributes:
    """What was read as text, with every value of what has several; numbers and truth stay what they are.

    Where another attribute is the key, the id of the resource stays beside it: whoever is given another key is known
    by it.
    """
    more = {name: _clean(values) for name, values in user.values.items() if _is_more(name, values)}
    own = {} if settings.key.lower() == RESOURCE_ID else {RESOURCE_ID: (str(resource),)}
    return row.attributes.merged(Attributes.of({**more, **own}))


def _is_more(name: str, values: Sequence[AttributeValue]) -> bool:
    return name.lower() not in _TIMES and (len(values) > 1 or any(not isinstance(value, str) for value in values))


def _clean(values: Sequence[AttributeValue]) -> tuple[AttributeValue, ...]:
    return tuple(harmless(value).text if isinstance(value, str) else value for value in values)
