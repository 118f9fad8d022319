# ruff: noqa: S608 - psql scripts of the test's own making
"""What the PostgreSQL connector does to roles, on 15 and 18, shown by psql and the server's own log."""

import subprocess
import time

import psycopg
import pytest

from lastday.connectors.postgresql import open_connector
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.model.account import ObservedHolding, Via
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.contract.postgresql.conftest import ADMIN, ledger_settings, oid_in

pytestmark = pytest.mark.real("postgresql")


def writes_about(cluster, name):
    return [s.text for s in cluster.writes(by=ADMIN) if name in s.text]


def draft(name, number):
    return AccountDraft(username=name, attributes=Attributes.of({"comment": number}), key=f"key-{number}")


async def test_the_connector_opens_by_its_settings_and_names_its_own_role(cluster, kept):
    connector = await open_connector(ledger_settings(cluster.dsn_of(ADMIN)), kept.ports)
    found = await connector.check_connection()
    assert (found.principal, found.warnings) == (ADMIN, ())
    assert found.server.startswith(f"PostgreSQL {cluster.version}")
    await connector.close()


async def test_the_listing_has_login_roles_and_disabled_people_but_no_groups(cluster, connector, person, names):
    """S-39: superusers are listed, so that they can be seen as protected or unowned."""
    name, oid = person()
    cluster.psql(f"CREATE ROLE {names('grp')}; COMMENT ON ROLE {names('grp')} IS 'people who may read'")
    listed = {account.username: account for account in (await connector.list_accounts(None)).items}
    assert {name, "postgres", ADMIN} <= set(listed)
    assert names("grp") not in listed
    assert not any(username.startswith("pg_") for username in listed)
    assert listed["postgres"].attributes.one("rolsuper") is True
    assert (listed[name].native_id, listed[name].attributes.text("comment")) == (oid, f"N-{name}")
    await connector.disable_account(oid)
    again = {account.username: account for account in (await connector.list_accounts(None)).items}
    assert not again[name].enabled
    assert f"role/{names('grp')}" in await connector.list_entitlements()


async def test_disable_twice_turns_login_off_and_writes_once(cluster, connector, person):
    """S-02, I-6: reversible, and the second time nothing is written."""
    name, oid = person()
    assert cluster.can_log_in(name, "leaver-secret")
    assert (await connector.disable_account(oid)).kind is OutcomeKind.DONE
    assert not cluster.can_log_in(name, "leaver-secret")
    assert (await connector.disable_account(oid)).kind is OutcomeKind.ALREADY_DONE
    assert len(writes_about(cluster, name)) == 1
    assert (await connector.enable_account(oid)).kind is OutcomeKind.DONE
    assert cluster.can_log_in(name, "leaver-secret")
    assert (await connector.enable_account(oid)).kind is OutcomeKind.ALREADY_DONE
    assert len(writes_about(cluster, name)) == 2


async def test_a_role_without_a_comment_stays_in_the_listing_when_it_is_disabled(cluster, connector, names):
    """Design section 1 rule 3: being off must not look like being gone."""
    cluster.psql(f"CREATE ROLE {names('bare')} LOGIN")
    oid = oid_in(cluster, names("bare"))
    await connector.disable_account(oid)
    assert oid in [account.native_id for account in (await connector.list_accounts(None)).items]
    await connector.enable_account(oid)
    assert cluster.value(f"SELECT shobj_description({oid}, 'pg_authid')") == ""


async def test_a_role_whose_time_is_over_is_not_enabled_and_enable_gives_it_time(cluster, connector, person):
    name, oid = person()
    cluster.psql(f"ALTER ROLE {name} VALID UNTIL '2020-01-01'")
    assert not (await connector.read_account(oid)).enabled
    assert (await connector.disable_account(oid)).kind is OutcomeKind.DONE
    assert (await connector.enable_account(oid)).kind is OutcomeKind.DONE
    assert (await connector.read_account(oid)).enabled


async def test_create_makes_one_role_and_finds_it_again(cluster, connector, names):
    wish = draft(names("new"), names("E"))
    first = await connector.create_account(wish)
    assert (first.kind, first.native_id) == (OutcomeKind.DONE, oid_in(cluster, names("new")))
    second = await connector.create_account(wish)
    assert (second.kind, second.native_id) == (OutcomeKind.ALREADY_DONE, first.native_id)
    other = await connector.create_account(draft(names("new"), names("other")))
    assert (other.kind, other.detail) == (OutcomeKind.REFUSED, "taken")
    assert (await connector.read_account(first.native_id)).enabled


