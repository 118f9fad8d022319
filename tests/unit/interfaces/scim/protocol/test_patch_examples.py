"""Every example of RFC 7644 section 3.5.2, and the rule beside it."""

from typing import Any

import pytest

from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.profiles import load_profile
from tests.unit.interfaces.scim.protocol.resources import GROUP, STRICT, USER, group, message, patched, user, values

BABS = "2819c223-7f76-453a-919d-413861904646"
JAMES = "08e1d05d-121c-4561-8b96-473d93df9210"
BABS_MEMBER = {"display": "Babs Jensen", "$ref": f"https://example.com/v2/Users/{BABS}", "value": BABS}
JAMES_MEMBER = {"display": "James Smith", "$ref": f"https://example.com/v2/Users/{JAMES}", "value": JAMES}
WORK = {
    "type": "work",
    "streetAddress": "911 Universal City Plaza",
    "locality": "Hollywood",
    "region": "CA",
    "postalCode": "91608",
    "country": "US",
    "formatted": "911 Universal City Plaza\nHollywood, CA 91608 US",
    "primary": True,
}


def refused(body, *operations, **how):
    with pytest.raises(ScimError) as refusal:
        patched(body, *operations, **how)
    assert refusal.value.status == 400
    return refusal.value.scim_type


def test_a_member_is_added_to_a_group():
    """Section 3.5.2.1, first example."""
    added = {"op": "add", "path": "members", "value": [BABS_MEMBER]}
    assert patched(group(), added)["members"] == [BABS_MEMBER]
    assert patched(group(JAMES), added)["members"] == [{"value": JAMES}, BABS_MEMBER]


def test_who_is_a_member_already_changes_nothing():
    """Section 3.5.2.1: "If the user was already a member of this group, no changes should be made to the resource"."""
    body = group(BABS_MEMBER, JAMES)
    assert patched(body, {"op": "add", "path": "members", "value": [BABS_MEMBER]}) is body
    assert patched(body, {"op": "add", "path": "members", "value": [{"value": BABS}]}) is body


def test_several_attributes_are_added_without_a_path():
    """Section 3.5.2.1, second example: `emails` and `nickName`, the value holds the attributes."""
    value = {"emails": [{"value": "babs@jensen.org", "type": "home"}], "nickName": "Babs"}
    after = patched(user(), {"op": "add", "value": value})
    assert (after["nickName"], after["emails"]) == ("Babs", value["emails"])


@pytest.mark.parametrize(
    ("before", "value", "after"),
    [
        (None, "Babs", "Babs"),
        ("B", "Babs", "Babs"),
        ("Babs", "Babs", "Babs"),
    ],
)
def test_add_to_a_single_value_replaces_it(before, value, after):
    """Section 3.5.2.1: "If the target location specifies a single-valued attribute, the existing value is replaced"."""
    body = user(nickName=before)
    changed = patched(body, {"op": "add", "path": "nickName", "value": value})
    assert changed["nickName"] == after
    assert (changed is body) == (before == value)


def test_add_to_a_complex_attribute_adds_sub_attributes():
    """Section 3.5.2.1: "a set of sub-attributes SHALL be specified in the value parameter"."""
    body = user(name={"familyName": "Jensen", "givenName": "Barbara"})
    after = patched(body, {"op": "add", "path": "name", "value": {"middleName": "Jane", "givenName": "Babs"}})
    assert after["name"] == {"familyName": "Jensen", "givenName": "Babs", "middleName": "Jane"}


def test_one_member_is_removed():
    """Section 3.5.2.2, first example."""
    body = group(BABS_MEMBER, JAMES_MEMBER)
    after = patched(body, {"op": "remove", "path": f'members[value eq "{BABS}"]'})
    assert after["members"] == [JAMES_MEMBER]


def test_all_members_are_removed():
    """Section 3.5.2.2, second example: no filter and no value."""
    assert "members" not in patched(group(BABS, JAMES), {"op": "remove", "path": "members"})


def test_a_value_is_removed_by_two_conditions():
    """Section 3.5.2.2, third example: `emails[type eq "work" and value ew "example.com"]`."""
    emails = [
        {"type": "work", "value": "b@example.com"},
        {"type": "work", "value": "b@example.org"},
        {"type": "home", "value": "b@home.example.com"},
    ]
    after = patched(user(emails=emails), {"op": "remove", "path": 'emails[type eq "work" and value ew "example.com"]'})
    assert after["emails"] == emails[1:]


def test_a_member_is_exchanged_by_remove_and_add():
    """Section 3.5.2.2, fourth example: two operations, one after the other."""
    after = patched(
        group(BABS),
        {"op": "remove", "path": f'members[value eq "{BABS}"]'},
        {"op": "add", "path": "members", "value": [JAMES_MEMBER]},
    )
    assert after["members"] == [JAMES_MEMBER]


