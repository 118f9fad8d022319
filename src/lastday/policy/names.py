"""Names of new accounts: templates with ordered candidates. The first one that is free is taken elsewhere."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from lastday.model.attributes import Attributes
from lastday.model.errors import ConfigurationError

LONGEST_NAME = 64
LAST_NUMBER = 20

_FIELD = re.compile(r"\{([A-Za-z][A-Za-z0-9_.$-]*)(?::(ascii))?\}", re.ASCII)
_BRACE = re.compile(r"[{}]")
_NOT_FOLDED = re.compile(r"[^a-z0-9-]+")
_NOT_HARMLESS = re.compile(r"[^\w@.+-]+")
_EDGES = "-."
_NUMBER = "n"


def _table(letters: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in letters.split())


# Letters that do not decompose into a base letter and an accent.
_LATIN = _table("ß=ss ø=o đ=d ł=l æ=ae œ=oe þ=th ð=d ı=i ħ=h ŧ=t ŋ=n ĸ=k ſ=s ə=e ƒ=f ɓ=b ɗ=d ƙ=k ƴ=y ŀ=l")
_GREEK = _table(
    "α=a β=v γ=g δ=d ε=e ζ=z η=i θ=th ι=i κ=k λ=l μ=m ν=n ξ=x ο=o π=p ρ=r σ=s ς=s τ=t υ=y φ=f χ=ch ψ=ps ω=o"
)
_CYRILLIC = _table(
    "а=a б=b в=v г=g д=d е=e ё=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch ш=sh "
    "щ=shch ъ= ы=y ь= э=e ю=yu я=ya і=i ї=yi є=ye ґ=g ў=u ђ=dj ј=j љ=lj њ=nj ћ=c џ=dz ќ=k ѓ=g ѕ=dz"
)
# Two letters that are one sound; with and without the stress mark.
_GREEK_PAIRS = (("ού", "ou"), ("ου", "ou"))
_TRANSLITERATION = {**_LATIN, **_GREEK, **_CYRILLIC}


def ascii_fold(text: str) -> str:
    """`text` in lower-case letters a to z, digits and inner hyphens; empty where nothing of it is left.

    Accents are dropped (NFKD), letters that do not decompose are written out, blanks and everything else vanish.

    >>> ascii_fold("van der Berg"), ascii_fold("Jean-Luc"), ascii_fold("Łukasz Strauß"), ascii_fold("Юлия")
    ('vanderberg', 'jean-luc', 'lukaszstrauss', 'yuliya')
    """
    composed = unicodedata.normalize("NFC", text).lower()
    for pair, letters in _GREEK_PAIRS:
        composed = composed.replace(pair, letters)
    return _NOT_FOLDED.sub("", "".join(map(_folded_letter, composed))).strip("-")


def expand_candidates(templates: Sequence[str], attributes: Attributes) -> tuple[str, ...]:
    """The names that `templates` give for `attributes`, best first, each once and of at most 64 characters.

    `{name.givenName:ascii}` is folded, `{userName}` stands as it is (less what is no letter, digit or one of `@._+-`),
    `{n}` counts from 2 to 20. A template whose attribute is absent, or has nothing left, gives no candidate.
    Raises ConfigurationError where a template cannot be read.

    >>> expand_candidates(["{name.givenName:ascii}", "{name.givenName:ascii}{n}"],
    ...                   Attributes.of({"name.givenName": "Zoë"}))[:3]
    ('zoe', 'zoe2', 'zoe3')
    """
    return tuple(dict.fromkeys(name for template in templates for name in _expanded(template, attributes)))


def template_attributes(template: str) -> tuple[str, ...]:
    """The identity attributes that `template` needs, `{n}` left out.

    Raises ConfigurationError where a brace is not part of a field.
    """
    if _BRACE.search(_FIELD.sub("", template)):
        raise ConfigurationError(
            f"the name template {template!r} cannot be read",
            effect="No account would be created with it.",
            mend="A field is `{attribute}`, `{attribute:ascii}` or `{n}`.",
        )
    return tuple(name for name, _ in _FIELD.findall(template) if name != _NUMBER)


def _expanded(template: str, attributes: Attributes) -> Iterable[str]:
    template_attributes(template)
    numbered = f"{{{_NUMBER}}}" in template
    numbers = [str(n) for n in range(2, LAST_NUMBER + 1)] if numbered else [""]
    names = (_filled(template, attributes, number) for number in numbers)
    return [name for name in names if name is not None]


def _filled(template: str, attributes: Attributes, number: str) -> str | None:
    """One name, or None. Where it is too long the folded parts give way: what surrounds them (a domain) must stay."""
    parts = _FIELD.split(template)
    literals, fields = parts[0::3], list(zip(parts[1::3], parts[2::3], strict=True))
    values = [number if name == _NUMBER else _value(name, attributes, fold=how == "ascii") for name, how in fields]
    if not all(values):
        return None
    shrinkable = [i for i, (_, how) in enumerate(fields) if how == "ascii"]
    excess = sum(map(len, literals)) + sum(map(len, values)) - LONGEST_NAME
    for _ in range(excess):
        longest = max(shrinkable, key=lambda i: len(values[i]), default=None)
        if longest is None or len(values[longest]) <= 1:
            return None
        values[longest] = values[longest][:-1]
    filled = "".join(a + b for a, b in zip(literals, [*values, ""], strict=True))
    return filled.strip(_EDGES) or None


def _value(name: str, attributes: Attributes, *, fold: bool) -> str:
    text = attributes.text(name) or ""
    if fold:
        return ascii_fold(text[: 16 * LONGEST_NAME])[:LONGEST_NAME].strip("-")
    return _NOT_HARMLESS.sub("", unicodedata.normalize("NFC", text[: 16 * LONGEST_NAME]))


def _folded_letter(letter: str) -> str:
    if letter.isascii():
        return letter
    if letter in _TRANSLITERATION:
        return _TRANSLITERATION[letter]
    bases = unicodedata.normalize("NFKD", letter).lower()
    return "".join(_TRANSLITERATION.get(base, base) for base in bases if not unicodedata.combining(base))
