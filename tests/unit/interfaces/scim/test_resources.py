"""One resource: made, read, replaced, changed, taken away (RFC 7644 sections 3.3 to 3.6)."""

import asyncio

import pytest

from lastday.interfaces.scim.protocol.schema import Attribute, AttributeType, CustomSchema, Returned
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.model.scim import TokenScope
from tests.unit.interfaces.scim.calling import SEARCH_URN, USER_URN, Called, group, patch, user
from tests.unit.interfaces.scim.stored import BASE_URL, push_client

DEACTIVATE = patch({"op": "replace", "path": "active", "value": False})


async def test_what_is_made_has_an_address_a_version_and_a_body():
    """RFC 7644 section 3.3: 201, Location, the representation; section 3.14: ETag."""
    called = Called()
    made = await called("POST", "/Users", user(active=True))
    assert made.status == 201
    assert made.headers["location"] == made.json["meta"]["location"] == f"{BASE_URL}/Users/{made.json['id']}"
    assert made.headers["etag"] == made.json["meta"]["version"]
    assert made.headers["content-type"] == "application/scim+json"
    assert (made.json["userName"], made.json["active"]) == ("ada", True)


async def test_a_resource_is_read_by_its_id_and_by_no_other():
    """RFC 7644 sections 3.4.1 and 3.12."""
    called = Called()
    made = await called("POST", "/Users", user())
    assert (await called("GET", f"/Users/{made.json['id']}")).json == made.json
    missing = await called("GET", "/Users/nobody")
    assert (missing.status, missing.json["status"]) == (404, "404")
    assert (await called("GET", f"/Groups/{made.json['id']}")).status == 404


async def test_sources_do_not_see_each_other():
    """S-41: what one client pushed is not there for the client of another source."""
    called = Called()
    called.clients.by_token["other"] = push_client("other")
    made = await called("POST", "/Users", user())
    for method, body in (("GET", None), ("PUT", user()), ("PATCH", DEACTIVATE), ("DELETE", None)):
        assert (await called(method, f"/Users/{made.json['id']}", body, token="other")).status == 404
    assert (await called("GET", "/Users", token="other")).json["totalResults"] == 0
    assert (await called("POST", "/Users", user(), token="other")).status == 201


async def test_a_user_name_is_taken_once():
    """RFC 7644 section 3.3 and table 9: 409 uniqueness, by POST, PUT and PATCH."""
    called = Called()
    await called("POST", "/Users", user("ada"))
    eva = f"/Users/{(await called('POST', '/Users', user('eva'))).json['id']}"
    for got in (
        await called("POST", "/Users", user("ADA")),
        await called("PUT", eva, user("Ada")),
        await called("PATCH", eva, patch({"op": "replace", "path": "userName", "value": "ada"})),
    ):
        assert (got.status, got.scim_type) == (409, "uniqueness")


async def test_put_replaces_the_whole():
    """RFC 7644 section 3.5.1: what is left out is gone; the answer is the resource."""
    called = Called()
    made = await called("POST", "/Users", user(displayName="Ada", active=True))
    put = await called("PUT", f"/Users/{made.json['id']}", user(displayName="Ada L."))
    assert put.status == 200
    assert put.json["displayName"] == "Ada L."
    assert "active" not in put.json
    assert put.headers["etag"] != made.headers["etag"]


