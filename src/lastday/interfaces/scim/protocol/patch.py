"""PATCH: a resource's body and the operations of a client -> the body as it shall stand (RFC 7644 section 3.5.2)."""

from collections.abc import Mapping

from lastday.interfaces.scim.protocol.errors import invalid_path, invalid_value, mutability
from lastday.interfaces.scim.protocol.operations import Op, Operation, read_operations
from lastday.interfaces.scim.protocol.paths import Target, parse_path, resolve
from lastday.interfaces.scim.protocol.profiles import Profile, UnknownAttributes
from lastday.interfaces.scim.protocol.schema import Attribute, Mutability, ResourceKind, Schema
from lastday.interfaces.scim.protocol.targets import changed_value
from lastday.interfaces.scim.protocol.validation import complete
from lastday.interfaces.scim.protocol.values import refuse_unknown, shown
from lastday.model.canonical import JsonValue
from lastday.model.scim import Body

Draft = dict[str, JsonValue]


def apply_patch(body: Body, message: object, kind: ResourceKind, profile: Profile) -> Body:
    """The body after all operations of `message`, in their order; `body` itself where they change nothing.

    All or none: what is refused changes nothing. Raises ScimError 400.
    """
    draft = dict(body)
    for operation in read_operations(message, profile):
        if operation.path is None:
            _apply_to_resource(draft, operation, kind, profile)
        else:
            _apply_at(draft, operation, operation.path, kind, profile)
    after = complete(draft, kind)
    return body if after == body else after


def _apply_at(draft: Draft, operation: Operation, path: str, kind: ResourceKind, profile: Profile) -> None:
    parsed = parse_path(path)
    target = resolve(parsed, kind)
    if target is not None:
        _apply_to(draft, operation, target, profile)
    elif profile.unknown_attributes is UnknownAttributes.REFUSE:
        raise invalid_path(f"no schema of this resource knows {shown(path)}")


def _apply_to(draft: Draft, operation: Operation, target: Target, profile: Profile) -> None:
    if target.extension is None:
        _change(draft, operation, target, profile)
        return
    urn = target.extension.urn
    held = draft.get(urn)
    inner = dict(held) if isinstance(held, Mapping) else {}
    if target.attribute is not None:
        _change(inner, operation, target, profile)
    elif operation.op is Op.REMOVE or (operation.op is Op.REPLACE and operation.value is None):
        _refuse_removed(target.extension, inner)
        inner = {}
    elif operation.value is not None:
        _apply_to_extension(inner, operation, target.extension, profile)
    if inner:
        draft[urn] = inner
    else:
        draft.pop(urn, None)


def _change(holder: Draft, operation: Operation, target: Target, profile: Profile) -> None:
    attribute = target.attribute
    if attribute is None or attribute.name == "schemas":
        return
    old = holder.get(attribute.name)
    new = changed_value(attribute, old, operation, profile, condition=target.filter, sub=target.sub)
    if new is not None:
        holder[attribute.name] = new
    elif attribute.required and old is not None:
        raise mutability(f"{attribute.path} is required")
    else:
        holder.pop(attribute.name, None)


def _refuse_removed(extension: Schema, held: Draft) -> None:
    for attribute in extension.attributes:
        if attribute.name in held and attribute.mutability in (Mutability.IMMUTABLE, Mutability.READ_ONLY):
            raise mutability(f"{attribute.path} is {attribute.mutability}")


def _apply_to_extension(inner: Draft, operation: Operation, extension: Schema, profile: Profile) -> None:
    for key, value in _members(operation, extension.urn):
        attribute = extension.by_name.get(key) or extension.by_name.get(key.lower())
        if attribute is None:
            refuse_unknown(f"{extension.urn}:{key}", profile)
        elif not _is_passed_over(attribute, profile):
            part = Operation(op=operation.op, value=value)
            _change(inner, part, Target(extension=extension, attribute=attribute), profile)


def _apply_to_resource(draft: Draft, operation: Operation, kind: ResourceKind, profile: Profile) -> None:
    """Without a path the value holds attributes, and extensions under their URN (RFC 7644 section 3.5.2.1)."""
    for key, value in _members(operation, "the value of an operation without a path"):
        part = Operation(op=operation.op, value=value)
        attribute = kind.attribute(key)
        extension = None if attribute is not None else kind.extension(key)
        if attribute is not None:
            if not _is_passed_over(attribute, profile):
                _change(draft, part, Target(attribute=attribute), profile)
        elif extension is not None:
            _apply_to(draft, part, Target(extension=extension), profile)
        elif profile.dotted_keys_without_path:
            _apply_at(draft, part, key, kind, profile)
        elif not profile.ignores_schema(key):
            raise invalid_path(f"no schema of this resource knows {shown(key)}")


def _members(operation: Operation, what: str) -> list[tuple[str, object]]:
    if operation.value is None:
        return []
    if not isinstance(operation.value, Mapping):
        raise invalid_value(f"{what} is an object")
    return [(key, value) for key, value in operation.value.items() if key.lower() != "schemas"]


def _is_passed_over(attribute: Attribute, profile: Profile) -> bool:
    return attribute.mutability is Mutability.READ_ONLY and profile.ignore_read_only_in_patch
