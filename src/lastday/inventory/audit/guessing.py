"""What the columns of a file mean: by their headings, checked against every value under them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rapidfuzz import fuzz

from lastday.inventory.audit.dates import looks_dated, votes
from lastday.inventory.audit.fields import (
    BARE_NAMES,
    BARE_NUMBERS,
    STRANGERS,
    AccountField,
    Kind,
    PersonField,
    kind_of,
    other_headings,
    synonyms,
)
from lastday.inventory.audit.naming import name_words
from lastday.inventory.audit.roots import FOUND_BY_ROOT, speaks_of
from lastday.inventory.audit.states import Work, account_on, flag, work_of
from lastday.inventory.audit.table import Guess, Mapped, Table
from lastday.inventory.audit.text import squashed, words
from lastday.model.errors import InputError

Field: TypeAlias = PersonField | AccountField
FieldT = TypeVar("FieldT", PersonField, AccountField)
LEAST_FIT = 0.6
"""A column whose values fit a meaning less than this does not have that meaning, whatever it is called."""
NEAR = 88.0
_TELLS_LEAVING = frozenset(
    (
        PersonField.END,
        PersonField.LAST_DAY,
        PersonField.CONTRACT_END,
        PersonField.MOMENT,
        PersonField.STATUS,
        PersonField.ACTIVE,
    )
)
_MAIL = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$")
_NUMBER = re.compile(r"[A-Za-z]{0,6}[-_/. ]?\d[\dA-Za-z\-_/.]{0,18}$")
_SPACE = re.compile(r"\s")
ORDER_KEY = "dates"
"""`--map people.dates=DMY` names no column: it says how the file writes its dates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody said what a column means; an empty column says that none means it."""

    field: str
    column: str


def guess_people(table: Table, overrides: Sequence[Override] = ()) -> Mapped:
    """The columns of a file of people. Raises InputError: I121 nobody can be named, I122 nobody can have left."""
    mapped = _guess(table, PersonField, overrides)
    mapped = _with_values_only_people(mapped, overrides)
    by = mapped.by_field
    if not {PersonField.NUMBER, PersonField.KEY, PersonField.MAIL, PersonField.FULL, PersonField.FAMILY} & set(by):
        raise _missing(
            table, "who a person is", "people", (PersonField.NUMBER, PersonField.MAIL, PersonField.FULL), "I121"
        )
    if not _TELLS_LEAVING & set(by):
        raise _missing(table, "when or whether a person left", "people", (PersonField.END, PersonField.STATUS), "I122")
    return mapped


def guess_accounts(table: Table, overrides: Sequence[Override] = (), names: frozenset[str] = frozenset()) -> Mapped:
    """The columns of a file of accounts; `names` are those of the people, to know a column of names by.

    Raises InputError I123 where no column names the account.
    """
    mapped = _guess(table, AccountField, overrides)
    if not {AccountField.FULL, AccountField.GIVEN} & set(mapped.by_field):
        mapped = _find(mapped, overrides, AccountField.FULL, 0.8, _are_names(names))
    mapped = _with_values_only_accounts(mapped, overrides)
    known = {AccountField.ID, AccountField.LOGIN, AccountField.MAIL, AccountField.NUMBER}
    if not known & set(mapped.by_field):
        raise _missing(table, "which account it is", table.name, (AccountField.LOGIN, AccountField.MAIL), "I123")
    return mapped


def _missing(table: Table, what: str, scope: str, fields: Sequence[Field], code: str) -> InputError:
    ways = " or ".join(f'--map {scope}.{field.value}="HEADING"' for field in fields)
    return InputError(
        f"{table.name}: no column says {what}",
        effect="Nothing was concluded.",
        mend=f"Name the column: {ways}. The headings are: {', '.join(sorted(table.columns))}.",
        where=f"{table.name}:1",
        code=code,
    )


def _guess(table: Table, fields: type[FieldT], overrides: Sequence[Override]) -> Mapped:
    named, order = _named(table, fields, overrides)
    taken = {column for column in named.values() if column}
    scored = [
        (score, field.value, column, because)
        for column in table.columns
        if column not in taken and column
        for field in fields
        if field not in named
        for score, because in [_score(table, column, field)]
        if score > 0
    ]
    scored.sort(key=lambda one: (-one[0], one[1], one[2]))
    guesses = [_said(field, column) for field, column in named.items() if column]
    by_field: dict[str, str] = {field.value: column for field, column in named.items() if column}
    for score, field_name, column, because in scored:
        if field_name not in by_field and column not in taken:
            by_field[field_name] = column
            taken.add(column)
            guesses.append(Guess(field=field_name, column=column, confidence=round(score, 2), because=because))
    return _settle_bare_names(Mapped(table=table, guesses=tuple(guesses), by_field=by_field, order=order))


def _said(field: Field, column: str) -> Guess:
    return Guess(field=field.value, column=column, confidence=1.0, because="you said so")


def _named(table: Table, fields: type[FieldT], overrides: Sequence[Override]) -> tuple[dict[FieldT, str], str | None]:
    """The fields and the order of dates that somebody named. Raises InputError I120 for what is not there."""
    named: dict[FieldT, str] = {}
    order: str | None = None
    for one in overrides:
        if squashed(one.field) == ORDER_KEY:
            order = _order_named(table, one.column)
            continue
        named[_field_called(table, fields, one.field)] = _column_called(table, one.column)
    return named, order


def _order_named(table: Table, text: str) -> str:
    if text.upper() in ("DMY", "MDY"):
        return text.upper()
    raise InputError(
        f"{text} is no order of day and month", where=table.name, mend="Write dates=DMY or dates=MDY.", code="I120"
    )


def _field_called(table: Table, fields: type[FieldT], name: str) -> FieldT:
    wanted = squashed(name)
    found = [field for field in fields if wanted == squashed(field.value)]
    found = found or [field for field in fields if wanted in synonyms(field)]
    if found:
        return found[0]
    known = ", ".join(sorted(field.value for field in fields))
    raise InputError(f"nothing is called {name}", where=table.name, mend=f"One of: {known}, {ORDER_KEY}.", code="I120")


def _column_called(table: Table, name: str) -> str:
    found = [column for column in table.columns if column == name] or [
        column for column in table.columns if squashed(column) == squashed(name)
    ]
    if found or not name:
        return found[0] if found else ""
    raise InputError(
        f"{table.name} has no column called {name}",
        where=f"{table.name}:1",
        mend=f"The headings are: {', '.join(sorted(table.columns))}.",
        code="I120",
    )


def _score(table: Table, column: str, field: Field) -> tuple[float, str]:
    """How much `column` looks like `field`, and in words why."""
    heading = heading_likeness(column, field)
    if heading == 0.0:
        return 0.0, ""
    values = list(table.values(column))
    if not values:
        return heading * 0.7 + 0.1, "its heading; it has no values"
    fit = _fit(kind_of(field), values)
    if fit < LEAST_FIT:
        return 0.0, ""
    fitting = round(fit * len(values))
    return heading * 0.7 + fit * 0.3, f"its heading; {fitting} of {len(values)} values fit{_form(field, values)}"


def _form(field: Field, values: Sequence[str]) -> str:
    order = votes(values).order if kind_of(field) is Kind.DATE else None
    return f", dates are {order.value}" if order else ""


def heading_likeness(column: str, field: Field) -> float:
    """1 for a heading known for `field`, less for one that contains or nearly is one, 0 where it is something else.

    >>> heading_likeness("Austritts-Datum", PersonField.END), heading_likeness("Manager E-Mail", PersonField.MAIL)
    (1.0, 0.0)
    """
    whole = squashed(column)
    known = synonyms(field)
    if whole in known:
        return 1.0
    if field is PersonField.NUMBER and whole in BARE_NUMBERS:
        return 0.6
    parts = words(column)
    if whole in other_headings() or STRANGERS & set(parts):
        return 0.0
    best = 0.8 if _contained(parts, known) else 0.0
    if not best and len(whole) >= 5:
        near = max((fuzz.ratio(whole, one) for one in known if abs(len(one) - len(whole)) <= 2), default=0.0)
        best = 0.7 if near >= NEAR else 0.0
    return best * 0.95 or (FOUND_BY_ROOT if speaks_of(field, parts) else 0.0)


def _contained(parts: Sequence[str], known: frozenset[str]) -> bool:
    """Some run of words, with at most two others beside it, is a known heading of four letters or more."""
    for size in range(len(parts) - 1, 0, -1):
        if len(parts) - size > 2:
            return False
        runs = ("".join(parts[start : start + size]) for start in range(len(parts) - size + 1))
        if any(run in known and len(run) >= 4 and run not in BARE_NAMES for run in runs):
            return True
    return False


def _fit(kind: Kind, values: Sequence[str]) -> float:
    test = _TESTS[kind]
    counted = Counter(values)
    return sum(count for value, count in counted.items() if test(value)) / len(values)


def _is_zone(value: str) -> bool:
    if "/" not in value and value not in ("UTC", "GMT", "CET", "EET", "WET"):
        return False
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _has_letters(value: str) -> bool:
    return any(character.isalpha() for character in value) and "@" not in value and not looks_dated(value)


_TESTS: Mapping[Kind, Callable[[str], bool]] = {
    Kind.NUMBER: lambda value: bool(_NUMBER.match(value)) and not looks_dated_with_marks(value),
    Kind.NAME: lambda value: _has_letters(value) and not value[0].isdigit(),
    Kind.MAIL: lambda value: bool(_MAIL.match(value)),
    Kind.LOGIN: lambda value: not _SPACE.search(value) and len(value) <= 320,
    Kind.TEXT: lambda value: not _MAIL.match(value),
    Kind.ZONE: _is_zone,
    Kind.DATE: looks_dated,
    Kind.STATUS: lambda value: work_of(value) is not None or account_on(value) is not None or flag(value) is not None,
    Kind.FLAG: lambda value: flag(value) is not None or work_of(value) is not None,
    Kind.SWITCH: lambda value: flag(value) is not None or account_on(value) is not None or looks_dated(value),
}


def looks_dated_with_marks(value: str) -> bool:
    """A date written with separators; a bare run of digits may be a number as well."""
    return not value.isdigit() and looks_dated(value)


def _settle_bare_names(mapped: Mapped) -> Mapped:
    """A heading such as Name or Nom beside a given name is the family name, beside a family name the given one."""
    by = dict(mapped.by_field)
    full = by.get("fullName")
    if full is None or squashed(full) not in BARE_NAMES:
        return mapped
    missing = [part for part in ("givenName", "familyName") if part not in by]
    if len(missing) != 1:
        return mapped
    by[missing[0]] = by.pop("fullName")
    guesses = tuple(
        Guess(
            field=missing[0],
            column=one.column,
            confidence=one.confidence,
            because=f"{one.because}, beside the other part",
        )
        if one.field == "fullName"
        else one
        for one in mapped.guesses
    )
    return Mapped(table=mapped.table, guesses=guesses, by_field=by, order=mapped.order)


def _with_values_only_people(mapped: Mapped, overrides: Sequence[Override]) -> Mapped:
    mapped = _find(mapped, overrides, PersonField.MAIL, 0.55, lambda values: _fit(Kind.MAIL, values) >= 0.9)
    mapped = _find(mapped, overrides, PersonField.ZONE, 0.6, lambda values: _fit(Kind.ZONE, values) >= 0.95)
    if not _TELLS_LEAVING & set(mapped.by_field):
        mapped = _find(mapped, overrides, PersonField.STATUS, 0.5, _is_status)
        mapped = _find(mapped, overrides, PersonField.END, 0.45, _is_partly_dated(mapped))
    return _find(mapped, overrides, PersonField.NUMBER, 0.45, _is_numbering(mapped))


def _with_values_only_accounts(mapped: Mapped, overrides: Sequence[Override]) -> Mapped:
    mapped = _find(mapped, overrides, AccountField.MAIL, 0.55, lambda values: _fit(Kind.MAIL, values) >= 0.9)
    if not {AccountField.ENABLED, AccountField.DISABLED, AccountField.STATUS} & set(mapped.by_field):
        mapped = _find(mapped, overrides, AccountField.STATUS, 0.5, _is_account_status)
    if not {AccountField.LOGIN, AccountField.ID} & set(mapped.by_field):
        mapped = _find(mapped, overrides, AccountField.LOGIN, 0.45, _is_naming(mapped))
    return mapped


def _find(
    mapped: Mapped, overrides: Sequence[Override], field: Field, sure: float, fits: Callable[[list[str]], bool]
) -> Mapped:
    """`field` taken by the one free column whose values alone say so; unchanged where none or several do."""
    refused = any(squashed(one.field) == squashed(field.value) for one in overrides)
    if field in mapped.by_field or refused:
        return mapped
    taken = set(mapped.by_field.values())
    free = [c for c in mapped.table.columns if c and c not in taken and not _speaks_of_something_else(c)]
    found = [column for column in free if (values := list(mapped.table.values(column))) and fits(values)]
    if len(found) != 1:
        return mapped
    guess = Guess(field=field.value, column=found[0], confidence=sure, because="its values alone")
    by_field = {**mapped.by_field, field.value: found[0]}
    return Mapped(table=mapped.table, guesses=(*mapped.guesses, guess), by_field=by_field, order=mapped.order)


def _speaks_of_something_else(column: str) -> bool:
    return squashed(column) in other_headings() or bool(STRANGERS & set(words(column)))


def _is_status(values: Sequence[str]) -> bool:
    states = [work_of(value) for value in set(values)]
    known = all(state is not None for state in states)
    return known and len(states) <= 12 and Work.ENDED in states and all(len(value) > 1 for value in values)


def _is_account_status(values: Sequence[str]) -> bool:
    states = {account_on(value) for value in values}
    return None not in states and False in states and len(set(values)) <= 12


def _is_numbering(mapped: Mapped) -> Callable[[list[str]], bool]:
    return lambda values: (
        len(values) == len(mapped.table.rows) == len(set(values))
        and _fit(Kind.NUMBER, values) >= 0.98
        and not all(looks_dated(value) for value in values)
    )


def _are_names(names: frozenset[str]) -> Callable[[list[str]], bool]:
    """At least three values, and half of them, are names of people."""
    return lambda values: (
        (hits := sum(" ".join(sorted(name_words(value))) in names for value in values)) >= 3 and hits * 2 >= len(values)
    )


def _is_partly_dated(mapped: Mapped) -> Callable[[list[str]], bool]:
    """Dates for some people only: nothing but an end is like that."""
    return lambda values: len(values) < len(mapped.table.rows) and _fit(Kind.DATE, values) == 1.0


def _is_naming(mapped: Mapped) -> Callable[[list[str]], bool]:
    return lambda values: (
        len(values) == len(mapped.table.rows) == len(set(values))
        and _fit(Kind.LOGIN, values) == 1.0
        and any(character.isalpha() for character in values[0])
    )


def as_shown(guesses: Iterable[Guess]) -> tuple[Guess, ...]:
    """The guesses, surest first; the same whatever the order of columns was."""
    return tuple(sorted(guesses, key=lambda one: (-one.confidence, one.field)))
