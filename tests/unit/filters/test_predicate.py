"""What a filter is true of: RFC 7644 section 3.4.2.2, design section 6."""

import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Not, Or
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate, values_at
from lastday.filters.text import write
from lastday.model.errors import FilterError
from tests.unit.filters.trees import filters
from tests.unit.filters.truths import (
    CASE_EXACT,
    EXACTLY,
    FIGURE_2,
    JENSEN,
    OF_JENSEN,
    PEOPLE,
    PRECEDENCE,
    TABLE_3,
    WITH_SCHEMA,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(("text", "jensen", "jim", "empty", "ann"), FIGURE_2)
def test_the_examples_of_figure_2_are_true_of_whom_they_should_be(text, jensen, jim, empty, ann):
    """RFC 7644 figure 2, all 17 filters."""
    holds = compile_predicate(parse(text))
    assert tuple(holds(person, None) for person in PEOPLE) == (jensen, jim, empty, ann)


def test_each_example_of_figure_2_is_true_of_somebody_and_false_of_another():
    assert len(FIGURE_2) == 17
    assert all(any(truths) and not all(truths) for _, *truths in FIGURE_2)


@pytest.mark.parametrize(("text", "true"), OF_JENSEN)
def test_values_compare_as_the_rfc_and_the_design_say(text, true):
    """RFC 7644 table 3; design section 6: absent is false before `not`."""
    assert compile_predicate(parse(text))(JENSEN, None) is true


@pytest.mark.parametrize(("text", "value", "true"), TABLE_3)
def test_every_operator_does_what_table_3_says(text, value, true):
    """RFC 7644 table 3."""
    assert compile_predicate(parse(text))({"a": value}, None) is true


@pytest.mark.parametrize(("text", "meant"), PRECEDENCE)
@pytest.mark.parametrize("there", list(product([True, False], repeat=3)))
def test_not_binds_before_and_before_or(text, meant, there):
    """RFC 7644 section 3.4.2.2: precedence, for every combination of what is there."""
    resource = {name: "here" for name, is_there in zip("xyz", there, strict=True) if is_there}
    expected = eval(meant.format(**dict(zip("xyz", there, strict=True))))  # noqa: S307 - our own words
    assert compile_predicate(parse(text))(resource, None) is expected


@pytest.mark.parametrize("value", [None, "", [], {}, [None], {"a": None}, [{"a": ""}]])
def test_null_empty_and_absent_are_one(value):
    """RFC 7643 section 2.5."""
    assert not compile_predicate(parse("a pr"))({"a": value}, None)
    assert compile_predicate(parse("a eq null"))({"a": value}, None)


@pytest.mark.parametrize("value", [False, 0, " ", [False], {"a": 0}])
def test_false_and_nought_are_present(value):
    assert compile_predicate(parse("a pr"))({"a": value}, None)


def test_text_compares_without_case_and_whichever_way_accents_are_written():
    holds = compile_predicate(parse('city eq "ZÜRICH" or city eq "GROSSE STRAẞE"'))
    assert holds({"city": "Zu\u0308rich"}, None)
    assert holds({"city": "große straße"}, None)


@pytest.mark.parametrize(("text", "resource", "true"), EXACTLY)
def test_a_case_exact_path_compares_exactly(text, resource, true):
    """RFC 7643 section 2.2: caseExact."""
    assert compile_predicate(parse(text), case_exact=CASE_EXACT)(resource, None) is true


@pytest.mark.parametrize(("text", "resource", "true"), WITH_SCHEMA)
def test_a_path_with_a_schema_looks_into_its_extension(text, resource, true):
    """RFC 7644 section 3.10; at the top where the resource has no such extension."""
    assert compile_predicate(parse(text))(resource, None) is true


def test_moments_compare_as_instants():
    """Design section 6: instants; the zone in which they are written makes no difference."""
    noon_in_berlin = NOON.astimezone(timezone(timedelta(hours=1)))
    assert compile_predicate(parse('at eq "2026-11-20T13:00:00+01:00"'))({"at": NOON}, None)
    assert compile_predicate(parse('at le "2026-11-20T12:00:00Z"'))({"at": noon_in_berlin}, None)
    assert compile_predicate(parse('at eq "2026-11-20T12:00:00.000Z"'))({"at": "2026-11-20T13:00:00+01:00"}, None)


def test_now_moves_with_the_moment():
    holds = compile_predicate(parse("endsAt lt now+7d and endsAt ge now", allow_now=True))
    week = timedelta(days=7)
    found = [holds({"endsAt": NOON + week}, NOON + timedelta(seconds=s)) for s in (0, 1, 7 * 86_400, 7 * 86_400 + 1)]
    assert found == [False, True, True, False]
    assert not holds({"endsAt": "2026-11-20"}, NOON)


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        compile_predicate(parse('at gt "2026-11-20T12:00:00Z"'))({"at": NOON.replace(tzinfo=None)}, None)
    with pytest.raises(ValueError, match="no moment"):
        compile_predicate(parse("at gt now", allow_now=True))({"at": NOON}, None)


@pytest.mark.parametrize(
    ("operator", "value"),
    [
        (CompareOperator.GT, True),
        (CompareOperator.LE, None),
        (CompareOperator.CO, 1),
        (CompareOperator.EQ, float("nan")),
        (CompareOperator.GE, float("inf")),
        (CompareOperator.EQ, "2026-11-20T12:00:00"),
    ],
)
def test_a_tree_made_by_hand_is_refused_where_the_parser_would(operator, value):
    with pytest.raises(FilterError):
        compile_predicate(Compare(path=AttributePath(attribute="a"), operator=operator, value=value))


@pytest.mark.parametrize("operator", ["eq", "ne", "lt", "ge"])
def test_nan_satisfies_nothing(operator):
    """Design section 6: NaN refused."""
    assert not compile_predicate(parse(f"a {operator} 1"))({"a": float("nan")}, None)


def test_values_at_a_path_are_those_that_are_compared():
    assert values_at(AttributePath(attribute="emails"), JENSEN) == ("b@example.com", "b@home.test")
    assert values_at(AttributePath(attribute="emails", sub="TYPE"), JENSEN) == ("work", "home")
    assert values_at(AttributePath(attribute="title"), {"title": ""}) == ()


simple = st.none() | st.booleans() | st.integers(-9, 9) | st.text("abAB", max_size=3) | st.just(NOON)
values = simple | st.lists(simple, max_size=3) | st.lists(st.dictionaries(st.sampled_from("abv"), simple), max_size=2)
resources = st.dictionaries(st.text("abcABC$", min_size=1, max_size=2), values, max_size=5)


@given(filters, filters, resources)
def test_the_laws_of_logic_hold(left, right, resource):
    """De Morgan, double negation, and every predicate is total on well-formed resources."""
    a, b = (compile_predicate(tree)(resource, NOON) for tree in (left, right))
    assert compile_predicate(And(left=left, right=right))(resource, NOON) is (a and b)
    assert compile_predicate(Or(left=left, right=right))(resource, NOON) is (a or b)
    assert compile_predicate(Not(operand=left))(resource, NOON) is (not a)


@given(filters, resources)
def test_a_filter_written_and_read_again_is_true_of_the_same(tree, resource):
    again = parse(write(tree), allow_now=True)
    assert compile_predicate(again)(resource, NOON) is compile_predicate(tree)(resource, NOON)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@given(texts, st.sampled_from(["eq", "co", "sw", "ew", "le", "ge"]))
def test_every_text_finds_itself_and_nothing_else_by_its_metacharacters(text, operator):
    """T-24: quotes, stars and brackets in a value are characters, not syntax."""
    holds = compile_predicate(parse(f"a {operator} {json.dumps(text)}"))
    assert holds({"a": text}, None)
    assert not compile_predicate(parse(f"a eq {json.dumps(text)}"))({"a": text + "x"}, None)
