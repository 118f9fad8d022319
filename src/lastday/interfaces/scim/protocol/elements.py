"""The values of a multi-valued attribute: which ones are meant, and what becomes of them (RFC 7644 section 3.5.2).

Nothing is changed in place. An element that stays the same stays the same object: that tells what was touched.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Filter, Not, Or, Present, ValuePath
from lastday.filters.chains import operands_of
from lastday.filters.literals import fold
from lastday.filters.predicate import compile_predicate
from lastday.interfaces.scim.protocol.errors import invalid_filter, invalid_value
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.protocol.schema import Attribute, AttributeType, Mutability
from lastday.interfaces.scim.protocol.values import (
    identical,
    is_blank,
    is_primary,
    names_nothing,
    read_value,
    refuse_too_many,
    shown,
)
from lastday.model.canonical import JsonValue
from lastday.model.errors import FilterError

Element: TypeAlias = JsonValue
Test: TypeAlias = Callable[[Element], bool]
_TEXT_BOOLEANS = {"true": True, "false": False}


def selector(attribute: Attribute, condition: Filter, profile: Profile) -> Test:
    """Tells whether an element is among those that the filter in brackets chooses.

    Raises ScimError 400 invalidFilter where the filter names something that the attribute does not have.
    """
    node = _checked(attribute, condition, profile)
    if isinstance(node, Compare) and node.operator is CompareOperator.EQ and isinstance(node.value, str):
        sub = attribute.subs.get(node.path.attribute.lower())
        if sub is not None and sub.case_exact and sub.type is not AttributeType.DATE_TIME:
            return _equal_to(sub.name, node.value)
    try:
        holds = compile_predicate(node, case_exact=_exact_names(attribute))
    except FilterError as error:
        raise invalid_filter(f"the filter of {attribute.path}: {error.what}") from None
    return lambda element: holds(element if isinstance(element, Mapping) else {"value": element}, None)


def _equal_to(name: str, wanted: str) -> Test:
    return lambda element: isinstance(element, Mapping) and element.get(name) == wanted


def _exact_names(attribute: Attribute) -> frozenset[str]:
    if not attribute.sub_attributes:
        return frozenset({"value"}) if attribute.case_exact else frozenset()
    return frozenset(sub.name.lower() for sub in attribute.sub_attributes if sub.case_exact)


def _checked(attribute: Attribute, node: Filter, profile: Profile) -> Filter:
    """The filter in which every name is known; text is a boolean where the profile says so."""
    match node:
        case And() | Or():
            left, right = (_checked(attribute, side, profile) for side in (node.left, node.right))
            return replace(node, left=left, right=right)
        case Not():
            return Not(operand=_checked(attribute, node.operand, profile))
        case Present():
            _known_sub(attribute, node.path)
            return node
        case Compare():
            return _checked_comparison(attribute, node, profile)
        case ValuePath():
            raise invalid_filter(f"the filter of {attribute.path}: brackets inside brackets")


def _checked_comparison(attribute: Attribute, node: Compare, profile: Profile) -> Compare:
    sub = _known_sub(attribute, node.path)
    is_boolean = sub is not None and sub.type is AttributeType.BOOLEAN
    if is_boolean and profile.booleans_as_text and isinstance(node.value, str):
        return replace(node, value=_TEXT_BOOLEANS.get(node.value.lower(), node.value))
    return node


def _known_sub(attribute: Attribute, path: AttributePath) -> Attribute | None:
    """The sub-attribute; None for the `value` of simple values. Raises ScimError 400 invalidFilter."""
    name = path.attribute.lower()
    if path.schema is not None or path.sub is not None:
        raise invalid_filter(f"the filter of {attribute.path}: {shown(path.text)} is no sub-attribute")
    if not attribute.sub_attributes and name == "value":
        return None
    if name not in attribute.subs:
        raise invalid_filter(f"{attribute.path} has no sub-attribute {shown(path.text)}")
    return attribute.subs[name]


def described(attribute: Attribute, condition: Filter, profile: Profile) -> dict[str, JsonValue] | None:
    """The element that a filter of `eq` and `and` describes: `type eq "mobile"` -> `{"type": "mobile"}`; else None."""
    found: dict[str, object] = {}
    for part in operands_of(And, condition):
        if not isinstance(part, Compare) or part.operator is not CompareOperator.EQ or part.value is None:
            return None
        sub = attribute.subs.get(part.path.attribute.lower())
        if sub is None or sub.name in found or sub.mutability is Mutability.READ_ONLY:
            return None
        found[sub.name] = part.value
    read = {name: read_value(attribute.subs[name], value, profile) for name, value in found.items()}
    return {name: value for name, value in read.items() if value is not None}


def added(attribute: Attribute, old: Sequence[Element], new: Sequence[Element]) -> list[Element]:
    """`old` with those of `new` that are not there yet (RFC 7644 section 3.5.2.1).

    An element that says more about a value that is there (`display`, `primary`) says it there, not a second time.
    """
    result = list(old)
    places: dict[Hashable, int] = {}
    for place, element in enumerate(old):
        places.setdefault(_identity(attribute, element), place)
    for element in new:
        known = places.setdefault(_identity(attribute, element), len(result))
        if known == len(result):
            result.append(element)
        else:
            result[known] = enriched(attribute, result[known], element)
    return result


def _identity(attribute: Attribute, element: Element) -> Hashable:
    """By what an element is itself: its immutable `value`, else `value` and `type`, else all of it."""
    if not isinstance(element, Mapping):
        return element if attribute.case_exact or not isinstance(element, str) else fold(element)
    value, sub = element.get("value"), attribute.subs.get("value")
    if value is None or sub is None:
        return identical(element)
    if sub.mutability is Mutability.IMMUTABLE:
        return _folded(sub, value)
    kind = element.get("type")
    return _folded(sub, value), fold(kind) if isinstance(kind, str) else None


def _folded(sub: Attribute, value: JsonValue) -> Hashable:
    return fold(value) if isinstance(value, str) and not sub.case_exact else identical(value)


def enriched(attribute: Attribute, old: Element, new: Element) -> Element:
    """`old` with what `new`, the same value, says more about it; what is immutable stays."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return old
    more = {
        name: value
        for name, value in new.items()
        if name not in ("value", "type") and old.get(name) != value and _may_be_said(attribute, name, old)
    }
    return {**old, **more} if more else old


