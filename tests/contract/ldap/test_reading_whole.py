"""A listing is whole or an error; a broken line is never an empty directory; a lost answer is UNKNOWN."""

import asyncio

import pytest

from lastday.connectors.ldap.directory import PAGE_SIZE
from lastday.connectors.sdk.reading import read_whole
from lastday.model.errors import (
    ConfigurationError,
    CredentialsRejected,
    ListingIncomplete,
    PermissionMissing,
    Unreachable,
)
from lastday.model.operation import OutcomeKind
from tests.contract.ldap.conftest import DIRECTORY, SEED, id_in, opened
from tests.servers.connector_ports import FixedClock, TestPorts
from tests.servers.fault_proxy import FaultProxy
from tests.servers.ports import free_port
from tests.servers.slapd import GROUPS, LASTDAY_DN, PEOPLE, Slapd, group, person

pytestmark = pytest.mark.real("slapd")
MANY = 2 * PAGE_SIZE + 7
CROWD = "".join(person(f"p{n}", f"N{n}") for n in range(MANY))
ADA = f"uid=ada,{PEOPLE}"
MODIFY, SEARCH, PAGING = b"\x66", b"\x63", b"1.2.840.113556.1.4.319"


async def whole(connector):
    snapshot = await read_whole(connector, DIRECTORY, FixedClock())
    return snapshot.accounts, snapshot.completeness.pages


def is_modify(sent: bytes) -> bool:
    return b"userPassword" in sent and MODIFY in sent


async def test_a_listing_goes_through_all_pages(kept):
    """RFC 2696: every entry once."""
    with Slapd(bulk_ldif=CROWD + group("all", ["p0", f"p{MANY - 1}"])) as slapd:
        async with opened(slapd.port, kept) as connector:
            accounts, pages = await whole(connector)
        assert (len({a.native_id for a in accounts}), len(accounts), pages) == (MANY, MANY, 3)
        assert {a.username for a in accounts if a.holds("group/all")} == {"p0", f"p{MANY - 1}"}


async def test_a_listing_cut_at_the_second_page_is_an_error(kept):
    """Design section 1 rule 3: a partial listing never becomes a snapshot."""
    limits = f'limits dn.exact="{LASTDAY_DN}" size.soft=unlimited size.hard=unlimited size.prtotal={PAGE_SIZE + 1}'
    with Slapd(bulk_ldif=CROWD, limits=limits) as slapd:
        async with opened(slapd.port, kept) as connector:
            with pytest.raises(ListingIncomplete):
                await whole(connector)


async def test_an_ordinary_size_limit_is_an_error_too(kept):
    limits = f'limits dn.exact="{LASTDAY_DN}" size.soft=10 size.hard=10'
    with Slapd(bulk_ldif=CROWD, limits=limits) as slapd:
        async with opened(slapd.port, kept) as connector:
            with pytest.raises(ListingIncomplete):
                await whole(connector)


async def test_groups_cut_short_make_no_listing(kept):
    """Holdings that were not read must not look like holdings that are gone."""
    crowd = "".join(group(f"g{n}", ["p0"]) for n in range(PAGE_SIZE + 3)) + person("p0", "N0")
    limits = f'limits dn.exact="{LASTDAY_DN}" size.soft=unlimited size.hard=unlimited size.prtotal={PAGE_SIZE}'
    with Slapd(bulk_ldif=crowd, limits=limits) as slapd:
        async with opened(slapd.port, kept) as connector:
            with pytest.raises(ListingIncomplete):
                await connector.list_accounts(None)
            with pytest.raises(ListingIncomplete):
                await connector.list_entitlements()


@pytest.mark.parametrize("keep", [0, 5, 900])
async def test_a_line_that_breaks_inside_an_answer_is_no_shorter_listing(slapd, kept, keep):
    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.truncate_answer_to(lambda sent: PAGING in sent and b"posixAccount" in sent, keep)
        async with opened(proxy.port, kept, timeout_s=3) as connector:
            with pytest.raises((Unreachable, ListingIncomplete)):
                await connector.list_accounts(None)
            assert len((await connector.list_accounts(None)).items) == 3


async def test_listings_that_nobody_goes_on_with_make_room_and_others_go_on(kept):
    """A caller that gave up half-way costs no connection for ever; its cursor is an error, not an empty page."""
    with Slapd(bulk_ldif=CROWD) as slapd:
        async with opened(slapd.port, kept) as connector:
            given_up = [(await connector.list_accounts(None)).next_cursor for _ in range(6)]
            with pytest.raises(ListingIncomplete):
                await connector.list_accounts(given_up[0])
            second = await connector.list_accounts(given_up[-1])
            assert len(second.items) == PAGE_SIZE
            assert second.next_cursor != given_up[-1]


async def test_a_cursor_that_is_not_known_is_an_error(connector):
    with pytest.raises(ListingIncomplete):
        await connector.list_accounts("listing-99")


