"""Many writers at once, and connections that break: no change is lost, doubled or half there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from lastday.execution.pushing import PushWriter
from lastday.model.errors import ValueTaken
from lastday.model.scim import Written
from lastday.store.database import Database, DatabaseBusy, DatabaseLost, Timeouts
from lastday.store.pushed import sequence_of
from lastday.store.pushed_changes import take_sources
from lastday.store.pushes import pending_pushes
from tests.integration.execution.pushes import (
    GROUP,
    IDP,
    USER,
    body_of,
    change,
    entries,
    group,
    made,
    post,
    put,
    there,
    user,
    writer,
)

DIES_AT_COMMIT = """
    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER dies AFTER INSERT ON push DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION die()
"""


@asynccontextmanager
async def two_processes(url: str) -> AsyncIterator[tuple[PushWriter, PushWriter]]:
    """Two writers that share nothing but the database."""
    async with await Database.open(url, max_size=4) as first, await Database.open(url, max_size=4) as second:
        yield writer(first), writer(second)


def add_one(before):
    return {**before.body, "count": before.body.get("count", 0) + 1}


async def test_no_change_is_lost_between_two_processes(database: Database):
    """Forty times plus one from each of two writers is eighty, in 80 versions, each with one push and one entry."""
    async with two_processes(database.url) as writers:
        ada = await made(writers[0], user("ada"))
        await asyncio.gather(*(one.write(change(ada, add_one)) for _ in range(40) for one in writers))
    stored = await there(database, ada)
    assert (stored.body["count"], stored.version) == (80, 81)
    versions = [entry["version"] for entry in await entries(database, ada.id)]
    assert sorted(versions) == list(range(1, 82))
    async with database.transaction() as tx:
        pushes = await pending_pushes(tx, IDP, 999)
    assert [(one.sequence, one.version) for one in pushes] == [(number, number) for number in range(1, 82)]


async def test_of_many_who_want_one_name_one_gets_it(database: Database, caplog: pytest.LogCaptureFixture):
    """However they spell it, whichever process they ask (RFC 7643 section 4.1.1), without a second try for the rest."""
    spelled = ["Straße", "STRASSE", "strasse", "StraSSe"]
    async with two_processes(database.url) as writers:
        asked = [one.write(post(user(name))) for name in spelled * 5 for one in writers]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, Written) for one in outcomes) == 1
    assert sum(isinstance(one, ValueTaken) for one in outcomes) == 39
    assert len(await entries(database)) == 1
    assert "one by one" not in caplog.text


async def test_members_added_by_two_processes_are_all_in_the_group(database: Database):
    """Each side of each membership is there: in the group, in the user, in the table."""
    async with two_processes(database.url) as writers:
        people = await asyncio.gather(*(made(writers[0], user(f"u{number}")) for number in range(20)))
        crew = await made(writers[0], group("Crew"), GROUP)

        def adding(person):
            return lambda before: {**before.body, "members": [*before.body.get("members", ()), {"value": person.id}]}

        await asyncio.gather(
            *(writers[number % 2].write(change(crew, adding(person))) for number, person in enumerate(people))
        )
    assert {one["value"] for one in (await body_of(database, crew))["members"]} == {one.id for one in people}
    for person in people:
        assert [one["value"] for one in (await body_of(database, person))["groups"]] == [crew.id]


async def test_who_saw_a_sequence_has_seen_every_change_up_to_it(database: Database):
    """Numbers become visible in their order and without gaps, also while several processes write."""
    seen = []

    async def look() -> None:
        async with database.transaction() as tx:
            sequence = await sequence_of(tx, IDP)
        async with database.transaction() as tx:
            pushes = await pending_pushes(tx, IDP, 999)
        assert [one.sequence for one in pushes][:sequence] == list(range(1, sequence + 1))
        seen.append(sequence)

    async with two_processes(database.url) as writers:
        tasks = [asyncio.create_task(writers[number % 2].write(post(user(f"u{number}")))) for number in range(200)]
        while not all(task.done() for task in tasks):
            await look()
        await asyncio.gather(*tasks)
    await look()
    assert seen == sorted(seen)
    assert seen[-1] == 200


def terminate_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_a_connection_lost_in_the_middle_leaves_nothing_half(database: Database):
    """Nobody of the group is told that it was done, and nothing was; the next write finds a new connection."""
    push = writer(database)
    ada, bob = await made(push, user("ada")), await made(push, user("bob"))
    crew = await made(push, group("Crew", ada.id), GROUP)

    def dies(before):
        terminate_others(database.url)
        return {**before.body, "title": "x"}

    outcomes = await asyncio.gather(
        push.write(put(ada, title="Countess")),
        push.write(post(user("eve"))),
        push.write(change(bob, dies)),
        push.write(put(crew, members=[{"value": bob.id}])),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes] == [DatabaseLost] * 4
    assert (await there(database, bob), await there(database, crew)) == (bob, crew)
    assert (await there(database, ada)).version == 2
    assert len(await entries(database)) == 3
    assert (await made(push, user("eve"))).ordinal == 5


async def test_a_connection_lost_while_committing_is_told_to_everybody(database: Database):
    push = writer(database)
    ada = await made(push, user("ada"))
    async with database.transaction() as tx:
        await tx.connection.execute(DIES_AT_COMMIT)
    outcomes = await asyncio.gather(
        push.write(put(ada, title="x")), push.write(post(user("bob"))), return_exceptions=True
    )
    assert [type(one) for one in outcomes] == [DatabaseLost] * 2
    async with database.transaction() as tx:
        await tx.execute("DROP TRIGGER dies ON push")
    assert await there(database, ada) == ada
    assert (await push.write(post(user("bob")))).changed


async def test_a_write_that_was_committed_unheard_is_not_told_as_refused(database: Database):
    """The answer to COMMIT gets lost: the caller hears that nobody knows, and asking again finds the name taken."""
    async with _cut_after_commit(database.url) as url, await Database.open(url, max_size=2) as cut:
        with pytest.raises(DatabaseLost) as lost:
            await writer(cut).write(post(user("ada")))
    assert "unless it was being committed" in lost.value.effect
    with pytest.raises(ValueTaken):
        await writer(database).write(post(user("ADA")))
    assert len(await entries(database)) == 1


@asynccontextmanager
async def _cut_after_commit(url: str) -> AsyncIterator[str]:
    """An address that leads to the server, and loses what it says to a COMMIT."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    socket = f"{query['host']}/.s.PGSQL.{query.get('port', '5432')}"

    async def serve(near: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        far, ask = await asyncio.open_unix_connection(socket)
        committing = asyncio.Event()

        async def forth() -> None:
            while data := await near.read(65536):
                if b"COMMIT" in data:
                    committing.set()
                ask.write(data)
            ask.close()

        async def back() -> None:
            while data := await far.read(65536):
                if committing.is_set():
                    break
                answer.write(data)
            answer.close()

        await asyncio.gather(forth(), back())

    folder = Path(f"{query['host']}/cut")
    folder.mkdir()
    async with await asyncio.start_unix_server(serve, f"{folder}/.s.PGSQL.5432"):
        yield f"postgresql://{parts.netloc}{parts.path}?host={folder}&port=5432"


async def test_a_source_that_somebody_holds_too_long_is_busy(database: Database):
    """Nothing was done, and the caller may try again."""
    async with await Database.open(database.url, timeouts=Timeouts(lock=100)) as hasty:
        push = writer(hasty)
        async with database.transaction() as tx:
            await take_sources(tx, {IDP}, (), ())
            with pytest.raises(DatabaseBusy):
                await push.write(post(user("ada")))
        assert (await made(push, user("ada"))).type is USER
    assert len(await entries(database)) == 1
