"""A disconnected application: its export is read whole or not at all, and nothing can be changed (northwind.toml)."""

from datetime import UTC, datetime

import pytest

from lastday.connectors.csv import open_connector
from lastday.connectors.sdk.protocols import capabilities_of
from lastday.connectors.sdk.reading import read_whole
from lastday.model.canonical import digest_bytes
from lastday.model.errors import AnswerUnusable, ConfigurationError, ListingIncomplete, Unreachable
from lastday.model.ids import ApplicationName, NativeId
from tests.servers.connector_ports import FixedClock, TestPorts, settings

DESIGN = ApplicationName("design")
HEADING = "id,login,mail,enabled,plan,last_login\n"
ROWS = (
    "d1,mia.almeida,MIA.ALMEIDA@NORTHWIND.EXAMPLE,yes,viewer,2026-05-04\n"
    "d2,wei.mensah,wei@northwind.example,no,full; admin,2026-11-20T10:00:00+01:00\n"
    'd3,"Åsa, B",asa@northwind.example,YES,"full,viewer",never\n'
    "d4,,,maybe,,\n"
)
COLUMNS = {
    "native_id": "id",
    "username": "login",
    "email": "mail",
    "active": {"column": "enabled", "true": ["yes"]},
    "entitlements": "plan",
    "last_used": "last_login",
}


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "accounts.csv"
    file.write_text(HEADING + ROWS)
    return file


async def connector_to(path, **columns):
    chosen = settings(DESIGN, path=str(path), columns={**COLUMNS, **columns})
    return await open_connector(chosen, TestPorts().ports)


async def test_the_export_is_read_as_accounts(path):
    snapshot = await read_whole(await connector_to(path), DESIGN, FixedClock())
    mia, wei, asa, blank = snapshot.accounts
    assert (mia.username, mia.enabled, mia.attributes.text("email")) == (
        "mia.almeida",
        True,
        "MIA.ALMEIDA@NORTHWIND.EXAMPLE",
    )
    assert [found.enabled for found in snapshot.accounts] == [True, False, True, False]
    assert {holding.entitlement for holding in wei.holdings} == {"plan/full", "plan/admin"}
    assert asa.holds("plan/full")
    assert asa.holds("plan/viewer")
    assert asa.username == "Åsa, B"
    assert (blank.username, blank.holdings) == ("d4", ())
    assert snapshot.entitlements == ("plan/admin", "plan/full", "plan/viewer")
    assert snapshot.completeness.stated_total == 4


async def test_last_use_is_an_instant_or_unknown(path):
    accounts = (await (await connector_to(path)).list_accounts(None)).items
    assert accounts[0].last_used == datetime(2026, 5, 4, tzinfo=UTC)
    assert accounts[1].last_used == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert accounts[2].last_used is None


async def test_it_can_change_nothing(path):
    """Removals are tasks for people."""
    assert capabilities_of(await connector_to(path)) == frozenset()


async def test_every_read_opens_the_file_anew_and_the_digest_says_which_file_it_was(path):
    """A confirmation by hand is checked against the next file."""
    connector = await connector_to(path)
    assert await connector.read_account(NativeId("d1")) is not None
    first = connector.last_digest
    path.write_text(HEADING + ROWS.split("\n", 1)[1])
    assert await connector.read_account(NativeId("d1")) is None
    assert connector.last_digest == digest_bytes(path.read_bytes()) != first


async def test_a_search_compares_without_case_and_only_what_is_mapped(path):
    connector = await connector_to(path)
    found = await connector.find_accounts("email", "mia.almeida@northwind.example")
    assert [account.native_id for account in found] == ["d1"]
    assert await connector.find_accounts("username", "nobody") == []
    with pytest.raises(AnswerUnusable, match="no column for badge"):
        await connector.find_accounts("badge", "1")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a row cut short", HEADING + ROWS + "d5,x"),
        ("a row with a cell too many", HEADING + "d1,a,b,yes,c,d,e\n"),
        ("an id twice", HEADING + ROWS + "d1,x,x,yes,x,\n"),
        ("a row without an id", HEADING + ",x,x,yes,x,\n"),
        ("a column renamed", HEADING.replace("enabled", "state") + ROWS),
        ("a column twice", "id,id,login,mail,enabled,plan,last_login\n1,2,a,b,yes,c,d\n"),
        ("an empty file", ""),
        ("no heading", "\n\n"),
        ("a web page", "<html><body>Please sign in</body></html>\n"),
        ("an open quotation mark", HEADING + 'd1,"a,b,yes,c,d\nd2,a,b,yes,c,d\n'),
    ],
)
async def test_a_file_that_is_not_whole_is_no_snapshot(path, name, content):
    """Design section 1.3: half a file must never say that somebody is gone."""
    path.write_text(content)
    connector = await connector_to(path)
    with pytest.raises(ListingIncomplete):
        await read_whole(connector, DESIGN, FixedClock())
    with pytest.raises(ListingIncomplete):
        await connector.read_account(NativeId("d1"))
    assert connector.last_digest is None


async def test_a_fault_says_where(path):
    path.write_text(HEADING + ROWS + "d1,x,x,yes,x,\n")
    with pytest.raises(ListingIncomplete) as caught:
        await (await connector_to(path)).list_accounts(None)
    assert caught.value.where == f"{path}:6"


async def test_a_third_word_for_active_is_refused_where_both_are_named(path):
    active = {"column": "enabled", "true": ["yes"], "false": ["no"]}
    with pytest.raises(ListingIncomplete, match="neither active nor not"):
        await (await connector_to(path, active=active)).list_accounts(None)


async def test_a_file_that_is_not_there_is_unreachable(tmp_path):
    connector = await connector_to(tmp_path / "gone.csv")
    with pytest.raises(Unreachable):
        await connector.check_connection()


async def test_the_connection_warns_of_a_file_that_may_be_cut(path):
    path.write_bytes((HEADING + ROWS).rstrip("\n").encode("cp1252"))
    connection = await (await connector_to(path)).check_connection()
    assert len(connection.warnings) == 2
    assert connection.principal == ""


@pytest.mark.parametrize(
    "columns",
    [
        {"native_id": ""},
        {"native_id": 7},
        {"active": "enabled"},
        {"active": {"column": "enabled"}},
        {"active": {"true": ["yes"]}},
        {"entitlements": 3},
        {"email": ["a"]},
    ],
)
async def test_unfit_columns_are_refused_when_they_are_configured(path, columns):
    with pytest.raises(ConfigurationError):
        await connector_to(path, **columns)


async def test_several_entitlement_columns_keep_their_own_words(path):
    accounts = (await (await connector_to(path, entitlements=["plan", "enabled"])).list_accounts(None)).items
    assert {holding.entitlement for holding in accounts[0].holdings} == {"plan/viewer", "enabled/yes"}
