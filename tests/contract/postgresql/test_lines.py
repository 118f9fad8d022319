"""Broken lines, wrong passwords and missing rights of a PostgreSQL server each have their own name."""

import asyncio

import psycopg
import pytest

from lastday.connectors.postgresql.connector import PostgresqlConnector
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.model.attributes import Attributes
from lastday.model.errors import ConfigurationError, CredentialsRejected, PermissionMissing, Unreachable
from lastday.model.operation import OutcomeKind
from tests.contract.postgresql.conftest import ADMIN, ADMIN_PASSWORD, ledger_settings, oid_in, opened
from tests.servers.connector_ports import TestPorts
from tests.servers.fault_proxy import FaultProxy
from tests.servers.ports import free_port

pytestmark = pytest.mark.real("postgresql")


def is_nologin(sent: bytes) -> bool:
    return b"NOLOGIN" in sent


def through(cluster, proxy):
    return cluster.dsn_of(ADMIN, ADMIN_PASSWORD, port=proxy.port)


async def test_a_server_that_is_down_is_unreachable(kept):
    async with opened(f"host=127.0.0.1 port={free_port()} user=x", kept) as connector:
        with pytest.raises(Unreachable):
            await connector.list_accounts(None)
        with pytest.raises(Unreachable):
            await connector.disable_account("16384")


async def test_a_wrong_password_and_an_unknown_role_are_rejected_by_name(cluster, kept):
    for dsn in (cluster.dsn_of(ADMIN, "wrong-one"), cluster.dsn_of("nobody_has_this")):
        async with opened(dsn, kept) as connector:
            with pytest.raises(CredentialsRejected):
                await connector.check_connection()
    assert "wrong-one" not in kept.log.text


async def test_a_lost_answer_to_a_write_is_unknown_and_the_repetition_settles_it(cluster, kept, person):
    """Design section 4: sent and not answered is uncertain; reading comes before anything else."""
    name, oid = person()
    with FaultProxy("127.0.0.1", cluster.port) as proxy:
        proxy.swallow_answer_to(is_nologin)
        async with opened(through(cluster, proxy), kept, timeout_s=1) as connector:
            assert (await connector.disable_account(oid)).kind is OutcomeKind.UNKNOWN
            assert proxy.tripped.is_set()
            assert (await connector.disable_account(oid)).kind in (OutcomeKind.DONE, OutcomeKind.ALREADY_DONE)
            assert not (await connector.read_account(oid)).enabled
    assert not cluster.can_log_in(name)


async def test_a_lost_answer_to_the_commit_is_unknown_and_the_repetition_finds_it_done(cluster, kept, person):
    name, oid = person()
    with FaultProxy("127.0.0.1", cluster.port) as proxy:
        proxy.swallow_answer_to(lambda sent: b"COMMIT" in sent)
        async with opened(through(cluster, proxy), kept, timeout_s=1) as connector:
            assert (await connector.disable_account(oid)).kind is OutcomeKind.UNKNOWN
            assert not cluster.can_log_in(name)
            assert (await connector.disable_account(oid)).kind is OutcomeKind.ALREADY_DONE


async def test_a_call_that_is_cancelled_leaves_a_working_connector(cluster, kept, person):
    """Ctrl-C and lost leases: the line is shut, the next call has its own."""
    _, oid = person()
    with FaultProxy("127.0.0.1", cluster.port) as proxy:
        proxy.hold(is_nologin)
        async with opened(through(cluster, proxy), kept, timeout_s=30) as connector:
            call = asyncio.create_task(connector.disable_account(oid))
            await asyncio.to_thread(proxy.tripped.wait, 10)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await connector.disable_account(oid)).kind is OutcomeKind.DONE


async def test_a_line_cut_after_the_write_is_unknown(cluster, kept, person):
    _, oid = person()
    with FaultProxy("127.0.0.1", cluster.port) as proxy:
        proxy.cut_after(is_nologin)
        async with opened(through(cluster, proxy), kept, timeout_s=5) as connector:
            assert (await connector.disable_account(oid)).kind is OutcomeKind.UNKNOWN


async def test_a_listing_that_breaks_in_the_middle_is_an_error(cluster, kept):
    """A partial listing never becomes a snapshot."""
    with FaultProxy("127.0.0.1", cluster.port) as proxy:
        proxy.truncate_answer_to(lambda sent: b"RECURSIVE held" in sent, 400)
        async with opened(through(cluster, proxy), kept, timeout_s=3) as connector:
            with pytest.raises(Unreachable):
                await connector.list_accounts(None)
            assert (await connector.list_accounts(None)).items


async def test_a_lock_that_somebody_holds_is_not_waited_for_forever(cluster, kept, person):
    """Statement and lock timeouts at the server: nothing is left running there after we gave up."""
    name, oid = person()
    with psycopg.connect(cluster.dsn) as blocker:
        blocker.execute(f"ALTER ROLE {name} CONNECTION LIMIT 5")
        async with opened(cluster.dsn_of(ADMIN), kept, timeout_s=1) as connector:
            with pytest.raises(Unreachable):
                await connector.disable_account(oid)
            blocker.rollback()
            assert (await connector.disable_account(oid)).kind is OutcomeKind.DONE


async def test_missing_rights_are_named_and_what_creates_roles_needs_no_superuser(cluster, kept, person, names):
    """Least privilege as the manifest states it."""
    _, oid = person()
    cluster.psql(f"CREATE ROLE {names('weak')} LOGIN; CREATE ROLE {names('maker')} LOGIN CREATEROLE;"
                 f"GRANT pg_signal_backend TO {names('maker')}")  # fmt: skip
    async with opened(cluster.dsn_of(names("weak")), kept) as connector:
        assert len((await connector.check_connection()).warnings) == 2
        with pytest.raises(PermissionMissing):
            await connector.disable_account(oid)
    async with opened(cluster.dsn_of(names("maker")), kept) as connector:
        assert (await connector.check_connection()).warnings == ()
        wish = AccountDraft(username=names("own"), attributes=Attributes.of({"comment": names("c")}), key="k")
        made = await connector.create_account(wish)
        assert made.kind is OutcomeKind.DONE
        cluster.psql(f"CREATE ROLE {names('grp')}; GRANT {names('grp')} TO {names('maker')} WITH ADMIN OPTION")
        for verb in (connector.give_holding, connector.revoke_holding):
            assert (await verb(made.native_id, f"role/{names('grp')}")).kind is OutcomeKind.DONE
        assert (await connector.disable_account(made.native_id)).kind is OutcomeKind.DONE
        assert (await connector.delete_account(made.native_id)).kind is OutcomeKind.DONE
    assert oid_in(cluster, names("own")) == ""


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db.example user=x",
        "host=db.example user=x sslmode=prefer",
        "host=127.0.0.1,db.example user=x",
        "postgresql://x@db.example/y?sslmode=disable",
        "=nonsense",
    ],
)
def test_an_open_line_outside_this_machine_is_refused_before_anything_is_sent(dsn):
    with pytest.raises(ConfigurationError):
        PostgresqlConnector(ledger_settings(dsn), TestPorts().ports)
