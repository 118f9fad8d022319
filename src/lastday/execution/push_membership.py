"""Groups and their members, as each shows in the other's representation (RFC 7643 sections 4.1.2 and 4.2)."""

from collections.abc import Mapping

from lastday.model.canonical import JsonValue
from lastday.model.ids import ResourceId
from lastday.model.scim import Body


def member_ids(body: Body) -> frozenset[ResourceId]:
    """Whom a group names as its members, people and groups, there or not."""
    return frozenset(
        ResourceId(value) for one in _objects(body.get("members")) if isinstance(value := one.get("value"), str)
    )


def group_name(body: Body) -> str | None:
    """The display name of a group."""
    name = body.get("displayName")
    return name if isinstance(name, str) else None


def without_member(body: Body, member: ResourceId) -> Body:
    """The group without this member; without `members` where nobody is left."""
    kept = [one for one in _listed(body.get("members")) if not _is_about(one, member)]
    return _with(body, "members", kept)


def with_group(body: Body, group: ResourceId, name: str | None) -> Body:
    """The user in the group: where the group's name changed, it stays in its place."""
    shown: dict[str, JsonValue] = {"value": group, **({} if name is None else {"display": name}), "type": "direct"}
    listed = _listed(body.get("groups"))
    if any(_is_about(one, group) for one in listed):
        return _with(body, "groups", [shown if _is_about(one, group) else one for one in listed])
    return _with(body, "groups", [*listed, shown])


def without_group(body: Body, group: ResourceId) -> Body:
    """The user outside the group; without `groups` where none is left."""
    return _with(body, "groups", [one for one in _listed(body.get("groups")) if not _is_about(one, group)])


def _with(body: Body, name: str, values: list[JsonValue]) -> Body:
    if values:
        return {**body, name: values}
    return {key: value for key, value in body.items() if key != name}


def _listed(value: JsonValue) -> list[JsonValue]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _objects(value: JsonValue) -> list[Mapping[str, JsonValue]]:
    return [one for one in _listed(value) if isinstance(one, Mapping)]


def _is_about(one: JsonValue, resource: ResourceId) -> bool:
    return isinstance(one, Mapping) and one.get("value") == resource
