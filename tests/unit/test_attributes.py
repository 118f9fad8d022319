"""Attributes compare names without case and treat an empty value as absent (RFC 7643 section 2.1)."""

from hypothesis import given
from hypothesis import strategies as st

from lastday.model.attributes import Attributes

names = st.sampled_from(["userName", "title", "emails.value", "department"])
values = st.one_of(st.text(max_size=5), st.booleans(), st.integers(), st.lists(st.text(max_size=3), max_size=3))


def test_a_name_is_found_in_any_case():
    assert Attributes.of({"userName": "ada"}).one("USERNAME") == "ada"


def test_an_empty_value_is_absent():
    assert "title" not in Attributes.of({"title": "", "nick": []})


@given(st.dictionaries(names, values))
def test_json_and_back_is_the_same(given_values):
    attributes = Attributes.of(given_values)
    assert Attributes.from_json(attributes.as_json()) == attributes


@given(st.dictionaries(names, values), st.dictionaries(names, values))
def test_merged_differs_from_neither_where_the_other_is_silent(left, right):
    a, b = Attributes.of(left), Attributes.of(right)
    assert a.merged(b).differing(b) == tuple(sorted(name for name in a if name not in b))
