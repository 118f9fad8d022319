"""The same patches as scim2-models applies them; every difference is named with its clause."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context, EnterpriseUser, Group, PatchOp, ScimPolicy, User
from scim2_models.exceptions import SCIMException

from lastday.configuration.scim_paths import ENTERPRISE
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.schema import ResourceKind
from lastday.interfaces.scim.protocol.validation import new_body
from tests.unit.interfaces.scim.protocol.resources import (
    GROUP,
    GROUP_SHAPES,
    STRICT,
    USER,
    Shapes,
    group,
    message,
    user,
)

REFUSED = "refused"
EMPLOYEE = ResourceKind(
    type=USER.type, core=USER.core, extensions=tuple(e for e in USER.extensions if e.schema.urn == ENTERPRISE)
)
EMPLOYEE_SHAPES = Shapes(EMPLOYEE, "userName")
MODELS: Any = {USER.type: User[EnterpriseUser], GROUP.type: Group}
WITH_VALUES = ScimPolicy(remove_value_as_filter=ScimPolicy.RemoveValue.apply)
"""Removing members by a value array is no question of strictness here, so it is allowed there too."""


def theirs(body, sent, kind):
    model: Any = MODELS[kind.type]
    message_of: Any = PatchOp
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resource = model.model_validate({**body, "id": "1"})
        try:
            with WITH_VALUES:
                message_of[model].model_validate(sent, scim_ctx=Context.RESOURCE_PATCH_REQUEST).patch(resource)
        except (ValidationError, SCIMException):
            return REFUSED
        return comparable(resource.model_dump())


def ours(body, sent, kind):
    try:
        return comparable(apply_patch(body, sent, kind, STRICT))
    except ScimError:
        return REFUSED


def comparable(document):
    """Without id and schemas, without what is absent, without order, with types in lower case: they rewrite those."""
    named = ((name, tidy(value)) for name, value in document.items() if name not in ("id", "schemas"))
    return {name: value for name, value in named if value not in (None, {}, [])}


def tidy(value):
    if isinstance(value, Mapping):
        named = ((name, tidy(inner)) for name, inner in value.items())
        return {
            name: inner.lower() if name == "type" else inner for name, inner in named if inner not in (None, {}, [])
        }
    if isinstance(value, list):
        return sorted((tidy(one) for one in value if tidy(one)), key=lambda one: repr(sorted(one.items())))
    return value


@dataclass(frozen=True, slots=True)
class Case:
    """An operation on a body."""

    body: Any
    operation: Any
    kind: ResourceKind

    @property
    def op(self):
        return self.operation["op"]

    @property
    def path(self):
        """Empty where there is none; without the URN of an extension."""
        return (self.operation.get("path") or "").removeprefix(f"{ENTERPRISE}:")

    @property
    def value(self):
        return self.operation.get("value")

    @property
    def chooses(self):
        return self.path.endswith("]")

    def given(self, name):
        """What the operation gives to an attribute, by its path or without one."""
        if self.path:
            return self.value if self.path == name else None
        return self.value.get(name) if isinstance(self.value, Mapping) else None


def has_relative_uri(given):
    """RFC 7643 2.3.7 allows it; scim2-models wants an absolute one where the reference is external."""
    return "../" in repr(given)


def gives_a_relative_uri(case):
    """RFC 7643 2.3.7 too: the empty text and a mere word are relative references (RFC 3986 4.2)."""
    is_photo = case.path.startswith("photos") and case.path.endswith(("photos", "]", ".value"))
    given = [case.given("profileUrl"), case.value if is_photo else case.given("photos")]
    return any(has_text_without(":", one) for one in given)


def is_in_capitals(case):
    return case.op != case.op.lower()


def removes_nothing_that_is_named(case):
    if case.op != "remove" or "value" not in case.operation:
        return False
    is_named = is_list_of_objects(case.value) or (case.value is None and case.path != "members")
    return not is_named or "." in case.path or "[" in case.path


def removes_by_more_than_what_tells_apart(case):
    if case.op != "remove" or not is_list_of_objects(case.value):
        return False
    enough = {"value"} if case.path == "members" else {"value", "type"}
    return any("value" in one and set(one) - enough for one in case.value)


def changes_chosen_values_by_a_list(case):
    return case.op != "remove" and case.chooses and isinstance(case.value, list) and any(case.value)


def replaces_chosen_values_by_null(case):
    return case.op == "replace" and case.chooses and case.value is None


def leaves_empty_what_is_required(case):
    if case.kind is GROUP:
        return "'value': ''" in repr(case.value) or case.value == "" or case.given("displayName") == ""
    return case.given("userName") == ""


def gives_an_odd_address(case):
    """RFC 7643 4.1.2: an address SHOULD have its form; scim2-models refuses others, we store what is sent."""
    if case.path.startswith("emails["):
        return "@" not in case.path or (case.path.endswith(("]", ".value")) and has_text_without("@", case.value))
    return has_text_without("@", case.value if case.path == "emails.value" else case.given("emails"))


def has_text_without(sign, given):
    """One of the given values lacks what an address of its kind has."""
    listed = given if isinstance(given, list) else [given]
    named = [one.get("value") if isinstance(one, Mapping) else one for one in listed]
    return any(isinstance(one, str) and sign not in one for one in named)


def has_a_loose_boolean(case):
    return is_loose_at(case.path, case.value)


def is_loose_at(path, value):
    """Something else than true, false and null where a boolean belongs."""
    if path.split(".")[-1] in ("active", "primary"):
        return not isinstance(value, bool | None)
    if isinstance(value, list):
        return any(is_loose_at(path, one) for one in value)
    return isinstance(value, Mapping) and any(is_loose_at(key, one) for key, one in value.items())


def has_null_in_a_list(case):
    return "[None" in repr(case.value) or ", None" in repr(case.value)


def adds_null(case):
    return case.op == "add" and not case.path and None in case.value.values()


def adds_nothing_to_what_is_read_only(case):
    return case.op == "add" and not case.path and case.value.get("groups") == []


def says_the_name_of_a_manager(case):
    return not case.path.endswith(".displayName") and has_name_of_manager(case.path, case.value)


def has_name_of_manager(path, value):
    """`manager.displayName`, the one read-only sub-attribute of what a client may write, is said inside a value."""
    if not isinstance(value, Mapping):
        return False
    if path.split(".")[-1] == "manager":
        return value.get("displayName") is not None
    return any(has_name_of_manager(key, one) for key, one in value.items())


def is_inside_values_that_are_not_there(case):
    return "." in case.path and "[" not in case.path and case.path.split(".")[0] not in case.body


def names_no_member(case):
    given = case.given("members")
    listed = given if isinstance(given, list) else [given]
    return case.op != "remove" and given is not None and not all(listed)


KNOWN = (
    gives_a_relative_uri,
    is_in_capitals,
    removes_nothing_that_is_named,
    removes_by_more_than_what_tells_apart,
    changes_chosen_values_by_a_list,
    replaces_chosen_values_by_null,
    leaves_empty_what_is_required,
    gives_an_odd_address,
    has_a_loose_boolean,
    has_null_in_a_list,
    adds_null,
    adds_nothing_to_what_is_read_only,
    says_the_name_of_a_manager,
    is_inside_values_that_are_not_there,
    names_no_member,
)
"""What the two are known to do differently."""


def is_list_of_objects(value):
    return isinstance(value, list) and value and all(isinstance(one, Mapping) and one for one in value)


@given(st.data())
@settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
def test_one_operation_has_the_same_effect_there_and_here(data):
    """RFC 7644 section 3.5.2: refused by both, or the same resource afterwards."""
    shape = data.draw(st.sampled_from([EMPLOYEE_SHAPES, GROUP_SHAPES]))
    kind = shape.kind
    body = stored(data.draw(shape.bodies), kind)
    assume(body is not None and not has_relative_uri(body))
    operation = data.draw(shape.operations)
    assume(not has_relative_uri(operation))
    case = Case(body, operation, kind)
    assume(not any(is_known(case) for is_known in KNOWN))
    there = theirs(body, message(operation), kind)
    assume(not says_twice(there, kind))
    assert ours(body, message(operation), kind) == there


def says_twice(document, kind):
    """RFC 7643 2.4: a pair of value and type stands once. scim2-models adds it again where something else differs."""
    lists = [] if document == REFUSED else [one for one in document.values() if isinstance(one, list)]
    keys = ("value",) if kind is GROUP else ("value", "type")
    named = [[what_tells_apart(one, keys) for one in each] for each in lists]
    return any(len(each) > len(set(each)) for each in named)


def what_tells_apart(element, keys):
    """All of it where it has no value, as with addresses."""
    told = keys if "value" in element else sorted(element)
    return tuple((key, str(element.get(key)).lower()) for key in told)


def stored(sent, kind):
    try:
        return new_body(sent, kind, STRICT)
    except ScimError:
        return None


GROUP_OF_TWO = group("a", "b")
NICK = user(nickName="Babs")
DIFFERENCES = {
    "RFC 7644 3.5.2.3: a set of values takes the place of what is chosen, and one value is a set too": (
        user(emails=[{"value": "a@example.com", "type": "work"}]),
        {"op": "replace", "path": 'emails[type eq "work"]', "value": [{}, {"value": "b@example.com"}]},
        {"userName": "bjensen", "emails": [{"value": "b@example.com", "type": "work"}]},
        REFUSED,
    ),
    "RFC 7643 2.3.7: a reference may be relative": (
        NICK,
        {"op": "add", "path": "profileUrl", "value": "babs"},
        {"userName": "bjensen", "nickName": "Babs", "profileUrl": "babs"},
        REFUSED,
    ),
    "RFC 7643 2.5: to replace chosen values by null is to unassign them": (
        GROUP_OF_TWO,
        {"op": "replace", "path": 'members[value eq "a"]', "value": None},
        {"displayName": "Tour Guides", "members": [{"value": "b"}]},
        REFUSED,
    ),
    "RFC 7643 2.3.2: a boolean is true or false": (
        NICK,
        {"op": "add", "path": "active", "value": 0},
        REFUSED,
        {"userName": "bjensen", "nickName": "Babs", "active": False},
    ),
    "RFC 7643 2.5: null among values is no value": (
        NICK,
        {"op": "add", "path": "emails", "value": [None, {"value": "b@example.com"}]},
        {"userName": "bjensen", "nickName": "Babs", "emails": [{"value": "b@example.com"}]},
        REFUSED,
    ),
    "RFC 7643 2.4 and RFC 7644 3.5.2.1: who is a member already is not added again": (
        GROUP_OF_TWO,
        {"op": "add", "path": "members", "value": [{"value": "a", "display": "Babs"}]},
        {"displayName": "Tour Guides", "members": [{"value": "a", "display": "Babs"}, {"value": "b"}]},
        {"displayName": "Tour Guides", "members": [{"value": "a", "display": "Babs"}, {"value": "a"}, {"value": "b"}]},
    ),
    "RFC 7644 3.5.2: op is one of three words": (
        NICK,
        {"op": "Replace", "path": "nickName", "value": "B"},
        REFUSED,
        {"userName": "bjensen", "nickName": "B"},
    ),
    "RFC 7644 3.5.2.2: the path alone names the target, so a value beside a filter says nothing": (
        GROUP_OF_TWO,
        {"op": "remove", "path": 'members[value eq "a"]', "value": [{"value": "a"}]},
        {"displayName": "Tour Guides", "members": [{"value": "b"}]},
        REFUSED,
    ),
    "RFC 7643 8.7.1: a member has a value, so what says nothing is no member": (
        GROUP_OF_TWO,
        {"op": "replace", "path": "members", "value": [{}]},
        REFUSED,
        {"displayName": "Tour Guides"},
    ),
    "RFC 7643 8.7.1: a member is who its immutable value says, whatever else is said of it": (
        GROUP_OF_TWO,
        {"op": "remove", "path": "members", "value": [{"value": "a", "display": "Babs"}]},
        {"displayName": "Tour Guides", "members": [{"value": "b"}]},
        {"displayName": "Tour Guides", "members": [{"value": "a"}, {"value": "b"}]},
    ),
    "RFC 7644 3.5.2.2: all go where only the path is given, and null is no list of who goes": (
        GROUP_OF_TWO,
        {"op": "remove", "path": "members", "value": None},
        REFUSED,
        {"displayName": "Tour Guides"},
    ),
    "RFC 7644 3.5.2: what is read-only is not added to, with a path or without one": (
        NICK,
        {"op": "add", "value": {"groups": []}},
        REFUSED,
        {"userName": "bjensen", "nickName": "Babs"},
    ),
    "RFC 7644 3.5.1: what is read-only inside a value is ignored, as in PUT": (
        NICK,
        {"op": "add", "path": f"{ENTERPRISE}:manager", "value": {"value": "m", "displayName": "M"}},
        {"userName": "bjensen", "nickName": "Babs", ENTERPRISE: {"manager": {"value": "m"}}},
        REFUSED,
    ),
    "RFC 7643 4.1.1 and 4.2: a name that is required is not empty": (
        NICK,
        {"op": "replace", "path": "userName", "value": ""},
        REFUSED,
        {"userName": "", "nickName": "Babs"},
    ),
    "RFC 7643 4.1.2: an address SHOULD have its form, which a filter that looks for one need not": (
        user(emails=[{"value": "b@example.com"}]),
        {"op": "remove", "path": 'emails[value eq "a"]'},
        {"userName": "bjensen", "emails": [{"value": "b@example.com"}]},
        REFUSED,
    ),
    "RFC 7643 2.5: null is absent, and adding what is absent changes nothing": (
        NICK,
        {"op": "add", "value": {"nickName": None}},
        {"userName": "bjensen", "nickName": "Babs"},
        {"userName": "bjensen"},
    ),
    "RFC 7644 3.5.2.3: a path to an attribute that does not exist is an add": (
        NICK,
        {"op": "replace", "path": "emails.value", "value": "b@example.com"},
        {"userName": "bjensen", "nickName": "Babs", "emails": [{"value": "b@example.com"}]},
        {"userName": "bjensen", "nickName": "Babs"},
    ),
}


@pytest.mark.parametrize("clause", DIFFERENCES)
def test_each_difference_is_one(clause):
    """What leaves the list above must be mended here or there."""
    body, operation, here, there = DIFFERENCES[clause]
    kind = GROUP if body is GROUP_OF_TWO else EMPLOYEE
    assert ours(body, message(operation), kind) == here
    assert theirs(body, message(operation), kind) == there
