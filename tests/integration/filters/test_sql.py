"""A filter in SQL is true of exactly the resources of which its predicate is true, in real PostgreSQL."""

import json
from collections import Counter
from itertools import product

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lastday.filters.ast import AttributePath
from lastday.filters.comparable import comparable
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate
from lastday.filters.sql import SqlTarget, column_text, sort_key, sort_sql, to_sql
from lastday.filters.text import write
from tests.unit.filters.hostile import LARGEST
from tests.unit.filters.resources import CASE_EXACT, COLUMNS, NOON, filters, paths, resources
from tests.unit.filters.truths import EXACTLY, FIGURE_2, JENSEN, OF_JENSEN, PEOPLE, PRECEDENCE, TABLE_3, WITH_SCHEMA

TARGET = SqlTarget(document="comparable", columns=COLUMNS)
RESOURCES, FILTERS = 12, 12
QUICK, LONG = 40, 700


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute(
            'CREATE TABLE resource (number int, comparable jsonb NOT NULL, user_name text COLLATE "C",'
            ' exact_id text COLLATE "C")'
        )
        yield opened


def store(connection, found):
    rows = [
        (
            number,
            json.dumps(comparable(resource)),
            column_text(resource, AttributePath(attribute="userName")),
            column_text(resource, AttributePath(attribute="id"), case_exact=CASE_EXACT),
        )
        for number, resource in enumerate(found)
    ]
    connection.execute("TRUNCATE resource")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO resource VALUES (%s, %s, %s, %s)", rows)


def truths(connection, trees):
    """For each resource, in order, whether each of the filters is true of it; None would be neither."""
    asked = [to_sql(tree, TARGET, case_exact=CASE_EXACT, now=NOON) for tree in trees]
    columns = ", ".join(condition.text for condition in asked)
    parameters = [parameter for condition in asked for parameter in condition.parameters]
    rows = connection.execute(f"SELECT number, {columns} FROM resource ORDER BY number", parameters)  # noqa: S608 - only our own text
    return [row[1:] for row in rows]


def differences(found, trees, in_sql, expected):
    """The pairs that are not true in both forms, readable."""
    return [
        (write(tree), resource, in_sql[row][column])
        for row, resource in enumerate(found)
        for column, tree in enumerate(trees)
        if in_sql[row][column] is not expected[row][column]
    ]


def compare_forms(connection, examples):
    """How many pairs of a resource and a filter were compared, and of how many the filter was true."""
    counts: Counter[bool] = Counter()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # what differs is told pair by pair: there is no need to shrink
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.lists(resources(), min_size=RESOURCES, max_size=RESOURCES),
        st.lists(filters(), min_size=FILTERS, max_size=FILTERS),
    )
    def forms_agree(found, trees):
        store(connection, found)
        predicates = [compile_predicate(tree, case_exact=CASE_EXACT) for tree in trees]
        expected = [tuple(holds(resource, NOON) for holds in predicates) for resource in found]
        assert differences(found, trees, truths(connection, trees), expected) == []
        counts.update(truth for row in expected for truth in row)

    forms_agree()
    return counts.total(), counts[True]


def test_sql_is_true_of_what_the_predicate_is_true_of(connection, record_property):
    """Issue 3 part 1, S-41: null, case, several values, hostile text; at least 5,000 pairs."""
    pairs, true = compare_forms(connection, QUICK)
    record_property("pairs", pairs)
    assert pairs >= 5_000
    assert true >= pairs / 10


@pytest.mark.nightly
@pytest.mark.timeout(1200)
def test_sql_is_true_of_what_the_predicate_is_true_of_in_many_more_cases(connection, record_property):
    """The same with more than ten times as many pairs."""
    pairs, _ = compare_forms(connection, LONG)
    record_property("pairs", pairs)
    assert pairs >= 100_000


