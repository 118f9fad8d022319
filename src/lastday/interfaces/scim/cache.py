"""What is stored, from memory where that is as good as asking.

Every change of a source has a number, without gaps and visible in their order (store/pushes.py). What is kept here of a
source stands for the changes up to one such number. A request is answered from it only where the database said within
the last second that there is no later change, or which resources the later ones touched. So notifications only make it
sooner: where their connection is lost nothing is older than a second all the same.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NoReturn, TypeAlias

from lastday.execution.push_group import Committed
from lastday.filters.ast import And, Compare, CompareOperator, Filter, Not, Or, ValuePath
from lastday.interfaces.scim.bounded import BoundedCache
from lastday.interfaces.scim.ports import Found, Rendered
from lastday.interfaces.scim.rendering import rendered
from lastday.interfaces.scim.renewed import Renewed
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushedResource, ResourceType
from lastday.store.database import Database
from lastday.store.pushed import Search, load_resource, sequence_of
from lastday.store.pushed_search import position_of
from lastday.store.pushed_search import search as find_resources
from lastday.store.pushes import PUSHED, PushNotice, changed_after, read_notice

MOST_BYTES = 256 * 2**20
"""Of one process, for all sources."""
_SHARE_OF_SEARCHES = 4
_HELD_PER_BYTE = 6
"""A parsed body takes about so many bytes for each byte of its text."""
_HELD_AT_LEAST = 1_500
_TOO_MANY_CHANGES = 5_000
"""From here on it is cheaper to forget a source than to ask which resources were touched."""
_KEPT_OF_ONE_COMMIT = 64
"""A large group that is renamed touches everybody in it: those come back when they are asked for."""

_ResourceKey: TypeAlias = tuple[SourceName, ResourceId]
_SearchKey: TypeAlias = tuple[SourceName, Search, tuple[type, ...]]


@dataclass(slots=True)
class _Known:
    """What this process knows of one source."""

    checked: Renewed[None]
    sequence: int = -1
    """What is kept stands for the changes up to this one; before the first look: nothing is kept."""
    epoch: int = 0
    """What was kept in an earlier one is forgotten."""
    generation: int = 0
    """One more with every change heard of."""

    def forget_all(self, sequence: int) -> None:
        """Nothing is kept, so it stands for the changes up to any."""
        self.epoch += 1
        self.generation += 1
        self.sequence = sequence

    def outdate(self) -> None:
        """Something changed, and it is not known what: whoever reads next asks."""
        self.generation += 1
        self.checked.expire()


@dataclass(frozen=True, slots=True)
class _KeptResource:
    epoch: int
    rendered: Rendered


@dataclass(frozen=True, slots=True)
class _KeptSearch:
    epoch: int
    generation: int
    found: Found
    only_one: bool
    """The search can find no other resource than the one it found, as long as that does not change."""


class CachedResources:
    """The Resources of the service provider, for every source. `heard` and `committed` tell it what changed."""

    def __init__(
        self,
        database: Database,
        base_url: str,
        case_exact: Callable[[SourceName, ResourceType], frozenset[str]],
        *,
        most_bytes: int = MOST_BYTES,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`base_url` is where clients reach the service provider: it stands in every `meta.location`.

        `case_exact` says which attributes of a source's resources are compared with case.
        """
        self._database = database
        self._base_url = base_url
        self._case_exact = case_exact
        self._now = now
        searches = most_bytes // _SHARE_OF_SEARCHES
        self._sources: dict[SourceName, _Known] = {}
        self._resources: BoundedCache[_ResourceKey, _KeptResource] = BoundedCache(most_bytes - searches)
        self._searches: BoundedCache[_SearchKey, _KeptSearch] = BoundedCache(searches)

    async def read(self, source: SourceName, kind: ResourceType, resource: ResourceId) -> Rendered | None:
        """The resource as it stands, or None. Raises StoreError where the database is away."""
        kept = self.at_hand(source, kind, resource)
        if kept is not None:
            return kept
        known = await self._checked(source)
        return self.at_hand(source, kind, resource) or await self._load(known, source, kind, resource)

    def at_hand(self, source: SourceName, kind: ResourceType, resource: ResourceId) -> Rendered | None:
        """The resource where it is kept and known to be as it stands; None says nothing."""
        known = self._sources.get(source)
        if known is None or not known.checked.is_fresh():
            return None
        kept = self._resources.get((source, resource))
        if kept is None or kept.epoch != known.epoch or kept.rendered.resource.type is not kind:
            return None
        return kept.rendered

    async def find(self, source: SourceName, search: Search) -> Found:
        """The resources of the source that the search means, and how many there are in all. Raises StoreError."""
        known = await self._checked(source)
        key = (source, search, tuple(_literal_types(search.filter)))
        kept = self._searches.get(key)
        if kept is not None and self._still_true(known, kept):
            return kept.found
        generation = known.generation
        found = await self._look_for(source, search)
        if known.generation == generation:
            self._keep_search(known, key, found)
        return found

    async def _load(
        self, known: _Known, source: SourceName, kind: ResourceType, resource: ResourceId
    ) -> Rendered | None:
        generation = known.generation
        async with self._database.at_once() as tx:
            loaded = await load_resource(tx, source, kind, resource)
        if loaded is None:
            return None
        fresh = self.rendered(loaded)
        if known.generation == generation:
            self._keep(known, fresh)
        return fresh

    async def _look_for(self, source: SourceName, search: Search) -> Found:
        """One more than the page is asked for: so it is known whether anything comes after it."""
        exact = self._case_exact(source, search.type)
        wanted = replace(search, count=search.count + 1) if search.count > 0 else search
        async with self._database.at_once() as tx:
            total, found = await find_resources(tx, source, wanted, case_exact=exact)
        page = found[: search.count]
        following = position_of(search, page[-1], case_exact=exact) if len(found) > len(page) > 0 else None
        return Found(total=total, items=tuple(self._at_hand(resource) for resource in page), following=following)

    def rendered(self, resource: PushedResource) -> Rendered:
        """The resource with its bytes."""
        return Rendered(resource=resource, content=rendered(resource, self._base_url))

    def heard(self, notice: PushNotice) -> None:
        """Some process committed changes: what they touched is forgotten."""
        known = self._sources.get(notice.source)
        if known is None or notice.sequence <= known.sequence:
            return
        if notice.ids is None or notice.since > known.sequence:
            known.outdate()
        else:
            self._forget(known, notice.source, notice.ids, notice.sequence)

    def committed(self, commit: Committed) -> None:
        """This process committed changes: every later read sees them, without asking for them."""
        known = self._known(commit.source)
        if commit.sequence <= known.sequence:  # somebody looked before we were told, and may have kept less than this
            return
        if known.sequence < 0:
            known.forget_all(commit.since)
        if commit.since > known.sequence:
            known.outdate()
            return
        self._forget(known, commit.source, (one.resource.id for one in commit.standing), commit.sequence)
        for one in commit.standing[:_KEPT_OF_ONE_COMMIT]:
            if one.deleted_at is None:
                self._keep(known, self.rendered(one.resource))

    async def listen(self) -> NoReturn:
        """For ever: what other processes change is forgotten as soon as it is told."""
        async for payload in self._database.listen(PUSHED):
            try:
                notice = read_notice(payload)
            except (ValueError, KeyError, TypeError):  # whoever may use the database may say anything here
                continue
            if notice is not None:
                self.heard(notice)
        raise AssertionError("listening has no end")

    def _known(self, source: SourceName) -> _Known:
        known = self._sources.get(source)
        if known is None:
            known = self._sources[source] = _Known(Renewed(lambda: self._catch_up(source), self._now))
        return known

    async def _checked(self, source: SourceName) -> _Known:
        """What is known of the source, and not older than a second."""
        known = self._known(source)
        if not known.checked.is_fresh():
            await known.checked.get()
        return known

    async def _catch_up(self, source: SourceName) -> None:
        """What is kept stands for everything that was committed when this was called."""
        known = self._known(source)
        since = known.sequence
        async with self._database.at_once() as tx:
            sequence = await sequence_of(tx, source)
            if sequence == since:
                return
            if not 0 <= since < sequence <= since + _TOO_MANY_CHANGES:  # behind it: the database is an older one
                known.forget_all(sequence)
                return
            touched = await changed_after(tx, source, since)
        self._forget(known, source, touched, sequence)

    def _forget(self, known: _Known, source: SourceName, touched: Iterable[ResourceId], sequence: int) -> None:
        for resource in touched:
            self._resources.drop((source, resource))
        known.generation += 1
        known.sequence = max(known.sequence, sequence)

    def _still_true(self, known: _Known, kept: _KeptSearch) -> bool:
        if kept.epoch != known.epoch:
            return False
        if kept.generation == known.generation:
            return True
        return kept.only_one and self._is_kept(known, kept.found.items[0].resource)

    def _is_kept(self, known: _Known, resource: PushedResource) -> bool:
        kept = self._resources.get((resource.source, resource.id))
        return kept is not None and kept.epoch == known.epoch and kept.rendered.resource.version == resource.version

    def _at_hand(self, resource: PushedResource) -> Rendered:
        """With the bytes of the same version, where they are kept."""
        kept = self._resources.get((resource.source, resource.id))
        if kept is not None and self._is_kept(self._known(resource.source), resource):
            return kept.rendered
        return self.rendered(resource)

    def _keep(self, known: _Known, fresh: Rendered) -> None:
        resource = fresh.resource
        self._resources.put((resource.source, resource.id), _KeptResource(known.epoch, fresh), _held(fresh))

    def _keep_search(self, known: _Known, key: _SearchKey, found: Found) -> None:
        search = key[1]
        for item in found.items:
            self._keep(known, item)
        kept = _KeptSearch(known.epoch, known.generation, found, only_one=_is_unique(search) and found.total == 1)
        self._searches.put(key, kept, sum(map(_held, found.items)) + _HELD_AT_LEAST)


def _held(item: Rendered) -> int:
    """Bytes of memory, roughly."""
    return len(item.content) * _HELD_PER_BYTE + _HELD_AT_LEAST


def _is_unique(search: Search) -> bool:
    """No two resources can satisfy the filter: RFC 7643 sections 3.1 and 4.1.1."""
    asked = search.filter
    if not isinstance(asked, Compare) or asked.operator is not CompareOperator.EQ or asked.path.sub is not None:
        return False
    name = asked.path.attribute.lower()
    return asked.path.schema is None and (name == "id" or (name == "username" and search.type is ResourceType.USER))


def _literal_types(node: Filter | None) -> Iterator[type]:
    """What tells `true` from `1`, which are equal in Python."""
    match node:
        case Compare():
            yield type(node.value)
        case And() | Or():
            yield from _literal_types(node.left)
            yield from _literal_types(node.right)
        case Not():
            yield from _literal_types(node.operand)
        case ValuePath():
            yield from _literal_types(node.inner)
