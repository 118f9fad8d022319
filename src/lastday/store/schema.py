"""Brings a database to the tables that this program needs, and says whether it has them."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row, scalar_row

from lastday.model.errors import DatabaseUnusable
from lastday.store.database import Transaction, check_server
from lastday.store.revisions import CURRENT, missing_from


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
    return await asyncio.to_thread(_upgrade, database_url, test_clock)


async def pending(database_url: str) -> tuple[str, ...]:
    """The revisions that are missing, in order. Raises DatabaseUnusable for a database newer than the program."""
    await check_server(database_url)
    return missing_from(await _current(database_url))


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


def _upgrade(url: str, test_clock: bool) -> tuple[str, ...]:  # noqa: FBT001 - private, handed to a thread
    from lastday.store.upgrading import upgrade  # here, as Alembic is slow to import and seldom needed

    return upgrade(url, test_clock=test_clock)


async def _current(database_url: str) -> str | None:
    async with await psycopg.AsyncConnection.connect(database_url, row_factory=scalar_row) as connection:
        there = await (await connection.execute("SELECT to_regclass('schema_version')::text")).fetchone()
        return None if there is None else await (await connection.execute(CURRENT)).fetchone()
