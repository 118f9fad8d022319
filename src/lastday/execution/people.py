"""People as execution sees them: what sources say, under the orders that were given by name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from lastday.model.identity import Engagement, EngagementStatus, Identity
from lastday.model.ids import IdentityId
from lastday.store import identities, orders
from lastday.store.database import Transaction
from lastday.store.orders import LeaveOrder


async def load_people(tx: Transaction, ids: Sequence[IdentityId] | None = None) -> tuple[Identity, ...]:
    """These people, or everybody, with leave orders laid over what the sources say."""
    known = await identities.load_identities(tx, ids)
    given = await orders.standing_orders(tx)
    return tuple(under_orders(identity, given.get(identity.id, ())) for identity in known)


async def load_person(tx: Transaction, identity: IdentityId) -> Identity | None:
    found = await load_people(tx, (identity,))
    return found[0] if found else None


def under_orders(identity: Identity, given: Sequence[LeaveOrder]) -> Identity:
    """The person as the orders say: what had begun by the instant of one ends with it; what begins later stays."""
    for order in given:
        ended = tuple(_ended(engagement, order.at) for engagement in identity.engagements)
        identity = replace(identity, engagements=ended)
    return identity


def _ended(engagement: Engagement, at: datetime) -> Engagement:
    begins_later = engagement.starts_at is not None and engagement.starts_at > at
    ends_earlier = engagement.ends_at is not None and engagement.ends_at <= at
    if begins_later or ends_earlier:
        return engagement
    return replace(engagement, ends_at=at, status=EngagementStatus.ENDED)
