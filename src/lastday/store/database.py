"""A pool of connections, transactions on them, and notifications."""

import asyncio
import hashlib
import logging
import select
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, overload

import psycopg
from psycopg import sql
from psycopg.rows import BaseRowFactory, DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from lastday.model.canonical import JsonValue
from lastday.model.errors import DatabaseUnusable, StoreError

logger = logging.getLogger(__name__)

Row: TypeAlias = DictRow
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]
ItemT = TypeVar("ItemT")

OLDEST_SERVER = 150000
_RECONNECT_S = 0.5


class DatabaseLost(StoreError):
    """The connection broke or none could be had. A transaction that was committing may or may not have happened."""

    code = "T110"


class DatabaseBusy(StoreError):
    """Deadlock, lock or statement timeout: the transaction is rolled back and may be tried again."""

    code = "T111"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Milliseconds after which the server gives up; a stopped process must not hold locks for ever."""

    statement: int = 60_000
    lock: int = 20_000
    idle_in_transaction: int = 60_000


def as_jsonb(value: JsonValue) -> Jsonb:
    """The value as a jsonb parameter."""
    return Jsonb(value)


def lock_key(name: str) -> int:
    """The signed 64-bit key of an advisory lock; unlike hashtext() it does not collide in practice."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


class Transaction:
    """One open transaction. Rows are dicts by column name unless a row factory says otherwise."""

    __slots__ = ("_waiting", "connection")

    def __init__(self, connection: psycopg.AsyncConnection[DictRow]) -> None:
        self.connection = connection
        self._waiting: list[tuple[str, Parameters | None]] = []

    def later(self, query: str, parameters: Parameters | None = None) -> None:
        """The statement runs, in its order, before any other that follows it and before the commit.

        For writes of which nothing is asked: they share one way to the server. A fault shows where they run.
        """
        self._waiting.append((query, parameters))

    async def settle(self) -> None:
        """Everything that was to run later has run."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) > 1:
            async with self.connection.pipeline():
                for query, parameters in waiting:
                    await self.connection.execute(query, parameters)
        elif waiting:
            await self.connection.execute(*waiting[0])

    async def commit(self) -> None:
        """What was to run later has run and everything stands, in one way to the server; nothing follows."""
        async with self.connection.pipeline():
            await self.settle()
            await self.connection.commit()

    async def execute(self, query: str, parameters: Parameters | None = None) -> int:
        """Runs the statement; the number of rows it touched."""
        await self.settle()
        cursor = await self.connection.execute(query, parameters)
        return max(cursor.rowcount, 0)

    async def execute_many(self, query: str, rows: Iterable[Parameters]) -> int:
        """Runs the statement once for each row, in one pipeline; the number of rows touched in all."""
        await self.settle()
        async with self.connection.cursor() as cursor:
            await cursor.executemany(query, rows)
            return max(cursor.rowcount, 0)

    @overload
    async def fetch_one(self, query: str, parameters: Parameters | None = None) -> Row | None: ...
    @overload
    async def fetch_one(
        self, query: str, parameters: Parameters | None = None, *, row: BaseRowFactory[ItemT]
    ) -> ItemT | None: ...
    async def fetch_one(
        self, query: str, parameters: Parameters | None = None, *, row: BaseRowFactory[Any] = dict_row
    ) -> Any:
        """The first row, or None."""
        await self.settle()
        async with self.connection.cursor(row_factory=row) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchone()

    @overload
    async def fetch_all(self, query: str, parameters: Parameters | None = None) -> list[Row]: ...
    @overload
    async def fetch_all(
        self, query: str, parameters: Parameters | None = None, *, row: BaseRowFactory[ItemT]
    ) -> list[ItemT]: ...
    async def fetch_all(
        self, query: str, parameters: Parameters | None = None, *, row: BaseRowFactory[Any] = dict_row
    ) -> Any:
        """All rows. `row` is a row factory of psycopg, such as `class_row(Class)` or `scalar_row`."""
        await self.settle()
        async with self.connection.cursor(row_factory=row) as cursor:
            await cursor.execute(query, parameters)
            return await cursor.fetchall()

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """The rows are in the table, by COPY: for feeds and snapshots."""
        await self.settle()
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column) for column in columns)
        )
        async with self.connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                await copy.write_row(row)

    async def lock(self, name: str) -> None:
        """Nobody else holds the named lock until this transaction ends; waits for whoever does now."""
        await self.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(name),))

    async def try_lock(self, name: str) -> bool:
        """Whether the named lock could be had at once; it is kept until this transaction ends."""
        row = await self.fetch_one("SELECT pg_try_advisory_xact_lock(%s) AS held", (lock_key(name),))
        return row is not None and bool(row["held"])

    async def notify(self, channel: str, payload: str = "") -> None:
        """Listeners hear of it when, and only if, this transaction commits."""
        await self.execute("SELECT pg_notify(%s, %s)", (channel, payload))


class Database:
    """The way to the database. `url` stays readable for what needs connections of its own."""

    def __init__(self, url: str, pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]]) -> None:
        self.url = url
        self._pool = pool

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        min_size: int = 1,
        max_size: int = 10,
        timeouts: Timeouts | None = None,
        patience_s: float = 30,
    ) -> "Database":
        """A pool that has proven that it can connect. Raises DatabaseUnusable for an address nobody answers at and
        for a server older than PostgreSQL 15.

        Who finds no connection within `patience_s` later on gets DatabaseLost.
        """
        await check_server(url)
        pool: AsyncConnectionPool[psycopg.AsyncConnection[DictRow]] = AsyncConnectionPool(
            url,
            kwargs={"row_factory": dict_row, "options": _options(timeouts or Timeouts()), **_CONNECT},
            min_size=min_size,
            max_size=max_size,
            timeout=patience_s,
            check=_check_where_something_came,
            open=False,
        )
        try:
            await pool.open(wait=True)
        except PoolTimeout as error:
            await pool.close()
            raise _named(error) from error
        return cls(url, pool)

    async def close(self) -> None:
        """No connection is open any more."""
        await self._pool.close()

    async def __aenter__(self) -> "Database":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Commits when the block ends, rolls back when it raises.

        Raises DatabaseLost and DatabaseBusy in place of psycopg's own operational errors.
        """
        try:
            async with self._pool.connection() as connection:
                tx = Transaction(connection)
                yield tx
                await tx.settle()
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise _named(error) from error

    @asynccontextmanager
    async def at_once(self) -> AsyncIterator[Transaction]:
        """Each statement of the block is a transaction by itself: one way to the server and back instead of three."""
        try:
            async with self._pool.connection() as connection:
                await connection.set_autocommit(True)
                tx = Transaction(connection)
                try:
                    yield tx
                    await tx.settle()
                finally:
                    if not connection.closed:
                        await connection.set_autocommit(False)
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise _named(error) from error

    async def notify(self, channel: str, payload: str = "") -> None:
        """Listeners on the channel hear of it now."""
        async with self.transaction() as tx:
            await tx.notify(channel, payload)

    async def listen(self, *channels: str) -> AsyncGenerator[str, None]:
        """Payloads as they come, for ever, on a connection of its own.

        An empty payload comes first, and again after a lost connection came back: what was said meanwhile is unknown,
        so look yourself.
        """
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self.url, autocommit=True, **_CONNECT) as connection:
                    for channel in channels:
                        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                    yield ""
                    async for notification in connection.notifies():
                        yield notification.payload
            except psycopg.OperationalError:
                logger.warning("listening connection lost; connecting again", extra={"channels": channels})
                await asyncio.sleep(_RECONNECT_S)


