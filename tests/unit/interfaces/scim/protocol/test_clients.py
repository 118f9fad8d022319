"""What real clients send has the effect that its sender means, under the profile of that client."""

import json

import pytest

from lastday.configuration.scim_paths import ENTERPRISE, PERSON
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.profiles import load_profile
from lastday.interfaces.scim.protocol.schema_set import GROUP_SCHEMA, USER_SCHEMA
from lastday.interfaces.scim.protocol.validation import new_body
from tests.house.sources import ROOT
from tests.unit.interfaces.scim.protocol.resources import (
    ENTRA,
    GROUP,
    OKTA,
    PROFILES,
    STRICT,
    USER,
    group,
    patched,
    user,
    values,
)

FIXTURES = ROOT / "tests" / "data" / "idp-fixtures"
LENIENT = [profile for profile in PROFILES if profile.name != "strict"]
ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def fixture(name):
    content = json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))
    kind = GROUP if "/Groups" in content["path"] else USER
    profile = ENTRA if name.startswith("azuread") else OKTA
    return content, kind, profile


def sent_with(method):
    names = (f"{path.parent.name}/{path.stem}" for path in sorted(FIXTURES.glob("*/*.json")))
    return [name for name in names if fixture(name)[0]["method"] == method]


def told(response):
    """What a fixture's answer says about the resource, as it is stored here."""
    kept = {name: value for name, value in response.items() if name not in ("id", "meta", "schemas") and value}
    return kept | ({"active": False} if response.get("active") is False else {})


def shown(body):
    return {name: value for name, value in body.items() if name != "schemas"}


@pytest.mark.parametrize("name", sent_with("POST"))
def test_what_is_created_is_what_the_sender_expects_to_be_told(name):
    """elimity-com/scim idp_test: the answer to a POST, without id, meta and what is empty; a password is not kept."""
    content, kind, profile = fixture(name)
    assert shown(new_body(content["request"], kind, profile)) == told(content["response"])


def test_okta_replaces_a_user_by_put():
    """elimity-com/scim idp_test okta/update_user."""
    content, kind, profile = fixture("okta/update_user")
    before = user(profile=profile, nickName="gone", name={"givenName": "Test", "familyName": "User"})
    after = new_body(content["request"], kind, profile, before=before)
    assert shown(after) == told(content["response"])


def test_entra_changes_a_user_by_four_operations():
    """elimity-com/scim idp_test azuread/update_user; `formatted` is what a server may make, and is not sent."""
    content, kind, profile = fixture("azuread/update_user")
    old = {"primary": True, "type": "work", "value": "old@microsoft.com"}
    before = user(name={"familyName": "familyName", "givenName": "givenName"}, emails=[old], active=True)
    wanted = told(content["response"])
    del wanted["name"]["formatted"], wanted["externalId"]
    assert shown(apply_patch(before, content["request"], kind, profile)) == wanted


def test_entra_renames_a_group_adds_a_member_and_removes_that_member_only():
    """elimity-com/scim idp_test azuread/update_group: Remove with a value array."""
    content, kind, profile = fixture("azuread/update_group")
    after = apply_patch(group("somebody", "else"), content["request"], kind, profile)
    assert after["displayName"] == content["response"]["displayName"]
    assert values(after) == ["somebody", "else"]


def test_okta_switches_a_user_off():
    """elimity-com/scim idp_test okta/update_user_patch: a replace without a path."""
    content, kind, profile = fixture("okta/update_user_patch")
    assert apply_patch(user(active=True), content["request"], kind, profile) == user(active=False)


def test_okta_renames_a_group_and_says_its_id():
    """elimity-com/scim idp_test okta/update_group_name: the read-only id in the value is passed over."""
    content, kind, profile = fixture("okta/update_group_name")
    after = apply_patch(group("a"), content["request"], kind, profile)
    assert (after["displayName"], values(after)) == ("Test SCIMv2", ["a"])


def test_okta_removes_adds_and_replaces_members():
    """elimity-com/scim idp_test okta/update_group_membership."""
    content, kind, profile = fixture("okta/update_group_membership")
    *_, last = content["request"]["Operations"]
    start = group("89bb1940-b905-4575-9e7f-6f887cfb368e", "old")
    assert apply_patch(start, content["request"], kind, profile)["members"] == last["value"]


def test_every_request_of_the_fixtures_is_looked_at_here():
    """A fixture that nobody replays proves nothing."""
    changes = {*sent_with("PATCH"), *sent_with("PUT")}
    assert changes == {
        "azuread/update_group",
        "azuread/update_user",
        "okta/update_group_membership",
        "okta/update_group_name",
        "okta/update_user",
        "okta/update_user_patch",
    }
    assert len(sent_with("POST")) == 4


