"""The SCIM connector against Canaille, an identity provider of another project in its own process.

It breaks on `count`, overlooks filters and announces so, makes a second account of the same name, calls members of a
group by their name with the address beside it, does not know a member in the path of a PATCH, and guards by ETag.
"""

import pytest

from lastday.connectors.scim import open_connector
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import Attributes
from lastday.model.errors import ListingIncomplete, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock, TestPorts, settings
from tests.servers.foreign import Canaille
from tests.servers.foreign.witness import Witness

pytestmark = pytest.mark.real("canaille")


@pytest.fixture(scope="module")
def server():
    with Canaille() as running:
        yield running


@pytest.fixture(scope="module")
def witness(server):
    asking = Witness(server)
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def staff(witness):
    """Thirty users; the first three are in vpn, all in all-staff."""
    ids = [
        witness.make_user(
            f"user{number}", title="Clerk", displayName=f"User {number}", emails=[{"value": f"user{number}@x.example"}]
        )
        for number in range(30)
    ]
    vpn = witness.make_group("vpn", *ids[:3])
    witness.make_group("all-staff", *ids)
    return [NativeId(native_id) for native_id in ids], vpn


@pytest.fixture
async def connect(server):
    """Opens connectors with the given keys."""
    opened = []

    async def connecting(**keys):
        opened.append(await open_connector(settings(url=server.url, token=server.token, **keys), TestPorts().ports))
        return opened[-1]

    yield connecting
    for connector in opened:
        await connector.close()


@pytest.fixture
async def scim(connect):
    return await connect(paging="whole", put_only=True)


async def test_a_server_that_breaks_on_count_is_no_empty_application(staff, connect):
    """500 to what RFC 7644 section 3.4.2.4 has: nothing is concluded."""
    with pytest.raises(ListingIncomplete):
        await read_whole(await connect(), CHAT, FixedClock())


async def test_a_whole_reading_has_everybody_with_their_groups(staff, scim):
    """One request without paging; members that go by name are known by their address (RFC 7643 section 4.2, $ref)."""
    snapshot = await read_whole(scim, CHAT, FixedClock())
    found = {account.native_id: account for account in snapshot.accounts}
    assert set(found) >= set(staff[0])
    assert {h.entitlement for h in found[staff[0][0]].holdings} == {"group/vpn", "group/all-staff"}
    assert {h.entitlement for h in found[staff[0][3]].holdings} == {"group/all-staff"}
    assert set(await scim.list_entitlements()) == {"group/vpn", "group/all-staff"}


async def test_a_search_that_is_overlooked_is_said_not_to_be_there(staff, scim):
    """Everybody comes for every filter: the engine reads the application whole instead."""
    with pytest.raises(NotSupported):
        await scim.find_accounts("userName", "user7")
    with pytest.raises(NotSupported):
        await scim.find_accounts("emails.value", "nobody@x.example")


async def test_an_account_is_made_switched_off_and_on_and_deleted(staff, scim, witness):
    """By PUT of the whole resource with If-Match."""
    values = {"displayName": "New", "name.formatted": "New", "name.familyName": "N", "name.givenName": "N"}
    made = await scim.create_account(AccountDraft(username="new", attributes=Attributes.of(values), key="k"))
    assert made.kind is OutcomeKind.DONE
    assert (await scim.disable_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is False
    assert (await scim.read_account(made.native_id)).enabled is False
    assert (await scim.enable_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is True
    assert (await scim.delete_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id) is None
    assert await scim.read_account(made.native_id) is None


async def test_a_put_changes_what_was_meant_and_nothing_else(staff, scim, witness):
    """RFC 7644 section 3.5.1: what is left out may be cleared, so all of it is sent."""
    before = witness.user(staff[0][12])
    outcome = await scim.update_account(staff[0][12], Attributes.of({"title": "Counsel"}), [])
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.pre_image.text("title") == "Clerk"
    after = witness.user(staff[0][12])
    assert {**after, "meta": None} == {**before, "title": "Counsel", "meta": None}


async def test_a_patch_works_for_what_it_knows(staff, connect, witness):
    connector = await connect(paging="whole")
    assert (await connector.disable_account(staff[0][15])).kind is OutcomeKind.DONE
    assert witness.user(staff[0][15])["active"] is False


async def test_a_membership_is_given_and_taken_and_all_others_stay(staff, scim, witness):
    """The member is called by name in the group and by id in our inventory: the address joins them."""
    ids, vpn = staff
    assert (await scim.give_holding(ids[9], "group/vpn")).kind is OutcomeKind.DONE
    assert (await scim.read_account(ids[9])).holds("group/vpn")
    assert set(witness.members(vpn)) == {"user0", "user1", "user2", "user9"}
    assert (await scim.revoke_holding(ids[9], "group/vpn")).kind is OutcomeKind.DONE
    assert not (await scim.read_account(ids[9])).holds("group/vpn")
    assert set(witness.members(vpn)) == {"user0", "user1", "user2"}
    assert (await scim.revoke_holding(ids[9], "group/vpn")).kind is OutcomeKind.ALREADY_DONE


async def test_a_removal_that_breaks_the_server_is_unknown_and_seen_not_to_be_done(staff, connect, witness):
    """500 to the member in the path (RFC 7644 section 3.5.2.2), with everybody still there."""
    ids, vpn = staff
    connector = await connect(paging="whole")
    assert (await connector.revoke_holding(ids[1], "group/vpn")).kind is OutcomeKind.UNKNOWN
    assert (await connector.read_account(ids[1])).holds("group/vpn")
    assert set(witness.members(vpn)) == {"user0", "user1", "user2"}


async def test_a_list_under_value_that_it_overlooks_is_refused_and_seen_so(staff, connect, witness):
    """It would take out everybody, and refuses only because members are required there: nothing was done."""
    ids, vpn = staff
    connector = await connect(paging="whole", remove_members="value_list")
    outcome = await connector.revoke_holding(ids[1], "group/vpn")
    assert outcome.kind is OutcomeKind.REFUSED
    assert set(witness.members(vpn)) == {"user0", "user1", "user2"}


async def test_the_last_member_goes_by_put(staff, scim, witness):
    lonely = witness.make_group("lonely", staff[0][20])
    assert (await scim.revoke_holding(staff[0][20], "group/lonely")).kind is OutcomeKind.DONE
    assert witness.members(lonely) == []
    assert not (await scim.read_account(staff[0][20])).holds("group/lonely")


async def test_the_connection_says_what_to_expect(staff, scim):
    connection = await scim.check_connection()
    assert connection.principal == "bearer token"
    assert connection.warnings == ("it announces no filters: a search counts only after it was seen to work",)
