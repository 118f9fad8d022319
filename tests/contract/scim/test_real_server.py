"""The SCIM connector against scim2-server, a server of another project in its own process (RFC 7643, RFC 7644)."""

import contextlib

import pytest

from lastday.connectors.scim import open_connector
from lastday.connectors.scim.connector import ScimConnector
from lastday.connectors.scim.resources import as_resource
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.errors import AnswerUnusable, CredentialsRejected, ListingIncomplete
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock, TestPorts, settings
from tests.servers.scim import Fault, ScimServer

pytestmark = pytest.mark.real("scim2-server")

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
HOSTILE = ['"', "\\", '" or userName pr or userName eq "', "*", "a)(b", "c\0d", "+,<>;=", "Zoë 日本", "x\ny"]


def person(number):
    return {
        "userName": f"user{number}@northwind.example",
        "externalId": f"E{number}",
        "displayName": f"User {number}",
        "name": {"givenName": "User", "familyName": str(number)},
        "active": True,
        "emails": [
            {"value": f"user{number}@northwind.example", "type": "work", "primary": True},
            {"value": f"user{number}@home.example", "type": "home"},
        ],
        ENTERPRISE: {"department": "Finance", "employeeNumber": f"E{number}"},
    }


@pytest.fixture(scope="module")
def process():
    users = [person(number) for number in range(25)]
    everybody = [user["userName"] for user in users]
    with ScimServer(users=users, groups={"all-staff": everybody, "vpn": everybody[:3], "C#": []}) as running:
        yield running


@pytest.fixture
def server(process):
    process.mend()
    process.forget()
    return process


@pytest.fixture
def told():
    return TestPorts()


@pytest.fixture
async def scim(server, told):
    connector = await open_connector(settings(url=server.url, token=server.token, page_size=10), told.ports)
    yield connector
    await connector.close()


def native(server, number):
    return NativeId(server.ids[f"user{number}@northwind.example"])


async def test_a_whole_reading_has_every_account_with_its_groups(server, scim):
    """RFC 7644 section 3.4.2.4: index paging; the groups are named by displayName."""
    snapshot = await read_whole(scim, CHAT, FixedClock())
    found = {account.username: account for account in snapshot.accounts}
    assert set(found) >= {f"user{number}@northwind.example" for number in range(25)}
    assert snapshot.completeness.pages >= 3
    assert snapshot.completeness.stated_total == len(snapshot.accounts)
    assert found["user5@northwind.example"].holds("group/all-staff")
    assert not found["user5@northwind.example"].holds("group/vpn")
    assert set(snapshot.entitlements) >= {"group/all-staff", "group/vpn", "group/C#"}
    assert server.writes() == []


async def test_attributes_have_the_names_that_match_lines_use(server, scim):
    """northwind.toml: `externalId = employeeNumber`, `userName = userName`."""
    account = await scim.read_account(native(server, 7))
    assert account is not None
    shown = account.attributes
    assert shown.text("externalId") == "E7"
    assert shown.text("employeeNumber") == "E7"
    assert shown["emails.value"] == ("user7@northwind.example", "user7@home.example")
    assert shown.text("name.givenName") == "User"
    assert shown.one("active") is True
    assert shown.text("id") == native(server, 7)
    assert account.created_at is not None


async def test_the_connection_is_proven_without_writing(server, scim):
    connection = await scim.check_connection()
    assert connection.principal == "bearer token"
    assert connection.warnings == ()
    assert server.writes() == []


async def test_a_wrong_token_is_rejected_and_nothing_is_concluded(server, told):
    other = await open_connector(settings(url=server.url, token="wrong"), told.ports)
    with pytest.raises(CredentialsRejected):
        await other.read_account(native(server, 1))
    with pytest.raises(ListingIncomplete) as caught:
        await read_whole(other, CHAT, FixedClock())
    assert isinstance(caught.value.__cause__, CredentialsRejected)
    await other.close()


async def test_disable_and_enable_are_seen_by_a_separate_read(server, scim):
    account = native(server, 8)
    assert (await scim.disable_account(account)).kind is OutcomeKind.DONE
    read = await scim.read_account(account)
    assert read is not None
    assert not read.enabled
    assert read.holds("group/all-staff")
    assert (await scim.enable_account(account)).kind is OutcomeKind.DONE
    read = await scim.read_account(account)
    assert read is not None
    assert read.enabled


