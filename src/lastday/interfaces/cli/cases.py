"""`case`: what became of everybody who joined, moved or left, and a person's word on what was done by hand."""

from pathlib import Path
from typing import Annotated

import typer

from lastday.execution.confirming import confirm_operation
from lastday.execution.people import load_people
from lastday.execution.result_report import case_report, operation_report
from lastday.interfaces.cli.context import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    UserOption,
    deciding_user,
    with_session,
)
from lastday.interfaces.cli.orders import is_case
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.reading import label
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.model.canonical import JsonValue, digest_bytes
from lastday.model.case import Case
from lastday.model.errors import ExitCode, InputError
from lastday.model.ids import CaseId, OperationId
from lastday.model.operation import OperationState
from lastday.store import cases, hand_tasks, operations
from lastday.store.database import Transaction
from lastday.store.hand_tasks import HandTask

case = typer.Typer(help="Cases of joiners, movers and leavers.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    app.add_typer(case, name="case")


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
        hint("next: lastday case show CASE")
    return ExitCode.DONE


def _row(report: dict[str, JsonValue]) -> tuple[str, ...]:
    missing = report["missing"]
    names = " ".join(str(name) for name in missing) if isinstance(missing, list) else ""
    wanted = ("case", "kind", "employee_number", "state", "effective_at")
    return (*(str(report[name]) for name in wanted), names)


@case.command("show")
def show_case(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="CASE|PERSON", help="A case's id, an employee number or an id.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Everything about one case, or about all cases of a person: milestones, applications, operations, tasks."""

    async def work(session: Session) -> list[dict[str, JsonValue]]:
        async with session.engine.database.transaction() as tx:
            return [await _full(session, tx, one) for one in await _asked(tx, subject)]

    reports = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/case/1", "cases": list(reports)})
    else:
        for report in reports:
            _show(report)
        _hint_next(reports)
    return ExitCode.DONE


async def _asked(tx: Transaction, subject: str) -> tuple[Case, ...]:
    if is_case(subject):
        found = await cases.load_cases(tx, (CaseId(subject),))
        if not found:
            raise InputError(f"there is no case {subject}", code="I104", mend="See `lastday case list --all`.")
        return found
    who = await person_called(tx, subject)
    return tuple(one for one in await cases.all_cases(tx) if one.identity == who.id)


async def _full(session: Session, tx: Transaction, one: Case) -> dict[str, JsonValue]:
    people = {person.id: person for person in await load_people(tx, (one.identity,))}
    who = people.get(one.identity)
    done = await operations.operations_of_case(tx, one.id)
    ids = [stored.operation.id for stored in done]
    entries = await operations.entries_of(tx, ids)
    tasks = {task.operation: task for task in await hand_tasks.load_tasks(tx, ids)}
    return {
        **case_report(one, who),
        "name": label(who, session.engine.clock.now()),
        "operations": [
            {**operation_report(s, people, entries.get(s.operation.id, ())), "task": _task(tasks.get(s.operation.id))}
            for s in done
        ],
    }


def _task(task: HandTask | None) -> dict[str, JsonValue] | None:
    if task is None:
        return None
    return {
        "owner": task.owner,
        "deadline": _written(task.deadline),
        "confirmed_by": task.confirmed_by,
        "confirmed_at": _written(task.confirmed_at),
        "note": task.note,
        "file_digest": task.file_digest,
        "checked_at": _written(task.checked_at),
        "contradicted_at": _written(task.contradicted_at),
    }


def _written(at: object) -> str | None:
    return None if at is None else str(at)


def _show(report: dict[str, JsonValue]) -> None:
    show(f"{report['case']}  {report['kind']}  {report['name']}  {report['state']}  since {report['effective_at']}")
    for title in ("milestones", "coverage"):
        values = report[title]
        for name, value in sorted(values.items()) if isinstance(values, dict) else ():
            show(f"  {name:<20} {value}")
    listed = report["operations"]
    for operation in listed if isinstance(listed, list) else ():
        if isinstance(operation, dict):
            _show_operation(operation)


def _show_operation(operation: dict[str, JsonValue]) -> None:
    what = operation["entitlement"] or operation["native_id"] or ""
    show(f"  {operation['id']}  {operation['application']:<12} {operation['verb']:<12} {what}  {operation['state']}")
    if operation["detail"]:
        show(f"      {operation['detail']}")
    task = operation["task"]
    if isinstance(task, dict):
        show(f"      by hand: owner {task['owner'] or 'nobody'}, until {task['deadline'] or 'no deadline'}")
        if task["confirmed_by"]:
            seen = f"seen so {task['checked_at']}" if task["checked_at"] else "no later reading has shown it yet"
            said = f"DENIED by a reading {task['contradicted_at']}" if task["contradicted_at"] else seen
            show(f"      confirmed by {task['confirmed_by']} {task['confirmed_at']}; {said}")


def _hint_next(reports: list[dict[str, JsonValue]]) -> None:
    for report in reports:
        listed = report["operations"]
        for operation in listed if isinstance(listed, list) else ():
            if isinstance(operation, dict) and operation["state"] == OperationState.MANUAL.value:
                hint(f"next: lastday case confirm {operation['id']} --user NAME --proof FILE")
                return
    hint("next: lastday case list" if reports else "this person has no case")


@case.command("confirm")
def confirm(
    context: typer.Context,
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="What was done by hand (o-...).")],
    user: UserOption,
    proof: Annotated[
        Path | None, typer.Option("--proof", help="A file that shows it; its SHA-256 goes into the evidence.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What was done, in words.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Says that something was done by hand. The next file of the application is compared with it."""
    hashed = None if proof is None else digest_bytes(_content(proof))
    decider = deciding_user(context, config, user)

    async def work(session: Session) -> HandTask:
        task = await confirm_operation(session.engine, OperationId(operation), decider, proof=hashed, note=note)
        await session.sequencer.run_once()
        return task

    task = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/confirmation/1", "operation": operation, "task": _task(task)})
    else:
        show(f"{operation} is confirmed by {user}" + (f", proof sha256 {hashed}" if hashed else ", without a proof"))
    hint("the next file of the application is compared with it")
    hint("next: lastday case list")
    return ExitCode.DONE


def _content(proof: Path) -> bytes:
    try:
        return proof.read_bytes()
    except OSError as err:
        raise InputError(
            f"the proof cannot be read: {err.strerror}",
            code="I113",
            where=str(proof),
            effect="Nothing was confirmed.",
            mend="Name a file that can be read.",
        ) from err
