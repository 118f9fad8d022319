"""Reading delimited files of unknown origin: encoding, delimiter, rows with their lines. Loses nothing silently."""

import codecs
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

from lastday.model.canonical import digest_bytes
from lastday.model.errors import FeedError
from lastday.model.ids import Digest

DELIMITERS = (",", ";", "\t", "|")
MAX_CELL = 32_768
MAX_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    line: int
    """Line of the file on which the row begins; the heading is line 1."""
    cells: Mapping[str, str]
    """Column heading -> cell, blanks at both ends taken off."""
    width: int
    """How many cells the row really had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedFile:
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    digest: Digest
    ends_with_newline: bool
    suspect_letters: bool
    """The encoding is one that cannot hold every letter: a `?` inside a word may stand for a lost one."""


def read_delimited(content: bytes, *, name: str) -> DelimitedFile:
    """The file as rows. Raises FeedError (S101 empty, S102 undecodable, S103 no heading) naming `name`."""
    if not content.strip(b"\x00\r\n\t \xef\xbb\xbf\xff\xfe"):
        raise FeedError(f"{name} is empty", code="S101", where=name, mend="Ask for the file again.")
    if len(content) > MAX_BYTES:
        raise FeedError(
            f"{name} has {len(content)} bytes, more than the {MAX_BYTES} that are read", code="S104", where=name
        )
    text, encoding = _decode(content, name)
    delimiter = _delimiter_of(text)
    records = _records(text, delimiter, name)
    if not records or len(records[0][1]) < 2:
        raise FeedError(f"{name} has no heading with at least two columns", code="S103", where=f"{name}:1")
    columns = tuple(cell.strip() for cell in records[0][1])
    rows = tuple(
        Row(line=line, cells=dict(zip(columns, (c.strip() for c in cells), strict=False)), width=len(cells))
        for line, cells in records[1:]
        if any(cell.strip() for cell in cells)
    )
    return DelimitedFile(
        encoding=encoding,
        delimiter=delimiter,
        columns=columns,
        rows=rows,
        digest=digest_bytes(content),
        ends_with_newline=text.endswith(("\n", "\r")),
        suspect_letters=encoding == "cp1252",
    )


def _decode(content: bytes, name: str) -> tuple[str, str]:
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return _strictly(content, encoding, name), encoding
    sample = content[:4096]
    if sample.count(0) > len(sample) // 4:
        encoding = "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
        return _strictly(content, encoding, name), encoding
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _strictly(content, "cp1252", name), "cp1252"


def _strictly(content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as err:
        line = content[: err.start].count(b"\n") + 1
        raise FeedError(
            f"{name} is not readable as {encoding}: byte {err.start}",
            code="S102",
            where=f"{name}:{line}",
            mend="Export the file as UTF-8.",
        ) from err


def _delimiter_of(text: str) -> str:
    """The delimiter that splits the heading into most columns, quoted ones kept whole; the comma among equals."""
    heading = text.lstrip("\r\n").splitlines()[0]
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([heading], delimiter=delimiter))))


def _records(text: str, delimiter: str, name: str) -> list[tuple[int, list[str]]]:
    csv.field_size_limit(MAX_CELL * 4)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=False)
    records: list[tuple[int, list[str]]] = []
    try:
        begin = 1
        for cells in reader:
            records.append((begin, cells))
            begin = reader.line_num + 1
    except csv.Error as err:
        raise FeedError(
            f"{name} cannot be read as a table: {err}", code="S105", where=f"{name}:{reader.line_num}"
        ) from err
    return records
