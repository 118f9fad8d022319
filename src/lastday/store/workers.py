"""Who works on this database. Heartbeats are real time: they tell of machines, not of the world of the test clock."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg.rows import scalar_row

from lastday.store.database import Database, Transaction


@asynccontextmanager
async def presence(database: Database, worker: str) -> AsyncIterator[None]:
    """The worker is on the list while the block runs, and off it after; a killed one just stops beating."""
    await beat(database, worker)
    try:
        yield
    finally:
        await leave(database, worker)


async def beat(database: Database, worker: str) -> None:
    """The worker has shown just now that it lives."""
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO worker (id, host, started_at, heartbeat_at) VALUES (%s, %s, clock_timestamp(),"
            " clock_timestamp()) ON CONFLICT (id) DO UPDATE SET heartbeat_at = clock_timestamp()",
            (worker, socket.gethostname()),
        )


async def leave(database: Database, worker: str) -> None:
    """The worker is not on the list."""
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM worker WHERE id = %s", (worker,))


async def is_alive(tx: Transaction, worker: str, within_s: float) -> bool:
    """The worker is on the list and has beaten in the last `within_s` seconds."""
    return worker in await alive(tx, within_s)


async def alive(tx: Transaction, within_s: float) -> tuple[str, ...]:
    """The workers that have beaten in the last `within_s` seconds."""
    return tuple(
        await tx.fetch_all(
            "SELECT id FROM worker WHERE heartbeat_at > clock_timestamp() - make_interval(secs => %s) ORDER BY id",
            (within_s,),
            row=scalar_row,
        )
    )


async def forget_lost(tx: Transaction, silent_s: float) -> int:
    """Workers that have been silent for so long are off the list; how many were."""
    return await tx.execute(
        "DELETE FROM worker WHERE heartbeat_at < clock_timestamp() - make_interval(secs => %s)", (silent_s,)
    )
