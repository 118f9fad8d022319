"""Dates and local times of a feed as instants."""

import re
from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from rapidfuzz.distance import JaroWinkler

_TOKENS = {"YYYY": r"(?P<year>\d{4})", "MM": r"(?P<month>\d{2})", "DD": r"(?P<day>\d{2})"}
_MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?P<offset>Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
FIRST_YEAR, LAST_YEAR, OPEN_YEAR = 1900, 2199, 9999


def read_date(text: str, pattern: str) -> date:
    """The date that `text` writes in `pattern` (`DD.MM.YYYY`). Raises ValueError with the reason in plain words.

    >>> read_date("31.12.2026", "DD.MM.YYYY")
    datetime.date(2026, 12, 31)
    """
    found = _date_expression(pattern).fullmatch(text)
    if found is None:
        raise ValueError(f"is not a date written {pattern}")
    year, month, day = (int(found[part]) for part in ("year", "month", "day"))
    try:
        value = date(year, month, day)
    except ValueError:
        raise ValueError("is a date that does not exist") from None
    if not (FIRST_YEAR <= year <= LAST_YEAR or year == OPEN_YEAR):
        raise ValueError(f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return value


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """The instant that `text` writes; without an offset it is local time in `zone`. Raises ValueError.

    A time of day is required: a bare date would be midnight, hours before the end that was meant.
    """
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise ValueError("is not a moment written YYYY-MM-DDThh:mm[:ss], with or without an offset")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is a moment that does not exist") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"lies outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment.astimezone(UTC) if found["offset"] else local_instant(moment.date(), moment.time(), zone)


def local_instant(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The instant at which a clock on the wall in `zone` shows `clock` on `day`.

    As RFC 5545 section 3.3.5 has it: a time that occurs twice means the first; one that is skipped is read with the
    offset before the gap, so midnight skipped by an hour is the instant of the jump.
    """
    return datetime.combine(day, clock, tzinfo=zone).replace(fold=0).astimezone(UTC)


def read_zone(text: str) -> ZoneInfo:
    """The zone of that name in the IANA database. Raises ValueError, with the nearest name where one is near."""
    if text in _zone_names():
        return ZoneInfo(text)
    near = max(_zone_names(), key=lambda name: (JaroWinkler.similarity(text.lower(), name.lower()), name))
    close = JaroWinkler.similarity(text.lower(), near.lower()) >= 0.9
    raise ValueError("is not a time zone of the IANA database" + (f"; perhaps {near}" if close else ""))


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=32)
def _date_expression(pattern: str) -> re.Pattern[str]:
    parts = re.split("(YYYY|MM|DD)", pattern)
    return re.compile("".join(_TOKENS.get(part) or re.escape(part) for part in parts), re.ASCII)
