"""Small things written as text: durations, times of day, zones, date formats. Each says None where it is not one."""

import re
from datetime import time, timedelta
from zoneinfo import ZoneInfo

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_DATE = re.compile(r"(YYYY|MM|DD)([-./])(YYYY|MM|DD)\2(YYYY|MM|DD)")


def duration_of(text: str) -> timedelta | None:
    """How long `text` says.

    >>> duration_of("30d"), duration_of("2m"), duration_of("soon")
    (datetime.timedelta(days=30), datetime.timedelta(seconds=120), None)
    """
    match = _DURATION.fullmatch(text)
    return None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})


def time_of_day(text: str) -> time | None:
    """The time of day, `17:00` or `23:59:59`."""
    match = _TIME.fullmatch(text)
    return None if match is None else time(int(match[1]), int(match[2]), int(match[3] or 0))


def time_zone_of(text: str) -> ZoneInfo | None:
    """The zone with this IANA name."""
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        return None


def date_format_of(text: str) -> str | None:
    """`text` where it is a date format: YYYY, MM and DD, each once, with one separator (`-`, `.` or `/`)."""
    match = _DATE.fullmatch(text)
    return text if match is not None and {match[1], match[3], match[4]} == {"YYYY", "MM", "DD"} else None
