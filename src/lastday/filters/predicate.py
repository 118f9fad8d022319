"""Tree -> function on a resource. Literals are folded and read once, when the function is made.

What is true of a value that is not there follows from one rule: a comparison speaks of a value, so without one it is
false, whichever operator it has, and `not` turns that round. `userType ne "x"` is therefore false for somebody without
a userType (RFC 7644 table 3 compares "attribute and operator values"; with an absent attribute there is none, and who
writes a rule must not give access by a gap in the feed), while `not (userType eq "x")` is true. `eq null` and `ne null`
name absence itself: RFC 7643 section 2.5 makes null, an empty list and an absent attribute the same.
"""

import operator as python_operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from lastday.filters.ast import (
    And,
    AttributePath,
    Compare,
    CompareOperator,
    Filter,
    Literal,
    Not,
    Now,
    Or,
    Present,
    ValuePath,
)
from lastday.filters.chains import operands_of
from lastday.filters.literals import fold, instant_of, objection
from lastday.filters.nesting import nested_attributes
from lastday.filters.text import write
from lastday.model.attributes import Attributes
from lastday.model.errors import FilterError

Resource: TypeAlias = Mapping[str, object]
Predicate: TypeAlias = Callable[[Resource, datetime | None], bool]

_Values: TypeAlias = Callable[[Resource], Iterable[object]]
_Test: TypeAlias = Callable[[object, datetime | None], bool]

_ORDERS: dict[CompareOperator, Callable[..., bool]] = {
    CompareOperator.EQ: python_operator.eq,
    CompareOperator.NE: python_operator.ne,
    CompareOperator.GT: python_operator.gt,
    CompareOperator.GE: python_operator.ge,
    CompareOperator.LT: python_operator.lt,
    CompareOperator.LE: python_operator.le,
}
_TEXT_TESTS: dict[CompareOperator, Callable[[str, str], bool]] = {
    CompareOperator.CO: str.__contains__,
    CompareOperator.SW: str.startswith,
    CompareOperator.EW: str.endswith,
}


def compile_predicate(node: Filter, *, case_exact: frozenset[str] = frozenset()) -> Predicate:
    """A function that tells whether a resource satisfies `node` at a moment.

    Any value of a multi-valued attribute suffices; of a complex value its `value` counts (RFC 7644 section 3.4.2.2).
    Strings compare without case, except at the paths in `case_exact` (`id`, `meta.version`; without schema).
    Two kinds of value that do not compare (text and a number) are false. A path with a schema looks into the
    resource's object of that schema, and at the top where it has none.
    `Attributes` are nested first, so that `emails.value` is found in them as in a SCIM resource.
    Raises FilterError where an operator and a literal do not go together. The function itself raises ValueError
    where it needs a moment and gets none, or meets a datetime without a zone.

    >>> accountant = compile_predicate(Compare(path=AttributePath(attribute="title"), operator=CompareOperator.CO,
    ...                                        value="ACCOUNTANT"))
    >>> accountant({"title": "Senior Accountant"}, None), accountant({}, None)
    (True, False)
    """
    holds = _compiled(node, frozenset(path.lower() for path in case_exact), prefix="")

    def nested_first(resource: Resource, now: datetime | None) -> bool:
        return holds(nested_attributes(resource) if isinstance(resource, Attributes) else resource, now)

    return nested_first


def _compiled(node: Filter, exact: frozenset[str], *, prefix: str) -> Predicate:
    match node:
        case Present():
            return _presence(node.path)
        case Compare():
            return _comparison(node, exact, prefix)
        case ValuePath():
            return _element(node, exact)
        case Not():
            operand = _compiled(node.operand, exact, prefix=prefix)
            return lambda resource, now: not operand(resource, now)
        case And():
            every = tuple(_compiled(part, exact, prefix=prefix) for part in operands_of(And, node))
            return lambda resource, now: all(part(resource, now) for part in every)
        case Or():
            some = tuple(_compiled(part, exact, prefix=prefix) for part in operands_of(Or, node))
            return lambda resource, now: any(part(resource, now) for part in some)


def _presence(path: AttributePath) -> Predicate:
    found = _nodes_at(path)
    return lambda resource, _: any(_is_present(value) for value in found(resource))


def _element(node: ValuePath, exact: frozenset[str]) -> Predicate:
    found = _nodes_at(node.path)
    inner = _compiled(node.inner, exact, prefix=_local_name(node.path) + ".")

    def some_element(resource: Resource, now: datetime | None) -> bool:
        return any(
            inner(value if isinstance(value, Mapping) else {"value": (value,)}, now)
            for value in found(resource)
            if _is_present(value)
        )

    return some_element


