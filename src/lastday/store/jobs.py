"""The job queue: Procrastinate over the same database. A job is a hint to look, never the only place of a state.

Where Procrastinate 3.10 needs help, as its source shows:
- `defer` reads the server's words to tell a doubled hint from a fault, which fails on a server that speaks German, and
  its error would abort a transaction: hints are inserted with ON CONFLICT DO NOTHING instead.
- its monitor of the heartbeat and the listener ends with the first of its side tasks, and the periodic one ends at once
  when nothing is periodic: the housekeeping job keeps it awake.
- a notification that comes while it looks for jobs is forgotten, so it looks twice a second anyway; and it says nothing
  when a lock comes free, so a trigger of ours does (0002_world.sql).
- a stalled job is finished and deferred afresh: `retry_job` collides with the waiting job of the same queueing_lock.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.worker import Worker
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from lastday.model.canonical import JsonValue
from lastday.store.database import DatabaseLost, as_jsonb

logger = logging.getLogger(__name__)

_Pool: TypeAlias = AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]
_HOUSEKEEPING = "housekeeping"
_KEEP_FAILED_H = 72
_BEAT_S = 2.0
_POLL_S = 0.5
_AGAIN_S = 0.5
_GONE_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """One job of many of a kind: no two with the same lock run, or wait, at once."""

    args: Mapping[str, JsonValue]
    lock: str
    priority: int = 0


class JobQueue:
    """Hints to workers. `task` names a body, `defer` asks for it, `work` does what is asked for."""

    def __init__(self, app: App, pool: _Pool, beat_s: float) -> None:
        self._app = app
        self._pool = pool
        self._beat_s = beat_s

    @classmethod
    async def open(cls, url: str, *, max_size: int = 4, beat_s: float = _BEAT_S) -> "JobQueue":
        """A queue that is connected; its workers show every `beat_s` that they live. Raises DatabaseLost where nobody
        answers.
        """
        pool: _Pool = AsyncConnectionPool(
            url,
            kwargs={"row_factory": dict_row, "application_name": "lastday jobs", "options": "-c timezone=UTC"},
            min_size=1,
            max_size=max_size,
            timeout=10.0,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )
        try:
            await pool.open(wait=True, timeout=10.0)
        except PoolTimeout as error:
            await pool.close()
            raise DatabaseLost(f"the job queue does not reach its database: {error}") from error
        app = App(connector=PsycopgConnector())
        await app.open_async(pool)
        queue = cls(app, pool, beat_s)
        queue._keep_house()
        return queue

    async def close(self) -> None:
        """No connection is open any more."""
        await self._app.close_async()
        await self._pool.close()

    async def __aenter__(self) -> "JobQueue":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def task(self, name: str) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
        """Jobs of this name run the decorated function with their arguments. A fault ends the job; it is logged."""

        def register(body: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
            self._app.task(name=name)(body)
            return body

        return register

    async def defer(
        self,
        name: str,
        args: Mapping[str, JsonValue],
        *,
        lock: str | None = None,
        queueing_lock: str | None = None,
        priority: int = 0,
        queue: str = "default",
    ) -> bool:
        """The job waits, committed; False where one with its queueing_lock waited already, which is as good.

        Higher priorities go first. To be called after the commit of the state it hints at, never inside of it.
        """
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)"
                    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING",
                    (queue, name, priority, lock, queueing_lock, as_jsonb(dict(args))),
                )
                return cursor.rowcount == 1
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseLost(f"the hint was lost: {error}", effect="the next scan finds what is due") from error

    async def defer_many(self, queue: str, name: str, hints: Sequence[Hint]) -> int:
        """A job of each hint waits, committed together; how many did not before.

        Together, because a worker that fetches while another job is announced does not hear of it until its next poll.
        """
        if not hints:
            return 0
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args)"
                    " SELECT %s, %s, h.priority, h.lock, h.lock, h.args"
                    " FROM unnest(%s::int[], %s::text[], %s::jsonb[]) AS h (priority, lock, args)"
                    " ON CONFLICT (queueing_lock) WHERE status = 'todo' DO NOTHING",
                    (
                        queue,
                        name,
                        [hint.priority for hint in hints],
                        [hint.lock for hint in hints],
                        [as_jsonb(dict(hint.args)) for hint in hints],
                    ),
                )
                return cursor.rowcount
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise DatabaseLost(f"hints were lost: {error}", effect="the next scan finds what is due") from error

    async def work(self, queues: Sequence[str], concurrency: int, stop_event: asyncio.Event) -> None:
        """Jobs of these queues are run until `stop_event` is set and those that had begun have ended.

        A worker that lost its database is replaced by a new one for as long as it takes.
        """
        while not stop_event.is_set():
            worker = self._worker(queues, concurrency)
            stopper = asyncio.create_task(_stop_when(stop_event, worker))
            try:
                await worker.run()  # type: ignore[no-untyped-call]  # Procrastinate leaves it without annotations
            except ConnectorException as error:
                logger.warning("job worker lost its database", extra={"cause": repr(error.__cause__)})
            finally:
                stopper.cancel()
            if not stop_event.is_set():
                logger.warning("job worker ended early; starting another")
                await asyncio.sleep(_AGAIN_S)

    async def rescue_stalled(self, seconds: float) -> int:
        """Jobs whose worker has not shown itself for so long are ended and wait afresh; how many they were."""
        try:
            stalled = list(await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds))
        except ConnectorException as error:
            raise DatabaseLost("stalled jobs could not be looked for", effect="tried again") from error
        return sum([await self._rescue(job) for job in stalled])

    async def waiting(self, queue: str) -> int:
        """How many jobs of the queue wait or run."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT count(*) AS jobs FROM procrastinate_jobs WHERE queue_name = %s AND status IN ('todo', 'doing')",
                (queue,),
            )
            row = await cursor.fetchone()
            return 0 if row is None else int(row["jobs"])

    async def _rescue(self, job: Job) -> bool:
        if job.id is None:
            return False
        try:
            await self._app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        except ConnectorException:  # its worker finished it after all, or somebody else rescued it
            return False
        logger.warning("stalled job deferred afresh", extra={"job": job.id, "task_name": job.task_name})
        await self.defer(
            job.task_name,
            job.task_kwargs,
            lock=job.lock,
            queueing_lock=job.queueing_lock,
            priority=job.priority,
            queue=job.queue,
        )
        return True

    def _worker(self, queues: Sequence[str], concurrency: int) -> Worker:
        return Worker(
            self._app,
            queues=[*queues, _HOUSEKEEPING],
            concurrency=concurrency,
            install_signal_handlers=False,
            delete_jobs="successful",
            fetch_job_polling_interval=_POLL_S,
            update_heartbeat_interval=self._beat_s,
            stalled_worker_timeout=_GONE_S,
        )

    def _keep_house(self) -> None:
        manager = self._app.job_manager

        async def housekeeping(timestamp: int) -> None:  # noqa: ARG001 - Procrastinate hands the tick to what is periodic
            await manager.delete_old_jobs(
                _KEEP_FAILED_H, include_failed=True, include_cancelled=True, include_aborted=True
            )

        body = self._app.task(name=_HOUSEKEEPING, queue=_HOUSEKEEPING)(housekeeping)
        self._app.periodic(cron="17 * * * *")(body)


async def _stop_when(event: asyncio.Event, worker: Worker) -> None:
    await event.wait()
    worker.stop()  # type: ignore[no-untyped-call]  # Procrastinate leaves it without annotations
