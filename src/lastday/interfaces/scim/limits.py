"""How much the service provider takes in and hands out."""

from dataclasses import dataclass

from lastday.filters.parser import Limits

FILTER_LIMITS = Limits(length=8_192, depth=32, nodes=100)
"""No client was seen to join more than a few conditions; each costs the database as much as a small search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimLimits:
    """Beyond these a request is refused, or gets less than it asked for.

    ServiceProviderConfig tells the size of a body, operations, pages and the life of a cursor. For the others it has no
    field (RFC 7643 section 5, RFC 9865 section 4): whoever passes one reads it in the answer.
    """

    body_bytes: int = 1_048_576
    """Of one request; also `bulk.maxPayloadSize`."""
    json_depth: int = 64
    """Objects and lists inside each other."""
    bulk_operations: int = 1_000
    page: int = 200
    """Resources in one answer; also `filter.maxResults` and `pagination.maxPageSize`."""
    default_page: int = 100
    merged: int = 5_000
    """How far a search over several types of resource can be paged by index; cursors know no such end."""
    cursor_lifetime_s: int = 3_600
    unavailable_wait_s: int = 5
    """`Retry-After` while the database is away."""
    filter: Limits = FILTER_LIMITS
