"""A directory with a few people and groups, and a connector to it, for each test."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from lastday.connectors.ldap.connector import LdapConnector
from lastday.connectors.sdk.ports import ConnectorSettings
from lastday.model.ids import ApplicationName, NativeId
from tests.servers.connector_ports import TestPorts, settings
from tests.servers.slapd import BASE, LASTDAY_DN, LASTDAY_PASSWORD, Slapd, group, person, posix_group

DIRECTORY = ApplicationName("directory")
SEED = (
    person("ada", "E1", name="Ada Byron", password="ada-secret", title="Analyst")
    + person("bob", "E2", name="Bob Kay", password="bob-secret")
    + person("eve", "E3", name="Eve Moss")
    + group("staff", ["ada", "bob"])
    + group("vpn", ["ada"])
    + group("unique", ["ada", "bob"], kind="groupOfUniqueNames")
    + posix_group("unix", 5000, ["ada", "bob"])
)


def directory_settings(port: int, **more: object) -> ConnectorSettings:
    values: dict[str, object] = {
        "url": f"ldap://127.0.0.1:{port}",
        "bind_dn": LASTDAY_DN,
        "password": LASTDAY_PASSWORD,
        "base_dn": BASE,
        "people": "ou=people",
        "groups": "ou=groups",
        **more,
    }
    return settings(DIRECTORY, **values)


def id_in(slapd, uid):
    """The entryUUID as ldapsearch shows it."""
    return NativeId(slapd.one(f"(uid={uid})", "entryUUID")["entryUUID"][0])


@asynccontextmanager
async def opened(port, ports, **more):
    """A connector to the directory on `port`, closed in the end."""
    connector = LdapConnector(directory_settings(port, **more), ports.ports)
    try:
        yield connector
    finally:
        await connector.close()


@pytest.fixture
def slapd() -> Iterator[Slapd]:
    with Slapd(SEED) as server:
        yield server


@pytest.fixture
def kept() -> TestPorts:
    return TestPorts()


@pytest.fixture
async def connector(slapd: Slapd, kept: TestPorts) -> AsyncIterator[LdapConnector]:
    async with opened(slapd.port, kept) as connector:
        yield connector


@pytest.fixture
def id_of(slapd):
    return lambda uid: id_in(slapd, uid)
