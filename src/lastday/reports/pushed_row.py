"""The requests of clients that a case rests on, and what they switched."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lastday.configuration.settings import SourceSettings
from lastday.model.batch import Batch
from lastday.model.canonical import JsonValue
from lastday.model.identity import Engagement, EngagementStatus
from lastday.model.ids import ResourceId
from lastday.model.scim import ResourceType
from lastday.store import identities
from lastday.store.database import Transaction
from lastday.store.pushes import Push, pushes_of_batch, pushes_of_resource

MOST = 10
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """One request of a client that changed the user."""

    client: str
    method: str
    request: str
    resource: str
    received_at: datetime

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "client": self.client,
            "method": self.method,
            "request": self.request,
            "resource": self.resource,
            "received_at": self.received_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedWord:
    """What clients said of an engagement: in which requests, and what that made of its status."""

    requests: tuple[PushedRequest, ...]
    change: str | None
    """`active true -> false`; None where the status stayed."""


NOTHING_PUSHED = PushedWord(requests=(), change=None)


async def pushed_word_of(tx: Transaction, settings: SourceSettings, engagement: Engagement, batch: Batch) -> PushedWord:
    """The pushes that the batch took in of this engagement; where none caused it, the last one before it."""
    resource = ResourceId(engagement.attributes.text("id") or engagement.key)
    mine = [push for push in await pushes_of_batch(tx, batch.id) if _is_about(push, resource)]
    if not mine:
        earlier = await pushes_of_resource(tx, engagement.source, ResourceType.USER, resource)
        mine = [push for push in earlier if push.taken_at is not None and push.taken_at <= batch.opened_at][-1:]
    if not mine:
        return NOTHING_PUSHED
    return PushedWord(
        requests=tuple(_request(push) for push in mine[-MOST:]),
        change=await _change(tx, settings, engagement, mine),
    )


def _is_about(push: Push, resource: ResourceId) -> bool:
    return push.type is ResourceType.USER and push.resource == resource


def _request(push: Push) -> PushedRequest:
    return PushedRequest(
        client=push.client_name,
        method=push.method.value,
        request=push.request_id,
        resource=push.resource,
        received_at=push.at,
    )


async def _change(
    tx: Transaction, settings: SourceSettings, engagement: Engagement, pushes: Sequence[Push]
) -> str | None:
    """What the take-in made of the status, in the words of the client."""
    taken_at = pushes[-1].taken_at
    if taken_at is None:
        return None
    if pushes[-1].gone:
        return "taken away by the client"
    before = await _status(tx, engagement, taken_at - _INSTANT)
    after = await _status(tx, engagement, taken_at)
    if before is None or after is None or before is after:
        return None
    return f"{_column(settings)} {_spelled(settings, before)} -> {_spelled(settings, after)}"


async def _status(tx: Transaction, engagement: Engagement, at: datetime) -> EngagementStatus | None:
    known = await identities.engagements_known_at(tx, engagement.identity, at)
    return next((one.status for one in known if one.id == engagement.id), None)


def _column(settings: SourceSettings) -> str:
    return "status" if settings.status is None else settings.status.column


def _spelled(settings: SourceSettings, status: EngagementStatus) -> str:
    """As the client writes it; where nothing is written so, as we do."""
    written = {} if settings.status is None else {meant: text for text, meant in settings.status.values.items()}
    return written.get(status, status.value)
