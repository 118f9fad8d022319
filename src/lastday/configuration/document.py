"""A TOML file as values with places."""

import bisect
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lastday.configuration.positions import Entry, KeyPath, ScanError, Span, scan_positions
from lastday.configuration.problems import ConfigurationProblem, ConfigurationProblems, Place
from lastday.configuration.settings import Position
from lastday.configuration.strings import read_string
from lastday.model.errors import ConfigurationError

LARGEST_FILE = 4 * 1024 * 1024
_TOLD_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a file says and where. `text` has line feeds only; `written` is the file as it was."""

    path: Path
    written: str
    text: str
    values: Mapping[str, object]
    entries: Mapping[KeyPath, Entry]
    line_starts: tuple[int, ...]

    def key_place(self, path: KeyPath) -> Place:
        """Where the last key of `path` stands; the beginning of the file for the root or an unknown path."""
        entry = self.entries.get(path)
        return self._place(Span(0, 1) if entry is None else entry.key, path)

    def value_place(self, path: KeyPath) -> Place:
        """Where the value at `path` stands."""
        entry = self.entries.get(path)
        return self._place(Span(0, 1) if entry is None else entry.value, path)

    def text_place(self, path: KeyPath, index: int, length: int) -> Place:
        """Where `length` characters from `index` of the string at `path` stand, escapes and quotes reckoned in."""
        span = self.entries[path].value
        written = read_string(self.text[span.start : span.end])
        start = written.offset_of(index)
        end = max(start + 1, written.offset_of(index + length))
        return self._place(Span(span.start + start, span.start + end), path)

    def _place(self, span: Span, path: KeyPath) -> Place:
        line, column = _line_and_column(self.line_starts, span.start)
        length = len(self.text[span.start : span.end].partition("\n")[0])
        return Place(Position(self.path, line, column), length, _section(self.values, path))


def read_document(path: Path) -> Document:
    """The file as values with places.

    Raises ConfigurationProblems with the place where the file cannot be read: absent, too large, no UTF-8, no TOML.
    """
    written = _decoded(_content(path), path)
    text = written.replace("\r\n", "\n")
    starts = (0, *(match.end() for match in re.finditer("\n", text)))
    scanned = _scanned(text)
    if isinstance(scanned, ScanError) and scanned.beyond_limits:
        raise _refusal(path, scanned.what, _line_and_column(starts, scanned.offset), "P113")
    values = _values(text, path, starts)
    if isinstance(scanned, ScanError):
        raise _refusal(path, scanned.what, _line_and_column(starts, scanned.offset), "P110")
    return Document(path=path, written=written, text=text, values=values, entries=scanned, line_starts=starts)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        mend = "Name the file with --config, or make one with `lastday init`."
        reason = error.strerror if isinstance(error, OSError) else str(error)
        unread = ConfigurationError(
            f"the configuration cannot be read: {reason}", code="P112", mend=mend, where=str(path)
        )
        raise ConfigurationProblems((unread,)) from error
    if len(content) > LARGEST_FILE:
        raise _refusal(path, f"the file is larger than {LARGEST_FILE} bytes", (1, 1), "P113")
    return content


def _decoded(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", errors="replace")
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        what = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise _refusal(path, what, (line, column), "P111", "Save the file as UTF-8.") from error


def _scanned(text: str) -> Mapping[KeyPath, Entry] | ScanError:
    try:
        return scan_positions(text)
    except ScanError as error:
        return error


def _values(text: str, path: Path, starts: tuple[int, ...]) -> Mapping[str, object]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        told = _TOLD_PLACE.search(str(error))
        end = _line_and_column(starts, len(text))
        place = (int(told[1]), int(told[2])) if told and told[1] else end
        what = _TOLD_PLACE.sub("", str(error)) or "the file is no TOML"
        raise _refusal(path, f"this is not TOML: {what[0].lower()}{what[1:]}", place, "P110") from error


def _refusal(
    path: Path, what: str, line_and_column: tuple[int, int], code: str, mend: str = ""
) -> ConfigurationProblems:
    place = Place(Position(path, *line_and_column), 1, "")
    return ConfigurationProblems((ConfigurationProblem(what, place=place, code=code, mend=mend),))


def _line_and_column(starts: tuple[int, ...], offset: int) -> tuple[int, int]:
    line = bisect.bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def _section(values: Mapping[str, object], path: KeyPath) -> str:
    """The section that a path belongs to: `role.finance`, `brakes`, `test 2`."""
    if not path or not isinstance(values.get(str(path[0])), (Mapping, list)):
        return ""
    content = values[str(path[0])]
    if isinstance(content, list):
        return f"{path[0]} {path[1] + 1}" if len(path) > 1 and isinstance(path[1], int) else str(path[0])
    named = len(path) > 1 and isinstance(content, Mapping) and isinstance(content.get(str(path[1])), Mapping)
    return f"{path[0]}.{path[1]}" if named else str(path[0])
