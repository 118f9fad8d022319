"""People and groups as a SCIM client pushes them (RFC 7643), and who the client is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from lastday.model.canonical import JsonValue
from lastday.model.ids import ResourceId, SourceName, TokenId


class ResourceType(StrEnum):
    """The kinds of resource that a source may push."""

    USER = "User"
    GROUP = "Group"

    @property
    def endpoint(self) -> str:
        """The last part of the address below which they stand (RFC 7644 section 3.2)."""
        return f"{self.value}s"


class TokenScope(StrEnum):
    """What the holder of a token may do; the set is closed."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushClient:
    """Who calls: the holder of one token of one source. Sources do not see each other's resources."""

    token: TokenId
    name: str
    """Given when the token was made, such as `entra-production`; for logs, evidence and certificates."""
    source: SourceName
    profile: str
    scopes: frozenset[TokenScope]
    requests_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedResource:
    """A resource as it stands now.

    `body` is what the client may see and write, spelled as the schema spells it: `schemas` and the attributes, without
    `id` and `meta`; extensions under their URN. It never holds a password.
    """

    source: SourceName
    type: ResourceType
    id: ResourceId
    ordinal: int
    """The order of creation among all resources; does not change."""
    version: int
    """1 when made, one more with every change."""
    created_at: datetime
    modified_at: datetime
    body: Mapping[str, JsonValue] = field(repr=False)

    @property
    def etag(self) -> str:
        """The weak entity tag (RFC 7644 section 3.14)."""
        return f'W/"{self.version}"'


Body: TypeAlias = Mapping[str, JsonValue]
Change: TypeAlias = Callable[[PushedResource | None], Body | None]
"""From how a resource stands to how it shall: None for not at all. Pure; may run again. What it raises refuses it."""


class PushMethod(StrEnum):
    """How a client asked for a change (RFC 7644 section 3); `MEMBERSHIP` is a user's part in a change of a group."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    MEMBERSHIP = "MEMBERSHIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One change to one resource, asked for by a client."""

    client: PushClient
    type: ResourceType
    id: ResourceId | None
    """None: a new resource, which gets its id from the store."""
    method: PushMethod
    request_id: str
    change: Change = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write did."""

    before: PushedResource | None
    after: PushedResource | None
    """None: it is gone, or it was never there."""

    @property
    def changed(self) -> bool:
        return self.before != self.after
