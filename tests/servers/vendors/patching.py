"""PATCH as most vendors apply it (RFC 7644 section 3.5.2)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.vendors.searching import NotUnderstood, Resource, Search, parsed

_PATH = re.compile(
    r"^(?:(?P<urn>urn:[^\[\]]+?:\d+\.\d+:\w+|urn:[^\[\]]+?:\w+Extension):)?(?P<name>[\w$-]+)(?:\[(?P<filter>.+)\])?(?:\.(?P<sub>[\w$.-]+))?$"
)
CORE = "urn:ietf:params:scim:schemas:core:"


class BadPath(Exception):
    """A path that cannot be read."""


@dataclass(frozen=True, slots=True)
class Path:
    urn: str | None
    name: str
    search: Search | None
    sub: str | None


def path_of(text: str) -> Path:
    """The parts of a path. Raises BadPath."""
    found = _PATH.match(text)
    if found is None:
        raise BadPath(text)
    try:
        search = parsed(found["filter"]) if found["filter"] else None
    except NotUnderstood as err:
        raise BadPath(text) from err
    urn = found["urn"]
    return Path(None if urn is None or urn.startswith(CORE) else urn, found["name"], search, found["sub"])


def apply(resource: Resource, operation: dict[str, Any]) -> None:
    """Carries one operation out on the resource. Raises BadPath."""
    verb, path, value = operation["op"].lower(), operation.get("path"), operation.get("value")
    if path is not None:
        _at(resource, path_of(path), verb, value)
        return
    if not isinstance(value, dict):
        raise BadPath("a value without a path must be an object")
    for name, inner in value.items():
        if name.startswith("urn:") and isinstance(inner, dict):
            resource.setdefault(name, {}).update(inner)
        else:
            _at(resource, path_of(name), verb, inner)


def _at(resource: Resource, path: Path, verb: str, value: Any) -> None:
    holder = resource if path.urn is None else resource.setdefault(path.urn, {})
    if path.search is not None:
        _in_elements(holder, path, verb, value)
    elif path.sub is not None:
        _in_object(holder, path, verb, value)
    elif verb == "remove":
        _remove(holder, path.name, value)
    elif verb == "add" and isinstance(holder.get(path.name), list):
        holder[path.name] = _joined(holder[path.name], value if isinstance(value, list) else [value])
    else:
        holder[path.name] = value


def _in_elements(holder: Resource, path: Path, verb: str, value: Any) -> None:
    search = path.search
    assert search is not None
    elements = holder.get(path.name, [])
    chosen = [one for one in elements if search.finds(one)]
    if verb == "remove" and path.sub is None:
        holder[path.name] = [one for one in elements if one not in chosen]
        return
    for one in chosen:
        if path.sub is None:
            one.update(value)
        elif verb == "remove":
            one.pop(path.sub, None)
        else:
            one[path.sub] = value


def _in_object(holder: Resource, path: Path, verb: str, value: Any) -> None:
    assert path.sub is not None
    inner = holder.setdefault(path.name, {})
    for one in inner if isinstance(inner, list) else [inner]:
        if verb == "remove":
            one.pop(path.sub, None)
        else:
            one[path.sub] = value


def _remove(holder: Resource, name: str, value: Any) -> None:
    if value is None:
        holder.pop(name, None)
        return
    gone = ids_in(value)
    holder[name] = [one for one in holder.get(name, []) if one.get("value") not in gone]


def _joined(have: Sequence[Any], more: Sequence[Any]) -> list[Any]:
    known = ids_in(have)
    return [*have, *(one for one in more if not (isinstance(one, dict) and one.get("value") in known))]


def ids_in(value: Any) -> list[str]:
    """The `value` of each object in a list, or of one object."""
    listed = value if isinstance(value, list) else [value]
    return [str(one["value"]) for one in listed if isinstance(one, dict) and "value" in one]
