"""The same change by PATCH and by PUT, and nothing else changed (RFC 7644 sections 3.5.1 and 3.5.2)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, PatchOp, User

from lastday.connectors.scim.dialect import Dialect
from lastday.connectors.scim.edits import Edit, edited, patch_of
from lastday.connectors.scim.resources import ENTERPRISE, USER
from lastday.connectors.scim.vendor_terms import Booleans, OpCase, PathForm

PLAIN = Dialect()
PATHS = ("active", "title", "displayName", "name.givenName", "name.familyName", f"{ENTERPRISE}:department")
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8)
EDITS = st.lists(
    st.one_of(
        st.builds(lambda path, value: Edit(path=path, value=value), st.sampled_from(PATHS[1:]), VALUES),
        st.builds(lambda value: Edit(path="active", value=value), st.booleans()),
    ),
    max_size=5,
    unique_by=lambda edit: edit.path,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def a_user() -> dict[str, Any]:
    return {
        "schemas": [USER, ENTERPRISE],
        "id": "u1",
        "userName": "ada",
        "active": True,
        "title": "Clerk",
        "name": {"givenName": "Ada", "familyName": "L"},
        ENTERPRISE: {"department": "Sales", "employeeNumber": "E1"},
    }


@given(EDITS, st.dictionaries(st.text(min_size=1, max_size=6).map(lambda key: f"urn:vendor:{key}"), JSON, max_size=3))
def test_a_put_keeps_everything_that_is_not_spoken_of(edits, strange):
    before = {**a_user(), **strange}
    frozen = copy.deepcopy(before)
    after: Any = edited(before, edits, PLAIN)
    assert before == frozen
    touched = {edit.path.partition(".")[0] for edit in edits if not edit.path.startswith("urn:")}
    touched |= {ENTERPRISE} if any(edit.path.startswith("urn:") for edit in edits) else set()
    assert {k: v for k, v in after.items() if k not in touched} == {k: v for k, v in before.items() if k not in touched}
    assert after[ENTERPRISE]["employeeNumber"] == "E1"


@given(EDITS, st.sampled_from(PathForm))
def test_patch_and_put_say_the_same(edits, form):
    """The PATCH of both forms, carried out by scim2-models, gives what the PUT writes."""
    patched = User[EnterpriseUser].model_validate(a_user())
    message = patch_of(edits, PLAIN, form)
    if edits:
        PatchOp[User[EnterpriseUser]].model_validate(message).patch(patched)
    put = User[EnterpriseUser].model_validate(edited(a_user(), edits, PLAIN))
    assert patched.model_dump() == put.model_dump()


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ({"Title": "x"}, Edit(path="title", value="y"), {"Title": "y"}),
        ({"NAME": {"GivenName": "x"}}, Edit(path="name.givenName", value="y"), {"NAME": {"GivenName": "y"}}),
        ({"title": "x"}, Edit(path="TITLE"), {}),
        ({}, Edit(path="name.givenName"), {}),
        ({}, Edit(path="name.givenName", value="y"), {"name": {"givenName": "y"}}),
        ({"title": "x"}, Edit(path=f"{USER}:title", value="y"), {"title": "y"}),
        ({}, Edit(path=f"{ENTERPRISE}:manager.value", value="7"), {ENTERPRISE: {"manager": {"value": "7"}}}),
        ({"name": None}, Edit(path="name.givenName", value="y"), {"name": {"givenName": "y"}}),
    ],
)
def test_an_edit_is_made_where_the_attribute_is(before, edit, after):
    """Names compare without case (RFC 7643 section 2.1); a URN has dots of its own."""
    assert edited(before, [edit], PLAIN) == after


def test_a_resource_that_gets_an_extension_says_so():
    """RFC 7643 section 3: `schemas` names every extension that is there."""
    after = edited({"schemas": [USER]}, [Edit(path=f"{ENTERPRISE}:department", value="x")], PLAIN)
    assert after["schemas"] == [USER, ENTERPRISE]


def test_the_vendors_spelling_is_used():
    dialect = Dialect(op_case=OpCase.CAPITAL, booleans=Booleans.TEXT)
    message: Any = patch_of([Edit(path="active", value=True), Edit(path="title")], dialect, PathForm.PATH)
    assert message["Operations"] == [
        {"op": "Replace", "path": "active", "value": "true"},
        {"op": "Remove", "path": "title"},
    ]
    assert edited({}, [Edit(path="active", value=False)], dialect) == {"active": "false"}
