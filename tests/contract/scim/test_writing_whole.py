"""PUT where there is no PATCH: the whole resource, over the version that was read (RFC 7644 sections 3.5.1, 3.14)."""

import json
from typing import Any

import pytest

from lastday.connectors.scim.vendor_terms import Booleans, DisableVerb, OpCase, PathForm
from lastday.connectors.sdk.http import Deadlines
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.model.attributes import Attributes
from lastday.model.errors import AnswerUnusable, ConnectorError, NotSupported, RateLimited
from lastday.model.ids import NativeId
from lastday.model.operation import OutcomeKind
from tests.servers.http_faults import Reply, as_json
from tests.servers.scim_answers import ERROR, HTML, Stored, refused, routes_of, user

ADA = NativeId("u1")
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
STRANGE: dict[str, Any] = user(
    externalId="E1",
    schemas=["urn:ietf:params:scim:schemas:core:2.0:User", "urn:vendor:x"],
    emails=[{"value": "a@x.example", "primary": True}, {"value": "b@x.example"}],
    meta={"version": 'W/"7"', "resourceType": "User"},
    **{"urn:vendor:x": {"badge": [1, {"deep": None}]}, "shoeSize": 43},
)


@pytest.mark.parametrize(
    "patch",
    [refused(405), refused(501), Reply(status=501), Reply(status=405, headers={"Allow": "GET, PUT, DELETE"})],
)
async def test_where_patch_is_not_implemented_the_resource_is_put(connected, patch):
    """RFC 7644 section 3.5: 405 or 501 say that nothing was done."""
    store = Stored(STRANGE)
    _, scim = await connected(routes_of(store, patch=patch))
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE
    assert store.resource == {**STRANGE, "active": False}


@pytest.mark.parametrize("keys", [{"put_only": True}, {"disable_verb": DisableVerb.PUT}])
async def test_where_the_profile_says_put_no_patch_is_sent(connected, keys):
    store = Stored(STRANGE)
    server, scim = await connected(routes_of(store), **keys)
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE
    assert {asked.method for asked in server.asked} <= {"GET", "PUT"}


async def test_where_the_application_announces_no_patch_none_is_sent(connected):
    """RFC 7643 section 5, patch.supported; some spell the boolean."""
    store = Stored(STRANGE)
    config = as_json({"patch": {"supported": "False"}})
    server, scim = await connected({**routes_of(store), ("GET", "/ServiceProviderConfig"): config})
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE
    assert {asked.method for asked in server.asked} == {"GET", "PUT"}


async def test_what_we_do_not_know_goes_back_as_it_came(connected):
    """RFC 7644 section 3.5.1: what a PUT leaves out may be cleared."""
    store = Stored(STRANGE)
    _, scim = await connected(routes_of(store), put_only=True)
    values = Attributes.of({"emails.value": "new@x.example", "department": "Legal"})
    outcome = await scim.update_account(ADA, values, ["externalId"])
    assert outcome.kind is OutcomeKind.DONE
    wanted = {name: value for name, value in STRANGE.items() if name != "externalId"}
    wanted["emails"] = [{"value": "new@x.example", "primary": True}, {"value": "b@x.example"}]
    wanted["schemas"] = [*STRANGE["schemas"], ENTERPRISE]
    assert store.resource == {**wanted, ENTERPRISE: {"department": "Legal"}}


@pytest.mark.parametrize(("etag", "guard"), [(True, 'W/"7"'), (False, 'W/"7"')])
async def test_it_is_written_over_the_version_that_was_read_only(connected, etag, guard):
    """RFC 7644 section 3.14: the ETag, else meta.version."""
    store = Stored(STRANGE, etag=etag)
    _, scim = await connected(routes_of(store), put_only=True)
    await scim.disable_account(ADA)
    assert store.guards == [guard]


async def test_without_a_version_there_is_no_guard(connected):
    store = Stored(user(), etag=False)
    _, scim = await connected(routes_of(store), put_only=True)
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE
    assert store.guards == [None]


async def test_what_somebody_else_changed_meanwhile_is_kept(connected):
    """412: it is read again, and their change goes into ours."""
    store = Stored(STRANGE, stale=2)
    _, scim = await connected(routes_of(store), put_only=True)
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE
    assert store.guards == ['W/"7"', 'W/"8"', 'W/"9"']
    assert store.resource == {**STRANGE, "active": False, "title": "by somebody else 9"}


async def test_what_others_change_all_the_time_is_refused_and_nothing_is_overwritten(connected):
    store = Stored(STRANGE, stale=99)
    _, scim = await connected(routes_of(store), put_only=True)
    outcome = await scim.disable_account(ADA)
    assert outcome.kind is OutcomeKind.REFUSED
    assert store.resource["active"] is True


UNUSABLE = [
    Reply(silent=True),
    Reply(hang_up=True),
    HTML,
    as_json({}, status=500),
    Reply(body=b'{"id": "u', headers={"Content-Type": "application/json"}),
    Reply(body=b"<html>ok</html>", headers={"Content-Type": "text/html"}),
    as_json({"schemas": [ERROR], "status": "500"}),
    Reply(body=b'{"id": "u1"', headers={"Content-Type": "application/json"}, stated_length=500),
]


