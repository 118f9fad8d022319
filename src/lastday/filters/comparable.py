"""A resource in the form that SQL compares: everything that needs Python is done before it is stored.

Each attribute is a list of nodes, under its name in lower case. A node is an object: of a simple value it holds the
facets below, of a complex value its sub-attributes in the same form (`value` even where there is none) and the facets
of its `value`. Names begin with a letter or `$`, facets never do, so that neither hides the other. An object under a
URI (an extension) is one node and no list. Of two names that differ only in case the first with a value counts.
"""

import math
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from lastday.filters.literals import fold, instant_of
from lastday.filters.values import VALUE, is_present, member
from lastday.model.canonical import JsonValue

TEXT = "~"
"""The facet of text: as `fold` gives it."""
EXACT = "="
"""The text as it was, where that differs."""
INSTANT = "@"
"""Microseconds since 1970 in UTC, where the value is a moment or its text writes one."""
NUMBER = "#"
TRUTH = "?"
ORDER = "<"
"""Text by which moments and numbers stand in their order."""
VOID = "-"
"""There, but without content: it compares and is not present (RFC 7644 table 3, `pr`)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BEYOND_FLOATS = 10**400
_SIGN = 1 << 63

Node = dict[str, JsonValue]


def storable(text: str) -> bool:
    """PostgreSQL can keep `text`: there is no U+0000 in it and no half of a character pair."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text))


def comparable(resource: Mapping[str, object]) -> Node:
    """The form of `resource` that `to_sql` asks. All texts in it must be `storable`; the writer refuses others before.

    Give it everything that a filter may name, such as `id`, `schemas` and `meta`; moments may be datetimes with a zone.

    >>> comparable({"userName": "Ada"})
    {'value': [], 'username': [{'~': 'ada', '=': 'Ada'}]}
    """
    return _members(resource)


def node_of(value: object) -> Node:
    """One value, not null and no list, in comparable form."""
    if isinstance(value, str):
        return _text_node(value)
    if isinstance(value, (dict, Mapping)):
        return _complex_node(value)
    if isinstance(value, bool):
        return {TRUTH: value}
    if isinstance(value, (int, float)) and value == value:
        return {NUMBER: exact_number(value), ORDER: _number_order(value)}
    if isinstance(value, datetime):
        return _moment_facets(value)
    return {} if is_present(value) else {VOID: True}


def microseconds(moment: datetime) -> int:
    """`moment` as the INSTANT facet holds it. Raises ValueError where it has no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {moment.isoformat()}")
    return (moment - _EPOCH) // _MICROSECOND


def exact_number(value: float) -> int | float:
    """A number whose decimal writing compares as the number itself does."""
    if math.isinf(value):
        return _BEYOND_FLOATS if value > 0 else -_BEYOND_FLOATS
    return int(value) if value == int(value) else value


def _members(value: Mapping[str, object]) -> Node:
    node: Node = {VALUE: []}
    for name, inner in value.items():
        lowered = name.lower()
        first = lowered[:1]
        if not (first.isalpha() or first == "$") or node.get(lowered):
            continue
        if ":" in lowered:
            if isinstance(inner, (dict, Mapping)):
                node[lowered] = _complex_node(inner)
        elif isinstance(inner, (list, tuple)):
            node[lowered] = [node_of(element) for element in inner if element is not None]
        else:
            node[lowered] = [] if inner is None else [node_of(inner)]
    return node


def _complex_node(value: Mapping[str, object]) -> Node:
    node = _members(value)
    if node[VALUE]:
        simple = member(value, VALUE)
        if not isinstance(simple, (list, tuple, dict, Mapping)):
            node.update(node_of(simple))
            node.pop(VOID, None)
    if not is_present(value):
        node[VOID] = True
    return node


def _text_node(value: str) -> Node:
    folded = fold(value)
    node: Node = {TEXT: folded}
    if folded != value:
        node[EXACT] = value
    elif not value:
        node[VOID] = True
    moment = instant_of(value)
    return node if moment is None else {**node, **_moment_facets(moment)}


def _moment_facets(moment: datetime) -> Node:
    instant = microseconds(moment)
    return {INSTANT: instant, ORDER: f"{instant + _SIGN:020d}"}


def _number_order(value: float) -> str:
    """16 hexadecimal digits in the order of the numbers."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    bits = int.from_bytes(struct.pack(">d", number + 0.0), "big")
    return f"{bits ^ (2 * _SIGN - 1) if bits & _SIGN else bits | _SIGN:016x}"
