"""The rate of each application, shared by all workers: a bucket of tokens in one row, in real time."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from lastday.model.ids import ApplicationName
from lastday.store.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Rate:
    """Requests a second, and how many may be sent at once after a pause."""

    per_second: float
    burst: float


async def take(tx: Transaction, application: str, rate: float, burst: float) -> float:
    """One token is taken; after that many seconds, 0 where there was one, it may be used.

    Tokens are promised in the order of asking, so nobody asks twice. Commit at once: others wait for the row.
    """
    row = await tx.fetch_one(
        "INSERT INTO budget (application, tokens, refilled_at) VALUES (%(app)s, %(burst)s - 1, clock_timestamp())"
        " ON CONFLICT (application) DO UPDATE SET"
        " tokens = least(%(burst)s, budget.tokens + %(rate)s"
        "   * greatest(0, extract(epoch FROM clock_timestamp() - budget.refilled_at)::float8)) - 1,"
        " refilled_at = greatest(budget.refilled_at, clock_timestamp())"
        " RETURNING tokens, extract(epoch FROM refilled_at - clock_timestamp())::float8 AS ahead,"
        " set_config('synchronous_commit', 'off', true)",  # a token lost in a crash of the server costs nothing
        {"app": application, "rate": float(rate), "burst": float(burst)},
    )
    if row is None:
        return 0.0
    return max(0.0, float(row["ahead"])) + max(0.0, -float(row["tokens"]) / rate)


async def block(tx: Transaction, application: str, seconds: float) -> None:
    """No token is to be used for so long; a longer block stays. Tokens grow again from its end on."""
    await tx.execute(
        "INSERT INTO budget (application, tokens, refilled_at, blocked_until)"
        " VALUES (%(app)s, 0, clock_timestamp() + %(for)s * interval '1 second',"
        " clock_timestamp() + %(for)s * interval '1 second')"
        " ON CONFLICT (application) DO UPDATE SET tokens = least(budget.tokens, 0),"
        " refilled_at = greatest(budget.refilled_at, excluded.refilled_at),"
        " blocked_until = greatest(budget.blocked_until, excluded.blocked_until)",
        {"app": application, "for": float(seconds)},
    )


async def blocked_for(tx: Transaction, application: str) -> float:
    """How many seconds the application is still blocked; 0 where it is not."""
    row = await tx.fetch_one(
        "SELECT greatest(0, extract(epoch FROM blocked_until - clock_timestamp()))::float8 AS left_s"
        " FROM budget WHERE application = %s AND blocked_until IS NOT NULL",
        (application,),
    )
    return 0.0 if row is None else float(row["left_s"])


class SharedBudget:
    """The connectors' port `Budget` over the shared rows. One without a rate waits for blocks only."""

    def __init__(self, database: Database, rates: Mapping[ApplicationName, Rate]) -> None:
        self._database = database
        self._rates = rates

    async def take(self, application: ApplicationName) -> None:
        """Waits until a request may be sent: for a token, and for the end of a block that came meanwhile."""
        rate = self._rates.get(application)
        if rate is not None:
            async with self._database.at_once() as tx:
                wait = await take(tx, application, rate.per_second, rate.burst)
            if wait == 0:
                return
            await asyncio.sleep(wait)
        while (left := await self._left(application)) > 0:  # noqa: ASYNC110 - the block lies in the database
            await asyncio.sleep(left)

    async def block(self, application: ApplicationName, seconds: float) -> None:
        """Nobody sends anything to the application for so long."""
        async with self._database.transaction() as tx:
            await block(tx, application, seconds)

    async def _left(self, application: ApplicationName) -> float:
        async with self._database.at_once() as tx:
            return await blocked_for(tx, application)
