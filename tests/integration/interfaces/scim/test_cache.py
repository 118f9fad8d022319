"""What is answered from memory is never older than a second, and never older than what this process wrote (S-42).

Two processes' worth of caches and writers on one real PostgreSQL. The truth is what the database holds after each
write; the clock of the caches is the test's, so the second is exact.
"""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastday.execution.push_group import Committed
from lastday.filters.literals import fold
from lastday.filters.parser import parse
from lastday.interfaces.scim import cache as module
from lastday.interfaces.scim.cache import CachedResources
from lastday.interfaces.scim.rendering import rendered
from lastday.model.errors import ValueTaken
from lastday.model.ids import SourceName
from lastday.model.scim import PushedResource
from lastday.store.database import Database, DatabaseLost
from lastday.store.pushed import Search, load_resources
from lastday.store.pushes import PUSHED, PushNotice
from tests.integration.execution.pushes import (
    GROUP,
    USER,
    change,
    client,
    delete,
    group,
    made,
    post,
    put,
    user,
    with_attributes,
    writer,
)

BASE_URL = "https://lastday.test/scim/v2"
CASE_EXACT = frozenset({"id", "externalid", "meta.version", "members.value", "groups.value"})
NAMES = ("ada", "bob", "Eve")
_sources = count(1)


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Process:
    """What one process has of the service provider."""

    def __init__(self, database, time=None, **more):
        self.database = database
        more |= {} if time is None else {"now": time}
        self.resources = CachedResources(database, BASE_URL, lambda _source, _kind: CASE_EXACT, **more)
        self.writer = writer(database, self.resources.committed)
        self.wrote = 0


async def stored(database, source):
    """Every resource of the source, as the database has it, in the order of creation."""
    async with database.transaction() as tx:
        both = [*await load_resources(tx, source, USER), *await load_resources(tx, source, GROUP)]
    return sorted(both, key=lambda one: one.ordinal)


@pytest.fixture
async def processes(database_url):
    async with await Database.open(database_url, max_size=3) as one, await Database.open(database_url) as other:
        yield Process(one), Process(other)


async def seen(process, resource):
    """The resource as the process shows it; it is there."""
    found = await process.resources.read(resource.source, resource.type, resource.id)
    assert found is not None
    return found.resource


def bytes_of(resources):
    return [rendered(one, BASE_URL) for one in resources]


# ---------- any interleaving

