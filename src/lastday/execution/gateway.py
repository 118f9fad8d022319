"""The last check before an effect, apart from the planner and in its own words: deny last.

Whatever planning believed, nothing passes here that touches a protected account, takes away the last administrator,
belongs to a stopped person or happens in an application that is only observed.
"""

from collections.abc import Collection

from lastday.configuration.settings import Mode
from lastday.connectors.sdk.reading import read_whole
from lastday.execution.engine import Engine
from lastday.execution.in_flight import losing_administration
from lastday.execution.people import load_people
from lastday.execution.standing import Standing
from lastday.inventory.protection import protection_of
from lastday.model.account import Account, AccountKind, Correlation
from lastday.model.errors import GatewayRefused, NotReleased
from lastday.model.identity import Lifecycle
from lastday.model.ids import IdentityId
from lastday.model.operation import Operation
from lastday.planning.administrators import Administrator, judge_last_administrator, takes_administration
from lastday.store import accounts, batches, plans
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation

ADMINISTRATORS = "lastday administrators"


async def pass_gateway(
    engine: Engine, tx: Transaction, stored: StoredOperation, standing: Standing, account: Account | None
) -> None:
    """Nothing speaks against the effect. Raises GatewayRefused, NotReleased (a brake or approval holds it) or
    ConnectorError where the application must be asked and does not answer.
    """
    operation = stored.operation
    await _refuse_held(engine, tx, stored)
    if account is not None:
        await _refuse_protected(engine, operation, account)
        _refuse_strangers(operation, account)
        await _refuse_last_administrator(engine, tx, operation, account, standing)


async def _refuse_held(engine: Engine, tx: Transaction, stored: StoredOperation) -> None:
    operation = stored.operation
    if engine.applications.settings[operation.application].mode is Mode.OBSERVE:
        raise GatewayRefused(f"{operation.application} is only observed", code="X121")
    held = await batches.stopped_identities(tx)
    if operation.identity in held:
        raise NotReleased(f"held by brake {held[operation.identity].value}", code="B110")
    if operation.approval is not None and not await plans.is_approved(tx, stored.plan):
        raise NotReleased(f"waits for approval ({operation.approval})", code="B111")


async def _refuse_protected(engine: Engine, operation: Operation, account: Account) -> None:
    """Judged again from the configuration in force and from who we are there, not from what a plan says."""
    settings = engine.applications.settings[operation.application]
    application = await engine.applications.open(operation.application)
    protects = protection_of(settings.protect, await application.principal())
    if account.protected or account.kind is AccountKind.BREAK_GLASS or protects(account.observed, account.kind):
        raise GatewayRefused(f"account {account.native_id} of {operation.application} is protected", code="X122")


def _refuse_strangers(operation: Operation, account: Account) -> None:
    if account.correlation is not Correlation.MATCHED or account.identity != operation.identity:
        raise GatewayRefused(
            f"account {account.native_id} of {operation.application} is not known to belong to {operation.identity}",
            code="X123",
        )


async def _refuse_last_administrator(
    engine: Engine, tx: Transaction, operation: Operation, account: Account, standing: Standing
) -> None:
    """Counted at the target, under a lock, among others who stay."""
    settings = engine.applications.settings[operation.application]
    admins = frozenset(settings.admins)
    holds = any(account.observed.holds(name) for name in admins)
    if not (admins and holds and takes_administration(operation.verb, operation.entitlement, admins)):
        return
    await tx.lock(f"{ADMINISTRATORS} {operation.application}")
    seen = await _administrators(engine, tx, operation, admins)
    settle = engine.applications.terms(operation.application).settle
    meanwhile = await losing_administration(tx, operation.application, admins, settle, engine.clock.now())
    decision = judge_last_administrator(
        operation.application,
        account.native_id,
        seen,
        owner=settings.owner,
        now=engine.clock.now(),
        leaving={standing.identity.id} | meanwhile,
    )
    if not decision.allowed:
        detail = decision.finding.detail if decision.finding else "the last administrator"
        raise GatewayRefused(detail, code="A310", mend=decision.finding.mend if decision.finding else "")


async def _administrators(
    engine: Engine, tx: Transaction, operation: Operation, admins: frozenset[str]
) -> tuple[Administrator, ...]:
    application = await engine.applications.open(operation.application)
    snapshot = await read_whole(application.connector, operation.application, engine.clock)
    known = {a.native_id: a for a in await accounts.load_accounts(tx, application=operation.application)}
    now = engine.clock.now()
    here = {p.id for p in await load_people(tx) if p.lifecycle_at(now) is Lifecycle.ACTIVE}
    return tuple(
        Administrator(
            native_id=seen.native_id,
            identity=known[seen.native_id].identity if seen.native_id in known else None,
            enabled=seen.enabled,
            stays=_stays(known.get(seen.native_id), here),
        )
        for seen in snapshot.accounts
        if any(seen.holds(name) for name in admins)
    )


def _stays(account: Account | None, here: Collection[IdentityId]) -> bool:
    return account is not None and not account.protected and account.identity in here