@pytest.mark.parametrize("before", [{}, {"active": True}, {"active": False}])
@pytest.mark.parametrize(
    ("method", "silent"),
    [
        ("PUT", user()),
        ("PUT", user(active=None)),
        ("PATCH", patch({"op": "remove", "path": "active"})),
        ("PATCH", patch({"op": "replace", "path": "active", "value": None})),
        ("PATCH", patch({"op": "replace", "value": {"active": None}})),
    ],
)
async def test_a_switch_that_a_client_takes_away_is_away(method, silent, before):
    """RFC 7643 section 2.5; that it was off is remembered where pushes are taken in (ADR 0014)."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user(**before))).json['id']}"
    said = await called(method, path, silent)
    assert (said.status, "active" in said.json) == (200, False)


async def test_patch_answers_with_the_resource():
    """RFC 7644 section 3.5.2: 200 with the representation is the default here."""
    called = Called()
    made = await called("POST", "/Users", user(active=True))
    changed = await called("PATCH", f"/Users/{made.json['id']}", DEACTIVATE)
    assert (changed.status, changed.json["active"]) == (200, False)


async def test_a_patch_that_changes_nothing_leaves_the_version():
    """RFC 7644 section 3.5.2: no change, no new version."""
    called = Called()
    made = await called("POST", "/Users", user(active=False))
    changed = await called("PATCH", f"/Users/{made.json['id']}", DEACTIVATE)
    assert (changed.status, changed.headers["etag"]) == (200, made.headers["etag"])


async def test_who_prefers_a_minimal_answer_to_a_patch_gets_none():
    """RFC 7240 section 4.2; RFC 7644 section 3.5.2 has the body come back where attributes are named."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user(active=True))).json['id']}"
    minimal = await called("PATCH", path, DEACTIVATE, prefer="return=minimal")
    assert (minimal.status, minimal.content) == (204, b"")
    assert minimal.headers["preference-applied"] == "return=minimal"
    assert minimal.headers["etag"] == 'W/"2"'
    named = await called("PATCH", path, DEACTIVATE, query={"attributes": "active"}, prefer="return=minimal")
    assert (named.status, named.json["active"]) == (200, False)
    assert "userName" not in named.json


async def test_entra_gets_204_for_groups_only():
    """Entra ID wants 204 for PATCH of groups; named attributes come back all the same (RFC 7644 section 3.5.2)."""
    called = Called()
    called.clients.by_token["entra"] = push_client(profile="entra")
    person = await called("POST", "/Users", user(active=True), token="entra")
    team = await called("POST", "/Groups", group("Readers"), token="entra")
    rename = patch({"op": "Replace", "path": "displayName", "value": "Writers"})
    assert (await called("PATCH", f"/Groups/{team.json['id']}", rename, token="entra")).status == 204
    assert (await called("PATCH", f"/Users/{person.json['id']}", DEACTIVATE, token="entra")).status == 200
    shown = await called(
        "PATCH", f"/Groups/{team.json['id']}", rename, token="entra", query={"attributes": "displayName"}
    )
    assert (shown.status, shown.json["displayName"]) == (200, "Writers")


