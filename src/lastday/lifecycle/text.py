"""Text of others made harmless: what could act is taken out, what is only strange stays and is told."""

import re
import unicodedata
from dataclasses import dataclass

MAX_TEXT = 1024
_BLANKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_ACTING = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"  # direction and invisible marks
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of pairs, tag letters
)
_CODE = re.compile(r"^[=+\-@]|</?[A-Za-z!]|\)\(|\(\||\*\)|['\"]\s*(?:;|--|or\b)|\$\{|\{\{|%0[ad]", re.IGNORECASE)
_LOST = re.compile(r"\w\?|\?\w")


@dataclass(frozen=True, slots=True)
class HarmlessText:
    text: str
    acting: bool
    """Control characters, line breaks or marks that turn the direction of writing were taken out."""
    shortened: bool
    code: bool
    """Looks like a formula, markup or a query; it stays what it is: text."""


def harmless(value: str) -> HarmlessText:
    """`value` in composed form (NFC) without control and direction characters, at most `MAX_TEXT` characters long.

    >>> harmless("x\\nBcc: y\\u202e").text
    'x Bcc: y'
    """
    cleaned = _ACTING.sub("", _BLANKS.sub(" ", value))
    composed = unicodedata.normalize("NFC", cleaned).strip()
    return HarmlessText(
        text=composed[:MAX_TEXT].rstrip(),
        acting=cleaned != value,
        shortened=len(composed) > MAX_TEXT,
        code=_CODE.search(composed) is not None,
    )


def lost_letters(value: str) -> bool:
    """A question mark touches a letter: it may stand for one that the encoding of the file does not have.

    >>> lost_letters("?or?e Dubois"), lost_letters("Really ?")
    (True, False)
    """
    return _LOST.search(value) is not None
