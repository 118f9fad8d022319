"""Strings of TOML as written, and where each of their characters stands."""

import re
from dataclasses import dataclass

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "e": "\x1b", '"': '"', "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_JOINED_LINES = re.compile(r"\\[ \t]*\n[ \t\n]*")


@dataclass(frozen=True, slots=True)
class WrittenString:
    """The text that a TOML string means, and for each of its characters the offset in what is written."""

    text: str
    offsets: tuple[int, ...]
    end: int
    """Offset of the closing quotes."""

    def offset_of(self, index: int) -> int:
        """Where character `index` is written; behind the last one, the closing quotes."""
        return self.offsets[index] if index < len(self.offsets) else self.end


def read_string(token: str) -> WrittenString:
    """What the string `token`, quotes included, means (TOML 1.0.0, section String). The token is known to be whole.

    >>> read_string(r'"a\\tb"')
    WrittenString(text='a\\tb', offsets=(1, 2, 4), end=5)
    """
    quotes = token[:3] if token.startswith(('"""', "'''")) and len(token) >= 6 else token[0]
    start, end = len(quotes), len(token) - len(quotes)
    if len(quotes) == 3 and token.startswith("\n", start):
        start += 1
    if quotes[0] == "'":
        return WrittenString(token[start:end], tuple(range(start, end)), end)
    return _basic(token, start, end)


def _basic(token: str, at: int, end: int) -> WrittenString:
    letters: list[str] = []
    offsets: list[int] = []
    while at < end:
        joined = _JOINED_LINES.match(token, at, end)
        if joined is not None:
            at = joined.end()
            continue
        escape = _ESCAPE.match(token, at, end)
        letters.append(token[at] if escape is None else _unescaped(escape))
        offsets.append(at)
        at = at + 1 if escape is None else escape.end()
    return WrittenString("".join(letters), tuple(offsets), end)


def _unescaped(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2] or escape[3]
    if code is None:
        return _ESCAPES.get(escape[4], escape[4])
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"
