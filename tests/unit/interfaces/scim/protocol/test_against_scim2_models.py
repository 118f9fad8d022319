"""The same patches as scim2-models applies them; every difference is named with its clause."""

import warnings
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context, EnterpriseUser, Group, PatchOp, ScimPolicy, User
from scim2_models.exceptions import SCIMException

from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.schema import ResourceKind
from lastday.interfaces.scim.protocol.schema_set import ENTERPRISE_SCHEMA
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
    type=USER.type, core=USER.core, extensions=tuple(e for e in USER.extensions if e.schema.urn == ENTERPRISE_SCHEMA)
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


def has_relative_uri(given):
    """RFC 7643 2.3.7 allows it; scim2-models wants an absolute one where the reference is external."""
    return "../" in repr(given)


def has_odd_address(operation):
    """RFC 7643 4.1.2: an address SHOULD have its form; scim2-models refuses others, we store what is sent."""
    value, path = operation.get("value"), operation.get("path") or "emails"
    if "emails" not in path or "type" in tail(path) or "display" in tail(path):
        return False
    given = value.get("emails") if "path" not in operation and isinstance(value, Mapping) else value
    listed = given if isinstance(given, list) else [given]
    named = [one.get("value") if isinstance(one, Mapping) else one for one in listed]
    return any(isinstance(one, str) and "@" not in one for one in named)


def known_difference(body, operation, kind):
    """What the two are known to do differently with the operation; None for nothing."""
    op, path, value = operation["op"], operation.get("path"), operation.get("value")
    if op != op.lower():
        return "op in capitals"
    if (
        op == "remove"
        and "value" in operation
        and ((value is not None and not is_list_of_objects(value)) or "." in tail(path))
    ):
        return "remove with a value that names nothing"
    if op == "remove" and "value" in operation and "[" in path:
        return "remove with a filter and a value"
    if op != "remove" and (path or "").endswith("]") and is_list_of_objects(value) and len(value) == 1:
        return "chosen values changed by a list of one"
    if op == "replace" and value is None and (path or "").endswith("]"):
        return "replace of chosen values by null"
    if has_loose_boolean(path or "", value):
        return "a boolean by another name"
    if "[None" in repr(value) or ", None" in repr(value):
        return "null among the values of a list"
    if path is None and op == "add" and None in value.values():
        return "add of null inside a value"
    if path and "." in tail(path) and "[" not in path and first(path, kind) not in body:
        return "sub-attribute of values that are not there"
    return None


def has_loose_boolean(path, value):
    """Something else than true, false and null where a boolean belongs."""
    if tail(path).split(".")[-1] in ("active", "primary"):
        return not isinstance(value, bool | None)
    if isinstance(value, list):
        return any(has_loose_boolean(path, one) for one in value)
    return isinstance(value, Mapping) and any(has_loose_boolean(key, one) for key, one in value.items())


def is_list_of_objects(value):
    return isinstance(value, list) and value and all(isinstance(one, Mapping) and one for one in value)


def tail(path):
    return path.removeprefix(f"{ENTERPRISE_SCHEMA}:")


def first(path, kind):
    return tail(path).split(".")[0]


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
    assume(not has_relative_uri(operation) and not has_odd_address(operation))
    assume(known_difference(body, operation, kind) is None)
    there = theirs(body, message(operation), kind)
    assume(not says_twice(there, kind))
    assert ours(body, message(operation), kind) == there


def says_twice(document, kind):
    """RFC 7643 2.4: a pair of value and type stands once. scim2-models adds it again where something else differs."""
    lists = [] if document == REFUSED else [one for one in document.values() if isinstance(one, list)]
    keys = ("value",) if kind is GROUP else ("value", "type")
    named = [[tuple(str(one.get(key)).lower() for key in keys) for one in each if "value" in one] for each in lists]
    return any(len(each) > len(set(each)) for each in named)


def stored(sent, kind):
    try:
        return new_body(sent, kind, STRICT)
    except ScimError:
        return None


GROUP_OF_TWO = group("a", "b")
NICK = user(nickName="Babs")
DIFFERENCES = {
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
    "RFC 7644 3.5.2.2: an object that says nothing names no member, so none goes": (
        GROUP_OF_TWO,
        {"op": "remove", "path": "members", "value": [{}]},
        {"displayName": "Tour Guides", "members": [{"value": "a"}, {"value": "b"}]},
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