@pytest.mark.parametrize("name", ["", "a" * 64, "é" * 32, "a\x00b", "pg_mine", "public"])
async def test_a_name_that_the_server_would_cut_or_keep_for_itself_is_refused(cluster, connector, name):
    """A name of 64 bytes would silently become another, shorter one."""
    before = cluster.value("SELECT count(*) FROM pg_roles")
    assert (await connector.create_account(draft(name, "E-bad"))).kind is OutcomeKind.REFUSED
    assert cluster.value("SELECT count(*) FROM pg_roles") == before


@pytest.mark.parametrize("name", ['x"; DROP ROLE owner_of_all; --', "o'brien", "a b", "Ünï", "%s", "{}", "\\"])
async def test_hostile_names_stay_names(cluster, connector, names, name):
    own, comment = f"{names('h')}{name}", f"'{name}'); DROP ROLE owner_of_all --"
    cluster.psql(f"CREATE ROLE {names('grp')}")
    made = await connector.create_account(draft(own, comment))
    assert made.kind is OutcomeKind.DONE
    assert [a.native_id for a in await connector.find_accounts("comment", comment)] == [made.native_id]
    assert [a.username for a in await connector.find_accounts("rolname", own)] == [own]
    assert (await connector.give_holding(made.native_id, f"role/{names('grp')}")).kind is OutcomeKind.DONE
    assert (await connector.revoke_holding(made.native_id, f"role/{names('grp')}")).kind is OutcomeKind.DONE
    assert (await connector.disable_account(made.native_id)).kind is OutcomeKind.DONE
    assert (await connector.transfer_owned(made.native_id, "owner_of_all")).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.delete_account(made.native_id)).kind is OutcomeKind.DONE
    assert oid_in(cluster, "owner_of_all") != ""


async def test_update_changes_comment_and_name_only_where_they_differ(cluster, connector, person):
    name, oid = person()
    wish = Attributes.of({"comment": "E-new", "rolname": f"{name}_renamed"})
    assert (await connector.update_account(oid, wish, ())).kind is OutcomeKind.DONE
    account = await connector.read_account(oid)
    assert (account.username, account.attributes.text("comment")) == (f"{name}_renamed", "E-new")
    assert (await connector.update_account(oid, wish, ())).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.update_account(oid, NO_ATTRIBUTES, ("comment",))).kind is OutcomeKind.DONE
    assert (await connector.update_account(oid, NO_ATTRIBUTES, ("comment",))).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.update_account(oid, Attributes.of({"mail": "x"}), ())).kind is OutcomeKind.REFUSED


async def test_give_and_revoke_twice_write_once_each(cluster, connector, person, names):
    _, oid = person()
    cluster.psql(f"CREATE ROLE {names('grp')}")
    entitlement = f"role/{names('grp')}"
    kinds = [
        (await verb(oid, entitlement)).kind for verb in (connector.give_holding,) * 2 + (connector.revoke_holding,) * 2
    ]
    assert kinds == [OutcomeKind.DONE, OutcomeKind.ALREADY_DONE, OutcomeKind.DONE, OutcomeKind.ALREADY_DONE]
    assert len(writes_about(cluster, names("grp"))) == 2
    assert (await connector.give_holding(oid, "role/nobody_has_this")).kind is OutcomeKind.REFUSED
    assert (await connector.give_holding(oid, "group/x")).kind is OutcomeKind.REFUSED


async def test_what_is_held_through_a_role_says_so_and_is_not_taken_singly(cluster, connector, person, names):
    name, oid = person()
    outer, inner = names("outer"), names("inner")
    cluster.psql(f"CREATE ROLE {outer}; CREATE ROLE {inner}; GRANT {outer} TO {inner}; GRANT {inner} TO {name}")
    account = await connector.read_account(oid)
    assert set(account.holdings) == {ObservedHolding(f"role/{inner}"), ObservedHolding(f"role/{outer}", Via.GROUP)}
    assert (await connector.revoke_holding(oid, f"role/{outer}")).kind is OutcomeKind.REFUSED
    await connector.revoke_holding(oid, f"role/{inner}")
    assert (await connector.read_account(oid)).holdings == ()