async def test_a_server_that_is_down_is_unreachable(kept):
    async with opened(free_port(), kept) as connector:
        with pytest.raises(Unreachable):
            await connector.check_connection()
        with pytest.raises(Unreachable):
            await connector.disable_account("00000000-0000-0000-0000-000000000000")


async def test_a_wrong_password_is_rejected_by_name(slapd, kept):
    async with opened(slapd.port, kept, password="wrong-one") as connector:
        with pytest.raises(CredentialsRejected):
            await connector.list_accounts(None)
    assert "wrong-one" not in kept.log.text


async def test_a_subtree_that_is_not_there_is_a_mistake_not_an_empty_directory(slapd, kept):
    async with opened(slapd.port, kept, people="ou=peeple") as connector:
        with pytest.raises(ConfigurationError):
            await connector.check_connection()
        with pytest.raises(Exception, match="noSuchObject"):
            await connector.list_accounts(None)


async def test_a_lost_answer_to_a_write_is_unknown_and_the_repetition_finds_it_done(slapd, kept, id_of):
    """Design section 4: timed out after sending is uncertain; reading comes before anything else."""
    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.swallow_answer_to(is_modify)
        async with opened(proxy.port, kept, timeout_s=1) as connector:
            assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.UNKNOWN
            assert proxy.tripped.is_set()
            assert not (await connector.read_account(id_of("ada"))).enabled
            assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.ALREADY_DONE
            await connector.enable_account(id_of("ada"))
    assert slapd.can_bind(ADA, "ada-secret")


async def test_a_write_that_never_arrived_is_unknown_and_the_repetition_does_it(slapd, kept, id_of):
    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.hold(is_modify)
        async with opened(proxy.port, kept, timeout_s=1) as connector:
            assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.UNKNOWN
            assert slapd.can_bind(ADA, "ada-secret")
            assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.DONE
    assert not slapd.can_bind(ADA, "ada-secret")


async def test_a_line_cut_after_the_write_is_unknown(slapd, kept, id_of):
    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.cut_after(is_modify)
        async with opened(proxy.port, kept, timeout_s=5) as connector:
            assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.UNKNOWN


async def test_a_silent_server_does_not_hold_its_caller(slapd, kept, id_of):
    """A read without an answer is unreachable, and the connector goes on working."""
    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.swallow_answer_to(lambda sent: b"entryUUID" in sent)
        async with opened(proxy.port, kept, timeout_s=1) as connector:
            with pytest.raises(Unreachable):
                await connector.read_account(id_of("ada"))
            assert (await connector.read_account(id_of("ada"))).username == "ada"


async def test_a_call_that_is_cancelled_leaves_a_working_connector(slapd, kept, id_of):
    """Ctrl-C and lost leases: the line is dropped, the next call has its own."""
    with FaultProxy("127.0.0.1", slapd.port) as proxy:
        proxy.hold(is_modify)
        async with opened(proxy.port, kept, timeout_s=30) as connector:
            call = asyncio.create_task(connector.disable_account(id_of("ada")))
            await asyncio.to_thread(proxy.tripped.wait, 10)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await connector.disable_account(id_of("ada"))).kind is OutcomeKind.DONE


async def test_many_at_once_are_served(connector, id_of):
    ids = [id_of("ada"), id_of("bob"), id_of("eve")] * 8
    found = await asyncio.gather(*(connector.read_account(one) for one in ids))
    assert [account.native_id for account in found] == ids


async def test_missing_rights_are_named(kept):
    """PermissionMissing tells the owner; it is not a refusal of this one account."""
    with Slapd(SEED) as slapd:
        slapd.add("dn: cn=weak,dc=northwind,dc=example\nobjectClass: organizationalRole\n"
                  "objectClass: simpleSecurityObject\ncn: weak\nuserPassword: weak-secret\n\n")  # fmt: skip
        settings = {"bind_dn": "cn=weak,dc=northwind,dc=example", "password": "weak-secret"}
        async with opened(slapd.port, kept, **settings) as connector:
            ada = id_in(slapd, "ada")
            assert "No userPassword" in (await connector.check_connection()).warnings[0]
            with pytest.raises(PermissionMissing):
                await connector.revoke_holding(ada, "group/staff")
            with pytest.raises(PermissionMissing):
                await connector.disable_account(ada)
        assert slapd.can_bind(ADA, "ada-secret")
        assert slapd.one("(cn=staff)").dn == f"cn=staff,{GROUPS}"


@pytest.mark.parametrize("url", ["ldap://directory.example", "http://127.0.0.1", "ldap://"])
async def test_an_open_line_outside_loopback_is_refused_before_anything_is_sent(url):
    ports = TestPorts()
    with pytest.raises(ConfigurationError):
        async with opened(1, ports, url=url):
            pass
    assert ports.log.exchanges == []
