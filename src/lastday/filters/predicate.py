"""Tree -> function on a resource. Literals are folded and read once, when the function is made.

What is true of a value that is not there follows from one rule: a comparison speaks of a value, so without one it is
false, whichever operator it has, and `not` turns that round. `userType ne "x"` is therefore false for somebody without
a userType (RFC 7644 table 3 compares "attribute and operator values"; with an absent attribute there is none, and who
writes a rule must not give access by a gap in the feed), while `not (userType eq "x")` is true. `eq null` and `ne null`
name absence itself: RFC 7643 section 2.5 makes null, an empty list and an absent attribute the same.
"""

import operator as python_operator
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias, TypeGuard

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
from lastday.filters.values import VALUE, elements, is_present
from lastday.model.attributes import Attributes
from lastday.model.errors import FilterError

Resource: TypeAlias = Mapping[str, object]
Predicate: TypeAlias = Callable[[Resource, datetime | None], bool]

_Reader: TypeAlias = Callable[[Resource], object]
"""What stands at a path: None, one value, or a list of values; complex values as they are."""
_Test: TypeAlias = Callable[[object, datetime | None], bool]

_ORDERS: dict[CompareOperator, Callable[..., bool]] = {
    CompareOperator.EQ: python_operator.eq,
    CompareOperator.NE: python_operator.ne,
    CompareOperator.GT: python_operator.gt,
    CompareOperator.GE: python_operator.ge,
    CompareOperator.LT: python_operator.lt,
    CompareOperator.LE: python_operator.le,
}
_TEXT_TESTS: dict[CompareOperator, Callable[..., bool]] = {
    **_ORDERS,
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
            return _every([_compiled(part, exact, prefix=prefix) for part in operands_of(And, node)])
        case Or():
            return _some([_compiled(part, exact, prefix=prefix) for part in operands_of(Or, node)])


def _every(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 2:
        left, right = parts
        return lambda resource, now: left(resource, now) and right(resource, now)
    return lambda resource, now: all(part(resource, now) for part in parts)


def _some(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 2:
        left, right = parts
        return lambda resource, now: left(resource, now) or right(resource, now)
    return lambda resource, now: any(part(resource, now) for part in parts)


def _presence(path: AttributePath) -> Predicate:
    read = _reader(path)
    return lambda resource, _: is_present(read(resource))


def _element(node: ValuePath, exact: frozenset[str]) -> Predicate:
    read = _reader(node.path)
    inner = _compiled(node.inner, exact, prefix=node.path.local_name + ".")

    def some_element(resource: Resource, now: datetime | None) -> bool:
        for value in elements(read(resource)):
            complex_value = value if _is_complex(value) else {VALUE: (value,)}
            if inner(complex_value, now) and is_present(value):
                return True
        return False

    return some_element


def _comparison(node: Compare, exact: frozenset[str], prefix: str) -> Predicate:
    wrong = objection(node.operator, node.value)
    if wrong is not None:
        raise FilterError(wrong.what, text=write(node), position=0, mend=wrong.mend)
    if node.value is None:
        present = _presence(node.path)
        return present if node.operator is CompareOperator.NE else lambda resource, now: not present(resource, now)
    test = _test_of(node.operator, node.value, exact_case=(prefix + node.path.local_name) in exact)
    return _any_value(_reader(node.path), test)


def _any_value(read: _Reader, test: _Test) -> Predicate:
    def some_value(resource: Resource, now: datetime | None) -> bool:
        value = read(resource)
        if isinstance(value, str):
            return test(value, now)
        if isinstance(value, (list, tuple)):
            for element in value:  # noqa: SIM110 - a generator would cost more than the test
                if test(element if isinstance(element, str) else _simple(element), now):
                    return True
            return False
        return value is not None and test(_simple(value), now)

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
    holds, instant = _TEXT_TESTS[operator], instant_of(value) if operator in _ORDERS else None
    in_text = _exact_test(holds, value) if exact_case else _folded_test(holds, fold(value))
    if instant is None:
        return in_text

    def test(found: object, now: datetime | None) -> bool:
        moment = _instant(found)
        return holds(moment, instant) if moment is not None else in_text(found, now)

    return test


def _exact_test(holds: Callable[..., bool], wanted: str) -> _Test:
    return lambda found, _: isinstance(found, str) and holds(found, wanted)


def _folded_test(holds: Callable[..., bool], wanted: str) -> _Test:
    """ASCII, which nearly every text is, is folded without a call."""

    def test(found: object, _now: datetime | None) -> bool:
        return isinstance(found, str) and holds(found.lower() if found.isascii() else fold(found), wanted)

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
    return tuple(filter(is_present, map(_simple, elements(_reader(path)(resource)))))


def _reader(path: AttributePath) -> _Reader:
    attribute = _member(path.attribute)
    if path.schema is not None:
        attribute = _of_extension(_member(path.schema), attribute)
    return attribute if path.sub is None else _of_values(attribute, _member(path.sub))


def _of_extension(schema: _Reader, attribute: _Reader) -> _Reader:
    def read(resource: Resource) -> object:
        extension = schema(resource)
        return attribute(extension if _is_complex(extension) else resource)

    return read


def _of_values(attribute: _Reader, sub: _Reader) -> _Reader:
    def read(resource: Resource) -> object:
        value = attribute(resource)
        if isinstance(value, (list, tuple)):
            return [inner for outer in value if _is_complex(outer) for inner in elements(sub(outer))]
        return sub(value) if _is_complex(value) else None

    return read


def _member(name: str) -> _Reader:
    """Reads one key, in any case. The spelling of the filter is tried first: it is nearly always the right one."""
    lowered, length = name.lower(), len(name)

    def read(resource: Resource) -> object:
        value = resource.get(name)
        if value is None and name not in resource:
            for key in resource:
                if len(key) == length and key.lower() == lowered:
                    return resource[key]
        return value

    return read


_value = _member(VALUE)


def _simple(value: object) -> object:
    return _value(value) if _is_complex(value) else value


def _is_complex(value: object) -> TypeGuard[Mapping[str, object]]:
    """A dict nearly always, which is told sooner than that it is a Mapping."""
    return isinstance(value, (dict, Mapping))
