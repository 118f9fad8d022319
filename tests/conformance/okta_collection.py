"""A small interpreter for collections of requests with assertions, in the form in which Okta publishes its checks."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.conformance.asking import Asking, Said

_NAME = re.compile(r"\{\{(\w+)\}\}")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Checked:
    """One assertion and how it ended."""

    request: str
    claim: str
    holds: bool
    found: object


def run_collection(
    steps: list[dict[str, Any]], asking: Asking, anonymous: Asking, known: dict[str, str]
) -> list[Checked]:
    """Every assertion of the collection against the server. `known` gives its variables and takes up what it learns.

    A step whose first assertion wants 401 is sent without a token.
    """
    checked: list[Checked] = []
    for step in steps:
        if step["step_type"] != "request":
            continue
        wants_401 = any(a["source"] == "response_status" and a["value"] == "401" for a in step["assertions"])
        said = _ask(step, anonymous if wants_401 else asking, known)
        for variable in step["variables"]:
            known[variable["name"]] = str(_at(said.body, variable["property"]))
        checked += list(_judged(step, said, known))
    return checked


def _ask(step: Mapping[str, Any], asking: Asking, known: Mapping[str, str]) -> Said:
    target = _filled(step["url"].removeprefix("{{SCIMBaseURL}}"), known)
    path, _, query = target.partition("?")
    body = _filled(step["body"], known) if step.get("body") else None
    return asking(
        step["method"],
        path + (f"?{quote(query, safe='=&')}" if query else ""),
        None if body is None else json.loads(body),
        User_Agent="OKTA SCIM Integration",
        Accept_Charset="utf-8",
    )


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _NAME.sub(lambda match: known[match[1]], text)


def _judged(step: Mapping[str, Any], said: Said, known: Mapping[str, str]) -> Iterator[Checked]:
    for assertion in step["assertions"]:
        found = _found(assertion, said)
        wanted = None if assertion["value"] is None else _filled(assertion["value"], known)
        claim = f"{assertion.get('property') or assertion['source']} {assertion['comparison']} {wanted or ''}".strip()
        yield Checked(f"{step['method']} {step['url']}", claim, _holds(assertion["comparison"], found, wanted), found)


def _found(assertion: Mapping[str, Any], said: Said) -> object:
    if assertion["source"] == "response_status":
        return said.status
    if assertion["source"] == "response_time":
        return said.elapsed_ms
    return _at(said.body, assertion["property"])


def _at(body: Any, path: str) -> Any:
    for name, index in _STEP.findall(path):
        try:
            body = body[int(index)] if index else body[name]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def _holds(comparison: str, found: Any, wanted: str | None) -> bool:
    match comparison:
        case "equal":
            return _as_text(found) == wanted
        case "equal_number":
            return float(found) == float(wanted or "nan")
        case "not_empty":
            return found is not None and found not in ("", [], {})
        case "has_value" | "contains":
            return wanted in found
        case "is_a_number":
            return isinstance(found, (int, float)) and not isinstance(found, bool)
        case "is_less_than":
            return float(found) < float(wanted or "nan")
    raise AssertionError(f"the collection compares by {comparison}, which is not known here")


def _as_text(found: object) -> str:
    return str(found).lower() if isinstance(found, bool) else str(found)
