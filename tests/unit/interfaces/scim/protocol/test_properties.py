"""What holds for every body, every message and every profile."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.paths import parse_path
from lastday.interfaces.scim.protocol.projection import choice_of, shown_of
from lastday.interfaces.scim.protocol.validation import new_body
from tests.unit.interfaces.scim.protocol.resources import (
    BADGED_SHAPES,
    GROUP,
    GROUP_SHAPES,
    PROFILES,
    STRICT,
    json_values,
    message,
    patched,
    values,
)

SHAPES = [BADGED_SHAPES, GROUP_SHAPES]
profiles = st.sampled_from(PROFILES)
shapes = st.sampled_from(SHAPES)
ids = st.sampled_from(["a", "b", "c", "d", "A"])


def stored(given_body, kind, profile):
    """The body, or None where it is refused."""
    try:
        return new_body(given_body, kind, profile)
    except ScimError:
        return None


def attempt(body, given_message, kind, profile):
    try:
        return apply_patch(body, given_message, kind, profile)
    except ScimError:
        return None


def refusal(act):
    """Why it was refused; None where it was not."""
    try:
        act()
    except ScimError as error:
        return error
    return None


@given(st.data())
@settings(max_examples=150)
def test_a_body_that_was_accepted_is_accepted_again_and_stays_the_same(data):
    """RFC 7643 section 2.5: the stored form is one of the forms in which a client may send it."""
    shape, profile = data.draw(shapes), data.draw(profiles)
    kind = shape.kind
    body = stored(data.draw(shape.bodies), kind, profile)
    if body is not None:
        assert new_body(body, kind, profile) == body
        assert new_body(body, kind, profile, before=body) == body
        assert new_body(body, kind, STRICT) == body


@given(st.data())
@settings(max_examples=250)
def test_a_patch_never_yields_a_body_that_could_not_be_posted(data):
    """RFC 7644 section 3.5.2: whatever the operations, the result obeys the schema.

    Two values that a change makes the same stay side by side; a POST would list them once (RFC 7643 section 2.4).
    """
    shape, profile = data.draw(shapes), data.draw(profiles)
    kind = shape.kind
    body = stored(data.draw(shape.bodies), kind, profile)
    if body is None:
        return
    after = attempt(body, data.draw(shape.messages), kind, profile)
    if after is not None:
        assert new_body(after, kind, STRICT) == each_once(after)


def each_once(body):
    """The body with what its lists hold twice, in whatever order of members, held once."""
    return {
        name: list({json.dumps(one, sort_keys=True): one for one in reversed(value)}.values())[::-1]
        if isinstance(value, list)
        else value
        for name, value in body.items()
    }


@given(st.data())
@settings(max_examples=150)
def test_a_patch_leaves_the_body_that_it_was_given_alone(data):
    """RFC 7644 section 3.5.2: all operations or none; the stored body is shared with every reader."""
    shape, profile = data.draw(shapes), data.draw(profiles)
    kind = shape.kind
    body = stored(data.draw(shape.bodies), kind, profile)
    if body is None:
        return
    as_it_was = repr(body)
    attempt(body, data.draw(shape.messages), kind, profile)
    assert repr(body) == as_it_was


@given(st.data())
@settings(max_examples=200)
def test_an_operation_that_is_sent_again_changes_nothing_more(data):
    """A client that got no answer sends again; a resource that is as it shall be keeps its version."""
    shape, profile = data.draw(shapes), data.draw(profiles)
    kind = shape.kind
    body = stored(data.draw(shape.bodies), kind, profile)
    operation = data.draw(shape.operations)
    once = None if body is None else attempt(body, message(operation), kind, profile)
    if once is None:
        return
    again = attempt(once, message(operation), kind, profile)
    makes_another = profile.create_missing_element and "[" in operation.get("path", "")
    assert again is None or again == once or makes_another


@given(st.lists(ids, unique=True), st.lists(ids), profiles, st.sampled_from(["list", "bare", "one", "filter"]))
def test_a_remove_with_values_removes_those_and_no_other(held, gone, profile, form):
    """Entra ID removes members by a value array; taking it for `remove all` empties groups. Under every profile."""
    body = new_body({"schemas": [GROUP.core.urn], "displayName": "g", "members": members(held)}, GROUP, STRICT)
    sent: list[dict[str, Any]]
    if form == "filter":
        sent = [{"op": "remove", "path": f'members[value eq "{one}"]'} for one in gone]
    elif form == "one":
        sent = [{"op": "remove", "path": "members", "value": {"value": one, "$ref": None}} for one in gone]
    else:
        sent = [{"op": "remove", "path": "members", "value": members(gone) if form == "list" else gone}]
    after = patched(body, *sent, profile=profile) if sent else body
    assert values(after) == [one for one in held if one not in gone]


def members(named):
    return [{"value": one} for one in named]


@given(st.lists(st.tuples(st.sampled_from(["add", "remove", "only"]), ids, st.booleans()), max_size=12))
def test_members_are_a_set_whatever_the_order_of_operations(steps):
    """RFC 7644 sections 3.5.2.1 and 3.5.2.2, one operation each or all in one message, against a plain set."""
    wanted: set[str] = set()
    sent: list[dict[str, Any]] = []
    for step, one, with_filter in steps:
        if step == "add":
            wanted.add(one)
            sent.append({"op": "add", "path": "members", "value": [{"value": one}]})
        elif step == "remove":
            wanted.discard(one)
            by_filter = {"op": "remove", "path": f'members[value eq "{one}"]'}
            sent.append(by_filter if with_filter else {"op": "remove", "path": "members", "value": [{"value": one}]})
        else:
            wanted = {one}
            sent.append({"op": "replace", "path": "members", "value": [{"value": one}]})
    start = {"schemas": [GROUP.core.urn], "displayName": "g"}
    together = patched(start, *sent) if sent else start
    apart = start
    for operation in sent:
        apart = patched(apart, operation)
    assert set(values(together)) == set(values(apart)) == wanted


@pytest.mark.parametrize("shape", SHAPES, ids=["user", "group"])
@given(st.data())
@settings(max_examples=150)
def test_any_json_is_taken_or_refused_and_never_breaks_anything(shape, data):
    """RFC 7644 section 3.12: what cannot be done is a SCIM error with status 400."""
    profile, kind, required = data.draw(profiles), shape.kind, shape.required
    wild = data.draw(json_values | st.dictionaries(st.sampled_from(["schemas", required, "op"]), json_values))
    for act in (
        lambda: new_body(wild, kind, profile),
        lambda: apply_patch({required: "a", "schemas": [kind.core.urn]}, wild, kind, profile),
        lambda: patched({required: "a", "schemas": [kind.core.urn]}, wild, profile=profile, kind=kind),
    ):
        error = refusal(act)
        assert error is None or (error.status == 400 and error.detail)


@given(st.text(max_size=40) | st.text('abc[]."\\:=eqprand() urn$', max_size=40))
@settings(max_examples=200)
def test_any_text_is_a_path_or_is_refused(written):
    """RFC 7644 figure 7."""
    error = refusal(lambda: parse_path(written))
    if error is None:
        assert parse_path(written).text == written
    else:
        assert error.scim_type in ("invalidPath", "invalidFilter")


@given(st.data())
def test_what_is_shown_is_part_of_what_there_is(data):
    """RFC 7644 section 3.9: a projection takes away and adds nothing; id and schemas always stay."""
    shape = data.draw(shapes)
    kind = shape.kind
    body = stored(data.draw(shape.bodies), kind, STRICT)
    if body is None:
        return
    document = {**body, "id": "1"}
    names = st.lists(st.sampled_from([one.path for one in kind.core.attributes]), max_size=3)
    asked = data.draw(names)
    shown = shown_of(document, choice_of(kind, asked))
    hidden = shown_of(document, choice_of(kind, (), asked))
    assert {"id", "schemas"} <= set(shown) & set(hidden)
    assert all(document[name] == value or isinstance(value, (list, dict)) for name, value in shown.items())
    if asked:
        assert not set(shown) & set(hidden) - {"id", "schemas"} - {n for n in shown if isinstance(shown[n], dict)}
