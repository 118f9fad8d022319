"""Who holds a token is known for a second at most, and refused at once where the notification comes."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import psycopg
import pytest

from lastday.interfaces.scim import clients as module
from lastday.interfaces.scim import renewed
from lastday.interfaces.scim.clients import TokenClients
from lastday.model.ids import SourceName
from lastday.model.scim import TokenScope
from lastday.store.database import Database, DatabaseLost
from lastday.store.scim_tokens import (
    TOKENS_CHANGED,
    TokenOrder,
    find_by_secret,
    make_token,
    revoke_token,
    rotate_token,
)
from tests.integration.execution.pushes import NOON

SOURCES = {SourceName("idp")}


class SetClock:
    def __init__(self):
        self.instant = NOON

    def now(self):
        return self.instant


@pytest.fixture
def clock():
    return SetClock()


async def token(database, name="entra", *, expires_at=None, rate=50.0):
    order = TokenOrder(
        source=SourceName("idp"),
        name=name,
        profile="entra",
        scopes=frozenset({TokenScope.READ}),
        requests_per_s=rate,
        expires_at=expires_at,
    )
    async with database.transaction() as tx:
        return await make_token(tx, order, NOON)


async def test_a_token_says_who_calls_and_any_other_text_says_nothing(database, clock):
    made = await token(database)
    clients = TokenClients(database, clock, SOURCES)
    assert await clients.authenticate(made.secret) == made.token.client
    for wrong in ("", made.secret[:-1], made.secret + "0", made.secret.upper(), made.token.id, "\udcff", "a\0b"):
        assert await clients.authenticate(wrong) is None


async def test_a_token_is_good_until_the_moment_at_which_it_expires(database, clock):
    made = await token(database, expires_at=NOON + timedelta(hours=1))
    clients = TokenClients(database, clock, SOURCES)
    clock.instant = NOON + timedelta(hours=1) - timedelta(microseconds=1)
    assert await clients.authenticate(made.secret) is not None
    clock.instant = NOON + timedelta(hours=1)
    assert await clients.authenticate(made.secret) is None


async def test_after_a_rotation_both_tokens_are_good_for_the_overlap(database, clock):
    old = await token(database)
    clients = TokenClients(database, clock, SOURCES)
    assert await clients.authenticate(old.secret) is not None
    async with database.transaction() as tx:
        new = await rotate_token(tx, old.token.id, NOON, overlap=timedelta(days=7))
    async with listening(database, clients):
        assert await clients.authenticate(new.secret) == new.token.client
        assert await clients.authenticate(old.secret) == old.token.client
        clock.instant = NOON + timedelta(days=7)
        assert await clients.authenticate(old.secret) is None
        assert await clients.authenticate(new.secret) == new.token.client


async def test_a_token_of_a_source_that_is_not_configured_any_more_is_refused(database, clock):
    made = await token(database)
    clients = TokenClients(database, clock, {SourceName("another")})
    assert await clients.authenticate(made.secret) is None


@asynccontextmanager
async def listening(database, clients):
    task = asyncio.create_task(clients.listen())
    try:
        async with (
            asyncio.timeout(20),
            await psycopg.AsyncConnection.connect(database.url, autocommit=True) as connection,
        ):
            found = 0
            while not found:
                asked = await connection.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE %s",
                    (f'LISTEN "{TOKENS_CHANGED}"%',),
                )
                [(found,)] = await asked.fetchall()
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_revoked_token_is_refused_as_soon_as_it_is_told(database, clock, monkeypatch):
    """Long before what was looked up counts no longer: here it always would."""
    monkeypatch.setattr(renewed, "LASTS_S", 1e9)
    monkeypatch.setattr(renewed, "RENEW_AFTER_S", 1e9)
    made = await token(database)
    clients = TokenClients(database, clock, SOURCES)
    async with listening(database, clients):
        assert await clients.authenticate(made.secret) is not None
        async with database.transaction() as tx:
            await revoke_token(tx, made.token.id, NOON)
        async with asyncio.timeout(20):
            while await clients.authenticate(made.secret) is not None:
                await asyncio.sleep(0.01)


async def test_a_revoked_token_is_refused_after_a_second_where_nothing_is_told(database, clock):
    made = await token(database)
    clients = TokenClients(database, clock, SOURCES)
    assert await clients.authenticate(made.secret) is not None
    async with database.transaction() as tx:
        await revoke_token(tx, made.token.id, NOON)
    await asyncio.sleep(renewed.LASTS_S)
    assert await clients.authenticate(made.secret) is None


async def test_a_token_that_was_tried_before_it_was_made_becomes_good(database, clock, monkeypatch):
    made = await token(database, "early")
    async with database.transaction() as tx:
        await tx.execute("UPDATE scim_token SET hash = decode(repeat('00', 32), 'hex') WHERE id = %s", (made.token.id,))
    clients = TokenClients(database, clock, SOURCES)
    assert await clients.authenticate(made.secret) is None
    async with database.transaction() as tx:
        await tx.execute("UPDATE scim_token SET hash = sha256(%s::bytea) WHERE id = %s", (made.secret, made.token.id))
    await asyncio.sleep(renewed.LASTS_S)
    assert await clients.authenticate(made.secret) is not None


async def test_many_requests_with_one_token_look_it_up_once(database, clock, monkeypatch):
    made = await token(database)
    clients = TokenClients(database, clock, SOURCES)
    looked_up = []

    async def noted(tx, secret):
        looked_up.append(secret)
        return await find_by_secret(tx, secret)

    monkeypatch.setattr(module, "find_by_secret", noted)
    assert all(await asyncio.gather(*(clients.authenticate(made.secret) for _ in range(200))))
    assert all([await clients.authenticate(made.secret) for _ in range(200)])
    assert looked_up == [made.secret]


async def test_without_the_database_nobody_is_taken_for_anybody(database_url, clock):
    """Neither let in nor told that the token is wrong."""
    async with await Database.open(database_url) as database:
        made = await token(database)
        clients = TokenClients(database, clock, SOURCES)
    with pytest.raises(DatabaseLost):
        await clients.authenticate(made.secret)


async def test_made_up_tokens_neither_fill_memory_nor_drive_out_a_true_one(database, clock, monkeypatch):
    made = await token(database)
    clients = TokenClients(database, clock, SOURCES)
    monkeypatch.setattr(clients._known, "_most", 50)
    for number in range(300):
        assert await clients.authenticate(f"made-up-{number}") is None
        if number % 10 == 0:
            assert await clients.authenticate(made.secret) is not None
    assert len(clients._known) == 50


async def test_the_hour_of_use_is_written_down_and_waits_for_the_database(database, clock):
    used, idle = await token(database, "used"), await token(database, "idle")
    clients = TokenClients(database, clock, SOURCES)
    await clients.authenticate(used.secret)
    clients._database = closed = await Database.open(database.url)
    await closed.close()
    await clients.write_down_use()
    clients._database = database
    await clients.write_down_use()
    async with database.transaction() as tx:
        noted = [await find_by_secret(tx, one.secret) for one in (used, idle)]
    assert [one and one.last_used_at for one in noted] == [NOON, None]


async def test_a_client_beyond_its_rate_is_told_how_long_to_wait(database, clock):
    made = await token(database, rate=0.05)
    clients = TokenClients(database, clock, SOURCES)
    found = await clients.authenticate(made.secret)
    assert found is not None
    assert clients.seconds_to_wait(found) == 0.0
    assert 0 < clients.seconds_to_wait(found) <= 20.0
