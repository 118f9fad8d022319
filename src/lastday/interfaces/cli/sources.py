"""`source`: reading feeds of people."""

from datetime import datetime
from typing import Annotated

import typer

from lastday.execution.intake import SourceDiff, SourceRead, diff_source, read_source
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, services_of, with_session
from lastday.interfaces.cli.reading import label
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.model.canonical import JsonValue
from lastday.model.change import Change
from lastday.model.errors import ExitCode
from lastday.model.identity import Identity
from lastday.model.ids import SourceName, UserName
from lastday.store import batches

sources = typer.Typer(help="Feeds of people.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(sources, name="source")


@sources.command("list")
def list_sources(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """The configured sources."""
    configuration = services_of(context).configuration(config)
    rows = [(str(name), s.kind, str(s.path)) for name, s in sorted(configuration.sources.items())]
    if as_json:
        listed = [{"source": name, "kind": kind, "path": path} for name, kind, path in rows]
        show_json({"schema": "lastday/sources/1", "sources": list(listed)})
    else:
        show_table(("source", "kind", "path"), rows)
    hint("next: lastday source diff NAME")
    return ExitCode.DONE


@sources.command("diff")
def diff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which source.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Shows what reading a source now would change. Stores nothing."""

    async def work(session: Session) -> tuple[SourceDiff, dict[str, JsonValue]]:
        found = await diff_source(session.engine, SourceName(name))
        return found, _diff_report(found, session.engine.clock.now())

    found, report = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        show(f"{name}: {found.rows} rows, {len(found.rejected)} unreadable, {len(found.changes)} changes")
        listed = report["changes"]
        rows = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        columns = ("kind", "name", "at", "surprise", "detail")
        show_table(columns, [tuple(str(row[column]) for column in columns) for row in rows])
    for finding in found.findings:
        hint(f"{finding.severity.value}: {finding.detail} [{finding.code}] {finding.mend}")
    hint(f"next: lastday source read {name}{' --accept' if found.first_load else ''}")
    return ExitCode.HELD if found.stopped else ExitCode.DONE


def _diff_report(found: SourceDiff, now: datetime) -> dict[str, JsonValue]:
    people = {person.id: person for person in found.people}
    return {
        "schema": "lastday/source-diff/1",
        "source": found.source,
        "rows": found.rows,
        "rejected": len(found.rejected),
        "first_load": found.first_load,
        "stopped": found.stopped,
        "changes": [_change(change, people.get(change.identity), now) for change in found.changes],
        "findings": [finding.as_json() for finding in found.findings],
    }


def _change(change: Change, person: Identity | None, now: datetime) -> dict[str, JsonValue]:
    return {
        "kind": change.kind.value,
        "identity": change.identity,
        "employee_number": person.employee_number if person else None,
        "name": label(person, now),
        "at": change.at.isoformat(),
        "surprise": change.surprise.value,
        "detail": change.detail,
    }


@sources.command("read")
def read(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which source.")],
    accept: Annotated[bool, typer.Option("--accept", help="Accept the first load after a look at its counts.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Reads a source: checks the feed whole, takes it in, and puts what follows into a batch."""

    async def work(session: Session) -> tuple[SourceRead, dict[str, JsonValue]]:
        by = UserName("the shell") if accept else None
        result = await read_source(session.engine, SourceName(name), accepted_by=by)
        async with session.engine.database.transaction() as tx:
            held = await batches.stopped_in(tx, result.batch.id)
            tripped = await batches.tripped_of(tx, result.batch.id)
        await session.sequencer.run_once()
        return result, _report(result, len(held), [t.detail for t in tripped])

    result, report = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        _show(result, report)
    return ExitCode.HELD if report["stopped"] else ExitCode.DONE


def _report(result: SourceRead, held: int, brakes: list[str]) -> dict[str, JsonValue]:
    counts: dict[str, JsonValue] = {}
    for change in result.batch.changes:
        counts[change.kind.value] = int(str(counts.get(change.kind.value, 0))) + 1
    return {
        "schema": "lastday/source/1",
        "source": result.source,
        "rows": result.rows,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "first_load": result.first_load,
        "batch": result.batch.id,
        "batch_hash": result.batch.hash,
        "changes": counts,
        "stopped": held,
        "brakes": list(brakes),
        "findings": [finding.as_json() for finding in result.findings],
    }


def _show(result: SourceRead, report: dict[str, JsonValue]) -> None:
    show(f"{result.source}: {result.rows} rows, {result.changed} people changed, {result.unchanged} as they were")
    for kind, count in sorted(dict(report["changes"]).items() if isinstance(report["changes"], dict) else ()):
        show(f"  {kind:<10} {count}")
    for finding in result.findings:
        hint(f"{finding.severity.value}: {finding.detail} [{finding.code}] {finding.mend}")
    brakes = report["brakes"]
    for brake in brakes if isinstance(brakes, list) else ():
        show(f"stopped: {brake}")
    hint("next: lastday plan")
