"""Writing a filter and reading it again gives the same filter."""

import re

import pytest
from hypothesis import given

from lastday.filters.parser import parse
from lastday.filters.text import paths, write
from tests.unit.filters.trees import filters


@given(filters)
def test_what_is_written_is_read_as_the_same_tree(tree):
    """Issue 2, filters: parse(write(f)) == f, down to the type of each literal."""
    assert repr_without_positions(parse(write(tree), allow_now=True)) == repr_without_positions(tree)
    assert parse(write(tree), allow_now=True) == tree


@given(filters)
def test_writing_is_stable(tree):
    assert write(parse(write(tree), allow_now=True)) == write(tree)


def repr_without_positions(tree):
    return re.sub(r", position=\d+", "", repr(tree))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(a pr AND b pr) and c pr", "a pr and b pr and c pr"),
        ("a pr and (b pr and c pr)", "a pr and (b pr and c pr)"),
        ("(a pr and b pr) or c pr", "a pr and b pr or c pr"),
        ("a pr and (b pr or (c pr))", "a pr and (b pr or c pr)"),
        ('e[x eq "y"].z co "w"', 'e[x eq "y" and z co "w"]'),
        ("a lt now+168h", "a lt now+1w"),
        (" or ".join(["a pr"] * 9), " or ".join(["a pr"] * 9)),
    ],
)
def test_only_parentheses_that_matter_are_written(text, written):
    assert write(parse(text, allow_now=True)) == written


def test_a_filter_tells_what_it_speaks_of():
    tree = parse('title pr and not (name.familyName eq "x") and engagements[lifecycle eq "active" and Name.x pr]')
    named = [path.text for path in paths(tree)]
    assert named == ["title", "name.familyName", "engagements", "engagements.lifecycle", "engagements.Name.x"]
