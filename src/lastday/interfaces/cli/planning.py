"""`plan` and `apply`."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lastday.connectors.sdk.manifest import Manifest
from lastday.execution.applying import apply_plan, is_held_back
from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.execution.proposal import Proposed
from lastday.execution.rounds import make_plan
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json
from lastday.interfaces.cli.working import carried, ending, result_of, show_states
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode, InputError
from lastday.model.ids import ApplicationName, IdentityId, PlanId
from lastday.model.plan import Plan
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
    for name in sorted({o.application for o in proposed.plan.operations if o.verb.removes}):
        lines += _effects(proposed.plan, name, engine.applications.manifest(name))
    lines += [f"stopped: {trip.detail} [{trip.brake.value}]" for trip in proposed.tripped]
    lines += [f"unreadable: {name}: nothing is concluded about it" for name in proposed.plan.unreadable]
    going = sum(1 for o in proposed.plan.operations if o.stopped is None)
    lines.append(
        f"Plan {proposed.plan.id}  {going} to do, {len(proposed.plan.operations) - going} stopped,"
        f" {len(proposed.plan.no_operations)} right already, {len(proposed.plan.findings)} findings."
    )
    lines.append(f"next: lastday apply {proposed.plan.id} --wait" if going else "next: nothing to apply")
    return "\n".join(lines)


def _effects(plan: Plan, name: ApplicationName, manifest: Manifest) -> list[str]:
    """What is taken in an application: what cannot be undone, what goes with it, what stays alive."""
    taking = {o.verb.value: o.destroys for o in plan.operations if o.application == name and o.verb.removes}
    lines = [f"in {name} ({manifest.title}):"]
    for verb, destroys in sorted(taking.items()):
        lost = "; ".join(manifest.losses.get(verb, ()))
        ends = f" It destroys: {lost}." if lost else ""
        lines.append(f"    {verb}: {'cannot be undone' if destroys else 'can be undone'}.{ends}")
    lines += [f"    hand over first: {what}" for what in manifest.hand_over_first]
    return [*lines, *(f"    stays alive: {what}" for what in manifest.survives)]


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
        raise InputError(f"--until {until!r} is no state to wait for", code="I114", mend="`settled` or `verified`.")

    async def work(session: Session) -> tuple[dict[str, JsonValue], tuple[StoredOperation, ...], bool]:
        mine = await apply_plan(session.engine, PlanId(plan_id), SHELL)
        done = await carried(session, mine, wait=wait, verified_is_enough=until == "verified")
        async with session.engine.database.transaction() as tx:
            held = await is_held_back(tx, PlanId(plan_id))
        return await result_of(session, PlanId(plan_id)), done, held

    report, done, held = with_session(context, config, work)
    if as_json:
        show_json(report)
    elif wait:
        show(f"{plan_id}:")
        show_states(done)
    else:
        show(f"{plan_id} is applied; a worker carries it out")
    hint("next: lastday case list")
    return ending(done, held=held) if wait else ExitCode.DONE
