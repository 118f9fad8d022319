"""Dates in the form that the file has: decided over whole columns, never cell by cell."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from functools import lru_cache

from lastday.inventory.audit.states import is_blank
from lastday.inventory.audit.text import folded

OPEN_END = 2200
"""From this year on a date means "no end" (9999-12-31, 31.12.2999)."""
_CLOCK = (
    r"(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?"
    r"\s*(?P<ap>[ap]\.?m\.?)?\s*(?P<off>z|utc|gmt|[+-]\d{2}:?\d{2})?"
)
_TAIL = rf"(?:(?:t|,?\s+){_CLOCK})?$"
_YEAR_FIRST = re.compile(rf"(?P<y>\d{{4}})[-/.](?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}}){_TAIL}")
_YEAR_LAST = re.compile(rf"(?P<a>\d{{1,2}})(?P<sep>[./-])(?P<b>\d{{1,2}})(?P=sep)(?P<y>\d{{4}}|\d{{2}}){_TAIL}")
_COMPACT = re.compile(
    r"(?P<y>(?:19|20|99)\d{2})(?P<a>\d{2})(?P<b>\d{2})(?:t?(?P<h>\d{2})(?P<mi>\d{2})(?P<s>\d{2})(?:\.0)?(?P<off>z)?)?$"
)
_DAY_WORD = re.compile(
    r"(?P<b>\d{1,2})(?:st|nd|rd|th|er|º|°)?[.\s-]+(?:de\s+)?(?P<w>[a-z]{3,})\.?,?[\s-]+(?:de\s+)?"
    rf"(?P<y>\d{{4}}|\d{{2}}){_TAIL}"
)
_WORD_DAY = re.compile(rf"(?P<w>[a-z]{{3,}})\.?\s+(?P<b>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}}){_TAIL}")
_EPOCH = re.compile(r"(?:/date\()?(?P<n>\d{13}|\d{10})(?:[+-]\d{4})?(?:\)/)?$")
_SERIAL = re.compile(r"[2-7]\d{4}(?:\.\d+)?$")
_MONTHS = (
    "jan janv ene gen sty", "feb fev lut", "mar mrz maa", "apr avr abr kwi", "may mai mei mag maj", "jun juin giu cze",
    "jul juil lug lip", "aug aou ago sie", "sep set wrz", "oct okt out ott paz", "nov lis", "dec dez dic gru",
)  # fmt: skip
_MONTH = {word: number for number, line in enumerate(_MONTHS, 1) for word in line.split()}


class Order(StrEnum):
    DMY = "DMY"
    MDY = "MDY"


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, with the time of day and the offset where the file gives them."""

    day: date
    clock: time | None = None
    offset: tzinfo | None = None

    @property
    def open(self) -> bool:
        """It stands for "no end"."""
        return self.day.year >= OPEN_END

    def at(self, zone: tzinfo | None, *, bare: time) -> datetime:
        """The instant in UTC; a day without a time counts from `bare`, a day without a zone is one of UTC."""
        own = datetime.combine(self.day, self.clock or bare, tzinfo=self.offset or zone or UTC)
        return own.astimezone(UTC)


def end_of(moment: Moment, zone: tzinfo | None) -> datetime:
    """When an engagement with this end is over: the time given, else 17:00 in the zone, else the end of the day in UTC.

    >>> end_of(Moment(date(2026, 11, 23)), None).isoformat()
    '2026-11-24T00:00:00+00:00'
    """
    if moment.clock is not None or zone is not None:
        return moment.at(zone, bare=time(17))
    return moment.at(None, bare=time()) + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class OrderVotes:
    """How many numeric dates can only be read day first, only month first, or either way."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    afternoon: int = 0

    @property
    def order(self) -> Order | None:
        """The order that the values themselves prove; None where none or both are proven."""
        if self.day_first and not self.month_first:
            return Order.DMY
        if self.month_first and not self.day_first:
            return Order.MDY
        return None


def votes(values: Iterable[str]) -> OrderVotes:
    """What the values say about the order of day and month. Points always mean day first."""
    day_first = month_first = either = afternoon = 0
    for value in values:
        match = _YEAR_LAST.match(folded(value))
        if match is None or match["sep"] == ".":
            continue
        a, b = int(match["a"]), int(match["b"])
        afternoon += match["ap"] is not None
        day_first += a > 12 >= b
        month_first += b > 12 >= a
        either += a <= 12 and b <= 12 and a != b
    return OrderVotes(day_first, month_first, either, afternoon)


def looks_dated(value: str) -> bool:
    """Some form of date, whatever the order of its parts."""
    return read_moment(value, Order.DMY) is not None or read_moment(value, Order.MDY) is not None


@lru_cache(maxsize=65_536)
def read_moment(value: str, order: Order | None) -> Moment | None:
    """The moment that `value` means; None where it is no date, or one that can be read in two ways and `order` is None.

    >>> read_moment("03/04/2026", Order.MDY).day.isoformat(), read_moment("3. März 2026", None).day.isoformat()
    ('2026-03-04', '2026-03-03')
    """
    text = folded(value)
    if is_blank(text):
        return None
    try:
        return _parsed(text, order)
    except (ValueError, OverflowError):
        return None


def _parsed(text: str, order: Order | None) -> Moment | None:
    for pattern in (_YEAR_FIRST, _COMPACT, _DAY_WORD, _WORD_DAY):
        match = pattern.match(text)
        if match is not None:
            month = _month_of(match)
            return _moment(match, month, int(match["b"])) if month else None
    match = _YEAR_LAST.match(text)
    if match is not None:
        return _year_last(match, order)
    match = _EPOCH.match(text)
    if match is not None:
        instant = datetime.fromtimestamp(int(match["n"][:10]), UTC)
        whole_day = instant.time() == time() and text.startswith("/date(")
        return Moment(instant.date()) if whole_day else Moment(instant.date(), instant.time(), UTC)
    if _SERIAL.match(text):
        return Moment(date(1899, 12, 30) + timedelta(days=int(float(text))))
    return None


def _month_of(match: re.Match[str]) -> int | None:
    if "w" not in match.re.groupindex:
        return int(match["a"])
    word = match["w"]
    return next((_MONTH[word[:size]] for size in (4, 3) if word[:size] in _MONTH), None)


def _year_last(match: re.Match[str], order: Order | None) -> Moment | None:
    a, b = int(match["a"]), int(match["b"])
    if match["sep"] == "." or a > 12 or a == b:
        return _moment(match, b, a)
    if b > 12 or order is Order.MDY:
        return _moment(match, a, b)
    return _moment(match, b, a) if order is Order.DMY else None


def _moment(match: re.Match[str], month: int, day: int) -> Moment:
    year = int(match["y"])
    if year < 100:
        year += 2000 if year < 70 else 1900
    groups = match.groupdict()
    if groups.get("h") is None:
        return Moment(date(year, month, day))
    hour = int(groups["h"] or 0)
    half = (groups.get("ap") or "")[:1]
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    clock = time(hour, int(groups["mi"] or 0), int(groups["s"] or 0))
    return Moment(date(year, month, day), clock, _offset(groups.get("off")))


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text[0] not in "+-":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