@pytest.mark.parametrize("reply", UNUSABLE)
async def test_a_put_without_a_usable_answer_is_unknown(connected, reply):
    """It may have taken effect: it is read back before anything else happens."""
    routes = {**routes_of(Stored(STRANGE)), ("PUT", "/Users/u1"): reply}
    _, scim = await connected(routes, put_only=True, deadlines=Deadlines(total_s=0.3))
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize("reply", UNUSABLE)
async def test_what_was_not_read_whole_is_never_put(connected, reply):
    """A resource of which a part is missing would be put back without it."""
    server, scim = await connected({("GET", "/Users/u1"): reply}, put_only=True, deadlines=Deadlines(total_s=0.3))
    with pytest.raises(ConnectorError):
        await scim.disable_account(ADA)
    assert [asked for asked in server.asked if asked.method == "PUT"] == []


@pytest.mark.parametrize("wait", ["7", "Tue, 24 Nov 2026 06:00:07 GMT"])
async def test_being_told_to_wait_holds_a_put_back_too(connected, told, wait):
    """RFC 9110 section 10.2.3: seconds, or a date; nobody sends anything to the application meanwhile."""
    busy = as_json({}, status=429, Retry_After=wait)
    _, scim = await connected({**routes_of(Stored(STRANGE)), ("PUT", "/Users/u1"): busy}, put_only=True)
    with pytest.raises(RateLimited) as caught:
        await scim.disable_account(ADA)
    assert caught.value.retry_after_s == 7
    assert told.budget.blocked == [7]


async def test_what_takes_neither_is_not_supported(connected):
    """405 to both: a person does it."""
    routes = {
        ("GET", "/Users/u1"): as_json(user()),
        ("PATCH", "/Users/u1"): refused(405),
        ("PUT", "/Users/u1"): refused(405),
    }
    _, scim = await connected(routes)
    with pytest.raises(NotSupported):
        await scim.disable_account(ADA)


@pytest.mark.parametrize(
    ("read", "kind"), [(refused(404), OutcomeKind.ABSENT), (refused(400, "invalidValue"), OutcomeKind.REFUSED)]
)
async def test_what_cannot_be_read_is_not_written(connected, read, kind):
    server, scim = await connected({("GET", "/Users/u1"): read}, put_only=True)
    assert (await scim.disable_account(ADA)).kind is kind
    assert [asked for asked in server.asked if asked.method == "PUT"] == []


async def test_another_resource_than_was_asked_for_is_not_written_back(connected):
    server, scim = await connected({("GET", "/Users/u1"): as_json(user("u2"))}, put_only=True)
    with pytest.raises(AnswerUnusable):
        await scim.disable_account(ADA)
    assert [asked for asked in server.asked if asked.method == "PUT"] == []


# Dialects of PATCH


@pytest.mark.parametrize(
    ("keys", "operation"),
    [
        ({}, {"op": "replace", "path": "active", "value": False}),
        ({"disable_form": PathForm.NO_PATH}, {"op": "replace", "value": {"active": False}}),
        ({"op_case": OpCase.CAPITAL}, {"op": "Replace", "path": "active", "value": False}),
        ({"booleans": Booleans.TEXT}, {"op": "replace", "path": "active", "value": "false"}),
    ],
)
async def test_a_disable_is_written_in_the_vendors_own_form(connected, keys, operation):
    server, scim = await connected({("PATCH", "/Users/u1"): Reply(status=204)}, **keys)
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.DONE
    (sent,) = [json.loads(asked.body) for asked in server.asked if asked.method == "PATCH"]
    assert sent["Operations"] == [operation]


async def test_a_form_that_the_profile_states_is_the_only_one_tried(connected):
    """The other form could do something else there."""
    server, scim = await connected({("PATCH", "/Users/u1"): refused(400, "invalidPath")}, disable_form=PathForm.PATH)
    assert (await scim.disable_account(ADA)).kind is OutcomeKind.REFUSED
    assert len([asked for asked in server.asked if asked.method == "PATCH"]) == 1


async def test_what_was_switched_off_for_good_is_not_switched_on(connected):
    server, scim = await connected({}, disable_deletes=True)
    assert (await scim.enable_account(ADA)).kind is OutcomeKind.REFUSED
    assert server.asked == []


async def test_a_list_of_which_one_element_is_taken_is_sent_with_one(connected):
    """AWS: more than one mail is a 400."""
    made = as_json(user(), status=201)
    stored = user(emails=[{"value": "a@x.example", "primary": True}, {"value": "b@x.example"}])
    routes = {
        ("POST", "/Users"): made,
        ("GET", "/Users/u1"): as_json(stored),
        ("PATCH", "/Users/u1"): Reply(status=204),
    }
    server, scim = await connected(routes, single_valued=frozenset({"emails"}))
    values = Attributes.of({"emails.value": ("a@x.example", "b@x.example")})
    await scim.create_account(AccountDraft(username="ada", attributes=values, key="k"))
    await scim.update_account(ADA, values, [])
    bodies = [asked.json() for asked in server.asked if asked.method in ("POST", "PATCH")]
    assert [mail["value"] for mail in bodies[0]["emails"]] == ["a@x.example"]
    assert [mail["value"] for mail in bodies[1]["Operations"][0]["value"]] == ["a@x.example"]
