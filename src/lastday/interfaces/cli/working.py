"""Carrying a plan out at the shell: work or watch until it rests, and which exit code that ends with."""

import asyncio
from collections.abc import Sequence

from lastday.execution.result_report import result_report
from lastday.execution.rounds import Goal, goes_on, work_until
from lastday.execution.worker import hint_due
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode
from lastday.model.ids import OperationId, PlanId
from lastday.model.operation import OperationState
from lastday.store.operations import StoredOperation

_UNPROVEN = (OperationState.FAILED, OperationState.CONTRADICTED, OperationState.MANUAL, OperationState.STOPPED)


async def carried(
    session: Session, pending: tuple[OperationId, ...], *, wait: bool, verified_is_enough: bool = False
) -> tuple[StoredOperation, ...]:
    """The operations at rest, or, where nobody waits for them, nothing: a worker carries them out."""
    if wait:
        done = await _worked(session, Goal(operations=pending, verified_is_enough=verified_is_enough))
    else:
        done = ()
        await hint_due(session.engine)
        if pending and not await goes_on(session.engine):
            hint("nobody carries this out now: run `lastday serve`, or apply the plan with --wait")
    await session.sequencer.run_once()
    return done


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


async def result_of(session: Session, plan: PlanId) -> dict[str, JsonValue]:
    """What became of the plan so far."""
    async with session.engine.database.transaction() as tx:
        return await result_report(tx, plan)


def show_states(done: Sequence[StoredOperation]) -> None:
    """How many operations rest in which state, and each one that is not proven."""
    counts: dict[str, int] = {}
    for stored in done:
        counts[stored.life.state.value] = counts.get(stored.life.state.value, 0) + 1
    show(", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing was to be done")
    for stored in done:
        if stored.life.state in _UNPROVEN:
            o, life = stored.operation, stored.life
            show(f"  {o.application} {o.verb.value} {o.entitlement or ''} {life.state.value}: {life.detail}")


def ending(done: Sequence[StoredOperation], *, held: bool = False) -> int:
    """The exit code for operations that rest so; `held` says that a brake holds some of the plan back."""
    states = {stored.life.state for stored in done}
    if states & {OperationState.FAILED, OperationState.CONTRADICTED}:
        return ExitCode.NOT_VERIFIED_IN_TIME
    waits = any(s.life.state is OperationState.WAITING and s.life.wake_at is None for s in done)
    return ExitCode.HELD if held or waits or OperationState.STOPPED in states else ExitCode.DONE


def _silently(_stored: Sequence[StoredOperation]) -> None:
    """Nothing is shown meanwhile."""
