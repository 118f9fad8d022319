"""Tokens of clients begin and end in the evidence: who let whom push."""

import json
from datetime import timedelta

import pytest

from lastday.execution.push_clients import make_token, revoke_token, rotate_token
from lastday.model.errors import InputError
from lastday.model.scim import TokenScope
from lastday.store.scim_tokens import TokenOrder
from tests.integration.execution.pushed_company import PushedCompany, configuration
from tests.integration.execution.pushes import IDP, NOON

HOUR = timedelta(hours=1)
ORDER = TokenOrder(
    source=IDP,
    name="entra-production",
    profile="entra",
    scopes=frozenset(TokenScope),
    requests_per_s=25.5,
    expires_at=NOON + 9999 * HOUR,
)


@pytest.fixture
def company(tmp_path, database_url):
    made = PushedCompany(tmp_path, database_url)
    made.config.write_text(configuration(), encoding="utf-8")
    made.export_design()
    return made


async def token_entries(session):
    async with session.engine.database.transaction() as tx:
        rows = await tx.fetch_all("SELECT kind, content FROM entry WHERE kind LIKE 'token%' ORDER BY arrival")
    return [(row["kind"], json.loads(bytes(row["content"]))["body"]) for row in rows]


def test_the_log_says_who_made_and_who_revoked_a_token_and_what_it_was_good_for(company):
    """S-41; the secrets are nowhere in it."""

    async def work(session):
        made = await make_token(session.engine, ORDER)
        rotated = await rotate_token(session.engine, made.token.id, overlap=HOUR, expires_at=None)
        await revoke_token(session.engine, made.token.id)
        return made, rotated, await token_entries(session)

    made, rotated, told = company.in_session(work)
    assert [kind for kind, _ in told] == ["token_made", "token_made", "token_revoked"]
    granted = {
        "source": IDP,
        "client": ORDER.name,
        "profile": "entra",
        "scopes": ["read", "write"],
        "requests_per_s": 25.5,
        "by": "the shell",
    }
    first, second, third = (body for _, body in told)
    assert first == {**granted, "token": made.token.id, "expires_at": (NOON + 9999 * HOUR).isoformat()}
    replaced = {"replaces": made.token.id, "overlap_s": 3600}
    assert second == {**granted, "token": rotated.token.id, "expires_at": None, **replaced}
    assert (third["token"], third["by"]) == (made.token.id, "the shell")
    for secret in (made.secret, rotated.secret):
        assert secret not in json.dumps(told)


def test_a_token_that_was_revoked_is_not_revoked_again(company):
    """The log has no second end of it."""

    async def work(session):
        made = await make_token(session.engine, ORDER)
        await revoke_token(session.engine, made.token.id)
        with pytest.raises(InputError) as refused:
            await revoke_token(session.engine, made.token.id)
        return refused.value.code, await token_entries(session)

    code, told = company.in_session(work)
    assert code == "R122"
    assert [kind for kind, _ in told] == ["token_made", "token_revoked"]
