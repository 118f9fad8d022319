"""Groups: their names as entitlements, and who is in them.

The Groups endpoint is the truth; the read-only `groups` of a user (RFC 7643 section 4.1.2) can only add to it, so a
server that forgets one of the two never makes a holding disappear.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lastday.connectors.scim.answers import body_of
from lastday.connectors.scim.dialect import GroupDialect
from lastday.connectors.scim.lists import ListReader, Query
from lastday.connectors.scim.resources import Resource, field, id_of
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.model.account import ObservedHolding, Via
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId

NAMES_LAST_S: Final = 60.0
PREFIX: Final = "group/"
MEMBERS: Final = "members.value"
WITHOUT_MEMBERS: Final = {"excludedAttributes": "members"}
NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""An id that is well formed everywhere and nobody's."""
ASKED_AT_ONCE: Final = 8
UNKNOWN_GROUPS: Final = "Nothing is concluded about groups."


@dataclass(frozen=True, slots=True)
class GroupNames:
    """The entitlement that each group is: `group/<displayName>`, with `#<id>` where several share the name."""

    by_id: Mapping[str, str]

    @classmethod
    def of(cls, groups: Iterable[Resource]) -> "GroupNames":
        labels = {str(id_of(group)): label_of(group) for group in groups}
        shared = Counter(labels.values())
        return cls(
            {
                gid: f"{PREFIX}{label}" if shared[label] == 1 else f"{PREFIX}{label}#{gid}"
                for gid, label in labels.items()
            }
        )

    def id_of(self, entitlement: str) -> str | None:
        return next((gid for gid, name in self.by_id.items() if name == entitlement), None)


@dataclass(frozen=True, slots=True)
class Memberships:
    """All groups with all their members, read whole."""

    names: GroupNames
    groups_of: Mapping[str, tuple[str, ...]]
    """How an entry names its member -> ids of the groups."""

    @classmethod
    def of(cls, groups: Sequence[Resource]) -> "Memberships":
        groups_of: dict[str, list[str]] = {}
        for group in groups:
            for entry in entries_of(group):
                for name in names_in(group, entry):
                    groups_of.setdefault(name, []).append(id_of(group))
        return cls(GroupNames.of(groups), {member: tuple(ids) for member, ids in groups_of.items()})

    def holdings_of(self, user: Resource) -> tuple[ObservedHolding, ...]:
        direct = dict.fromkeys(gid for name in names_of(user) for gid in self.groups_of.get(name, ()))
        return named_holdings(self.names, direct, user)


def named_holdings(names: GroupNames, direct: Iterable[str], user: Resource) -> tuple[ObservedHolding, ...]:
    """The holdings from the groups that list the user, and those that only the user's own resource names."""
    found = {gid: ObservedHolding(names.by_id[gid]) for gid in direct}
    for gid, via in _claimed(user):
        if gid in names.by_id:
            found.setdefault(gid, ObservedHolding(names.by_id[gid], via))
    return tuple(found.values())


def _claimed(user: Resource) -> Iterable[tuple[str, Via]]:
    """What the user's resource says of its groups: id and whether it is through another group."""
    listed = field(user, "groups")
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, Mapping) and isinstance(field(entry, "value"), (str, int)):
            indirect = str(field(entry, "type")).lower() == "indirect"
            yield str(field(entry, "value")), Via.GROUP if indirect else Via.DIRECT


def label_of(group: Resource) -> str:
    """The displayName. Raises AnswerUnusable where there is none (RFC 7643 section 4.2: it is required)."""
    label = field(group, "displayName")
    if not isinstance(label, str) or not label:
        raise AnswerUnusable(f"group {id_of(group)} came without displayName")
    return label


def entries_of(group: Resource) -> list[JsonValue]:
    """What the group lists under `members`, nested groups included. Raises AnswerUnusable where it is no list."""
    listed = field(group, "members")
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise AnswerUnusable(f"group {id_of(group)} came with members that are not a list")
    return listed


