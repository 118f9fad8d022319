"""Where each key and value of a TOML document stands; `tomllib` tells values without places.

The scanner only finds places: whether the document is TOML at all is `tomllib`'s to say.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from lastday.configuration.strings import read_string
from lastday.model.errors import ConfigurationError

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys and array indexes from the root: `("test", 0, "has", 1)`."""

DEEPEST = 64
LONGEST_SCALAR = 1000

_BLANK = re.compile(r"[ \t]*")
_VOID = re.compile(r"(?:[ \t\n]|#[^\n]*)*+")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""(?:"{0,2})'
    r"|'''(?:[^']|'(?!''))*+'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\[^\n])*+"'
    r"|'[^'\n]*+'",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Offsets of the first character and of the one after the last."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key and its value; a table's value is its key, an array element's key is its value."""

    key: Span
    value: Span


class ScanError(ConfigurationError):
    """The scanner cannot go on at `offset`. `beyond_limits` says that nobody should: the document is too deep."""

    code = "P110"

    def __init__(self, what: str, *, offset: int, beyond_limits: bool = False) -> None:
        super().__init__(what)
        self.offset = offset
        self.beyond_limits = beyond_limits


def scan_positions(text: str) -> Mapping[KeyPath, Entry]:
    """The place of every key path of the document `text`, whose lines end with a line feed alone.

    Raises ScanError where the text is no TOML or exceeds the limits of depth and length (TOML 1.0.0).

    >>> places = scan_positions('[a]' + chr(10) + 'b = [1, 22]')
    >>> sorted(map(str, places)), places["a", "b", 1].value
    (["('a', 'b')", "('a', 'b', 0)", "('a', 'b', 1)", "('a',)"], Span(start=12, end=14))
    """
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._entries: dict[KeyPath, Entry] = {}
        self._array_lengths: dict[KeyPath, int] = {}
        self._table: KeyPath = ()

    def run(self) -> Mapping[KeyPath, Entry]:
        self._skip(_VOID)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                self._header()
            else:
                self._pair(self._table)
            self._skip(_VOID)
        return self._entries

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _take(self, mark: str) -> bool:
        found = self._text.startswith(mark, self._at)
        self._at += len(mark) if found else 0
        return found

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise ScanError(f"`{mark}` is missing", offset=self._at)

    def _header(self) -> None:
        mark = "[[" if self._text.startswith("[[", self._at) else "["
        self._expect(mark)
        keys = self._keys()
        self._expect("]" * len(mark))
        path: KeyPath = ()
        for name, span in keys[:-1]:
            path = self._newest((*path, name))
            self._entries.setdefault(path, Entry(key=span, value=span))
        name, span = keys[-1]
        self._table = self._opened((*path, name), span, is_array=mark == "[[")

    def _newest(self, path: KeyPath) -> KeyPath:
        """The last table of an array of tables, where `path` names one."""
        length = self._array_lengths.get(path)
        return path if length is None else (*path, length - 1)

    def _opened(self, path: KeyPath, span: Span, *, is_array: bool) -> KeyPath:
        entry = Entry(key=span, value=span)
        if not is_array:
            self._entries[path] = entry
            return path
        self._entries.setdefault(path, entry)
        self._array_lengths[path] = self._array_lengths.get(path, 0) + 1
        path = self._newest(path)
        self._entries[path] = entry
        return path

    def _keys(self) -> list[tuple[str, Span]]:
        """A dotted key."""
        keys = [self._key()]
        while self._take("."):
            keys.append(self._key())
            self._refuse_depth(len(keys))
        return keys

    def _key(self) -> tuple[str, Span]:
        self._skip(_BLANK)
        start = self._at
        quoted = self._text.startswith(('"', "'"), start)
        match = (_STRING if quoted else _BARE_KEY).match(self._text, start)
        if match is None:
            raise ScanError("a key is missing", offset=start)
        self._at = match.end()
        name = read_string(match.group()).text if quoted else match.group()
        span = Span(start, self._at)
        self._skip(_BLANK)
        return name, span

    def _pair(self, base: KeyPath) -> None:
        keys = self._keys()
        path = base
        for name, span in keys[:-1]:
            path = (*path, name)
            self._entries.setdefault(path, Entry(key=span, value=span))
        name, span = keys[-1]
        self._expect("=")
        self._skip(_BLANK)
        self._value((*path, name), span)

    def _value(self, path: KeyPath, key: Span | None) -> None:
        self._refuse_depth(len(path))
        start = self._at
        if self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline_table(path)
        else:
            self._scalar()
        value = Span(start, self._at)
        self._entries[path] = Entry(key=key or value, value=value)

    def _refuse_depth(self, depth: int) -> None:
        if depth > DEEPEST:
            raise ScanError(f"more than {DEEPEST} levels inside each other", offset=self._at, beyond_limits=True)

    def _array(self, path: KeyPath) -> None:
        self._skip(_VOID)
        index = 0
        while not self._take("]"):
            self._value((*path, index), None)
            index += 1
            self._skip(_VOID)
            if not self._take(","):
                self._expect("]")
                return
            self._skip(_VOID)

    def _inline_table(self, path: KeyPath) -> None:
        self._skip(_VOID)
        while not self._take("}"):
            self._pair(path)
            self._skip(_VOID)
            if not self._take(","):
                self._expect("}")
                return
            self._skip(_VOID)

    def _scalar(self) -> None:
        quoted = self._text.startswith(('"', "'"), self._at)
        match = (_STRING if quoted else _SCALAR).match(self._text, self._at)
        if match is None:
            raise ScanError("a value is missing", offset=self._at)
        written = match.group() if quoted else match.group().rstrip(" \t")
        if not quoted and len(written) > LONGEST_SCALAR:
            raise ScanError(f"a value of {len(written)} characters", offset=self._at, beyond_limits=True)
        self._at += len(written)
