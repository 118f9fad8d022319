"""What a literal of a filter may be, and what it cannot be compared with. Shared by the parser and the predicate."""

import math
import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from lastday.filters.ast import CompareOperator, Literal, Now

ORDERING = frozenset({CompareOperator.GT, CompareOperator.GE, CompareOperator.LT, CompareOperator.LE})
SUBSTRING = frozenset({CompareOperator.CO, CompareOperator.SW, CompareOperator.EW})

_DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d)?", re.ASCII | re.IGNORECASE
)
_HUNDRED_YEARS_S = 100 * 366 * 86_400


@dataclass(frozen=True, slots=True)
class Objection:
    """Why an operator and a literal do not go together, and what to write instead."""

    what: str
    mend: str


def fold(text: str) -> str:
    """`text` in the form in which strings without case are compared: composed (NFC) and case-folded.

    >>> fold("STRASSE") == fold("straße")
    True
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def instant_of(text: str) -> datetime | None:
    """The instant that `text` writes as date, time and zone; None where it writes none.

    RFC 7643 section 2.3.5. A moment without a zone is no instant.
    """
    match = _DATE_TIME.fullmatch(text) if text[4:5] == "-" else None
    if match is None or match["zone"] is None:
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def objection(operator: CompareOperator, value: Literal) -> Objection | None:
    """Why `operator` cannot be used with `value`; None where it can (RFC 7644 section 3.4.2.2, table 3)."""
    if isinstance(value, float) and not math.isfinite(value):
        return Objection("a number that is not finite compares with nothing", "Write a finite number.")
    if isinstance(value, Now) and abs(value.offset_s) > _HUNDRED_YEARS_S:
        return Objection("`now` is moved by more than 100 years", "Write a smaller distance.")
    if operator in ORDERING and (value is None or isinstance(value, bool)):
        return Objection(f"`{operator}` has no order for true, false and null", "Use `eq` or `ne`.")
    if operator in SUBSTRING and not isinstance(value, str):
        return Objection(f"`{operator}` looks inside text", "Put the value in double quotes.")
    if isinstance(value, str) and operator not in SUBSTRING:
        return _moment_objection(value)
    return None


def _moment_objection(value: str) -> Objection | None:
    match = _DATE_TIME.fullmatch(value)
    if match is None:
        return None
    if match["zone"] is None:
        return Objection("a moment without a time zone", 'Add the zone: "2026-11-20T17:00:00Z" or "...+01:00".')
    if instant_of(value) is None:
        return Objection("there is no such moment in the calendar", "Correct the date or the time.")
    return None
