"""Lists by cursor (RFC 9865) and by index: whole, or an error that says why not."""

import pytest

from lastday.connectors.scim.dialect import Paging
from lastday.connectors.sdk.reading import read_whole
from lastday.model.errors import ListingIncomplete
from lastday.model.ids import NativeId
from tests.servers.connector_ports import CHAT, FixedClock
from tests.servers.http_faults import as_json, listing
from tests.servers.scim_answers import paged, refused, user

USERS = [user(f"u{number}") for number in range(5)]
CURSOR = {"pagination": {"cursor": True, "index": True, "defaultPaginationMethod": "cursor", "maxPageSize": 2}}


def by_cursor(resources, *, total=None, last=None):
    """Pages of two; the cursor is the index behind a letter. `last` is what the last page says of nextCursor."""

    def reply(asked):
        cursor = asked.query("cursor") or ""
        if "cursor=" not in asked.target or asked.query("startIndex") is not None:
            return refused(400, "invalidCursor", "asked for by index")
        start = int(cursor.removeprefix("c")) if cursor else 0
        page = {"Resources": resources[start : start + 2], "itemsPerPage": 2}
        more = start + 2 < len(resources)
        page |= {"nextCursor": f"c{start + 2}"} if more else {} if last is None else {"nextCursor": last}
        return as_json(page if total is None else {**page, "totalResults": total})

    return reply


async def whole(scim):
    return (await read_whole(scim, CHAT, FixedClock())).accounts


@pytest.mark.parametrize("total", [None, 5])
@pytest.mark.parametrize("last", [None, ""])
async def test_a_list_is_read_to_its_end_by_cursor(connected, total, last):
    """RFC 9865 section 2: the first request carries an empty cursor, the last page has no nextCursor."""
    server, scim = await connected({("GET", "/Users"): by_cursor(USERS, total=total, last=last)}, paging=Paging.CURSOR)
    assert [account.native_id for account in await whole(scim)] == [f"u{number}" for number in range(5)]
    asked = [one.query("cursor") for one in server.asked if one.path == "/v2/Users"]
    assert asked == [None, "c2", "c4"]


async def test_groups_are_read_to_their_end_by_cursor_too(connected):
    groups = [{"id": f"g{number}", "displayName": f"n{number}", "members": [{"value": "u1"}]} for number in range(3)]
    routes = {("GET", "/Users"): by_cursor(USERS), ("GET", "/Groups"): by_cursor(groups, total=3)}
    _, scim = await connected(routes, groups=True, paging=Paging.CURSOR)
    found = {account.native_id: len(account.holdings) for account in await whole(scim)}
    assert found == {"u0": 0, "u1": 3, "u2": 0, "u3": 0, "u4": 0}


async def test_the_way_that_is_announced_is_taken(connected):
    """RFC 9865 section 4: the default method, and no page larger than maxPageSize."""
    routes = {("GET", "/ServiceProviderConfig"): as_json(CURSOR), ("GET", "/Users"): by_cursor(USERS)}
    server, scim = await connected(routes, page_size=100)
    assert len(await whole(scim)) == 5
    assert {one.query("count") for one in server.asked if one.path == "/v2/Users"} == {"2"}


@pytest.mark.parametrize(
    "announced",
    [
        {},
        {"pagination": {"cursor": False}},
        {"pagination": {"cursor": True, "index": True}},
        {"pagination": {"cursor": True, "defaultPaginationMethod": "index"}},
        {"pagination": "yes"},
    ],
)
async def test_without_a_word_for_cursors_a_list_is_read_by_index(connected, announced):
    routes = {("GET", "/ServiceProviderConfig"): as_json(announced), ("GET", "/Users"): paged(USERS)}
    _, scim = await connected(routes)
    assert len(await whole(scim)) == 5


def losing(kind):
    """The second page is refused with this kind of error."""
    return lambda asked: refused(400, kind) if asked.query("cursor") else by_cursor(USERS)(asked)


