"""What a POST or PUT may hold, and what is made of it (RFC 7643 sections 2 to 4; RFC 7644 sections 3.3 and 3.5.1)."""

from typing import Any

import pytest

from lastday.configuration.scim_paths import ENTERPRISE, PERSON
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.schema import Attribute, CustomSchema
from lastday.interfaces.scim.protocol.schema_set import USER_SCHEMA, SchemaSet
from lastday.interfaces.scim.protocol.validation import new_body
from lastday.interfaces.scim.protocol.values import LONGEST_KEY_BYTES
from lastday.model.scim import ResourceType
from tests.unit.interfaces.scim.protocol.resources import (
    BADGE_SCHEMA,
    BADGED,
    ENTRA,
    GROUP,
    PROFILES,
    STRICT,
    USER,
    group,
    patched,
    user,
)


def refused(given, kind=USER, profile=STRICT, before=None):
    with pytest.raises(ScimError) as refusal:
        new_body(given, kind, profile, before=before)
    assert refusal.value.status == 400
    return refusal.value


def posted(**attributes) -> Any:
    return {"schemas": [USER_SCHEMA], "userName": "bjensen", **attributes}


def test_names_are_spelled_as_the_schema_spells_them():
    """RFC 7643 section 2.1: attribute names are case insensitive."""
    given = {"SCHEMAS": [USER_SCHEMA.upper()], "USERNAME": "b", "Emails": [{"VALUE": "a@b", "Type": "Work"}]}
    extension = {ENTERPRISE.upper(): {"Manager": {"VALUE": "m"}}}
    assert new_body(given | extension, USER, STRICT) == {
        "schemas": [USER_SCHEMA, ENTERPRISE],
        "userName": "b",
        "emails": [{"value": "a@b", "type": "Work"}],
        ENTERPRISE: {"manager": {"value": "m"}},
    }


def test_schemas_follow_from_what_is_there():
    """RFC 7643 section 3: `schemas` names the schemas of the attributes present."""
    named_in_vain = posted(schemas=[USER_SCHEMA, ENTERPRISE])
    assert new_body(named_in_vain, USER, STRICT)["schemas"] == [USER_SCHEMA]
    not_named = posted(**{PERSON: {"riskScore": 5}})
    assert new_body(not_named, USER, STRICT)["schemas"] == [USER_SCHEMA, PERSON]


@pytest.mark.parametrize("schemas", [None, [], [ENTERPRISE], "x", [1]])
def test_schemas_must_name_the_resource(schemas):
    """RFC 7643 section 3: schemas is required and holds the URN of the resource's own schema."""
    assert refused(posted(schemas=schemas)).scim_type is ScimType.INVALID_SYNTAX


def test_an_unknown_schema_or_attribute_is_refused_under_strict_only():
    """RFC 7644 table 9, invalidSyntax: what does not conform to the request's schema."""
    assert refused(posted(schemas=[USER_SCHEMA, "urn:x:y"])).scim_type is ScimType.INVALID_VALUE
    for given in (posted(nosuch=1), posted(name={"nosuch": 1}), posted(**{"urn:x:y": {"a": 1}})):
        assert refused(given).scim_type is ScimType.INVALID_SYNTAX
        assert new_body(given, USER, ENTRA) == user()


def test_null_and_nothing_are_absent():
    """RFC 7643 section 2.5."""
    given = posted(nickName=None, emails=[], name={}, addresses=[{}, None], title=None, **{ENTERPRISE: {}})
    assert new_body(given, USER, STRICT) == user()


def test_what_is_read_only_is_passed_over():
    """RFC 7644 section 3.3 and 3.5.1: "any values provided SHALL be ignored"."""
    read_only = {"id": "mine", "meta": {"version": "x"}, "groups": [{"value": "g"}]}
    manager = {ENTERPRISE: {"manager": {"value": "m", "displayName": "Ada"}}}
    body = new_body(posted(**read_only, **manager), USER, STRICT)
    assert body == user(**{ENTERPRISE: {"manager": {"value": "m"}}})


def test_what_is_read_only_survives_a_put():
    """RFC 7644 section 3.5.1: the groups of a user are changed through the groups."""
    before = {**user(title="x"), "groups": [{"value": "g", "display": "G"}]}
    after = new_body(posted(groups=[]), USER, STRICT, before=before)
    assert after == {**user(), "groups": [{"value": "g", "display": "G"}]}


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_a_password_is_looked_at_and_never_kept(profile):
    """RFC 7643 section 4.1.1: writeOnly, returned never."""
    assert new_body(posted(password="t1meMa$heen"), USER, profile) == user()
    assert patched(user(), {"op": "replace", "path": "password", "value": "t1meMa$heen"}, profile=profile) == user()
    assert patched(user(), {"op": "add", "value": {"password": "t1meMa$heen"}}, profile=profile) == user()
    assert refused(posted(password=5), profile=profile).scim_type is ScimType.INVALID_VALUE


