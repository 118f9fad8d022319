"""Memberships of three kinds of groups: exactly one value changes, nobody else loses anything."""

import pytest

from lastday.model.account import ObservedHolding, Via
from lastday.model.operation import OutcomeKind
from tests.contract.ldap.conftest import SEED, id_in, opened
from tests.servers.slapd import BASE, GROUPS, LASTDAY_DN, PEOPLE, Slapd, group, ldif_entry, person

pytestmark = pytest.mark.real("slapd")
ADA, BOB = f"uid=ada,{PEOPLE}", f"uid=bob,{PEOPLE}"


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [("staff", "member", BOB), ("unique", "uniqueMember", BOB), ("unix", "memberUid", "bob")],
)
async def test_revoke_takes_exactly_one_value_once(slapd, connector, id_of, name, attribute, value):
    """S-23: the second revoke reads and writes nothing."""
    assert (await connector.revoke_holding(id_of("ada"), f"group/{name}")).kind is OutcomeKind.DONE
    assert slapd.one(f"(cn={name})")[attribute] == [value]
    assert (await connector.revoke_holding(id_of("ada"), f"group/{name}")).kind is OutcomeKind.ALREADY_DONE
    assert len(slapd.writes(by=LASTDAY_DN)) == 1
    assert not (await connector.read_account(id_of("ada"))).holds(f"group/{name}")
    assert (await connector.read_account(id_of("bob"))).holds(f"group/{name}")


@pytest.mark.parametrize(
    ("name", "attribute"), [("staff", "member"), ("unique", "uniqueMember"), ("unix", "memberUid")]
)
async def test_give_adds_exactly_one_value_once(slapd, connector, id_of, name, attribute):
    before = slapd.one(f"(cn={name})")[attribute]
    assert (await connector.give_holding(id_of("eve"), f"group/{name}")).kind is OutcomeKind.DONE
    assert len(slapd.one(f"(cn={name})")[attribute]) == len(before) + 1
    assert (await connector.give_holding(id_of("eve"), f"group/{name}")).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.read_account(id_of("eve"))).holds(f"group/{name}")
    assert len(slapd.writes(by=LASTDAY_DN)) == 1


async def test_the_last_member_goes_and_the_group_stays_with_nobody_in_it(slapd, connector, id_of):
    """field-notes: removing the last member of groupOfNames is an object class violation."""
    assert (await connector.revoke_holding(id_of("ada"), "group/vpn")).kind is OutcomeKind.DONE
    assert slapd.one("(cn=vpn)")["member"] == [f"cn=vpn,{GROUPS}"]
    assert (await connector.revoke_holding(id_of("ada"), "group/vpn")).kind is OutcomeKind.ALREADY_DONE
    accounts = (await connector.list_accounts(None)).items
    assert not any(account.holds("group/vpn") for account in accounts)
    assert (await connector.give_holding(id_of("eve"), "group/vpn")).kind is OutcomeKind.DONE
    assert (await connector.read_account(id_of("eve"))).holds("group/vpn")


async def test_a_configured_placeholder_stands_in_instead(slapd, kept, id_of):
    async with opened(slapd.port, kept, placeholder=f"cn=nobody,{BASE}") as connector:
        await connector.revoke_holding(id_of("ada"), "group/vpn")
    assert slapd.one("(cn=vpn)")["member"] == [f"cn=nobody,{BASE}"]


async def test_a_member_written_in_another_spelling_is_still_that_member(slapd, connector, id_of):
    """RFC 4518: names compare without case and extra blanks."""
    slapd.add(group("odd", [f"UID=Ada, OU=People,{BASE}", "bob"]))
    assert (await connector.read_account(id_of("ada"))).holds("group/odd")
    assert (await connector.revoke_holding(id_of("ada"), "group/odd")).kind is OutcomeKind.DONE
    assert slapd.one("(cn=odd)")["member"] == [BOB]


async def test_what_is_held_through_a_group_says_so_and_is_not_taken_singly(slapd, connector, id_of):
    """Design section 2: a removal acts on the carrier, or says that it cannot be removed singly. Loops end."""
    slapd.add(group("outer", [f"cn=vpn,{GROUPS}"]) + group("loop", [f"cn=outer,{GROUPS}"]))
    slapd.modify(f"dn: cn=vpn,{GROUPS}\nchangetype: modify\nadd: member\nmember: cn=loop,{GROUPS}\n\n")
    expected = {ObservedHolding("group/outer", Via.GROUP), ObservedHolding("group/loop", Via.GROUP)}
    read = await connector.read_account(id_of("ada"))
    assert expected <= set(read.holdings)
    listed = {account.username: account for account in (await connector.list_accounts(None)).items}
    assert listed["ada"].holdings == read.holdings
    outcome = await connector.revoke_holding(id_of("ada"), "group/outer")
    assert outcome.kind is OutcomeKind.REFUSED
    assert slapd.one("(cn=outer)")["member"] == [f"cn=vpn,{GROUPS}"]


async def test_two_groups_of_one_name_are_called_by_their_place(slapd, connector, id_of):
    """No entitlement ever means two groups."""
    emea = f"ou=emea,{GROUPS}"
    slapd.add(
        ldif_entry(emea, objectClass=("top", "organizationalUnit"), ou="emea")
        + ldif_entry(f"cn=vpn,{emea}", objectClass=("top", "groupOfNames"), cn="vpn", member=[BOB])
    )
    assert {"group/cn=vpn", "group/cn=vpn,ou=emea"} <= set(await connector.list_entitlements())
    assert (await connector.read_account(id_of("bob"))).holds("group/cn=vpn,ou=emea")
    assert (await connector.revoke_holding(id_of("ada"), "group/vpn")).kind is OutcomeKind.REFUSED
    assert (await connector.revoke_holding(id_of("ada"), "group/cn=vpn")).kind is OutcomeKind.DONE
    assert slapd.search("(member=uid=bob,ou=people,dc=northwind,dc=example)", base=emea) != []


async def test_a_group_that_is_not_there_is_refused_to_give_and_nothing_to_revoke(connector, id_of):
    assert (await connector.give_holding(id_of("ada"), "group/nope")).kind is OutcomeKind.REFUSED
    assert (await connector.revoke_holding(id_of("ada"), "group/nope")).kind is OutcomeKind.ALREADY_DONE
    assert (await connector.give_holding(id_of("ada"), "role/staff")).kind is OutcomeKind.REFUSED


async def test_a_dangling_member_bothers_nobody(slapd, connector, id_of):
    slapd.add(group("ghosts", [f"uid=ghost,{PEOPLE}", "ada"]))
    assert len((await connector.list_accounts(None)).items) == 3
    assert (await connector.revoke_holding(id_of("ada"), "group/ghosts")).kind is OutcomeKind.DONE
    assert slapd.one("(cn=ghosts)")["member"] == [f"uid=ghost,{PEOPLE}"]


async def test_delete_of_the_last_member_leaves_the_group(kept):
    with Slapd(SEED + person("zoe", "E4") + group("solo", ["zoe"])) as slapd:
        zoe = id_in(slapd, "zoe")
        async with opened(slapd.port, kept) as connector:
            assert (await connector.delete_account(zoe)).kind is OutcomeKind.DONE
        assert slapd.one("(cn=solo)")["member"] == [f"cn=solo,{GROUPS}"]
