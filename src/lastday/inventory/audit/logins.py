"""How logins are made of names and numbers: the patterns, and how well each holds in a file, measured on it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import sqrt

from lastday.inventory.audit.accounts import bare_login
from lastday.inventory.audit.naming import PersonName, family_keys, given_keys
from lastday.inventory.audit.people import Person
from lastday.inventory.audit.text import squashed

ONE_SIDED_90 = 1.2816
"""Normal quantile: the bound lies below the truth nine times in ten."""
LEAST_HITS = 5
LEAST_COVERAGE = 0.5


class Pattern(StrEnum):
    MAIL_LOCAL = "local part of the work mail"
    INITIALS_NUMBER = "initials and end of the employee number"
    NUMBER = "employee number"
    NUMBER_END = "end of the employee number"
    FIRST_LAST = "first name and last name"
    LAST_FIRST = "last name and first name"
    F_LAST = "initial and last name"
    FIRST_L = "first name and initial of the last name"
    LAST_F = "last name and initial"
    F_LAST_CUT = "initial and last name, eight letters"
    LAST_CUT_F = "last name and initial, cut"
    THREE_THREE = "three letters of each name"
    LAST = "last name"
    FIRST = "first name"
    F_LAST_DIGITS = "initial, last name and digits"
    FIRST_LAST_DIGITS = "first name, last name and digits"


CAPS: Mapping[Pattern, float] = {
    Pattern.MAIL_LOCAL: 0.95,
    Pattern.INITIALS_NUMBER: 0.97,
    Pattern.NUMBER: 0.97,
    Pattern.NUMBER_END: 0.95,
    Pattern.FIRST_LAST: 0.95,
    Pattern.LAST_FIRST: 0.95,
    Pattern.F_LAST: 0.92,
    Pattern.FIRST_L: 0.9,
    Pattern.LAST_F: 0.92,
    Pattern.F_LAST_CUT: 0.9,
    Pattern.LAST_CUT_F: 0.88,
    Pattern.THREE_THREE: 0.88,
    Pattern.LAST: 0.75,
    Pattern.FIRST: 0.6,
    Pattern.F_LAST_DIGITS: 0.9,
    Pattern.FIRST_LAST_DIGITS: 0.93,
}
"""No measurement makes a pattern surer than this: the less of a name it shows, the more people it fits."""
_OF_NAMES: Mapping[Pattern, Callable[[str, str], str]] = {
    Pattern.FIRST_LAST: lambda given, family: given + family,
    Pattern.LAST_FIRST: lambda given, family: family + given,
    Pattern.F_LAST: lambda given, family: given[0] + family,
    Pattern.FIRST_L: lambda given, family: given + family[0],
    Pattern.LAST_F: lambda given, family: family + given[0],
    Pattern.F_LAST_CUT: lambda given, family: (given[0] + family)[:8] if len(family) > 7 else "",
    Pattern.LAST_CUT_F: lambda given, family: family[:6] + given[0] if len(family) > 6 else "",
    Pattern.THREE_THREE: lambda given, family: given[:3] + family[:3],
    Pattern.LAST: lambda given, family: family if given else "",
    Pattern.FIRST: lambda given, family: given if family else "",
    Pattern.F_LAST_DIGITS: lambda given, family: given[0] + family,
    Pattern.FIRST_LAST_DIGITS: lambda given, family: given + family,
}
_WITH_DIGITS = frozenset((Pattern.F_LAST_DIGITS, Pattern.FIRST_LAST_DIGITS))
Index = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How well a pattern holds: of `total` logins it could be checked on, `hits` fit; and what that is worth."""

    pattern: Pattern
    hits: int
    total: int
    confidence: float
    index: Index


def lower_bound(hits: int, total: int) -> float:
    """The share that lies behind `hits` of `total`, cautiously: the lower end of Wilson's interval.

    >>> round(lower_bound(20, 20), 3), round(lower_bound(60, 63), 3), lower_bound(0, 0)
    (0.924, 0.905, 0.0)
    """
    if total == 0:
        return 0.0
    z, share = ONE_SIDED_90, hits / total
    centre = share + z * z / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return max(0.0, (centre - spread) / (1 + z * z / total))


@lru_cache(maxsize=65_536)
def login_key(login: str, pattern: Pattern) -> str:
    """What a login shows under `pattern`; empty where it cannot be one."""
    whole = squashed(bare_login(login))
    letters = whole.rstrip("0123456789")
    digits = whole[len(letters) :]
    if pattern is Pattern.INITIALS_NUMBER:
        return whole if len(letters) == 2 and len(digits) >= 3 else ""
    if pattern in (Pattern.NUMBER, Pattern.NUMBER_END):
        return (digits.lstrip("0") if pattern is Pattern.NUMBER else digits) if len(digits) >= 3 else ""
    if pattern is Pattern.MAIL_LOCAL:
        return whole
    if pattern in _WITH_DIGITS:
        return letters if digits and letters else ""
    return whole if not digits else ""


