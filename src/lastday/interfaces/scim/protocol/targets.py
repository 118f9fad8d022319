"""What one operation makes of the value at its target: the cases of RFC 7644 sections 3.5.2.1 to 3.5.2.3.

None stands for an absent value. Values are never changed in place.
"""

from collections.abc import Mapping, Sequence

from lastday.filters.ast import Filter
from lastday.interfaces.scim.protocol.elements import Element, Test, added, described, selector, settled, without
from lastday.interfaces.scim.protocol.errors import invalid_value, mutability, no_target
from lastday.interfaces.scim.protocol.operations import Op, Operation
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.protocol.schema import Attribute, AttributeType, Mutability
from lastday.interfaces.scim.protocol.values import (
    identical,
    known_sub,
    read_complex,
    read_elements,
    read_value,
    require_subs,
)
from lastday.model.canonical import JsonValue


def changed_value(
    attribute: Attribute,
    old: JsonValue,
    operation: Operation,
    profile: Profile,
    *,
    condition: Filter | None = None,
    sub: Attribute | None = None,
) -> JsonValue:
    """The value of `attribute` after the operation on it, or on its `sub`, or on the elements that `condition` chooses.

    Raises ScimError 400.
    """
    for touched in (attribute, sub):
        if touched is not None and touched.mutability is Mutability.READ_ONLY:
            raise mutability(f"{touched.path} is read-only")
    if attribute.multi_valued:
        elements = old if isinstance(old, list) else []
        if condition is None and sub is None:
            new = _whole_list(attribute, elements, operation, profile)
        else:
            new = _some_elements(attribute, elements, operation, profile, condition, sub)
        return settled(attribute, elements, new) or None
    if sub is not None:
        return _with_sub(attribute, old if isinstance(old, Mapping) else {}, sub, operation, profile)
    return _single(attribute, old, operation, profile)


def _single(attribute: Attribute, old: JsonValue, operation: Operation, profile: Profile) -> JsonValue:
    if operation.op is Op.REMOVE or operation.value is None:
        new = old if operation.op is Op.ADD else None
    elif attribute.type is AttributeType.COMPLEX and isinstance(operation.value, Mapping):
        new = _merged(attribute, old if isinstance(old, Mapping) else {}, operation.value, profile)
    else:
        new = read_value(attribute, operation.value, profile)
    _refuse_reassigned(attribute, old, new)
    return None if attribute.mutability is Mutability.WRITE_ONLY else new


def _refuse_reassigned(attribute: Attribute, old: JsonValue, new: JsonValue) -> None:
    if (
        attribute.mutability is Mutability.IMMUTABLE
        and old is not None
        and (new is None or identical(old) != identical(new))
    ):
        raise mutability(f"{attribute.path} is immutable and has a value already")


def _merged(
    attribute: Attribute, old: Mapping[str, JsonValue], given: Mapping[str, object], profile: Profile
) -> JsonValue:
    """Sub-attributes that are not given are left as they are (RFC 7644 section 3.5.2.3); null takes one away."""
    new = dict(old)
    for key, inner in given.items():
        sub = attribute.subs.get(key) or known_sub(attribute, key, profile)
        if sub is not None and sub.mutability is not Mutability.READ_ONLY:
            _assign(sub, new, read_value(sub, inner, profile))
    return _complete(attribute, new)


def _assign(sub: Attribute, held: dict[str, JsonValue], value: JsonValue) -> None:
    _refuse_reassigned(sub, held.get(sub.name), value)
    if value is None or sub.mutability is Mutability.WRITE_ONLY:
        held.pop(sub.name, None)
    else:
        held[sub.name] = value


def _complete(attribute: Attribute, new: dict[str, JsonValue]) -> JsonValue:
    if new:
        require_subs(attribute, new)
    return new or None


def _with_sub(
    attribute: Attribute, old: Mapping[str, JsonValue], sub: Attribute, operation: Operation, profile: Profile
) -> JsonValue:
    new = dict(old)
    value = changed_value(sub, old.get(sub.name), operation, profile)
    if value is None:
        if sub.required and sub.name in old:
            raise mutability(f"{sub.path} is required")
        new.pop(sub.name, None)
    else:
        new[sub.name] = value
    return _complete(attribute, new)