@pytest.mark.parametrize("value", ["False", "false", False])
@pytest.mark.parametrize("profile", LENIENT, ids=lambda profile: profile.name)
def test_a_leaver_is_switched_off_by_text_too(profile, value):
    """Entra ID without the flag sends "False"; nobody may stay active over a type (requirement S-41)."""
    operation = {"op": "Replace", "path": "active", "value": value}
    assert patched(user(active=True), operation, profile=profile) == user(active=False)


@pytest.mark.parametrize(
    ("profile", "given"), [(STRICT, "False"), (STRICT, 0), (ENTRA, "no"), (ENTRA, "0"), (ENTRA, 0)]
)
def test_other_words_for_false_are_refused(profile, given):
    """RFC 7643 section 2.3.2; a guess could be the wrong one."""
    with pytest.raises(ScimError) as refusal:
        patched(user(active=True), {"op": "replace", "path": "active", "value": given}, profile=profile)
    assert refusal.value.scim_type is ScimType.INVALID_VALUE


def test_entra_replaces_several_attributes_by_dotted_keys():
    """Entra ID with aadOptscim062020: one replace without a path."""
    value = {
        "displayName": "Babs",
        "name.givenName": "Barbara",
        f"{ENTERPRISE}:employeeNumber": "701984",
        f"{ENTERPRISE}:manager": "m1",
        'emails[type eq "work"].value': "b@example.com",
    }
    after = patched(user(name={"familyName": "Jensen"}), {"op": "replace", "value": value}, profile=ENTRA)
    assert after["name"] == {"familyName": "Jensen", "givenName": "Barbara"}
    assert after[ENTERPRISE] == {"employeeNumber": "701984", "manager": {"value": "m1"}}
    assert after["emails"] == [{"type": "work", "value": "b@example.com"}]
    assert after["schemas"] == [USER_SCHEMA, ENTERPRISE]


@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_entra_adds_a_number_of_a_type_that_was_not_there(op):
    """Refused by scim2-server with noTarget."""
    before = user(phoneNumbers=[{"type": "work", "value": "1"}])
    after = patched(before, {"op": op, "path": 'phoneNumbers[type eq "mobile"].value', "value": "2"}, profile=ENTRA)
    assert after["phoneNumbers"] == [{"type": "work", "value": "1"}, {"type": "mobile", "value": "2"}]
    again = {"op": op, "path": 'phoneNumbers[type eq "mobile"].value', "value": "3"}
    assert patched(after, again, profile=ENTRA)["phoneNumbers"][1:] == [{"type": "mobile", "value": "3"}]


def test_what_a_filter_does_not_describe_is_not_made():
    """`type ne "work"` says of no value what it is."""
    for condition in ('type ne "work"', 'type eq "a" or type eq "b"', "type pr", 'type eq "a" and type eq "b"'):
        operation = {"op": "Add", "path": f"phoneNumbers[{condition}].value", "value": "2"}
        with pytest.raises(ScimError) as refusal:
            patched(user(), operation, profile=ENTRA)
        assert refusal.value.scim_type is ScimType.NO_TARGET


@pytest.mark.parametrize("op", ["Add", "Replace"])
def test_entra_sends_the_manager_as_a_bare_id(op):
    """Refused by scim2-server: the manager is complex (RFC 7643 section 4.3)."""
    path = f"{ENTERPRISE}:manager"
    after = patched(user(), {"op": op, "path": path, "value": "m1"}, profile=ENTRA)
    assert after[ENTERPRISE] == {"manager": {"value": "m1"}}
    gone = patched(after, {"op": "Remove", "path": path}, profile=ENTRA)
    assert gone == user()
    assert patched(after, {"op": "Replace", "path": path, "value": ""}, profile=ENTRA) == user()
    posted = user(profile=ENTRA, **{ENTERPRISE: {"manager": "m1"}})
    assert posted == after


def test_entra_asks_for_the_primary_role_by_text():
    """Refused by scim2-server: `roles[primary eq "True"].value`."""
    path = 'roles[primary eq "True"].value'
    before = user(roles=[{"value": "user", "primary": True}, {"value": "guest"}])
    after = patched(before, {"op": "Replace", "path": path, "value": "admin"}, profile=ENTRA)
    assert after["roles"] == [{"value": "admin", "primary": True}, {"value": "guest"}]
    made = patched(user(), {"op": "Add", "path": path, "value": "admin"}, profile=ENTRA)
    assert made["roles"] == [{"primary": True, "value": "admin"}]