def person_keys(person: Person, pattern: Pattern) -> frozenset[str]:
    """What the login of `person` would show under `pattern`."""
    if pattern is Pattern.MAIL_LOCAL:
        return frozenset(squashed(mail.partition("@")[0]) for mail in person.mails)
    if pattern in (Pattern.NUMBER, Pattern.NUMBER_END):
        return _number_keys(person, pattern)
    if pattern is Pattern.INITIALS_NUMBER:
        return _initials_keys(person)
    make = _OF_NAMES[pattern]
    keys = (
        make(given, family)
        for name in person.names
        for given in (*given_keys(name.given), *person.nicknames)
        for family in family_keys(name.family)
    )
    return frozenset(key for key in keys if len(key) >= 3)


def _number_keys(person: Person, pattern: Pattern) -> frozenset[str]:
    digits = [number_core(number) for number in person.numbers]
    if pattern is Pattern.NUMBER:
        return frozenset(one for one in digits if one)
    return frozenset(one[-size:] for one in digits for size in (3, 4, 5) if len(one) > size)


def _initials_keys(person: Person) -> frozenset[str]:
    numbers = _number_keys(person, Pattern.NUMBER) | _number_keys(person, Pattern.NUMBER_END)
    families = ((given, family) for name in person.names for given, family in _ends(name))
    initials = {made for given, family in families for made in (given + family, family + given)}
    return frozenset(f"{letters}{digits}" for letters in initials for digits in numbers)


def _ends(name: PersonName) -> Iterable[tuple[str, str]]:
    """The initials of the given and of the family name, with and without a prefix."""
    return ((given[0], family[0]) for given in given_keys(name.given) for family in family_keys(name.family))


def number_core(number: str) -> str:
    """The digits of a number without leading zeros.

    >>> number_core("E-004711")
    '4711'
    """
    return "".join(character for character in number if character.isdigit()).lstrip("0")


def index_of(people: Sequence[Person], pattern: Pattern) -> Index:
    """For every key under `pattern`, who it fits."""
    found: dict[str, list[int]] = {}
    for position, person in enumerate(people):
        for key in person_keys(person, pattern):
            found.setdefault(key, []).append(position)
    return {key: tuple(who) for key, who in found.items()}


def learn(people: Sequence[Person], logins: Iterable[str], known: Sequence[tuple[str, int]]) -> tuple[Support, ...]:
    """The patterns that hold in a file, best first.

    `known` are logins whose owner is certain from something else: there a pattern is right or wrong. With fewer than
    `LEAST_HITS` of them the share of all logins that a pattern explains stands for it.
    """
    every = sorted(login for login in logins if login)
    measured = (_measure(people, pattern, every, known) for pattern in Pattern)
    good = _sharpest([one for one in measured if one is not None])
    return tuple(sorted(good, key=lambda one: (-one.confidence, list(Pattern).index(one.pattern))))


def _sharpest(good: Sequence[Support]) -> list[Support]:
    """Without the patterns on numbers alone where initials before the numbers explain the same logins."""
    hits = {one.pattern: one.hits for one in good}
    with_initials = hits.get(Pattern.INITIALS_NUMBER, 0)
    blunt = {one for one in (Pattern.NUMBER, Pattern.NUMBER_END) if hits.get(one, 0) * 0.9 <= with_initials}
    return [one for one in good if one.pattern not in blunt]


def _measure(
    people: Sequence[Person], pattern: Pattern, logins: Sequence[str], known: Sequence[tuple[str, int]]
) -> Support | None:
    checkable = [(key, who) for login, who in known if (key := login_key(login, pattern))]
    if len(known) >= LEAST_HITS:
        hits = sum(key in person_keys(people[who], pattern) for key, who in checkable)
        if hits < LEAST_HITS or hits < len(known) / 20:
            return None
        index = index_of(people, pattern)
        total = sum(key in index for key, _ in checkable)
    else:
        index = index_of(people, pattern)
        total = len(logins)
        hits = sum(len(index.get(login_key(login, pattern), ())) > 0 for login in logins)
        if hits < LEAST_HITS or hits < total * LEAST_COVERAGE or _by_chance(pattern, people, index):
            return None
    confidence = min(CAPS[pattern], lower_bound(hits, total))
    return Support(pattern=pattern, hits=hits, total=total, confidence=confidence, index=index)


def _by_chance(pattern: Pattern, people: Sequence[Person], index: Index) -> bool:
    """So many ends of numbers are taken that any digits would meet one."""
    if pattern is not Pattern.NUMBER_END:
        return False
    longest = max((len(key) for key in index), default=1)
    return len(people) * 10 > int(f"1{'0' * longest}")


def made_of_name(login: str, person: Person) -> bool:
    """Some usual pattern makes this login of a name of this person, digits at its end left aside."""
    return any((key := login_key(login, pattern)) and key in person_keys(person, pattern) for pattern in _OF_NAMES)
