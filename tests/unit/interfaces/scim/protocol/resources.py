"""Resources, messages and values of every shape, for the tests of the protocol."""

from typing import Any

from hypothesis import strategies as st

from lastday.interfaces.scim.protocol.operations import PATCH_SCHEMA
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.profiles import load_profile, profile_names
from lastday.interfaces.scim.protocol.schema import (
    Attribute,
    AttributeType,
    CustomSchema,
    Mutability,
    Returned,
)
from lastday.interfaces.scim.protocol.schema_set import GROUP_SCHEMA, USER_SCHEMA, SchemaSet
from lastday.interfaces.scim.protocol.validation import new_body
from lastday.model.scim import ResourceType

BADGE_SCHEMA = "urn:example:params:scim:schemas:extension:badge:2.0:User"
BADGE = CustomSchema(
    urn=BADGE_SCHEMA,
    name="Badge",
    attributes=(
        Attribute(name="number", mutability=Mutability.IMMUTABLE, case_exact=True),
        Attribute(name="pin", mutability=Mutability.WRITE_ONLY, returned=Returned.NEVER),
        Attribute(name="doors", multi_valued=True),
        Attribute(name="weight", type=AttributeType.DECIMAL),
        Attribute(name="floor", type=AttributeType.INTEGER),
        Attribute(name="issued", type=AttributeType.DATE_TIME),
        Attribute(name="hint", returned=Returned.REQUEST),
        Attribute(name="seal", returned=Returned.ALWAYS),
        Attribute(
            name="holder",
            type=AttributeType.COMPLEX,
            sub_attributes=(
                Attribute(name="value", required=True),
                Attribute(name="since", mutability=Mutability.IMMUTABLE),
                Attribute(name="secret", mutability=Mutability.WRITE_ONLY, returned=Returned.NEVER),
            ),
        ),
    ),
)
PLAIN = SchemaSet.of()
EXTENDED = SchemaSet.of([BADGE])
USER = PLAIN.kind(ResourceType.USER)
GROUP = PLAIN.kind(ResourceType.GROUP)
BADGED = EXTENDED.kind(ResourceType.USER)
STRICT = load_profile("strict")
ENTRA = load_profile("entra")
OKTA = load_profile("okta")
PROFILES = [load_profile(name) for name in profile_names()]


def user(kind=USER, profile=STRICT, **attributes):
    return new_body({"schemas": [USER_SCHEMA], "userName": "bjensen", **attributes}, kind, profile)


def group(*members, profile=STRICT):
    given = [{"value": one} if isinstance(one, str) else one for one in members]
    return new_body({"schemas": [GROUP_SCHEMA], "displayName": "Tour Guides", "members": given}, GROUP, profile)


def message(*operations):
    return {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}


def patched(body, *operations, profile=STRICT, kind=None):
    kind = kind or (GROUP if body["schemas"][0] == GROUP_SCHEMA else USER)
    return apply_patch(body, message(*operations), kind, profile)


def values(body, name="members"):
    return [element["value"] for element in body.get(name, [])]


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_words = st.sampled_from(["work", "home", "mobile", "Work", "a", "b", "A", "x@example.com", "True", "", "ß"])


def _fitting(attribute):
    """Values that a client may send for the attribute, and now and then something that does not fit."""
    if attribute.sub_attributes:
        names = {sub.name: _fitting(sub) for sub in attribute.sub_attributes}
        needed = {sub.name: names.pop(sub.name) for sub in attribute.sub_attributes if sub.required}
        one: st.SearchStrategy[Any] = st.fixed_dictionaries(needed, optional=names)
    elif attribute.path == "emails.value":
        one = st.sampled_from(["a@example.com", "x@example.com", "b@example.com"])
    elif attribute.name.endswith("Date"):
        one = st.sampled_from(["2026-11-30", "2026-11-30T17:00:00Z"])
    else:
        one = _SIMPLE[attribute.type]
    return st.lists(one, max_size=3) if attribute.multi_valued else one


