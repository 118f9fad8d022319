"""Our own PostgreSQL: reached through a socket, started when it is not there, never trusted by its process id.

Everything is under `home`: `pg` (data, 0700), `pg.lock`, and `programs` where the wheel's had to be copied. The server
outlives us and we outlive it: who needs it connects, and starts it only when nobody answers and no process of it lives.
"""

import asyncio
import fcntl
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import psycopg

from lastday.model.errors import DatabaseUnusable, StoreError
from lastday.store.binaries import find_binaries, make_runnable
from lastday.store.reach import Runner, choose_runner, first_closed

logger = logging.getLogger(__name__)

ROLE = "lastday"
DATABASE = "lastday"
OTHERS_LET_IN = "local all all scram-sha-256\n"
_PORT = 5432
_SOCKET = f".s.PGSQL.{_PORT}"
_SOCKET_LIMIT = 107
_START_S = 120.0
_STOP_S = 60.0
_POLL_S = 0.05
_WATCH_S = 1.0
_LAUNCHES = 3
_LOG_LIMIT = 8 * 1024 * 1024


def default_home(environment: Mapping[str, str]) -> Path:
    """`$LASTDAY_HOME`, else /var/lib/lastday for root, else ~/.local/share/lastday."""
    named = environment.get("LASTDAY_HOME")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/lastday")
    return Path(environment.get("HOME", "~")).expanduser() / ".local" / "share" / "lastday"


async def ensure_running(
    home: Path, environment: Mapping[str, str] | None = None, *, others_with_passwords: bool = False
) -> str:
    """The server runs and takes connections; its URL. Found running, started, or recovered after a crash.

    `others_with_passwords` lets roles other than ours in, by password and through the socket: for a server that is
    not Lastday's own but an application. Raises DatabaseUnusable where the place cannot serve (named), StoreError
    where the server does not come up.
    """
    known = os.environ if environment is None else environment
    return await asyncio.to_thread(_ensure_running, home, known, others_with_passwords=others_with_passwords)


async def stop(home: Path) -> bool:
    """No process of the server lives any more; whether one did. Open connections of others are cut, data is safe."""
    return await asyncio.to_thread(_stop, home)


async def keep_running(home: Path, environment: Mapping[str, str] | None = None) -> None:
    """For ever: a server that died is started again within about a second. For whoever serves or works."""
    while True:
        if not _runs(home):
            logger.warning("PostgreSQL is gone; starting it again", extra={"home": str(home)})
            try:
                await ensure_running(home, environment)
            except StoreError as error:
                logger.warning("PostgreSQL did not start", extra={"cause": error.what})
        await asyncio.sleep(_WATCH_S)


@dataclass(frozen=True, slots=True)
class _Place:
    home: Path
    runner: Runner
    sockets: Path

    @property
    def data(self) -> Path:
        return self.home / "pg"

    def url(self, database: str) -> str:
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self.sockets), safe='')}&port={_PORT}"


def _ensure_running(home: Path, environment: Mapping[str, str], *, others_with_passwords: bool) -> str:
    home = _made_home(home)
    with _locked(home):
        place = _place(home)
        if not _answers(place):
            _start(place, environment, OTHERS_LET_IN if others_with_passwords else "")
        return place.url(DATABASE)


def _place(home: Path) -> _Place:
    runner = choose_runner(home / "pg")
    closed = first_closed(home, runner)
    if closed is not None:
        raise DatabaseUnusable(
            f"the server runs as user {runner.name}, and it may not pass {closed}",
            effect="nothing was started",
            mend=f"chmod o+x {closed}, or let LASTDAY_HOME name a folder it can reach (such as /var/lib/lastday)",
            code="T102",
            where=str(closed),
        )
    return _Place(home, runner, _socket_folder(home, runner))


def _made_home(home: Path) -> Path:
    home = home.absolute()
    try:
        if not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            home.mkdir(mode=0o700, exist_ok=True)
            home.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise DatabaseUnusable(
            f"{home} cannot be made: {error.strerror}",
            effect="nothing was started",
            mend="let LASTDAY_HOME name a folder that you may write to",
            code="T102",
            where=str(error.filename or home),
        ) from error
    return home.resolve()


