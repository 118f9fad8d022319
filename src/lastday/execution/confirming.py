"""A person's word on what was done by hand: taken with who, when and proof, taken back where a reading denies it."""

from dataclasses import replace

from lastday.configuration.settings import UserSettings
from lastday.execution.decisions import require_role
from lastday.execution.engine import Engine
from lastday.execution.hand_work import open_hand_task
from lastday.execution.interpreter import confirm_by_hand, run_operation
from lastday.execution.machine import HandContradicted
from lastday.model.errors import DecisionRefused, InputError
from lastday.model.ids import Digest, OperationId
from lastday.model.operation import OperationState
from lastday.store import accounts, hand_tasks, operations
from lastday.store.hand_tasks import HandTask

CONFIRMING_ROLES = frozenset({"admin", "operator", "approver"})
DENIED = "A later reading shows that what was confirmed by hand is not so."


async def confirm_operation(
    engine: Engine, operation: OperationId, user: UserSettings, *, proof: Digest | None, note: str
) -> HandTask:
    """The operation is confirmed by hand; who, when, the proof's hash and what was known then are kept.

    Raises InputError where there is no such operation, or it does not wait for a person; DecisionRefused.
    """
    require_role(user, CONFIRMING_ROLES)
    task = await _confirmed(engine, operation, user, proof, note)
    detail = f"proof sha256 {proof}" if proof else "without a proof file"
    state = await confirm_by_hand(engine, operation, by=user.name, detail=detail)
    if state is not OperationState.CONFIRMED_BY_HAND:
        raise DecisionRefused(
            f"{operation} was moved on by somebody else meanwhile",
            code="D112",
            effect="Nothing was confirmed.",
            mend="Look at the case and confirm again.",
        )
    return task


async def _confirmed(
    engine: Engine, operation: OperationId, user: UserSettings, proof: Digest | None, note: str
) -> HandTask:
    """The word is kept, with what the application showed last; it counts once the operation is confirmed."""
    async with engine.database.transaction() as tx:
        stored = await operations.load_operation(tx, operation)
        if stored is None:
            raise InputError(f"there is no operation {operation}", code="I105", mend="See `lastday case show CASE`.")
        if stored.life.state is not OperationState.MANUAL:
            raise InputError(
                f"{operation} is {stored.life.state.value}; only what waits for a person can be confirmed",
                code="I106",
                effect="Nothing was confirmed.",
                mend="See `lastday case show CASE`.",
            )
        await open_hand_task(engine, tx, stored.operation)
        snapshot = await accounts.last_snapshot(tx, stored.operation.application)
        task = (await hand_tasks.load_tasks(tx, (operation,)))[0]
        task = replace(
            task,
            confirmed_by=user.name,
            confirmed_at=engine.clock.now(),
            note=note,
            file_digest=proof,
            reading=snapshot.digest if snapshot is not None else None,
        )
        await hand_tasks.confirm_task(tx, task)
    return task


async def take_back_denied(engine: Engine) -> tuple[OperationId, ...]:
    """Whatever a reading contradicted does not count as confirmed any more, and its case is open again."""
    async with engine.database.transaction() as tx:
        denied = await hand_tasks.contradicted_operations(tx)
    for operation in denied:
        await run_operation(engine, operation, HandContradicted(detail=DENIED))
    return denied
