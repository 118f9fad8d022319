"""Our connector against the double of every vendor: it reads whole, acts, reads back, and breaks no rule of a profile.

Every test ends with the double's own list of violations, which must be empty.
"""

import pytest

from lastday.connectors.scim import open_connector
from lastday.connectors.scim.vendor_profile import load_vendor, vendors
from lastday.connectors.scim.vendor_terms import DisableVerb, Shown
from lastday.connectors.sdk.catalogue import catalogue
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.errors import ConfigurationError, NotSupported, RateLimited
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock, TestPorts, settings
from tests.servers.vendors.double import VendorDouble
from tests.servers.vendors.quirks import ON_SCHEDULE, UNBOUND

WITH_GROUPS = [name for name in vendors() if load_vendor(name).groups.exist]
PEOPLE = 23
"""More than two pages of Canva, which gives ten."""


def person(number):
    return {
        "userName": f"user{number}@northwind.example",
        "externalId": f"E{number}",
        "displayName": f"User {number}",
        "name": {"givenName": "User", "familyName": str(number)},
        "active": True,
        "emails": [{"value": f"user{number}@northwind.example", "type": "work", "primary": True}],
        "entitlements": [{"value": "00e-standard-user"}],
    }


class Case:
    """One vendor's double and a connector that was opened for that vendor."""

    def __init__(self, vendor, double, connector):
        self.vendor, self.double, self.scim = vendor, double, connector
        self.profile = load_vendor(vendor)

    def id(self, number):
        return NativeId(self.double.ids[f"user{number}@northwind.example"])

    async def whole(self):
        snapshot = await read_whole(self.scim, CHAT, FixedClock())
        return {account.native_id: account for account in snapshot.accounts}

    def stored(self, number):
        return self.double.users().get(self.id(number))


@pytest.fixture
async def case_of():
    """Opens cases; at the end nothing was violated, whatever else was shown."""
    cases = []

    async def open_case(vendor, **more):
        users = [person(number) for number in range(PEOPLE)]
        groups = {"vpn": [user["userName"] for user in users[:3]], "finance": [users[0]["userName"]], "empty": []}
        double = VendorDouble(vendor, **{"users": users, "groups": groups, **more})
        connector = await open_connector(settings(vendor=vendor, url=double.url, token=double.token), TestPorts().ports)
        cases.append(Case(vendor, double, connector))
        return cases[-1]

    yield open_case
    for case in cases:
        await case.scim.close()
        broken = [(one.limit, one.method, one.path, one.query, one.body) for one in case.double.violations()]
        case.double.stop()
        assert broken == []


@pytest.mark.parametrize("vendor", vendors())
async def test_a_connection_is_checked_without_a_write(case_of, vendor):
    """RFC 7644 section 4; the token goes in the header that the vendor reads."""
    case = await case_of(vendor)
    await case.scim.check_connection()
    assert case.double.requests() != []
    assert case.double.writes() == []


@pytest.mark.parametrize("vendor", vendors())
async def test_a_whole_reading_has_everybody_with_their_groups(case_of, vendor):
    """S-42: index or cursor (RFC 9865), pages of the vendor's size, members that cannot be read found by filter."""
    case = await case_of(vendor)
    accounts = await case.whole()
    assert set(accounts) == set(case.double.users())
    if case.profile.groups.exist:
        held = {number: {h.entitlement for h in accounts[case.id(number)].holdings} for number in (0, 2, 3)}
        assert held == {0: {"group/vpn", "group/finance"}, 2: {"group/vpn"}, 3: set()}
        assert set(await case.scim.list_entitlements()) == {"group/vpn", "group/finance", "group/empty"}
    else:
        assert list(await case.scim.list_entitlements()) == []


@pytest.mark.parametrize("vendor", ["aws_identity_center", "entra", "figma"])
async def test_more_people_than_one_page_are_read_whole(case_of, vendor):
    """Identity Center gives the first page alone to whoever does not ask with a cursor: nothing may be missing."""
    users = [person(number) for number in range((load_vendor(vendor).paging.max or 0) + 5)]
    case = await case_of(vendor, users=users, groups={"vpn": [users[-1]["userName"]]})
    accounts = await case.whole()
    assert set(accounts) == set(case.double.users())
    assert [uid for uid, account in accounts.items() if account.holdings] == [case.id(len(users) - 1)]


