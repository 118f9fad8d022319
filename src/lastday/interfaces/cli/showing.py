"""How the command line speaks: data to stdout, hints and errors to stderr, JSON with a schema."""

import json
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lastday.model.canonical import JsonValue
from lastday.model.errors import LastdayError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def show_json(value: Mapping[str, JsonValue]) -> None:
    """One JSON object on stdout, with its schema first."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=list) + "\n")


def show(line: str = "") -> None:
    """A line of data on stdout, as it is."""
    out.print(harmless(line), markup=False)


def hint(line: str) -> None:
    """A line of progress or advice on stderr."""
    err.print(harmless(line), markup=False, style="dim")


def show_error(error: LastdayError) -> None:
    """What happened, the effect and the next step, on stderr."""
    err.print(f"[bold red]error:[/] {escape(harmless(str(error)))}")


def show_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headings on stdout; plain columns where stdout is not a terminal."""
    if not out.is_terminal:
        sys.stdout.writelines("\t".join(harmless(cell) for cell in row) + "\n" for row in (headings, *rows))
        return
    table = Table(*headings, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(escape(harmless(cell)) for cell in row))
    out.print(table)


def harmless(text: str) -> str:
    """Text from outside without control characters or direction overrides: a name never moves the cursor.

    >>> harmless("Ada\\x1b[2J\\u202e")
    'Ada�[2J�'
    """
    return "".join(character if character == "\n" or character.isprintable() else "\ufffd" for character in text)
