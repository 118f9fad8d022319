"""The body of POST and PUT as it will stand (RFC 7644 sections 3.3 and 3.5.1)."""

from collections.abc import Mapping

from lastday.interfaces.scim.protocol.errors import invalid_syntax, invalid_value, mutability
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.protocol.schema import Attribute, Mutability, ResourceKind, Schema
from lastday.interfaces.scim.protocol.values import identical, is_blank, read_value, refuse_unknown, shown
from lastday.model.canonical import JsonValue
from lastday.model.scim import Body

MOST_SCHEMAS = 100


def new_body(given: object, kind: ResourceKind, profile: Profile, *, before: Body | None = None) -> Body:
    """What a resource holds after a POST of `given`, or after a PUT of it where `before` stood.

    Attributes are spelled as their schema spells them; what is read-only stays as it was, what is write-only is looked
    at and thrown away, and `schemas` names what is there. Raises ScimError 400 with the path of what is wrong.
    """
    if not isinstance(given, Mapping):
        raise invalid_syntax("a resource is a JSON object")
    found = _read_attributes(given, kind, profile)
    check_schemas(given, kind, profile)
    if before is not None:
        _keep_read_only(found, before, kind)
        _refuse_changed(found, before, kind)
    return complete(found, kind)


def complete(found: Mapping[str, JsonValue], kind: ResourceKind) -> Body:
    """The body with its `schemas` first. Raises ScimError 400 invalidValue where something required is not there."""
    for attribute in kind.required:
        if is_blank(found.get(attribute.name)):
            raise invalid_value(f"{attribute.path} is required")
    present: list[JsonValue] = [kind.core.urn]
    for extension in kind.extensions:
        held = found.get(extension.schema.urn)
        if held is not None:
            present.append(extension.schema.urn)
            require_within(extension.schema, held)
        elif extension.required:
            raise invalid_value(f"{extension.schema.urn} is required")
    return {"schemas": present, **{name: value for name, value in found.items() if name != "schemas"}}


def require_within(schema: Schema, held: JsonValue) -> None:
    """Raises ScimError 400 invalidValue where an extension's object lacks a required attribute."""
    for attribute in schema.required:
        if not isinstance(held, Mapping) or is_blank(held.get(attribute.name)):
            raise invalid_value(f"{attribute.path} is required")


def check_schemas(given: Mapping[str, object], kind: ResourceKind, profile: Profile) -> None:
    """`schemas` names the kind's own schema, and nothing that is unknown. Raises ScimError 400.

    What it leaves out is no harm where the attributes are there: the stored `schemas` follow from them.
    """
    urns = given.get("schemas")
    if urns is None:
        urns = next((value for key, value in given.items() if key.lower() == "schemas"), None)
    if urns is None:
        if not profile.schemas_optional:
            raise invalid_syntax("schemas is required")
        return
    if not isinstance(urns, list) or len(urns) > MOST_SCHEMAS or not all(isinstance(urn, str) for urn in urns):
        raise invalid_syntax("schemas is an array of URNs")
    for urn in urns:
        if not kind.is_core(urn) and kind.extension(urn) is None and not profile.ignores_schema(urn):
            raise invalid_value(f"schemas: {shown(urn)} is no schema of a {kind.type.value}")
    if not profile.schemas_optional and not any(kind.is_core(urn) for urn in urns):
        raise invalid_syntax(f"schemas lacks {kind.core.urn}")


def _read_attributes(given: Mapping[str, object], kind: ResourceKind, profile: Profile) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    attributes = kind.attributes
    for key, value in given.items():
        attribute = attributes.get(key) or attributes.get(key.lower())
        if attribute is None:
            _read_extension(key, value, kind, profile, found)
        elif attribute.name != "schemas":
            _keep(attribute, value, profile, found)
    return found


def _read_extension(urn: str, value: object, kind: ResourceKind, profile: Profile, found: dict[str, JsonValue]) -> None:
    schema = kind.extension(urn)
    if schema is None:
        if not profile.ignores_schema(urn):
            refuse_unknown(urn, profile)
        return
    if schema.urn in found:
        raise invalid_syntax(f"{schema.urn} is given twice")
    inner = read_extension(schema, value, profile)
    if inner:
        found[schema.urn] = inner


def read_extension(schema: Schema, value: object, profile: Profile) -> dict[str, JsonValue]:
    """What an extension's object holds. Raises ScimError 400."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid_value(f"{schema.urn} is an object")
    found: dict[str, JsonValue] = {}
    for key, inner in value.items():
        attribute = schema.by_name.get(key) or schema.by_name.get(key.lower())
        if attribute is None:
            refuse_unknown(f"{schema.urn}:{key}", profile)
        else:
            _keep(attribute, inner, profile, found)
    return found


def _keep(attribute: Attribute, given: object, profile: Profile, found: dict[str, JsonValue]) -> None:
    if attribute.mutability is Mutability.READ_ONLY:
        return
    value = read_value(attribute, given, profile)
    if value is None or attribute.mutability is Mutability.WRITE_ONLY:
        return
    if attribute.name in found:
        raise invalid_syntax(f"{attribute.path} is given twice")
    found[attribute.name] = value


def _keep_read_only(found: dict[str, JsonValue], before: Body, kind: ResourceKind) -> None:
    for attribute in kind.read_only:
        if attribute.name in before:
            found[attribute.name] = before[attribute.name]
    for extension in kind.extensions:
        held = before.get(extension.schema.urn)
        kept = {} if not isinstance(held, Mapping) else _read_only_of(extension.schema, held)
        if kept:
            now = found.get(extension.schema.urn)
            found[extension.schema.urn] = {**(now if isinstance(now, Mapping) else {}), **kept}


def _read_only_of(schema: Schema, held: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    names = (one.name for one in schema.attributes if one.mutability is Mutability.READ_ONLY)
    return {name: held[name] for name in names if name in held}


def _refuse_changed(found: Mapping[str, JsonValue], before: Body, kind: ResourceKind) -> None:
    refuse_immutable(kind.core.attributes, before, found)
    for extension in kind.extensions:
        then, now = before.get(extension.schema.urn), found.get(extension.schema.urn)
        if isinstance(then, Mapping):
            refuse_immutable(extension.schema.attributes, then, now if isinstance(now, Mapping) else {})


def refuse_immutable(
    attributes: tuple[Attribute, ...], before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]
) -> None:
    """Raises ScimError 400 mutability where something immutable had a value and has another one now, or none.

    Inside multi-valued attributes the values as a whole may come and go.
    """
    for attribute in attributes:
        then, now = before.get(attribute.name), after.get(attribute.name)
        if then is None:
            continue
        if attribute.mutability is Mutability.IMMUTABLE and (now is None or identical(then) != identical(now)):
            raise mutability(f"{attribute.path} is immutable and has a value already")
        if isinstance(then, Mapping) and isinstance(now, Mapping):
            refuse_immutable(attribute.sub_attributes, then, now)