def test_the_last_value_that_goes_takes_the_attribute_with_it():
    """Section 3.5.2.2: "If no other values remain after removal ... the attribute SHALL be considered unassigned"."""
    assert "members" not in patched(group(BABS), {"op": "remove", "path": f'members[value eq "{BABS}"]'})
    emptied = patched(user(emails=[{"value": "a@b"}]), {"op": "remove", "path": "emails[value pr].value"})
    assert "emails" not in emptied


def test_remove_needs_a_path():
    """Section 3.5.2.2: "If "path" is unspecified, the operation fails with ... noTarget"."""
    assert refused(user(), {"op": "remove"}) is ScimType.NO_TARGET
    assert refused(user(), {"op": "remove", "value": {"active": False}}) is ScimType.NO_TARGET


@pytest.mark.parametrize("path", ["userName", "id", "meta", "meta.created", "groups", "groups.display"])
def test_what_is_required_or_read_only_is_not_removed(path):
    """Section 3.5.2.2: "defined as a required attribute or a read-only attribute ... mutability"."""
    assert refused(user(), {"op": "remove", "path": path}) is ScimType.MUTABILITY


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("value", [[], {}, "", 0, False, [{"value": "g"}], [{"value": "h"}]])
def test_what_is_read_only_is_no_more_changed_without_a_path_than_with_one(op, value):
    """Section 3.5.2: "an operation that is not compatible with an attribute's mutability" is an error."""
    body = {**user(), "groups": [{"value": "f"}]}
    for held in (user(), body):
        assert refused(held, {"op": op, "value": {"groups": value}}) is ScimType.MUTABILITY
        assert refused(held, {"op": op, "path": "groups", "value": value}) is ScimType.MUTABILITY


def test_a_value_may_say_of_what_is_read_only_what_is_so():
    """RFC 7643 section 2.5: null is absent; a client that sends back what it read modifies nothing."""
    body = {**user(), "groups": [{"value": "f"}]}
    for held, said in ((user(), None), (body, [{"value": "f"}])):
        after = patched(held, {"op": "replace", "value": {"nickName": "B", "groups": said}})
        assert after == {**held, "nickName": "B"}


def test_removing_what_is_not_there_changes_nothing():
    """Section 3.5.2.2 names no error; a client that sends again after a lost answer must not fail."""
    body = user(emails=[{"value": "a@b"}])
    for path in ("nickName", "name.givenName", 'emails[type eq "x"]', "phoneNumbers", "phoneNumbers.value"):
        assert patched(body, {"op": "remove", "path": path}) is body


def test_members_are_replaced_as_a_whole():
    """Section 3.5.2.3, first example."""
    after = patched(group("old"), {"op": "replace", "path": "members", "value": [BABS_MEMBER, JAMES_MEMBER]})
    assert after["members"] == [BABS_MEMBER, JAMES_MEMBER]


def test_the_order_of_values_is_no_difference():
    """RFC 7643 section 2.4: values have no order, so the version stays."""
    body = group(BABS_MEMBER, JAMES_MEMBER)
    assert patched(body, {"op": "replace", "path": "members", "value": [JAMES_MEMBER, BABS_MEMBER]}) is body


def test_a_work_address_is_replaced():
    """Section 3.5.2.3, second example: the values that the filter chooses, and no others."""
    home = {"type": "home", "locality": "Hollywood"}
    body = user(addresses=[{"type": "work", "locality": "Berlin"}, home])
    after = patched(body, {"op": "replace", "path": 'addresses[type eq "work"]', "value": WORK})
    assert after["addresses"] == [WORK, home]


def test_the_street_of_a_work_address_is_replaced():
    """Section 3.5.2.3, third example: what is not named stays."""
    body = user(addresses=[WORK])
    path = 'addresses[type eq "work"].streetAddress'
    after = patched(body, {"op": "replace", "path": path, "value": "1010 Broadway Ave"})
    assert after["addresses"] == [{**WORK, "streetAddress": "1010 Broadway Ave"}]


def test_attributes_are_replaced_without_a_path():
    """Section 3.5.2.3, fourth example: emails as a whole, nickName."""
    body = user(emails=[{"value": "old@example.com", "type": "other"}])
    emails = [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ]
    after = patched(body, {"op": "replace", "value": {"emails": emails, "nickName": "Babs"}})
    assert (after["emails"], after["nickName"]) == (emails, "Babs")