def _may_be_said(attribute: Attribute, name: str, old: Mapping[str, JsonValue]) -> bool:
    return attribute.subs[name].mutability is not Mutability.IMMUTABLE or name not in old


def without(attribute: Attribute, old: Sequence[Element], given: object, profile: Profile) -> list[Element]:
    """`old` less the elements that `given` names, and less no other: Entra ID removes members like that.

    Raises ScimError 400 invalidValue where `given` cannot name an element.
    """
    named = given if isinstance(given, list) else [given]
    keys: set[Hashable] = set()
    tests: list[Test] = []
    for one in named:
        wanted = _wanted(attribute, one, profile)
        if _names_by_value_alone(attribute, wanted):
            keys.add(_folded(attribute.subs["value"], wanted["value"]))
        elif wanted:
            tests.append(_equal_in(attribute, wanted))
    return [
        element
        for element in old
        if _key_of(attribute, element) not in keys and not any(test(element) for test in tests)
    ]


def _wanted(attribute: Attribute, one: object, profile: Profile) -> dict[str, JsonValue]:
    """By what the element to be removed is known; nothing where it says nothing that is known."""
    if not attribute.sub_attributes:
        reader = replace(attribute, multi_valued=False)
        value = read_value(reader, one, profile)
        return {} if value is None else {"value": value}
    if isinstance(one, str) and "value" in attribute.subs:
        one = {"value": one}
    if not isinstance(one, Mapping):
        raise invalid_value(f"{attribute.path}: the values to be removed are objects")
    return known_parts(attribute, one, profile)


def known_parts(attribute: Attribute, one: Mapping[str, object], profile: Profile) -> dict[str, JsonValue]:
    """By what an element is known: its `value` where it has one, with the `type` unless that is enough.

    Raises ScimError 400 invalidValue where it is known by its `value` alone and has none.
    """
    found: dict[str, JsonValue] = {}
    for key, inner in one.items():
        sub = attribute.subs.get(key) or attribute.subs.get(key.lower())
        value = None if sub is None else read_value(sub, inner, profile)
        if sub is not None and value is not None:
            found[sub.name] = value
    value, kind = found.get("value"), found.get("type")
    if attribute.is_keyed and is_blank(value):
        raise names_nothing(attribute)
    if value is None:
        return found
    identity = attribute.subs["value"].mutability is Mutability.IMMUTABLE or kind is None
    return {"value": value} if identity else {"value": value, "type": kind}


def _names_by_value_alone(attribute: Attribute, wanted: Mapping[str, JsonValue]) -> bool:
    return set(wanted) == {"value"} and "value" in attribute.subs


def _key_of(attribute: Attribute, element: Element) -> Hashable:
    sub = attribute.subs.get("value")
    value = element.get("value") if isinstance(element, Mapping) else None
    return None if sub is None or value is None else _folded(sub, value)


def _equal_in(attribute: Attribute, wanted: Mapping[str, JsonValue]) -> Test:
    def test(element: Element) -> bool:
        held = element if isinstance(element, Mapping) else {"value": element}
        return all(_same(attribute.subs.get(name, attribute), held.get(name), value) for name, value in wanted.items())

    return test


def _same(sub: Attribute, held: JsonValue, wanted: JsonValue) -> bool:
    return held is not None and _folded(sub, held) == _folded(sub, wanted)


def settled(attribute: Attribute, old: Sequence[Element], new: list[Element]) -> Sequence[Element]:
    """`new` with one primary value at most, and `old` itself where only the order differs.

    A value that an operation marks as primary unmarks the others (RFC 7644 section 3.5.2). Raises ScimError 400
    invalidValue where an operation marks several.
    """
    refuse_too_many(attribute, len(new))
    if "primary" in attribute.subs:
        new = _one_primary(attribute, old, new)
    if len(new) == len(old) and {identical(one) for one in new} == {identical(one) for one in old}:
        return old
    return new


def _one_primary(attribute: Attribute, old: Sequence[Element], new: list[Element]) -> list[Element]:
    primary = [element for element in new if is_primary(element)]
    if len(primary) < 2:
        return new
    untouched = {id(element) for element in old}
    marked = [element for element in primary if id(element) not in untouched]
    if len(marked) != 1:
        raise invalid_value(f"{attribute.path} has more than one primary value")
    return [
        {**element, "primary": False}
        if isinstance(element, Mapping) and element is not marked[0] and is_primary(element)
        else element
        for element in new
    ]
