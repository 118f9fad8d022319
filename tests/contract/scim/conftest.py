"""A connector to a scripted server."""

import pytest

from lastday.connectors.scim.connector import ScimConnector
from lastday.connectors.scim.dialect import Dialect, GroupDialect
from lastday.connectors.sdk.http import HttpClient
from tests.servers.connector_ports import CHAT, TestPorts
from tests.servers.http_faults import ScriptedServer
from tests.servers.scim_answers import answering


@pytest.fixture
def told():
    return TestPorts()


@pytest.fixture
async def connected(told):
    """Starts a scripted server and a connector to it that speaks in the given dialect, two resources a page."""
    open_ones = []

    async def connect(routes, *, groups=False, deadlines=None, group_rules=None, **dialect):
        server = await ScriptedServer(answering(routes)).__aenter__()
        client = HttpClient(CHAT, server.url, told.ports, headers={}, deadlines=deadlines)
        rules = group_rules or GroupDialect(exist=groups)
        connector = ScimConnector(client, Dialect(**{"page_size": 2, "groups": rules, **dialect}))
        open_ones.extend([connector.close, lambda: server.__aexit__(None)])
        return server, connector

    yield connect
    for close in open_ones:
        await close()
