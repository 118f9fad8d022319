# ruff: noqa: S608 - psql scripts of the test's own making
"""Owned things in every database go to the successor, whole, and then the role can be dropped."""

import pytest

from lastday.model.operation import OutcomeKind
from tests.contract.postgresql.conftest import oid_in

pytestmark = pytest.mark.real("postgresql")


def owns_in_two_databases(cluster, name, other):
    """Databases, schema, table, function, default privileges, direct privileges, a policy: all that has bitten."""
    second = f"db_{name}"
    cluster.psql(f"CREATE DATABASE {second} OWNER {name}")
    for database in ("postgres", second):
        cluster.psql(
            f"CREATE SCHEMA s_{name} AUTHORIZATION {name};"
            f"SET ROLE {name}; CREATE TABLE s_{name}.book (id int); INSERT INTO s_{name}.book VALUES (7);"
            f"CREATE FUNCTION s_{name}.one() RETURNS int LANGUAGE sql AS 'SELECT 1';"
            f"GRANT SELECT ON s_{name}.book TO {other};"
            f"ALTER DEFAULT PRIVILEGES IN SCHEMA s_{name} GRANT SELECT ON TABLES TO {other}; RESET ROLE;"
            f"CREATE TABLE shared_{name} (id int); GRANT INSERT ON shared_{name} TO {name};"
            f"CREATE POLICY p_{name} ON shared_{name} TO {name} USING (true);"
            f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {name}",
            database=database,
        )
    return second


async def test_a_drop_before_the_transfer_is_refused_with_what_depends(cluster, connector, person):
    """field-notes: DROP ROLE fails listing what is owned; nothing is lost by trying."""
    (name, oid), (other, _) = person("ada"), person("bob")
    owns_in_two_databases(cluster, name, other)
    outcome = await connector.delete_account(oid)
    assert outcome.kind is OutcomeKind.REFUSED
    assert "owner of" in outcome.detail
    assert oid_in(cluster, name) == oid


async def test_transfer_moves_everything_in_both_databases_and_the_role_can_go(cluster, connector, person):
    """S-03, S-39: reassigned everywhere, no row lost, nobody else's privilege lost."""
    (name, oid), (other, _) = person("ada"), person("bob")
    second = owns_in_two_databases(cluster, name, other)
    assert await connector.count_owned(oid) >= 7
    assert (await connector.transfer_owned(oid, "owner_of_all")).kind is OutcomeKind.DONE
    assert await connector.count_owned(oid) == 0
    for database in ("postgres", second):
        owner = cluster.value(f"SELECT tableowner FROM pg_tables WHERE schemaname = 's_{name}'", database=database)
        assert owner == "owner_of_all"
        assert cluster.value(f"SELECT id FROM s_{name}.book", database=database) == "7"
        may = f"SELECT has_table_privilege('{other}', 's_{name}.book', 'SELECT')"
        assert cluster.value(may, database=database) == "t"
    owner_of_database = f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{second}'"
    assert cluster.value(owner_of_database) == "owner_of_all"
    assert (await connector.transfer_owned(oid, "owner_of_all")).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.delete_account(oid)).kind is OutcomeKind.DONE
    assert oid_in(cluster, name) == ""
    assert (await connector.delete_account(oid)).kind is OutcomeKind.ABSENT
    assert await connector.read_account(oid) is None


async def test_transfer_keeps_the_memberships_of_the_leaver_and_of_others(cluster, connector, person, names):
    """Taking ownership is not stripping: what revoke is for stays until then; whom the leaver let in stays in."""
    (ada, oid), (bob, bob_oid), grp = person("ada"), person("bob"), names("grp")
    cluster.psql(f"CREATE ROLE {grp}; GRANT {grp} TO {ada} WITH ADMIN OPTION;"
                 f"CREATE SCHEMA s_{ada} AUTHORIZATION {ada}; GRANT {ada} TO {bob}")  # fmt: skip
    cluster.psql(f"GRANT {grp} TO {bob}", user=ada)
    await connector.transfer_owned(oid, "owner_of_all")
    assert (await connector.read_account(oid)).holds(f"role/{grp}")
    assert (await connector.read_account(bob_oid)).holds(f"role/{grp}")
    assert (await connector.read_account(bob_oid)).holds(f"role/{ada}")
    assert (await connector.delete_account(oid)).kind is OutcomeKind.DONE
    assert (await connector.read_account(bob_oid)).holds(f"role/{grp}")


async def test_a_leaver_who_only_let_others_in_can_be_dropped_and_they_stay_in(cluster, connector, person, names):
    """Since 16 a role that granted memberships cannot be dropped before these are somebody else's."""
    (ada, oid), (bob, bob_oid), grp = person("ada"), person("bob"), names("grp")
    cluster.psql(f"CREATE ROLE {grp}; GRANT {grp} TO {ada} WITH ADMIN OPTION")
    cluster.psql(f"GRANT {grp} TO {bob}", user=ada)
    assert (await connector.delete_account(oid)).kind is OutcomeKind.DONE
    assert (await connector.read_account(bob_oid)).holds(f"role/{grp}")


async def test_a_successor_that_is_not_there_or_the_leaver_is_refused(cluster, connector, person):
    name, oid = person()
    cluster.psql(f"CREATE SCHEMA s_{name} AUTHORIZATION {name}")
    for successor in ("nobody_has_this", name):
        assert (await connector.transfer_owned(oid, successor)).kind is OutcomeKind.REFUSED
    assert await connector.count_owned(oid) == 1


async def test_a_database_that_lets_nobody_in_is_named_and_nothing_is_done(cluster, connector, person):
    """Half a transfer that looks whole would lose the rest with the role."""
    name, oid = person()
    closed = f"db_{name}"
    cluster.psql(f"CREATE SCHEMA s_{name} AUTHORIZATION {name}")
    cluster.psql(f"CREATE DATABASE {closed}")
    cluster.psql(f"CREATE SCHEMA s_{name} AUTHORIZATION {name}", database=closed)
    cluster.psql(f"ALTER DATABASE {closed} ALLOW_CONNECTIONS false")
    outcome = await connector.transfer_owned(oid, "owner_of_all")
    assert outcome.kind is OutcomeKind.REFUSED
    assert closed in outcome.detail
    assert await connector.count_owned(oid) == 2
