"""People out of rows: every row is an engagement, every person has one or more, and is here while any of them runs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lastday.inventory.audit.dates import Moment, Order, end_of, read_moment
from lastday.inventory.audit.fields import PersonField
from lastday.inventory.audit.naming import PersonName, name_words, spelt_names, spelt_readings
from lastday.inventory.audit.ordering import DateOrder, date_order
from lastday.inventory.audit.states import Work, flag, work_of
from lastday.inventory.audit.table import Mapped
from lastday.inventory.audit.text import folded, squashed
from lastday.model.errors import InputError

_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
ENDS = (PersonField.MOMENT, PersonField.END, PersonField.LAST_DAY, PersonField.CONTRACT_END)
"""What says when an engagement ends: the first that a row has, counts."""
DATED = (PersonField.START, *ENDS, PersonField.BORN)


class Standing(StrEnum):
    HERE = "here"
    LEFT = "left"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """A job or a contract: one row."""

    number: str
    begins: datetime | None
    ends: datetime | None
    state: Work | None

    def standing(self, at: datetime) -> Standing:
        """Where the person is by this engagement alone. An end outranks the status; without one the status counts."""
        begun = self.begins is None or self.begins <= at
        if self.ends is not None:
            if self.ends <= at:
                return Standing.LEFT
            return Standing.HERE if begun else Standing.NOT_YET
        if self.state is Work.ENDED:
            return Standing.LEFT
        return Standing.HERE if begun and self.state is not Work.FUTURE else Standing.NOT_YET


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in the file of people, with everything an account could be recognised by."""

    id: str
    """Distinct in the file, whatever the order of its rows."""
    engagements: tuple[Engagement, ...]
    display: str
    names: tuple[PersonName, ...]
    nicknames: tuple[str, ...]
    mails: frozenset[str]
    logins: frozenset[str]
    places: frozenset[str]
    """Job, department and site, folded: what else an account may show."""
    proven: bool
    """A person key or a birth date says that nobody else in the file is the same person."""

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(one.number for one in self.engagements if one.number)

    def standing(self, at: datetime) -> Standing:
        """Here while any engagement runs, not yet while none ever has, else gone."""
        each = {one.standing(at) for one in self.engagements}
        return next(state for state in (Standing.HERE, Standing.LEFT, Standing.NOT_YET) if state in each)

    def left_at(self, at: datetime) -> datetime | None:
        """When the last engagement that is over was over; None where the file does not say."""
        ended = [one.ends for one in self.engagements if one.standing(at) is Standing.LEFT]
        return None if None in ended else max((one for one in ended if one is not None), default=None)

    @property
    def first_day(self) -> datetime | None:
        """When the first engagement began; None where one has no start."""
        begun = [one.begins for one in self.engagements]
        return None if None in begun else min(one for one in begun if one is not None)

    @property
    def latest(self) -> datetime:
        """The last instant that any engagement names."""
        return max(
            (moment for one in self.engagements for moment in (one.ends, one.begins) if moment), default=_EARLIEST
        )

    def number_at(self, at: datetime) -> str:
        """The employee number to act on: that of the engagement that counts now; else what stands for it."""
        wanted = self.standing(at)
        these = [one for one in self.engagements if one.standing(at) is wanted and one.number]
        these = these or [one for one in self.engagements if one.number]
        best = max(these, key=lambda one: (one.ends or one.begins or _EARLIEST, one.number), default=None)
        return best.number if best is not None else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    people: tuple[Person, ...]
    remarks: tuple[str, ...]
    order: Order | None


def read_people(mapped: Mapped) -> People:
    """The people of a file. Raises InputError I124 where the order of day and month in its ends cannot be known."""
    order = date_order(mapped, DATED)
    _refuse_unknown_order(mapped, order)
    groups: dict[str, list[Mapping[str, str]]] = {}
    for row, key in zip(mapped.table.rows, _keys(mapped), strict=True):
        groups.setdefault(key, []).append(row)
    people = tuple(_person(mapped, order, key, groups[key]) for key in sorted(groups) if key)
    remarks = (*mapped.table.remarks, *_remarks(mapped, order, nameless=len(groups.get("", ()))))
    return People(people=people, remarks=remarks, order=order.order)


