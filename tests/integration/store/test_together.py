"""Fewer ways to the server: writes that wait for each other, statements by themselves, hints by the handful."""

import psycopg
import pytest

from lastday.store.jobs import Hint, JobQueue


async def keep(database, *numbers, then=None):
    async with database.transaction() as tx:
        for number in numbers:
            tx.later("INSERT INTO kept VALUES (%s)", (number,))
        if then is not None:
            await tx.settle()
            raise then


async def test_what_runs_later_runs_before_anything_that_follows(database):
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE kept (n int PRIMARY KEY)")
        for number in range(5):
            tx.later("INSERT INTO kept VALUES (%s)", (number,))
        seen = await tx.fetch_one("SELECT count(*) AS rows FROM kept")
        assert seen == {"rows": 5}
        tx.later("DELETE FROM kept WHERE n = 0")
    async with database.transaction() as tx:
        assert await tx.fetch_one("SELECT min(n) AS first, count(*) AS rows FROM kept") == {"first": 1, "rows": 4}


async def test_a_fault_of_what_runs_later_takes_the_whole_transaction_back(database):
    """No audit, no effect (design section 9): an intent that cannot be written is no intent."""
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE kept (n int PRIMARY KEY)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        await keep(database, 1, 2, 1)
    async with database.transaction() as tx:
        assert await tx.fetch_one("SELECT count(*) AS rows FROM kept") == {"rows": 0}


async def test_at_once_each_statement_is_committed_and_the_next_transaction_is_one_again(database):
    async with database.at_once() as tx:
        await tx.execute("CREATE TABLE kept (n int)")
        await tx.execute("INSERT INTO kept VALUES (1)")
        async with database.at_once() as other:
            assert await other.fetch_one("SELECT count(*) AS rows FROM kept") == {"rows": 1}
    with pytest.raises(ZeroDivisionError):
        await keep(database, 2, then=ZeroDivisionError())
    async with database.at_once() as tx:
        assert await tx.fetch_one("SELECT count(*) AS rows FROM kept") == {"rows": 1}


async def test_a_connection_that_the_server_closed_is_not_handed_out(database, database_url):
    """The line says it by itself: nobody asks the server each time, and nobody meets a dead connection."""
    async with database.transaction() as tx:
        row = await tx.fetch_one("SELECT pg_backend_pid() AS pid")
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (row["pid"],))
    async with database.transaction() as tx:
        assert await tx.fetch_one("SELECT 1 AS one") == {"one": 1}


async def test_hints_come_together_and_each_lane_has_one(database_url):
    """Design section 5: one waiting job for each lane; a doubled hint is nothing."""
    async with await JobQueue.open(database_url) as queue:
        hints = [Hint(args={"lane": number}, lock=f"chat/{number}", priority=number) for number in range(3)]
        assert await queue.defer_many("lanes", "drain", hints) == 3
        assert await queue.defer_many("lanes", "drain", [*hints, Hint(args={}, lock="mail/0")]) == 1
        assert await queue.defer_many("lanes", "drain", []) == 0
        assert await queue.waiting("lanes") == 4


async def test_what_runs_later_and_the_commit_go_together(database):
    """Others see it before the block ends; a fault in it takes everything back."""
    async with database.transaction() as tx:
        await tx.execute("CREATE TABLE kept (n int PRIMARY KEY)")
    async with database.transaction() as tx, database.transaction() as other:
        tx.later("INSERT INTO kept VALUES (1)")
        tx.later("INSERT INTO kept VALUES (2)")
        await tx.commit()
        assert await other.fetch_one("SELECT count(*) AS rows FROM kept") == {"rows": 2}

    async def keep_and_commit(*numbers):
        async with database.transaction() as tx:
            for number in numbers:
                tx.later("INSERT INTO kept VALUES (%s)", (number,))
            await tx.commit()

    with pytest.raises(psycopg.errors.UniqueViolation):
        await keep_and_commit(3, 1)
    async with database.transaction() as tx:
        assert await tx.fetch_one("SELECT max(n) AS last FROM kept") == {"last": 2}
