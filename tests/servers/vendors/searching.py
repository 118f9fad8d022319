"""Filters as vendors understand them: comparisons joined by `and` and `or`, with neither `not` nor parentheses."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]

_COMPARISON = re.compile(
    r"""\s*(?P<attribute>[^\s"'\[\]]+(?:\[[^\]]*\][^\s]*)?)\s+(?P<operator>\w+)
    (?:\s+(?P<value>"(?:[^"\\]|\\.)*"|'[^']*'|true|false|null|-?\d+))?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_JOIN = re.compile(r"\s*\b(and|or)\b", re.IGNORECASE)
_TESTS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda have, wanted: have == wanted,
    "co": lambda have, wanted: wanted in have,
    "sw": lambda have, wanted: have.startswith(wanted),
    "ew": lambda have, wanted: have.endswith(wanted),
}
EXACT = frozenset({"id", "externalid"})


class NotUnderstood(Exception):
    """The text is no filter of this kind."""


@dataclass(frozen=True, slots=True)
class Comparison:
    attribute: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Search:
    comparisons: tuple[Comparison, ...]
    joins: tuple[str, ...]

    @property
    def nodes(self) -> int:
        return len(self.comparisons) + len(self.joins)

    def finds(self, resource: Resource) -> bool:
        """`and` binds more tightly than `or` (RFC 7644 section 3.4.2.2)."""
        groups: list[list[Comparison]] = [[self.comparisons[0]]]
        for join, comparison in zip(self.joins, self.comparisons[1:], strict=True):
            if join == "and":
                groups[-1].append(comparison)
            else:
                groups.append([comparison])
        return any(all(_holds(one, resource) for one in group) for group in groups)


def parsed(text: str) -> Search:
    """The filter in `text`. Raises NotUnderstood."""
    comparisons: list[Comparison] = []
    joins: list[str] = []
    at = 0
    while True:
        found = _COMPARISON.match(text, at)
        if found is None:
            raise NotUnderstood(text)
        comparisons.append(Comparison(found["attribute"], found["operator"].lower(), _value(found["value"])))
        join = _JOIN.match(text, found.end())
        if join is None:
            if text[found.end() :].strip():
                raise NotUnderstood(text)
            return Search(tuple(comparisons), tuple(joins))
        joins.append(join[1].lower())
        at = join.end()


def _value(text: str | None) -> str:
    if text is None:
        return ""
    if text[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.lower()


def _holds(comparison: Comparison, resource: Resource) -> bool:
    have = [_text(value) for value in values_of(resource, comparison.attribute)]
    wanted = comparison.value
    if comparison.operator == "pr":
        return bool(have)
    if comparison.attribute.lower() not in EXACT:
        have, wanted = [value.lower() for value in have], wanted.lower()
    if comparison.operator == "ne":
        return wanted not in have
    return any(_TESTS[comparison.operator](value, wanted) for value in have)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def values_of(resource: Mapping[str, Any], path: str) -> Sequence[Any]:
    """Every plain value under a path; of an object in a list its `value`."""
    for name, value in resource.items():
        if name.startswith("urn:") and path.lower().startswith(f"{name.lower()}:"):
            return values_of(value, path[len(name) + 1 :])
    name, _, rest = path.partition(".")
    found = next((value for key, value in resource.items() if key.lower() == name.lower()), None)
    elements = found if isinstance(found, list) else [] if found is None else [found]
    if rest:
        return [v for one in elements if isinstance(one, dict) for v in values_of(one, rest)]
    return [one.get("value") if isinstance(one, dict) else one for one in elements]
