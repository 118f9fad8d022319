"""The job queue: hints are doubled, lost and stalled without harm."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from lastday.store import embedded, schema
from lastday.store.database import Database, DatabaseLost
from lastday.store.jobs import JobQueue


@pytest.fixture
async def jobs(database_url: str) -> AsyncIterator[JobQueue]:
    async with await JobQueue.open(database_url) as opened:
        yield opened


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


def test_our_frozen_tables_are_those_of_the_installed_procrastinate():
    """Design 5: a frozen copy of Procrastinate's schema is a revision; a new release must come with a new revision."""
    frozen = resources.files("lastday.store.migrations") / "sql" / "0001_jobs.sql"
    installed = resources.files("procrastinate.sql") / "schema.sql"
    assert frozen.read_text() == installed.read_text()


async def test_a_deferred_job_runs_with_its_arguments(jobs: JobQueue):
    seen: list[tuple[str, int]] = []

    @jobs.task("drain")
    async def drain(application: str, lane: int) -> None:
        seen.append((application, lane))

    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(["lanes"], 2, stop))
    assert await jobs.defer("drain", {"application": "chat", "lane": 3}, queue="lanes")
    await until(lambda: bool(seen))
    stop.set()
    await working
    assert seen == [("chat", 3)]
    assert await jobs.waiting("lanes") == 0


async def test_a_doubled_hint_is_as_good_as_one(jobs: JobQueue):
    """AlreadyEnqueued is success: somebody looks anyway."""
    assert await jobs.defer("drain", {}, lock="chat/1", queueing_lock="chat/1", queue="lanes")
    assert not await jobs.defer("drain", {}, lock="chat/1", queueing_lock="chat/1", queue="lanes")
    assert await jobs.defer("drain", {}, lock="chat/2", queueing_lock="chat/2", queue="lanes")
    assert await jobs.waiting("lanes") == 2


async def test_higher_priorities_run_first_and_one_lock_runs_one_job(jobs: JobQueue):
    order: list[int] = []

    @jobs.task("note")
    async def note(number: int) -> None:
        order.append(number)
        await asyncio.sleep(0.01)
        order.append(number)

    for number, priority in ((1, 10), (2, 90), (3, 50)):
        await jobs.defer("note", {"number": number}, lock="same", priority=priority, queue="lanes")
    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(["lanes"], 3, stop))
    await until(lambda: len(order) == 6)
    stop.set()
    await working
    assert order == [2, 2, 3, 3, 1, 1]


async def test_a_job_that_fails_leaves_its_lane_free(jobs: JobQueue):
    seen: list[int] = []

    @jobs.task("fail_once")
    async def fail_once() -> None:
        seen.append(1)
        if len(seen) == 1:
            raise ValueError("the first time")

    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(["lanes"], 1, stop))
    await jobs.defer("fail_once", {}, lock="l", queueing_lock="l", queue="lanes")
    await until(lambda: len(seen) == 1)
    await jobs.defer("fail_once", {}, lock="l", queueing_lock="l", queue="lanes")
    await until(lambda: len(seen) == 2)
    stop.set()
    await working


_WORKER = """
import asyncio, sys
from lastday.store.jobs import JobQueue
async def main():
    async with await JobQueue.open(sys.argv[1]) as jobs:
        @jobs.task("drain")
        async def drain():
            print("began", flush=True)
            await asyncio.sleep(600)
        await jobs.work(["lanes"], 1, asyncio.Event())
asyncio.run(main())
"""


async def test_a_stalled_lane_runs_again_although_a_hint_waits_for_it(jobs: JobQueue, database_url: str):
    """Design 5: a retry would collide with the queueing_lock of the waiting hint and kill the lane."""
    await jobs.defer("drain", {}, lock="lane", queueing_lock="lane", queue="lanes")
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"began\n"
    os.kill(worker.pid, signal.SIGKILL)
    await worker.wait()
    await jobs.defer("drain", {}, lock="lane", queueing_lock="lane", queue="lanes")
    assert await jobs.rescue_stalled(600) == 0
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    assert await jobs.rescue_stalled(600) == 1
    assert await jobs.rescue_stalled(600) == 0
    ran = asyncio.Event()

    @jobs.task("drain")
    async def drain() -> None:
        ran.set()

    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(["lanes"], 1, stop))
    await ran.wait()
    stop.set()
    await working
    assert await jobs.waiting("lanes") == 0


async def test_a_worker_whose_connections_are_cut_goes_on(jobs: JobQueue, database: Database):
    """Its listener and its heartbeat die with the connection: the worker is replaced, not left half alive."""
    seen: list[int] = []

    @jobs.task("note")
    async def note(number: int) -> None:
        seen.append(number)

    stop = asyncio.Event()
    working = asyncio.create_task(jobs.work(["lanes"], 1, stop))
    await jobs.defer("note", {"number": 1}, queue="lanes")
    await until(lambda: seen == [1])
    async with database.transaction() as tx:
        await tx.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lastday jobs'"
        )
    await jobs.defer("note", {"number": 2}, queue="lanes")
    await until(lambda: seen == [1, 2])
    async with database.transaction() as tx:
        beating = await tx.fetch_all(
            "SELECT 1 FROM procrastinate_workers WHERE last_heartbeat > now() - interval '20 s'"
        )
    stop.set()
    await working
    assert beating


async def test_a_killed_database_comes_back_under_a_worker_that_goes_on(short_home: Path):
    """kill -9 of PostgreSQL: the watcher starts it, pools and worker find it again, the hint that was kept runs."""
    url = await embedded.ensure_running(short_home, {})
    await schema.migrate(url)
    watching = asyncio.create_task(embedded.keep_running(short_home, {}))
    seen: list[int] = []
    async with await JobQueue.open(url) as jobs, await Database.open(url) as database:

        @jobs.task("note")
        async def note(number: int) -> None:
            seen.append(number)

        stop = asyncio.Event()
        working = asyncio.create_task(jobs.work(["lanes"], 1, stop))
        for number in (1, 2):
            await jobs.defer("note", {"number": number}, queue="other")
            os.kill(int((short_home / "pg" / "postmaster.pid").read_text().splitlines()[0]), signal.SIGKILL)
            await _again(partial(jobs.defer, "note", {"number": number}, queue="lanes"))
            await until(partial(seen.__contains__, number))
        assert await jobs.waiting("other") == 2
        async with database.transaction() as tx:
            assert await tx.fetch_one("SELECT 1 AS one") == {"one": 1}
        stop.set()
        await working
    watching.cancel()


async def _again(attempt: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await attempt()
        except DatabaseLost:
            await asyncio.sleep(0.1)
        else:
            return
