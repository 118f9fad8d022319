"""The conditions that nearly every filter is made of, read in one step: `userName eq "bjensen"`, `title pr`.

What is not exactly of this form, and what is wrong, is left to the scanner, which knows every form and every mistake.
"""

import re
from functools import lru_cache
from typing import Final

from lastday.filters.ast import AttributePath, Compare, CompareOperator, Literal, Present
from lastday.filters.literals import objection

_END = r"(?![A-Za-z0-9_$.:/~%+-])"
"""No word goes on here."""
_PLAIN = re.compile(
    r"[ \t\r\n]*(?![nN][oO][tT][ \t\r\n])"
    r"((?:(?:urn|https?):[A-Za-z0-9_$.:/~%+-]+:)?[A-Za-z$][A-Za-z0-9_$-]*(?:\.[A-Za-z$][A-Za-z0-9_$-]*)?)"
    rf"[ \t\r\n]+([A-Za-z][A-Za-z]){_END}"
    rf'(?:[ \t\r\n]+(?:"([^"\\\x00-\x1f]*)"|(true|false|null|-?(?:0|[1-9][0-9]{{0,14}})){_END}))?'
)
_OPERATORS: Final = {known.value: known for known in CompareOperator}
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_LONGEST_KEPT = 128


def plain_condition(text: str, position: int) -> tuple[Present | Compare, int] | None:
    """The condition that begins at `position`, after blanks, and where it ends; None where it is not of this form."""
    match = _PLAIN.match(text, position)
    if match is None:
        return None
    word, operator, string, other = match.groups()
    known = _OPERATORS.get(operator) or _OPERATORS.get(operator.lower())
    if known is None:
        return (Present(path=_path(word, match.start(1))), match.end(2)) if operator.lower() == "pr" else None
    if string is None:
        if other is None:
            return None
        value: Literal = _WORDS[other] if other in _WORDS else int(other)
    elif string.isascii():
        value = string
    else:
        return None
    if objection(known, value) is not None:
        return None
    return Compare(path=_path(word, match.start(1)), operator=known, value=value), match.end()


def _path(word: str, position: int) -> AttributePath:
    return _kept_path(word, position) if len(word) <= _LONGEST_KEPT else _made_path(word, position)


def _made_path(word: str, position: int) -> AttributePath:
    schema, _, local = word.rpartition(":")
    attribute, _, sub = local.partition(".")
    return AttributePath(schema=schema or None, attribute=attribute, sub=sub or None, position=position)


_kept_path = lru_cache(maxsize=1024)(_made_path)