def test_replacing_what_does_not_exist_adds_it():
    """Section 3.5.2.3: "the service provider SHALL treat the operation as an add"."""
    assert patched(user(), {"op": "replace", "path": "nickName", "value": "B"})["nickName"] == "B"
    assert patched(user(), {"op": "replace", "path": "name.givenName", "value": "B"})["name"] == {"givenName": "B"}
    first = patched(user(), {"op": "replace", "path": "emails.value", "value": "a@b"})
    assert first["emails"] == [{"value": "a@b"}]


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("path", ['emails[type eq "work"]', 'emails[type eq "work"].value'])
def test_a_filter_that_chooses_nothing_is_no_target(op, path):
    """Section 3.5.2.3: "the service provider SHALL indicate failure by returning ... noTarget"."""
    value = {"value": "a@b"} if path.endswith("]") else "a@b"
    assert refused(user(), {"op": op, "path": path, "value": value}) is ScimType.NO_TARGET
    assert refused(user(), {"op": "replace", "path": path, "value": None}) is ScimType.NO_TARGET


def test_a_new_primary_value_unmarks_the_old_one():
    """Section 3.5.2: "the server SHALL set the value of the existing attribute to "false" for "primary"."""
    body = user(emails=[{"value": "a@b", "primary": True}, {"value": "c@d"}])
    by_add = patched(body, {"op": "add", "path": "emails", "value": [{"value": "e@f", "primary": True}]})
    assert [one.get("primary") for one in by_add["emails"]] == [False, None, True]
    by_path = patched(body, {"op": "replace", "path": 'emails[value eq "c@d"].primary', "value": True})
    assert [one.get("primary") for one in by_path["emails"]] == [False, True]
    said_again = patched(body, {"op": "add", "path": "emails", "value": [{"value": "c@d", "primary": True}]})
    assert [one.get("primary") for one in said_again["emails"]] == [False, True]


def test_two_new_primary_values_are_refused():
    """RFC 7643 section 2.4: at most one."""
    two = [{"value": "a@b", "primary": True}, {"value": "c@d", "primary": True}]
    assert refused(user(), {"op": "add", "path": "emails", "value": two}) is ScimType.INVALID_VALUE
    body = user(emails=[{"value": "a@b"}, {"value": "c@d"}])
    assert refused(body, {"op": "replace", "path": "emails.primary", "value": True}) is ScimType.INVALID_VALUE


def test_all_operations_or_none():
    """Section 3.5.2: "each PATCH operation ... SHALL be treated as atomic"."""
    body = user(nickName="Babs")
    operations = [{"op": "replace", "path": "nickName", "value": "B"}, {"op": "remove", "path": "userName"}]
    assert refused(body, *operations) is ScimType.MUTABILITY
    assert body["nickName"] == "Babs"


def test_operations_see_what_those_before_them_did():
    """Section 3.5.2: "applied sequentially in the order they appear in the array"."""
    after = patched(
        user(),
        {"op": "add", "path": "emails", "value": [{"value": "a@b", "type": "work"}]},
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "c@d"},
        {"op": "remove", "path": "emails.type"},
    )
    assert after["emails"] == [{"value": "c@d"}]


@pytest.mark.parametrize(
    "path", ["members[value eq", 'emails[type eq "a"]x', "na me", "1a", "a.b.c", "emails.type[x pr]", "[", ""]
)
def test_a_malformed_path_is_an_invalid_path(path):
    """Section 3.12, table 9: invalidPath. An empty path is none at all, so its value must be an object."""
    wanted = ScimType.INVALID_PATH if path else ScimType.INVALID_VALUE
    assert refused(user(), {"op": "add", "path": path, "value": "x"}) is wanted


@pytest.mark.parametrize(
    "path",
    ["nosuch", "name.nosuch", "urn:x:y:nosuch", "urn:ietf:params:scim:schemas:core:2.0:User:nosuch", "name[value pr]"],
)
def test_a_path_to_nothing_is_an_invalid_path(path):
    """Section 3.12, table 9: invalidPath."""
    assert refused(user(), {"op": "add", "path": path, "value": "x"}) is ScimType.INVALID_PATH


@pytest.mark.parametrize(
    "path", ['emails[type xx "a"]', 'emails[nosuch eq "a"]', "emails[]", 'emails[type eq "a" and]']
)
def test_a_filter_in_a_path_that_cannot_be_read_is_an_invalid_filter(path):
    """Section 3.12, table 9: invalidFilter."""
    assert refused(user(), {"op": "add", "path": path, "value": {"value": "x"}}) is ScimType.INVALID_FILTER


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        message(),
        {"schemas": [], "Operations": [{"op": "remove", "path": "nickName"}]},
        {"Operations": [{"op": "remove", "path": "nickName"}]},
        {**message(), "Operations": "x"},
        message("x"),
        message({"path": "nickName", "value": "x"}),
        message({"op": "move", "path": "nickName", "value": "x"}),
    ],
)
def test_a_message_that_is_no_patch_is_invalid_syntax(sent):
    """Section 3.12, table 9: invalidSyntax."""
    with pytest.raises(ScimError) as refusal:
        apply_patch(user(), sent, USER, STRICT)
    assert refusal.value.scim_type is ScimType.INVALID_SYNTAX


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "nickName"},
        {"op": "add", "path": "nickName", "value": None},
        {"op": "replace", "path": "nickName"},
        {"op": "add", "value": "x"},
        {"op": "replace", "path": "nickName", "value": 5},
        {"op": "replace", "path": "active", "value": "False"},
        {"op": "replace", "path": "name", "value": "x"},
        {"op": "replace", "path": "emails[value pr]", "value": []},
    ],
)
def test_a_value_that_is_missing_or_does_not_fit_is_an_invalid_value(operation):
    """Section 3.12, table 9: invalidValue."""
    body = user(emails=[{"value": "a@b"}])
    assert refused(body, operation) is ScimType.INVALID_VALUE


