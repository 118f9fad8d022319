"""Tables for the audit: from files on disk and from rows written in a test."""

from datetime import UTC, datetime
from pathlib import Path

from lastday.connectors.sdk.delimited import read_delimited
from lastday.inventory.audit.run import audit, table_of
from lastday.inventory.audit.table import Table

DATA = Path(__file__).parents[2] / "data"
AT = datetime(2026, 11, 24, 6, tzinfo=UTC)


def from_disk(path):
    return table_of(read_delimited(path.read_bytes(), name=path.name), path.name)


def table(text, name="people.csv"):
    """A table from lines of cells between bars."""
    lines = [[cell.strip(" ") for cell in line.split("|")] for line in text.strip().split("\n")]
    rows = tuple(dict(zip(lines[0], line, strict=True)) for line in lines[1:])
    return Table(name=name, columns=tuple(lines[0]), rows=rows)


def judged(people, accounts, *named, at=AT):
    """Account id -> what is concluded about it."""
    report = audit(table(people), {"app": table(accounts, "accounts.csv")}, at, named)
    return {one.native_id: one for one in report.accounts}
