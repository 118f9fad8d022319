"""Searches over several kinds of resource: one list in one order (RFC 7644 section 3.4.2.1)."""

from collections.abc import Callable
from dataclasses import replace

from lastday.filters.sorting import sort_key
from lastday.interfaces.scim.ports import Found, Rendered, Resources
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.model.ids import SourceName
from lastday.model.scim import ResourceType
from lastday.store.pushed import Position, Search, SortKey, searchable


async def find_merged(
    resources: Resources, source: SourceName, kinds: tuple[ResourceType, ...], wanted: Search, *, most: int
) -> Found:
    """The page of all `kinds` together that `wanted` means, whose own type does not count.

    A page by index begins with everything before it, so it may reach `most` resources far. Raises ScimError tooMany.
    """
    before = 0 if wanted.after is not None or not wanted.count else wanted.start - 1
    reach = before + wanted.count
    if reach > most:
        raise ScimError(400, f"Past {most} resources a list of several types is paged by cursor.", ScimType.TOO_MANY)
    pages = [await resources.find(source, replace(wanted, type=kind, start=1, count=reach)) for kind in kinds]
    key = _key_of(wanted)
    items = _in_order([item for page in pages for item in page.items], key, descending=wanted.descending)
    shown = items[before:reach]
    more = len(items) > reach or any(page.following for page in pages)
    return Found(
        total=sum(page.total for page in pages),
        items=tuple(shown),
        following=_position(shown[-1], key) if more and shown else None,
    )


def _key_of(wanted: Search) -> Callable[[Rendered], SortKey]:
    path = wanted.sort_by
    if path is None:
        return lambda _item: None
    return lambda item: sort_key(searchable(item.resource), path)


def _in_order(items: list[Rendered], key: Callable[[Rendered], SortKey], *, descending: bool) -> list[Rendered]:
    """By key, then by creation; what has no key comes last, or first where it is turned round (section 3.4.2.3)."""

    def rank(item: Rendered) -> tuple[bool, str]:
        found = key(item)
        return found is None, "" if found is None else str(found)

    by_creation = sorted(items, key=lambda item: item.resource.ordinal)
    return sorted(by_creation, key=rank, reverse=descending)


def _position(item: Rendered, key: Callable[[Rendered], SortKey]) -> Position:
    return Position(ordinal=item.resource.ordinal, sort_key=key(item))
