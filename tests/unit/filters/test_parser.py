"""The parser reads the whole grammar of RFC 7644 section 3.4.2.2, and refuses the rest at its place."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Not, Now, Or, Present, ValuePath
from lastday.filters.parser import Limits, parse
from lastday.filters.text import write
from lastday.model.errors import FilterError
from tests.unit.filters.trees import filters


def compare(attribute, value, operator=CompareOperator.EQ, sub=None, schema=None):
    path = AttributePath(schema=schema, attribute=attribute, sub=sub)
    return Compare(path=path, operator=operator, value=value)


A, B, C, D = (Present(path=AttributePath(attribute=name)) for name in "abcd")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('userName eq "x"', compare("userName", "x")),
        ("a pr and b pr or c pr and d pr", Or(left=And(left=A, right=B), right=And(left=C, right=D))),
        ("a pr and (b pr or c pr)", And(left=A, right=Or(left=B, right=C))),
        ("not (a pr) and b pr", And(left=Not(operand=A), right=B)),
        ("not(a pr or not (b pr))", Not(operand=Or(left=A, right=Not(operand=B)))),
        ("((a pr))", A),
        ("e[a pr and b pr]", ValuePath(path=AttributePath(attribute="e"), inner=And(left=A, right=B))),
        ("android pr", Present(path=AttributePath(attribute="android"))),
        ("orders.notes pr", Present(path=AttributePath(attribute="orders", sub="notes"))),
    ],
)
def test_not_binds_before_and_before_or(text, tree):
    """RFC 7644 section 3.4.2.2: precedence of operators."""
    assert parse(text) == tree


@pytest.mark.parametrize("written", ["EQ", "eq", "Eq"])
def test_operators_are_read_in_any_case(written):
    """RFC 7644 section 3.4.2.2: attribute names and operators are case insensitive."""
    assert parse(f'a {written} "x" AND b PR Or NOT (c pR)') == parse('a eq "x" and b pr or not (c pr)')


@pytest.mark.parametrize("operator", list(CompareOperator))
def test_every_operator_is_known(operator):
    assert parse(f'a {operator} "x"') == compare("a", "x", operator)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"a\"b\\c\/d\n\u00e9"', 'a"b\\c/d\né'),
        (r'"\ud83d\ude00"', "😀"),
        ('""', ""),
        ("0", 0),
        ("-12", -12),
        ("1.5e3", 1500.0),
        ("true", True),
        ("False", False),
        ("null", None),
    ],
)
def test_literals_are_those_of_json(written, value):
    """RFC 7644 figure 1: compValue follows RFC 7159."""
    tree = parse(f"a eq {written}")
    assert isinstance(tree, Compare)
    assert (tree.value, type(tree.value)) == (value, type(value))


def test_a_schema_is_split_from_its_attribute():
    text = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName pr"
    schema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert parse(text) == Present(path=AttributePath(schema=schema, attribute="manager", sub="displayName"))


def test_a_sub_attribute_after_brackets_means_the_same_value():
    """Entra ID sends `emails[type eq "work"].value eq "x"` as a filter."""
    assert parse('emails[type eq "work"].value eq "x"') == parse('emails[type eq "work" and value eq "x"]')


@pytest.mark.parametrize(
    ("written", "offset_s"),
    [("now", 0), ("NOW", 0), ("now+7d", 604_800), ("now-12h", -43_200), ("now+2w", 1_209_600), ("now-30m", -1800)],
)
def test_now_is_read_where_it_is_allowed(written, offset_s):
    """Design section 6: `now`, `now+7d` only in policy."""
    assert parse(f"endsAt lt {written}", allow_now=True) == compare("endsAt", Now(offset_s), CompareOperator.LT)
    with pytest.raises(FilterError, match="policies only"):
        parse(f"endsAt lt {written}")


REFUSED = [
    ("", 0),
    ("   ", 3),
    ("userName", 8),
    ("userName is 'x'", 9),
    ("userName eq", 11),
    ("userName eq bjensen", 12),
    ("userName eq 'bjensen'", 12),
    ('userName eq "bjensen', 12),
    ('userName eq "a\nb"', 12),
    (r'userName eq "\x41"', 12),
    (r'userName eq "\ud800"', 12),
    ("a eq 01", 5),
    ("a eq 1x", 5),
    ("a eq 1e999", 5),
    ("a eq " + "9" * 5000, 5),
    ("a eq NaN", 5),
    ("(a pr", 0),
    ("a pr)", 4),
    ("a pr b pr", 5),
    ("a pr and", 8),
    ("and a pr", 4),
    ("a pr or or b pr", 11),
    ("not a pr", 0),
    ("e[a pr", 0),
    ("e[a pr)", 6),
    ("(a pr]", 5),
    ("e[a[b pr]]", 2),
    ("e[]", 2),
    ("()", 1),
    ("a.b.c pr", 0),
    ("a. pr", 0),
    (".a pr", 0),
    ("foo:bar pr", 0),
    ("1a pr", 0),
    ("naïve pr", 2),
    ("a gt true", 5),
    ("a le null", 5),
    ("a co 5", 5),
    ('a gt "2026-11-20T17:00:00"', 5),
    ('a eq "2026-13-20T17:00:00Z"', 5),
    ("endsAt lt now+7y", 10),
    ("endsAt lt now+9999999999w", 10),
    ("endsAt co now", 10),
]


@pytest.mark.parametrize(("text", "position"), REFUSED)
def test_a_mistake_is_shown_at_its_place_with_a_way_out(text, position):
    """Issue 2, filters: positions in errors, and a mend sentence."""
    with pytest.raises(FilterError) as caught:
        parse(text, allow_now=True)
    assert (caught.value.position, bool(caught.value.mend)) == (position, True)


def test_positions_are_kept_and_are_no_part_of_equality():
    tree = parse("  a pr")
    assert isinstance(tree, Present)
    assert (tree.path.position, tree == parse("a pr"), hash(tree) == hash(parse("a pr"))) == (2, True, True)


def position_of_the_mistake(text):
    """Where it is; 0 where there is none."""
    try:
        parse(text, allow_now=True)
    except FilterError as error:
        return error.position
    return 0


@given(st.text(max_size=60) | st.text(st.sampled_from('ab()[]"\\ .:-+1eqprandornotnow'), max_size=60))
def test_any_text_is_read_or_refused_inside_itself(text):
    """T-24, T-25: hostile text gives a FilterError and nothing else."""
    assert 0 <= position_of_the_mistake(text) <= len(text)


@given(filters, st.data())
def test_a_cut_filter_is_never_an_internal_error(tree, data):
    text = write(tree)
    cut = data.draw(st.integers(0, len(text)))
    assert position_of_the_mistake(text[:cut]) <= cut


@pytest.mark.parametrize("flood", ["(" * 1_000_000, "not (" * 200_000, "not(" * 250_000 + "a pr"])
def test_a_million_brackets_are_refused_by_depth_without_being_read(flood):
    """T-25: refused at the 33rd bracket; memory does not grow with the text."""
    tracemalloc.start()
    with pytest.raises(FilterError, match="too many open brackets"):
        parse(flood, limits=Limits(length=2_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_depth_is_a_limit_and_not_a_recursion():
    """Brackets far deeper than Python's stack are read where the limit allows them."""
    deep = "(" * 50_000 + "a pr" + ")" * 50_000
    assert parse(deep, limits=Limits(length=200_000, depth=60_000)) == A


@pytest.mark.parametrize("depth", [31, 32])
def test_32_open_brackets_are_the_most(depth):
    assert parse("(" * depth + "a pr" + ")" * depth) == A
    with pytest.raises(FilterError):
        parse("(" * 33 + "a pr" + ")" * 33)


def test_a_filter_of_more_than_8192_characters_is_refused():
    fitting = 'a eq "' + "x" * (8192 - 7) + '"'
    assert isinstance(parse(fitting), Compare)
    with pytest.raises(FilterError) as caught:
        parse(fitting + " ")
    assert caught.value.position == 8192


def test_a_thousand_nodes_are_read_and_one_more_is_refused():
    chain = " and ".join(["a pr"] * 500)
    assert isinstance(parse(chain), And)
    with pytest.raises(FilterError, match="too many conditions"):
        parse(chain + " and a pr")


def test_a_long_chain_stays_shallow():
    """A tree of 500 conditions can be compared, hashed and walked: it is balanced."""
    chain = " or ".join(f"a eq {number}" for number in range(500))
    assert parse(chain) == parse(chain)
    assert hash(parse(chain)) == hash(parse(chain))
