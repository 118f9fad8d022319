"""A file as the audit sees it: headings and cells, and the part of them that each question needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lastday.inventory.audit.states import is_blank


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`name` is what messages call the file; cells are stripped text."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    remarks: tuple[str, ...] = ()
    """What was strange about the file itself: rows set aside, headings twice."""

    def values(self, column: str) -> Iterator[str]:
        """The cells of `column` that say something."""
        return (value for row in self.rows if not is_blank(value := row.get(column, "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """The audit takes `column` for `field`, this sure, because of this."""

    field: str
    column: str
    confidence: float
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A table whose columns have meanings."""

    table: Table
    guesses: tuple[Guess, ...]
    by_field: Mapping[str, str] = field(default_factory=dict)
    order: str | None = None
    """The order of day and month that somebody named for this file."""

    def column(self, wanted: str) -> str | None:
        """The heading that has this meaning."""
        return self.by_field.get(wanted)

    def cell(self, row: Mapping[str, str], wanted: str) -> str:
        """The cell of `row` with this meaning; empty where there is none or it says nothing."""
        column = self.by_field.get(wanted)
        value = "" if column is None else row.get(column, "")
        return "" if is_blank(value) else value

    def raw(self, row: Mapping[str, str], wanted: str) -> str:
        """As `cell`, with words such as "no" and "never" kept."""
        column = self.by_field.get(wanted)
        return "" if column is None else row.get(column, "")
