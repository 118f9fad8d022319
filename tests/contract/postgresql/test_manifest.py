"""The manifest of the PostgreSQL connector says what the class is."""

from pathlib import Path

import lastday.connectors.postgresql as package
from lastday.connectors.postgresql.connector import PostgresqlConnector
from lastday.connectors.sdk.catalogue import kind_of
from lastday.connectors.sdk.manifest import read_manifest
from lastday.connectors.sdk.protocols import Connector, capabilities_of
from tests.contract.postgresql.conftest import ledger_settings
from tests.servers.connector_ports import TestPorts


def test_the_manifest_lists_exactly_what_the_class_can_do():
    """Design section 8: manifest == class."""
    connector = PostgresqlConnector(ledger_settings("host=/nowhere"), TestPorts().ports)
    manifest = read_manifest(Path(package.__file__).parent)
    assert isinstance(connector, Connector)
    assert capabilities_of(connector) == manifest.capabilities
    assert kind_of(package).connector_class is PostgresqlConnector
    assert set(manifest.verbs) >= {"create", "update", "disable", "enable", "give", "revoke", "delete"}
    assert set(manifest.config) == {"dsn", "timeout_s"}