def _socket_folder(home: Path, runner: Runner) -> Path:
    """The data folder itself, or a short private folder where the socket's path would be too long for the kernel."""
    data = home / "pg"
    if len(os.fsencode(data / _SOCKET)) <= _SOCKET_LIMIT:
        return data
    folder = Path("/tmp") / f"lastday-{sha256(os.fsencode(data)).hexdigest()[:16]}"  # noqa: S108 - checked below
    if not folder.is_symlink() and not folder.exists():
        folder.mkdir(mode=0o700)
        os.chown(folder, runner.uid, runner.gid)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid != runner.uid or status.st_mode & 0o777 != 0o700:
        raise DatabaseUnusable(
            f"{folder} is not a private folder of user {runner.name}: somebody else made it",
            effect="nothing was started; that place is needed because the path of the home is too long for a socket",
            mend=f"remove {folder}, or let LASTDAY_HOME name a shorter path",
            code="T107",
            where=str(folder),
        )
    return folder


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    """One process at a time starts, migrates or stops; the kernel lets go of the lock of a process that dies."""
    try:
        descriptor = os.open(home / "pg.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseUnusable(
            f"{home} cannot be written to: {error.strerror}",
            effect="nothing was started",
            mend="let LASTDAY_HOME name a folder that you may write to",
            code="T102",
            where=str(home),
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _answers(place: _Place) -> bool:
    if not (place.sockets / _SOCKET).exists():
        return False
    try:
        with psycopg.connect(place.url(DATABASE), connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def _start(place: _Place, environment: Mapping[str, str], others: str) -> None:
    major = _major_of(place.data)
    binaries = make_runnable(find_binaries(environment, major), place.home, place.runner).folder
    if major is None:
        _make_data(place, binaries)
    _write_settings(place, others)
    until = time.monotonic() + _START_S
    launches = 0
    while not (_accepts(place) or time.monotonic() > until):
        if _living(place.data):  # starting, recovering, or children that have not noticed yet that their parent died
            time.sleep(_POLL_S)
        elif launches == _LAUNCHES:
            break
        else:
            time.sleep(launches)
            _remove_stale_locks(place)
            _launch(place, binaries)
            launches += 1
    if not _accepts(place):
        raise StoreError(
            f"PostgreSQL did not come up: {_last_words(place)}",
            effect="nothing was done",
            mend=f"read {place.data / 'server.log'}",
            code="T108",
        )
    _make_database(place)


def _major_of(data: Path) -> int | None:
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DatabaseUnusable(
            f"{data / 'PG_VERSION'} names no version",
            effect="nothing was started",
            mend="the data is damaged: restore a backup",
            code="T103",
            where=str(data),
        ) from error


def _make_data(place: _Place, binaries: Path) -> None:
    """initdb into a folder beside, renamed when it is whole: a crash leaves nothing half made."""
    making = place.home / "pg.new"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    os.chown(making, place.runner.uid, place.runner.gid)
    arguments = ["-D", str(making), "-U", ROLE, "-A", "peer", "-E", "UTF8", "--locale=C", "-k", "--no-instructions"]
    done = _run(place.runner, [binaries / "initdb", *arguments])
    if done.returncode != 0:
        raise StoreError(f"initdb failed: {done.stderr.strip()}", effect="nothing was made", code="T108")
    if place.data.exists():
        place.data.rmdir()
    making.rename(place.data)


def _write_settings(place: _Place, others: str) -> None:
    """The whole of the server's settings: reached through the socket only, by us only, and it never loses a commit.

    `others` are lines of pg_hba.conf for roles that are not ours.
    """
    folder = str(place.sockets).replace("'", "''").replace('"', '""')
    users = sorted({"root", place.runner.name} if os.geteuid() == 0 else {place.runner.name})
    _write(place, "pg_hba.conf", f"local all {ROLE} peer map={ROLE}\n{others}")
    _write(place, "pg_ident.conf", "".join(f'{ROLE} "{user}" {ROLE}\n' for user in users))
    _write(
        place,
        "postgresql.conf",
        "listen_addresses = ''\n"
        f"unix_socket_directories = '\"{folder}\"'\n"
        f"port = {_PORT}\n"
        "unix_socket_permissions = 0700\n"
        "fsync = on\nsynchronous_commit = on\nfull_page_writes = on\n"
        "max_connections = 200\nshared_buffers = 64MB\ntimezone = 'UTC'\nlog_timezone = 'UTC'\n"
        "log_checkpoints = off\nlog_line_prefix = '%m [%p] '\n",
    )


def _write(place: _Place, name: str, text: str) -> None:
    """Never through a link: the folder belongs to the server's user, and we may be root."""
    path = place.data / name
    if not path.is_symlink() and path.exists() and path.read_text() == text:
        return
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        os.fchown(descriptor, place.runner.uid, place.runner.gid)
    fresh.rename(path)


def _launch(place: _Place, binaries: Path) -> None:
    """pg_ctl starts the server in a session of its own and ends: the server is never our child, so never our zombie."""
    log = place.data / "server.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.rename(log.with_suffix(".log.old"))
    options = ["-D", str(place.data), "-l", str(log), "-w", "-t", str(int(_START_S))]
    _run(place.runner, [binaries / "pg_ctl", "start", *options])


def _run(runner: Runner, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - programs that find_binaries found
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"},
        start_new_session=True,
        umask=0o077,
        user=None if runner.is_us else runner.uid,
        group=None if runner.is_us else runner.gid,
        extra_groups=None if runner.is_us else [],
    )


def _accepts(place: _Place) -> bool:
    """Takes connections to any database: ours is not there yet after initdb."""
    try:
        with psycopg.connect(place.url("postgres"), connect_timeout=5):
            return True
    except psycopg.OperationalError:
        return False


def _make_database(place: _Place) -> None:
    with psycopg.connect(place.url("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")


def _living(data: Path) -> tuple[int, ...]:
    """Processes that work in the data folder, as every process of a PostgreSQL server does; a zombie does not.

    The process id in postmaster.pid says nothing: after a crash it may be a zombie's or, by now, anybody's.
    """
    return tuple(int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _works_in(entry, data))


def _works_in(process: Path, data: Path) -> bool:
    try:
        return (process / "cwd").readlink() == data
    except PermissionError:  # root in a container may not look; what was started with this folder it may
        return _started_with(process, data)
    except OSError:  # gone, or a zombie
        return False


def _started_with(process: Path, data: Path) -> bool:
    try:
        return os.fsencode(data) in (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def _remove_stale_locks(place: _Place) -> None:
    """PostgreSQL refuses to start while the id in one of these files is taken, be it by a zombie or a stranger."""
    for stale in (place.data / "postmaster.pid", place.sockets / f"{_SOCKET}.lock", place.sockets / _SOCKET):
        stale.unlink(missing_ok=True)


def _last_words(place: _Place) -> str:
    log = place.data / "server.log"
    if log.is_symlink() or not log.exists():
        return "it wrote no log"
    lines = log.read_text(errors="replace").splitlines()
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "ERROR" in line]
    return (telling or lines or ["it wrote nothing"])[-1]


def _stop(home: Path) -> bool:
    home = home.absolute().resolve()
    if not (home / "pg" / "PG_VERSION").exists():
        return False
    with _locked(home):
        lived = bool(_living(home / "pg"))
        postmaster = _postmaster(home / "pg")
        if postmaster is not None:
            os.kill(postmaster, signal.SIGINT)  # PostgreSQL's "fast": cut connections, write everything, end
        _wait(lambda: not _living(home / "pg"), _STOP_S)
        return lived


def _runs(home: Path) -> bool:
    return _postmaster(home.resolve() / "pg") is not None


def _postmaster(data: Path) -> int | None:
    """The id in the file, where the process of that id is this server's."""
    try:
        process = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    return process if _works_in(Path("/proc") / str(process), data) else None


def _wait(true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise StoreError("PostgreSQL did not stop in time", effect="it is still running", code="T108")
        time.sleep(_POLL_S)
