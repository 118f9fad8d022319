"""A SCIM service that does what a vendor's profile says, and refuses what the profile forbids.

It is stricter than the vendor may be: what the profile does not allow is refused and written down, so that a test can
show that a client keeps to the profile and does not merely get away with something else.
"""

import base64
import copy
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lastday.connectors.scim.vendor_profile import VendorProfile
from lastday.connectors.scim.vendor_terms import (
    Booleans,
    DisableVerb,
    OpCase,
    PagingMode,
    RemoveForm,
    Shown,
)
from tests.servers.vendors.patching import BadPath, apply, ids_in, path_of
from tests.servers.vendors.searching import NotUnderstood, Resource, parsed, values_of

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PROTOCOL = "urn:ietf:params:scim:api:messages:2.0:"
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    """Below the base address: `/Users/7`."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None
    body_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Resource | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """What is answered instead; `limit` names the rule of the profile that the client broke."""

    def __init__(self, status: int, detail: str, *, scim_type: str = "", limit: str = "", after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.detail, self.scim_type = status, detail, scim_type
        self.limit, self.after_s = limit, after_s

    def answer(self) -> Answer:
        body = {"schemas": [f"{PROTOCOL}Error"], "status": str(self.status), "detail": self.detail}
        if self.scim_type:
            body["scimType"] = self.scim_type
        return Answer(self.status, body, {"Retry-After": str(self.after_s)} if self.after_s else {})


def not_found(kind: str) -> Refusal:
    return Refusal(404, f"{kind} not found")


def invalid(detail: str, limit: str = "", scim_type: str = "invalidValue") -> Refusal:
    return Refusal(400, detail, scim_type=scim_type, limit=limit)


class Service:
    """One vendor's users and groups. Not safe for threads: the server lets one request in at a time."""

    group_patch_status: ClassVar[int] = 200
    user_patch_status: ClassVar[int] = 200
    list_key: ClassVar[str] = "Resources"
    has_total: ClassVar[bool] = True

    def __init__(self, profile: VendorProfile) -> None:
        self.profile = profile
        self.users: dict[str, Resource] = {}
        self.groups: dict[str, Resource] = {}
        self.traits: dict[str, set[str]] = {}
        """User id -> what a vendor knows of a user and SCIM has no word for."""
        self._made = 0

    # Filling it

    def seed_user(self, body: Mapping[str, Any], traits: Iterable[str] = ()) -> str:
        user = self._stored({"active": True, **body}, USER, self.new_id())
        self.users[user["id"]] = user
        self.traits[user["id"]] = set(traits)
        return str(user["id"])

    def seed_group(self, name: str, members: Iterable[str]) -> str:
        group = self._stored({"displayName": name}, GROUP, self.group_id(name))
        group["members"] = [{"value": member} for member in members]
        self.groups[group["id"]] = group
        return str(group["id"])

    def new_id(self) -> str:
        self._made += 1
        return f"{self._made:08d}-id"

    def group_id(self, name: str) -> str:
        return self.new_id()

    # Answering

    def answer(self, asked: Asked) -> Answer:
        """Raises Refusal."""
        self.admit(asked)
        match asked.path.strip("/").split("/"):
            case ["ServiceProviderConfig"]:
                return Answer(200, self._config())
            case ["Users", *rest]:
                return self._users(asked, rest)
            case ["Groups", *rest] if self.profile.groups.exist:
                return self._groups(asked, rest)
            case ["Groups", *_]:
                raise Refusal(404, "there are no groups here", limit="no_groups")
            case ["Me"]:
                raise Refusal(501, "not implemented")
        raise not_found("endpoint")

    def admit(self, asked: Asked) -> None:
        """What a vendor asks of every request."""

    def _config(self) -> Resource:
        paging = self.profile.paging
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": not self.profile.patch.put_only},
            "filter": {"supported": bool(self.profile.filter.operators), "maxResults": paging.max or PAGE},
            "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
            "changePassword": {"supported": False},
            "sort": {"supported": False},
            "etag": {"supported": False},
        }

    def _users(self, asked: Asked, rest: list[str]) -> Answer:
        match (asked.method, rest):
            case ("GET", []):
                return self._list(asked, self.listed_users(), self.profile.filter.users, self.shown_user)
            case ("POST", []):
                return self._create_user(asked.body)
            case ("GET", [uid]):
                return Answer(200, self.shown_user(self.visible_user(uid)))
            case ("PATCH", [uid]):
                return self._patch_user(self.visible_user(uid), asked.body)
            case ("PUT", [uid]):
                return self._put_user(self.visible_user(uid), asked.body)
            case ("DELETE", [uid]):
                return self._delete_user(self.visible_user(uid))
        raise Refusal(405, "method not allowed")

    def _groups(self, asked: Asked, rest: list[str]) -> Answer:
        match (asked.method, rest):
            case ("GET", []):
                return self._list(asked, list(self.groups.values()), self.profile.filter.groups, self.shown_group)
            case ("POST", []):
                return self.create_group(asked.body)
            case ("GET", [gid]):
                group = self.shown_group(self._group(gid))
                return Answer(200, _without(group, asked.query.get("excludedAttributes", "")))
            case ("PATCH", [gid]):
                return self._patch_group(self._group(gid), asked)
            case ("PUT", [gid]):
                return self._put_group(self._group(gid), asked.body)
            case ("DELETE", [gid]):
                del self.groups[self._group(gid)["id"]]
                return Answer(204)
        raise Refusal(405, "method not allowed")

    # Lists

    def listed_users(self) -> list[Resource]:
        return list(self.users.values())

    def _list(
        self, asked: Asked, all_of: list[Resource], known: tuple[str, ...], show: Callable[[Resource], Resource]
    ) -> Answer:
        for name in self.profile.paging.unsupported:
            if name in asked.query:
                raise invalid(f"{name} is not supported", limit="unsupported_parameter")
        found = self._filtered(asked.query.get("filter"), all_of, known)
        start, size = self._window(asked)
        page = [_without(show(one), asked.query.get("excludedAttributes", "")) for one in found[start : start + size]]
        return Answer(200, self._list_body(asked, page, start, len(found)))

    def _window(self, asked: Asked) -> tuple[int, int]:
        most = self.profile.paging.max
        size = int(asked.query.get("count", most or PAGE))
        if most is not None and size > most:
            raise invalid(f"count is more than {most}", limit="page_size")
        if self.profile.paging.mode is PagingMode.INDEX:
            return max(int(asked.query.get("startIndex", 1)), 1) - 1, size
        cursor = asked.query.get("cursor", "")
        return int(base64.urlsafe_b64decode(cursor)) if cursor else 0, size

    def by_cursor(self, asked: Asked) -> bool:
        return self.profile.paging.mode is PagingMode.CURSOR

    def _list_body(self, asked: Asked, page: list[Resource], start: int, total: int) -> Resource:
        body: Resource = {"schemas": [f"{PROTOCOL}ListResponse"], "itemsPerPage": len(page), self.list_key: page}
        if not self.by_cursor(asked):
            return {**body, "totalResults": total, "startIndex": start + 1}
        if start + len(page) < total:
            body["nextCursor"] = base64.urlsafe_b64encode(str(start + len(page)).encode()).decode()
        return body

    def _filtered(self, text: str | None, all_of: list[Resource], known: tuple[str, ...]) -> list[Resource]:
        if text is None:
            return all_of
        rules = self.profile.filter
        try:
            search = parsed(text)
        except NotUnderstood as err:
            raise invalid("the filter is not understood", "filter", "invalidFilter") from err
        if rules.max_nodes is not None and search.nodes > rules.max_nodes:
            raise invalid("INVALID_FILTER", "filter_nodes", "invalidFilter")
        names = {name.lower() for name in known}
        if (
            any(one.operator not in rules.operators or one.attribute.lower() not in names for one in search.comparisons)
            or not set(search.joins) <= set(rules.joins)
        ):  # fmt: skip
            raise invalid(f"the filter is not supported: {text}", "filter", "invalidFilter")
        self.look_at_filter(search.comparisons)
        return [one for one in all_of if search.finds(self._searchable(one))]

    def look_at_filter(self, comparisons: Iterable[Any]) -> None:
        """What else a vendor says of a filter that it supports."""

    def _searchable(self, resource: Resource) -> Resource:
        if "members" in resource:
            return resource
        return {**resource, "groups": [{"value": gid} for gid in self._groups_of(resource["id"])]}

    def _groups_of(self, uid: str) -> list[str]:
        return [gid for gid, group in self.groups.items() if uid in ids_in(group["members"])]

    # Users

    def visible_user(self, uid: str) -> Resource:
        if uid not in self.users:
            raise not_found("user")
        return self.users[uid]

    def shown_user(self, user: Resource) -> Resource:
        return copy.deepcopy(user)

    def _create_user(self, body: Resource) -> Answer:
        rules = self.profile.create
        if not rules.allowed:
            raise Refusal(405, "users are not made here", limit="create")
        missing = [name for name in ("userName", *rules.required) if not values_of(body, name)]
        if missing:
            raise invalid(f"missing: {', '.join(missing)}")
        self.check_user(body)
        if any(str(user["userName"]).lower() == str(body["userName"]).lower() for user in self.users.values()):
            return self.taken(body)
        uid = self.seed_user(body, ("made_by_scim",))
        return Answer(201, self.shown_user(self.users[uid]))

    def taken(self, body: Resource) -> Answer:
        raise Refusal(409, "userName is taken", scim_type="uniqueness")

    def check_user(self, body: Resource) -> None:
        """What a user must look like."""
        for name in self.profile.create.single_valued:
            if len(body.get(name) or []) > 1:
                raise invalid(f"{name} has several values", limit="multi_valued")

    def _patch_user(self, user: Resource, body: Resource) -> Answer:
        if self.profile.patch.put_only:
            raise Refusal(501, "PATCH is not supported", limit="put_only")
        after = copy.deepcopy(user)
        operations = self._operations(body)
        for operation in operations:
            path = operation.get("path") or ""
            if "[" in path and not self.profile.patch.value_paths:
                raise invalid("a path with a filter has no effect", "value_path", "invalidPath")
            self._apply(after, operation)
        touches = any(_names_active(operation) for operation in operations)
        if touches and self.profile.disable.verb is not DisableVerb.PATCH:
            raise invalid("active is not changed by PATCH here", limit="disable_verb")
        return self._replaced(user, after, self.user_patch_status)

    def _put_user(self, user: Resource, body: Resource) -> Answer:
        after = self._stored(body, USER, user["id"])
        after.setdefault("active", user["active"])
        if after["active"] != user["active"] and self.profile.disable.verb is DisableVerb.DELETE:
            raise invalid("active is not changed by PUT here", limit="disable_verb")
        return self._replaced(user, after, 200)

    def _replaced(self, user: Resource, after: Resource, status: int) -> Answer:
        after["active"] = self.boolean(after["active"])
        self.check_user(after)
        if user["active"] and not after["active"]:
            return self.disable(user, after, status)
        if after["active"] and not user["active"]:
            self.enabled(after)
        self.users[user["id"]] = after
        return self._changed(after, status)

    def _changed(self, user: Resource, status: int) -> Answer:
        return Answer(status, None if status == 204 else self.shown_user(user))

    def boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        if self.takes_text_booleans() and str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise self.bad_boolean()

    def takes_text_booleans(self) -> bool:
        return self.profile.patch.booleans is Booleans.TEXT

    def bad_boolean(self) -> Refusal:
        return invalid("active is not a boolean", limit="boolean")

    def disable(self, user: Resource, after: Resource, status: int) -> Answer:
        """What active=false does."""
        if self.profile.disable.deletes:
            self.erase(user)
            return Answer(204)
        self.disabled(after)
        self.users[user["id"]] = after
        return self._changed(after, status)

    def disabled(self, user: Resource) -> None:
        """What else changes in a user that was switched off."""

    def enabled(self, user: Resource) -> None:
        """What else changes in a user that was switched on again."""

    def erase(self, user: Resource) -> None:
        del self.users[user["id"]]
        for group in self.groups.values():
            group["members"] = [one for one in group["members"] if one["value"] != user["id"]]

    def _delete_user(self, user: Resource) -> Answer:
        if not self.profile.delete.exists:
            raise Refusal(405, "there is no DELETE", limit="no_delete")
        if self.profile.read_back.after_delete is Shown.INACTIVE:
            user["active"] = False
        else:
            self.erase(user)
        return Answer(204)

    # Groups

    def shown_group(self, group: Resource) -> Resource:
        return copy.deepcopy(group) if self.profile.groups.members_readable else {**group, "members": []}

    def _group(self, gid: str) -> Resource:
        if gid not in self.groups:
            raise not_found("group")
        return self.groups[gid]

    def create_group(self, body: Resource) -> Answer:
        members = ids_in(body.get("members") or [])
        _at_most(members, self.profile.groups.max_members_on_create)
        if not body.get("displayName"):
            raise invalid("displayName is missing")
        self._require_members(members)
        gid = self.seed_group(body["displayName"], members)
        return Answer(201, self.shown_group(self.groups[gid]))

    def _patch_group(self, group: Resource, asked: Asked) -> Answer:
        operations = self._operations(asked.body)
        self.check_group_patch(operations, asked.body_bytes)
        after = copy.deepcopy(group)
        for operation in operations:
            self._look_at_members(operation)
            self._apply(after, operation)
            after.setdefault("members", [])
        self.groups[group["id"]] = after
        return Answer(self.group_patch_status, None if self.group_patch_status == 204 else self.shown_group(after))

    def check_group_patch(self, operations: list[Resource], body_bytes: int) -> None:
        """How many members may come and go in one request."""
        rules = self.profile.groups
        leaving = [uid for one in operations if one["op"].lower() == "remove" for uid in _members_of(one)]
        coming = [uid for one in operations if one["op"].lower() != "remove" for uid in _members_of(one)]
        _at_most(leaving + coming, rules.max_members_per_patch)
        _at_most(leaving, rules.max_removals_per_patch)
        self._require_members(coming)

    def _look_at_members(self, operation: Resource) -> None:
        rules, verb = self.profile.groups, operation["op"].lower()
        path, value = operation.get("path") or "", operation.get("value")
        if verb == "replace" and _names_members(path, value) and not rules.replace_members_allowed:
            raise invalid("members cannot be replaced", limit="replace_members")
        if verb != "remove" or not path.startswith("members"):
            return
        if path == "members" and not value and not rules.remove_all_allowed:
            raise invalid("all members cannot be removed at once", limit="remove_all")
        form = RemoveForm.PATH_FILTER if "[" in path else RemoveForm.VALUE_LIST
        if form is not rules.remove_form and (form is RemoveForm.PATH_FILTER or value):
            raise invalid("members are not removed in this form", "remove_form", "invalidPath")

    def _require_members(self, members: Iterable[str]) -> None:
        for uid in members:
            if uid not in self.users:
                raise invalid(f"there is no member {uid}")

    def _put_group(self, group: Resource, body: Resource) -> Answer:
        if not self.profile.groups.replace_members_allowed:
            raise invalid("members cannot be replaced", limit="replace_members")
        members = ids_in(body.get("members") or [])
        _at_most(members, self.profile.groups.max_members_per_patch)
        self._require_members(members)
        group.update({**body, "id": group["id"], "members": [{"value": uid} for uid in members]})
        return Answer(200, self.shown_group(group))

    # What the above is made of

    def _operations(self, body: Resource) -> list[Resource]:
        operations: list[Resource] = body.get("Operations") or []
        if f"{PROTOCOL}PatchOp" not in body.get("schemas", []) or not operations:
            raise invalid("this is no PatchOp", scim_type="invalidSyntax")
        capital = self.profile.patch.op_case is OpCase.CAPITAL
        for operation in operations:
            verb = str(operation.get("op"))
            if verb.lower() not in ("add", "remove", "replace"):
                raise invalid("op is unknown", scim_type="invalidSyntax")
            if verb != (verb.capitalize() if capital else verb.lower()):
                raise invalid(f"op is written {verb}", "op_case", "invalidSyntax")
        return operations

    def _apply(self, resource: Resource, operation: Resource) -> None:
        try:
            apply(resource, operation)
        except BadPath as err:
            raise invalid(f"the path is not understood: {err}", scim_type="invalidPath") from err

    def _stored(self, body: Mapping[str, Any], schema: str, rid: str) -> Resource:
        kind = schema.rpartition(":")[2]
        stored: Resource = json.loads(json.dumps({"schemas": [schema], **body}))
        stored.pop("password", None)
        return {**stored, "id": rid, "meta": {"resourceType": kind}}


def _without(resource: Resource, excluded: str) -> Resource:
    names = {name.strip().lower() for name in excluded.split(",")}
    return {name: value for name, value in resource.items() if name.lower() not in names}


def _at_most(members: list[str], most: int | None) -> None:
    if most is not None and len(members) > most:
        raise invalid(f"more than {most} members in one request", limit="too_many_members")


def _names_active(operation: Resource) -> bool:
    value = operation.get("value")
    return operation.get("path") == "active" or (not operation.get("path") and "active" in (value or {}))


def _names_members(path: str, value: Any) -> bool:
    return path == "members" or (not path and isinstance(value, dict) and "members" in value)


def _members_of(operation: Resource) -> list[str]:
    """The members that an operation speaks of, by its value or by the filter in its path."""
    path, value = operation.get("path") or "", operation.get("value")
    if not path and isinstance(value, dict):
        value = value.get("members")
    elif not path.startswith("members"):
        return []
    if "[" in path:
        try:
            search = path_of(path).search
        except BadPath:
            return []
        return [one.value for one in search.comparisons] if search else []
    return ids_in(value) if value else []
