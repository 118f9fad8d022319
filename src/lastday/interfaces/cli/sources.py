"""`source`: reading feeds of people."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import typer

from lastday.configuration.settings import SourceSettings
from lastday.execution.arrivals import Arrivals, arrivals_of
from lastday.execution.intake import SourceDiff, diff_source, read_source, settings_of
from lastday.execution.pushed_intake import PushesDiff, diff_pushes, read_again, take_in_pushes
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, services_of, with_session
from lastday.interfaces.cli.reading import label
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.model.batch import Batch
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
    """The configured sources: files, and what clients push."""
    configuration = services_of(context).configuration(config)
    settings = [one for _, one in sorted(configuration.sources.items())]
    pushed = [one.name for one in settings if one.is_pushed]
    arrivals = with_session(context, config, _arrivals(pushed)) if pushed else {}
    if as_json:
        listed: list[JsonValue] = [_source_json(one, arrivals.get(one.name)) for one in settings]
        show_json({"schema": "lastday/sources/1", "sources": listed})
    else:
        columns = ("source", "kind", "from", "waiting", "last push")
        show_table(columns, [_source_cells(one, arrivals.get(one.name)) for one in settings])
    hint("next: lastday source diff NAME")
    return ExitCode.DONE


def _arrivals(names: Sequence[SourceName]) -> Callable[[Session], Awaitable[dict[SourceName, Arrivals]]]:
    async def work(session: Session) -> dict[SourceName, Arrivals]:
        async with session.engine.database.transaction() as tx:
            return {name: await arrivals_of(tx, name, session.engine.clock.now()) for name in names}

    return work


def _source_json(settings: SourceSettings, arrivals: Arrivals | None) -> dict[str, JsonValue]:
    if arrivals is None:
        return {"source": settings.name, "kind": str(settings.kind), "path": str(settings.path)}
    return {
        "source": settings.name,
        "kind": str(settings.kind),
        "path": None,
        "clients": list(arrivals.clients),
        "users": arrivals.users,
        "waiting": arrivals.waiting,
        "accepted": arrivals.accepted,
        "last_push": None if arrivals.last_push is None else arrivals.last_push.isoformat(),
    }


def _source_cells(settings: SourceSettings, arrivals: Arrivals | None) -> tuple[str, ...]:
    if arrivals is None:
        return (settings.name, str(settings.kind), str(settings.path), "", "")
    waiting = f"{arrivals.waiting}{'' if arrivals.accepted else ', for acceptance'}"
    last = "never" if arrivals.last_push is None else arrivals.last_push.isoformat(timespec="seconds")
    return (settings.name, str(settings.kind), ", ".join(arrivals.clients) or "no client", waiting, last)


@sources.command("diff")
def diff(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which source.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Shows what reading a source now would change. Stores nothing."""

    async def work(session: Session) -> dict[str, JsonValue]:
        settings = settings_of(session.engine, SourceName(name))
        now = session.engine.clock.now()
        if settings.is_pushed:
            return _pushes_report(await diff_pushes(session.engine, settings), now)
        return _diff_report(await diff_source(session.engine, settings.name), now)

    report = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        changes = _objects(report["changes"])
        what = (
            f"{report['rows']} users in {report['pushes']} changes" if "pushes" in report else f"{report['rows']} rows"
        )
        show(f"{name}: {what}, {report['rejected']} unreadable, {len(changes)} changes")
        columns = ("kind", "name", "at", "surprise", "detail")
        show_table(columns, [tuple(str(change[column]) for column in columns) for change in changes])
    _hint_findings(report)
    hint(f"next: lastday source read {name}{' --accept' if report['first_load'] else ''}")
    return ExitCode.HELD if report["stopped"] else ExitCode.DONE


def _objects(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, (list, tuple)) else []


def _hint_findings(report: Mapping[str, JsonValue]) -> None:
    for finding in _objects(report["findings"]):
        hint(f"{finding['severity']}: {finding['detail']} [{finding['code']}] {finding['mend']}")


def _pushes_report(found: PushesDiff, now: datetime) -> dict[str, JsonValue]:
    people = {person.id: person for person in found.people}
    return {
        "schema": "lastday/source-diff/1",
        "source": found.source,
        "pushes": found.pushes,
        "rows": found.rows,
        "rejected": found.rejected,
        "first_load": found.first_load,
        "stopped": False,
        "changes": [_change(change, people.get(change.identity), now) for change in found.changes],
        "findings": [finding.as_json() for finding in found.findings],
    }


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

    async def work(session: Session) -> dict[str, JsonValue]:
        by = UserName("the shell") if accept else None
        settings = settings_of(session.engine, SourceName(name))
        report = await (
            _take_pushes(session, settings, by) if settings.is_pushed else _read_file(session, settings, by)
        )
        await session.sequencer.run_once()
        return report

    report = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        _show(report)
    return ExitCode.HELD if report["stopped"] else ExitCode.DONE


async def _read_file(session: Session, settings: SourceSettings, by: UserName | None) -> dict[str, JsonValue]:
    result = await read_source(session.engine, settings.name, accepted_by=by)
    return {
        "schema": "lastday/source/1",
        "source": result.source,
        "rows": result.rows,
        "changed": result.changed,
        "unchanged": result.unchanged,
        "first_load": result.first_load,
        "findings": [finding.as_json() for finding in result.findings],
        **await _batch_report(session, result.batch),
    }


async def _take_pushes(session: Session, settings: SourceSettings, by: UserName | None) -> dict[str, JsonValue]:
    """Everything that waits; where nothing does, what is there is read again as the configuration has it now."""
    taken = await take_in_pushes(session.engine, settings, accepted_by=by) or await read_again(session.engine, settings)
    return {
        "schema": "lastday/source/1",
        "source": settings.name,
        "pushes": taken.pushes if taken else 0,
        "rows": taken.rows if taken else 0,
        "changed": taken.changed if taken else 0,
        "unchanged": taken.rows - taken.changed if taken else 0,
        "first_load": taken is not None and taken.first_load,
        "findings": [finding.as_json() for finding in (taken.findings if taken else ())],
        **await _batch_report(session, taken.batch if taken else None),
    }


async def _batch_report(session: Session, batch: Batch | None) -> dict[str, JsonValue]:
    """What follows from the reading, and what a brake holds of it."""
    if batch is None:
        return {"batch": None, "batch_hash": None, "changes": {}, "stopped": 0, "brakes": []}
    async with session.engine.database.transaction() as tx:
        held = await batches.stopped_in(tx, batch.id)
        tripped = await batches.tripped_of(tx, batch.id)
    counts: dict[str, JsonValue] = dict(Counter(change.kind.value for change in batch.changes))
    return {
        "batch": batch.id,
        "batch_hash": batch.hash,
        "changes": counts,
        "stopped": len(held),
        "brakes": [trip.detail for trip in tripped],
    }


def _show(report: Mapping[str, JsonValue]) -> None:
    if report.get("pushes") == 0 and report["changed"] == 0:
        show(f"{report['source']}: nothing waits")
        return
    what = f"{report['rows']} users in {report['pushes']} changes" if "pushes" in report else f"{report['rows']} rows"
    show(f"{report['source']}: {what}, {report['changed']} people changed, {report['unchanged']} as they were")
    changes, brakes = report["changes"], report["brakes"]
    for kind, count in sorted(changes.items() if isinstance(changes, Mapping) else ()):
        show(f"  {kind:<10} {count}")
    _hint_findings(report)
    for brake in brakes if isinstance(brakes, (list, tuple)) else ():
        show(f"stopped: {brake}")
    hint("next: lastday plan")
