"""`lastday serve` in a process of its own, with a source that is pushed, tokens, and any port.

    with LastdayServer() as server:                        # with a PostgreSQL of its own
        server.url, server.token("entra")                  # http://127.0.0.1:41234/scim/v2, lastday_scim_...
        server.kill(); server.start()                      # as kill -9 does; the data stays, the port is another

    with LastdayServer(database_url) as one, one.beside() as other:    # two processes, one migrated database

It is the real command. Only the tokens are made by the store and not by the command line, because that is quicker.
"""

import asyncio
import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

import psycopg

from lastday.model.ids import SourceName
from lastday.model.scim import TokenScope
from lastday.store import embedded, schema
from lastday.store.database import Database, Transaction
from lastday.store.scim_tokens import TokenOrder, find_by_secret, make_token, revoke_token

ResultT = TypeVar("ResultT")

SOURCE = "idp"
MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)
ANY_SCOPE = frozenset(TokenScope)
_UNHINDERED = 100_000.0
_STARTS_S = 60.0
_LISTENS = "0A"
_CONFIGURATION = """[company]
name = "Northwind Robotics"
time_zone = "Europe/Berlin"

{sources}
[server]
listen = "{listen}"
{server}
[leaver.standard]
limit = "15m"

{more}
"""


class LastdayServer:
    """A running `lastday serve`. Ended by `stop` or the end of the `with` block, its folder and database with it."""

    def __init__(
        self,
        database_url: str | None = None,
        *,
        sources: Sequence[str] = (SOURCE,),
        listen: str = "127.0.0.1:0",
        server: str = "",
        more: str = "",
        worker: bool = False,
        migrate: bool = False,
        environment: dict[str, str] | None = None,
    ) -> None:
        """`database_url`: a migrated database that stays (an empty one with `migrate`); None: one of its own, which
        goes with it.

        `server` is added to [server], `more` to the whole configuration, `environment` to the variables.
        `worker`: the process acts on what is pushed, too.
        """
        self.home = Path(tempfile.mkdtemp(prefix="ld-", dir="/tmp"))
        self.home.chmod(0o711)  # the database server's user must get through
        self.config = self.home / "lastday.toml"
        described = "".join(f'[source.{name}]\nkind = "scim"\n\n' for name in sources)
        self.config.write_text(_CONFIGURATION.format(sources=described, listen=listen, server=server, more=more))
        self._arguments = () if worker else ("--no-worker",)
        self._environment = environment or {}
        if migrate and database_url is not None:
            _ran(schema.migrate(database_url, test_clock=True))
        self._given = database_url
        self._database_url = database_url
        self._tokens: dict[tuple[object, ...], str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = True
        self.url = ""

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def database_url(self) -> str:
        """Where its database is; made and migrated at the first need."""
        if self._database_url is None:
            self._database_url = _ran(embedded.ensure_running(self.home, {}))
            with psycopg.connect(self._database_url, autocommit=True) as connection:
                connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here survives the test anyway
                connection.execute("SELECT pg_reload_conf()")
            _ran(schema.migrate(self._database_url, test_clock=True))
        return self._database_url

    @property
    def port(self) -> int:
        """On which it listens, whatever it is reached by."""
        assert self._process is not None, "it runs"
        owned = {str(link.readlink()) for link in Path(f"/proc/{self.pid}/fd").iterdir()}
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTENS and f"socket:[{fields[9]}]" in owned:
                return int(fields[1].rpartition(":")[2], 16)
        raise AssertionError("it listens on no port")

    @property
    def pid(self) -> int:
        assert self._process is not None, "it runs"
        return self._process.pid

    def start(self) -> Self:
        """It listens; `url` is where. Raises AssertionError with what it said where it ended instead."""
        assert self._process is None, "it runs already"
        atexit.register(self.stop)
        said = self._said_in()
        with said.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lastday", "serve", *self._arguments, "-c", str(self.config)],
                env=self._variables(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
            )  # fmt: skip
        deadline = time.monotonic() + _STARTS_S
        while (found := re.search(r"listening on (\S+)\n", self.said())) is None:
            assert self._process.poll() is None, f"lastday serve ended with {self._process.returncode}: {self.said()}"
            assert time.monotonic() < deadline, f"lastday serve does not listen: {self.said()}"
            time.sleep(0.02)
        self.url = found[1]
        return self

    def beside(self) -> "LastdayServer":
        """Another process of the same installation, to be started: same home, same database, another port."""
        other = object.__new__(LastdayServer)
        other.__dict__ |= {**self.__dict__, "_process": None, "_owner": False, "url": "", "_given": self.database_url}
        other._database_url = self.database_url
        return other

    def end(self, number: int = signal.SIGTERM) -> int:
        """The process was told to end, and has; its exit code."""
        assert self._process is not None, "it runs"
        self._process.send_signal(number)
        code = self._process.wait(timeout=60)
        self._process = None
        return code

    def kill(self) -> None:
        """The process is gone without a word; the data stays."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """Nothing of it is left. Safe to call twice."""
        atexit.unregister(self.stop)
        if self._process is not None:
            self.kill()
        if self._owner and self.home.exists():
            if self._given is None and self._database_url is not None:
                _ran(embedded.stop(self.home))
            shutil.rmtree(self.home, ignore_errors=True)

    def said(self) -> str:
        """What it wrote on stderr since its start."""
        return self._said_in().read_text(encoding="utf-8", errors="replace")

    def token(
        self,
        profile: str = "strict",
        *,
        source: str = SOURCE,
        scopes: frozenset[TokenScope] = ANY_SCOPE,
        requests_per_s: float = _UNHINDERED,
        expires_at: datetime | None = None,
    ) -> str:
        """The secret of a token like this; the same one each time. It needs no running process."""
        key = (profile, source, scopes, requests_per_s, expires_at)
        if key not in self._tokens:
            order = TokenOrder(
                source=SourceName(source),
                name=f"{profile}-{len(self._tokens) + 1}-{os.getpid()}",
                profile=profile,
                scopes=scopes,
                requests_per_s=requests_per_s,
                expires_at=expires_at,
            )
            made = self.in_database(lambda tx: make_token(tx, order, MADE_AT))
            self._tokens[key] = made.secret
        return self._tokens[key]

    def revoke(self, secret: str) -> None:
        """The token with this secret is good no more; it will not be given out again."""

        async def revoked(tx: Transaction) -> None:
            found = await find_by_secret(tx, secret)
            assert found is not None, "there is such a token"
            await revoke_token(tx, found.id, datetime.now(UTC))  # noqa: TID251 - a test's clock is the real one

        self.in_database(revoked)
        self._tokens = {key: known for key, known in self._tokens.items() if known != secret}

    def in_database(self, work: Callable[[Transaction], Coroutine[object, object, ResultT]]) -> ResultT:
        """What `work` returns with a transaction of its own on the database. From a test with or without a loop."""

        async def done() -> ResultT:
            async with await Database.open(self.database_url, max_size=1) as database, database.transaction() as tx:
                return await work(tx)

        return _ran(done())

    def _variables(self) -> dict[str, str]:
        variables = {**os.environ, "LASTDAY_HOME": str(self.home), "DATABASE_URL": self.database_url}
        return variables | self._environment

    def _said_in(self) -> Path:
        return self.home / f"stderr-{id(self)}"


def _ran(work: Coroutine[object, object, ResultT]) -> ResultT:
    """What the coroutine returns, in a loop of its own, also below a running one."""
    with ThreadPoolExecutor(max_workers=1) as threads:
        return threads.submit(asyncio.run, work).result()
