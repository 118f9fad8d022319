"""One PostgreSQL for each test process, and a fresh migrated database for each test that asks for one."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from lastday.store import embedded, schema
from lastday.store.database import Database

_numbers = count(1)


@pytest.fixture
def short_home() -> Iterator[Path]:
    """A home that the server's user can reach (pytest's own folders are closed to it); stopped and removed after."""
    home = Path(tempfile.mkdtemp(prefix="ld-", dir="/tmp"))
    home.chmod(0o711)
    yield home
    asyncio.run(embedded.stop(home))
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """The URL of a server's first database, migrated as a test database; every other is copied from it."""
    home = Path(tempfile.mkdtemp(prefix="ld-", dir="/tmp"))
    home.chmod(0o711)
    url = asyncio.run(embedded.ensure_running(home, {}))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")  # nothing here survives the session anyway
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE migrated_template")
    asyncio.run(schema.migrate(url.replace("/lastday?", "/migrated_template?"), test_clock=True))
    yield url
    asyncio.run(embedded.stop(home))
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_url(database_server: str) -> Iterator[str]:
    """A fresh database with every table, made with `--test`."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated_template")
        yield database_server.replace("/lastday?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with await Database.open(database_url, max_size=8) as opened:
        yield opened