async def test_revoke_takes_the_grants_of_every_grantor_and_nobody_else_loses_theirs(cluster, connector, person, names):
    """REVOKE since 16 acts on one grantor's row, and CASCADE would take what the member granted further."""
    (ada, oid), (bob, bob_oid), grp, chief = person("ada"), person("bob"), names("grp"), names("chief")
    cluster.psql(
        f"CREATE ROLE {grp}; CREATE ROLE {chief} LOGIN CREATEROLE; GRANT {grp} TO {chief} WITH ADMIN OPTION;"
        f"GRANT {grp} TO {ada} WITH ADMIN OPTION"
    )
    cluster.psql(f"GRANT {grp} TO {ada}", user=chief)
    cluster.psql(f"GRANT {grp} TO {bob}", user=ada)
    assert (await connector.revoke_holding(oid, f"role/{grp}")).kind is OutcomeKind.DONE
    assert not (await connector.read_account(oid)).holds(f"role/{grp}")
    assert (await connector.read_account(bob_oid)).holds(f"role/{grp}")
    assert (await connector.revoke_holding(oid, f"role/{grp}")).kind is OutcomeKind.ALREADY_DONE


async def test_open_sessions_outlive_disable_and_end_by_end_sessions(cluster, connector, person):
    """S-39; field-notes: NOLOGIN leaves the open session active, pg_terminate_backend ends it."""
    name, oid = person()
    sessions = [psycopg.connect(cluster.dsn_of(name)) for _ in range(2)]
    await connector.disable_account(oid)
    assert await connector.count_sessions(oid) == 2
    assert sessions[0].execute("SELECT 1").fetchone() == (1,)
    assert (await connector.delete_account(oid)).kind is OutcomeKind.REFUSED
    outcome = await connector.end_sessions(oid)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.DONE, "2 sessions ended")
    for session in sessions:
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        session.close()
    assert await connector.count_sessions(oid) == 0
    assert (await connector.end_sessions(oid)).kind is OutcomeKind.ALREADY_DONE
    assert cluster.value(f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{name}'") == "0"


async def test_a_busy_session_ends_too(cluster, connector, person):
    name, oid = person()
    psql = subprocess.Popen([cluster.program("psql"), "-X", "-q", "-c", "SELECT pg_sleep(300)", cluster.dsn_of(name)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    while not await connector.count_sessions(oid):
        time.sleep(0.02)
    assert (await connector.end_sessions(oid)).kind is OutcomeKind.DONE
    assert psql.wait(10) != 0


async def test_every_verb_on_a_role_that_is_gone_is_absent(connector):
    gone = NativeId("4000000000")
    for outcome in (
        await connector.disable_account(gone),
        await connector.enable_account(gone),
        await connector.delete_account(gone),
        await connector.end_sessions(gone),
        await connector.transfer_owned(gone, "owner_of_all"),
        await connector.give_holding(gone, "role/owner_of_all"),
        await connector.revoke_holding(gone, "role/owner_of_all"),
    ):
        assert outcome.kind is OutcomeKind.ABSENT
    assert await connector.read_account(gone) is None
    with pytest.raises(AnswerUnusable):
        await connector.read_account(NativeId("ada"))
    with pytest.raises(NotSupported):
        await connector.find_accounts("mail", "x")


async def test_our_own_role_and_the_first_superuser_are_never_touched(cluster, connector):
    """I-2: the connector itself refuses, whatever a plan says."""
    for name in (ADMIN, "postgres"):
        oid = oid_in(cluster, name)
        assert (await connector.disable_account(oid)).kind is OutcomeKind.REFUSED
        assert (await connector.delete_account(oid)).kind is OutcomeKind.REFUSED
        assert cluster.value(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{name}'") == "t"


async def test_no_secret_reaches_the_log(cluster, connector, kept, person):
    _, oid = person()
    await connector.disable_account(oid)
    assert any(exchange.method == "WRITE" for exchange in kept.log.exchanges)
    assert "leaver-secret" not in kept.log.text
    assert kept.budget.taken == len(kept.log.exchanges)
