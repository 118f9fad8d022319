"""`leave`, `restore`, `announce`: what people order by name."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from lastday.configuration.settings import UserSettings
from lastday.evidence.entries import EntryDraft, EntryKind
from lastday.execution.announcing import announce as announce_people
from lastday.execution.announcing import people_matching
from lastday.execution.decisions import ASSERTED, require_role
from lastday.execution.orders import ORDERING_ROLES, Ordered, order_leave
from lastday.execution.people import load_person
from lastday.execution.restoring import Restored, person_of_case, restore_person
from lastday.interfaces.cli.context import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    UserOption,
    deciding_user,
    services_of,
    with_session,
)
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.reading import label, moment
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json
from lastday.interfaces.cli.working import carried, ending, result_of, show_states
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode, InputError, OrderNotCarriedOut, StoreError
from lastday.model.identity import Identity
from lastday.model.ids import CaseId, EntryId, IdentityId
from lastday.store.announcements import StoredAnnouncement
from lastday.store.operations import StoredOperation

ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept beside the evidence, for hr and legal only.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Work, or watch, until all of it rests.")]
_CASE_PREFIXES = ("LV-", "MV-", "JN-", "LE-", "RE-")


def add_to(app: typer.Typer) -> None:
    app.command("leave")(leave)
    app.command("restore")(restore)
    app.command("announce")(announce)


def leave(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Employee number or id of the one who leaves.")],
    user: UserOption,
    reason: ReasonOption,
    urgent: Annotated[
        bool, typer.Option("--urgent", help="At once, past every brake; a second person reviews it within the hour.")
    ] = False,
    at: Annotated[str | None, typer.Option("--at", help="From this moment on; without it, now.")] = None,
    wait: WaitOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Orders that somebody leaves, whatever the sources say, and takes their access away."""
    when = _instant(at, urgent=urgent)
    decider = deciding_user(context, config, user)
    require_role(decider, ORDERING_ROLES)

    opened = False

    async def work(session: Session) -> tuple[Ordered, dict[str, JsonValue], tuple[StoredOperation, ...]]:
        nonlocal opened
        opened = True
        async with session.engine.database.transaction() as tx:
            who = await person_called(tx, person)
        ordered = await order_leave(session.engine, who.id, decider, reason, urgent=urgent, at=when)
        done = await carried(session, ordered.operations, wait=wait or urgent)
        return ordered, await _leave_report(session, ordered, who), done

    try:
        ordered, report, done = with_session(context, config, work)
    except StoreError as lost:
        if not urgent:
            raise
        entry = _spool(context, config, decider, person, reason)
        raise (_lost_meanwhile if opened else _away)(person, entry, lost) from lost
    _show_leave(ordered, report, done, as_json=as_json)
    return ending(done)


def _instant(at: str | None, *, urgent: bool) -> datetime | None:
    if at is None:
        return None
    if urgent:
        raise InputError("--urgent is now, and --at another moment", code="I109", mend="Give one of the two.")
    return moment(at, "--at")


async def _leave_report(session: Session, ordered: Ordered, who: Identity) -> dict[str, JsonValue]:
    order = ordered.order
    plan = ordered.proposed.plan if ordered.proposed is not None else None
    return {
        "schema": "lastday/leave/1",
        "order": order.id,
        "identity": order.identity,
        "employee_number": who.employee_number,
        "name": label(who, order.ordered_at),
        "at": order.at.isoformat(),
        "urgent": order.urgent,
        "batch": ordered.batch.id if ordered.batch else None,
        "plan": plan.id if plan else None,
        "unreadable": list(plan.unreadable) if plan else [],
        "result": await result_of(session, plan.id) if plan else None,
    }


def _show_leave(
    ordered: Ordered, report: dict[str, JsonValue], done: Sequence[StoredOperation], *, as_json: bool
) -> None:
    order = ordered.order
    if as_json:
        show_json(report)
    else:
        show(f"{order.id}: {report['name']} leaves at {order.at.isoformat(timespec='seconds')}")
        if done:
            show_states(done)
    for name in ordered.proposed.plan.unreadable if ordered.proposed else ():
        hint(f"{name} could not be read: nothing was done there; it is tried again with the next plan")
    if order.urgent:
        hint(f"a second person reviews it within the hour: lastday approve {order.id} --user SECOND")
    hint(f"next: lastday case show {report['employee_number'] or order.identity}")


def _spool(context: typer.Context, config: Path, decider: UserSettings, person: str, reason: str) -> EntryId:
    """That it was ordered is kept on this host, and joins the evidence when the database is back."""
    services = services_of(context)
    draft = EntryDraft(
        kind=EntryKind.DECISION,
        at=services.clock.now(),
        body={"order": "urgent leave, not carried out", "by": decider.name, "urgent": True, "how": ASSERTED},
        personal={"person": person, "reason": reason},
    )
    return services.spool().write(draft, services.stamp(services.configuration(config)))


_BY_HAND = "Switch the person off at the identity provider by hand now; bring the database back; order it again."