def _whole_list(attribute: Attribute, old: Sequence[Element], operation: Operation, profile: Profile) -> list[Element]:
    if operation.op is Op.REMOVE and operation.value is not None:
        return without(attribute, old, operation.value, profile)
    if operation.op is Op.REMOVE:
        if operation.says_null and attribute.is_keyed:
            raise invalid_value(f"{attribute.path}: null names none to be removed; without `value` all go")
        return []
    given = [] if operation.value is None else read_elements(attribute, operation.value, profile, alone=True)
    return given if operation.op is Op.REPLACE else added(attribute, old, given)


def _some_elements(
    attribute: Attribute,
    old: Sequence[Element],
    operation: Operation,
    profile: Profile,
    condition: Filter | None,
    sub: Attribute | None,
) -> list[Element]:
    chosen = (lambda _: True) if condition is None else selector(attribute, condition, profile)
    if sub is None and (operation.op is Op.REMOVE or (operation.op is Op.REPLACE and operation.value is None)):
        return _unchosen(attribute, old, chosen, operation, profile)
    new: list[Element] = []
    hits = 0
    for element in old:
        if not chosen(element):
            new.append(element)
            continue
        hits += 1
        changed = _changed_element(attribute, element, operation, profile, sub)
        if changed is not None:
            new.append(changed)
    if hits or operation.op is Op.REMOVE:
        return new
    made = _made(attribute, operation, profile, condition, sub)
    return [*new, *(one for one in made if one not in new)]


def _unchosen(
    attribute: Attribute, old: Sequence[Element], chosen: Test, operation: Operation, profile: Profile
) -> list[Element]:
    left = [element for element in old if not chosen(element)]
    if operation.op is Op.REPLACE and len(left) == len(old) and not profile.create_missing_element:
        raise no_target(f"no value of {attribute.path} is chosen by the path")
    return left


def _changed_element(
    attribute: Attribute, element: Element, operation: Operation, profile: Profile, sub: Attribute | None
) -> Element:
    held = element if isinstance(element, Mapping) else {}
    if sub is not None:
        changed = _with_sub(attribute, held, sub, operation, profile)
    elif operation.value is None:
        return element
    elif isinstance(operation.value, Mapping) and attribute.sub_attributes:
        changed = _merged(attribute, held, operation.value, profile)
    else:
        changed = _replaced(attribute, held, operation.value, profile)
    return element if changed == element else changed


def _replaced(attribute: Attribute, held: Mapping[str, JsonValue], given: object, profile: Profile) -> Element:
    """The element that a value other than an object stands for, with what it does not say left as it is."""
    read = read_elements(attribute, given, profile, alone=True)
    if len(read) != 1:
        raise invalid_value(f"{attribute.path}: one value takes the place of what the path chooses")
    new = read[0]
    return _merged(attribute, held, new, profile) if isinstance(new, Mapping) else new


def _made(
    attribute: Attribute, operation: Operation, profile: Profile, condition: Filter | None, sub: Attribute | None
) -> list[Element]:
    """The first element, or the one that the path describes, where the profile makes it.

    A path without a filter to an attribute that does not exist is an `add` (RFC 7644 section 3.5.2.3). Raises
    ScimError 400 noTarget.
    """
    if operation.value is None and (condition is None or profile.nulls_as_absent):
        return []
    start = {} if condition is None else described(attribute, condition, profile)
    makes_it = condition is None or profile.create_missing_element
    if not makes_it or start is None or not attribute.sub_attributes:
        raise no_target(f"no value of {attribute.path} is chosen by the path")
    if sub is not None:
        made = _with_sub(attribute, start, sub, operation, profile)
    else:
        read = read_complex(attribute, operation.value, profile)
        made = _merged(attribute, start, read if isinstance(read, Mapping) else {}, profile)
    return [] if made is None or made == start else [made]
