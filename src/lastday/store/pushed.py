"""Resources as SCIM clients pushed them, and the order in which they did."""

from dataclasses import dataclass
from typing import TypeAlias

from lastday.filters.ast import AttributePath, Filter
from lastday.model.scim import ResourceType

SortKey: TypeAlias = str | int | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ends: the next one begins right after it, whatever came or went meanwhile (RFC 9865)."""

    ordinal: int
    sort_key: SortKey = None
    """The sort value of the last resource in comparable form; None where nothing is sorted or it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which resources, in which order, and which part of them."""

    type: ResourceType
    filter: Filter | None = None
    sort_by: AttributePath | None = None
    descending: bool = False
    count: int = 100
    start: int = 1
    """Counts from 1; for index paging."""
    after: Position | None = None
    """For cursor paging, in place of `start`."""
