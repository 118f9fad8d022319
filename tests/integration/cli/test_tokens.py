"""`lastday token`: what clients show that push; the secret is shown once (S-42)."""

import pytest

from lastday.model.ids import TokenId
from lastday.store.scim_tokens import find_by_secret
from tests.integration.execution.company import MONDAY
from tests.integration.execution.pushed_company import PushedCompany, configuration

LATER = "2026-12-01T06:00:00+00:00"
NEXT_YEAR = "2027-11-24T06:00:00+00:00"


@pytest.fixture
def company(tmp_path, database_url):
    made = PushedCompany(tmp_path, database_url)
    made.config.write_text(configuration(), encoding="utf-8")
    made.export_design()
    return made


def new(company, *more, code=0, name="entra-production"):
    asked = ("token", "new", "scim", "--source", "idp", "--profile", "entra", "--name", name, *more)
    return company.lastday(*asked, code=code)


def listed(company, at=MONDAY):
    return company.lastday("token", "list", "--json", at=at).json["tokens"]


def kept(company, secret):
    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await find_by_secret(tx, secret)

    return company.in_session(work)


def entries(company, kind):
    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await tx.fetch_all("SELECT content FROM entry WHERE kind = %s ORDER BY arrival", (kind,))

    return [bytes(row["content"]).decode() for row in company.in_session(work)]


def test_the_secret_stands_alone_on_the_last_line_of_stdout(company):
    """So that a script takes it with `tail -1`; hints go elsewhere."""
    made = new(company)
    secret = made.out.splitlines()[-1]
    assert made.out == f"{secret}\n"
    assert secret == secret.strip()
    assert len(secret) > 40
    found = kept(company, secret)
    assert found is not None
    assert (found.client.name, found.client.profile, found.client.source) == ("entra-production", "entra", "idp")
    assert secret not in made.err
    assert "shown once" in made.err


def test_what_was_not_said_has_a_default(company):
    [token] = [new(company) and listed(company)[0]]
    assert (token["scopes"], token["requests_per_s"]) == (["read", "write"], 25.0)
    assert token["expires_at"].startswith("2027-11-23")


def test_what_was_said_is_kept(company):
    made = new(company, "--expires", "30d", "--scope", "read", "--rate", "2.5", "--json").json
    assert made["schema"] == "lastday/scim-token/1"
    assert (made["scopes"], made["requests_per_s"]) == (["read"], 2.5)
    assert made["expires_at"].startswith("2026-12-23")
    assert kept(company, made["token"]).id == made["id"]


def test_a_token_may_never_expire_where_somebody_says_so(company):
    assert new(company, "--expires", "never", "--json").json["expires_at"] is None


def test_a_list_shows_no_secret(company):
    secret = new(company).out.strip()
    shown = company.lastday("token", "list")
    assert "entra-production" in shown.out
    assert secret not in shown.out + shown.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--name", "x"), "I137", "--source is missing"),
        (("--source", "hr", "--name", "x"), "I137", "idp"),
        (("--source", "idp"), "I138", "--name is missing"),
        (("--source", "idp", "--name", "a b"), "I138", "a b"),
        (("--source", "idp", "--name", "x", "--profile", "entr"), "R101", "entra"),
        (("--source", "idp", "--name", "x", "--scope", "write,own"), "I139", "read, write"),
        (("--source", "idp", "--name", "x", "--scope", ","), "I139", "read, write"),
        (("--source", "idp", "--name", "x", "--expires", "soon"), "I139", "365d"),
        (("--source", "idp", "--name", "x", "--rate", "0"), "I139", "25"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(company, arguments, code, words):
    refused = company.lastday("token", "new", "scim", *arguments, code=2)
    assert f"[{code}]" in refused.err
    assert words in refused.err
    assert refused.out == ""
    assert listed(company) == []


def test_nobody_pushes_to_a_file(company):
    text = company.config.read_text(encoding="utf-8")
    company.config.write_text(
        f'{text}\n[source.file]\nkind = "csv"\npath = "p.csv"\nkey = "id"\n[source.file.map]\ntitle = "title"\n',
        encoding="utf-8",
    )
    refused = company.lastday("token", "new", "scim", "--source", "file", "--name", "x", code=2)
    assert "nobody pushes to it" in refused.err


def test_options_of_clients_are_not_for_people(company):
    refused = company.lastday("token", "new", "dana", "--source", "idp", code=2)
    assert "[I136]" in refused.err


def test_a_name_stands_for_one_client_of_a_source(company):
    """Certificates tell clients apart by name."""
    new(company)
    assert "[R120]" in new(company, code=2).err
    new(company, name="entra-test")


def test_a_revoked_token_is_good_no_more(company):
    token = new(company, "--json").json
    assert "is revoked" in company.lastday("token", "revoke", token["id"]).out
    assert [one["state"] for one in listed(company)] == ["revoked"]
    assert "[R122]" in company.lastday("token", "revoke", token["id"], code=2).err
    assert "[R122]" in company.lastday("token", "revoke", "t-none", code=2).err
    new(company)


def test_a_rotated_token_overlaps_with_the_new_one(company):
    old = new(company, "--json").json
    rotated = company.lastday("token", "rotate", old["id"], "--overlap", "7d")
    secret = rotated.out.splitlines()[-1]
    assert rotated.out == f"{secret}\n"
    assert kept(company, secret).client.name == "entra-production"
    states = {one["id"]: one["state"] for one in listed(company)}
    assert states[old["id"]] == "replaced, good until it expires"
    later = {one["id"]: one["state"] for one in listed(company, at=LATER)}
    assert later[old["id"]] == "expired"
    assert later[str(kept(company, secret).id)] == "good"
    assert {one["state"] for one in listed(company, at=NEXT_YEAR)} == {"expired"}


def test_only_a_good_token_is_rotated(company):
    old = new(company, "--json").json
    company.lastday("token", "revoke", old["id"])
    assert "[R121]" in company.lastday("token", "rotate", old["id"], code=2).err
    assert "[I139]" in company.lastday("token", "rotate", TokenId("t"), "--overlap", "soon", code=2).err


def test_each_token_begins_and_ends_in_the_evidence(company):
    """Who could push, and from when to when; never the secret."""
    made = new(company, "--json").json
    rotated = company.lastday("token", "rotate", made["id"], "--json").json
    company.lastday("token", "revoke", rotated["id"])
    begun, ended = entries(company, "token_made"), entries(company, "token_revoked")
    assert len(begun) == 2
    assert made["id"] in begun[0]
    assert f'"replaces":"{made["id"]}"' in begun[1]
    assert rotated["id"] in ended[0]
    assert made["token"] not in "".join((*begun, *ended))
