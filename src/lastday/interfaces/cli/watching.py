"""`worker` and `case`."""

import asyncio
import signal
from typing import Annotated

import typer

from lastday.execution.people import load_people
from lastday.execution.result_report import case_report
from lastday.execution.worker import Worker
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show_json, show_table
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode
from lastday.store import cases

case = typer.Typer(help="Cases of joiners, movers and leavers.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.command("worker")(worker)
    app.add_typer(case, name="case")


def worker(
    context: typer.Context,
    concurrency: Annotated[int, typer.Option("--concurrency", min=1, help="How many accounts at once.")] = 32,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Carries out what is pending until it is told to stop. Any number of workers share one database."""

    async def work(session: Session) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        hint(f"worker {session.engine.worker} works; Ctrl-C stops it after what it has begun")
        await Worker(engine=session.engine, sequencer=session.sequencer, concurrency=concurrency).run(stop)

    with_session(context, config, work)
    return ExitCode.DONE


@case.command("list")
def list_cases(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """The open cases, with what is missing in each."""

    async def work(session: Session) -> list[dict[str, JsonValue]]:
        async with session.engine.database.transaction() as tx:
            people = {person.id: person for person in await load_people(tx)}
            found = await (cases.all_cases(tx) if everything else cases.open_cases(tx))
        return [case_report(one, people.get(one.identity)) for one in found]

    reports = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/cases/1", "cases": list(reports)})
    else:
        headings = ("case", "kind", "person", "state", "effective_at", "missing")
        show_table(headings, [_row(report) for report in reports])
    return ExitCode.DONE


def _row(report: dict[str, JsonValue]) -> tuple[str, ...]:
    missing = report["missing"]
    names = " ".join(str(name) for name in missing) if isinstance(missing, list) else ""
    wanted = ("case", "kind", "employee_number", "state", "effective_at")
    return (*(str(report[name]) for name in wanted), names)
