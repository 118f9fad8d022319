"""What a filter is true of: RFC 7644 section 3.4.2.2, design section 6."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Not, Or
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate, values_at
from lastday.filters.text import write
from lastday.model.errors import FilterError
from tests.unit.filters.trees import filters

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

JENSEN = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
    "userName": "BJensen",
    "name": {"familyName": "O'Malley-Jensen", "givenName": "Barbara"},
    "title": "Tour Guide",
    "userType": "Employee",
    "emails": [{"value": "b@example.com", "type": "work", "primary": True}, {"value": "b@home.test", "type": "home"}],
    "meta": {"lastModified": "2011-05-13T04:42:34Z"},
    "active": True,
    "logins": 3,
    ENTERPRISE: {"department": "Tours"},
}
JIM = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "jim",
    "userType": "Intern",
    "emails": [{"value": "jim@example.org", "type": "home"}],
    "ims": [{"value": "jim@foo.com", "type": "xmpp"}],
    "meta": {"lastModified": datetime(2020, 1, 1, tzinfo=UTC)},
}
EMPTY: dict[str, object] = {"title": "", "emails": [], "name": {"familyName": None}}

FIGURE_2 = [
    ('userName eq "bjensen"', True, False, False),
    ('name.familyName co "O\'Malley"', True, False, False),
    ('userName sw "J"', False, True, False),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"', False, True, False),
    ("title pr", True, False, False),
    ('meta.lastModified gt "2011-05-13T04:42:34Z"', False, True, False),
    ('meta.lastModified ge "2011-05-13T04:42:34Z"', True, True, False),
    ('meta.lastModified lt "2011-05-13T04:42:34Z"', False, False, False),
    ('meta.lastModified le "2011-05-13T04:42:34Z"', True, False, False),
    ('title pr and userType eq "Employee"', True, False, False),
    ('title pr or userType eq "Intern"', True, True, False),
    (f'schemas eq "{ENTERPRISE}"', True, False, False),
    ('userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")', True, False, False),
    ('userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")', False, False, False),
    ('userType eq "Employee" and (emails.type eq "work")', True, False, False),
    ('userType eq "Employee" and emails[type eq "work" and value co "@example.com"]', True, False, False),
    (
        'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
        True,
        True,
        False,
    ),
]


@pytest.mark.parametrize(("text", "jensen", "jim", "empty"), FIGURE_2)
def test_the_examples_of_figure_2_are_true_of_whom_they_should_be(text, jensen, jim, empty):
    """RFC 7644 figure 2, all 17 filters."""
    holds = compile_predicate(parse(text))
    assert (holds(JENSEN, None), holds(JIM, None), holds(EMPTY, None)) == (jensen, jim, empty)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        # any value of several suffices, and brackets ask one value for everything
        ('emails.type eq "work" and emails.value co "home.test"', True),
        ('emails[type eq "work" and value co "home.test"]', False),
        ('emails[not (type eq "work")]', True),
        ('emails.type ne "work"', True),
        ('not (emails.type eq "work")', False),
        ('schemas[value eq "' + ENTERPRISE + '"]', True),
        ("emails[primary eq true]", True),
        # names and strings without case
        ('USERNAME EQ "BJENSEN"', True),
        ('NAME.GIVENNAME ew "RA"', True),
        # schemas
        (f'{ENTERPRISE}:department eq "tours"', True),
        ('department eq "tours"', False),
        # types that do not compare are false, whichever way it is asked
        ('logins eq "3"', False),
        ('logins ne "3"', False),
        ("userName eq 3", False),
        ("active eq 1", False),
        ("logins eq true", False),
        ('active co "t"', False),
        ("logins gt 2.5 and logins le 3 and logins eq 3.0", True),
        ("active eq true and active ne false", True),
        # order of text is without case
        ('userName gt "BA"', True),
        ('userName lt "ba"', False),
        # absence
        ("nickName eq null", True),
        ("nickName ne null", False),
        ("title ne null", True),
        ('nickName ne "x"', False),
        ('not (nickName eq "x")', True),
        ('not (nickName ne "x")', True),
        ("name pr", True),
        ("nickName pr", False),
        ("name.middleName pr", False),
        ("nothing.inside pr or nothing[inside pr]", False),
        ('userName.value eq "bjensen"', False),
    ],
)
def test_values_compare_as_the_rfc_and_the_design_say(text, true):
    """RFC 7644 table 3; design section 6: absent is false before `not`."""
    assert compile_predicate(parse(text))(JENSEN, None) is true


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


def test_a_case_exact_path_compares_exactly():
    """RFC 7643 section 2.2: caseExact."""
    exact = frozenset({"ID", "emails.value"})
    assert not compile_predicate(parse('id eq "ABC"'), case_exact=exact)({"id": "abc"}, None)
    assert not compile_predicate(parse('emails[value sw "B"]'), case_exact=exact)(JENSEN, None)
    assert compile_predicate(parse('emails[value sw "b"]'), case_exact=exact)(JENSEN, None)


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
    assert values_at(AttributePath(attribute="title"), EMPTY) == ()


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
