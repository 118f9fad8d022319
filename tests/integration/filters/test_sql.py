"""A filter in SQL is true of exactly the resources of which its predicate is true, in real PostgreSQL."""

import json
from collections import Counter

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lastday.filters.ast import AttributePath
from lastday.filters.comparable import comparable
from lastday.filters.predicate import compile_predicate
from lastday.filters.sql import SqlTarget, column_text, sort_key, sort_sql, to_sql
from tests.integration.filters.resources import CASE_EXACT, COLUMNS, NOON, filters, paths, resources

TARGET = SqlTarget(document="comparable", columns=COLUMNS)
RESOURCES, FILTERS = 12, 12
QUICK, LONG = 60, 1500


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


def compare_forms(connection, examples):
    """How many pairs of a resource and a filter were compared, and of how many the filter was true."""
    counts: Counter[bool] = Counter()

    @settings(max_examples=examples, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(resources(), min_size=RESOURCES, max_size=RESOURCES),
        st.lists(filters(), min_size=FILTERS, max_size=FILTERS),
    )
    def forms_agree(found, trees):
        store(connection, found)
        predicates = [compile_predicate(tree, case_exact=CASE_EXACT) for tree in trees]
        expected = [tuple(holds(resource, NOON) for holds in predicates) for resource in found]
        assert truths(connection, trees) == expected
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
    """The same with 25 times as many pairs."""
    pairs, _ = compare_forms(connection, LONG)
    record_property("pairs", pairs)
    assert pairs >= 200_000


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
