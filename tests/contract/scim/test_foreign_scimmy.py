"""The SCIM connector against scimmy-routers, a Node server of another project in its own process.

It always gives the first twenty of a list whatever page is asked for, finds nobody by an attribute of the enterprise
extension, has relative addresses and no ETag, and adds a member a second time.
"""

import pytest

from lastday.connectors.scim import open_connector
from lastday.connectors.scim.connector import ScimConnector
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import Attributes
from lastday.model.errors import ListingIncomplete, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock, TestPorts, settings
from tests.servers.foreign import Scimmy
from tests.servers.foreign.witness import Witness

pytestmark = pytest.mark.real("scimmy")

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.fixture(scope="module")
def server():
    with Scimmy() as running:
        yield running


@pytest.fixture(scope="module")
def witness(server):
    asking = Witness(server)
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def staff(witness):
    """Fifteen users; all are in all-staff, the first three in vpn."""
    ids = [
        witness.make_user(
            f"user{number}",
            externalId=f"E{number}",
            emails=[
                {"value": f"user{number}@northwind.example", "type": "work", "primary": True},
                {"value": f"user{number}@home.example", "type": "home"},
            ],
            **{ENTERPRISE: {"employeeNumber": f"E{number}", "department": "Finance"}},
        )
        for number in range(15)
    ]
    groups = {"all-staff": witness.make_group("all-staff", *ids), "vpn": witness.make_group("vpn", *ids[:3])}
    return [NativeId(native_id) for native_id in ids], groups


@pytest.fixture
async def scim(server):
    connector = await open_connector(settings(url=server.url, token=server.token), TestPorts().ports)
    yield connector
    await connector.close()


async def test_a_list_that_fits_one_page_is_whole(staff, scim):
    """RFC 7644 section 3.4.2."""
    snapshot = await read_whole(scim, CHAT, FixedClock())
    found = {account.native_id: account for account in snapshot.accounts}
    assert set(found) >= set(staff[0])
    assert found[staff[0][2]].holds("group/vpn")
    assert not found[staff[0][3]].holds("group/vpn")
    assert set(await scim.list_entitlements()) >= {"group/all-staff", "group/vpn"}


@pytest.mark.parametrize("paging", ["index", "whole"])
async def test_a_list_that_is_longer_is_never_taken_for_whole(paging):
    """It overlooks startIndex and count (RFC 7644 section 3.4.2.4): the rest cannot be had, and that is what we say."""
    with Scimmy() as server:
        asking = Witness(server)
        for number in range(21):
            asking.make_user(f"user{number}")
        asking.close()
        keys = settings(url=server.url, token=server.token, paging=paging, groups=False)
        connector = await open_connector(keys, TestPorts().ports)
        with pytest.raises(ListingIncomplete):
            await read_whole(connector, CHAT, FixedClock())
        await connector.close()


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("userName", "USER7"),
        ("externalId", "E7"),
        ("emails.value", "user7@northwind.example"),
    ],
)
async def test_a_key_of_a_match_line_finds_its_account(staff, scim, attribute, value):
    (found,) = await scim.find_accounts(attribute, value)
    assert found.native_id == staff[0][7]


async def test_a_search_that_never_finds_anybody_is_not_believed(staff, scim, witness):
    """By employeeNumber it finds nobody, with a 200: "there is no such account" would make a second one."""
    answer = witness.send("GET", f'/Users?filter={ENTERPRISE}:employeeNumber eq "E7"')
    assert (answer.status_code, answer.json()["totalResults"]) == (200, 0)
    with pytest.raises(NotSupported):
        await scim.find_accounts("employeeNumber", "E7")


async def test_nobody_is_found_only_where_the_search_works(staff, scim):
    assert await scim.find_accounts("externalId", "nobody") == []


