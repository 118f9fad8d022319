"""What clients ask all day is looked up in an index: the plan of the query says so."""

import json

import psycopg
import pytest

from lastday.filters.ast import AttributePath
from lastday.filters.comparable import comparable
from lastday.filters.parser import parse
from lastday.filters.sql import SqlTarget, column_text, to_sql

ROWS = 4_000
CASE_EXACT = frozenset({"externalId"})
TARGET = SqlTarget(document="r.comparable", columns={"username": "r.user_name", "externalid": "r.external_id"})
TABLE = """
CREATE TABLE resource (
    number int PRIMARY KEY, comparable jsonb NOT NULL, user_name text COLLATE "C", external_id text COLLATE "C");
CREATE INDEX by_user_name ON resource (user_name);
CREATE INDEX by_external_id ON resource (external_id);
CREATE INDEX by_comparable ON resource USING gin (comparable jsonb_path_ops);
"""
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def person(number):
    return {
        "userName": f"Person{number}",
        "externalId": f"E{number}",
        "active": number % 2 == 0,
        "emails": [
            {"value": f"p{number}@example.com", "type": "work", "primary": True},
            {"value": f"p{number}@home.test", "type": "home"},
        ],
        ENTERPRISE: {"employeeNumber": str(number), "manager": {"value": f"m{number}"}},
    }


def row(number):
    resource = person(number)
    names = (AttributePath(attribute=name) for name in ("userName", "externalId"))
    texts = (column_text(resource, name, case_exact=CASE_EXACT) for name in names)
    return (number, json.dumps(comparable(resource)), *texts)


@pytest.fixture
def connection(database_url):
    with psycopg.connect(database_url, autocommit=True) as opened:
        opened.execute(TABLE)
        with opened.cursor() as cursor:
            cursor.executemany("INSERT INTO resource VALUES (%s, %s, %s, %s)", [row(n) for n in range(ROWS)])
        opened.execute("ANALYZE resource")
        opened.execute("VACUUM resource")
        yield opened


def found_by(connection, text):
    """The numbers of the resources that the filter is true of."""
    asked = to_sql(parse(text), TARGET, case_exact=CASE_EXACT)
    query = f"SELECT number FROM resource r WHERE {asked.text} ORDER BY number"  # noqa: S608 - only our own text
    return [number for (number,) in connection.execute(query, asked.parameters)]


def indexes_used(connection, text):
    """The names of the indexes in the plan; `resource` where the whole table is read."""
    asked = to_sql(parse(text), TARGET, case_exact=CASE_EXACT)
    query = f"EXPLAIN (FORMAT JSON) SELECT number FROM resource r WHERE {asked.text}"  # noqa: S608 - only our own text
    ((plans,),) = connection.execute(query, asked.parameters).fetchall()
    return set(_named(plans[0]["Plan"]))


def _named(plan):
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    if "Index Name" in plan:
        yield plan["Index Name"]
    for inner in plan.get("Plans", ()):
        yield from _named(inner)


ONE = [
    ('userName eq "PERSON17"', "by_user_name"),
    ('USERNAME sw "person17" and userName lt "person17a" and userName ew "n17"', "by_user_name"),
    ('externalId eq "E17"', "by_external_id"),
    ('emails.value eq "P17@example.com"', "by_comparable"),
    ('emails eq "p17@example.com"', "by_comparable"),
    ('emails[type eq "work"].value eq "p17@example.com"', "by_comparable"),
    ('emails[type eq "work" and value eq "p17@example.com" and primary eq true]', "by_comparable"),
    (f'{CORE}:userName eq "person17"', "by_comparable"),
    (f'{ENTERPRISE}:employeeNumber eq "17"', "by_comparable"),
    (f'{ENTERPRISE}:manager.value eq "m17" and active eq false', "by_comparable"),
]


@pytest.mark.parametrize(("text", "index"), ONE)
def test_who_equals_is_found_in_an_index(connection, text, index):
    """Issue 3 part 1: index-aware; RFC 7644 section 3.4.2.2."""
    assert indexes_used(connection, text) == {index}
    assert found_by(connection, text) == [17]


def test_alternatives_are_found_in_both_indexes(connection):
    text = 'userName eq "person3" or externalId eq "E5" or emails.value eq "p7@home.test"'
    assert indexes_used(connection, text) == {"by_user_name", "by_external_id", "by_comparable"}
    assert found_by(connection, text) == [3, 5, 7]


@pytest.mark.parametrize(
    "text", ['externalId eq "e17"', 'userName eq "person17 "', 'emails[type eq "home"].value eq "p17@example.com"']
)
def test_who_only_nearly_equals_is_not_found(connection, text):
    """RFC 7643 section 4.1: externalId is caseExact."""
    assert found_by(connection, text) == []


def test_what_no_index_can_answer_reads_the_table(connection):
    """The other tests can fail."""
    assert indexes_used(connection, 'emails co "p17@"') == {"resource"}