def _comparison(node: Compare, exact: frozenset[str], prefix: str) -> Predicate:
    wrong = objection(node.operator, node.value)
    if wrong is not None:
        raise FilterError(wrong.what, text=write(node), position=0, mend=wrong.mend)
    if node.value is None:
        present = _presence(node.path)
        wanted = node.operator is CompareOperator.NE
        return lambda resource, now: present(resource, now) is wanted
    found = _nodes_at(node.path)
    test = _test_of(node.operator, node.value, exact_case=(prefix + _local_name(node.path)) in exact)

    def some_value(resource: Resource, now: datetime | None) -> bool:
        return any(test(_simple(value), now) for value in found(resource))

    return some_value


def _test_of(operator: CompareOperator, value: Literal, *, exact_case: bool) -> _Test:
    if isinstance(value, Now):
        return _moment_test(operator, value)
    if isinstance(value, str):
        return _text_test(operator, value, exact_case=exact_case)
    compare = _ORDERS[operator]
    if isinstance(value, bool):
        return lambda found, _: isinstance(found, bool) and compare(found, value)
    # A number that is not equal to itself is NaN: it compares with nothing, not even by `ne`.
    return lambda found, _: (
        isinstance(found, (int, float)) and not isinstance(found, bool) and found == found and compare(found, value)
    )


def _text_test(operator: CompareOperator, value: str, *, exact_case: bool) -> _Test:
    wanted = value if exact_case else fold(value)
    if operator in _TEXT_TESTS:
        inside = _TEXT_TESTS[operator]
        return lambda found, _: isinstance(found, str) and inside(found if exact_case else fold(found), wanted)
    compare = _ORDERS[operator]
    instant = instant_of(value)

    def test(found: object, _now: datetime | None) -> bool:
        if instant is not None and (moment := _instant(found)) is not None:
            return compare(moment, instant)
        return isinstance(found, str) and compare(found if exact_case else fold(found), wanted)

    return test


def _moment_test(operator: CompareOperator, value: Now) -> _Test:
    compare = _ORDERS[operator]
    distance = timedelta(seconds=value.offset_s)

    def test(found: object, now: datetime | None) -> bool:
        if now is None:
            raise ValueError("this filter speaks of now and was given no moment")
        moment = _instant(found)
        return moment is not None and compare(moment, now + distance)

    return test


def _instant(found: object) -> datetime | None:
    if isinstance(found, str):
        return instant_of(found)
    if not isinstance(found, datetime):
        return None
    if found.tzinfo is None:
        raise ValueError(f"a moment without a time zone: {found.isoformat()}")
    return found


def values_at(path: AttributePath, resource: Resource) -> tuple[object, ...]:
    """The values that a comparison at `path` looks at; empty where the attribute is absent."""
    return tuple(value for value in map(_simple, _nodes_at(path)(resource)) if _is_present(value))


def _nodes_at(path: AttributePath) -> _Values:
    """What a resource has at `path`: no value, one or several; complex values as they are."""
    attribute = _member(path.attribute)
    schema = None if path.schema is None else _member(path.schema)
    sub = None if path.sub is None else _member(path.sub)

    def found(resource: Resource) -> Iterable[object]:
        extension = None if schema is None else schema(resource)
        value = attribute(extension if isinstance(extension, Mapping) else resource)
        if sub is None:
            return _as_values(value)
        return [inner for outer in _as_values(value) if isinstance(outer, Mapping) for inner in _as_values(sub(outer))]

    return found


def _member(name: str) -> Callable[[Resource], object]:
    """Reads one key, in any case. The spelling of the filter is tried first: it is nearly always the right one."""
    lowered = name.lower()

    def read(resource: Resource) -> object:
        value = resource.get(name)
        if value is not None or name in resource:
            return value
        return next((value for key, value in resource.items() if key.lower() == lowered), None)

    return read


def _as_values(value: object) -> Iterable[object]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return value
    return (value,)


def _simple(value: object) -> object:
    return _member("value")(value) if isinstance(value, Mapping) else value


def _is_present(value: object) -> bool:
    """RFC 7644 table 3, `pr`: a value that is not empty, or a complex one with something that is not empty in it."""
    if isinstance(value, Mapping):
        return any(_is_present(inner) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return any(_is_present(inner) for inner in value)
    return value is not None and value != ""


def _local_name(path: AttributePath) -> str:
    return (path.attribute if path.sub is None else f"{path.attribute}.{path.sub}").lower()
