"""What the service provider needs from outside: who calls, what is stored, and the way to change it."""

from dataclasses import dataclass, field
from typing import Protocol

from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushClient, PushedResource, ResourceType, Write, Written
from lastday.store.pushed import Position, Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A resource with the bytes of its whole representation: JSON with `id` and `meta`."""

    resource: PushedResource
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of what a search means."""

    total: int
    items: tuple[Rendered, ...]
    following: Position | None
    """None where nothing comes after these."""


class Resources(Protocol):
    """Reads what is stored: what this process wrote at once, what others wrote at most a second later."""

    async def read(self, source: SourceName, kind: ResourceType, resource: ResourceId) -> Rendered | None:
        """The resource as it stands, or None."""
        ...

    async def find(self, source: SourceName, search: Search) -> Found:
        """The resources of the source that the search means, and how many there are in all."""
        ...

    def rendered(self, resource: PushedResource) -> Rendered:
        """The resource with its bytes, for the answer to a write."""
        ...


class Writer(Protocol):
    """Makes changes durable, with their entry in the evidence log, before it answers."""

    async def write(self, write: Write) -> Written:
        """The change stands. Raises what `change` raises, and ValueTaken where a unique value is somebody else's."""
        ...


class Clients(Protocol):
    """Knows the tokens."""

    async def authenticate(self, token: str) -> PushClient | None:
        """Whose token it is; None for one that is unknown, expired or revoked."""
        ...

    def seconds_to_wait(self, client: PushClient) -> float:
        """0 where the client may send now (and has used one request of its rate), else how long it must wait."""
        ...
