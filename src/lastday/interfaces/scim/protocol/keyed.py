"""Elements that are known by their `value`, such as the members of a group: a thousand changes of a hundred thousand.

A client may send one operation for each member. Looking through all members for each of them would take minutes.
"""

from collections.abc import Mapping
from typing import TypeAlias

from lastday.filters.ast import Compare, CompareOperator, Filter
from lastday.interfaces.scim.protocol.elements import Element, enriched, known_parts
from lastday.interfaces.scim.protocol.operations import Op, Operation
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.protocol.schema import Attribute
from lastday.interfaces.scim.protocol.values import read_elements, refuse_too_many
from lastday.model.canonical import JsonValue

Keyed: TypeAlias = dict[JsonValue, Element]


def keyed(elements: object) -> Keyed:
    """The elements by their `value`."""
    listed = elements if isinstance(elements, list) else []
    return {element["value"]: element for element in listed if isinstance(element, Mapping)}


def change_keyed(
    attribute: Attribute, held: Keyed, operation: Operation, profile: Profile, condition: Filter | None
) -> bool:
    """Adds to `held` what is added, takes away by `value` what is removed; False, and nothing done, for the rest.

    Raises ScimError 400.
    """
    if condition is not None:
        value = _only_value(condition)
        if operation.op is not Op.REMOVE or value is None:
            return False
        held.pop(value, None)
        return True
    if operation.value is None or operation.op is Op.REPLACE:
        return False
    if operation.op is Op.ADD:
        add_keyed(attribute, held, read_elements(attribute, operation.value, profile, alone=True))
        return True
    return _remove_named(attribute, held, operation.value, profile)


def add_keyed(attribute: Attribute, held: Keyed, new: list[JsonValue]) -> None:
    """What is there already takes on what `new` says more about it."""
    for element in new:
        if isinstance(element, Mapping):
            value = element["value"]
            known = held.get(value)
            held[value] = element if known is None else enriched(attribute, known, element)
    refuse_too_many(attribute, len(held))


def _remove_named(attribute: Attribute, held: Keyed, given: object, profile: Profile) -> bool:
    named = given if isinstance(given, list) else [given]
    wanted = [known_parts(attribute, one, profile) if isinstance(one, Mapping) else {} for one in named]
    if not all("value" in one for one in wanted):
        return False
    for one in wanted:
        held.pop(one["value"], None)
    return True


def _only_value(condition: Filter) -> str | None:
    """The `x` of `value eq "x"`; None for another filter."""
    if not isinstance(condition, Compare) or condition.operator is not CompareOperator.EQ:
        return None
    path = condition.path
    plain = path.schema is None and path.sub is None and path.attribute.lower() == "value"
    return condition.value if plain and isinstance(condition.value, str) else None
