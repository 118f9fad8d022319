"""What stands behind the ports in these tests: a dict with versions. The database is tested over a socket elsewhere."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import orjson

from lastday.filters.comparable import storable
from lastday.filters.predicate import compile_predicate
from lastday.filters.sorting import sort_key
from lastday.interfaces.scim.ports import Found, Rendered
from lastday.interfaces.scim.protocol.profiles import profile_names
from lastday.interfaces.scim.protocol.projection import document_of
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.model.errors import StoreError, ValueTaken
from lastday.model.ids import ResourceId, SourceName, TokenId
from lastday.model.scim import Body, PushClient, PushedResource, ResourceType, TokenScope, Write, Written
from lastday.store.pushed import Position, Search, searchable

BASE_URL = "https://lastday.example/scim/v2"
Key: TypeAlias = tuple[SourceName, ResourceType, ResourceId]
SCHEMAS = SchemaSet.of()
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def push_client(name: str = "hr", **changes: Any) -> PushClient:
    client = PushClient(
        token=TokenId(f"tok-{name}"),
        name=name,
        source=SourceName(name),
        profile="strict",
        scopes=frozenset(TokenScope),
        requests_per_s=1000.0,
    )
    return replace(client, **changes)


class SetClock:
    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class KnownClients:
    """Tokens in the open."""

    by_token: dict[str, PushClient] = field(default_factory=lambda: {"good": push_client()})
    wait_s: float = 0.0

    def know_profiles(self) -> None:
        """A token for each profile, called like it."""
        self.by_token |= {name: push_client(profile=name) for name in profile_names()}

    async def authenticate(self, token: str) -> PushClient | None:
        return self.by_token.get(token)

    def seconds_to_wait(self, client: PushClient) -> float:
        return self.wait_s


@dataclass
class Stored:
    """Resources and Writer at once."""

    clock: SetClock
    kept: dict[Key, PushedResource] = field(default_factory=dict)
    away: bool = False
    """The database does not answer."""
    _ordinal: int = 0

    async def read(self, source: SourceName, kind: ResourceType, resource: ResourceId) -> Rendered | None:
        self._reach(resource)
        found = self.kept.get((source, kind, resource))
        return None if found is None else self.rendered(found)

    async def find(self, source: SourceName, search: Search) -> Found:
        self._reach()
        exact = SCHEMAS.kind(search.type).case_exact_paths
        matches = compile_predicate(search.filter, case_exact=exact) if search.filter else lambda resource, now: True
        every = [
            resource
            for (owner, kind, _), resource in self.kept.items()
            if owner == source and kind is search.type and matches(searchable(resource), None)
        ]
        ordered = sorted(every, key=lambda one: one.ordinal)
        ordered.sort(key=lambda one: _rank(_key(one, search)), reverse=search.descending)
        rest = [one for one in ordered if _comes_after(one, search)]
        if search.after is None:
            rest = ordered[search.start - 1 :]
        page = rest[: search.count]
        following = None
        if len(rest) > search.count and page:
            following = Position(ordinal=page[-1].ordinal, sort_key=_key(page[-1], search))
        return Found(total=len(every), items=tuple(map(self.rendered, page)), following=following)

    def rendered(self, resource: PushedResource) -> Rendered:
        return Rendered(resource=resource, content=orjson.dumps(document_of(resource, BASE_URL)))

    async def write(self, write: Write) -> Written:
        self._reach(write.id or "")
        await asyncio.sleep(0)
        key = (write.client.source, write.type, write.id or ResourceId(f"r{self._ordinal + 1}"))
        before = self.kept.get(key)
        body = write.change(before)
        if body is None:
            self.kept.pop(key, None)
            return Written(before=before, after=None)
        self._refuse_taken(key, body)
        if before is not None and before.body == body:
            return Written(before=before, after=before)
        self.kept[key] = self._next(key, before, body)
        return Written(before=before, after=self.kept[key])

    def _next(self, key: Key, before: PushedResource | None, body: Body) -> PushedResource:
        now = self.clock.now()
        if before is not None:
            return replace(before, version=before.version + 1, modified_at=now, body=body)
        self._ordinal += 1
        source, kind, resource = key
        return PushedResource(
            source=source,
            type=kind,
            id=resource,
            ordinal=self._ordinal,
            version=1,
            created_at=now,
            modified_at=now,
            body=body,
        )

    def _refuse_taken(self, key: Key, body: Body) -> None:
        others = [one for other, one in self.kept.items() if other[:2] == key[:2] and other != key]
        taken = {str(one.body.get("userName")).lower() for one in others}
        if key[1] is ResourceType.USER and str(body.get("userName")).lower() in taken:
            raise ValueTaken("userName is another user's.")

    def _reach(self, text: str = "") -> None:
        if self.away:
            raise StoreError("the database does not answer")
        if not storable(text):
            raise ValueError("the database has no text like this")


def _key(resource: PushedResource, search: Search) -> str | None:
    exact = SCHEMAS.kind(search.type).case_exact_paths
    return None if search.sort_by is None else sort_key(searchable(resource), search.sort_by, case_exact=exact)


def _rank(key: object) -> tuple[bool, str]:
    return key is None, "" if key is None else str(key)


def _comes_after(resource: PushedResource, search: Search) -> bool:
    if search.after is None:
        return True
    mine, theirs = _rank(_key(resource, search)), _rank(search.after.sort_key)
    if mine == theirs:
        return resource.ordinal > search.after.ordinal
    return mine < theirs if search.descending else mine > theirs