def _refuse_unknown_order(mapped: Mapped, order: DateOrder) -> None:
    for field in ENDS:
        column = mapped.column(field)
        if column is None or order.of(column) is not None:
            continue
        doubtful = sorted({value for value in mapped.table.values(column) if _two_ways(value)})
        if doubtful:
            raise InputError(
                f"{mapped.table.name}: {doubtful[0]} in {column} can be a day and a month or a month and a day",
                effect="Nothing was concluded: people could be taken for gone who are not.",
                mend="Say which: --map people.dates=DMY or --map people.dates=MDY.",
                where=f"{mapped.table.name}:1",
                code="I124",
            )


def _two_ways(value: str) -> bool:
    return read_moment(value, None) is None and read_moment(value, Order.DMY) is not None


def _keys(mapped: Mapped) -> list[str]:
    """One key for each row, the same for rows of one person; empty for a row that names nobody."""
    doubtful = _doubtful_numbers(mapped)
    tokens = [_tokens(mapped, row, doubtful) for row in mapped.table.rows]
    leader: dict[str, str] = {}

    def first(token: str) -> str:
        while leader.setdefault(token, token) != token:
            leader[token] = token = leader[leader[token]]
        return token

    for row_tokens in tokens:
        for token in row_tokens[1:]:
            one, other = sorted((first(row_tokens[0]), first(token)))
            leader[other] = one
    return [first(row_tokens[0]) if row_tokens else "" for row_tokens in tokens]


def _doubtful_numbers(mapped: Mapped) -> frozenset[str]:
    """Numbers that stand beside several person keys: they join rows only under one name."""
    keys: dict[str, set[str]] = {}
    for row in mapped.table.rows:
        keys.setdefault(mapped.cell(row, PersonField.NUMBER), set()).add(mapped.cell(row, PersonField.KEY))
    return frozenset(number for number, these in keys.items() if len(these - {""}) > 1)


def _tokens(mapped: Mapped, row: Mapping[str, str], doubtful: frozenset[str]) -> list[str]:
    """What joins this row with others of the same person: key, number, name with birth date; else mail and name."""
    bag = " ".join(sorted(name_words(_shown_name(mapped, row))))
    key, number, born, mail = (
        mapped.cell(row, field) for field in (PersonField.KEY, PersonField.NUMBER, PersonField.BORN, PersonField.MAIL)
    )
    found = [f"key {key}"] if key else []
    found += [f"number {squashed(number)}{f' {bag}' if number in doubtful else ''}"] if number else []
    found += [f"born {born} {bag}"] if born and bag else []
    if not found and (mail or bag):
        found.append(f"mail {mail.casefold()} {bag}" if mail else f"name {bag}")
    return found


def _shown_name(mapped: Mapped, row: Mapping[str, str]) -> str:
    full = mapped.cell(row, PersonField.FULL)
    return full or " ".join(filter(None, _parts(mapped, row)))


def _parts(mapped: Mapped, row: Mapping[str, str]) -> tuple[str, str]:
    parts = (PersonField.PREFIX, PersonField.FAMILY, PersonField.FAMILY2)
    families = [mapped.cell(row, part) for part in parts]
    return mapped.cell(row, PersonField.GIVEN), " ".join(filter(None, families))