def members_of(group: Resource) -> tuple[str, ...]:
    """The ids of the direct members that are users."""
    return tuple(names_in(group, entry)[0] for entry in entries_of(group) if not _is_group(entry))


def names_in(group: Resource, entry: JsonValue) -> tuple[str, ...]:
    """How an entry names its member: by `value`, and by `$ref` (RFC 7643 section 4.2); nothing for a nested group."""
    if _is_group(entry):
        return ()
    value = field(entry, "value") if isinstance(entry, Mapping) else entry
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise AnswerUnusable(f"group {id_of(group)} came with a member without an id")
    reference = field(entry, "$ref") if isinstance(entry, Mapping) else None
    return (str(value), reference) if isinstance(reference, str) and reference else (str(value),)


def names_of(user: Resource) -> tuple[str, ...]:
    """How an entry may name this user: by its id, or by its address (`meta.location`)."""
    meta = field(user, "meta")
    location = field(meta, "location") if isinstance(meta, Mapping) else None
    return (id_of(user), location) if isinstance(location, str) and location else (id_of(user),)


def stands_for(entry: JsonValue, names: Iterable[str]) -> bool:
    """The entry of a group is the user who goes by these names."""
    reference = field(entry, "$ref") if isinstance(entry, Mapping) else None
    return not _is_group(entry) and not {called(entry), str(reference)}.isdisjoint(names)


def called(entry: JsonValue) -> str:
    """What an entry calls its member."""
    return str(field(entry, "value") if isinstance(entry, Mapping) else entry)


def _is_group(entry: JsonValue) -> bool:
    return isinstance(entry, Mapping) and str(field(entry, "type")).lower() == "group"