async def _check_where_something_came(connection: psycopg.AsyncConnection[DictRow]) -> None:
    """Asks the server only where the line says something by itself, as it does when the other side is gone.

    Asking every time would be one more way to the server for each transaction. What breaks later is DatabaseLost.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        await AsyncConnectionPool.check_connection(connection)


async def check_server(url: str) -> None:
    """The server answers and is PostgreSQL 15 or newer. Raises DatabaseUnusable."""
    try:
        async with await psycopg.AsyncConnection.connect(url, **_CONNECT) as connection:
            version = connection.info.server_version
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise DatabaseUnusable(
            f"no database answers: {error}",
            effect="nothing was done",
            mend="check DATABASE_URL, or leave it out and Lastday runs its own PostgreSQL",
        ) from error
    if version < OLDEST_SERVER:
        raise DatabaseUnusable(
            f"the server is PostgreSQL {version // 10000}",
            effect="nothing was done",
            mend="use PostgreSQL 15 or newer",
            code="T104",
        )


_CONNECT: dict[str, Any] = {
    "application_name": "lastday",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def _options(timeouts: Timeouts) -> str:
    return (
        f"-c timezone=UTC -c statement_timeout={timeouts.statement} -c lock_timeout={timeouts.lock}"
        f" -c idle_in_transaction_session_timeout={timeouts.idle_in_transaction}"
    )


def _named(error: psycopg.OperationalError | PoolTimeout) -> StoreError:
    busy = (
        psycopg.errors.DeadlockDetected,
        psycopg.errors.SerializationFailure,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
    )
    if isinstance(error, busy):
        return DatabaseBusy(
            f"the database is busy: {error}", effect="the transaction was rolled back", mend="try again"
        )
    return DatabaseLost(
        f"the database is lost: {error}",
        effect="the transaction was rolled back, unless it was being committed",
        mend="it is tried again; see that PostgreSQL runs",
    )
