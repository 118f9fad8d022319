"""PostgreSQL clusters: login roles, memberships, sessions, and what roles own in every database."""

from lastday.connectors.postgresql.connector import PostgresqlConnector
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import Connector

CONNECTOR_CLASS = PostgresqlConnector


async def open_connector(settings: ConnectorSettings, ports: Ports) -> Connector:
    """A connector for the cluster of `dsn`. Raises ConfigurationError; nothing is contacted yet."""
    return PostgresqlConnector(settings, ports)