def truth_table(connection, people, texts):
    """For each filter, of whom it is true."""
    store(connection, people)
    rows = truths(connection, list(map(parse, texts)))
    return list(zip(*rows, strict=True))


def test_the_examples_of_figure_2_are_true_of_whom_they_should_be(connection):
    """RFC 7644 figure 2, all 17 filters."""
    assert truth_table(connection, PEOPLE, [text for text, *_ in FIGURE_2]) == [tuple(row[1:]) for row in FIGURE_2]


def test_values_compare_as_the_rfc_and_the_design_say(connection):
    """RFC 7644 table 3; design section 6: absent is false before `not`."""
    found = truth_table(connection, [JENSEN], [text for text, _ in OF_JENSEN])
    assert dict(zip([text for text, _ in OF_JENSEN], found, strict=True)) == {text: (true,) for text, true in OF_JENSEN}


def test_every_operator_does_what_table_3_says(connection):
    """RFC 7644 table 3."""
    found = truth_table(connection, [{"a": value} for _, value, _ in TABLE_3], [text for text, *_ in TABLE_3])
    assert [(*TABLE_3[n][:2], row[n]) for n, row in enumerate(found)] == TABLE_3


def test_a_case_exact_path_compares_exactly(connection):
    """RFC 7643 section 2.2: caseExact."""
    store(connection, [resource for _, resource, _ in EXACTLY])
    rows = truths(connection, [parse(text) for text, *_ in EXACTLY])
    assert [(*row[:2], rows[n][n]) for n, row in enumerate(EXACTLY)] == EXACTLY


def test_a_path_with_a_schema_looks_into_its_extension(connection):
    """RFC 7644 section 3.10; at the top where the resource has no such extension."""
    store(connection, [resource for _, resource, _ in WITH_SCHEMA])
    rows = truths(connection, [parse(text) for text, *_ in WITH_SCHEMA])
    assert [(*row[:2], rows[n][n]) for n, row in enumerate(WITH_SCHEMA)] == WITH_SCHEMA


def test_not_binds_before_and_before_or(connection):
    """RFC 7644 section 3.4.2.2: precedence, for every combination of what is there."""
    there = [dict(zip("xyz", truths, strict=True)) for truths in product([True, False], repeat=3)]
    people = [{name: "here" for name, is_there in one.items() if is_there} for one in there]
    found = truth_table(connection, people, [text for text, _ in PRECEDENCE])
    expected = [tuple(eval(meant.format(**one)) for one in there) for _, meant in PRECEDENCE]  # noqa: S307 - our own words
    assert found == expected


@pytest.mark.parametrize("name", LARGEST)
def test_the_largest_filters_are_answered(connection, name):
    """Issue 3 part 1: no stack of the server and no number of parameters is in the way of what the parser lets in."""
    people: list[dict[str, object]] = [{"a": "b"}, {"a": [{"b1": 1}]}, {}]
    tree = parse(LARGEST[name])
    holds = compile_predicate(tree)
    store(connection, people)
    assert truths(connection, [tree]) == [(holds(person, None),) for person in people]


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.lists(resources(), min_size=8, max_size=8), st.lists(paths, min_size=8, max_size=8))
def test_sql_sorts_by_what_python_sorts_by(connection, found, sorted_by):
    """RFC 7644 section 3.4.2.3; a cursor made by either continues the other's order."""
    store(connection, found)
    for path in sorted_by:
        asked = sort_sql(path, TARGET, case_exact=CASE_EXACT)
        query = f"SELECT number, {asked.text} AS key FROM resource ORDER BY key, number"  # noqa: S608 - only our own text
        rows = list(connection.execute(query, asked.parameters))
        keys = [sort_key(resource, path, case_exact=CASE_EXACT, columns=COLUMNS) for resource in found]
        assert dict(rows) == dict(enumerate(keys))
        last = [(key is None, key or "", number) for number, key in enumerate(keys)]
        assert [number for number, _ in rows] == [number for *_, number in sorted(last)]
