"""One call to a connector for one operation. The only place from which anything in an application is changed."""

from datetime import timedelta

from lastday.connectors.sdk.plainly import STUMBLES
from lastday.connectors.sdk.protocols import (
    AccountDraft,
    CreatesAccounts,
    DeletesAccounts,
    DisablesAccounts,
    EndsSessions,
    GivesHoldings,
    RevokesHoldings,
    TransfersOwnership,
    UpdatesAccounts,
)
from lastday.execution.applications import Application, Applications
from lastday.execution.machine import Answered, NotReached
from lastday.model.errors import ConnectorError, NotSupported, RateLimited
from lastday.model.ids import NativeId
from lastday.model.operation import Life, Operation, Outcome, OutcomeKind, Verb


async def call_connector(applications: Applications, operation: Operation, life: Life) -> Answered | NotReached:
    """The application was asked once; what it said, or why it could not be asked."""
    try:
        return Answered(await _call(await applications.open(operation.application), operation, life))
    except NotSupported as err:
        return NotReached(code=err.code, detail=err.what, by_hand=True)
    except RateLimited as err:
        return NotReached(code=err.code, detail=err.what, retry_after=timedelta(seconds=err.retry_after_s))
    except ConnectorError as err:
        return NotReached(code=err.code, detail=err.what)
    except STUMBLES as err:
        detail = f"the connector stumbled over the answer: {type(err).__name__}: {err}"
        return Answered(Outcome(kind=OutcomeKind.UNKNOWN, detail=detail))


async def _call(application: Application, operation: Operation, life: Life) -> Outcome:
    connector = application.connector
    if operation.verb is Verb.CREATE and isinstance(connector, CreatesAccounts):
        return await connector.create_account(_draft(operation, life))
    if operation.native_id is None:
        return Outcome(kind=OutcomeKind.ABSENT, detail="the person has no account here")
    match operation.verb, connector:
        case Verb.UPDATE, UpdatesAccounts():
            return await connector.update_account(operation.native_id, operation.payload, operation.cleared)
        case Verb.DISABLE, DisablesAccounts():
            return await connector.disable_account(operation.native_id)
        case Verb.ENABLE, DisablesAccounts():
            return await connector.enable_account(operation.native_id)
        case Verb.DELETE, DeletesAccounts():
            return await connector.delete_account(operation.native_id)
        case Verb.END_SESSIONS, EndsSessions():
            return await connector.end_sessions(operation.native_id)
        case Verb.TRANSFER, TransfersOwnership():
            return await connector.transfer_owned(operation.native_id, _successor(operation))
    return await _change_holding(application, operation, operation.native_id)


async def _change_holding(application: Application, operation: Operation, native_id: NativeId) -> Outcome:
    connector = application.connector
    if operation.entitlement is not None:
        match operation.verb, connector:
            case Verb.GIVE, GivesHoldings():
                return await connector.give_holding(native_id, operation.entitlement)
            case Verb.REVOKE, RevokesHoldings():
                return await connector.revoke_holding(native_id, operation.entitlement)
    raise NotSupported(
        f"{application.name} has no interface for {operation.verb}", mend="Do it by hand and confirm it."
    )


def _draft(operation: Operation, life: Life) -> AccountDraft:
    candidates = operation.name_candidates
    username = candidates[min(life.candidate, len(candidates) - 1)] if candidates else ""
    return AccountDraft(username=username, attributes=operation.payload, key=operation.identity)


def _successor(operation: Operation) -> str:
    successor = operation.payload.text("successor")
    if successor is None:
        raise NotSupported(f"no successor is named for {operation.application}", mend="Set `successor` and plan again.")
    return successor
