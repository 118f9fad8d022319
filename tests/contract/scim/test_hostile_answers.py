"""What the SCIM connector concludes from answers that are wrong, cut, slow, foreign or missing: nothing false.

Security field notes 5.3: false `verified` = 0, effects on other accounts = 0, a partial list is never a snapshot.
"""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from lastday.connectors.sdk.http import Deadlines
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import Attributes
from lastday.model.errors import (
    AnswerUnusable,
    ConnectorError,
    ListingIncomplete,
    NotSupported,
    PermissionMissing,
    RateLimited,
    Unreachable,
)
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock
from tests.servers.http_faults import Reply, as_json, listing
from tests.servers.scim_answers import ERROR, HTML, paged, user

ADA = NativeId("u1")
USERS = [user(f"u{number}") for number in range(5)]


# Listings


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("the same page again and again", lambda asked: listing(USERS[:2], total=5)),
        ("a total larger than what comes", paged(USERS, total=6)),
        ("a total smaller than what comes", lambda asked: listing(USERS[:3], total=2)),
        (
            "a total that grows on the way",
            lambda a: listing(USERS[int(a.query("startIndex")) - 1 :][:2], total=5 + int(a.query("startIndex"))),
        ),
        ("a web page", HTML),
        ("a sign-in page with 200", Reply(body=b"<html>sign in</html>", headers={"Content-Type": "text/html"})),
        (
            "JSON cut short",
            Reply(body=b'{"totalResults": 5, "Resources": [{"id": "u', headers={"Content-Type": "application/json"}),
        ),
        ("a body that breaks off", Reply(body=json.dumps({"Resources": []}).encode(), stated_length=9000)),
        ("no answer", Reply(hang_up=True)),
        ("not a list", as_json({"hello": "world"})),
        ("a list of something else", as_json({"totalResults": 1, "Resources": ["u1"]})),
        ("a JSON array", as_json([])),
        ("an error that says 200", as_json({"schemas": [ERROR], "status": "500", "detail": "no"})),
        ("nothing at all", Reply(headers={"Content-Type": "application/json"})),
        ("endless nesting", Reply(body=b"[" * 200_000, headers={"Content-Type": "application/json"})),
        ("a user without an id", listing([{"userName": "x"}])),
        ("a user without a name", listing([{"id": "x"}])),
        ("active is neither", listing([user(active="perhaps")])),
        ("forbidden", as_json({}, status=403)),
        ("not found", as_json({}, status=404)),
    ],
)
async def test_a_listing_that_is_not_whole_is_no_snapshot(connected, name, reply):
    """Design section 1.3."""
    _, scim = await connected({("GET", "/Users"): reply})
    with pytest.raises(ListingIncomplete):
        await read_whole(scim, CHAT, FixedClock())


async def test_a_listing_without_a_stated_total_says_that_it_has_none(connected):
    def reply(asked):
        start = int(asked.query("startIndex"))
        return as_json({"Resources": USERS[start - 1 : start + 1]})

    _, scim = await connected({("GET", "/Users"): reply})
    snapshot = await read_whole(scim, CHAT, FixedClock())
    assert snapshot.completeness.stated_total is None
    assert len(snapshot.accounts) == 5


async def test_pages_may_be_shorter_than_asked_for(connected):
    """RFC 7644 section 3.4.2.4: a service provider must not return more, and may return fewer."""

    def one_at_a_time(asked):
        start = int(asked.query("startIndex"))
        return listing(USERS[start - 1 : start], total="5", start=start)

    _, scim = await connected({("GET", "/Users"): one_at_a_time})
    assert len((await read_whole(scim, CHAT, FixedClock())).accounts) == 5


async def test_a_broken_group_listing_breaks_the_whole_reading(connected):
    """Without the groups a snapshot would say that nobody holds anything."""
    _, scim = await connected({("GET", "/Users"): paged(USERS), ("GET", "/Groups"): HTML}, groups=True)
    with pytest.raises(ListingIncomplete):
        await read_whole(scim, CHAT, FixedClock())


# Tolerance


