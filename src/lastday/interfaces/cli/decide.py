"""`approve`: plans by hash, releases of stopped people, urgent orders and announcements by a second person."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lastday.configuration.settings import UserSettings
from lastday.execution.announcing import sign_announcement
from lastday.execution.decisions import approve_plan, propose_release, sign_release
from lastday.execution.orders import review_order
from lastday.interfaces.cli.context import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    UserOption,
    deciding_user,
    with_session,
)
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json
from lastday.model.errors import ExitCode, InputError
from lastday.model.ids import BatchId, IdentityId, PlanId


def add_to(app: typer.Typer) -> None:
    app.command("approve")(approve)


def approve(
    context: typer.Context,
    subject: Annotated[
        str,
        typer.Argument(
            help="A plan (p-...), a stopped batch (b-...), a release (r-...), an urgent order (lo-...)"
            " or an announcement (an-...)."
        ),
    ],
    user: UserOption,
    person: Annotated[list[str] | None, typer.Option("--person", help="Whom to release; again for more.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why these people are released.")] = "",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Approves a plan; lets named people of a stopped batch go (two people); reviews an urgent order; signs."""
    if person and not subject.startswith("b-"):
        raise InputError("--person names people of a stopped batch", code="I103", mend="Give a batch (b-...).")
    decider = deciding_user(context, config, user)

    async def work(session: Session) -> tuple[str, str]:
        decided = await _decide(session, subject, decider, person or (), reason)
        await session.sequencer.run_once()
        return decided

    text, following = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/decision/1", "subject": subject, "by": user, "text": text})
    else:
        show(text)
    hint(f"next: {following}")
    return ExitCode.DONE


async def _decide(
    session: Session, subject: str, decider: UserSettings, numbers: Sequence[str], reason: str
) -> tuple[str, str]:
    """What was decided, in a sentence, and the next command."""
    engine = session.engine
    match subject.partition("-")[0]:
        case "p":
            count = await approve_plan(engine, PlanId(subject), decider)
            return f"{subject} is approved by {count}", f"lastday apply {subject} --wait"
        case "b":
            who = await _named(session, numbers)
            release = await propose_release(engine, BatchId(subject), who, decider, reason)
            text = f"{release.id} names {len(release.identities)} people; it needs a second signature by another person"
            return text, f"lastday approve {release.id} --user SECOND"
        case "r":
            release = await sign_release(engine, subject, decider)
            return f"{release.id}: {len(release.identities)} people of batch {release.batch} may go", "lastday plan"
        case "lo":
            order = await review_order(engine, subject, decider)
            return f"{subject}: the urgent order of {order.by} is reviewed", "lastday findings"
        case "an":
            made = await sign_announcement(engine, subject, decider)
            return (
                f"{subject} is in force: {len(made.identities)} people until {made.until.isoformat()}",
                "lastday plan",
            )
    raise InputError(
        f"{subject} is nothing that can be approved", mend="Ids begin with p-, b-, r-, lo- or an-.", code="I103"
    )


async def _named(session: Session, numbers: Sequence[str]) -> tuple[IdentityId, ...]:
    async with session.engine.database.transaction() as tx:
        return tuple([(await person_called(tx, number)).id for number in numbers])