async def test_an_account_is_made_switched_off_and_on_and_deleted(staff, scim, witness):
    """Each step is seen by a read that is not ours."""
    draft = AccountDraft(username="new", attributes=Attributes.of({"externalId": "N1", "displayName": "New"}), key="k")
    made = await scim.create_account(draft)
    assert made.kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is True
    again = await scim.create_account(draft)
    assert (again.kind, again.native_id) == (OutcomeKind.ALREADY_DONE, made.native_id)
    assert (await scim.disable_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is False
    assert (await scim.read_account(made.native_id)).enabled is False
    assert (await scim.enable_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is True
    assert (await scim.delete_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id) is None
    assert await scim.read_account(made.native_id) is None
    assert (await scim.delete_account(made.native_id)).kind is OutcomeKind.ABSENT


async def test_a_membership_is_given_and_taken_and_all_others_stay(staff, scim, witness):
    """RFC 7644 section 3.5.2: the member in the path."""
    ids, groups = staff
    assert (await scim.give_holding(ids[9], "group/vpn")).kind is OutcomeKind.DONE
    assert (await scim.read_account(ids[9])).holds("group/vpn")
    assert set(witness.members(groups["vpn"])) == {*ids[:3], ids[9]}
    assert (await scim.revoke_holding(ids[9], "group/vpn")).kind is OutcomeKind.DONE
    assert not (await scim.read_account(ids[9])).holds("group/vpn")
    assert set(witness.members(groups["vpn"])) == set(ids[:3])
    assert set(witness.members(groups["all-staff"])) == set(ids)


async def test_who_was_added_twice_is_taken_out_whole(staff, scim, witness):
    """It lists a member twice who is added again (RFC 7644 section 3.5.2.1 says: no change)."""
    ids, groups = staff
    for _ in range(2):
        await scim.give_holding(ids[10], "group/vpn")
    assert witness.members(groups["vpn"]).count(ids[10]) == 2
    await scim.revoke_holding(ids[10], "group/vpn")
    assert ids[10] not in witness.members(groups["vpn"])
    assert not (await scim.read_account(ids[10])).holds("group/vpn")


async def test_an_update_keeps_what_it_does_not_speak_of(staff, scim, witness):
    values = Attributes.of({"emails.value": "renamed@northwind.example", "department": "Legal", "title": "Counsel"})
    outcome = await scim.update_account(staff[0][12], values, [])
    assert outcome.kind is OutcomeKind.DONE
    user = witness.user(staff[0][12])
    assert {mail["value"] for mail in user["emails"]} == {"renamed@northwind.example", "user12@home.example"}
    assert user[ENTERPRISE] == {"employeeNumber": "E12", "department": "Legal"}
    assert (user["title"], user["externalId"]) == ("Counsel", "E12")


async def test_the_same_by_put_keeps_what_we_do_not_know(server, staff, witness):
    """put_only: the whole resource is read, changed and put back (RFC 7644 section 3.5.1); it gives no ETag."""
    before = witness.user(staff[0][13])
    connector = await open_connector(settings(url=server.url, token=server.token, put_only=True), TestPorts().ports)
    assert isinstance(connector, ScimConnector)
    try:
        assert (await connector.disable_account(staff[0][13])).kind is OutcomeKind.DONE
        assert (await connector.give_holding(staff[0][13], "group/vpn")).kind is OutcomeKind.DONE
        assert (await connector.give_holding(staff[0][13], "group/vpn")).kind is OutcomeKind.ALREADY_DONE
        assert set(witness.members(staff[1]["vpn"])) == {*staff[0][:3], staff[0][13]}
        assert (await connector.revoke_holding(staff[0][13], "group/vpn")).kind is OutcomeKind.DONE
        assert (await connector.revoke_holding(staff[0][13], "group/vpn")).kind is OutcomeKind.ALREADY_DONE
    finally:
        await connector.close()
    after = witness.user(staff[0][13])
    assert {**after, "meta": None} == {**before, "active": False, "meta": None}
    assert set(witness.members(staff[1]["vpn"])) == set(staff[0][:3])


async def test_the_connection_says_what_to_expect(staff, scim):
    """/Me is answered 404: nobody is taken for the client (RFC 7644 section 3.11)."""
    connection = await scim.check_connection()
    assert connection.principal == "bearer token"
    assert connection.warnings == ()
