"""Any sequence of writes does what a plain model says, however they fall into groups."""

import asyncio
from dataclasses import dataclass, field
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.filters.literals import fold
from lastday.model.errors import ValueTaken
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushMethod, ResourceType, Write
from lastday.store.database import Database
from lastday.store.pushed import load_resources, load_standing, sequence_of
from lastday.store.pushes import pending_pushes
from tests.integration.execution.pushes import GROUP, USER, client, entries, group, members_of, user, writer

NAMES = ("ada", "ADA", "straße", "STRASSE", "bob", "eve")
_sources = count(1)
_slots = st.integers(0, 9)


@dataclass
class Thing:
    """A user or group of the model. `groups` are ids, in the order in which the user came in."""

    kind: ResourceType
    name: str
    title: str | None = None
    members: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    version: int = 1
    gone: bool = False


class Model:
    """What must be there."""

    def __init__(self):
        self.things: dict[str, Thing] = {}
        self.writes = 0

    def of(self, kind, name):
        return [key for key, one in self.things.items() if one.kind is kind and not one.gone and fold(one.name) == name]

    def taken(self, name, by=None):
        return any(key != by for key in self.of(USER, fold(name)))

    def made(self, key, thing):
        self.things[key] = thing
        self.writes += 1
        self._join(key, [], thing.members)

    def change(self, key, **to):
        thing = self.things[key]
        before = {name: getattr(thing, name) for name in to}
        if before == to:
            return
        old = thing.members
        for name, value in to.items():
            setattr(thing, name, value)
        thing.version += 1
        self.writes += 1
        self._join(key, old, thing.members, renamed="name" in to)

    def delete(self, key):
        thing = self.things[key]
        thing.gone = True
        thing.version += 1
        self.writes += 1
        for one in self.things.values():
            if not one.gone and key in one.members:
                one.members = [member for member in one.members if member != key]
                one.version += 1
        if thing.kind is GROUP:
            self._join(key, thing.members, [])

    def _join(self, key, old, new, *, renamed=False):
        if self.things[key].kind is USER:
            return
        for member in {*old, *new}:
            person = self.things.get(member)
            if person is None or person.gone or person.kind is GROUP:
                continue
            if member in new and key not in person.groups:
                person.groups.append(key)
                person.version += 1
            elif member not in new and key in person.groups:
                person.groups.remove(key)
                person.version += 1
            elif renamed and member in new:
                person.version += 1

    def body(self, key):
        thing = self.things[key]
        if thing.kind is GROUP:
            return group(thing.name, *thing.members)
        shown = [{"value": one, "display": self.things[one].name, "type": "direct"} for one in thing.groups]
        more = {"title": thing.title} if thing.title else {}
        return user(thing.name, **more, **({"groups": shown} if shown else {}))


@st.composite
def steps(draw):
    what = draw(st.sampled_from(["user", "user", "group", "title", "name", "members", "delete", "both"]))
    return (what, draw(_slots), draw(st.sampled_from(NAMES)), draw(st.lists(_slots, max_size=4, unique=True)))


async def play(database, batches):
    source, model = SourceName(f"s{next(_sources)}"), Model()
    push = writer(database)
    for batch in batches:
        known = list(model.things)
        asked = [write for step in batch if (write := as_write(source, step, known, model)) is not None]
        outcomes = await asyncio.gather(*(push.write(write) for _, write in asked), return_exceptions=True)
        for (told, _), outcome in zip(asked, outcomes, strict=True):
            told(outcome)
    await compare(database, source, model)


