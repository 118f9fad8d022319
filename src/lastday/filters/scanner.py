"""Reads the marks, words and literals of a filter, one at a time and only as far as the parser asks."""

import json
import math
import re

from lastday.filters.ast import AttributePath, CompareOperator, Literal, Now
from lastday.model.errors import FilterError

_BLANK = re.compile(r"[ \t\r\n]*")
_JOINER = re.compile(r"[ \t\r\n]*(?:(and|or)(?![A-Za-z0-9_$.:/~%+-]))?", re.IGNORECASE | re.ASCII)
_WORD = re.compile(r"[A-Za-z$][A-Za-z0-9_$.:/~%+-]*", re.ASCII)
_NAME = re.compile(r"[A-Za-z$][A-Za-z0-9_$-]*", re.ASCII)
_SCHEMA = re.compile(r"(?:urn:|https?:).+", re.IGNORECASE)
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])", re.ASCII)
_NOW = re.compile(r"now(?:([+-])(\d{1,10})([smhdw]))?(?![\w.:+-])", re.IGNORECASE | re.ASCII)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONGEST_NUMBER = 40
_OPERATORS: dict[str, CompareOperator | None] = {"pr": None, **{known.value: known for known in CompareOperator}}
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class Scanner:
    """A place in the text of a filter that only moves forward."""

    def __init__(self, text: str, *, allow_now: bool) -> None:
        self.text = text
        self.position = 0
        self._allow_now = allow_now

    def skip_blanks(self) -> None:
        match = _BLANK.match(self.text, self.position)
        self.position = match.end() if match else self.position

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.text)

    def take_mark(self, mark: str) -> bool:
        """True, and past it, where the character `mark` comes next."""
        self.skip_blanks()
        if not self.text.startswith(mark, self.position):
            return False
        self.position += len(mark)
        return True

    def take_joiner(self) -> str:
        """`and` or `or` in lower case, and past it, where it comes next; else empty, and past the blanks."""
        match = _JOINER.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return (match[1] or "").lower()

    def peek_word(self) -> str:
        """The word that comes next, without moving; empty where none does."""
        self.skip_blanks()
        match = _WORD.match(self.text, self.position)
        return match.group() if match else ""

    def path(self) -> AttributePath:
        """The attribute path that comes next. Raises FilterError where none does. RFC 7644 figure 1, `attrPath`."""
        word, start = self.peek_word(), self.position
        if not word:
            raise self._no_attribute()
        schema, _, local = word.rpartition(":")
        if schema and not _SCHEMA.fullmatch(schema):
            raise self.error(f"`{schema}` is no schema", start, "A schema begins with `urn:`.")
        names = local.split(".")
        if len(names) > 2:
            raise self.error(f"`{local}` is too deep", start, "Write `attribute` or `attribute.subAttribute`.")
        if not all(_NAME.fullmatch(name) for name in names):
            raise self.error(f"`{word}` is no attribute", start, "A name begins with a letter: `name.familyName`.")
        self.position += len(word)
        return AttributePath(
            schema=schema or None, attribute=names[0], sub=names[1] if len(names) == 2 else None, position=start
        )

    def member(self, position: int) -> AttributePath:
        """The sub-attribute after `]`, which stood right at `position`: `emails[type eq "work"].value`."""
        match = _NAME.match(self.text, self.position)
        if match is None:
            raise self.error("a sub-attribute is missing after the point", position, "Write `].value`.")
        self.position = match.end()
        return AttributePath(attribute=match.group(), position=match.start())

    def operator(self) -> CompareOperator | None:
        """The operator that comes next; None for `pr`. Raises FilterError where neither does."""
        word, start = self.peek_word().lower(), self.position
        if word not in _OPERATORS:
            found = self._found_here()
            raise self.error(
                f"an operator is wanted here, not {found}", start, "One of: eq ne co sw ew gt ge lt le pr."
            )
        self.position += len(word)
        return _OPERATORS[word]

    def literal(self) -> Literal:
        """The value that comes next: text, number, true, false, null, or `now` where it is allowed."""
        self.skip_blanks()
        following = self.text[self.position : self.position + 1]
        if following == '"':
            return self._string()
        if following == "-" or (following.isascii() and following.isdigit()):
            return self._number()
        return self._word_literal()

    def _string(self) -> str:
        match = _STRING.match(self.text, self.position)
        if match is None:
            raise self.error(
                "the text that begins here does not end, or holds a character that must be escaped",
                self.position,
                'Close it with `"`; write `\\"` for a quotation mark, `\\\\` for a backslash, `\\n` for a new line.',
            )
        value = str(json.loads(match.group()))
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error("half of a character pair in the text", self.position, "Write both halves, or the sign.")
        self.position = match.end()
        return value

    def _number(self) -> int | float:
        match = _NUMBER.match(self.text, self.position)
        if match is None or len(match.group()) > _LONGEST_NUMBER:
            raise self.error("this is no number that can be compared", self.position, "Write it as in JSON: 12, -0.5.")
        digits = match.group()
        value = float(digits) if any(sign in digits for sign in ".eE") else int(digits)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error("this number is too large", self.position, "Write a finite number.")
        self.position = match.end()
        return value

    def _word_literal(self) -> Literal:
        moment = _NOW.match(self.text, self.position)
        if moment is not None:
            return self._now(moment)
        word = self.peek_word()
        if word.lower() not in _WORDS:
            found = self._found_here()
            mend = (
                f'Text stands in double quotes: "{word}".' if word else 'A text in "double quotes", 12, true or null.'
            )
            raise self.error(f"a value is wanted here, not {found}", self.position, mend)
        self.position += len(word)
        return _WORDS[word.lower()]

    def _now(self, match: "re.Match[str]") -> Now:
        if not self._allow_now:
            raise self.error(
                "`now` is known in policies only", self.position, 'Write a moment: "2026-11-20T17:00:00Z".'
            )
        self.position = match.end()
        sign, amount, unit = match.groups()
        if sign is None:
            return Now()
        distance = int(amount) * _UNIT_S[unit.lower()]
        return Now(-distance if sign == "-" else distance)

    def _no_attribute(self) -> FilterError:
        return self.error(
            f"an attribute is wanted here, not {self._found_here()}",
            self.position,
            'A condition reads: attribute operator value, as in `title co "Accountant"`.',
        )

    def _found_here(self) -> str:
        if self.at_end:
            return "the end"
        return f"`{self.peek_word()[:40] or self.text[self.position]}`"

    def error(self, what: str, position: int, mend: str) -> FilterError:
        return FilterError(what, text=self.text, position=position, mend=mend)
