"""LDAP directories (RFC 4511): people, groups and passwords of OpenLDAP and servers that behave like it."""

from lastday.connectors.ldap.connector import LdapConnector
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import Connector

CONNECTOR_CLASS = LdapConnector


async def open_connector(settings: ConnectorSettings, ports: Ports) -> Connector:
    """A connector for the directory that `settings` name. Raises ConfigurationError; nothing is contacted yet."""
    return LdapConnector(settings, ports)