def test_replacing_by_null_unassigns():
    """RFC 7643 section 2.5: null and the empty array are unassigned."""
    body = user(nickName="B", emails=[{"value": "a@b", "type": "work"}], name={"givenName": "B"})
    cleared = patched(
        body,
        {"op": "replace", "path": "nickName", "value": None},
        {"op": "replace", "path": "emails", "value": []},
        {"op": "replace", "path": "name.givenName", "value": None},
    )
    assert cleared == user()
    assert refused(body, {"op": "replace", "path": "userName", "value": None}) is ScimType.MUTABILITY


def test_the_value_of_a_member_does_not_change():
    """RFC 7643 section 8.7.1: `members.value` is immutable; members as a whole come and go."""
    operation = {"op": "replace", "path": f'members[value eq "{BABS}"].value', "value": JAMES}
    assert refused(group(BABS), operation) is ScimType.MUTABILITY


@pytest.mark.parametrize(
    "value",
    [[{"value": "b"}], {"value": "b"}, ["b"], "b", [{"$ref": None, "value": "b"}], [{"value": "b", "display": "?"}]],
)
def test_remove_with_values_removes_those_members_only(value):
    """Entra ID's form (use-scim-to-provision-users-and-groups, "Update Group [Remove Members]"), under strict too."""
    assert values(patched(group("a", "b", "c"), {"op": "remove", "path": "members", "value": value})) == ["a", "c"]


@pytest.mark.parametrize("value", [[], [{"value": "z"}], {"value": "z", "display": "?"}])
def test_remove_with_values_that_nobody_has_removes_nobody(value):
    """A server that overlooks `value` empties the group: an outage."""
    body = group("a", "b")
    assert patched(body, {"op": "remove", "path": "members", "value": value}) is body


def test_remove_with_values_tells_elements_apart_by_value_and_type():
    """The same form for other attributes: what is named goes, what is not stays."""
    emails = [{"value": "a@b", "type": "work"}, {"value": "a@b", "type": "home"}, {"value": "c@d", "type": "work"}]
    by_both = patched(
        user(emails=emails), {"op": "remove", "path": "emails", "value": [{"value": "a@b", "type": "work"}]}
    )
    assert by_both["emails"] == emails[1:]
    by_value = patched(user(emails=emails), {"op": "remove", "path": "emails", "value": [{"value": "A@B"}]})
    assert by_value["emails"] == emails[2:]
    by_type = patched(user(emails=emails), {"op": "remove", "path": "emails", "value": [{"type": "work"}]})
    assert by_type["emails"] == [emails[1]]


def test_the_work_of_one_message_has_an_end():
    """Hundreds of operations on a list of thousands of values are refused, not carried out for seconds."""
    many = [{"value": f"{number}@example.com"} for number in range(1000)]
    body = user(emails=many)
    operations = [{"op": "add", "path": "emails", "value": [{"value": f"new{n}@example.com"}]} for n in range(500)]
    with pytest.raises(ScimError) as refusal:
        patched(body, *operations)
    assert refusal.value.status == 413


def test_a_thousand_operations_on_the_members_of_a_large_group_are_carried_out():
    """What identity providers send when a group is first filled."""
    body = group(*(f"m{number}" for number in range(20_000)))
    operations: list[dict[str, Any]] = [{"op": "remove", "path": f'members[value eq "m{n}"]'} for n in range(500)]
    operations += [{"op": "add", "path": "members", "value": [{"value": f"n{n}"}]} for n in range(500)]
    after = values(patched(body, *operations, kind=GROUP))
    assert (len(after), after[0], after[-1]) == (20_000, "m500", "n499")


def test_a_value_that_a_path_describes_twice_is_made_once():
    """Whoever sets what the path looks for does not find it the second time; what is made then is there already."""
    set_false = {"op": "add", "path": "emails[primary eq true].primary", "value": False}
    after = patched(user(), set_false, set_false, profile=load_profile("entra"))
    assert after["emails"] == [{"primary": False}]
