"""Runs the revisions by Alembic. Apart, as only `migrate` needs it: importing it takes as long as all else together."""

import logging
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

from lastday.model.errors import DatabaseUnusable
from lastday.store.database import lock_key
from lastday.store.ids import new_id
from lastday.store.revisions import CURRENT, missing_from

logger = logging.getLogger(__name__)

_LOCK = lock_key("lastday migrations")


def upgrade(url: str, *, test_clock: bool) -> tuple[str, ...]:
    """The database has every table; the revisions that were missing, in order."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        missing = _missing(connection)
        if missing:
            command.upgrade(_config(connection), "head")
            logger.info("database migrated", extra={"revisions": missing})
        _mark(connection, test_clock=test_clock)
    return missing


def _missing(connection: Connection) -> tuple[str, ...]:
    there = connection.scalar(text("SELECT to_regclass('schema_version')")) is not None
    return missing_from(connection.scalar(text(CURRENT)) if there else None)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


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
