"""Two things that say something of the same person at once: neither is lost (invariant: nobody is walked never)."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from lastday.execution.batching import SERIALISED
from lastday.execution.intake import read_source, set_walked
from lastday.model.ids import SourceName
from lastday.store import identities

FRIDAY = datetime(2026, 11, 27, 17, tzinfo=UTC)


async def until_it_waits(session):
    """Somebody waits for a lock that somebody else has."""
    for _ in range(200):
        async with session.engine.database.transaction() as tx:
            row = await tx.fetch_one("SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        if row["n"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("nobody waits")


def test_a_feed_forgets_no_end_that_came_beside_it(company):
    """The last to write would else say that nothing is due of whoever another source just ended."""
    person = company.identity("E4")

    async def work(session):
        engine = session.engine
        async with engine.database.transaction() as tx:
            await tx.lock(SERIALISED)
            reading = asyncio.create_task(read_source(engine, SourceName("hr")))
            await until_it_waits(session)
            known = await identities.load_identity(tx, person)
            assert known is not None
            ended = replace(known, engagements=tuple(replace(e, ends_at=FRIDAY) for e in known.engagements))
            now = engine.clock.now()
            await identities.save_identities(tx, [ended], now)
            await set_walked(tx, [ended], now)
        await reading
        async with engine.database.transaction() as tx:
            kept = await identities.load_identity(tx, person)
            walked = await identities.load_walked(tx, [person])
        return kept, walked[person]

    company.deliver(E3={"department": "Sales"})
    kept, walked = company.in_session(work)
    assert (kept.engagements[0].ends_at is None) == (walked.next_change_at is None)
