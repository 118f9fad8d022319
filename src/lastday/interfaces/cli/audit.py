"""`audit`: who left and is still in, from files alone. No configuration, no database, no network."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from lastday.connectors.sdk.delimited import read_delimited
from lastday.interfaces.cli.context import services_of
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.inventory.audit.report import AuditReport, Judged, Verdict, as_json, csv_files
from lastday.inventory.audit.run import EVERY_APPLICATION, PEOPLE, Naming, audit, table_of
from lastday.inventory.audit.table import Table
from lastday.model.errors import ExitCode, InputError

DEFAULT_OUT = Path("lastday-audit")
SHOWN = 40


def command(
    context: typer.Context,
    people: Annotated[Path, typer.Option("--people", help="The file of people, as the HR system exports it.")],
    accounts: Annotated[
        list[str], typer.Option("--accounts", help="APPLICATION=FILE, as the application exports it; again for more.")
    ],
    at: Annotated[
        str | None, typer.Option("--at", help="The instant to judge at, for example 2026-11-24T06:00Z.")
    ] = None,
    as_json_: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    maps: Annotated[
        list[str] | None,
        typer.Option("--map", help='people.endDate="Austritt" or design.login="Kennung"; again for more.'),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where CSV files go (default ./lastday-audit).")] = None,
) -> int:
    """Says who left and is still in, which accounts nobody owns, and which are unused. Only reads."""
    instant = _instant(at) if at is not None else services_of(context).clock.now()
    applications = dict(_application(text) for text in accounts)
    if len(applications) < len(accounts):
        raise InputError("two --accounts have one name", mend="Give every file its own APPLICATION.", code="I125")
    named = tuple(_naming(text, applications) for text in maps or ())
    tables = {name: _table(path) for name, path in applications.items()}
    report = audit(_table(people), tables, instant, named)
    _show_guesses(report)
    if as_json_:
        show_json(as_json(report))
    else:
        _show_summary(report)
    if out is not None or not as_json_:
        _write(report, out or DEFAULT_OUT)
    return ExitCode.DONE


def _instant(text: str) -> datetime:
    """An instant as typed; without an offset it is UTC. Raises InputError I125."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text} is no instant", mend="Write it like 2026-11-24T06:00Z.", code="I125") from None
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _application(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path or name in (PEOPLE, EVERY_APPLICATION):
        raise InputError(
            f"--accounts {text} names no application and file",
            mend="Write --accounts design=accounts-design.csv; the names people and accounts are taken.",
            code="I125",
        )
    return name, Path(path)


def _naming(text: str, applications: dict[str, Path]) -> Naming:
    where, equals, column = text.partition("=")
    scope, dot, field = where.rpartition(".")
    if not equals or not dot or scope not in (PEOPLE, EVERY_APPLICATION, *applications):
        scopes = ", ".join((PEOPLE, EVERY_APPLICATION, *sorted(applications)))
        raise InputError(
            f"--map {text} is not understood",
            mend=f'Write SCOPE.FIELD="HEADING", for example people.endDate="Austritt"; scopes: {scopes}.',
            code="I125",
        )
    return Naming(scope=scope, field=field, column=column.strip())


def _table(path: Path) -> Table:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", where=str(path), mend="Check the path.", code="I125"
        ) from error
    return table_of(read_delimited(content, name=str(path)), str(path))


def _show_guesses(report: AuditReport) -> None:
    """How every file was understood, on stderr."""
    for name, file in report.files.items():
        hint(f"{name}: {file.file}")
        for one in file.guesses:
            hint(f"  {one.field:<20} {one.confidence:4.2f}  {one.column} ({one.because})")
        for remark in file.remarks:
            hint(f"  ! {remark}")
    hint("If a guess is wrong, say it: --map people.endDate=HEADING, --map APPLICATION.login=HEADING")


def _show_summary(report: AuditReport) -> None:
    count = len(report.files) - 1
    show(f"At {report.at:%Y-%m-%d %H:%M} UTC: {report.people} people, {len(report.accounts)} accounts in {count} apps.")
    for verdict, title in (
        (Verdict.STILL_IN, "left and still in"),
        (Verdict.UNOWNED, "owned by nobody"),
        (Verdict.AMBIGUOUS, "ambiguous"),
        (Verdict.NOT_PERSONAL, "not personal"),
    ):
        _show_accounts(title, report.with_verdict(verdict))
    _show_unused(report)
    show(f"\nok: {report.counts[Verdict.OK]}, disabled: {report.counts[Verdict.DISABLED]}")


def _show_accounts(title: str, these: tuple[Judged, ...]) -> None:
    show(f"\n{title}: {len(these)}")
    if these:
        rows = [
            (one.application, one.username, one.employee_number or "-", one.person, one.why) for one in these[:SHOWN]
        ]
        show_table(("app", "account", "number", "person", "why"), rows)
    if len(these) > SHOWN:
        show(f"... and {len(these) - SHOWN} more in the files")


def _show_unused(report: AuditReport) -> None:
    show(f"\nunused for more than 90 days: {len(report.unused)}")
    if report.seats:
        rows = [(app, plan or "-", str(count)) for (app, plan), count in report.seats.items()]
        show_table(("app", "plan", "seats"), rows)


def _write(report: AuditReport, out: Path) -> None:
    """The CSV files stand in `out`. Raises InputError I126 where they cannot."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, rows in csv_files(report).items():
            text = io.StringIO(newline="")
            csv.writer(text).writerows(rows)
            (out / name).write_text(text.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror}",
            where=str(out),
            mend="Name another place with --out.",
            code="I126",
        ) from error
    hint(f"written to {out}: {', '.join(csv_files(report))}")
