"""Applies clients' changes one after the other inside one transaction, with everything that follows from each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lastday.evidence.entries import EntryDraft, EntryKind, Stamp, append_all, prepared
from lastday.execution.push_bodies import changed_names, same_json, stored_body
from lastday.execution.push_membership import group_name, member_ids, with_group, without_group, without_member
from lastday.model.canonical import JsonValue
from lastday.model.errors import ValueTaken
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import Body, PushedResource, PushMethod, ResourceType, Write, Written
from lastday.store.database import Transaction
from lastday.store.entries import NewEntry
from lastday.store.ids import new_resource_id
from lastday.store.pushed import Standing, groups_holding
from lastday.store.pushed_changes import (
    Key,
    Name,
    change_members,
    insert_resources,
    read_holders,
    read_resources,
    save_pushes,
    take_sources,
    update_resources,
    user_name_of,
)
from lastday.store.pushes import Push, PushNotice

_PART = 500


class Refused(Exception):
    """The change itself said no; the cause is for the caller."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A write, and for a new resource what it is to be, which hangs on nothing that is stored."""

    write: Write
    made: Body | None = field(default=None, repr=False)

    @property
    def source(self) -> SourceName:
        return self.write.client.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What one commit changed in one source."""

    source: SourceName
    since: int
    """The source's sequence before it: who knows less has missed what another process changed."""
    sequence: int
    standing: tuple[Standing, ...]
    """Each resource that is not as it was, as it is now."""

    def notice(self) -> PushNotice:
        """What other processes are told of it."""
        ids = frozenset(standing.resource.id for standing in self.standing)
        return PushNotice(source=self.source, since=self.since, sequence=self.sequence, ids=ids)


def asked_for(write: Write) -> Asked:
    """The write, ready for a group. Raises what the change of a new resource raises."""
    return Asked(write=write, made=write.change(None) if write.id is None else None)


