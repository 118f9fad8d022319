"""Searches over several kinds of resource: one list in one order (RFC 7644 section 3.4.2.1)."""

from dataclasses import replace

from lastday.interfaces.scim.ports import Found, Rendered, Resources
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.model.ids import SourceName
from lastday.model.scim import ResourceType
from lastday.store.pushed import Position, Search
from lastday.store.pushed_search import position_of


async def find_merged(
    resources: Resources,
    source: SourceName,
    kinds: tuple[ResourceType, ...],
    wanted: Search,
    *,
    schemas: SchemaSet,
    most: int,
) -> Found:
    """The page of all `kinds` together that `wanted` means, whose own type does not count.

    A page by index begins with everything before it, so it may reach `most` resources far. Raises ScimError tooMany.
    """
    before = 0 if wanted.after is not None or not wanted.count else wanted.start - 1
    reach = before + wanted.count
    if reach > most:
        raise ScimError(400, f"Past {most} resources a list of several types is paged by cursor.", ScimType.TOO_MANY)
    pages = [await resources.find(source, replace(wanted, type=kind, start=1, count=reach)) for kind in kinds]
    exact = {kind: schemas.kind(kind).case_exact_paths for kind in kinds}
    placed = [
        (position_of(wanted, item.resource, case_exact=exact[item.resource.type]), item)
        for page in pages
        for item in page.items
    ]
    shown = _in_order(placed, descending=wanted.descending)[before:reach]
    more = len(placed) > reach or any(page.following for page in pages)
    return Found(
        total=sum(page.total for page in pages),
        items=tuple(item for _, item in shown),
        following=shown[-1][0] if more and shown else None,
    )


def _in_order(placed: list[tuple[Position, Rendered]], *, descending: bool) -> list[tuple[Position, Rendered]]:
    """By key, then by creation; what has no key comes last, or first where it is turned round (section 3.4.2.3)."""
    by_creation = sorted(placed, key=lambda one: one[0].ordinal)
    return sorted(by_creation, key=lambda one: _rank(one[0]), reverse=descending)


def _rank(position: Position) -> tuple[bool, str]:
    return position.sort_key is None, str(position.sort_key or "")