async def test_spellings_of_real_servers_are_read(connected):
    """Strings for booleans, numbers for ids, names in another case, unknown fields, members as bare ids."""
    users: list[dict[str, object]] = [
        {
            "ID": 7,
            "username": "Ada",
            "Active": "False",
            "Emails": [{"Value": "a@x.example"}],
            "vendor:x": {"y": [1, {"z": 2}]},
        },
        {"id": "8", "userName": "Bob", "active": "True", "name": None, "unknown": None},
        {"id": 9, "userName": "Cy"},
    ]
    groups: list[dict[str, object]] = [
        {"id": 1, "displayName": "vpn", "members": [{"value": 7}, {"value": "g", "type": "Group"}, "8"]}
    ]
    routes = {("GET", "/Users"): paged(users), ("GET", "/Groups"): paged(groups)}
    _, scim = await connected(routes, groups=True)
    snapshot = await read_whole(scim, CHAT, FixedClock())
    assert [(found.native_id, found.enabled) for found in snapshot.accounts] == [("7", False), ("8", True), ("9", True)]
    assert [found.holds("group/vpn") for found in snapshot.accounts] == [True, True, False]
    assert snapshot.accounts[0].attributes.text("emails.value") == "a@x.example"


# Reading one account


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=404, body=b"<html>", headers={"Content-Type": "text/html"}), AnswerUnusable),
        (as_json(user("u2")), AnswerUnusable),
        (as_json({"schemas": [ERROR], "status": "404"}), AnswerUnusable),
        (as_json({}, status=500), Unreachable),
        (as_json({}, status=403), PermissionMissing),
        (Reply(status=302, headers={"Location": "http://169.254.169.254/latest"}), AnswerUnusable),
        (HTML, Unreachable),
    ],
)
async def test_only_the_application_itself_can_say_that_an_account_is_gone(connected, reply, error):
    """A 404 of a proxy, an error or another user never becomes "gone"."""
    server, scim = await connected({("GET", "/Users/u1"): reply})
    with pytest.raises(error):
        await scim.read_account(ADA)
    assert len(server.asked) == 1


async def test_each_read_back_is_on_its_own_connection(connected):
    """Design section 1.2: a fresh read is a new connection."""
    server, scim = await connected({("GET", "/Users/u1"): as_json(user())})
    await scim.read_account(ADA)
    await scim.read_account(ADA)
    assert [asked.connection for asked in server.asked] == [1, 2]


# Groups, and the filter on them


def groups_server(groups, filtered):
    def reply(asked):
        wanted = asked.query("filter")
        if wanted is None:
            return paged(groups)(asked)
        return filtered(wanted.split('"')[1])

    return reply


GROUPS: list[dict[str, Any]] = [
    {"id": "g1", "displayName": "vpn", "members": [{"value": "u1"}]},
    {"id": "g2", "displayName": "sales", "members": [{"value": "u2"}]},
]


@pytest.mark.parametrize(
    ("name", "filtered"),
    [
        ("works", lambda wanted: listing([g for g in GROUPS if {"value": wanted} in g["members"]])),
        (
            "works, members hidden",
            lambda w: listing(
                [{"id": g["id"], "displayName": g["displayName"]} for g in GROUPS if {"value": w} in g["members"]]
            ),
        ),
        ("says nothing matches", lambda wanted: listing([])),
        ("is ignored", lambda wanted: listing(GROUPS)),
        ("is ignored, members hidden", lambda wanted: listing([{**g, "members": []} for g in GROUPS])),
        ("is refused", lambda wanted: as_json({"scimType": "invalidFilter"}, status=400)),
        ("is not there", lambda wanted: as_json({}, status=501)),
    ],
)
async def test_holdings_are_right_whatever_the_filter_on_members_does(connected, name, filtered):
    """A server that misreads the filter must not make "holds nothing" out of it, nor the holdings of others."""
    routes = {("GET", "/Users/u1"): as_json(user()), ("GET", "/Groups"): groups_server(GROUPS, filtered)}
    _, scim = await connected(routes, groups=True)
    account = await scim.read_account(ADA)
    assert account is not None
    assert [holding.entitlement for holding in account.holdings] == ["group/vpn"]


async def test_a_group_that_only_the_user_names_still_counts(connected):
    """RFC 7643 section 4.1.2, `groups`: what one of the two places shows is not gone."""
    shown = user(groups=[{"value": "g2", "type": "indirect"}])
    routes = {("GET", "/Users/u1"): as_json(shown), ("GET", "/Groups"): paged(GROUPS)}
    _, scim = await connected(routes, groups=True)
    account = await scim.read_account(ADA)
    assert account is not None
    assert [(holding.entitlement, holding.via) for holding in account.holdings] == [
        ("group/sales", "group"),
        ("group/vpn", "direct"),
    ]


