"""PATCH: a resource's body and the operations of a client -> the body as it shall stand (RFC 7644 section 3.5.2)."""

from collections.abc import Mapping
from typing import TypeAlias

from lastday.interfaces.scim.protocol.errors import ScimError, invalid_path, invalid_value, mutability
from lastday.interfaces.scim.protocol.keyed import Keyed, change_keyed, keyed
from lastday.interfaces.scim.protocol.operations import Op, Operation, read_operations
from lastday.interfaces.scim.protocol.paths import Target, parse_path, resolve
from lastday.interfaces.scim.protocol.profiles import Profile, UnknownAttributes
from lastday.interfaces.scim.protocol.schema import Attribute, Mutability, ResourceKind, Schema
from lastday.interfaces.scim.protocol.targets import changed_value
from lastday.interfaces.scim.protocol.validation import complete
from lastday.interfaces.scim.protocol.values import refuse_unknown, shown
from lastday.model.canonical import JsonValue
from lastday.model.scim import Body

MOST_WORK = 20_000
"""What the operations of one message may have cost where another one begins: elements, and filters by their length."""

Draft: TypeAlias = dict[str, JsonValue]


def apply_patch(body: Body, message: object, kind: ResourceKind, profile: Profile) -> Body:
    """The body after all operations of `message`, in their order; `body` itself where they change nothing.

    All or none: what is refused changes nothing. Raises ScimError 400.
    """
    patching = _Patching(body, kind, profile)
    for operation in read_operations(message, profile):
        patching.apply(operation)
    after = complete(patching.result(), kind)
    return body if after == body else after


class _Patching:
    """A body between operations."""

    def __init__(self, body: Body, kind: ResourceKind, profile: Profile) -> None:
        self._before = body
        self._draft: Draft = dict(body)
        self._keyed: dict[str, Keyed] = {}
        """Attributes of the draft that are looked up by `value` as long as operations allow it."""
        self._kind = kind
        self._profile = profile
        self._work = 0

    def result(self) -> Draft:
        for name in list(self._keyed):
            self._unfold(name)
        return self._draft

    def apply(self, operation: Operation) -> None:
        if operation.path is not None:
            self._apply_at(operation, operation.path)
            return
        # Without a path the value holds attributes, and extensions under their URN (RFC 7644 section 3.5.2.1).
        for key, value in _members(operation, "the value of an operation without a path"):
            self._apply_member(Operation(op=operation.op, value=value), key)

    def _apply_member(self, operation: Operation, key: str) -> None:
        attribute = self._kind.attribute(key)
        extension = None if attribute is not None else self._kind.extension(key)
        if attribute is not None:
            if not self._passes_over(attribute, operation.value, self._draft):
                self._apply_to(operation, Target(attribute=attribute))
        elif extension is not None:
            self._apply_to(operation, Target(extension=extension))
        elif self._profile.dotted_keys_without_path:
            self._apply_at(operation, key)
        elif not self._profile.ignores_schema(key):
            raise invalid_path(f"no schema of this resource knows {shown(key)}")

    def _apply_at(self, operation: Operation, path: str) -> None:
        if "[" in path:
            self._spend(len(path) // 8)
        target = resolve(parse_path(path), self._kind)
        if target is not None:
            self._apply_to(operation, target)
        elif self._profile.unknown_attributes is UnknownAttributes.REFUSE:
            raise invalid_path(f"no schema of this resource knows {shown(path)}")

    def _apply_to(self, operation: Operation, target: Target) -> None:
        if self._is_left_open(operation, target):
            return
        if target.extension is not None:
            self._apply_to_extension(operation, target, target.extension)
        elif target.attribute is not None and not self._changed_by_key(operation, target, target.attribute):
            self._change(self._draft, operation, target, target.attribute)

    def _is_left_open(self, operation: Operation, target: Target) -> bool:
        """Members that are null in a body of every key: its sender does not speak of them, and empties no group."""
        is_keyed = target.attribute is not None and target.attribute.is_keyed and target.filter is None
        return is_keyed and operation.path is None and operation.value is None and self._profile.nulls_as_absent

    def _apply_to_extension(self, operation: Operation, target: Target, extension: Schema) -> None:
        held = self._draft.get(extension.urn)
        inner = dict(held) if isinstance(held, Mapping) else {}
        if target.attribute is not None:
            self._change(inner, operation, target, target.attribute)
        elif operation.op is Op.REMOVE or (operation.op is Op.REPLACE and operation.value is None):
            _refuse_removed(extension, inner)
            inner = {}
        else:
            self._change_inside(inner, operation, extension)
        if inner:
            self._draft[extension.urn] = inner
        else:
            self._draft.pop(extension.urn, None)

    def _change_inside(self, inner: Draft, operation: Operation, extension: Schema) -> None:
        for key, value in _members(operation, extension.urn):
            attribute = extension.by_name.get(key) or extension.by_name.get(key.lower())
            if attribute is None:
                refuse_unknown(f"{extension.urn}:{key}", self._profile)
            elif not self._passes_over(attribute, value, inner):
                self._change(inner, Operation(op=operation.op, value=value), Target(), attribute)

    def _passes_over(self, attribute: Attribute, given: object, holder: Draft) -> bool:
        """A read-only attribute in the value may say what is so already; null is said of what is absent."""
        if attribute.mutability is not Mutability.READ_ONLY:
            return False
        return self._profile.ignore_read_only_in_patch or given == holder.get(attribute.name)

    def _changed_by_key(self, operation: Operation, target: Target, attribute: Attribute) -> bool:
        name = attribute.name
        if not attribute.is_keyed or target.sub is not None or attribute.mutability is not Mutability.READ_WRITE:
            return False
        held = self._keyed.get(name)
        if held is None:
            held = self._keyed[name] = keyed(self._draft.get(name))
        if change_keyed(attribute, held, operation, self._profile, target.filter):
            return True
        self._unfold(name)
        return False

    def _unfold(self, name: str) -> None:
        held = self._keyed.pop(name)
        before = self._before.get(name)
        elements: JsonValue = list(held.values())
        if keyed(before) == held:
            elements = before
        if elements:
            self._draft[name] = elements
        else:
            self._draft.pop(name, None)

    def _change(self, holder: Draft, operation: Operation, target: Target, attribute: Attribute) -> None:
        if attribute.name == "schemas":
            return
        old = holder.get(attribute.name)
        if isinstance(old, list):
            self._spend(len(old) * (1 + len(operation.path or "") // 64))
        new = changed_value(attribute, old, operation, self._profile, condition=target.filter, sub=target.sub)
        if new is not None:
            holder[attribute.name] = new
        elif attribute.required and old is not None:
            raise mutability(f"{attribute.path} is required")
        else:
            holder.pop(attribute.name, None)

    def _spend(self, work: int) -> None:
        """The first operation may cost anything: the size of its resource is limited."""
        if self._work > MOST_WORK:
            raise ScimError(413, "these operations look at too many values: send fewer in one request")
        self._work += work


def _refuse_removed(extension: Schema, held: Draft) -> None:
    for attribute in extension.attributes:
        if attribute.name in held and attribute.mutability in (Mutability.IMMUTABLE, Mutability.READ_ONLY):
            raise mutability(f"{attribute.path} is {attribute.mutability}")


def _members(operation: Operation, what: str) -> list[tuple[str, object]]:
    if operation.value is None:
        return []
    if not isinstance(operation.value, Mapping):
        raise invalid_value(f"{what} is an object")
    return [(key, value) for key, value in operation.value.items() if key.lower() != "schemas"]
