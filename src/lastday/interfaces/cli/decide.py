"""`approve`: plans by hash, releases of stopped people by two."""

from collections.abc import Sequence
from typing import Annotated

import typer

from lastday.execution.decisions import approve_plan, propose_release, sign_release
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, UserOption, deciding_user, with_session
from lastday.interfaces.cli.people import person_called
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show
from lastday.model.errors import ExitCode, InputError
from lastday.model.ids import BatchId, IdentityId, PlanId


def add_to(app: typer.Typer) -> None:
    app.command("approve")(approve)


def approve(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="A plan (p-...), a stopped batch (b-...) or a release (r-...).")],
    user: UserOption,
    person: Annotated[list[str] | None, typer.Option("--person", help="Whom to release; again for more.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why these people are released.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Approves a plan, or lets named people of a stopped batch go: the first names them, a second person signs."""

    async def work(session: Session) -> str:
        decider = deciding_user(context, session, user)
        if subject.startswith("p-"):
            count = await approve_plan(session.engine, PlanId(subject), decider)
            return f"{subject} is approved by {count}"
        if subject.startswith("b-"):
            who = await _named(session, person or ())
            release = await propose_release(session.engine, BatchId(subject), who, decider, reason)
            return f"{release.id} names {len(release.identities)} people; it needs a second signature by another person"
        if subject.startswith("r-"):
            release = await sign_release(session.engine, subject, decider)
            return f"{release.id}: {len(release.identities)} people of batch {release.batch} may go"
        raise InputError(f"{subject} is no plan, batch or release", mend="Ids begin with p-, b- or r-.", code="I103")

    show(with_session(context, config, work))
    hint("next: lastday plan")
    return ExitCode.DONE


async def _named(session: Session, numbers: Sequence[str]) -> tuple[IdentityId, ...]:
    async with session.engine.database.transaction() as tx:
        return tuple([(await person_called(tx, number)).id for number in numbers])
