"""The last look before an effect or a conclusion: desired access, gateway and predecessors, all read again."""

from collections.abc import Mapping
from datetime import timedelta

from lastday.execution.engine import Engine
from lastday.execution.gateway import pass_gateway
from lastday.execution.in_flight import undone_until
from lastday.execution.machine import Judged, Judgement
from lastday.execution.standing import Standing, profile_for, standing_of
from lastday.model.account import Account, Correlation
from lastday.model.errors import ConnectorError, GatewayRefused, NotReleased
from lastday.model.ids import OperationId
from lastday.model.operation import Operation, OperationState, Verb
from lastday.planning.still_wanted import Wanted, still_wanted
from lastday.store import accounts, decisions, operations
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation

_ABOUT_TO_CONCLUDE = (OperationState.UNCERTAIN, OperationState.ACCEPTED, OperationState.VERIFIED)

PRESERVED_FOR = timedelta(hours=1)
"""So long a deletion rests before somebody looks whether legal still wants what it would destroy."""


async def judge(engine: Engine, tx: Transaction, stored: StoredOperation) -> tuple[Judged, Account | None]:
    """The judgement, and the operation's account as the inventory last knew it; one that is gone too."""
    operation = stored.operation
    standing = await standing_of(engine, tx, operation.identity, operation.application)
    if standing is None:
        return Judged(judgement=Judgement.STALE, detail="nobody has this id any more"), None
    known = await _account_of(tx, operation, standing)
    account = known if known is not None and known.exists else None
    return await _judge(engine, tx, stored, standing, account), known


async def _judge(
    engine: Engine, tx: Transaction, stored: StoredOperation, standing: Standing, account: Account | None
) -> Judged:
    operation = stored.operation
    waiting = waits_for(operation, await operations.states_of(tx, operation.after))
    if waiting is not None:
        return waiting
    profile = await profile_for(engine, tx, operation.application, None)
    answer = still_wanted(operation, standing.desired, account, profile, last_left_at=standing.last_left_at)
    if answer.wanted is Wanted.STALE:
        return Judged(judgement=Judgement.STALE, detail=answer.detail)
    if stored.life.state in _ABOUT_TO_CONCLUDE:
        return await _before_conclusion(engine, tx, stored)
    return await _before_effect(engine, tx, stored, standing, account)


async def _before_conclusion(engine: Engine, tx: Transaction, stored: StoredOperation) -> Judged:
    """A removal settles only when nothing that was sent before can still undo it."""
    operation, now = stored.operation, engine.clock.now()
    if stored.life.state is OperationState.VERIFIED:
        settle = engine.applications.terms(operation.application).settle
        until = await undone_until(tx, operation, settle, now)
        if until is not None:
            return Judged(judgement=Judgement.BLOCKED, detail="an opposite request may still land", until=until)
    return Judged(judgement=Judgement.WANTED, detail="")


async def _before_effect(
    engine: Engine, tx: Transaction, stored: StoredOperation, standing: Standing, account: Account | None
) -> Judged:
    operation = stored.operation
    if operation.destroys and operation.identity in await decisions.preserved_identities(tx):
        until = engine.clock.now() + PRESERVED_FOR
        return Judged(judgement=Judgement.BLOCKED, detail="kept by a preserve order of legal", until=until)
    try:
        await pass_gateway(engine, tx, stored, standing, account)
    except NotReleased as held:
        return Judged(judgement=Judgement.HELD, detail=held.what)
    except GatewayRefused as refused:
        return Judged(judgement=Judgement.REFUSED, detail=refused.what)
    except ConnectorError as fault:
        detail = f"the gateway could not ask the application: {fault.what}"
        return Judged(judgement=Judgement.UNREACHABLE, detail=detail, code=fault.code)
    return Judged(judgement=Judgement.WANTED, detail="")


async def _account_of(tx: Transaction, operation: Operation, standing: Standing) -> Account | None:
    """The operation's account, whoever owns it now; for one that was yet to be made, the person's certain one."""
    if operation.native_id is not None:
        mine = next((a for a in standing.accounts if a.native_id == operation.native_id), None)
        return mine or await accounts.find_account(tx, operation.application, operation.native_id)
    theirs = [a for a in standing.accounts if a.application == operation.application and a.exists]
    certain = [a for a in theirs if a.correlation is Correlation.MATCHED and not a.protected]
    return None if operation.verb is Verb.CREATE or len(certain) != 1 else certain[0]


def waits_for(operation: Operation, states: Mapping[OperationId, OperationState]) -> Judged | None:
    """What a predecessor that is not through means: wait for it, or rest with it; None where all are through.

    A predecessor that rests without being through moves only by a new plan, and a new plan decides on this one as well.
    """
    for predecessor in operation.after:
        state = states.get(predecessor, OperationState.SUPERSEDED)
        if state.counts_for_milestones or (state is OperationState.VERIFIED and not operation.destroys):
            continue
        judgement = Judgement.HELD if state.rests else Judgement.BLOCKED
        return Judged(judgement=judgement, detail=f"{predecessor} is {state.value}")
    return None