_steps = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 1), st.integers(0, 2)),
        st.tuples(st.just("rename"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("delete"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("join"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("group"), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.just("read"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("find"), st.integers(0, 1), st.integers(0, 5)),
        st.tuples(st.just("hear"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("wait"), st.just(0), st.sampled_from((0.1, 0.4, 0.7, 1.1))),
    ),
    min_size=8,
    max_size=60,
)


@dataclass
class Interleaving:
    """Two processes and what was true when."""

    processes: tuple[Process, Process]
    time: Time
    source: SourceName
    states: list[tuple[float, list[PushedResource]]] = field(default_factory=lambda: [(0.0, [])])
    """Since when, and what the database held."""
    notices: list[PushNotice] = field(default_factory=list)

    async def play(self, steps):
        for step, number, argument in steps:
            await getattr(self, step)(self.processes[number], argument)

    async def create(self, process, name):
        with suppress(ValueTaken):
            await self.write(process, post(user(f"{NAMES[name]}"), client(self.source)))

    async def group(self, process, number):
        await self.write(process, post(group(f"g{number}"), client(self.source), GROUP))

    async def rename(self, process, index):
        if (known := self.pick(index)) is not None:
            title = {"displayName": f"{known.version}"}
            await self.write(process, put(known, **title))

    async def delete(self, process, index):
        if (known := self.pick(index)) is not None:
            await self.write(process, delete(known))

    async def join(self, process, index):
        """Everybody is in the group, or nobody: what a user shows of it changes with it."""
        groups = [one for one in self.states[-1][1] if one.type is GROUP]
        users = [{"value": one.id} for one in self.states[-1][1] if one.type is USER]
        if groups:
            chosen = groups[index % len(groups)]
            members = None if chosen.body.get("members") else users
            await self.write(process, change(chosen, lambda before: with_attributes(before, {"members": members})))

    async def write(self, process, write):
        known = len(self.notices)
        process.writer._committed = lambda commit: (self.take(commit), process.resources.committed(commit))
        await process.writer.write(write)
        if len(self.notices) > known:
            self.states.append((self.time.now, await stored(process.database, self.source)))
        process.wrote = len(self.states) - 1

    def take(self, commit):
        ids = frozenset(one.resource.id for one in commit.standing)
        self.notices.append(PushNotice(source=commit.source, since=commit.since, sequence=commit.sequence, ids=ids))

    async def hear(self, process, named):
        """A notification comes, now or never: the last one, with the ids or without."""
        for notice in self.notices[-1:]:
            heard = notice if named else PushNotice(
                source=notice.source, since=notice.since, sequence=notice.sequence, ids=None
            )  # fmt: skip
            process.resources.heard(heard)

    async def wait(self, _process, seconds):
        self.time.now += seconds

    async def read(self, process, index):
        if (known := self.pick(index, ever=True)) is None:
            return
        found = await process.resources.read(self.source, known.type, known.id)
        shown = None if found is None else found.content
        assert shown in [self.bytes_in(state, known.id) for state in self.credible(process)]

    async def find(self, process, which):
        search, holds = SEARCHES[which]
        found = await process.resources.find(self.source, search)
        shown = (found.total, [item.content for item in found.items])
        assert shown in [self.answer(state, search, holds) for state in self.credible(process)]

    def credible(self, process):
        """Every state that was true within the last second and is not older than what the process wrote."""
        past = [number for number, (since, _) in enumerate(self.states) if since <= self.time.now - 1.0]
        return [state for _, state in self.states[max(past[-1], process.wrote) :]]

    def pick(self, index, *, ever=False):
        known = {one.id: one for _, state in self.states for one in state} if ever else {}
        now = {one.id: one for one in self.states[-1][1]}
        listed = list((known | now).values())
        return listed[index % len(listed)] if listed else None

    @staticmethod
    def bytes_in(state, identifier):
        return next((rendered(one, BASE_URL) for one in state if one.id == identifier), None)

    @staticmethod
    def answer(state, search, holds: Callable[..., bool]):
        meant = [one for one in state if one.type is search.type and holds(one.body)]
        return len(meant), bytes_of(meant[search.start - 1 :][: search.count])


def by_name(name):
    return lambda body: fold(body["userName"]) == fold(name)


SEARCHES = (
    (Search(type=USER, filter=parse('userName eq "ADA"')), by_name("ada")),
    (Search(type=USER, filter=parse('userName eq "eve"')), by_name("eve")),
    (Search(type=USER), lambda body: True),
    (Search(type=USER, count=1, start=2), lambda body: True),
    (Search(type=USER, filter=parse("groups pr")), lambda body: bool(body.get("groups"))),
    (Search(type=GROUP, filter=parse("members pr")), lambda body: bool(body.get("members"))),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(_steps)
def test_no_interleaving_shows_what_is_older_than_a_second_or_than_an_own_write(database_url, steps):
    """Whichever notifications come, and whichever never do."""

    async def play():
        async with await Database.open(database_url, max_size=2) as one, await Database.open(database_url) as other:
            time = Time()
            both = Process(one, time), Process(other, time)
            await Interleaving(both, time, SourceName(f"source-{next(_sources)}")).play(steps)

    asyncio.run(play())


# ---------- races


@asynccontextmanager
async def held_up(monkeypatch, name):
    """What is read by that name has been read, and is handed over when the block ends."""
    read, hand_over = asyncio.Event(), asyncio.Event()
    true = getattr(module, name)

    async def slow(*arguments, **more):
        found = await true(*arguments, **more)
        read.set()
        await hand_over.wait()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(module, name, slow)
        yield read
        hand_over.set()
        await asyncio.sleep(0)


async def test_what_was_read_before_a_write_is_not_kept_after_it(processes, monkeypatch):
    one, _ = processes
    ada = await made(one.writer, user("ada"))
    one.resources = CachedResources(one.database, BASE_URL, lambda _source, _kind: CASE_EXACT)
    one.writer._committed = one.resources.committed
    async with held_up(monkeypatch, "load_resource") as read:
        early = asyncio.create_task(one.resources.read(ada.source, USER, ada.id))
        await read.wait()
        written = await one.writer.write(put(ada, title="new"))
    assert (await early).resource.version == 1
    late = await one.resources.read(ada.source, USER, ada.id)
    assert late.resource == written.after


async def test_a_page_that_was_read_before_a_write_is_not_kept_after_it(processes, monkeypatch):
    one, _ = processes
    ada = await made(one.writer, user("ada"))
    search = Search(type=USER)
    async with held_up(monkeypatch, "find_resources") as read:
        early = asyncio.create_task(one.resources.find(ada.source, search))
        await read.wait()
        await made(one.writer, user("bob"))
    assert (await early).total == 1
    assert (await one.resources.find(ada.source, search)).total == 2


async def test_a_look_that_was_begun_before_a_write_does_not_hide_it(processes, monkeypatch):
    """The number of the last change comes back late, older than the write that was committed meanwhile."""
    one, other = processes
    ada = await made(other.writer, user("ada"))
    async with held_up(monkeypatch, "sequence_of") as read:
        early = asyncio.create_task(one.resources.read(ada.source, USER, ada.id))
        await read.wait()
        written = await one.writer.write(put(ada, title="new"))
    await early
    late = await one.resources.read(ada.source, USER, ada.id)
    assert late.resource == written.after


async def test_between_two_changes_of_others_nothing_is_kept_of_the_first(processes):
    """Both of other processes: a commit of ours between them is told while the others' are not known yet."""
    one, other = processes
    ada = await made(one.writer, user("ada"))
    bob = await made(one.writer, user("bob"))
    for resource in (ada, bob):
        await one.resources.read(resource.source, USER, resource.id)
    await other.writer.write(put(ada, title="of another"))
    mine = await one.writer.write(put(bob, title="mine"))
    assert await seen(one, bob) == mine.after
    assert (await seen(one, ada)).body["title"] == "of another"


async def test_whoever_hears_of_a_change_and_missed_the_one_before_asks_for_both(processes):
    one, other = processes
    ada = await made(other.writer, user("ada"))
    bob = await made(other.writer, user("bob"))
    for resource in (ada, bob):
        await one.resources.read(resource.source, USER, resource.id)
    told: list[Committed] = []
    other.writer._committed = told.append
    missed = await other.writer.write(put(ada, title="missed"))
    heard = await other.writer.write(put(bob, title="heard"))
    last = told[-1]
    one.resources.heard(
        PushNotice(source=last.source, since=last.since, sequence=last.sequence, ids=frozenset({bob.id}))
    )
    for written in (missed, heard):
        assert await seen(one, written.after) == written.after


# ---------- the listening connection


@asynccontextmanager
async def listening(process):
    task = asyncio.create_task(process.resources.listen())
    try:
        async with asyncio.timeout(20):
            while not await listeners(process):
                await asyncio.sleep(0.01)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def listeners(process):
    """The backends that listen for what is pushed."""
    async with await psycopg.AsyncConnection.connect(process.database.url, autocommit=True) as connection:
        found = await connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s",
            (f'LISTEN "{PUSHED}"%',),
        )
        return [pid for (pid,) in await found.fetchall()]


async def test_what_another_process_changes_is_seen_as_soon_as_it_is_told(database_url):
    """Long before the second is over: here it never is."""
    async with await Database.open(database_url) as one, await Database.open(database_url) as two:
        mine, other = Process(one, Time()), Process(two)
        async with listening(mine):
            for nonsense in ("x", "[]", "{}", '{"source": 1}', "null"):
                await two.notify(PUSHED, nonsense)
            ada = await made(other.writer, user("ada"))
            await mine.resources.read(ada.source, USER, ada.id)
            written = await other.writer.write(put(ada, title="new"))
            async with asyncio.timeout(20):
                while await seen(mine, ada) != written.after:
                    await asyncio.sleep(0.01)


async def test_a_listener_that_is_killed_costs_nothing_but_the_second(database_url):
    async with await Database.open(database_url) as one, await Database.open(database_url) as two:
        time = Time()
        mine, other = Process(one, time), Process(two)
        async with listening(mine):
            ada = await made(other.writer, user("ada"))
            for number in range(5):
                await mine.resources.read(ada.source, USER, ada.id)
                for pid in await listeners(mine):
                    async with two.transaction() as tx:
                        await tx.execute("SELECT pg_terminate_backend(%s)", (pid,))
                written = await other.writer.write(put(ada, title=f"{number}"))
                time.now += 1.01
                assert await seen(mine, ada) == written.after


async def test_without_the_database_nothing_is_answered_once_the_second_is_over(database_url):
    """Better no answer than one that may be wrong: RFC 7644 section 3.12 has 503 for it."""
    time = Time()
    async with await Database.open(database_url) as one:
        mine = Process(one, time)
        ada = await made(mine.writer, user("ada"))
        await mine.resources.read(ada.source, USER, ada.id)
    assert await seen(mine, ada) == ada
    time.now += 1.01
    with pytest.raises(DatabaseLost):
        await mine.resources.read(ada.source, USER, ada.id)


# ---------- what is kept


@asynccontextmanager
async def asking(monkeypatch):
    """How often the database was asked for resources."""
    asked = []
    for name in ("load_resource", "find_resources"):
        true = getattr(module, name)

        async def noted(*arguments, _true=true, _name=name, **more):
            asked.append(_name)
            return await _true(*arguments, **more)

        monkeypatch.setattr(module, name, noted)
    yield asked


async def test_what_was_written_here_is_read_without_asking(processes, monkeypatch):
    one, _ = processes
    first = await made(one.writer, user("first"))
    await one.resources.read(first.source, USER, first.id)
    async with asking(monkeypatch) as asked:
        ada = await made(one.writer, user("ada"))
        written = await one.writer.write(put(ada, title="new"))
        assert await seen(one, ada) == written.after
        await one.writer.write(post(group("staff", ada.id), kind=GROUP))
        shown = (await seen(one, ada)).body["groups"]
    assert [each["display"] for each in shown] == ["staff"]
    assert asked == []


async def test_a_search_is_answered_from_memory_until_something_changes(processes, monkeypatch):
    one, _ = processes
    ada = await made(one.writer, user("ada"))
    everybody = Search(type=USER)
    async with asking(monkeypatch) as asked:
        for _ in range(3):
            assert (await one.resources.find(ada.source, everybody)).total == 1
        assert len(asked) == 1
        await made(one.writer, user("bob"))
        assert (await one.resources.find(ada.source, everybody)).total == 2
        assert len(asked) == 2


async def test_who_has_a_name_stays_known_while_others_change(processes, monkeypatch):
    """Directories look for a name before each write: RFC 7643 section 4.1.1 has userName unique."""
    one, _ = processes
    ada = await made(one.writer, user("ada"))
    by_its_name = Search(type=USER, filter=parse('userName eq "Ada"'))
    by_its_id = Search(type=USER, filter=parse(f'id eq "{ada.id}"'))
    for search in (by_its_name, by_its_id):
        await one.resources.find(ada.source, search)
    async with asking(monkeypatch) as asked:
        bob = await made(one.writer, user("bob"))
        for search in (by_its_name, by_its_id):
            assert (await one.resources.find(ada.source, search)).items[0].resource == ada
        assert asked == []
        await one.writer.write(put(ada, userName="grace"))
        await one.writer.write(put(bob, userName="ada"))
        found = await one.resources.find(ada.source, by_its_name)
        assert [item.resource.id for item in found.items] == [bob.id]


async def test_true_is_another_question_than_1(processes):
    """They are equal in Python, and what they find is not."""
    one, _ = processes
    await made(one.writer, user("ada"))
    for text, total in (("active eq true", 1), ("active eq 1", 0), ("active eq 1.0", 0), ("active eq true", 1)):
        found = await one.resources.find(client().source, Search(type=USER, filter=parse(text)))
        assert found.total == total, text


async def test_no_source_sees_anything_of_another(processes):
    one, _ = processes
    ada = await made(one.writer, user("ada"))
    strangers = SourceName("strangers")
    everybody = Search(type=USER)
    assert (await one.resources.find(ada.source, everybody)).total == 1
    assert await one.resources.read(ada.source, USER, ada.id) is not None
    assert (await one.resources.find(strangers, everybody)).total == 0
    assert await one.resources.read(strangers, USER, ada.id) is None


async def test_a_user_is_no_group(processes):
    one, _ = processes
    ada = await made(one.writer, user("ada"))
    assert await one.resources.read(ada.source, USER, ada.id) is not None
    assert await one.resources.read(ada.source, GROUP, ada.id) is None


async def test_pages_by_cursor_hold_everybody_once_and_end(processes):
    """RFC 9865: no cursor comes with the last page, also where that is full."""
    one, _ = processes
    names = [f"user-{number}" for number in range(9)]
    for name in names:
        await made(one.writer, user(name))
    for size in (1, 2, 3, 4, 8, 9, 10):
        found = await one.resources.find(client().source, Search(type=USER, count=size))
        listed = [item.resource.body["userName"] for item in found.items]
        while found.following is not None:
            found = await one.resources.find(client().source, Search(type=USER, count=size, after=found.following))
            assert 0 < len(found.items) <= size
            listed += [item.resource.body["userName"] for item in found.items]
        assert (listed, found.total) == (names, 9)


async def test_memory_is_bounded_and_what_does_not_fit_is_asked_for(database_url):
    async with await Database.open(database_url) as opened:
        mine = Process(opened, most_bytes=200_000)
        people = [await made(mine.writer, user(f"user-{number}", title="x" * 2_000)) for number in range(40)]
        for _ in range(2):
            for person in people:
                assert await seen(mine, person) == person
            await mine.resources.find(people[0].source, Search(type=USER))
        kept = mine.resources._resources.size + mine.resources._searches.size
        assert 50_000 < kept <= 200_000


async def test_after_more_changes_than_are_worth_asking_for_a_source_is_forgotten(processes, monkeypatch):
    monkeypatch.setattr(module, "_TOO_MANY_CHANGES", 3)
    one, other = processes
    time = Time()
    mine = Process(one.database, time)
    people = [await made(other.writer, user(f"user-{number}")) for number in range(5)]
    for person in people:
        await mine.resources.read(person.source, USER, person.id)
    written = [await other.writer.write(put(person, title="new")) for person in people]
    time.now += 1.01
    for each in written:
        assert await seen(mine, each.after) == each.after


async def test_a_database_that_was_put_back_to_an_older_state_is_believed(processes):
    """A restored backup: numbers of changes go back."""
    one, other = processes
    time = Time()
    mine = Process(one.database, time)
    ada = await made(other.writer, user("ada"))
    await other.writer.write(put(ada, title="new"))
    assert (await seen(mine, ada)).version == 2
    async with one.database.transaction() as tx:
        await tx.execute("UPDATE pushed_source SET sequence = 1")
        await tx.execute('UPDATE pushed_resource SET version = 1, body = \'{"schemas": [], "userName": "ada"}\'')
    time.now += 1.01
    assert (await seen(mine, ada)).version == 1
