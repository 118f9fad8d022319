"""Disconnected applications, read from a file that somebody exports."""

from lastday.connectors.csv.connector import CsvConnector
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import Connector

CONNECTOR_CLASS = CsvConnector


async def open_connector(settings: ConnectorSettings, ports: Ports) -> Connector:
    """A connector for one export; nothing is read yet. Raises ConfigurationError for unfit columns."""
    del ports  # a file has neither budget nor request log
    return CsvConnector.opened(settings)
