"""The form in which resources are stored for SQL, and what cannot be stored."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.filters.ast import AttributePath
from lastday.filters.comparable import comparable, storable
from lastday.filters.sql import column_text, sort_key
from tests.unit.filters.resources import resources

URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("resource", "form"),
    [
        ({"userName": "ada"}, {"username": [{"~": "ada"}]}),
        ({"userName": "Ada"}, {"username": [{"~": "ada", "=": "Ada"}]}),
        ({"a": None, "b": []}, {"a": [], "b": []}),
        ({"a": ""}, {"a": [{"~": "", "-": True}]}),
        (
            {"a": [True, None, 3, 3.0]},
            {"a": [{"?": True}, {"#": 3, "<": "c008000000000000"}, {"#": 3, "<": "c008000000000000"}]},
        ),
        ({"name": {"GivenName": "x"}}, {"name": [{"value": [], "givenname": [{"~": "x"}]}]}),
        ({"emails": [{"value": "x"}]}, {"emails": [{"~": "x", "value": [{"~": "x"}]}]}),
        ({URN.upper(): {"a": "x"}}, {URN.lower(): {"value": [], "a": [{"~": "x"}]}}),
        ({"a": {"b": ""}}, {"a": [{"value": [], "b": [{"~": "", "-": True}], "-": True}]}),
        ({"~": "x", "-": "y", "a": {"?": "z"}}, {"a": [{"value": []}]}),
        ({"A": "x", "a": "y"}, {"a": [{"~": "x"}]}),
    ],
)
def test_what_needs_python_is_done_before_storing(resource, form):
    assert comparable(resource) == {"value": [], **form}


def test_moments_are_stored_as_instants():
    """RFC 7643 section 2.3.5: the zone in which they are written makes no difference."""
    instant = {"@": 500_000, "<": "09223372036855275808"}
    text = "1970-01-01T01:00:00.5+01:00"
    assert comparable({"a": text})["a"] == [{"~": text.lower(), "=": text, **instant}]
    assert comparable({"a": datetime(1970, 1, 1, microsecond=500_000, tzinfo=UTC)})["a"] == [instant]


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        comparable({"a": datetime(2026, 1, 1)})  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    ("text", "can_be"),
    [("", True), ("a", True), ("é😀\uffff", True), ("a\0", False), ("\ud800", False), ("é\udfff", False)],
)
def test_postgres_keeps_neither_nought_nor_half_pairs(text, can_be):
    """T-24: the writer refuses such text before the database would."""
    assert storable(text) is can_be


@given(resources())
def test_the_form_is_json_and_always_the_same(resource):
    assert comparable(resource) == comparable(dict(resource))
    assert comparable(resource).keys() <= {name.lower() for name in resource} | {"value"}


@given(st.lists(st.integers(-(10**20), 10**20) | st.floats(allow_nan=False), min_size=2, max_size=5))
def test_numbers_are_sorted_as_numbers(numbers):
    """RFC 7644 section 3.4.2.3."""
    path = AttributePath(attribute="level")
    in_order = sorted(numbers, key=lambda number: sort_key({"level": number}, path) or "")
    assert list(map(float, in_order)) == sorted(map(float, numbers))


@pytest.mark.parametrize(
    ("resource", "path", "key"),
    [
        ({"emails": [{"value": "B"}, {"value": "A", "primary": True}]}, "emails", "a"),
        ({"emails": [{"value": "B"}, {"value": "A", "primary": True}]}, "emails.value", "a"),
        ({"emails": [{"value": "B"}, {"value": "A"}]}, "Emails.Value", "b"),
        ({"name": {"familyName": "Øst"}}, "name.familyName", "øst"),
        ({"name": {"familyName": "x"}}, "name", None),
        ({"active": True}, "active", "true"),
        ({}, "title", None),
        ({"userName": "Ada"}, "userName", "ada"),
        ({"id": "Ada"}, "id", "Ada"),
    ],
)
def test_the_primary_or_first_value_is_what_sorts(resource, path, key):
    """RFC 7644 section 3.4.2.3."""
    attribute, _, sub = path.partition(".")
    at = AttributePath(attribute=attribute, sub=sub or None)
    assert sort_key(resource, at, case_exact=frozenset({"id"})) == key
    assert sort_key(resource, at, case_exact=frozenset({"id"}), columns={"id", "username"}) == key


def test_a_column_holds_what_a_filter_compares():
    resource = {"userName": "Straße", "externalId": "Ab"}
    assert column_text(resource, AttributePath(attribute="USERNAME")) == "strasse"
    assert column_text(resource, AttributePath(attribute="externalId"), case_exact=frozenset({"externalID"})) == "Ab"
    assert column_text(resource, AttributePath(attribute="title")) is None