async def test_a_removal_names_the_member_and_is_never_sent_in_another_form(connected):
    """SCIM field notes 4a: a server that overlooks `value` empties the group."""
    routes = {
        ("GET", "/Groups"): paged(GROUPS),
        ("GET", "/Groups/g1"): as_json(GROUPS[0]),
        ("PATCH", "/Groups/g1"): as_json({"scimType": "invalidPath", "detail": "no"}, status=400),
    }
    server, scim = await connected(routes, groups=True)
    outcome = await scim.revoke_holding(NativeId('u1" or value pr or value eq "'), "group/vpn")
    assert outcome.kind is OutcomeKind.REFUSED
    (sent,) = [asked.json() for asked in server.asked if asked.method == "PATCH"]
    assert sent["Operations"] == [{"op": "remove", "path": 'members[value eq "u1\\" or value pr or value eq \\""]'}]


async def test_a_group_that_was_renamed_is_not_the_one_that_was_meant(connected):
    """Names are looked at again before a membership changes."""
    names = {"g1": "vpn"}
    routes = {
        ("GET", "/Groups"): lambda asked: paged([{"id": gid, "displayName": name} for gid, name in names.items()])(
            asked
        ),
        ("GET", "/Groups/g1"): lambda asked: as_json({"id": "g1", "displayName": names["g1"]}),
        ("PATCH", "/Groups/g1"): Reply(status=204),
    }
    server, scim = await connected(routes, groups=True)
    assert await scim.list_entitlements() == ["group/vpn"]
    names["g1"] = "board"
    assert (await scim.give_holding(ADA, "group/vpn")).kind is OutcomeKind.REFUSED
    assert [asked for asked in server.asked if asked.method == "PATCH"] == []


# Searching


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (as_json({"scimType": "invalidFilter"}, status=400), NotSupported),
        (listing([user("u1"), user("u2")]), AnswerUnusable),
        (listing([user("u1", externalId="E2")]), AnswerUnusable),
        (listing([], total=3), ListingIncomplete),
        (HTML, Unreachable),
    ],
)
async def test_a_search_that_was_not_applied_is_an_error_not_a_finding(connected, reply, error):
    """An empty or a full answer of a server without filters proves nothing."""
    _, scim = await connected({("GET", "/Users"): reply})
    with pytest.raises(error):
        await scim.find_accounts("externalId", "E1")


@pytest.mark.parametrize("name", ["x) or (y", "a b", 'userName eq "', "urn:other:schema:thing", "a.b.c", ""])
async def test_an_attribute_name_is_never_a_piece_of_filter(connected, name):
    server, scim = await connected({})
    with pytest.raises(NotSupported):
        await scim.find_accounts(name, "x")
    assert server.asked == []


async def test_the_value_is_one_json_string_in_the_filter(connected):
    """T-24, RFC 7644 section 3.4.2.2."""
    hostile = 'x" or id pr or userName eq "\\\n'
    server, scim = await connected({("GET", "/Users"): listing([])})
    await scim.find_accounts("userName", hostile)
    (sent,) = [asked for asked in server.asked if asked.query("filter")]
    filter_text = unquote(sent.target.split("filter=")[1])
    assert filter_text.startswith('userName eq "')
    assert json.loads(filter_text.removeprefix("userName eq ")) == hostile


# Changing


