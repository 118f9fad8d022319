"""Reading and evaluating the 17 filters of RFC 7644 figure 2, against scim2-models and scim2-filter-parser.

CPU seconds of this process for all 17, interleaved in rounds; ratios are those of the same round. scim2-models keeps
parsed filters by their text: for a first reading that store is emptied before each pass, and what it answers from the
store is compared with what ours answers from its own. Evaluating: ready predicates on one user, a resource of about
1 KB as their model and as our dict.
"""

import json
import os
import time
from collections.abc import Callable
from importlib import import_module
from statistics import median
from typing import Any

from scim2_models import EnterpriseUser, ScimFilter, User

from lastday.filters.comparable import comparable
from lastday.filters.parser import parse, parsed
from lastday.filters.predicate import compile_predicate
from lastday.filters.sql import SqlTarget, to_sql

ROUNDS = 15
PASSES = 40
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FIGURE_2 = (
    'userName eq "bjensen"',
    'name.familyName co "O\'Malley"',
    'userName sw "J"',
    f'{CORE}:userName sw "J"',
    "title pr",
    'meta.lastModified gt "2011-05-13T04:42:34Z"',
    'meta.lastModified ge "2011-05-13T04:42:34Z"',
    'meta.lastModified lt "2011-05-13T04:42:34Z"',
    'meta.lastModified le "2011-05-13T04:42:34Z"',
    'title pr and userType eq "Employee"',
    'title pr or userType eq "Intern"',
    f'schemas eq "{ENTERPRISE}"',
    'userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")',
    'userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")',
    'userType eq "Employee" and (emails.type eq "work")',
    'userType eq "Employee" and emails[type eq "work" and value co "@example.com"]',
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp" and value co "@foo.com"]',
)
PERSON: dict[str, Any] = {
    "schemas": [CORE, ENTERPRISE],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "externalId": "701984",
    "userName": "bjensen@example.com",
    "name": {"formatted": "Ms. Barbara J O'Malley", "familyName": "O'Malley", "givenName": "Barbara"},
    "displayName": "Babs Jensen",
    "title": "Tour Guide",
    "userType": "Employee",
    "preferredLanguage": "en-US",
    "locale": "en-US",
    "timezone": "America/Los_Angeles",
    "active": True,
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ],
    "phoneNumbers": [{"value": "555-555-5555", "type": "work"}, {"value": "555-555-4444", "type": "mobile"}],
    "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood"}],
    "groups": [{"value": "e9e30dba-f08f-4109-8486-d5c6a331660a", "display": "Tour Guides"}],
    ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations", "manager": {"value": "26118915"}},
    "meta": {
        "resourceType": "User",
        "created": "2010-01-23T04:56:22Z",
        "lastModified": "2011-05-13T04:42:34Z",
        "version": 'W/"3"',
    },
}


def main() -> None:
    """Prints one JSON object: microseconds for one filter, and the ratios that are promised."""
    works = _works()
    rounds = [{name: _cpu_us(work) for name, work in works.items()} for _ in range(ROUNDS)]
    ratios = {
        "parse_to_scim2_models": _ratio(rounds, "parse", "scim2_models_parse", most=1 / 3),
        "parse_to_scim2_filter_parser": _ratio(rounds, "parse", "scim2_filter_parser_parse"),
        "kept_to_scim2_models_kept": _ratio(rounds, "parse_kept", "scim2_models_parse_kept"),
        "evaluate_to_scim2_models": _ratio(rounds, "evaluate", "scim2_models_evaluate", most=1 / 20),
    }
    print(
        json.dumps(
            {
                "schema": "lastday/bench-filters/1",
                "filters": len(FIGURE_2),
                "rounds": ROUNDS,
                "resource_bytes": len(json.dumps(PERSON)),
                "us_per_filter": {name: round(median(one[name] for one in rounds), 3) for name in works},
                "comparable_us_per_resource": round(median(_cpu_us(_comparables) for _ in range(ROUNDS)), 2),
                "ratios": ratios,
                "load_average": round(os.getloadavg()[0], 2),
            }
        )
    )


def _works() -> dict[str, Callable[[], object]]:
    trees = [parse(text) for text in FIGURE_2]
    predicates = [compile_predicate(tree) for tree in trees]
    bound = ScimFilter[User[EnterpriseUser]]
    their_filters, their_person = [bound(text) for text in FIGURE_2], User[EnterpriseUser].model_validate(PERSON)
    assert [holds(PERSON, None) for holds in predicates] == [one.match(their_person) for one in their_filters]
    target = SqlTarget(document="comparable", columns={"username": "user_name"})
    lexer = import_module("scim2_filter_parser.lexer").SCIMLexer()
    parser = import_module("scim2_filter_parser.parser").SCIMParser()
    kept_by_scim2_models = import_module("scim2_models.path.grammar")._cached_filter

    def read_by_scim2_models() -> None:
        kept_by_scim2_models.cache_clear()
        for text in FIGURE_2:
            ScimFilter(text)

    return {
        "parse": lambda: [parse(text) for text in FIGURE_2],
        "scim2_models_parse": read_by_scim2_models,
        "scim2_filter_parser_parse": lambda: [parser.parse(lexer.tokenize(text)) for text in FIGURE_2],
        "parse_kept": lambda: [parsed(text) for text in FIGURE_2],
        "scim2_models_parse_kept": lambda: [ScimFilter(text) for text in FIGURE_2],
        "evaluate": lambda: [holds(PERSON, None) for holds in predicates],
        "scim2_models_evaluate": lambda: [one.match(their_person) for one in their_filters],
        "compile": lambda: [compile_predicate(tree) for tree in trees],
        "to_sql": lambda: [to_sql(tree, target) for tree in trees],
    }


def _comparables() -> None:
    for _ in FIGURE_2:
        comparable(PERSON)


def _cpu_us(work: Callable[[], object]) -> float:
    """CPU microseconds for one of the filters."""
    start = time.process_time()
    for _ in range(PASSES):
        work()
    return (time.process_time() - start) / PASSES / len(FIGURE_2) * 1e6


def _ratio(rounds: list[dict[str, float]], ours: str, other: str, *, most: float | None = None) -> dict[str, object]:
    found = sorted(one[ours] / one[other] for one in rounds)
    ratio: dict[str, object] = {"median": round(median(found), 4), "range": [round(found[0], 4), round(found[-1], 4)]}
    return ratio if most is None else {**ratio, "must": round(most, 4)}


if __name__ == "__main__":
    main()
