"""Applications that speak SCIM 2.0 (RFC 7643, RFC 7644)."""

from lastday.connectors.scim.connector import ScimConnector
from lastday.connectors.scim.effects import describe as describe
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import Connector

CONNECTOR_CLASS = ScimConnector


async def open_connector(settings: ConnectorSettings, ports: Ports) -> Connector:
    """A connector for one SCIM application; nothing is sent yet. Raises ConfigurationError for an unfit url."""
    return ScimConnector.opened(settings, ports)