@pytest.mark.parametrize(
    "reply",
    [
        Reply(silent=True),
        Reply(hang_up=True),
        HTML,
        as_json({}, status=500),
        Reply(body=b'{"id": "u', headers={"Content-Type": "application/json"}),
        Reply(body=b"<html>ok</html>", headers={"Content-Type": "text/html"}),
        as_json({"schemas": [ERROR], "status": "500"}),
        Reply(body=b'{"id": "u1"', headers={"Content-Type": "application/json"}, stated_length=500),
    ],
)
@pytest.mark.parametrize("verb", ["disable", "create", "delete", "revoke"])
async def test_a_change_without_a_usable_answer_is_unknown(connected, reply, verb):
    """It may have taken effect: it is read back before anything else happens."""
    routes = {
        ("PATCH", "/Users/u1"): reply,
        ("POST", "/Users"): reply,
        ("DELETE", "/Users/u1"): reply,
        ("PATCH", "/Groups/g1"): reply,
        ("GET", "/Groups"): paged(GROUPS),
        ("GET", "/Groups/g1"): as_json(GROUPS[0]),
    }
    _, scim = await connected(routes, groups=True, deadlines=Deadlines(total_s=0.3))
    draft = AccountDraft(username="ada", attributes=Attributes.of({"externalId": "E1"}), key="k")
    outcome = await {
        "disable": lambda: scim.disable_account(ADA),
        "create": lambda: scim.create_account(draft),
        "delete": lambda: scim.delete_account(ADA),
        "revoke": lambda: scim.revoke_holding(ADA, "group/vpn"),
    }[verb]()
    assert outcome.kind is OutcomeKind.UNKNOWN


async def test_a_create_that_took_effect_unseen_is_found_again_by_its_proof(connected):
    """Timeout after the effect, then the same wish again: 409, and the account is ours."""
    made: list[dict[str, object]] = []

    def create(asked):
        if made:
            return as_json({"scimType": "uniqueness"}, status=409)
        made.append(user("u1", externalId="E1"))
        return Reply(hang_up=True)

    _, scim = await connected({("POST", "/Users"): create, ("GET", "/Users"): lambda asked: listing(made)})
    draft = AccountDraft(username="name-u1", attributes=Attributes.of({"externalId": "E1"}), key="k")
    assert (await scim.create_account(draft)).kind is OutcomeKind.UNKNOWN
    again = await scim.create_account(draft)
    assert (again.kind, again.native_id) == (OutcomeKind.ALREADY_DONE, "u1")


async def test_disabling_what_is_not_there_is_absent_never_done(connected):
    _, scim = await connected({})
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.ABSENT


async def test_a_404_of_a_proxy_is_not_absence(connected):
    page = Reply(status=404, body=b"<html>", headers={"Content-Type": "text/html"})
    _, scim = await connected({("PATCH", "/Users/u1"): page})
    with pytest.raises(AnswerUnusable):
        await scim.disable_account(ADA)


@pytest.mark.parametrize("status", [400, 409, 412, 413, 422])
async def test_a_refusal_is_refused_with_the_reason(connected, status):
    reply = as_json({"scimType": "mutability", "detail": "owned by the directory"}, status=status)
    _, scim = await connected({("PATCH", "/Users/u1"): reply})
    outcome = await scim.disable_account(ADA)
    assert outcome.kind is OutcomeKind.REFUSED
    assert outcome.detail.endswith("mutability: owned by the directory")


async def test_the_form_without_a_path_is_tried_where_the_path_is_refused(connected):
    """RFC 7644 section 3.5.2.3 allows both; after a 400 nothing was done."""

    def patch(asked):
        has_path = "path" in json.loads(asked.body)["Operations"][0]
        return as_json({"scimType": "invalidPath"}, status=400) if has_path else Reply(status=204)

    _, scim = await connected({("PATCH", "/Users/u1"): patch})
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE


async def test_being_told_to_wait_does_nothing_and_holds_the_whole_application_back(connected, told):
    busy = as_json({}, status=429, Retry_After="7")
    _, scim = await connected({("PATCH", "/Users/u1"): busy})
    with pytest.raises(RateLimited) as caught:
        await scim.disable_account(ADA)
    assert caught.value.retry_after_s == 7
    assert told.budget.blocked == [7]


async def test_no_hostile_answer_escapes_as_another_kind_of_error(connected):
    """Every answer ends as an outcome or a ConnectorError: the engine knows no other way."""
    junk = [
        b"null",
        b"1",
        b'"x"',
        b"{}",
        b'{"id": []}',
        b'{"id": "u1", "userName": {}}',
        b'{"id":"u1","userName":"x","meta":7}',
    ]
    for body in junk:
        _, scim = await connected(
            {("GET", "/Users/u1"): Reply(body=body, headers={"Content-Type": "application/json"})}
        )
        try:
            account = await scim.read_account(ADA)
        except ConnectorError:
            continue
        assert account is not None
        assert account.username == "x"