async def test_what_was_taken_away_is_gone():
    """RFC 7644 section 3.6: 204 without a body, then 404 for everything."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user())).json['id']}"
    gone = await called("DELETE", path)
    assert (gone.status, gone.content) == (204, b"")
    assert set(gone.headers) == {"x-request-id"}
    for method, body in (("GET", None), ("PUT", user()), ("PATCH", DEACTIVATE), ("DELETE", None)):
        assert (await called(method, path, body)).status == 404
    assert (await called("POST", "/Users", user())).status == 201


async def test_a_password_is_never_seen_again():
    """RFC 7643 section 4.1.1: writeOnly and returned never."""
    called = Called()
    made = await called("POST", "/Users", user(password="t0p-secret"))
    read = await called("GET", f"/Users/{made.json['id']}", query={"attributes": "password"})
    assert b"t0p-secret" not in made.content + read.content
    assert "password" not in read.json


async def test_named_attributes_and_no_others_are_shown():
    """RFC 7644 section 3.9: attributes, excludedAttributes, and never both; what is always returned stays."""
    called = Called()
    body = user(displayName="Ada", name={"givenName": "Ada", "familyName": "Lovelace"})
    path = f"/Users/{(await called('POST', '/Users', body)).json['id']}"
    only = await called("GET", path, query={"attributes": "name.givenName"})
    assert only.json == {"schemas": [USER_URN], "id": only.json["id"], "name": {"givenName": "Ada"}}
    without = await called("GET", path, query={"excludedAttributes": "name,meta"})
    assert set(without.json) == {"schemas", "id", "userName", "displayName"}
    both = await called("GET", path, query={"attributes": "name", "excludedAttributes": "meta"})
    assert (both.status, both.scim_type) == (400, "invalidValue")
    made = await called("POST", "/Users", user("eva"), query={"attributes": "userName"})
    assert set(made.json) == {"schemas", "id", "userName"}


async def test_what_is_returned_on_request_is_held_back_until_it_is_named():
    """RFC 7643 section 7, `returned`: request and never, in one resource, in lists, and in answers to changes."""
    urn = "urn:example:badge"
    badge = Attribute(name="badge", returned=Returned.REQUEST)
    pin = Attribute(name="pin", returned=Returned.NEVER)
    schema = CustomSchema(urn=urn, name="Badge", attributes=(badge, pin, Attribute(name="floor")))
    called = Called(schemas=SchemaSet.of([schema]))
    body = user(**{"schemas": [USER_URN, urn], urn: {"badge": "b-7", "floor": "3", "pin": "1234"}})
    made = await called("POST", "/Users", body)
    path = f"/Users/{made.json['id']}"
    for got in (made, await called("GET", path), await called("PATCH", path, DEACTIVATE)):
        assert got.json[urn] == {"floor": "3"}
    [listed] = (await called("GET", "/Users")).json["Resources"]
    assert listed[urn] == {"floor": "3"}
    named = {"attributes": f"{urn}:badge,{urn}:pin"}
    assert (await called("GET", path, query=named)).json[urn] == {"badge": "b-7"}
    [listed] = (await called("GET", "/Users", query=named)).json["Resources"]
    assert listed[urn] == {"badge": "b-7"}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ('{urn}:pin sw "1"', 400),
        ('not ({urn}:PIN sw "1") or active eq true', 400),
        ("{urn}:cards.pin pr", 400),
        ('{urn}:cards[pin sw "1"]', 400),
        ('{urn}:cards[type eq "x" and not (Pin pr)]', 400),
        ('{urn}:cards[type eq "x"].pin eq "1"', 400),
        ('{urn}:cards[type eq "x"]', 200),
        ('pin eq "1"', 200),
    ],
)
async def test_what_is_never_returned_is_never_searched_by(text, status):
    """RFC 7643 section 7: whoever may ask how a value begins can read it, inside brackets too."""
    urn = "urn:example:badge"
    pin = Attribute(name="pin", returned=Returned.NEVER)
    subs = (pin, Attribute(name="type"))
    cards = Attribute(name="cards", type=AttributeType.COMPLEX, multi_valued=True, sub_attributes=subs)
    called = Called(schemas=SchemaSet.of([CustomSchema(urn=urn, name="Badge", attributes=(pin, cards))]))
    got = await called("GET", "/Users", query={"filter": text.format(urn=urn)})
    assert got.status == status
    assert status == 200 or got.scim_type == "invalidFilter"


async def test_a_token_that_only_reads_changes_nothing():
    """RFC 6750 section 3.1: 403 insufficient_scope."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user(active=True))).json['id']}"
    called.clients.by_token["reader"] = push_client(scopes=frozenset({TokenScope.READ}))
    assert (await called("GET", path, token="reader")).status == 200
    search = {"schemas": [SEARCH_URN], "filter": "active eq true"}
    assert (await called("POST", "/.search", search, token="reader")).status == 200
    for method, where, body in (
        ("POST", "/Users", user("eva")),
        ("PUT", path, user()),
        ("PATCH", path, DEACTIVATE),
        ("DELETE", path, None),
        ("POST", "/Bulk", {"Operations": []}),
    ):
        refused = await called(method, where, body, token="reader")
        assert refused.status == 403
        assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    assert (await called("GET", path)).json["active"] is True


