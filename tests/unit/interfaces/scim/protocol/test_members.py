"""Who is a member goes only where a client says so: a group that is emptied by a slip is an outage."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.validation import new_body
from tests.unit.interfaces.scim.protocol.resources import (
    GROUP,
    GROUP_SHAPES,
    PROFILES,
    group,
    message,
    patched,
    user,
    values,
)

profiles = st.sampled_from(PROFILES)
ids = st.sampled_from(["a", "b", "c", "d", "A"])


def why_not(body, operation, profile):
    with pytest.raises(ScimError) as refusal:
        patched(body, operation, profile=profile)
    return refusal.value.scim_type


def refused(act):
    try:
        act()
    except ScimError:
        return True
    return False


def left_by(body, sent, profile):
    """The members after the message, be it carried out or refused."""
    try:
        return values(apply_patch(body, sent, GROUP, profile))
    except ScimError:
        return values(body)


NOBODY = [[{}], {}, "", [None], [""], [{"value": None}], [{"value": ""}], [{"type": "User"}], [{"nosuch": 1}]]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("value", [*NOBODY, [{"value": "a"}, {}], [None, {"value": "a"}]])
def test_members_that_name_nobody_are_refused(profile, value):
    """RFC 7643 section 8.7.1: `value` is required. Read as nobody, each of these would empty a group by a slip."""
    body = group("a", "b")
    wrong = (ScimType.INVALID_VALUE, ScimType.INVALID_SYNTAX)
    for op in ("add", "replace", "remove"):
        assert why_not(body, {"op": op, "path": "members", "value": value}, profile) in wrong
    for op in ("add", "replace"):
        assert why_not(body, {"op": op, "value": {"members": value}}, profile) in wrong
    with pytest.raises(ScimError) as refusal:
        new_body({**body, "members": value}, GROUP, profile, before=body)
    assert refusal.value.scim_type in wrong


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_null_names_no_member_to_be_removed(profile):
    """RFC 7644 section 3.5.2.2: all go where only the path is given; null is a slip in a list of who goes."""
    operation = {"op": "remove", "path": "members", "value": None}
    assert why_not(group("a", "b"), operation, profile) is ScimType.INVALID_VALUE
    by_filter = {"op": "remove", "path": 'members[value eq "a"]', "value": None}
    assert values(patched(group("a", "b"), by_filter, profile=profile)) == ["b"]
    title = {"op": "remove", "path": "title", "value": None}
    assert patched(user(title="x"), title, profile=profile) == user()


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_members_are_emptied_by_those_who_say_so(profile):
    """RFC 7643 section 2.5; RFC 7644 sections 3.5.1, 3.5.2.2 and 3.5.2.3."""
    body = group("a", "b")
    named = {"schemas": body["schemas"], "displayName": "g"}
    for operation in (
        {"op": "remove", "path": "members"},
        {"op": "remove", "path": "members[value pr]"},
        {"op": "replace", "path": "members", "value": []},
        {"op": "replace", "path": "members", "value": None},
        {"op": "replace", "value": {"members": []}},
    ):
        assert "members" not in patched(body, operation, profile=profile)
    for put in (named, {**named, "members": []}, {**named, "members": None}):
        assert "members" not in new_body(put, GROUP, profile, before=body)


_nobody: st.SearchStrategy[object] = st.sampled_from(
    [
        None,
        "",
        0,
        False,
        [],
        {},
        {"value": None},
        {"value": ""},
        {"value": " "},
        {"value": None, "$ref": None},
        {"value": "", "type": "User"},
        {"type": "User"},
        {"display": "x"},
        {"members": []},
        {"nosuch": 1},
    ]
)
_nonsense = st.one_of(
    _nobody.filter(lambda value: value != []),
    st.lists(_nobody, min_size=1, max_size=3),
    st.lists(_nobody, min_size=1, max_size=2).map(lambda some: [{"value": "a"}, *some]),
)
"""As members: nobody, or not only somebody; never the empty list."""


@st.composite
def nonsense_about_members(draw, profile):
    op, value = draw(st.sampled_from(["add", "replace", "remove"])), draw(_nonsense)
    path = draw(st.sampled_from(["members", "Members", f"{GROUP.core.urn}:members"]))
    if op == "remove" or draw(st.booleans()):
        assume(op == "remove" or value is not None)
        return {"op": op, "path": path, "value": value}
    key = path if profile.dotted_keys_without_path else "members"
    assume(value is not None or profile.nulls_as_absent)
    return {"op": op, "value": {"displayName": "g", key: value}}


@given(st.data(), profiles, st.lists(ids, unique=True, min_size=1))
@settings(max_examples=300)
def test_a_message_that_names_nobody_takes_nobody_away(data, profile, held):
    """RFC 7643 section 2.5: null and [] are unassigned, and nothing else is. Under every profile, by PATCH and PUT."""
    body = group(*held)
    sent = message(data.draw(nonsense_about_members(profile)))
    assert left_by(body, sent, profile)[: len(held)] == held
    given_members = data.draw(_nonsense.filter(lambda value: value is not None))
    put = {"schemas": [GROUP.core.urn], "displayName": "g", "members": given_members}
    assert refused(lambda: new_body(put, GROUP, profile))


def may_take_members_away(operation, profile):
    """The operation says in so many words who goes, or who stays."""
    path, op, value = operation.get("path"), operation["op"].lower(), operation.get("value")
    if path is None:
        named = "members" in value and (value["members"] is not None or not profile.nulls_as_absent)
        return op == "replace" and named
    if op == "remove" and path == "members":
        return "value" not in operation or bool(value)
    return path.startswith("members") and (op == "remove" or (op == "replace" and path.endswith(("s", "]"))))


@given(st.data(), profiles, st.lists(ids, unique=True, min_size=1))
@settings(max_examples=300)
def test_members_go_only_where_a_message_says_so(data, profile, held):
    """RFC 7644 sections 3.5.2.2 and 3.5.2.3."""
    body, sent = group(*held), data.draw(GROUP_SHAPES.messages)
    named = any(may_take_members_away(operation, profile) for operation in sent["Operations"])
    assert named or set(held) <= set(left_by(body, sent, profile))