def test_what_is_write_only_in_an_extension_is_never_kept():
    """RFC 7643 section 7: writeOnly; also inside complex attributes."""
    extension = {BADGE_SCHEMA: {"pin": "1234", "holder": {"value": "h", "secret": "s"}, "number": "7"}}
    body = new_body(posted(**extension), BADGED, STRICT)
    assert body[BADGE_SCHEMA] == {"holder": {"value": "h"}, "number": "7"}
    operations = [
        {"op": "add", "path": f"{BADGE_SCHEMA}:pin", "value": "1"},
        {"op": "replace", "path": f"{BADGE_SCHEMA}:holder.secret", "value": "t"},
        {"op": "add", "path": BADGE_SCHEMA, "value": {"pin": "2", "holder": {"secret": "u"}}},
    ]
    assert patched(body, *operations, kind=BADGED) is body


def test_what_is_immutable_keeps_its_first_value():
    """RFC 7644 section 3.5.1: "the input value(s) MUST match, or ... mutability"."""
    before = new_body(posted(**{BADGE_SCHEMA: {"number": "7", "holder": {"value": "h", "since": "x"}}}), BADGED, STRICT)
    same = posted(title="t", **{BADGE_SCHEMA: before[BADGE_SCHEMA]})
    assert new_body(same, BADGED, STRICT, before=before)["title"] == "t"
    for changed in ({"number": "8"}, {"floor": 1}, {"number": "7", "holder": {"value": "h", "since": "y"}}):
        given = posted(**{BADGE_SCHEMA: changed})
        assert refused(given, BADGED, before=before).scim_type is ScimType.MUTABILITY
    assert refused(posted(), BADGED, before=before).scim_type is ScimType.MUTABILITY
    first = new_body(posted(**{BADGE_SCHEMA: {"number": "9"}}), BADGED, STRICT, before=user())
    assert first[BADGE_SCHEMA] == {"number": "9"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": f"{BADGE_SCHEMA}:number", "value": "8"},
        {"op": "remove", "path": f"{BADGE_SCHEMA}:number"},
        {"op": "remove", "path": BADGE_SCHEMA},
        {"op": "add", "value": {BADGE_SCHEMA: {"number": "8"}}},
    ],
)
def test_a_patch_does_not_change_what_is_immutable(operation):
    """RFC 7644 section 3.5.2: mutability."""
    before = new_body(posted(**{BADGE_SCHEMA: {"number": "7"}}), BADGED, STRICT)
    with pytest.raises(ScimError) as refusal:
        patched(before, operation, kind=BADGED)
    assert refusal.value.scim_type is ScimType.MUTABILITY


def test_put_replaces_everything_that_can_be_written():
    """RFC 7644 section 3.5.1."""
    before = user(title="old", nickName="old", emails=[{"value": "a@b"}])
    assert new_body(posted(title="new"), USER, STRICT, before=before) == user(title="new")


@pytest.mark.parametrize("given", [posted(userName=None), posted(userName=""), {"schemas": [USER_SCHEMA]}])
def test_a_user_has_a_name(given):
    """RFC 7643 section 4.1.1: userName is required and not empty."""
    assert refused(given).scim_type is ScimType.INVALID_VALUE


def test_a_required_extension_and_its_required_attributes_must_be_there():
    """RFC 7643 section 6, `schemaExtensions.required`."""
    needed = CustomSchema(
        urn="urn:x:needed", name="Needed", required=True, attributes=(Attribute(name="code", required=True),)
    )
    kind = SchemaSet.of([needed]).kind(ResourceType.USER)
    assert "urn:x:needed is required" in refused(posted(), kind).detail
    assert "urn:x:needed is required" in refused(posted(**{"urn:x:needed": {"code": None}}), kind).detail
    body = new_body(posted(**{"urn:x:needed": {"code": "1"}}), kind, STRICT)
    with pytest.raises(ScimError):
        patched(body, {"op": "remove", "path": "urn:x:needed"}, kind=kind)