def _away(person: str, entry: EntryId, lost: StoreError) -> OrderNotCarriedOut:
    return OrderNotCarriedOut(
        f"the database is away, so nothing was done: {person} still has all access",
        effect=f"That you ordered it is kept ({entry}) and joins the evidence later. {lost.what}",
        mend=_BY_HAND,
    )


def _lost_meanwhile(person: str, entry: EntryId, lost: StoreError) -> OrderNotCarriedOut:
    return OrderNotCarriedOut(
        f"the database was lost meanwhile: whether {person} is out everywhere is not known",
        effect=f"That you ordered it is kept ({entry}) and joins the evidence later. {lost.what}",
        mend=_BY_HAND,
        code="X152",
    )


def restore(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="CASE|PERSON", help="A case's id, an employee number or an id.")],
    user: UserOption,
    reason: ReasonOption,
    wait: WaitOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Lets somebody back in: lifts orders; for a case, brings back what it took and still has a reason."""
    decider = deciding_user(context, config, user)

    async def work(session: Session) -> tuple[Restored, dict[str, JsonValue], tuple[StoredOperation, ...]]:
        case = CaseId(subject) if is_case(subject) else None
        who = await _whose(session, subject)
        restored = await restore_person(session.engine, who, decider, reason, case=case)
        done = await carried(session, restored.operations, wait=wait)
        return restored, await _restore_report(session, restored), done

    restored, report, done = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        show(f"{report['name']}: {restored.lifted} orders lifted, {len(restored.operations)} operations pending")
        for ref in restored.adopted:
            show(f"  back as it was found: {ref}")
        for ref in restored.left_out:
            show(f"  not given back, nothing gives a reason for it today: {ref}")
        if done:
            show_states(done)
    hint(f"next: lastday case show {report['employee_number'] or restored.identity}")
    return ending(done)


def is_case(subject: str) -> bool:
    """The id is that of a case."""
    return subject.startswith(_CASE_PREFIXES)


async def _whose(session: Session, subject: str) -> IdentityId:
    if is_case(subject):
        return await person_of_case(session.engine, CaseId(subject))
    async with session.engine.database.transaction() as tx:
        return (await person_called(tx, subject)).id


async def _restore_report(session: Session, restored: Restored) -> dict[str, JsonValue]:
    async with session.engine.database.transaction() as tx:
        who = await load_person(tx, restored.identity)
    plan = restored.proposed.plan if restored.proposed is not None else None
    return {
        "schema": "lastday/restore/1",
        "identity": restored.identity,
        "employee_number": who.employee_number if who else None,
        "name": label(who, session.engine.clock.now()),
        "orders_lifted": restored.lifted,
        "adopted": [str(ref) for ref in restored.adopted],
        "left_out": [str(ref) for ref in restored.left_out],
        "batch": restored.batch.id if restored.batch else None,
        "plan": plan.id if plan else None,
        "result": await result_of(session, plan.id) if plan else None,
    }


def announce(
    context: typer.Context,
    cause: Annotated[str, typer.Option("--cause", help="Why they leave, for whoever signs.")],
    since: Annotated[str, typer.Option("--from", help="From this moment on.")],
    until: Annotated[str, typer.Option("--until", help="Until this moment.")],
    user: UserOption,
    person: Annotated[list[str] | None, typer.Option("--person", help="Who; again for more.")] = None,
    condition: Annotated[str | None, typer.Option("--filter", help="Or everybody for whom this is true now.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Says beforehand who will leave, so that no brake is surprised; a second person signs it with `approve`."""
    first, last = moment(since, "--from"), moment(until, "--until")
    if bool(person) == bool(condition):
        raise InputError("name people with --person, or with --filter", code="I111", mend="Give one of the two.")
    decider = deciding_user(context, config, user)

    async def work(session: Session) -> StoredAnnouncement:
        who = await people_matching(session.engine, condition) if condition else await _named(session, person or ())
        made = await announce_people(session.engine, cause, who, first, last, decider)
        await session.sequencer.run_once()
        return made

    made = with_session(context, config, work)
    if as_json:
        show_json(_announcement_report(made))
    else:
        show(f"{made.id}: {len(made.identities)} people, {made.since.isoformat()} until {made.until.isoformat()}")
    hint(f"it is in force when a second person signs: lastday approve {made.id} --user SECOND")
    return ExitCode.DONE


async def _named(session: Session, numbers: Sequence[str]) -> tuple[IdentityId, ...]:
    async with session.engine.database.transaction() as tx:
        return tuple([(await person_called(tx, number)).id for number in numbers])


def _announcement_report(made: StoredAnnouncement) -> dict[str, JsonValue]:
    return {
        "schema": "lastday/announcement/1",
        "announcement": made.id,
        "cause": made.cause,
        "identities": list(made.identities),
        "from": made.since.isoformat(),
        "until": made.until.isoformat(),
        "first_by": made.first_by,
        "second_by": made.second_by,
    }
