"""Flat attributes nest like a SCIM resource, and a filter finds them either way."""

import pytest

from lastday.filters.nesting import nested_attributes
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate
from lastday.model.attributes import Attributes


@pytest.mark.parametrize(
    ("flat", "nested"),
    [
        ({"manager": "E7", "manager.displayName": "Bo"}, {"manager": {"value": "E7", "displayName": "Bo"}}),
        ({"Name.givenName": "A", "name.familyName": "B"}, {"name": {"givenName": "A", "familyName": "B"}}),
        (
            {"emails.value": ("a", "b"), "emails.type": "work"},
            {"emails": [{"type": "work", "value": "a"}, {"value": "b"}]},
        ),
        ({"emails": "a"}, {"emails": [{"value": "a"}]}),
        ({"projects": ("x", "y")}, {"projects": ["x", "y"]}),
        ({"active": True, "level": 3}, {"active": True, "level": 3}),
    ],
)
def test_dotted_names_nest(flat, nested):
    """RFC 7643 sections 2.3.8 and 2.4."""
    found = nested_attributes(Attributes.of(flat))
    assert {name.lower(): value for name, value in found.items()} == {n.lower(): v for n, v in nested.items()}


@pytest.mark.parametrize(
    "text",
    ['emails.value sw "break"', 'emails co "glass"', "name.familyName pr", 'emails[value ew "@x"]', 'uid eq "A"'],
)
def test_a_filter_finds_flat_attributes(text):
    """A protection that looks for `emails.value` must not fail because the account told it flat."""
    account = Attributes.of({"emails.value": ("a@x", "breakglass@x"), "name.familyName": "Ng", "UID": "a"})
    assert compile_predicate(parse(text))(account, None)
