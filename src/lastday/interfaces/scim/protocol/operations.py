"""The message of a PATCH request, taken apart (RFC 7644 section 3.5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lastday.interfaces.scim.protocol.errors import invalid_path, invalid_syntax, invalid_value, no_target
from lastday.interfaces.scim.protocol.messages import require_schema
from lastday.interfaces.scim.protocol.profiles import Profile

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
MOST_OPERATIONS = 1000
_ENVELOPE = {"schemas": "schemas", "operations": "Operations"}
_MEMBERS = {"op": "op", "path": "path", "value": "value"}


class Op(StrEnum):
    """What an operation does."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


_OPS = {op.value: op for op in Op}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation."""

    op: Op
    path: str | None = None
    value: object = field(default=None, repr=False)
    """None where there is none, or null: both are unassigned (RFC 7643 section 2.5)."""
    says_null: bool = False
    """The operation has a value, and that is null."""


def read_operations(message: object, profile: Profile) -> list[Operation]:
    """The operations of a PATCH message in their order. Raises ScimError 400."""
    if not isinstance(message, Mapping):
        raise invalid_syntax("a PATCH message is a JSON object")
    parts = _spelled(message, _ENVELOPE)
    require_schema(parts.get("schemas"), PATCH_SCHEMA, profile)
    operations = parts.get("Operations")
    if not isinstance(operations, list) or not (operations or profile.empty_operations):
        raise invalid_syntax("Operations is an array of one or more operations")
    if len(operations) > MOST_OPERATIONS:
        raise invalid_syntax(f"more than {MOST_OPERATIONS} operations in one request")
    return [_operation(one, profile) for one in operations]


def _spelled(given: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    """What is known, under its own spelling; the rest says nothing to us."""
    return {names[key.lower()]: value for key, value in given.items() if key.lower() in names}


def _operation(given: object, profile: Profile) -> Operation:
    if not isinstance(given, Mapping):
        raise invalid_syntax("an operation is a JSON object")
    parts = _spelled(given, _MEMBERS)
    op = _op(parts.get("op"), profile)
    path = parts.get("path")
    if path is not None and not isinstance(path, str):
        raise invalid_path("the path of an operation is a text")
    if not path and op is Op.REMOVE:
        raise no_target("a remove operation has a path")
    if "value" not in parts and op is not Op.REMOVE:
        raise invalid_value(f"the {op} operation has no value")
    if op is Op.ADD and parts["value"] is None and not profile.nulls_as_absent:
        raise invalid_value("the add operation has no value")
    value = parts.get("value")
    return Operation(op=op, path=path or None, value=value, says_null="value" in parts and value is None)


def _op(given: object, profile: Profile) -> Op:
    if isinstance(given, str):
        text = given.lower() if profile.ops_any_case else given
        if text in _OPS:
            return _OPS[text]
    raise invalid_syntax("op is add, remove or replace")
