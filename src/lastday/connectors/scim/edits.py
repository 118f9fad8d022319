"""Changes of one User: as operations of a PATCH (RFC 7644 section 3.5.2), and made in a resource that is PUT back."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from lastday.connectors.scim.dialect import Dialect
from lastday.connectors.scim.resources import PATCH, USER, Resource
from lastday.connectors.scim.resources import field as value_of
from lastday.connectors.scim.vendor_terms import Booleans, OpCase, PathForm
from lastday.model.canonical import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The attribute at `path` gets the value; None takes what it has."""

    path: str
    """As a PATCH writes it, extension attributes with their URN."""
    value: JsonValue = None


def patch_of(edits: Sequence[Edit], dialect: Dialect, form: PathForm) -> JsonValue:
    """The PATCH message of the edits in the application's dialect."""
    operations: list[JsonValue] = []
    for edit in edits:
        value = spelled(edit.value, dialect)
        if edit.value is None:
            operations.append({"op": op("remove", dialect), "path": edit.path})
        elif form is PathForm.PATH:
            operations.append({"op": op("replace", dialect), "path": edit.path, "value": value})
        else:
            operations.append({"op": op("replace", dialect), "value": _nested(edit.path, value)})
    return {"schemas": [PATCH], "Operations": operations}


def op(name: str, dialect: Dialect) -> str:
    """The name of an operation as the application spells it; RFC 7644 section 3.5.2 has it in lower case."""
    return name.capitalize() if dialect.op_case is OpCase.CAPITAL else name


def spelled(value: JsonValue, dialect: Dialect) -> JsonValue:
    """The value, a boolean as text where the application knows no other."""
    return str(value).lower() if isinstance(value, bool) and dialect.booleans is Booleans.TEXT else value


def edited(resource: Resource, edits: Iterable[Edit], dialect: Dialect) -> dict[str, JsonValue]:
    """The whole resource with the edits made, and everything that is not spoken of as it was.

    RFC 7644 section 3.5.1: what a PUT leaves out may be cleared, so what we do not know is sent back as it came.
    """
    whole: dict[str, JsonValue] = deepcopy(dict(resource))
    for edit in edits:
        _put(whole, _steps(edit.path), spelled(edit.value, dialect))
    return whole


def _steps(path: str) -> tuple[str, ...]:
    """The keys from the resource down; a URN is one of them, whatever dots it has."""
    urn, colon, name = path.rpartition(":")
    within = tuple(name.split("."))
    return within if not colon or urn.lower() == USER.lower() else (urn, *within)


def _put(holder: dict[str, JsonValue], steps: tuple[str, ...], value: JsonValue) -> None:
    key = next((have for have in holder if have.lower() == steps[0].lower()), steps[0])
    if len(steps) > 1:
        inner = holder.get(key)
        if not isinstance(inner, dict):
            if value is None:
                return
            inner = holder[key] = {}
            _name_schema(holder, key)
        _put(inner, steps[1:], value)
    elif value is None:
        holder.pop(key, None)
    else:
        holder[key] = value


def _name_schema(holder: dict[str, JsonValue], key: str) -> None:
    """A resource that has an extension says so (RFC 7643 section 3)."""
    schemas = value_of(holder, "schemas")
    if key.startswith("urn:") and isinstance(schemas, list) and key not in schemas:
        schemas.append(key)


def _nested(path: str, value: JsonValue) -> Mapping[str, JsonValue]:
    found: JsonValue = value
    for step in reversed(_steps(path)):
        found = {step: found}
    return found if isinstance(found, Mapping) else {}
