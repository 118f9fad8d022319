"""What came of a pushed source so far, for whoever looks at it."""

from dataclasses import dataclass
from datetime import datetime

from lastday.execution.pushed_intake import is_accepted
from lastday.model.ids import SourceName
from lastday.model.scim import ResourceType
from lastday.store.database import Transaction
from lastday.store.pushed import count_resources
from lastday.store.pushes import waiting_pushes
from lastday.store.scim_tokens import list_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Who may push to a source, and what did."""

    clients: tuple[str, ...]
    """The names of those whose token is good."""
    users: int
    waiting: int
    """Changes that were not taken in yet."""
    accepted: bool
    """Somebody accepted the first load."""
    last_push: datetime | None


async def arrivals_of(tx: Transaction, source: SourceName, now: datetime) -> Arrivals:
    """How the source stands at `now`."""
    tokens = await list_tokens(tx, source)
    waiting = await waiting_pushes(tx, source)
    return Arrivals(
        clients=tuple(sorted({token.client.name for token in tokens if token.is_good_at(now)})),
        users=await count_resources(tx, source, ResourceType.USER),
        waiting=waiting.count,
        accepted=await is_accepted(tx, source),
        last_push=waiting.last_at,
    )
