"""Whatever a filter says, its SQL is made of the same few words: names and literals are parameters."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.filters.ast import AttributePath, Compare, CompareOperator, Not, Present
from lastday.filters.parser import parse
from lastday.filters.sql import SqlTarget, sort_sql, to_sql
from lastday.model.errors import FilterError
from tests.unit.filters.resources import NOON, filters, paths

TARGET = SqlTarget(document="r.doc", columns={"username": "r.name"})
WORDS = {
    "AND", "AS", "CASE", "COLLATE", "C", "ELSE", "END", "EXISTS", "FALSE", "FROM", "IS", "NOT", "NULL", "OR", "SELECT",
    "THEN", "WHEN", "WHERE", "coalesce", "jsonb_array_elements", "jsonb_build_array", "jsonb_path_query_first",
    "strpos", "right", "int", "jsonb", "text", "primary", "true", "r", "doc", "name", "n", "o", "s",
}  # fmt: skip


def unknown_words(text):
    words = set(re.findall(r"\w+", text.replace("%s", "")))
    return {word for word in words if word not in WORDS and not re.fullmatch(r"[vo]?[0-9]", word)}


@given(filters(), st.frozensets(st.sampled_from(["title", "emails.value", "username"])))
def test_nothing_of_a_filter_gets_into_the_text(tree, exact):
    """T-24: injection has no place to happen."""
    asked = to_sql(tree, TARGET, case_exact=exact, now=NOON)
    assert unknown_words(asked.text) == set()
    assert asked.text.count("%s") == len(asked.parameters) == asked.text.count("%")


@given(paths)
def test_nothing_of_a_path_gets_into_the_text(path):
    asked = sort_sql(path, TARGET)
    assert unknown_words(asked.text) == set()
    assert asked.text.count("%s") == len(asked.parameters)


@pytest.mark.parametrize("name", ["doc; --", "a.b.c", "", 'doc"', "Doc", "%s"])
def test_a_target_names_columns_and_nothing_else(name):
    with pytest.raises(ValueError, match="no name of a column"):
        SqlTarget(document=name)
    with pytest.raises(ValueError, match="no name of a column"):
        SqlTarget(document="doc", columns={"username": name})


@pytest.mark.parametrize(
    "tree",
    [
        Compare(path=AttributePath(attribute="a"), operator=CompareOperator.GT, value=True),
        Compare(path=AttributePath(attribute="a"), operator=CompareOperator.EQ, value="\ud800"),
        Not(operand=Present(path=AttributePath(attribute="a\0"))),
    ],
)
def test_a_tree_made_by_hand_is_refused_where_the_parser_would(tree):
    with pytest.raises(FilterError):
        to_sql(tree, TARGET)


def test_now_needs_a_moment_with_a_zone():
    tree = parse("at lt now+1d", allow_now=True)
    with pytest.raises(ValueError, match="no moment"):
        to_sql(tree, TARGET)
    with pytest.raises(ValueError, match="without a time zone"):
        to_sql(tree, TARGET, now=NOON.replace(tzinfo=None))