async def test_give_and_revoke_change_one_member_and_nobody_else(server, scim):
    """RFC 7644 section 3.5.2.2: `members[value eq "id"]` names one member."""
    before = await scim.read_account(native(server, 0))
    assert (await scim.give_holding(native(server, 9), "group/vpn")).kind is OutcomeKind.DONE
    given = await scim.read_account(native(server, 9))
    assert given is not None
    assert given.holds("group/vpn")
    assert (await scim.revoke_holding(native(server, 9), "group/vpn")).kind is OutcomeKind.DONE
    taken = await scim.read_account(native(server, 9))
    assert taken is not None
    assert not taken.holds("group/vpn")
    assert taken.holds("group/all-staff")
    assert await scim.read_account(native(server, 0)) == before


async def test_revoking_what_is_not_held_or_not_there_takes_nothing_from_anybody(server, scim):
    members = {group["displayName"]: group.get("members") for group in server.resources("Groups")}
    await scim.revoke_holding(native(server, 20), "group/vpn")
    assert (await scim.revoke_holding(native(server, 20), "group/none")).kind is OutcomeKind.ALREADY_DONE
    assert {group["displayName"]: group.get("members") for group in server.resources("Groups")} == members


async def test_an_unknown_group_is_refused_not_made(server, scim):
    outcome = await scim.give_holding(native(server, 1), "group/none")
    assert outcome.kind is OutcomeKind.REFUSED
    assert server.writes() == []


async def test_groups_that_share_a_name_are_told_apart_by_id(told):
    with ScimServer(users=[person(1), person(2)]) as server:
        scim = ScimConnector.opened(settings(url=server.url, token=server.token), told.ports)
        first, second = [await _group(server, told, "Sales") for _ in range(2)]
        assert await scim.list_entitlements() == sorted([f"group/Sales#{first}", f"group/Sales#{second}"])
        account = native(server, 1)
        assert (await scim.give_holding(account, "group/Sales")).kind is OutcomeKind.REFUSED
        assert (await scim.give_holding(account, f"group/Sales#{second}")).kind is OutcomeKind.DONE
        read = await scim.read_account(account)
        assert read is not None
        assert [holding.entitlement for holding in read.holdings] == [f"group/Sales#{second}"]
        await scim.close()


async def _group(server, told, name):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/scim+json"}
    client = HttpClient(CHAT, server.url, told.ports, headers=headers)
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name}
    answer = await client.send(Call(method="POST", path=("Groups",), body=body))
    await client.close()
    return as_resource(answer.json())["id"]


async def test_create_gives_an_enabled_account_with_its_proof(server, scim):
    attributes = Attributes.of(
        {
            "externalId": "E900",
            "displayName": "New Person",
            "name.givenName": "New",
            "name.familyName": "Person",
            "emails.value": "new.person@northwind.example",
            "department": "Finance",
            "title": "Clerk",
        }
    )
    draft = AccountDraft(username="new.person@northwind.example", attributes=attributes, key="k")
    outcome = await scim.create_account(draft)
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.native_id is not None
    read = await scim.read_account(outcome.native_id)
    assert read is not None
    assert read.enabled
    assert not attributes.differing(Attributes.of({name: read.attributes.get(name, ()) for name in attributes}))
    again = await scim.create_account(draft)
    assert (again.kind, again.native_id) == (OutcomeKind.ALREADY_DONE, outcome.native_id)
    assert (await scim.delete_account(outcome.native_id)).kind is OutcomeKind.DONE
    assert await scim.read_account(outcome.native_id) is None
    assert await scim.find_accounts("externalId", "E900") == []
    assert (await scim.delete_account(outcome.native_id)).kind is OutcomeKind.ABSENT


async def test_a_name_of_another_person_is_refused_as_taken(server, scim):
    draft = AccountDraft(
        username="USER3@northwind.example", attributes=Attributes.of({"externalId": "E-other"}), key="k"
    )
    outcome = await scim.create_account(draft)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.REFUSED, "taken")


async def test_update_sets_clears_and_keeps_the_rest(server, scim):
    account = native(server, 11)
    values = Attributes.of({"displayName": "Renamed", "emails.value": "renamed@northwind.example", "department": "IT"})
    outcome = await scim.update_account(account, values, ["name.givenName"])
    assert outcome.kind is OutcomeKind.DONE
    assert outcome.pre_image.text("displayName") == "User 11"
    assert outcome.pre_image.text("department") == "Finance"
    read = await scim.read_account(account)
    assert read is not None
    assert read.attributes.text("displayName") == "Renamed"
    assert read.attributes["emails.value"] == ("renamed@northwind.example", "user11@home.example")
    assert read.attributes.text("department") == "IT"
    assert "name.givenName" not in read.attributes
    assert read.attributes.text("name.familyName") == "11"
    assert read.username == "user11@northwind.example"


