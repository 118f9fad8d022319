"""Reading an application back: by native id and by search, on new connections. What was seen is the inventory."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lastday.configuration.settings import ApplicationSettings, MatchStrength
from lastday.connectors.sdk.plainly import told_plainly
from lastday.connectors.sdk.protocols import Connector, EndsSessions, ProbesSignIn, TransfersOwnership
from lastday.execution.engine import Engine
from lastday.model.account import Correlation, ObservedAccount
from lastday.model.attributes import Attributes
from lastday.model.errors import ConnectorError
from lastday.model.ids import NativeId
from lastday.model.operation import Operation, Verb, Verification, VerificationKind
from lastday.planning.postcondition import Extra, postcondition
from lastday.store import accounts
from lastday.store.accounts import Link
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBack:
    """What a fresh read showed: the verification, and the account itself where there is one."""

    verification: Verification
    account: ObservedAccount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """An attribute and value by which the account is searched."""

    attribute: str
    value: str


async def read_back(engine: Engine, stored: StoredOperation, known: Attributes) -> SeenBack:
    """What fresh reads show of the operation; `known` is what the inventory last saw of the account.

    A read that fails is UNREADABLE, never absence.
    """
    operation = stored.operation
    try:
        with told_plainly(operation.application):
            application = await engine.applications.open(operation.application)
            key = _search_key(application.settings, operation, known)
            observed, found, extra = await _look(application.connector, operation, key)
    except ConnectorError as fault:
        return SeenBack(verification=_unreadable(fault, engine.clock.now()), account=None)
    proof = _proof_set(application.settings, operation)
    judged = postcondition(operation, observed, found, key=proof, extra=replace(extra, searched=key is not None))
    seen = Verification(
        kind=judged.kind, detail=judged.detail, observed_at=engine.clock.now(), probes=_probes(operation, key, extra)
    )
    return SeenBack(verification=seen, account=observed if observed is not None else next(iter(found), None))


def _unreadable(fault: ConnectorError, at: datetime) -> Verification:
    return Verification(kind=VerificationKind.UNREADABLE, detail=fault.what, observed_at=at)


async def _look(
    connector: Connector, operation: Operation, key: _Key | None
) -> tuple[ObservedAccount | None, Sequence[ObservedAccount], Extra]:
    observed, found, extra = await asyncio.gather(
        _by_id(connector, operation.native_id), _by_search(connector, operation, key), _extra(connector, operation)
    )
    return observed, found, extra


async def _by_id(connector: Connector, native_id: NativeId | None) -> ObservedAccount | None:
    return None if native_id is None else await connector.read_account(native_id)


async def _by_search(connector: Connector, operation: Operation, key: _Key | None) -> Sequence[ObservedAccount]:
    """Other people's accounts that carry the same value (a name used again) are not this one."""
    if key is None:
        return ()
    found = await connector.find_accounts(key.attribute, key.value)
    if operation.native_id is None:
        return found
    return tuple(account for account in found if account.native_id == operation.native_id)


async def _extra(connector: Connector, operation: Operation) -> Extra:
    if operation.native_id is None:
        return Extra()
    match operation.verb, connector:
        case Verb.END_SESSIONS, EndsSessions():
            return Extra(sessions=await connector.count_sessions(operation.native_id))
        case Verb.TRANSFER, TransfersOwnership():
            return Extra(owned=await connector.count_owned(operation.native_id))
        case Verb.DISABLE, ProbesSignIn():
            return Extra(sign_in_refused=await connector.sign_in_refused(operation.native_id))
    return Extra()


def _search_key(settings: ApplicationSettings, operation: Operation, known: Attributes) -> _Key | None:
    """The first match line whose value is known: of a draft itself, else of what the inventory last saw."""
    shown = operation.payload if operation.verb is Verb.CREATE else known
    for line in sorted(settings.match, key=lambda line: line.strength is not MatchStrength.PROOF):
        value = shown.text(line.account_attribute)
        if value is not None:
            return _Key(attribute=line.account_attribute, value=value)
    return None


def _proof_set(settings: ApplicationSettings, operation: Operation) -> Attributes:
    """For a create, the proof attributes that the new account must carry."""
    if operation.verb is not Verb.CREATE:
        return Attributes()
    proof = [line.account_attribute for line in settings.match if line.strength is MatchStrength.PROOF]
    return Attributes.of({name: operation.payload.get(name, ()) for name in proof})


def _probes(operation: Operation, key: _Key | None, extra: Extra) -> tuple[str, ...]:
    """Each kind of proof that was really taken."""
    taken = ["read by id"] if operation.native_id is not None else []
    taken += [f"search by {key.attribute}"] if key is not None else []
    taken += ["sessions counted"] if extra.sessions is not None else []
    taken += ["owned things counted"] if extra.owned is not None else []
    taken += ["sign-in refused"] if extra.sign_in_refused else []
    return tuple(taken)


async def adopt(engine: Engine, tx: Transaction, stored: StoredOperation, seen: SeenBack | None) -> None:
    """The inventory shows what the read showed; an account that we made is linked to its person at once."""
    operation = stored.operation
    if seen is None:
        return
    native_id = seen.account.native_id if seen.account is not None else operation.native_id
    if native_id is None:
        return
    at = seen.verification.observed_at
    await accounts.apply_read(tx, operation.application, native_id, seen.account, at)
    if operation.verb is Verb.CREATE and seen.account is not None:
        made = await accounts.find_account(tx, operation.application, native_id)
        if made is not None:
            how = f"made by {operation.id}"
            link = Link(account=made.id, correlation=Correlation.MATCHED, identity=operation.identity, how=how)
            await accounts.set_links(tx, [link], engine.clock.now())