class PushGroup:
    """The changes of one transaction, each seeing what those before it did. Nothing is written before `save`,
    except who is in which group.
    """

    def __init__(self, tx: Transaction, at: datetime, stamp: Stamp, since: dict[SourceName, int]) -> None:
        self._tx = tx
        self._at = at
        self._stamp = stamp
        self._since = since
        self._sequences = dict(since)
        self._resources: dict[Key, PushedResource | None] = {}
        self._holders: dict[Name, ResourceId | None] = {}
        self._touched: dict[Key, Standing] = {}
        self._made: set[Key] = set()
        self._pushes: list[Push] = []
        self._entries: list[NewEntry] = []

    @classmethod
    async def begin(cls, tx: Transaction, asked: Sequence[Asked], at: datetime, stamp: Stamp) -> "PushGroup":
        """Nobody else changes these sources until the transaction ends."""
        sources = {one.source for one in asked}
        keys = {(one.source, one.write.type, one.write.id) for one in asked if one.write.id is not None}
        made = [(one.source, user_name_of(one.write.type, one.made)) for one in asked if one.made is not None]
        names = {(source, name) for source, name in made if name is not None and "\0" not in name}
        found = await take_sources(tx, sources, keys, names)
        group = cls(tx, at, stamp, {source: found.sequences.get(source, 0) for source in sources})
        group._resources = {key: found.resources.get(key) for key in keys}
        group._holders = {name: found.holders.get(name) for name in names}
        return group

    async def apply(self, asked: Asked) -> Written:
        """What the write did. Raises Refused, or an error that says why it cannot be stored; then it did nothing."""
        write = asked.write
        if write.id is None:
            return await self._put(write, None, asked.made) if asked.made is not None else _NOTHING
        before = self._resources[asked.source, write.type, write.id]
        wanted = _wanted(write, before)
        if before is None:
            return _NOTHING
        return await self._remove(write, before) if wanted is None else await self._put(write, before, wanted)

    async def save(self) -> tuple[Committed, ...]:
        """Everything is written, and is to be committed; what changed, by source."""
        if not self._pushes:
            return ()
        await self._save_resources()
        await append_all(self._tx, self._entries)
        committed = tuple(self._committed(source) for source in sorted({push.source for push in self._pushes}))
        save_pushes(self._tx, self._pushes, [one.notice() for one in committed])
        return committed

    async def _put(self, write: Write, before: PushedResource | None, wanted: Body) -> Written:
        body = stored_body(write.type, before, wanted)
        if before is not None and same_json(before.body, body):
            return Written(before=before, after=before)
        await self._refuse_taken_name(write, before, body)
        after = self._made_anew(write, body) if before is None else self._next(before, body)
        standing = Standing(resource=after, deleted_at=None)
        old, new = _members(before), _members(after)
        self._prove(write, before, standing, added=sorted(new - old), removed=sorted(old - new))
        self._keep(write, write.method, before, standing)
        if write.type is ResourceType.GROUP:
            await self._regroup(write, after.id, before=before, after=after)
        return Written(before=before, after=after)

    async def _remove(self, write: Write, before: PushedResource) -> Written:
        """Gone for readers, and out of every group. The body stays for whoever takes the change in."""
        source = before.source
        holding = await groups_holding(self._tx, source, [before.id])
        gone = Standing(resource=self._next(before, before.body), deleted_at=self._at)
        self._prove(write, before, gone, left=holding)
        self._keep(write, write.method, before, gone)
        for group in await self._standing((source, ResourceType.GROUP, one) for one in holding):
            change_members(self._tx, source, group.id, added=(), removed=(before.id,))
            self._follow(write, group, without_member(group.body, before.id))
        if before.type is ResourceType.GROUP:
            await self._regroup(write, before.id, before=before, after=None)
        return Written(before=before, after=None)

    async def _regroup(
        self, write: Write, group: ResourceId, *, before: PushedResource | None, after: PushedResource | None
    ) -> None:
        """Whoever came into the group, or went, or knows it by another name, shows it so (RFC 7643 section 4.1.2)."""
        source, old, new = write.client.source, _members(before), _members(after)
        change_members(self._tx, source, group, added=sorted(new - old), removed=sorted(old - new))
        name = group_name(after.body) if after else None
        renamed = before is not None and group_name(before.body) != name
        affected = old | new if renamed else old ^ new
        for user in await self._standing((source, ResourceType.USER, one) for one in sorted(affected)):
            body = with_group(user.body, group, name) if user.id in new else without_group(user.body, group)
            self._follow(write, user, body)

    def _follow(self, write: Write, before: PushedResource, body: Body) -> None:
        if not same_json(before.body, body):
            after = Standing(resource=self._next(before, body), deleted_at=None)
            self._keep(write, PushMethod.MEMBERSHIP, before, after)

    async def _standing(self, keys: Iterable[Key]) -> list[PushedResource]:
        """Those of these that are there, as the changes so far left them."""
        wanted = list(keys)
        unread = [key for key in wanted if key not in self._resources]
        found = await read_resources(self._tx, unread)
        self._resources |= {key: found.get(key) for key in unread}
        return [resource for key in wanted if (resource := self._resources[key]) is not None]

    async def _refuse_taken_name(self, write: Write, before: PushedResource | None, body: Body) -> None:
        name = user_name_of(write.type, body)
        if name is None or (before is not None and user_name_of(write.type, before.body) == name):
            return
        key = (write.client.source, name)
        if key not in self._holders:
            self._holders[key] = (await read_holders(self._tx, [key])).get(key)
        if self._holders[key] is not None:
            raise ValueTaken(
                "this userName is another user's",
                effect="nothing was changed",
                mend="look for that user by a filter on userName and change it, or give another userName",
            )

    def _made_anew(self, write: Write, body: Body) -> PushedResource:
        return PushedResource(
            source=write.client.source,
            type=write.type,
            id=new_resource_id(),
            ordinal=self._sequences[write.client.source] + 1,
            version=1,
            created_at=self._at,
            modified_at=self._at,
            body=body,
        )

    def _next(self, before: PushedResource, body: Body) -> PushedResource:
        """The version after this one; clocks of hosts differ, and time does not go back."""
        return replace(before, version=before.version + 1, modified_at=max(before.modified_at, self._at), body=body)

    def _keep(self, write: Write, method: PushMethod, before: PushedResource | None, after: Standing) -> None:
        resource, gone = after.resource, after.deleted_at is not None
        key = (resource.source, resource.type, resource.id)
        if before is None:
            self._made.add(key)
        self._resources[key] = None if gone else resource
        self._rename(resource.source, before, None if gone else resource)
        self._touched[key] = after
        self._pushes.append(self._push(write, method, resource, gone=gone))

    def _rename(self, source: SourceName, before: PushedResource | None, after: PushedResource | None) -> None:
        old = None if before is None else user_name_of(before.type, before.body)
        new = None if after is None else user_name_of(after.type, after.body)
        if old is not None:
            self._holders[source, old] = None
        if new is not None and after is not None:
            self._holders[source, new] = after.id

    def _push(self, write: Write, method: PushMethod, resource: PushedResource, *, gone: bool) -> Push:
        self._sequences[resource.source] += 1
        return Push(
            source=resource.source,
            sequence=self._sequences[resource.source],
            type=resource.type,
            resource=resource.id,
            version=resource.version,
            method=method,
            gone=gone,
            active=_switch_of(resource),
            client=write.client.token,
            client_name=write.client.name,
            request_id=write.request_id,
            at=self._at,
        )

    def _prove(
        self, write: Write, before: PushedResource | None, after: Standing, **membership: Sequence[ResourceId]
    ) -> None:
        """Raises EvidenceError for what cannot be written down: before anything is done."""
        resource = after.resource
        body: dict[str, JsonValue] = {
            "source": resource.source,
            "type": resource.type.value,
            "resource": resource.id,
            "version": resource.version,
            "method": write.method.value,
            "gone": after.deleted_at is not None,
            "client": write.client.name,
            "token": write.client.token,
            "request": write.request_id,
            "changed": changed_names(before.body if before else {}, resource.body),
            **{name: list(ids) for name, ids in membership.items() if ids},
        }
        if (active := _switch_of(resource)) is not None:
            body["active"] = active
        draft = EntryDraft(kind=EntryKind.RESOURCE_PUSHED, at=self._at, body=body)
        self._entries.append(prepared(draft, self._stamp))

    def _committed(self, source: SourceName) -> Committed:
        standing = tuple(one for key, one in self._touched.items() if key[0] == source)
        return Committed(source=source, since=self._since[source], sequence=self._sequences[source], standing=standing)

    async def _save_resources(self) -> None:
        """In parts, so that one change of a very large group does not keep everybody else in this process waiting."""
        made = [one for key, one in self._touched.items() if key in self._made]
        changed = [one for key, one in self._touched.items() if key not in self._made]
        for save, resources in ((update_resources, changed), (insert_resources, made)):
            for start in range(0, len(resources), _PART):
                save(self._tx, resources[start : start + _PART])
                if len(resources) > _PART:
                    await self._tx.settle()


_NOTHING = Written(before=None, after=None)


def _switch_of(resource: PushedResource) -> bool | None:
    switch = resource.body.get("active")
    return switch if isinstance(switch, bool) else None


def _members(resource: PushedResource | None) -> frozenset[ResourceId]:
    return member_ids(resource.body) if resource and resource.type is ResourceType.GROUP else frozenset()


class _Asking:
    """What is raised inside is the change's own no."""

    def __enter__(self) -> None:
        """Nothing is to be prepared."""

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if isinstance(error, Exception):
            raise Refused from error


def _wanted(write: Write, before: PushedResource | None) -> Body | None:
    with _Asking():
        return write.change(before)
