"""A hostile filter is refused, and neither it nor the largest that is allowed costs more than its length explains.

Work is counted in calls, of Python and of C, so that the count is the same on every machine.
"""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.filters import parser
from lastday.filters.ast import AttributePath, Compare, CompareOperator
from lastday.filters.parser import Limits, parse, parsed
from lastday.filters.plain import plain_condition
from lastday.filters.predicate import compile_predicate
from lastday.filters.sql import SqlTarget, to_sql
from lastday.filters.text import write
from lastday.model.errors import FilterError
from tests.unit.filters.hostile import HOSTILE, LARGEST, LENGTH
from tests.unit.filters.resources import filters

CALLS_FOR_A_CHARACTER = 20
TARGET = SqlTarget(document="comparable")


def calls_of(work: Callable[[], object]) -> int:
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        work()
    except FilterError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_filter_is_refused(name):
    """Issue 3 part 1, T-25: a FilterError, with its place."""
    with pytest.raises(FilterError) as caught:
        parse(HOSTILE[name])
    assert caught.value.mend
    assert len(str(caught.value)) < 2 * LENGTH


@pytest.mark.parametrize("name", HOSTILE)
def test_refusing_costs_no_more_than_the_length_explains(name):
    """Issue 3 part 1: a hostile filter costs little (measured: at most 4 ms)."""
    assert calls_of(lambda: parse(HOSTILE[name])) <= CALLS_FOR_A_CHARACTER * LENGTH


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_filters_cost_no_more_than_their_length_explains(name):
    text = LARGEST[name]
    tree = parse(text)
    for work in (lambda: parse(text), lambda: compile_predicate(tree), lambda: to_sql(tree, TARGET)):
        assert calls_of(work) <= CALLS_FOR_A_CHARACTER * LENGTH


def compiled(text: str) -> object:
    return compile_predicate(parse(text))


def in_sql(text: str) -> object:
    return to_sql(parse(text), TARGET)


@pytest.mark.parametrize("work", [parse, compiled, in_sql])
def test_the_work_grows_with_the_number_of_conditions_and_no_faster(work):
    """Ten times the conditions: ten times the calls."""
    few, many = (" or ".join(['not (a eq "b" and c[d co "e"])'] * number) for number in (10, 100))
    assert calls_of(lambda: work(many)) <= 12 * calls_of(lambda: work(few))


def outcome(text: str) -> tuple[object, object]:
    """The tree with its positions, or the mistake."""
    try:
        return repr(parse(text, allow_now=True)), None
    except FilterError as error:
        return None, (error.position, str(error))


def outcome_of_the_scanner_alone(text: str) -> tuple[object, object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parser, "plain_condition", lambda *_: None)
        return outcome(text)


nearly = st.text(st.sampled_from('aNotb.$-_:0 1e"\\\t'), max_size=12)
parts = st.sampled_from(
    ["not", "NOT ", "a", "a.b", "urn:x:", "http:a:b", "eq", " Eq ", "pr", "PR", "co", "gt", " ", " ", " ", "\t", '"x"',
     '""', '"é"', '"2026-13-01T00:00:00Z"', '"2026-01-01T00:00:00Z"', '"\\n"', "true", "True", "null", "0", "-1", "01",
     "12.5", "123456789012345", "1234567890123456", "now", "and", " or ", "(", ")", "[", "]", "].", "%", "/"]
)  # fmt: skip


@given(filters().map(write) | st.lists(parts | nearly, max_size=10).map("".join) | nearly)
def test_a_condition_read_in_one_step_is_the_one_that_is_read_word_by_word(text):
    """The short way takes nothing that the long way reads otherwise or refuses."""
    assert outcome(text) == outcome_of_the_scanner_alone(text)


@pytest.mark.parametrize("text", ['a eq "x"', "a.b PR", f"urn:a:b:{'c' * 200} eq 1", " a eq null", "not eq 1"])
def test_the_short_way_is_taken_where_it_can_be(text):
    assert (plain_condition(text, 0) is None) is text.startswith("not ")


def test_a_filter_that_was_read_before_is_not_read_again():
    """The tree is immutable, so everybody may have the same one."""
    assert parsed('userName eq "kept"') is parsed('userName eq "kept"')
    assert parsed('userName eq "kept"') == parse('userName eq "kept"')
    with pytest.raises(FilterError):
        parsed("userName eq")


def test_what_is_kept_is_kept_for_its_limits():
    """A filter that one door lets in is not in for another."""
    assert parsed("a pr and b pr") == parse("a pr and b pr")
    with pytest.raises(FilterError, match="too many conditions"):
        parsed("a pr and b pr", limits=Limits(nodes=2))


def test_long_filters_are_not_kept():
    """What strangers send does not fill the memory."""
    long = f'userName eq "{"x" * 600}"'
    assert parsed(long) is not parsed(long)


def test_a_kept_tree_cannot_be_changed():
    tree = parsed('userName eq "kept"')
    assert tree == Compare(path=AttributePath(attribute="userName"), operator=CompareOperator.EQ, value="kept")
    with pytest.raises(AttributeError):
        setattr(tree, "value", "other")  # noqa: B010 - the type checker refuses the plain form already
