"""What real servers spell in their own way is read; what would have to be guessed is not (issue 3, point 4)."""

import json

import pytest

from lastday.connectors.sdk.protocols import AccountDraft
from lastday.connectors.sdk.reading import read_whole
from lastday.model.attributes import NO_ATTRIBUTES
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.connector_ports import CHAT, FixedClock
from tests.servers.http_faults import Reply, as_json, listing
from tests.servers.scim_answers import user

ADA = NativeId("u1")
DRAFT = AccountDraft(username="ada", attributes=NO_ATTRIBUTES, key="k")


def body(value, kind="application/json", **more):
    return Reply(body=json.dumps(value).encode(), headers={"Content-Type": kind} if kind else {}, **more)


@pytest.mark.parametrize("kind", ["", "text/plain", "text/html; charset=utf-8", "application/octet-stream"])
async def test_a_json_object_is_read_under_any_content_type(connected, kind):
    """RFC 7644 section 3.1 has application/scim+json; no web page is a JSON object."""
    routes = {
        ("GET", "/Users/u1"): body(user(), kind),
        ("GET", "/Users"): body({"totalResults": 1, "Resources": [user()]}, kind),
    }
    _, scim = await connected(routes)
    assert (await scim.read_account(ADA)).username == "name-u1"
    assert len((await read_whole(scim, CHAT, FixedClock())).accounts) == 1


async def test_an_error_under_a_wrong_content_type_is_the_applications_own_word(connected):
    gone = body({"status": 404, "detail": "gone"}, "text/plain", status=404)
    _, scim = await connected({("GET", "/Users/u1"): gone})
    assert await scim.read_account(ADA) is None


@pytest.mark.parametrize("content", [b"gone", b"[]", b'"gone"', b"", b"<html>{}</html>"])
async def test_a_404_that_is_no_json_object_is_not(connected, content):
    page = Reply(status=404, body=content, headers={"Content-Type": "text/plain"})
    _, scim = await connected({("GET", "/Users/u1"): page})
    with pytest.raises(AnswerUnusable):
        await scim.read_account(ADA)


@pytest.mark.parametrize(
    "page",
    [
        {"totalResults": "1", "Resources": [user()]},
        {"TOTALRESULTS": 1, "resources": [user()]},
        {"totalResults": 1, "Resources": [user()], "schemas": None},
        {"totalresults": " 1 ", "Resources": [user(active="TRUE", schemas="urn:x")]},
    ],
)
async def test_a_list_is_read_however_its_keys_are_spelled(connected, page):
    """RFC 7643 section 2.1: names of attributes are not case sensitive."""
    _, scim = await connected({("GET", "/Users"): as_json(page)})
    snapshot = await read_whole(scim, CHAT, FixedClock())
    assert [(a.native_id, a.enabled) for a in snapshot.accounts] == [("u1", True)]
    assert snapshot.completeness.stated_total == 1


@pytest.mark.parametrize("page", [{"totalResults": 0, "Resources": None}, {"totalResults": "0"}])
async def test_an_empty_list_may_come_without_its_resources(connected, page):
    _, scim = await connected({("GET", "/Users"): as_json(page)})
    assert (await read_whole(scim, CHAT, FixedClock())).accounts == ()


@pytest.mark.parametrize(
    ("location", "native_id"),
    [("/v2/Users/u%201", "u 1"), ("https://x.example/scim/v2/Users/7", "7"), ("../users/u1", "u1")],
)
async def test_what_was_made_is_known_by_its_location_where_no_body_comes(connected, location, native_id):
    """RFC 7644 section 3.3: Location is the address of the new resource, absolute or not."""
    _, scim = await connected({("POST", "/Users"): Reply(status=201, headers={"Location": location})})
    outcome = await scim.create_account(DRAFT)
    assert (outcome.kind, outcome.native_id) == (OutcomeKind.DONE, native_id)


@pytest.mark.parametrize("location", ["", "/v2/Groups/u1", "/v2/Users/", "u1", "https://x.example/"])
async def test_an_id_is_not_guessed(connected, location):
    """Unknown: it is looked for before anything else happens."""
    _, scim = await connected({("POST", "/Users"): Reply(status=201, headers={"Location": location})})
    assert (await scim.create_account(DRAFT)).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("status", [400, "400"])
async def test_an_error_is_read_with_its_status_as_number_or_text(connected, status):
    refusal = body({"status": status, "SCIMTYPE": "mutability", "Detail": "no"}, status=400)
    _, scim = await connected({("PATCH", "/Users/u1"): refusal})
    assert (await scim.disable_account(ADA)).detail == "mutability: no"


# Searching


async def test_that_nobody_is_found_counts_after_somebody_was(connected):
    """RFC 7644 section 3.4.2.1: an attribute that a server does not search by finds nobody, with a 200."""

    def deaf(asked):
        return listing([]) if asked.query("filter") else listing([user(externalId="E1")])

    _, scim = await connected({("GET", "/Users"): deaf})
    with pytest.raises(NotSupported):
        await scim.find_accounts("externalId", "E2")


async def test_a_search_is_tried_once_and_then_believed(connected):
    def answering_server(asked):
        wanted = asked.query("filter")
        return listing([user(externalId="E1")] if wanted is None or '"E1"' in wanted else [])

    server, scim = await connected({("GET", "/Users"): answering_server})
    assert await scim.find_accounts("externalId", "E2") == []
    assert await scim.find_accounts("externalId", "E3") == []
    assert len([asked for asked in server.asked if asked.query("filter") is None and "Users" in asked.path]) == 1


async def test_an_attribute_that_the_profile_does_not_name_is_not_searched_by(connected):
    server, scim = await connected({}, searchable={"username": "userName", "emails": "emails"})
    with pytest.raises(NotSupported):
        await scim.find_accounts("externalId", "E1")
    assert server.asked == []


async def test_an_attribute_is_written_as_the_profile_names_it(connected):
    """GitHub searches by `emails`, where the standard has `emails.value`."""
    found = user(emails=[{"value": "a@x.example"}])
    server, scim = await connected({("GET", "/Users"): listing([found])}, searchable={"emails": "emails"})
    (account,) = await scim.find_accounts("emails.value", "a@x.example")
    assert account.native_id == "u1"
    assert [asked.query("filter") for asked in server.asked if asked.query("filter")] == ['emails eq "a@x.example"']
