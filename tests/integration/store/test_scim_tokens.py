"""Tokens of SCIM clients: shown once, found by their secret alone, rotated with an overlap."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lastday.model.errors import InputError
from lastday.model.ids import SourceName, TokenId
from lastday.model.scim import TokenScope
from lastday.store.database import Database
from lastday.store.scim_tokens import (
    TOKENS_CHANGED,
    TokenOrder,
    find_by_secret,
    hash_of,
    list_tokens,
    make_token,
    note_used,
    revoke_token,
    rotate_token,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ORDER = TokenOrder(
    source=SourceName("idp"),
    name="entra-production",
    profile="entra",
    scopes=frozenset({TokenScope.READ, TokenScope.WRITE}),
    requests_per_s=25.5,
    expires_at=NOON + 24 * HOUR,
)


async def test_a_token_is_found_by_its_secret_alone(database: Database):
    """S-41: what was ordered is what its holder may do."""
    async with database.transaction() as tx:
        new = await make_token(tx, ORDER, NOON)
        found = await find_by_secret(tx, new.secret)
        assert await find_by_secret(tx, new.secret + "x") is None
        assert await find_by_secret(tx, "") is None
        assert await find_by_secret(tx, new.token.id) is None
        assert await find_by_secret(tx, "\ud800") is None
        assert found == new.token
    assert found is not None
    assert (found.client.name, found.client.source, found.client.profile) == ("entra-production", "idp", "entra")
    assert (found.client.scopes, found.client.requests_per_s) == (frozenset(TokenScope), 25.5)


async def test_the_secret_is_nowhere_in_the_database(database: Database):
    """Only its hash is, and no text of ours shows it."""
    async with database.transaction() as tx:
        new = await make_token(tx, ORDER, NOON)
        row = await tx.fetch_one("SELECT scim_token::text AS everything, hash FROM scim_token")
    assert row is not None
    assert new.secret.removeprefix("lastday_scim_") not in row["everything"]
    assert bytes(row["hash"]) == hash_of(new.secret)
    assert new.secret not in repr(new)
    assert len(new.secret.removeprefix("lastday_scim_")) == 64


async def test_no_two_secrets_are_alike(database: Database):
    async with database.transaction() as tx:
        made = [await make_token(tx, replace(ORDER, name=f"client-{number}"), NOON) for number in range(50)]
    assert len({one.secret for one in made}) == len({one.token.id for one in made}) == 50


async def test_a_token_is_good_until_it_expires_or_is_revoked(database: Database):
    async with database.transaction() as tx:
        new = await make_token(tx, ORDER, NOON)
        endless = await make_token(tx, replace(ORDER, name="endless", expires_at=None), NOON)
        assert await revoke_token(tx, endless.token.id, NOON + HOUR) == endless.token
        assert await revoke_token(tx, endless.token.id, NOON + 2 * HOUR) is None
        assert await revoke_token(tx, TokenId("nobody"), NOON) is None
        revoked = await find_by_secret(tx, endless.secret)
    assert new.token.is_good_at(NOON + 24 * HOUR - timedelta(microseconds=1))
    assert not new.token.is_good_at(NOON + 24 * HOUR)
    assert endless.token.is_good_at(NOON + 99999 * HOUR)
    assert revoked is not None
    assert revoked.revoked_at == NOON + HOUR
    assert not revoked.is_good_at(NOON + HOUR)


async def test_a_token_that_expired_can_be_revoked_and_frees_its_name(database: Database):
    async with database.transaction() as tx:
        expired = (await make_token(tx, ORDER, NOON)).token
        assert await revoke_token(tx, expired.id, NOON + 25 * HOUR) == expired
        await make_token(tx, ORDER, NOON + 25 * HOUR)


async def test_a_source_has_one_client_of_a_name(database: Database):
    """A certificate names the client; the name is free again when its token is revoked."""
    async with database.transaction() as tx:
        first = await make_token(tx, ORDER, NOON)
        await make_token(tx, replace(ORDER, source=SourceName("hr")), NOON)
    with pytest.raises(InputError) as taken:
        async with database.transaction() as tx:
            await make_token(tx, ORDER, NOON)
    assert taken.value.code == "R120"
    async with database.transaction() as tx:
        await revoke_token(tx, first.token.id, NOON)
        await make_token(tx, ORDER, NOON)
        assert len(await list_tokens(tx, ORDER.source)) == 2
        assert len(await list_tokens(tx)) == 3


async def test_rotation_leaves_both_good_for_the_overlap(database: Database):
    """S-41: no client has to change at the second."""
    async with database.transaction() as tx:
        old = await make_token(tx, replace(ORDER, expires_at=None), NOON)
        new = await rotate_token(tx, old.token.id, NOON + HOUR, overlap=2 * HOUR)
        replaced = await find_by_secret(tx, old.secret)
        assert await find_by_secret(tx, new.secret) == new.token
    assert new.secret != old.secret
    assert replace(new.token.client, token=old.token.id) == old.token.client
    assert replaced is not None
    assert (replaced.replaced_by, replaced.expires_at) == (new.token.id, NOON + 3 * HOUR)
    assert replaced.is_good_at(NOON + 2 * HOUR)
    assert not replaced.is_good_at(NOON + 3 * HOUR)


async def test_rotation_never_lengthens_the_life_of_the_old_token(database: Database):
    async with database.transaction() as tx:
        old = await make_token(tx, ORDER, NOON)
        await rotate_token(tx, old.token.id, NOON, overlap=1000 * HOUR, expires_at=NOON + 5000 * HOUR)
        replaced = await find_by_secret(tx, old.secret)
    assert replaced is not None
    assert replaced.expires_at == ORDER.expires_at


@pytest.mark.parametrize("state", ["replaced", "revoked", "expired", "unknown"])
async def test_only_a_good_token_is_rotated_and_only_once(database: Database, state: str):
    async with database.transaction() as tx:
        token = (await make_token(tx, ORDER, NOON)).token.id
        if state == "replaced":
            await rotate_token(tx, token, NOON, overlap=HOUR)
        if state == "revoked":
            await revoke_token(tx, token, NOON)
    token = TokenId("nobody") if state == "unknown" else token
    with pytest.raises(InputError) as refused:
        async with database.transaction() as tx:
            await rotate_token(tx, token, NOON + (24 * HOUR if state == "expired" else 0 * HOUR), overlap=HOUR)
    assert refused.value.code == "R121"


async def test_use_is_remembered_by_the_hour(database: Database):
    """Design section 10: last use in buckets; one write per hour and token, never back in time."""
    async with database.transaction() as tx:
        made = await make_token(tx, ORDER, NOON)
        token = made.token.id
        other = (await make_token(tx, replace(ORDER, name="other"), NOON)).token.id
        assert await note_used(tx, [token], NOON + timedelta(minutes=59)) == 1
        assert await note_used(tx, [token], NOON + timedelta(minutes=5)) == 0
        assert await note_used(tx, [token], NOON - HOUR) == 0
        assert await note_used(tx, [token, other], NOON + HOUR) == 2
        assert await note_used(tx, [], NOON) == 0
        used = await find_by_secret(tx, made.secret)
    assert used is not None
    assert used.last_used_at == NOON + HOUR


async def test_who_keeps_tokens_at_hand_hears_of_every_change(database: Database):
    """So that a revoked token is refused at once."""
    heard = database.listen(TOKENS_CHANGED)
    assert await anext(heard) == ""
    async with database.transaction() as tx:
        old = (await make_token(tx, ORDER, NOON)).token.id
    async with database.transaction() as tx:
        new = (await rotate_token(tx, old, NOON, overlap=HOUR)).token.id
    async with database.transaction() as tx:
        await revoke_token(tx, new, NOON)
    told = [await anext(heard) for _ in range(4)]
    await heard.aclose()
    assert (told[0], set(told[1:3]), told[3]) == (old, {old, new}, new)