async def test_an_update_can_rename(server, scim):
    account = native(server, 12)
    outcome = await scim.update_account(account, Attributes.of({"userName": "renamed12@northwind.example"}), [])
    assert outcome.kind is OutcomeKind.DONE
    read = await scim.read_account(account)
    assert read is not None
    assert read.username == "renamed12@northwind.example"


async def test_changing_an_account_that_is_not_there_is_absent(scim):
    nobody = NativeId("no-such-id")
    assert (await scim.disable_account(nobody)).kind is OutcomeKind.ABSENT
    assert (await scim.update_account(nobody, Attributes.of({"title": "x"}), [])).kind is OutcomeKind.ABSENT
    assert await scim.read_account(nobody) is None


async def test_a_search_finds_by_each_name_of_a_match_line(server, scim):
    for attribute, value in [
        ("userName", "USER5@northwind.example"),
        ("externalId", "E5"),
        ("emails.value", "user5@home.example"),
        ("employeeNumber", "E5"),
        ("id", native(server, 5)),
        ("displayName", "User 5"),
    ]:
        found = await scim.find_accounts(attribute, value)
        assert [account.native_id for account in found] == [native(server, 5)], attribute
        assert found[0].holds("group/all-staff")


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_finds_nobody_else(server, scim, name):
    """T-24: a value is one JSON string in the filter (RFC 7644 section 3.4.2.2), whatever is in it."""
    assert await scim.find_accounts("displayName", name) == []


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "Zoë 日本", "(a) or b", "semi;colon"])
async def test_a_hostile_name_finds_its_own_account(server, scim, name):
    draft = AccountDraft(username=f"{name}@x.example", attributes=Attributes.of({"externalId": f"H-{name}"}), key="k")
    made = await scim.create_account(draft)
    found = await scim.find_accounts("externalId", f"H-{name}")
    assert [account.native_id for account in found] == [made.native_id]
    assert (await scim.delete_account(made.native_id)).kind is OutcomeKind.DONE


@pytest.mark.parametrize("native_id", ["..", ".", "../Users", "x/../../v2/Groups", "a?b=c", "a#b", "%2e%2e"])
async def test_a_hostile_id_never_leaves_the_users(server, scim, native_id):
    """A native id is one path segment; what cannot be one is not sent at all."""
    with contextlib.suppress(AnswerUnusable):
        assert await scim.read_account(NativeId(native_id)) is None
    assert all(request.path.startswith("/v2/Users/") for request in server.requests())


async def test_a_liar_answers_done_and_the_read_back_shows_that_it_is_not(server, scim):
    """Acceptance 5: an application that answers 200 and does nothing."""
    server.break_with(Fault(kind="lies"))
    account = native(server, 13)
    assert (await scim.disable_account(account)).kind is OutcomeKind.DONE
    assert (await scim.revoke_holding(account, "group/all-staff")).kind is OutcomeKind.DONE
    read = await scim.read_account(account)
    assert read is not None
    assert read.enabled
    assert read.holds("group/all-staff")


@pytest.mark.parametrize("path", ["/Users", "/Groups"])
async def test_a_listing_that_breaks_at_page_two_is_no_snapshot(server, scim, told, path):
    """Design section 1.3: a part of a listing never becomes a snapshot."""
    connector = await open_connector(settings(url=server.url, token=server.token, page_size=2), told.ports)
    server.break_with(Fault(kind="breaks_page_2", path=path))
    with pytest.raises(ListingIncomplete):
        await read_whole(connector, CHAT, FixedClock())
    await connector.close()


async def test_every_request_takes_a_token_and_leaves_a_note_without_the_secret(server, scim, told):
    await scim.read_account(native(server, 1))
    await scim.disable_account(native(server, 14))
    assert told.budget.taken == len(told.log.exchanges) == len(server.requests())
    assert server.token not in told.log.text
    assert "Authorization: ***" in told.log.text
    assert "active" in told.log.text


async def test_an_update_of_nothing_sends_nothing(server, scim):
    outcome = await scim.update_account(native(server, 15), NO_ATTRIBUTES, [])
    assert outcome.kind is OutcomeKind.ALREADY_DONE
    assert server.writes() == []