_SIMPLE = {
    AttributeType.STRING: _words,
    AttributeType.BOOLEAN: st.booleans(),
    AttributeType.INTEGER: st.integers(-5, 5),
    AttributeType.DECIMAL: st.integers(-5, 5) | st.floats(-5, 5),
    AttributeType.DATE_TIME: st.sampled_from(["2026-11-30T17:00:00Z", "2026-11-30T17:00:00.1234567+01:00"]),
    AttributeType.BINARY: st.sampled_from(["AAEC", "AA=="]),
    AttributeType.REFERENCE: st.sampled_from(["https://example.com/a", "../Users/1"]),
}


def given_for(attribute):
    fitting = _fitting(attribute)
    return st.integers(0, 11).flatmap(lambda n: (json_values, st.none()).__getitem__(n) if n < 2 else fitting)


def _attributes(kind):
    return [one for one in kind.core.attributes if one.name != "password"]


def bodies(kind, required):
    """What a client may POST: mostly good."""
    names = {one.name: _fitting(one) for one in _attributes(kind)}
    for extension in kind.extensions:
        inner = {one.name: _fitting(one) for one in extension.schema.attributes}
        names[extension.schema.urn] = st.fixed_dictionaries({}, optional=inner)
    names["externalId"] = _words
    fixed = {"schemas": st.just([kind.core.urn]), required: st.sampled_from(["a", "b", "ß"])}
    return st.fixed_dictionaries(fixed, optional={name: one for name, one in names.items() if name != required})


def _paths(kind):
    every = [*_attributes(kind), *(one for each in kind.extensions for one in each.schema.attributes)]
    found = []
    for attribute in every:
        found.append((attribute.path, attribute))
        for sub in attribute.sub_attributes:
            found.append((sub.path, sub))
            if attribute.multi_valued:
                for condition in _conditions(attribute):
                    found.append((f"{attribute.path}[{condition}]", attribute))
                    found.append((f"{attribute.path}[{condition}].{sub.name}", sub))
    found += [(each.schema.urn, None) for each in kind.extensions]
    return found


def _conditions(attribute):
    every = {
        "value": ('value eq "a"', 'value co "x"', "value pr"),
        "type": ('type eq "work"',),
        "primary": ("primary eq true",),
    }
    value = attribute.subs.get("value")
    if value is not None and value.type is not AttributeType.STRING:
        every["value"] = ("value pr",)
    return [condition for name in attribute.subs for condition in every.get(name, ())]


def operations(kind):
    """One operation: mostly one that a client could mean."""

    def at(target):
        path, attribute = target
        value = json_values if attribute is None else given_for(attribute)
        change = st.fixed_dictionaries({"op": _CHANGES, "path": st.just(path), "value": value})
        clear = st.fixed_dictionaries({"op": _REMOVES, "path": st.just(path)}, optional={"value": value})
        return change | clear

    with_path = st.sampled_from(_paths(kind)).flatmap(at)
    names = {one.name: given_for(one) for one in _attributes(kind)}
    some = st.lists(st.sampled_from(sorted(names)), max_size=3, unique=True)
    value = some.flatmap(lambda chosen: st.fixed_dictionaries({name: names[name] for name in chosen}))
    whole = st.fixed_dictionaries({"op": _CHANGES, "value": value})
    return st.integers(0, 5).flatmap(lambda n: with_path if n else whole)


_CHANGES = st.sampled_from(["add", "replace", "add", "replace", "Add", "Replace"])
_REMOVES = st.sampled_from(["remove", "remove", "Remove"])


def messages(kind):
    return st.lists(operations(kind), min_size=1, max_size=4).map(lambda several: message(*several))


class Shapes:
    """A kind of resource with what clients may send about it; made once, for it takes long."""

    def __init__(self, kind, required):
        self.kind, self.required = kind, required
        self.bodies, self.operations, self.messages = bodies(kind, required), operations(kind), messages(kind)

    def __repr__(self):
        return self.kind.type


BADGED_SHAPES = Shapes(BADGED, "userName")
GROUP_SHAPES = Shapes(GROUP, "displayName")
