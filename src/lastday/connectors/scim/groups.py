"""Groups: their names as entitlements, and who is in them.

The Groups endpoint is the truth; the read-only `groups` of a user (RFC 7643 section 4.1.2) can only add to it, so a
server that forgets one of the two never makes a holding disappear.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lastday.connectors.scim.lists import Query, read_all, read_page
from lastday.connectors.scim.resources import Resource, field, id_of
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.model.account import ObservedHolding, Via
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId

NAMES_LAST_S = 60.0
PREFIX = "group/"


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
    """Member id -> ids of the groups."""

    @classmethod
    def of(cls, groups: Sequence[Resource]) -> "Memberships":
        groups_of: dict[str, list[str]] = {}
        for group in groups:
            for member in members_of(group):
                groups_of.setdefault(member, []).append(id_of(group))
        return cls(GroupNames.of(groups), {member: tuple(ids) for member, ids in groups_of.items()})

    def holdings_of(self, user: Resource) -> tuple[ObservedHolding, ...]:
        return named_holdings(self.names, self.groups_of.get(id_of(user), ()), user)


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


def members_of(group: Resource) -> tuple[str, ...]:
    """The ids of the direct members that are users."""
    listed = field(group, "members")
    if listed is None:
        return ()
    if not isinstance(listed, list):
        raise AnswerUnusable(f"group {id_of(group)} came with members that are not a list")
    return tuple(_member(group, entry) for entry in listed if not _is_group(entry))


def _member(group: Resource, entry: JsonValue) -> str:
    value = field(entry, "value") if isinstance(entry, Mapping) else entry
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise AnswerUnusable(f"group {id_of(group)} came with a member without an id")
    return str(value)


def _is_group(entry: JsonValue) -> bool:
    return isinstance(entry, Mapping) and str(field(entry, "type")).lower() == "group"


class GroupReader:
    """Reads groups of one application in the cheapest way that is known to be true there."""

    def __init__(self, client: HttpClient, size: int) -> None:
        self._client = client
        self._size = size
        self._names = GroupNames({})
        self._names_until = 0.0
        self._filter_proven: bool | None = None

    async def whole(self, *, fresh: bool = False) -> Memberships:
        """All groups with their members."""
        found = Memberships.of(await read_all(self._client, Query(endpoint="Groups", fresh=fresh), self._size))
        self._keep(found.names)
        return found

    async def names(self, *, known: Iterable[str] = (), anew: bool = False) -> GroupNames:
        """The names of all groups, at most a minute old, and read anew where one of `known` ids is not among them.

        A name says which group is meant; who is in it is never taken from here.
        """
        stale = anew or asyncio.get_running_loop().time() >= self._names_until
        if stale or any(gid not in self._names.by_id for gid in known):
            query = Query(endpoint="Groups", options={"excludedAttributes": "members"}, fresh=True)
            self._keep(GroupNames.of(await read_all(self._client, query, self._size)))
        return self._names

    async def holdings_of(self, user: Resource) -> tuple[ObservedHolding, ...]:
        """What the user holds, read fresh: by the filter `members.value` where it is proven to work, else from all."""
        if self._filter_proven is None:
            self._filter_proven = await self._prove_filter()
        if not self._filter_proven:
            return (await self.whole(fresh=True)).holdings_of(user)
        direct = await self._filtered(id_of(user))
        names = await self.names(known=direct)
        if any(gid not in names.by_id for gid in direct):
            raise AnswerUnusable(f"user {id_of(user)} is in a group that the list of groups does not have")
        return named_holdings(names, direct, user)

    async def find(self, entitlement: str) -> str | None:
        """The id of the group that the entitlement is now, looked at fresh; None where there is no such group."""
        gid = (await self.names()).id_of(entitlement) or (await self.names(anew=True)).id_of(entitlement)
        if gid is None:
            return None
        path, query = ("Groups", gid), {"excludedAttributes": "members"}
        answer = await self._client.send(Call(method="GET", path=path, query=query, fresh=True))
        if answer.status == 200:
            group = answer.json()
            if isinstance(group, Mapping) and entitlement in (
                f"{PREFIX}{label_of(group)}",
                f"{PREFIX}{label_of(group)}#{gid}",
            ):
                return gid
        return (await self.names(anew=True)).id_of(entitlement)

    async def _filtered(self, native_id: NativeId) -> list[str]:
        """The ids of the groups that the filter finds; those that list members and not this one are not believed."""
        groups = await read_all(self._client, _with_member(native_id), self._size)
        return [id_of(group) for group in groups if not members_of(group) or native_id in members_of(group)]

    async def _prove_filter(self) -> bool:
        """True after the filter found a member known to be there and, for an id that nobody has, no group.

        A server that ignores or misreads the filter would otherwise say "holds nothing" about everybody.
        """
        page = await read_page(self._client, Query(endpoint="Groups", fresh=True), 1, self._size)
        sample = next(((id_of(group), members_of(group)[0]) for group in page.items if members_of(group)), None)
        if sample is None:
            return False
        try:
            present = await read_all(self._client, _with_member(NativeId(sample[1])), self._size)
            absent = await read_all(self._client, _with_member(NativeId("lastday-nobody")), self._size)
        except (NotSupported, AnswerUnusable):
            return False
        return sample[0] in {id_of(group) for group in present} and not absent

    def _keep(self, names: GroupNames) -> None:
        self._names = names
        self._names_until = asyncio.get_running_loop().time() + NAMES_LAST_S


def _with_member(native_id: NativeId) -> Query:
    """The groups of one member, without the members: a group of everybody is large."""
    wanted = f"members.value eq {json.dumps(native_id, ensure_ascii=False)}"
    return Query(endpoint="Groups", filter=wanted, options={"excludedAttributes": "members"}, fresh=True)