async def test_a_token_that_only_writes_reads_nothing():
    """A scope that was not given is not there."""
    called = Called()
    called.clients.by_token["writer"] = push_client(scopes=frozenset({TokenScope.WRITE}))
    made = await called("POST", "/Users", user(), token="writer")
    assert made.status == 201
    for where in (f"/Users/{made.json['id']}", "/Users", "/", "/Schemas"):
        assert (await called("GET", where, token="writer")).status == 403
    assert (await called("POST", "/.search", {}, token="writer")).status == 403


@pytest.mark.parametrize("header", ['W/"1"', '"1"', "*", 'W/"7", W/"1"', "1", "W/1"])
async def test_a_resource_that_is_as_expected_is_changed(header):
    """RFC 7644 section 3.14: tags compare weakly; clients copy `meta.version` in any shape."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user(active=True))).json['id']}"
    assert (await called("PATCH", path, DEACTIVATE, if_match=header)).status == 200


@pytest.mark.parametrize("header", ['W/"2"', '"11"', 'W/"7", W/"8"', "2", '""', ""])
async def test_a_resource_that_is_not_as_expected_stays(header):
    """RFC 7644 sections 3.12 and 3.14: 412."""
    called = Called()
    made = await called("POST", "/Users", user(active=True))
    path = f"/Users/{made.json['id']}"
    for method, body in (("PUT", user("eva")), ("PATCH", DEACTIVATE), ("DELETE", None), ("GET", None)):
        assert (await called(method, path, body, if_match=header)).status == 412
    assert (await called("GET", path)).json == made.json


async def test_who_expects_what_is_gone_hears_that_it_is_not_as_expected():
    """RFC 9110 section 13.1.1: without a current representation If-Match is false, `*` too."""
    called = Called()
    for header in ('W/"1"', "*"):
        assert (await called("PUT", "/Users/gone", user(), if_match=header)).status == 412
        assert (await called("DELETE", "/Users/gone", if_match=header)).status == 412


async def test_one_of_two_who_expect_the_same_version_loses():
    """The condition is looked at where the change is made: two PATCH at once, one 200 and one 412, nothing lost."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user())).json['id']}"
    titles = [patch({"op": "add", "path": "title", "value": f"T{number}"}) for number in range(5)]
    answers = await asyncio.gather(*(called("PATCH", path, one, if_match='W/"1"') for one in titles))
    assert sorted(one.status for one in answers) == [200, 412, 412, 412, 412]
    won = next(one for one in answers if one.status == 200)
    assert (await called("GET", path)).json["title"] == won.json["title"]


async def test_who_has_it_already_is_told_so():
    """RFC 9110 section 13.1.2: 304 with the tag and without a body."""
    called = Called()
    made = await called("POST", "/Users", user(active=True))
    path = f"/Users/{made.json['id']}"
    same = await called("GET", path, if_none_match=made.headers["etag"])
    assert (same.status, same.content, set(same.headers)) == (304, b"", {"etag", "x-request-id"})
    assert same.headers["etag"] == made.headers["etag"]
    await called("PATCH", path, DEACTIVATE)
    assert (await called("GET", path, if_none_match=made.headers["etag"])).json["active"] is False
    assert (await called("PATCH", path, DEACTIVATE, if_none_match="*")).status == 412


async def test_head_is_get_without_content():
    """RFC 9110 section 9.3.2: the same headers, the length included."""
    called = Called()
    path = f"/Users/{(await called('POST', '/Users', user())).json['id']}"
    for where in (path, "/Users", "/ServiceProviderConfig", "/Users/nobody"):
        got, head = await called("GET", where), await called("HEAD", where)
        assert head.content == b""
        assert got.status == head.status
        assert {**got.headers, "x-request-id": ""} == {**head.headers, "x-request-id": ""}
        assert int(head.headers["content-length"]) == len(got.content) > 0
