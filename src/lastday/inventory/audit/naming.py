"""Names of people in every reading that an account may show: prefixes, accents, two family names, the family first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lastday.inventory.audit.text import folded, listed, spellings, squashed

PARTICLES = listed(
    """van von der den de het t da do dos das del della dello di du la le les los las zu zur zum ter ten te el al bin
    ibn af av y e i"""
)
_TITLES = frozenset(
    ("dr", "prof", "mr", "mrs", "ms", "mme", "herr", "frau", "ing", "sr", "sra", "jr", "ii", "iii", "phd")
)
_PARTS = re.compile(r"[\s]+")
_BRACKET = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NICKNAMES = """robert bob rob bobby|william bill will billy liam|richard rick dick rich
|james jim jimmy jamie|john jack johnny
|michael mike mick mikey|thomas tom tommy|elizabeth liz beth betty lisa eliza
|katherine catherine kate kathy katie cathy
|margaret maggie peggy meg|jennifer jen jenny|christopher chris|christina chris tina|daniel dan danny
|david dave
|matthew matt|anthony tony|joseph joe joey|charles charlie chuck|edward ed eddie ted
|alexander alex sasha xander
|alexandra alex sandra sasha|samuel sam|samantha sam|benjamin ben|steven stephen steve
|patricia pat patty trish
|patrick pat|susan sue susie|deborah deb debbie|rebecca becky|victoria vicky tori|nicholas nick
|nathaniel nate nathan
|andrew andy drew|gregory greg|jeffrey jeff|kenneth ken|lawrence larry|ronald ron|timothy tim
|theodore ted theo
|francisco paco pancho|jose pepe|ignacio nacho|maria marie mia|johannes hans jan hannes|josef sepp
|wilhelm willi
|friedrich fritz|heinrich heinz|giuseppe beppe|luigi gigi|antonio toni tonio|joao johnny|eleanor ellie nora
|abigail abby"""
_SAME = [frozenset(line.split()) for line in _NICKNAMES.split("|")]


@dataclass(frozen=True, slots=True)
class PersonName:
    """One reading of a name: folded words of the given part and of the family part."""

    given: tuple[str, ...]
    family: tuple[str, ...]

    @property
    def bag(self) -> str:
        """The same for every order of the words, whatever is hyphenated."""
        return " ".join(sorted(word for word in (*self.given, *self.family) if word))


def name_words(text: str) -> tuple[str, ...]:
    """The folded words of a name, hyphens taken as blanks, titles and brackets left out.

    >>> name_words("Dr. Jean-Luc  D'Arcy (extern)")
    ('jean', 'luc', 'darcy')
    """
    bare = folded(_BRACKET.sub(" ", text)).replace("-", " ").replace("'", "").replace(".", " ").replace(",", " ")
    return tuple(word for word in _PARTS.split(bare) if word and word not in _TITLES)


def from_parts(given: str, family: str) -> PersonName:
    """The name whose parts stand in two columns."""
    return PersonName(name_words(given), name_words(family))


def readings(full: str) -> tuple[PersonName, ...]:
    """Every way to split a whole name; one only where a comma says which part is the family's.

    >>> readings("Müller, Hans")
    (PersonName(given=('hans',), family=('muller',)),)
    """
    head, comma, tail = full.partition(",")
    if comma and tail.strip():
        return (PersonName(name_words(tail), name_words(head)),)
    parts = name_words(full)
    if len(parts) < 2:
        return (PersonName((), parts),) if parts else ()
    shouted = _shouted(full)
    if shouted is not None:
        return (shouted,)
    cuts = range(1, len(parts))
    given_first = (PersonName(parts[:cut], parts[cut:]) for cut in cuts)
    family_first = (PersonName(parts[cut:], parts[:cut]) for cut in cuts)
    return tuple(dict.fromkeys((*given_first, *family_first)))


def _shouted(full: str) -> PersonName | None:
    """GARCÍA LÓPEZ María: the part in capitals is the family's."""
    raw = _BRACKET.sub(" ", full).replace(",", " ").split()
    loud = [word for word in raw if len(word) > 1 and word.isupper()]
    quiet = [word for word in raw if word not in loud]
    if not loud or not quiet:
        return None
    return PersonName(name_words(" ".join(quiet)), name_words(" ".join(loud)))


@lru_cache(maxsize=65_536)
def given_keys(words: tuple[str, ...]) -> tuple[str, ...]:
    """What a login may show of a given name: all of it, or its first word."""
    return tuple(dict.fromkeys(("".join(words), words[0]))) if words else ()


@lru_cache(maxsize=65_536)
def family_keys(words: tuple[str, ...]) -> tuple[str, ...]:
    """What a login may show of a family name: all of it, without its prefix, or one of two family names."""
    if not words:
        return ()
    bare = tuple(word for word in words if word not in PARTICLES) or words
    return tuple(dict.fromkeys(("".join(words), "".join(bare), bare[0], bare[-1])))


def spelt_names(names: Iterable[tuple[str, str]]) -> tuple[PersonName, ...]:
    """Names from two columns, in both spellings of umlauts."""
    found: dict[PersonName, None] = {}
    for given, family in names:
        for one in spellings(given):
            for other in spellings(family):
                found[from_parts(one, other)] = None
    return tuple(found)


def spelt_readings(full: str) -> tuple[PersonName, ...]:
    """Readings of a whole name, in both spellings of umlauts."""
    found: dict[PersonName, None] = {}
    for text in (full, *spellings(full)[1:]):
        for one in readings(text):
            found[one] = None
    return tuple(found)


def same_given(one: str, other: str) -> bool:
    """Two given names may be those of one person: the same, one an initial of the other, or a known short form.

    >>> same_given("bob", "robert"), same_given("max", "maria")
    (True, False)
    """
    if one == other or (one and other and (len(one) == 1 or len(other) == 1) and one[0] == other[0]):
        return True
    return any(one in names and other in names for names in _SAME)


def agreement(shown: Sequence[str], name: PersonName) -> str:
    """How the words that an account shows agree with a name: `full`, `near`, `part` or `none`.

    >>> agreement(("bob", "miller"), PersonName(("robert",), ("miller",)))
    'near'
    """
    own = {word for word in (*name.given, *name.family) if word not in PARTICLES}
    words = {word for word in shown if word not in PARTICLES}
    joined = "".join(sorted(words)), "".join(sorted(own))
    if words == own or joined[0] == joined[1] or "".join(shown) == "".join((*name.given, *name.family)):
        return "full"
    family = {word for word in name.family if word not in PARTICLES} or set(name.family)
    given_fits = any(same_given(word, own_word) for word in words - family for own_word in name.given[:1])
    family_fits = bool(words & family) or squashed("".join(name.family)) in words
    given_exact = bool(words & set(name.given))
    if family_fits and given_exact and (words <= own or own <= words):
        return "full" if len(words) >= 2 else "part"
    if family_fits and (given_exact or given_fits):
        return "near"
    if family_fits or given_exact:
        return "part"
    return "none"


def short_form_sets(word: str) -> tuple[int, ...]:
    """The sets of names and their short forms that `word` is in."""
    return _SETS_OF.get(word, ())


_SETS_OF = {word: tuple(i for i, names in enumerate(_SAME) if word in names) for names in _SAME for word in names}
