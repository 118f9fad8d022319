"""`plan` and `apply`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from lastday.execution.applying import apply_plan, is_held_back
from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.execution.proposal import Proposed
from lastday.execution.result_report import result_report
from lastday.execution.rounds import Goal, goes_on, make_plan, work_until
from lastday.execution.worker import hint_due
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode
from lastday.model.ids import IdentityId, PlanId
from lastday.model.operation import OperationState
from lastday.store.operations import StoredOperation

SHELL = "the shell"
_SIGN = {"create": "+", "give": "+", "enable": "+", "update": "~"}


def add_to(app: typer.Typer) -> None:
    app.command("plan")(plan)
    app.command("apply")(apply)


def plan(
    context: typer.Context,
    person: Annotated[
        list[str] | None, typer.Option("--person", help="Only this employee number; again for more.")
    ] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 3 where changes are pending.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Reads the applications and shows what would be done. Changes nothing."""

    async def work(session: Session) -> tuple[Proposed, str]:
        only = await _named(session.engine, person or ())
        proposed = await make_plan(session.engine, SHELL, only)
        await session.sequencer.run_once()
        return proposed, await _readable(session.engine, proposed)

    proposed, text = with_session(context, config, work)
    if as_json:
        show_json(proposed.report)
    else:
        show(text)
    pending = bool(proposed.plan.operations)
    return ExitCode.CHANGES_PENDING if exit_code and pending else ExitCode.DONE


async def _named(engine: Engine, numbers: Sequence[str]) -> tuple[IdentityId, ...] | None:
    if not numbers:
        return None
    async with engine.database.transaction() as tx:
        return tuple([(await person_called(tx, number)).id for number in numbers])


async def _readable(engine: Engine, proposed: Proposed) -> str:
    """The plan for a reader at a terminal: by person, what goes first at the top."""
    async with engine.database.transaction() as tx:
        people = {person.id: person for person in await load_people(tx)}
    lines: list[str] = []
    last: IdentityId | None = None
    for o in proposed.plan.operations:
        if o.identity != last:
            who = people[o.identity]
            name = who.leading_engagement(engine.clock.now()).attributes.text("displayName") or o.identity
            lines.append(f"{name} {who.employee_number or ''}")
            last = o.identity
        sign = "!" if o.stopped else _SIGN.get(o.verb.value, "-")
        held = f"  [stopped: {o.stopped}]" if o.stopped else f"  [waits: {o.approval}]" if o.approval else ""
        due = f"  on {o.due_at:%d %b %Y}" if o.due_at else ""
        lines.append(
            f"  {sign} {o.application:<12} {o.verb.value:<12} {o.entitlement or o.native_id or 'new'}{due}{held}"
        )
        lines.append(f"      {o.detail}")
    lines += [f"stopped: {trip.detail} [{trip.brake.value}]" for trip in proposed.tripped]
    lines += [f"unreadable: {name}: nothing is concluded about it" for name in proposed.plan.unreadable]
    going = sum(1 for o in proposed.plan.operations if o.stopped is None)
    lines.append(
        f"Plan {proposed.plan.id}  {going} to do, {len(proposed.plan.operations) - going} stopped,"
        f" {len(proposed.plan.no_operations)} right already, {len(proposed.plan.findings)} findings."
    )
    lines.append(f"next: lastday apply {proposed.plan.id} --wait" if going else "next: nothing to apply")
    return "\n".join(lines)


def apply(
    context: typer.Context,
    plan_id: Annotated[str, typer.Argument(metavar="PLAN", help="The plan's id.")],
    wait: Annotated[bool, typer.Option("--wait", help="Work, or watch, until the plan rests.")] = False,
    until: Annotated[str, typer.Option("--until", help="`settled` or `verified`.")] = "settled",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Carries a plan out."""
    if until not in ("settled", "verified"):
        raise typer.BadParameter("--until takes `settled` or `verified`")

    async def work(session: Session) -> tuple[dict[str, JsonValue], tuple[StoredOperation, ...], bool]:
        engine = session.engine
        mine = await apply_plan(engine, PlanId(plan_id), SHELL)
        done: tuple[StoredOperation, ...] = ()
        if wait:
            goal = Goal(operations=mine, verified_is_enough=until == "verified")
            done = await _worked(session, goal)
        else:
            await hint_due(engine)
        await session.sequencer.run_once()
        async with engine.database.transaction() as tx:
            return await result_report(tx, PlanId(plan_id)), done, await is_held_back(tx, PlanId(plan_id))

    report, done, held = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        _show_result(done, plan_id, waited=wait)
    return _ending(done, held=held) if wait else ExitCode.DONE


async def _worked(session: Session, goal: Goal) -> tuple[StoredOperation, ...]:
    """The operations at their goal. Interrupted, it says whether anybody goes on."""
    try:
        return await work_until(session.engine, session.sequencer, goal, _silently)
    except asyncio.CancelledError:
        if await goes_on(session.engine):
            hint("interrupted; a worker goes on with it. The same command watches it again.")
        else:
            hint("interrupted; nobody goes on with it. The same command takes it up again.")
        raise


def _silently(_stored: Sequence[StoredOperation]) -> None:
    """JSON output has no progress."""


def _show_result(done: Sequence[StoredOperation], plan_id: str, *, waited: bool) -> None:
    if not waited:
        show(f"{plan_id} is applied; a worker carries it out")
        return
    counts: dict[str, int] = {}
    for stored in done:
        counts[stored.life.state.value] = counts.get(stored.life.state.value, 0) + 1
    show(f"{plan_id}: " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())))
    for stored in done:
        if stored.life.state in _UNPROVEN:
            o = stored.operation
            show(
                f"  {o.application} {o.verb.value} {o.entitlement or ''} {stored.life.state.value}: {stored.life.detail}"
            )
    hint("next: lastday case list")


_UNPROVEN = (OperationState.FAILED, OperationState.CONTRADICTED, OperationState.MANUAL, OperationState.STOPPED)


def _ending(done: Sequence[StoredOperation], *, held: bool) -> int:
    states = {stored.life.state for stored in done}
    if states & {OperationState.FAILED, OperationState.CONTRADICTED}:
        return ExitCode.NOT_VERIFIED_IN_TIME
    waits = any(s.life.state is OperationState.WAITING and s.life.wake_at is None for s in done)
    return ExitCode.HELD if held or waits or OperationState.STOPPED in states else ExitCode.DONE
