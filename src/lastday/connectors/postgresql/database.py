"""The narrow door to PostgreSQL: sessions with a deadline, reads that are whole, writes in one transaction.

A statement that was sent and not answered inside the deadline is NotAnswered: the line is shut (not cancelled, which
would wait for the same silent server) and what became of it must be read. Every call takes a token of the budget first
and is noted, without parameters, afterwards.
"""

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lastday.connectors.sdk.addresses import is_loopback_host
from lastday.connectors.sdk.ports import Exchange, Ports
from lastday.model.errors import ConfigurationError, CredentialsRejected, PermissionMissing, Unreachable
from lastday.model.ids import ApplicationName

Row: TypeAlias = tuple[Any, ...]
"""One row as the driver gives it; the callers give each column its type."""
Cell: TypeAlias = str | int | bool | None
Statement: TypeAlias = sql.Composed
ResultT = TypeVar("ResultT")
GIVING_UP_S = 2

_PROTECTED = frozenset({"require", "verify-ca", "verify-full"})
_AUTHENTICATION = re.compile(
    r"authentication failed|no pg_hba\.conf entry|role \".*\" does not exist|is not permitted to log in"
)
_RETRIED = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.TooManyConnections,
)


class NotAnswered(Exception):
    """A statement was sent, or may have been, and no answer came: what became of it is unknown."""


class Refused(Exception):
    """The server answered no, and nothing of the transaction happened."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(_said(error))
        self.state = error.sqlstate or ""


class Session:
    """One connection to one database of the server."""

    def __init__(self, server: "Server", connection: psycopg.AsyncConnection[Row]) -> None:
        self._server = server
        self._connection = connection

    @property
    def version(self) -> int:
        """The server's major version."""
        return self._connection.info.server_version // 10_000

    async def rows(self, query: str, *parameters: Cell) -> list[Row]:
        """Every row of `query`. Raises Unreachable, PermissionMissing."""

        async def read() -> list[Row]:
            cursor = await self._connection.execute(query.encode(), parameters)
            return await cursor.fetchall()

        try:
            return await self._server.call("READ", " ".join(query.split()), self._connection, read())
        except NotAnswered as err:
            raise Unreachable(f"the server did not answer: {err}", where=self._server.name) from err
        except Refused as err:
            raise Unreachable(f"the server cannot be read: {err}", where=self._server.name) from err

    async def write(self, statements: Sequence[Statement]) -> None:
        """All statements took effect, or none. Raises Refused, NotAnswered, PermissionMissing, Unreachable."""

        async def act() -> None:
            async with self._connection.transaction():
                for statement in statements:
                    await self._connection.execute(statement)

        told = "; ".join(statement.as_string(self._connection) for statement in statements)
        await self._server.call("WRITE", told, self._connection, act())


class Server:
    """One PostgreSQL cluster with our credentials."""

    def __init__(self, *, application: ApplicationName, dsn: str, timeout_s: int, ports: Ports) -> None:
        self._application = application
        self._dsn = _protected(dsn, application)
        self._timeout_s = timeout_s
        self._ports = ports
        known = conninfo_to_dict(self._dsn)
        self.name = f"postgresql://{known.get('host', '')}:{known.get('port', 5432)}"
        self.verified = _is_local(str(known.get("host") or "")) or known.get("sslmode") == "verify-full"
        """The line is local, or the server's certificate is checked against its name."""

    @contextlib.asynccontextmanager
    async def session(self, database: str | None = None) -> AsyncIterator[Session]:
        """A new connection, to the database of the settings where none is named. Raises Unreachable,
        CredentialsRejected."""
        connection = await self._connect(database)
        try:
            yield Session(self, connection)
        finally:
            await connection.close()

    async def _connect(self, database: str | None) -> psycopg.AsyncConnection[Row]:
        await self._ports.budget.take(self._application)
        started = time.perf_counter()
        status = "no answer"
        try:
            async with asyncio.timeout(self._timeout_s + 1):
                connection = await psycopg.AsyncConnection.connect(self._conninfo(database), autocommit=True)
            status = "ok"
        except (psycopg.Error, OSError, TimeoutError) as err:
            raise _connect_error(err, self.name) from err
        finally:
            self._note("CONNECT", database or "", status, time.perf_counter() - started)
        return connection

    def _conninfo(self, database: str | None) -> str:
        given = str(conninfo_to_dict(self._dsn).get("options") or "")
        limit = f"-c statement_timeout={self._timeout_s * 1000} -c lock_timeout={self._timeout_s * 1000}"
        named = {"dbname": database} if database else {}
        return make_conninfo(
            self._dsn,
            application_name="lastday",
            client_encoding="utf8",
            connect_timeout=self._timeout_s,
            options=f"{given} {limit}".strip(),
            **named,
        )

    async def call(
        self, method: str, told: str, connection: psycopg.AsyncConnection[Row], work: Awaitable[ResultT]
    ) -> ResultT:
        """`work` was done inside the deadline, and noted. Raises NotAnswered (the line is shut) and Refused."""
        task = asyncio.ensure_future(work)
        status, started = "cancelled", time.perf_counter()
        try:
            await self._ports.budget.take(self._application)
            done, _ = await asyncio.wait({task}, timeout=self._timeout_s + 1)
            if not done:
                status = "no answer"
                raise NotAnswered(f"no answer within {self._timeout_s} s")
            try:
                result = task.result()
            except psycopg.Error as err:
                status = err.sqlstate or "no answer"
                raise _answer_error(err, self.name) from err
            status = "ok"
            return result
        finally:
            if status in ("cancelled", "no answer"):
                await _give_up(connection, task)
            self._note(method, told, status, time.perf_counter() - started)

    def _note(self, method: str, request: str, status: str, elapsed_s: float) -> None:
        self._ports.log.note(
            Exchange(
                application=self._application,
                method=method,
                target=self.name,
                status=status,
                request=request[:16_384],
                answer="",
                request_id=None,
                elapsed_s=elapsed_s,
            )
        )