@pytest.mark.parametrize("vendor", vendors())
async def test_a_leaver_is_switched_off_and_read_back_as_the_profile_says(case_of, vendor):
    """The read-back rule of 4b: inactive here, 404 there; nobody else is touched; a second time is no fault."""
    case = await case_of(vendor)
    outcome = await case.scim.disable_account(case.id(1))
    assert outcome.kind is OutcomeKind.DONE
    read = await case.scim.read_account(case.id(1))
    listed = (await case.whole()).get(case.id(1))
    if case.profile.read_back.after_disable is Shown.NOT_FOUND:
        assert read is None
        assert listed is None
    else:
        assert read is not None
        assert listed is not None
        assert (read.enabled, listed.enabled) == (False, False)
    assert all(user["active"] for uid, user in case.double.users().items() if uid != case.id(1))
    again = await case.scim.disable_account(case.id(1))
    assert again.kind in (OutcomeKind.DONE, OutcomeKind.ALREADY_DONE, OutcomeKind.ABSENT)


@pytest.mark.parametrize("vendor", vendors())
async def test_a_disable_is_one_request_in_the_form_of_the_profile(case_of, vendor):
    """Verb and body are the profile's, and no other form is tried first: a try could destroy."""
    case = await case_of(vendor)
    await case.scim.disable_account(case.id(1))
    (write,) = case.double.writes()
    wanted = {DisableVerb.PATCH: "PATCH", DisableVerb.PUT: "PUT", DisableVerb.DELETE: "DELETE"}
    assert write.method == wanted[case.profile.disable.verb]
    assert write.path == f"/Users/{case.id(1)}"
    if write.method == "PATCH":
        assert ("path" in write.body["Operations"][0]) is (case.profile.disable.form == "path")


@pytest.mark.parametrize("vendor", [v for v in vendors() if load_vendor(v).disable.reversible])
async def test_what_the_profile_calls_reversible_can_be_undone(case_of, vendor):
    """The rollback of a wrong leaver: the same account is back, under its own name."""
    case = await case_of(vendor)
    before = case.stored(1)
    await case.scim.disable_account(case.id(1))
    assert case.stored(1)["active"] is False
    outcome = await case.scim.enable_account(case.id(1))
    assert outcome.kind is OutcomeKind.DONE
    assert case.stored(1)["active"] is True
    assert case.stored(1)["userName"] == before["userName"]
    assert case.stored(1)["externalId"] == before["externalId"]


@pytest.mark.parametrize("vendor", WITH_GROUPS)
async def test_one_holding_is_given_and_taken_and_the_others_stay(case_of, vendor):
    """RFC 7644 section 3.5.2: this member, this group; verified where members can only be asked for by filter, too."""
    case = await case_of(vendor)
    given = await case.scim.give_holding(case.id(5), "group/vpn")
    assert given.kind is OutcomeKind.DONE
    assert (await case.scim.read_account(case.id(5))).holds("group/vpn")
    taken = await case.scim.revoke_holding(case.id(0), "group/vpn")
    assert taken.kind is OutcomeKind.DONE
    read = await case.scim.read_account(case.id(0))
    assert not read.holds("group/vpn")
    assert read.holds("group/finance")
    assert case.double.members("vpn") == {case.id(number) for number in (1, 2, 5)}


@pytest.mark.parametrize("vendor", vendors())
async def test_an_account_is_found_by_its_name(case_of, vendor):
    """By the vendor's filter where it has one for the name, else not at all: never by one it does not know."""
    case = await case_of(vendor)
    if "userName" in case.profile.filter.users:
        (found,) = await case.scim.find_accounts("userName", "user4@northwind.example")
        assert found.native_id == case.id(4)
    else:
        with pytest.raises(NotSupported):
            await case.scim.find_accounts("userName", "user4@northwind.example")