def as_write(source, step, known, model):
    """The write of this step, and what to tell the model when its outcome is known; None where there is no target."""
    what, slot, name, slots = step
    members = [known[one] for one in slots if one < len(known)]
    if what in ("user", "group"):
        kind = USER if what == "user" else GROUP
        body = user(name) if kind is USER else group(name, *members)
        thing = Thing(kind=kind, name=name, members=members if kind is GROUP else [])
        return tell_made(model, thing), write_of(source, kind, None, PushMethod.POST, lambda _: body)
    if slot >= len(known):
        return None
    key = known[slot]
    kind = model.things[key].kind
    if what == "delete":
        return tell_deleted(model, key), write_of(source, kind, key, PushMethod.DELETE, lambda _: None)
    if kind is GROUP:
        to = {"name": {"name": name}, "members": {"members": members}}.get(what, {"name": name, "members": members})
    else:
        to = {"title": {"title": name}, "name": {"name": name}}.get(what, {"name": name, "title": name})
    return tell_changed(model, key, to), write_of(source, kind, key, PushMethod.PATCH, patched(kind, to))


def write_of(source, kind, key, method, change):
    resource = None if key is None else ResourceId(key)
    return Write(client=client(source), type=kind, id=resource, method=method, request_id="r", change=change)


def patched(kind, to):
    spelled = {"name": "userName" if kind is USER else "displayName", "title": "title"}

    def change(before):
        assert before is not None
        body = {**before.body, **{spelled[name]: value for name, value in to.items() if name != "members"}}
        if "members" in to:
            body.pop("members", None)
            body |= {"members": [{"value": one} for one in to["members"]]} if to["members"] else {}
        return body

    return lambda before: None if before is None else change(before)


def tell_made(model, thing):
    def told(outcome):
        if thing.kind is USER and model.taken(thing.name):
            assert isinstance(outcome, ValueTaken)
        else:
            model.made(outcome.after.id, thing)

    return told


def tell_changed(model, key, to):
    def told(outcome):
        thing = model.things[key]
        if thing.gone:
            assert outcome.after is None
        elif thing.kind is USER and "name" in to and model.taken(to["name"], by=key):
            assert isinstance(outcome, ValueTaken)
        else:
            model.change(key, **to)
            assert (outcome.after.version, dict(outcome.after.body)) == (thing.version, model.body(key))

    return told


def tell_deleted(model, key):
    def told(outcome):
        assert outcome.after is None
        assert outcome.changed is not model.things[key].gone
        if not model.things[key].gone:
            model.delete(key)

    return told


async def compare(database, source, model):
    live = {key for key, one in model.things.items() if not one.gone}
    async with database.transaction() as tx:
        found = [one for kind in ResourceType for one in await load_resources(tx, source, kind)]
        last = [one for kind in ResourceType for one in await load_standing(tx, source, kind)]
        pushes = await pending_pushes(tx, source, 9999)
        sequence = await sequence_of(tx, source)
        groups = [key for key in model.things if model.things[key].kind is GROUP]
        members = {key: set(await members_of(tx, key)) for key in groups}
    assert {one.id: dict(one.body) for one in found} == {key: model.body(key) for key in live}
    assert {one.resource.id: one.resource.version for one in last} == {
        k: one.version for k, one in model.things.items()
    }
    assert members == {key: set(model.things[key].members) if key in live else set() for key in groups}
    assert [one.sequence for one in pushes] == list(range(1, sequence + 1))
    versions: dict[str, list[int]] = {}
    for one in pushes:
        versions.setdefault(one.resource, []).append(one.version)
    assert versions == {key: list(range(1, one.version + 1)) for key, one in model.things.items()}
    proven = [entry for entry in await entries(database) if entry["source"] == source]
    asked = [(one.resource, one.version) for one in pushes if one.method is not PushMethod.MEMBERSHIP]
    assert [(entry["resource"], entry["version"]) for entry in proven] == asked
    assert len(proven) == model.writes


def test_any_writes_in_any_groups_do_what_a_plain_model_says(database_url: str):
    """RFC 7643 sections 4.1.1, 4.1.2 and 4.2; versions, sequences, pushes and entries have no gap and no double."""
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(database_url, max_size=2))

        @settings(max_examples=120, deadline=None)
        @given(batches=st.lists(st.lists(steps(), min_size=1, max_size=6), min_size=1, max_size=7))
        def agree(batches):
            runner.run(play(database, batches))

        try:
            agree()
        finally:
            runner.run(database.close())
