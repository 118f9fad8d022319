"""The connector keeps to a vendor's rates, with the budget that all workers share in PostgreSQL."""

import asyncio

import pytest

from lastday.connectors.scim import open_connector
from lastday.connectors.scim.connector import ScimConnector
from lastday.connectors.sdk.catalogue import catalogue
from lastday.connectors.sdk.http import limit_name
from lastday.connectors.sdk.ports import Ports
from lastday.model.ids import ApplicationName, NativeId
from lastday.model.operation import OutcomeKind
from lastday.store.budgets import Rate, SharedBudget
from tests.servers.connector_ports import CHAT, FixedClock, KeptLog, MemoryEscrow, settings
from tests.servers.vendors.double import VendorDouble

PEOPLE = 26
"""More than Slack takes at once."""


def rates_of(vendor):
    """As the composition root makes them from the manifest."""
    limits = catalogue()["scim"].manifest_of({"vendor": vendor, "url": "https://vendor.example"}).limits
    return {limit_name(CHAT, limit.name): Rate(limit.per_second, limit.burst) for limit in limits}


def people():
    return [{"userName": f"user{number}@northwind.example", "active": True} for number in range(PEOPLE)]


@pytest.fixture
def slack():
    with VendorDouble("slack", users=people(), groups={"vpn": [one["userName"] for one in people()]}) as double:
        yield double


async def opened(double, database, rates) -> ScimConnector:
    budget = SharedBudget(database, rates)
    ports = Ports(clock=FixedClock(), budget=budget, log=KeptLog(), escrow=MemoryEscrow())
    connector = await open_connector(settings(vendor="slack", url=double.url, token=double.token), ports)
    assert isinstance(connector, ScimConnector)
    return connector


async def test_many_leavers_at_once_never_exceed_what_slack_allows(slack, database):
    """Users and groups share the writes; 20 changes of users at once and 3 a second; two workers, one budget."""
    workers = [await opened(slack, database, rates_of("slack")) for _ in range(2)]
    ids = [NativeId(slack.ids[one["userName"]]) for one in people()]

    async def leave(number):
        worker = workers[number % 2]
        outcome = await worker.disable_account(ids[number])
        return outcome.kind

    outcomes = await asyncio.gather(*(leave(number) for number in range(PEOPLE)))
    for worker in workers:
        await worker.close()
    assert set(outcomes) == {OutcomeKind.DONE}
    assert slack.violations() == []
    assert [request.status for request in slack.requests() if request.status == 429] == []
    assert not any(user["active"] for user in slack.users().values())


async def test_without_the_budget_slack_says_no(slack, database):
    """The test above can fail."""
    connector = await opened(slack, database, dict[ApplicationName, Rate]())
    ids = [NativeId(slack.ids[one["userName"]]) for one in people()]
    await asyncio.gather(*(connector.disable_account(one) for one in ids), return_exceptions=True)
    await connector.close()
    assert {request.limit for request in slack.violations()} >= {"rate: update user"}