@pytest.mark.parametrize("vendor", vendors())
async def test_a_delete_is_read_back_as_the_profile_says_or_is_not_sent(case_of, vendor):
    """Canva and 1Password have no DELETE: nothing is sent, a person does it."""
    case = await case_of(vendor)
    if not case.profile.delete.exists:
        with pytest.raises(NotSupported):
            await case.scim.delete_account(case.id(2))
        assert case.double.writes() == []
        return
    outcome = await case.scim.delete_account(case.id(2))
    assert outcome.kind is OutcomeKind.DONE
    read = await case.scim.read_account(case.id(2))
    if case.profile.read_back.after_delete is Shown.NOT_FOUND:
        assert read is None
        assert case.stored(2) is None
    else:
        assert read is not None
        assert read.enabled is False


NEW = {
    "displayName": ("New Person",),
    "name.givenName": ("New",),
    "name.familyName": ("Person",),
    "emails.value": ("new@northwind.example",),
    "externalId": ("E-new",),
    "entitlements.value": ("00e-standard-user",),
}


@pytest.mark.parametrize("vendor", [v for v in vendors() if load_vendor(v).create.allowed])
async def test_an_account_is_made_with_what_the_vendor_requires(case_of, vendor):
    """RFC 7644 section 3.3. Entra wants a password, which Lastday never sends: refused, and nothing is made."""
    case = await case_of(vendor)
    draft = AccountDraft(username="new@northwind.example", attributes=Attributes.of(NEW), key="k1")
    outcome = await case.scim.create_account(draft)
    if "password" in case.profile.create.required:
        assert outcome.kind is OutcomeKind.REFUSED
        assert len(case.double.users()) == PEOPLE
        return
    assert outcome.kind is OutcomeKind.DONE
    read = await case.scim.read_account(outcome.native_id)
    assert read.username == "new@northwind.example"
    assert read.enabled


async def test_salesforce_without_an_entitlement_is_refused_with_its_reason(case_of):
    """The profile of the vendor's own kind of right is what the entitlement is."""
    case = await case_of("salesforce")
    bare = AccountDraft(username="new@northwind.example", attributes=NO_ATTRIBUTES, key="k1")
    outcome = await case.scim.create_account(bare)
    assert outcome.kind is OutcomeKind.REFUSED
    assert "entitlements" in outcome.detail


async def test_pagerduty_refuses_who_is_on_a_schedule_and_nothing_is_lost(case_of):
    """400: hand the schedule over first. The account is as it was."""
    case = await case_of("pagerduty", traits={"user1@northwind.example": [ON_SCHEDULE]})
    outcome = await case.scim.disable_account(case.id(1))
    assert outcome.kind is OutcomeKind.REFUSED
    assert "schedule" in outcome.detail
    assert (await case.scim.read_account(case.id(1))).enabled


async def test_who_was_in_figma_before_scim_is_not_seen(case_of):
    """The profile says so under what is not governed, and the plan with it."""
    case = await case_of("figma", traits={"user1@northwind.example": [UNBOUND]})
    assert case.id(1) not in await case.whole()
    assert any("not made or bound" in said for said in case.profile.effects.not_governed)


async def test_a_budget_that_others_used_up_is_waited_for(case_of):
    """Slack counts all clients of the organisation: 429 becomes RateLimited with the seconds that Slack says."""
    case = await case_of("slack")
    case.double.use_up("reads")
    with pytest.raises(RateLimited) as caught:
        await case.scim.read_account(case.id(1))
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s >= 1


@pytest.mark.parametrize("vendor", vendors())
def test_the_manifest_of_a_connection_says_what_the_profile_says(vendor):
    """S-42: the plan shows what cannot be undone, what is destroyed, what stays alive, what must be handed over."""
    profile = load_vendor(vendor)
    manifest = catalogue()["scim"].manifest_of({"vendor": vendor, "url": "https://vendor.example"})
    assert ("disable" in manifest.destroys) is (not profile.disable.reversible)
    if profile.delete.exists:
        assert ("delete" in manifest.destroys) is (not profile.delete.reversible)
    assert set(profile.disable.destroys) <= set(manifest.losses.get("disable", ()))
    assert set(profile.effects.keeps) <= set(manifest.survives)
    assert set(profile.effects.survives) <= set(manifest.survives)
    assert set(profile.effects.transfer_before) <= set(manifest.hand_over_first)


def test_a_connection_to_a_vendor_without_scim_is_refused():
    """Adobe's own interface is named instead."""
    with pytest.raises(ConfigurationError):
        catalogue()["scim"].manifest_of({"vendor": "adobe"})
