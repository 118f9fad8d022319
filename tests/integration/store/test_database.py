"""The database itself: transactions, locks, notifications, migrations."""

import asyncio
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from lastday.model.errors import DatabaseUnusable
from lastday.store import revisions, schema
from lastday.store.database import Database, DatabaseBusy, DatabaseLost, Timeouts, lock_key


async def test_what_raises_leaves_nothing_behind(database: Database):
    """Design 5: execution owns transactions; a failed one has no effect."""

    async def fails() -> None:
        async with database.transaction() as tx:
            await tx.execute("INSERT INTO worker VALUES ('w', 'h', now(), now())")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with database.transaction() as tx:
        assert await tx.fetch_all("SELECT * FROM worker") == []


async def test_a_named_lock_excludes_until_the_transaction_ends(database: Database):
    """Design 5: the per-account lock gives exclusion."""
    async with database.transaction() as first, database.transaction() as second:
        await first.lock("account/1")
        assert not await second.try_lock("account/1")
        assert await second.try_lock("account/2")
    async with database.transaction() as third:
        assert await third.try_lock("account/1")


async def test_who_waits_too_long_for_a_lock_is_told_that_the_database_is_busy(database_url: str):
    """A stopped process must not hold others for ever."""
    async with await Database.open(database_url, timeouts=Timeouts(lock=50)) as database:

        async def lock_twice() -> None:
            async with database.transaction() as first, database.transaction() as second:
                await first.lock("a")
                await second.lock("a")

        with pytest.raises(DatabaseBusy):
            await lock_twice()


def test_lock_keys_fit_a_bigint_and_differ():
    """Field notes: hashtext() collides, a 64-bit hash does not."""
    keys = {lock_key(str(number)) for number in range(5000)}
    assert len(keys) == 5000
    assert all(-(2**63) <= key < 2**63 for key in keys)


async def test_sessions_speak_utc(database: Database):
    async with database.transaction() as tx:
        row = await tx.fetch_one("SELECT current_setting('TimeZone') AS zone, '2026-11-20T01:00+05'::timestamptz AS at")
    assert row is not None
    assert (row["zone"], row["at"].isoformat()) == ("UTC", "2026-11-19T20:00:00+00:00")


async def test_a_listener_hears_what_was_committed_and_nothing_else(database: Database):
    """The worker's alarm listens; first it is told to look itself."""

    async def fails() -> None:
        async with database.transaction() as tx:
            await tx.notify("due", "never")
            raise ZeroDivisionError

    heard = database.listen("due")
    assert await anext(heard) == ""
    with pytest.raises(ZeroDivisionError):
        await fails()
    await database.notify("due", "now")
    assert await anext(heard) == "now"
    await heard.aclose()


async def test_a_listener_whose_connection_broke_connects_again_and_says_look(database: Database):
    """What was said meanwhile is unknown: level-triggered, not event-triggered (design 1)."""
    heard = database.listen("due")
    assert await anext(heard) == ""
    async with database.transaction() as tx:
        await tx.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    assert await anext(heard) == ""
    await heard.aclose()


async def test_a_cut_connection_is_named_and_the_next_transaction_works(database: Database):
    with pytest.raises(DatabaseLost):
        async with database.transaction() as tx:
            await tx.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    async with database.transaction() as tx:
        assert await tx.fetch_one("SELECT 1 AS one") == {"one": 1}


async def test_an_address_nobody_answers_at_is_refused():
    with pytest.raises(DatabaseUnusable, match="no database answers"):
        await Database.open("postgresql://x@127.0.0.1:1/x")


async def test_migrating_twice_changes_nothing(database_url: str):
    """The same program on the same database has nothing to do."""
    assert await schema.pending(database_url) == ()
    assert await schema.migrate(database_url) == ()


async def test_an_empty_database_lacks_everything_and_gets_it_once(database_server: str):
    """Two processes that migrate at once: one does, the other finds it done."""
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty_one")
    url = database_server.replace("/lastday?", "/empty_one?")
    assert await schema.pending(url) == ("0001_jobs", "0002_world", "0003_execution", "0004_evidence", "0005_pushed")
    done = await asyncio.gather(schema.migrate(url), schema.migrate(url))
    assert sorted(len(revisions) for revisions in done) == [0, 5]
    async with await Database.open(url) as database, database.transaction() as tx:
        assert not (await schema.read_installation(tx)).test_clock
    with pytest.raises(DatabaseUnusable, match="not made for tests"):
        await schema.migrate(url, test_clock=True)


async def test_a_database_of_a_newer_program_is_refused(database_url: str):
    """Nobody writes old rows into new tables."""
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE schema_version SET version_num = '9999_future'")
    with pytest.raises(DatabaseUnusable, match="newer than this program"):
        await schema.migrate(database_url)
    with pytest.raises(DatabaseUnusable, match="newer than this program"):
        await schema.pending(database_url)


async def test_a_database_without_tables_says_so(database_server: str):
    async with await Database.open(database_server) as database, database.transaction() as tx:
        with pytest.raises(DatabaseUnusable, match="no tables yet"):
            await schema.read_installation(tx)


async def test_the_test_mark_is_kept(database_url: str):
    """`migrate --test` marks the database; a later plain migrate does not unmark it (design 3)."""
    await schema.migrate(database_url)
    async with await Database.open(database_url) as database, database.transaction() as tx:
        assert (await schema.read_installation(tx)).test_clock


def test_revisions_known_by_their_files_are_those_that_alembic_walks():
    """The quick look at every start and the slow walk of a migration agree."""
    config = Config()
    config.set_main_option("script_location", str(Path(revisions.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    walked = [revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()]
    assert revisions.known_revisions() == tuple(reversed(walked))