def test_entra_creates_a_group_with_a_schema_of_its_own():
    """Refused by scim2-server: Microsoft's ADSCIM schema, and meta."""
    given = {
        "schemas": [GROUP_SCHEMA, ADSCIM],
        "displayName": "g",
        "externalId": "x",
        "meta": {"resourceType": "Group"},
    }
    assert new_body(given, GROUP, ENTRA) == {"schemas": [GROUP_SCHEMA], "displayName": "g", "externalId": "x"}
    with pytest.raises(ScimError) as refusal:
        new_body(given, GROUP, STRICT)
    assert refusal.value.scim_type is ScimType.INVALID_VALUE


def test_entra_removes_members_by_a_value_array():
    """Refused by scim2-server; emptied whole groups elsewhere (azure-docs issue 30826)."""
    operation = {"op": "Remove", "path": "members", "value": [{"value": "u1091"}]}
    for profile in (ENTRA, load_profile("jumpcloud")):
        assert values(patched(group("u1091", "u2", "u3"), operation, profile=profile)) == ["u2", "u3"]


def test_entra_adds_members_with_null_references():
    """Entra ID: `[{"$ref": null, "value": id}]`."""
    operation = {"op": "Add", "path": "members", "value": [{"$ref": None, "value": "u2"}]}
    assert patched(group("u1"), operation, profile=ENTRA)["members"] == [{"value": "u1"}, {"value": "u2"}]


def test_a_patch_without_operations_changes_nothing_for_entra():
    """Microsoft's validator sends one."""
    body = user()
    assert patched(body, profile=ENTRA) is body


def test_okta_pushes_a_group_without_schemas():
    """jelhub/scimgateway issue 113: no schemas, the id in the value; an empty list empties the group, as is meant."""
    sent = {"Operations": [{"op": "replace", "value": {"members": [], "id": "1", "displayName": "viewer"}}]}
    assert shown(apply_patch(group("a"), sent, GROUP, OKTA)) == {"displayName": "viewer"}


@pytest.mark.parametrize("key", ["members", f"{GROUP_SCHEMA}:members"])
def test_a_body_that_lists_every_key_does_not_empty_a_group(key):
    """A replace without a path says null of what its sender knows nothing of; under strict it is RFC 7643 2.5."""
    operation = {"op": "replace", "value": {"displayName": "viewer", "externalId": None, key: None}}
    for profile in LENIENT:
        after = patched(group("a"), operation, profile=profile)
        assert after == {**group("a"), "displayName": "viewer"}
    plain = {"op": "replace", "value": {"members": None}}
    assert values(patched(group("a"), plain)) == []


def test_an_unknown_attribute_does_not_keep_a_leaver_in():
    """One PATCH carries both; refusing it over the first would leave the second undone."""
    operations = [
        {"op": "Replace", "path": "favouriteColour", "value": "blue"},
        {"op": "Add", "path": "urn:example:custom:2.0:User:thing", "value": "x"},
        {"op": "Replace", "path": "active", "value": "False"},
    ]
    for profile in LENIENT:
        assert patched(user(active=True), *operations, profile=profile) == user(active=False)


def test_onelogin_fills_a_template_with_empty_texts():
    """Its JSON template has a place for everything, misspelled attributes too."""
    given = {
        "schemas": ["urn:scim:schemas:core:1.0"],
        "userName": "ada",
        "title": "",
        "prefferedLanguage": "",
        "phoneNumbers": [{"value": "", "type": "fax"}, {"value": "1", "type": "work"}],
        "active": "true",
    }
    body = new_body(given, USER, load_profile("onelogin"))
    assert shown(body) == {
        "userName": "ada",
        "phoneNumbers": [{"type": "fax"}, {"value": "1", "type": "work"}],
        "active": True,
    }


def test_the_inbound_collection_of_microsoft_is_understood():
    """Dates of year 1 with seven digits of fraction, names in any case."""
    given = {"SCHEMAS": [USER_SCHEMA], "USERNAME": "ada", "ActiVe": True}
    moment = "0001-01-03T00:00:00.0000000Z"
    body = new_body(given | {PERSON.lower(): {"ENDSAT": moment}}, USER, STRICT)
    assert (body["userName"], body["active"]) == ("ada", True)
    assert body["urn:lastday:params:scim:schemas:extension:person:2.0:User"] == {
        "endsAt": "0001-01-03T00:00:00.0000000Z"
    }