class GroupReader:
    """Reads groups of one application in the cheapest way that is known to be true there."""

    def __init__(self, client: HttpClient, lists: ListReader, dialect: GroupDialect) -> None:
        self._client = client
        self._lists = lists
        self._dialect = dialect
        self._names = GroupNames({})
        self._names_until = 0.0
        self._filter_proven: bool | None = None
        self._proving, self._naming = asyncio.Lock(), asyncio.Lock()
        self._searches = asyncio.Semaphore(ASKED_AT_ONCE)

    async def whole(self, *, fresh: bool = False) -> Memberships:
        """All groups with the members that they list."""
        found = Memberships.of(await self._lists.every(Query(endpoint="Groups", fresh=fresh)))
        self._keep(found.names)
        return found

    async def names(self, *, known: Iterable[str] = (), anew: bool = False) -> GroupNames:
        """The names of all groups, at most a minute old, and read anew where one of `known` ids is not among them.

        A name says which group is meant; who is in it is never taken from here.
        """
        async with self._naming:
            stale = anew or asyncio.get_running_loop().time() >= self._names_until
            if stale or any(gid not in self._names.by_id for gid in known):
                query = Query(endpoint="Groups", options=WITHOUT_MEMBERS, fresh=True)
                self._keep(GroupNames.of(await self._lists.every(query)))
            return self._names

    async def holdings_of(self, user: Resource) -> tuple[ObservedHolding, ...]:
        """What the user holds, read fresh: by a filter on members where it is proven to work, else from all groups."""
        if await self._filter_works():
            direct = await self._filtered(id_of(user))
        elif self._dialect.members_readable:
            return (await self.whole(fresh=True)).holdings_of(user)
        else:
            direct = await self._asked_one_by_one(id_of(user))
        names = await self.names(known=direct)
        if any(gid not in names.by_id for gid in direct):
            raise AnswerUnusable(f"user {id_of(user)} is in a group that the list of groups does not have")
        return named_holdings(names, direct, user)

    async def find(self, entitlement: str) -> str | None:
        """The id of the group that the entitlement is now, looked at fresh; None where there is no such group."""
        gid = (await self.names()).id_of(entitlement) or (await self.names(anew=True)).id_of(entitlement)
        if gid is None:
            return None
        query = self._lists.taken(WITHOUT_MEMBERS)
        answer = await self._client.send(Call(method="GET", path=("Groups", gid), query=query, fresh=True))
        if answer.status == 200:
            group = body_of(answer)
            if isinstance(group, Mapping) and entitlement in (
                f"{PREFIX}{label_of(group)}",
                f"{PREFIX}{label_of(group)}#{gid}",
            ):
                return gid
        return (await self.names(anew=True)).id_of(entitlement)

    async def _filtered(self, native_id: NativeId) -> list[str]:
        """The ids of the groups that the filter finds; those that list members and not this one are not believed."""
        async with self._searches:
            groups = await self._lists.every(_with_member(native_id))
        return [id_of(group) for group in groups if not members_of(group) or native_id in members_of(group)]

    async def _asked_one_by_one(self, native_id: NativeId) -> list[str]:
        """The ids of the groups of which the application says, asked for each, that the user is in it."""
        template = self._dialect.member_filter
        if template is None or "{group}" not in template:
            raise NotSupported("the application neither shows members nor finds groups by them", effect=UNKNOWN_GROUPS)
        names = await self.names()
        found = await asyncio.gather(*(self._is_in(template, gid, native_id) for gid in names.by_id))
        return [gid for gid, is_member in zip(names.by_id, found, strict=True) if is_member]

    async def _is_in(self, template: str, group: str, native_id: NativeId) -> bool:
        wanted = template.replace('"{group}"', json.dumps(group)).replace('"{user}"', json.dumps(native_id))
        async with self._searches:
            found = await self._lists.every(Query(endpoint="Groups", filter=wanted, fresh=True))
        if any(id_of(one) != group for one in found):
            raise AnswerUnusable(f"the search in group {group} found another group", effect=UNKNOWN_GROUPS)
        return bool(found)

    async def _filter_works(self) -> bool:
        """Tried once, however many ask at the same time."""
        async with self._proving:
            if self._filter_proven is None:
                self._filter_proven = await self._prove_filter()
        return self._filter_proven

    async def _prove_filter(self) -> bool:
        """True after the filter found a member known to be there and, for an id that nobody has, no group.

        A server that ignores or misreads the filter would otherwise say "holds nothing" about everybody. Where members
        cannot be read, the first half rests on the vendor's own word.
        """
        known = self._dialect.searchable
        if known is not None and MEMBERS not in known:
            return False
        if not self._dialect.members_readable:
            return known is not None and await self._finds_none_for_nobody()
        page = await self._lists.page(Query(endpoint="Groups", fresh=True))
        sample = next(((id_of(group), members_of(group)[0]) for group in page.items if members_of(group)), None)
        if sample is None or not await self._is_user(sample[1]):
            return False
        try:
            present = await self._lists.every(_with_member(NativeId(sample[1])))
        except (NotSupported, AnswerUnusable):
            return False
        return sample[0] in {id_of(group) for group in present} and await self._finds_none_for_nobody()

    async def _finds_none_for_nobody(self) -> bool:
        try:
            return not await self._lists.every(_with_member(NativeId(NOBODY)))
        except (NotSupported, AnswerUnusable):
            return False

    async def _is_user(self, member: str) -> bool:
        """A user has just this id: some servers name members by something else, for which others are not found."""
        answer = await self._client.send(Call(method="GET", path=("Users", member), fresh=True))
        body = body_of(answer) if answer.status == 200 else None
        return isinstance(body, Mapping) and id_of(body) == member

    def _keep(self, names: GroupNames) -> None:
        self._names = names
        self._names_until = asyncio.get_running_loop().time() + NAMES_LAST_S


def _with_member(native_id: NativeId) -> Query:
    """The groups of one member, without the members: a group of everybody is large."""
    wanted = f"{MEMBERS} eq {json.dumps(native_id, ensure_ascii=False)}"
    return Query(endpoint="Groups", filter=wanted, options=WITHOUT_MEMBERS, fresh=True)