LOOP = as_json({"Resources": [], "nextCursor": "c2"})


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("a cursor that leads back", lambda asked: LOOP),
        ("a resource on two pages", by_cursor([*USERS[:3], USERS[0]])),
        ("a total larger than what comes", by_cursor(USERS, total=6)),
        ("a total smaller than what comes", by_cursor(USERS, total=4)),
        ("a cursor that is no text", as_json({"Resources": USERS[:2], "nextCursor": 7})),
        ("a cursor that ran out", losing("expiredCursor")),
        ("a cursor not known", losing("invalidCursor")),
    ],
)
@pytest.mark.parametrize("endpoint", ["Users", "Groups"])
async def test_a_list_by_cursor_that_is_not_whole_is_no_snapshot(connected, name, reply, endpoint):
    """RFC 9865 section 2.1 for the errors; design section 1.3: unknown is not empty."""
    named = [{"id": "g1", "displayName": "vpn"}]
    routes = {("GET", "/Users"): by_cursor(USERS), ("GET", "/Groups"): by_cursor(named), ("GET", f"/{endpoint}"): reply}
    _, scim = await connected(routes, groups=True, paging=Paging.CURSOR)
    with pytest.raises(ListingIncomplete):
        await whole(scim)


async def test_a_cursor_that_leads_back_is_noticed_at_once(connected):
    """Not after ten thousand pages."""
    server, scim = await connected({("GET", "/Groups"): LOOP}, groups=True, paging=Paging.CURSOR)
    with pytest.raises(ListingIncomplete):
        await scim.list_entitlements()
    assert len(server.asked) == 2


@pytest.mark.parametrize("totals", [(5, 4, 4), (5, 6, 6)])
async def test_groups_whose_stated_total_changes_are_not_whole(connected, totals):
    """Somebody was taken out or put in while we read: what came may lack one."""
    groups: list[dict[str, object]] = [{"id": f"g{number}", "displayName": f"n{number}"} for number in range(5)]

    def reply(asked):
        start = int(asked.query("startIndex"))
        return listing(groups[start - 1 : start + 1], total=totals[start // 2], start=start)

    _, scim = await connected({("GET", "/Users"): paged(USERS), ("GET", "/Groups"): reply}, groups=True)
    with pytest.raises(ListingIncomplete):
        await scim.list_entitlements()


async def test_a_list_that_is_not_paged_is_one_request_without_parameters(connected):
    server, scim = await connected({("GET", "/Users"): listing(USERS)}, paging=Paging.WHOLE)
    assert len(await whole(scim)) == 5
    assert [one.target for one in server.asked if "Users" in one.target] == ["/v2/Users"]


async def test_a_list_that_was_to_be_whole_and_is_not_is_an_error(connected):
    _, scim = await connected({("GET", "/Users"): listing(USERS, total=7)}, paging=Paging.WHOLE)
    with pytest.raises(ListingIncomplete):
        await whole(scim)


async def test_two_readings_at_once_do_not_mix(connected):
    """Each reading has its own groups and its own place."""
    _, scim = await connected({("GET", "/Users"): by_cursor(USERS)}, paging=Paging.CURSOR)
    one, other = await scim.list_accounts(None), await scim.list_accounts(None)
    assert one.next_cursor != other.next_cursor
    following = await scim.list_accounts(one.next_cursor)
    assert [account.native_id for account in following.items] == ["u2", "u3"]
    with pytest.raises(ListingIncomplete):
        await scim.list_accounts("9:c:c2")


async def test_a_parameter_that_the_vendor_does_not_take_is_not_sent(connected):
    """AWS: no excludedAttributes (the profile's paging.unsupported)."""
    group: dict[str, object] = {"id": "g1", "displayName": "vpn"}
    routes = {("GET", "/Groups"): listing([group]), ("GET", "/Groups/g1"): as_json(group)}
    server, scim = await connected(routes, groups=True, omitted=frozenset({"excludedAttributes"}))
    await scim.give_holding(NativeId("u1"), "group/vpn")
    assert [one.target for one in server.asked if "excluded" in one.target] == []