def _protected(dsn: str, application: ApplicationName) -> str:
    """The DSN, where it can be read and its line is local or encrypted. Raises ConfigurationError."""
    where = f"[app.{application}] dsn"
    try:
        known = conninfo_to_dict(dsn)
    except psycopg.Error as err:
        raise ConfigurationError("the dsn is no PostgreSQL connection string", where=where) from err
    hosts = f"{known.get('host') or ''},{known.get('hostaddr') or ''}".split(",")
    if all(_is_local(host) for host in hosts) or known.get("sslmode") in _PROTECTED:
        return dsn
    raise ConfigurationError(
        "the dsn would let the line be open outside this machine",
        effect="The server is not contacted.",
        mend="Add sslmode=verify-full (and sslrootcert=...) to the dsn.",
        where=where,
    )


def _is_local(host: str) -> bool:
    if not host or host.startswith(("/", "@")):  # a Unix socket
        return True
    return is_loopback_host(host)


def _connect_error(err: Exception, where: str) -> CredentialsRejected | Unreachable:
    line = err.pgconn if isinstance(err, psycopg.Error) else None
    asked = line is not None and bool(line.used_password or line.needs_password)
    if asked or _AUTHENTICATION.search(str(err)):
        return CredentialsRejected(
            "the server rejected our sign-in",
            effect="Nothing is read or changed there.",
            mend="Check user and password in the dsn, and pg_hba.conf.",
            where=where,
        )
    return Unreachable(
        f"the server cannot be reached: {_first_line(err)}",
        effect="Nothing is concluded about its roles.",
        where=where,
    )


def _answer_error(err: psycopg.Error, where: str) -> Exception:
    """What an error of a statement means for who asked."""
    if err.sqlstate is None or err.sqlstate.startswith(("08", "57P")):
        return NotAnswered(_first_line(err))
    if isinstance(err, psycopg.errors.InsufficientPrivilege):
        return PermissionMissing(
            f"the server refused: {_said(err)}",
            mend="Give our role the rights listed in the connector's manifest under least_privilege.",
            where=where,
        )
    if isinstance(err, _RETRIED):
        return Unreachable(f"the server is busy: {_said(err)}", where=where)
    return Refused(err)


def _said(err: psycopg.Error) -> str:
    parts = (err.diag.message_primary, err.diag.message_detail)
    return ": ".join(part for part in parts if part) or _first_line(err)


def _first_line(err: Exception) -> str:
    return (str(err).splitlines() or [type(err).__name__])[0][:300] or type(err).__name__


def _shut(connection: psycopg.AsyncConnection[Row]) -> None:
    """The socket is shut: whoever waits on it wakes up with an error."""
    with contextlib.suppress(OSError, psycopg.Error):
        line = socket.socket(fileno=os.dup(connection.pgconn.socket))
        try:
            line.shutdown(socket.SHUT_RDWR)
        finally:
            line.close()


async def _give_up(connection: psycopg.AsyncConnection[Row], task: "asyncio.Future[ResultT]") -> None:
    """Nobody works on the connection any more: its descriptor may be closed, and used again, only after that."""
    _shut(connection)
    await asyncio.wait({task}, timeout=GIVING_UP_S)
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # taken, so that nobody hears of it twice