def _person(mapped: Mapped, order: DateOrder, key: str, rows: Sequence[Mapping[str, str]]) -> Person:
    def every(*fields: PersonField) -> list[str]:
        return sorted({value for row in rows for field in fields if (value := mapped.cell(row, field))})

    engagements = sorted(
        (_engagement(mapped, order, row) for row in rows),
        key=lambda one: (one.begins or _EARLIEST, one.number, one.ends or _EARLIEST, one.state or ""),
    )
    mails = every(PersonField.MAIL, PersonField.OTHER_MAIL)
    stated = (*every(PersonField.MAIL), *every(PersonField.KEY), key)
    return Person(
        id=min((one.number for one in engagements if one.number), default=stated[0]),
        engagements=tuple(engagements),
        display=max((_shown_name(mapped, row) for row in rows), default=""),
        names=_names(mapped, rows),
        nicknames=tuple(sorted({word for nick in every(PersonField.NICK) for word in name_words(nick)})),
        mails=frozenset(mail.casefold() for mail in mails),
        logins=frozenset(folded(login) for login in every(PersonField.LOGIN)),
        places=frozenset(map(folded, every(PersonField.JOB, PersonField.DEPARTMENT, PersonField.SITE))),
        proven=bool(every(PersonField.KEY, PersonField.BORN)),
    )


def _names(mapped: Mapped, rows: Iterable[Mapping[str, str]]) -> tuple[PersonName, ...]:
    parts = sorted({pair for row in rows if all(pair := _parts(mapped, row))})
    if parts:
        return spelt_names(parts)
    full = sorted({_shown_name(mapped, row) for row in rows})
    return tuple(dict.fromkeys(name for text in full for name in spelt_readings(text)))


def _engagement(mapped: Mapped, order: DateOrder, row: Mapping[str, str]) -> Engagement:
    zone = _zone(mapped.cell(row, PersonField.ZONE))
    begins = _moment(mapped, order, row, PersonField.START)
    return Engagement(
        number=mapped.cell(row, PersonField.NUMBER),
        begins=None if begins is None else begins.at(zone, bare=time()).astimezone(zone or UTC),
        ends=_end(mapped, order, row, zone),
        state=_state(mapped, row),
    )


def _end(mapped: Mapped, order: DateOrder, row: Mapping[str, str], zone: tzinfo | None) -> datetime | None:
    end = next((moment for field in ENDS if (moment := _moment(mapped, order, row, field)) is not None), None)
    return None if end is None or end.open else end_of(end, zone)


def _moment(mapped: Mapped, order: DateOrder, row: Mapping[str, str], field: PersonField) -> Moment | None:
    return read_moment(mapped.cell(row, field), order.of(mapped.column(field)))


def _state(mapped: Mapped, row: Mapping[str, str]) -> Work | None:
    status = mapped.cell(row, PersonField.STATUS)
    state = work_of(status) if status else None
    if state is None and status and (on := flag(status)) is not None:
        state = Work.ACTIVE if on else Work.ENDED
    raw = mapped.raw(row, PersonField.ACTIVE)
    if state is not None or not raw:
        return state
    on = flag(raw)
    return work_of(raw) if on is None else Work.ACTIVE if on else Work.ENDED


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _remarks(mapped: Mapped, order: DateOrder, *, nameless: int) -> list[str]:
    """What could not be read in the file: counted and shown, never silently taken for something."""
    found = [f"{nameless} rows name nobody and were left out"] if nameless else []
    for field in DATED[:-1]:
        column = mapped.column(field)
        known = order.of(column)
        if column is not None:
            bad = sorted({value for value in mapped.table.values(column) if read_moment(value, known) is None})
            found += [f"{column}: {len(bad)} values are no dates, for example {bad[0]}: taken for none"] if bad else []
    if order.doubtful and order.order is not None:
        found.append(f"days and months are read as {order.order.value}: {order.because}")
    status = mapped.column(PersonField.STATUS)
    if status is not None:
        unknown = sorted({v for v in mapped.table.values(status) if work_of(v) is None and flag(v) is None})
        found += [f"{status}: {', '.join(unknown[:5])} is no status that is known: taken for none"] if unknown else []
    return found
