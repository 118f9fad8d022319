# ruff: noqa: S608 - psql scripts of the test's own making
"""One cluster per version and module; each test makes roles and databases with names of its own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from lastday.connectors.postgresql.connector import PostgresqlConnector
from lastday.connectors.sdk.ports import ConnectorSettings, Secret
from lastday.model.ids import ApplicationName, NativeId
from tests.servers.connector_ports import TestPorts
from tests.servers.postgres import Postgres

LEDGER = ApplicationName("ledger")
ADMIN, ADMIN_PASSWORD = "lastday_su", "su-secret"
_numbers = count(1)


def ledger_settings(dsn: str, **more: object) -> ConnectorSettings:
    return ConnectorSettings(application=LEDGER, values={"dsn": Secret(dsn), **more})


@asynccontextmanager
async def opened(dsn, ports, **more):
    """A connector to the cluster of `dsn`, closed in the end."""
    connector = PostgresqlConnector(ledger_settings(dsn, **more), ports.ports)
    try:
        yield connector
    finally:
        await connector.close()


@pytest.fixture(scope="module", params=[15, 18])
def cluster(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    with Postgres(version=request.param) as server:
        server.psql(f"CREATE ROLE {ADMIN} SUPERUSER LOGIN PASSWORD '{ADMIN_PASSWORD}'; CREATE ROLE owner_of_all")
        yield server


@pytest.fixture
def kept() -> TestPorts:
    return TestPorts()


@pytest.fixture
async def connector(cluster: Postgres, kept: TestPorts) -> AsyncIterator[PostgresqlConnector]:
    async with opened(cluster.dsn_of(ADMIN), kept) as connector:
        yield connector


@pytest.fixture
def names():
    """Names that no other test uses."""
    n = next(_numbers)
    return lambda word: f"{word}_{n}"


def oid_in(cluster, name):
    """The oid of a role as psql shows it."""
    literal = name.replace("'", "''")
    return NativeId(cluster.value(f"SELECT oid FROM pg_roles WHERE rolname = '{literal}'"))


@pytest.fixture
def person(cluster, names):
    """Makes a login role with a number as its comment; its name and oid."""

    def make(word="ada", *, number="", login="LOGIN PASSWORD 'leaver-secret'"):
        name = names(word)
        cluster.psql(f"CREATE ROLE {name} {login}; COMMENT ON ROLE {name} IS '{number or 'N-' + name}'")
        return name, oid_in(cluster, name)

    return make
