"""The SCIM connector against django-scim2 on gunicorn and SQLite, a server of another project in its own process.

Its PATCH knows some attributes of a user, a list under `value` for members, and answers 501 to all else; its PUT of a
group overlooks the members; it announces no filters, finds by userName and name, and nobody by anything else.
"""

import pytest

from lastday.connectors.scim import open_connector
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import Attributes
from lastday.model.errors import NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock, TestPorts, settings
from tests.servers.foreign import DjangoScim
from tests.servers.foreign.witness import Witness

pytestmark = pytest.mark.real("django-scim2")

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture(scope="module")
def server():
    with DjangoScim() as running:
        yield running


@pytest.fixture(scope="module")
def witness(server):
    asking = Witness(server)
    yield asking
    asking.close()


@pytest.fixture(scope="module")
def staff(witness):
    """Thirty users; the first three are in vpn, put in by the server's own PATCH."""
    ids = [
        witness.make_user(
            f"user{number}",
            externalId=f"E{number}",
            emails=[{"value": f"user{number}@northwind.example", "primary": True}],
        )
        for number in range(30)
    ]
    vpn = witness.make_group("vpn")
    witness.make_group("empty")
    add = {"op": "add", "path": "members", "value": [{"value": native_id} for native_id in ids[:3]]}
    witness.send("PATCH", f"/Groups/{vpn}", {"schemas": [PATCH], "Operations": [add]})
    assert set(witness.members(vpn)) == set(ids[:3])
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
    return await connect(page_size=10)


@pytest.fixture
async def by_list(connect):
    """With the removal from groups that this server knows."""
    return await connect(remove_members="value_list")


async def test_a_whole_reading_has_everybody_with_their_groups(staff, scim):
    """RFC 7644 section 3.4.2.4: three pages by index."""
    snapshot = await read_whole(scim, CHAT, FixedClock())
    found = {account.native_id: account for account in snapshot.accounts}
    assert set(found) >= set(staff[0])
    assert snapshot.completeness.pages >= 3
    assert found[staff[0][0]].holds("group/vpn")
    assert not found[staff[0][3]].holds("group/vpn")
    assert set(await scim.list_entitlements()) == {"group/vpn", "group/empty"}


async def test_an_account_is_found_by_name_although_no_filters_are_announced(staff, scim):
    """It promises less than it keeps; that nobody is found counts after somebody was."""
    (found,) = await scim.find_accounts("userName", "user7")
    assert found.native_id == staff[0][7]
    assert await scim.find_accounts("userName", "nobody") == []


@pytest.mark.parametrize(("attribute", "value"), [("externalId", "E7"), ("emails.value", "user7@northwind.example")])
async def test_a_search_that_never_finds_anybody_is_not_believed(staff, scim, witness, attribute, value):
    """A 200 with an empty list for somebody who is there: "no such account" would be false."""
    answer = witness.send("GET", f'/Users?filter={attribute} eq "{value}"')
    assert (answer.status_code, answer.json()["totalResults"]) == (200, 0)
    with pytest.raises(NotSupported):
        await scim.find_accounts(attribute, value)


async def test_an_account_is_made_switched_off_and_on_and_deleted(staff, scim, witness):
    """The 409 for a name that is there is ours where the account shows the proof, although that cannot be searched."""
    draft = AccountDraft(
        username="new", attributes=Attributes.of({"externalId": "N1", "emails.value": "new@x.example"}), key="k"
    )
    made = await scim.create_account(draft)
    assert made.kind is OutcomeKind.DONE
    again = await scim.create_account(draft)
    assert (again.kind, again.native_id) == (OutcomeKind.ALREADY_DONE, made.native_id)
    other = AccountDraft(username="new", attributes=Attributes.of({"externalId": "N2"}), key="k2")
    assert (await scim.create_account(other)).detail == "taken"
    assert (await scim.disable_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is False
    assert (await scim.read_account(made.native_id)).enabled is False
    assert (await scim.enable_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id)["active"] is True
    assert (await scim.delete_account(made.native_id)).kind is OutcomeKind.DONE
    assert witness.user(made.native_id) is None
    assert await scim.read_account(made.native_id) is None
    assert (await scim.delete_account(made.native_id)).kind is OutcomeKind.ABSENT


async def test_what_its_patch_does_not_implement_is_put(staff, scim, witness):
    """501 for externalId: the whole user is read, changed and put back, and nothing else changes (RFC 7644 3.5.1)."""
    before = witness.user(staff[0][12])
    replace = {"op": "replace", "path": "externalId", "value": "E-new"}
    answer = witness.send("PATCH", f"/Users/{staff[0][12]}", {"schemas": [PATCH], "Operations": [replace]})
    assert answer.status_code == 501
    outcome = await scim.update_account(staff[0][12], Attributes.of({"externalId": "E-new"}), [])
    assert outcome.kind is OutcomeKind.DONE
    assert witness.user(staff[0][12]) == {**before, "externalId": "E-new"}


async def test_a_user_of_a_group_keeps_it_when_put(staff, connect, witness):
    """put_only: `groups` is read only (RFC 7643 section 4.1.2) and goes back as it came."""
    connector = await connect(put_only=True)
    assert (await connector.disable_account(staff[0][2])).kind is OutcomeKind.DONE
    assert (await connector.read_account(staff[0][2])).holds("group/vpn")
    assert witness.user(staff[0][2])["active"] is False
    await connector.enable_account(staff[0][2])


async def test_a_membership_is_given_and_taken_by_the_form_that_it_knows(staff, by_list, witness):
    """A list under `value`, named in the configuration; the others are seen to be there afterwards."""
    ids, vpn = staff
    assert (await by_list.give_holding(ids[9], "group/vpn")).kind is OutcomeKind.DONE
    assert (await by_list.read_account(ids[9])).holds("group/vpn")
    assert (await by_list.revoke_holding(ids[9], "group/vpn")).kind is OutcomeKind.DONE
    assert not (await by_list.read_account(ids[9])).holds("group/vpn")
    assert set(witness.members(vpn)) == set(ids[:3])
    assert (await by_list.revoke_holding(ids[9], "group/vpn")).kind is OutcomeKind.ALREADY_DONE


async def test_a_put_that_overlooks_the_members_is_not_taken_for_a_removal(staff, scim, witness):
    """501 to the member in the path, 200 to the PUT, and the member is still there: the read-back says so."""
    ids, vpn = staff
    outcome = await scim.revoke_holding(ids[1], "group/vpn")
    assert outcome.kind is OutcomeKind.DONE
    assert (await scim.read_account(ids[1])).holds("group/vpn")
    assert set(witness.members(vpn)) == set(ids[:3])


async def test_the_connection_says_what_to_expect(staff, scim):
    """/Me is 501 (RFC 7644 section 3.11)."""
    connection = await scim.check_connection()
    assert connection.principal == "bearer token"
    assert connection.warnings == ("it announces no filters: a search counts only after it was seen to work",)
