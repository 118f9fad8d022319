"""Brings a database to the tables that this program needs, and says whether it has them."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg.rows import class_row
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from lastday.model.errors import DatabaseUnusable
from lastday.store.database import Transaction, check_server, lock_key
from lastday.store.ids import new_id

logger = logging.getLogger(__name__)

_LOCK = lock_key("lastday migrations")


@dataclass(frozen=True, slots=True)
class Installation:
    """What the database says of itself. On a test database `LASTDAY_TEST_CLOCK` counts."""

    instance_id: str
    test_clock: bool
    created_at: datetime


async def migrate(database_url: str, *, test_clock: bool = False) -> tuple[str, ...]:
    """The database has every table; the revisions that were missing, in order, none when it had them all.

    One migration runs at a time, all of it in one transaction. Raises DatabaseUnusable where the database is newer than
    the program, too old a server, or an ordinary one although `test_clock` asks for a test database.
    """
    await check_server(database_url)
    return await asyncio.to_thread(_migrate, database_url, test_clock)


async def pending(database_url: str) -> tuple[str, ...]:
    """The revisions that are missing, in order. Raises DatabaseUnusable for a database newer than the program."""
    await check_server(database_url)
    return await asyncio.to_thread(_pending, database_url)


async def read_installation(tx: Transaction) -> Installation:
    """What the database says of itself. Raises DatabaseUnusable where it was never migrated."""
    found = await tx.fetch_one("SELECT to_regclass('installation') IS NOT NULL AS there")
    if not (found and found["there"]):
        raise DatabaseUnusable(
            "the database has no tables yet", effect="nothing was done", mend="run `lastday migrate`"
        )
    installation = await tx.fetch_one(
        "SELECT instance_id, test_clock, created_at FROM installation", row=class_row(Installation)
    )
    if installation is None:
        raise DatabaseUnusable("the database does not say what it is", mend="run `lastday migrate`")
    return installation


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _migrate(url: str, test_clock: bool) -> tuple[str, ...]:  # noqa: FBT001 - private, handed to a thread
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        missing = _missing(connection)
        if missing:
            command.upgrade(_config(connection), "head")
            logger.info("database migrated", extra={"revisions": missing})
        _mark(connection, test_clock=test_clock)
    return missing


def _pending(url: str) -> tuple[str, ...]:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.connect() as connection:
        return _missing(connection)


def _missing(connection: Connection) -> tuple[str, ...]:
    script = ScriptDirectory.from_config(_config())
    known = [revision.revision for revision in script.walk_revisions()][::-1]
    if connection.scalar(text("SELECT to_regclass('schema_version')")) is None:
        return tuple(known)
    current = connection.scalar(text("SELECT version_num FROM schema_version"))
    if current is None:
        return tuple(known)
    if current not in known:
        raise DatabaseUnusable(
            f"the database is newer than this program: it has revision {current}, this program ends at {known[-1]}",
            effect="nothing was changed",
            mend="install the Lastday that made it, or a newer one",
            code="T105",
        )
    return tuple(known[known.index(current) + 1 :])


def _mark(connection: Connection, *, test_clock: bool) -> None:
    connection.execute(
        text("INSERT INTO installation (instance_id, test_clock) VALUES (:id, :test) ON CONFLICT DO NOTHING"),
        {"id": new_id("db"), "test": test_clock},
    )
    if test_clock and not connection.scalar(text("SELECT test_clock FROM installation")):
        raise DatabaseUnusable(
            "this database was not made for tests",
            effect="nothing was changed; its clock stays the real one",
            mend="use `lastday migrate --test` on a new database",
            code="T106",
        )