@pytest.mark.parametrize(
    ("attribute", "good", "bad"),
    [
        ("active", [True, False], ["true", 1, 0, "", [], {}]),
        ("title", ["x", "", "ß", "😀"], [1, True, ["x"], {"value": "x"}, "a\x00b", "\ud800", "x" * 40_000]),
        ("profileUrl", ["https://example.com/a", "../Users/1", "urn:x:y"], ["a b", "a\nb", 1, "<x>"]),
        ("emails", [[{"value": "a@b"}]], ["a@b", {"value": "a@b"}, ["a@b"], [1], [[]]]),
        (
            "x509Certificates",
            [[{"value": "AAEC"}], [{"value": "AA=="}], [{"value": "AA"}]],
            [[{"value": "A"}], [{"value": "a b!"}]],
        ),
        ("name", [{"givenName": "B"}], ["B", [{"givenName": "B"}], {"givenName": 1}, {"givenName": {}}]),
        (f"{PERSON}:riskScore", [0, -5, 2**63 - 1], [1.5, 1.0, "5", True, 2**63]),
        (
            f"{PERSON}:endsAt",
            ["2026-11-30T17:00:00Z", "2026-11-30T17:00:00.1234567+01:00"],
            ["2026-11-30", "2026-11-30T17:00:00", "2026-02-30T00:00:00Z", 5, "x"],
        ),
        (
            f"{PERSON}:endDate",
            ["2026-11-30", "2026-11-30T17:00:00Z"],
            ["30.11.2026", "2026-02-30", "20261130", "2026-W48-1", 5],
        ),
        (f"{BADGE_SCHEMA}:weight", [1, 1.5, -0.0], ["1", True, float("inf"), float("nan")]),
        (f"{BADGE_SCHEMA}:doors", [["a", "b"]], ["a", [1], [["a"]]]),
    ],
)
def test_values_have_the_type_of_their_attribute(attribute, good, bad):
    """RFC 7643 section 2.3; the detail names the attribute. What PostgreSQL cannot store is refused here."""
    urn, _, name = attribute.rpartition(":")

    def given(value):
        return posted(**({urn: {name: value}} if urn else {name: value}))

    for value in good:
        body: Any = new_body(given(value), BADGED, STRICT)
        assert (body[urn] if urn else body)[name] == value
    for value in bad:
        refusal = refused(given(value), BADGED)
        assert refusal.scim_type is ScimType.INVALID_VALUE
        assert attribute in refusal.detail


def test_canonical_values_are_suggestions():
    """RFC 7643 section 7: a service provider may accept other values."""
    assert user(emails=[{"value": "a@b", "type": "Privat"}])["emails"][0]["type"] == "Privat"


def test_one_value_at_most_is_primary():
    """RFC 7643 section 2.4."""
    two = [{"value": "a@b", "primary": True}, {"value": "c@d", "primary": True}]
    assert refused(posted(emails=two)).scim_type is ScimType.INVALID_VALUE


def test_the_same_value_stands_once():
    """RFC 7643 section 2.4; what is said of a member in two elements is kept in one."""
    assert user(emails=[{"value": "a@b"}, {"value": "c@d"}, {"value": "a@b"}])["emails"] == [
        {"value": "a@b"},
        {"value": "c@d"},
    ]
    twice = group({"value": "a"}, {"value": "a", "display": "Ada"}, "b")
    assert twice["members"] == [{"value": "a", "display": "Ada"}, {"value": "b"}]


def test_a_member_has_a_value():
    """A member that names nobody cannot be looked up."""
    for member in ({"display": "x"}, {"value": None, "display": "x"}):
        given = {"schemas": GROUP.core.urn.split(" "), "displayName": "g", "members": [member]}
        assert "members.value is required" in refused(given, GROUP).detail


def test_an_attribute_that_is_given_twice_is_refused():
    """RFC 7643 section 2.1: names that differ in case only are one name, and which value counts is not said."""
    assert refused(posted(USERNAME="other")).scim_type is ScimType.INVALID_SYNTAX
    assert refused(posted(name={"givenName": "a", "GIVENNAME": "b"})).scim_type is ScimType.INVALID_SYNTAX
    extension = {ENTERPRISE: {"division": "a"}, ENTERPRISE.lower(): {"division": "b"}}
    assert refused(posted(**extension)).scim_type is ScimType.INVALID_SYNTAX


@pytest.mark.parametrize("name", ["userName", "externalId"])
def test_what_is_looked_up_fits_into_an_index(name):
    """PostgreSQL refuses entries of a B-tree beyond a third of a page; 400 says so before."""
    assert new_body(posted(**{name: "x" * 400}), USER, STRICT)[name] == "x" * 400
    assert refused(posted(**{name: "x" * 401})).scim_type is ScimType.INVALID_VALUE
    grows = "\U0001d160" * 400
    assert len(grows.encode()) <= LONGEST_KEY_BYTES
    assert refused(posted(**{name: grows})).scim_type is ScimType.INVALID_VALUE


def test_lists_have_an_end():
    """A client that sends thousands of addresses for one person is mistaken."""
    assert "more than" in refused(posted(emails=[{"value": str(number)} for number in range(3000)])).detail


@pytest.mark.parametrize("given", [None, [], "x", 5, True])
def test_a_resource_is_an_object(given):
    """RFC 7644 section 3.12: invalidSyntax."""
    assert refused(given).scim_type is ScimType.INVALID_SYNTAX


def test_values_that_clients_sent_do_not_stand_in_details():
    """What is refused may be personal; the detail names the attribute, and a name that nobody knows is cut."""
    assert "4711" not in refused(posted(active="4711")).detail
    assert len(refused(posted(**{"x" * 10_000: 1})).detail) < 200
