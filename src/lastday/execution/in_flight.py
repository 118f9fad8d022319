"""Requests that were sent and may still land: applications offer no fencing, so a lost one lives for its time."""

from datetime import datetime, timedelta

from lastday.model.ids import ApplicationName, IdentityId
from lastday.model.operation import Operation, Verb
from lastday.planning.administrators import takes_administration
from lastday.store import operations
from lastday.store.database import Transaction

OPPOSITE = {Verb.DISABLE: Verb.ENABLE, Verb.REVOKE: Verb.GIVE}
"""What would undo a removal."""


async def undone_until(tx: Transaction, operation: Operation, settle: timedelta, now: datetime) -> datetime | None:
    """Until when a request that would undo this removal may still land; None where there is none.

    It was sent for a newer decision that was itself taken back, so that its own operation is over.
    """
    opposite = OPPOSITE.get(operation.verb)
    if opposite is None or operation.native_id is None:
        return None
    sent = await operations.last_attempt(
        tx, operation.application, operation.native_id, opposite, operation.entitlement
    )
    return sent + settle if sent is not None and sent + settle > now else None


async def losing_administration(
    tx: Transaction, application: ApplicationName, admins: frozenset[str], settle: timedelta, now: datetime
) -> frozenset[IdentityId]:
    """People of whom a request that takes administration was sent and may not have landed yet."""
    sent = await operations.attempted_since(tx, application, now - settle)
    return frozenset(
        stored.operation.identity
        for stored in sent
        if takes_administration(stored.operation.verb, stored.operation.entitlement, admins)
    )
