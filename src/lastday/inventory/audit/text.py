"""Folding letters: what two spellings of one heading, name or login have in common."""

import re
import unicodedata
from functools import lru_cache

_PLAIN = str.maketrans(
    {"ß": "ss", "ẞ": "ss", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h",
     "’": "'", "ʼ": "'", "`": "'", "´": "'"}
)  # fmt: skip
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@lru_cache(maxsize=100_000)
def folded(text: str) -> str:
    """Lower case without accents, one blank between words.

    >>> folded("Đorđe  MÜLLER-Weiß")
    'dorde muller-weiss'
    """
    lowered = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    bare = "".join(c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return " ".join(bare.split())


@lru_cache(maxsize=100_000)
def spellings(text: str) -> tuple[str, ...]:
    """`text` folded, and folded with umlauts written out where that differs.

    >>> spellings("Müller")
    ('muller', 'mueller')
    """
    composed = unicodedata.normalize("NFC", text).casefold()
    return tuple(dict.fromkeys((folded(text), folded(composed.translate(_SPELT)))))


def words(text: str) -> tuple[str, ...]:
    """The folded words of a heading, a login or a status.

    >>> words("lastLogin_at")
    ('last', 'login', 'at')
    """
    return tuple(part for part in _NOT_WORD.split(folded(_CAMEL.sub(" ", text))) if part)


def squashed(text: str) -> str:
    """Letters and digits only, folded.

    >>> squashed("E-Mail_Adresse")
    'emailadresse'
    """
    return _NOT_WORD.sub("", folded(text))


def listed(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())
