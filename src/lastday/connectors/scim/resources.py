"""Between SCIM resources and our words: tolerant of how servers spell, strict about what would be guessed."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from lastday.model.account import ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"

ENTERPRISE_NAMES = frozenset({"employeenumber", "costcenter", "organization", "division", "department", "manager"})
SEVERAL = frozenset({"emails", "phonenumbers", "ims", "addresses", "entitlements", "roles"})
"""Core attributes with several values (RFC 7643 section 4.1.2); `groups` is read only."""
_NOT_ATTRIBUTES = frozenset({"schemas", "meta", "groups", "password", "photos", "x509certificates"})
_PATH = re.compile(r"(?:urn:[A-Za-z0-9:._-]+:)?[A-Za-z][A-Za-z0-9_$-]*(?:\.[A-Za-z$][A-Za-z0-9_$-]*)?")

Resource = Mapping[str, JsonValue]


def as_resource(value: JsonValue) -> Resource:
    """`value` as an object. Raises AnswerUnusable where it is none, or an error that came with a good status."""
    if not isinstance(value, Mapping):
        raise AnswerUnusable("the answer is not a JSON object", effect="Nothing is concluded from it.")
    schemas = value.get("schemas")
    if isinstance(schemas, Sequence) and ERROR in schemas:
        raise AnswerUnusable(f"the answer says done and is an error: {field(value, 'detail')!r}")
    return value


def field(resource: Resource, name: str) -> JsonValue:
    """The value under `name`; names compare without case (RFC 7643 section 2.1)."""
    if name in resource:
        return resource[name]
    return next((value for key, value in resource.items() if key.lower() == name.lower()), None)


def id_of(resource: Resource) -> NativeId:
    """The id, a number as its digits. Raises AnswerUnusable where there is none."""
    found = field(resource, "id")
    if isinstance(found, bool) or not isinstance(found, (str, int)) or found == "":
        raise AnswerUnusable("a resource came without an id", effect="Nothing is concluded from this answer.")
    return NativeId(str(found))


def account_of(resource: Resource, holdings: Iterable[ObservedHolding]) -> ObservedAccount:
    """The account that a User resource shows. Raises AnswerUnusable without `id` or `userName`.

    An account that says nothing of `active` counts as enabled: nobody is believed to be out by silence.
    """
    native_id = id_of(resource)
    username = field(resource, "userName")
    if isinstance(username, bool) or not isinstance(username, (str, int)) or username == "":
        raise AnswerUnusable(f"user {native_id} came without userName", effect="Nothing is concluded.")
    enabled = _active(field(resource, "active"), native_id)
    attributes = attributes_of(resource).merged(Attributes.of({"id": native_id, "active": enabled}))
    return ObservedAccount(
        native_id=native_id,
        username=str(username),
        enabled=enabled,
        attributes=attributes,
        holdings=tuple(sorted(set(holdings))),
        created_at=_created(field(resource, "meta")),
    )


def _active(value: JsonValue, native_id: NativeId) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return value
    spelled = str(value).strip().lower()
    if spelled in ("true", "1", "false", "0"):
        return spelled in ("true", "1")
    raise AnswerUnusable(f"user {native_id} is active {str(value)[:40]!r}, which is neither true nor false")


def _created(meta: JsonValue) -> datetime | None:
    text = field(meta, "created") if isinstance(meta, Mapping) else None
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def attributes_of(resource: Resource) -> Attributes:
    """Everything that describes the person, flat: `name.givenName`, `emails.value`; extensions without their URN."""
    found: dict[str, tuple[AttributeValue, ...]] = {}
    for name, value in resource.items():
        if name.lower() in _NOT_ATTRIBUTES:
            continue
        pairs = _flat("", value) if name.lower().startswith("urn:") else _flat(name, value)
        for path, values in pairs:
            found.setdefault(path, values)
    return Attributes.of(found)


def _flat(name: str, value: JsonValue) -> Iterator[tuple[str, tuple[AttributeValue, ...]]]:
    if isinstance(value, (str, bool, int)):
        yield name, (value,)
    elif isinstance(value, Mapping):
        for sub, inner in value.items():
            yield from _flat(f"{name}.{sub}" if name else sub, inner)
    elif isinstance(value, Sequence):
        gathered: dict[str, list[AttributeValue]] = {}
        for item in value:
            for path, values in _flat(name, item):
                gathered.setdefault(path, []).extend(values)
        yield from ((path, tuple(values)) for path, values in gathered.items())


def resource_of(username: str, attributes: Attributes) -> dict[str, JsonValue]:
    """The User to POST: active, with `attributes` where the core and the enterprise schema have them."""
    body: dict[str, JsonValue] = {"schemas": [USER], "userName": username, "active": True}
    for path, values in attributes.pairs:
        if path.lower() in ("id", "username", "active"):
            continue
        urn, name = schema_of(path)
        if urn == ENTERPRISE and ENTERPRISE not in body:
            body["schemas"] = [USER, ENTERPRISE]
            body[ENTERPRISE] = {}
        name = "manager.value" if name.lower() == "manager" else name
        holder = body[ENTERPRISE] if urn == ENTERPRISE else body
        if isinstance(holder, dict):
            _put(holder, name, values)
    return body


def _put(holder: dict[str, JsonValue], name: str, values: tuple[AttributeValue, ...]) -> None:
    outer, dot, sub = name.partition(".")
    if not dot:
        holder[name] = values[0] if len(values) == 1 else list(values)
    elif outer.lower() in SEVERAL:
        holder[outer] = elements_with([], sub, values)
    else:
        inner = holder.setdefault(outer, {})
        if isinstance(inner, dict):
            inner[sub] = values[0]


def elements_with(present: Sequence[JsonValue], sub: str, values: tuple[AttributeValue, ...]) -> list[JsonValue]:
    """The elements of a list of objects, after its main ones carry `values` under `sub`; the others stay.

    The main one is the primary, else the one for work, else the first: servers differ in how they let a path name
    one (RFC 7644 section 3.5.2), so the whole list is written.
    """
    elements: list[dict[str, JsonValue]] = [dict(item) for item in present if isinstance(item, Mapping)]
    if not elements:
        return [{sub: value, "type": "work", "primary": index == 0} for index, value in enumerate(values)]
    main = max(elements, key=lambda item: (str(item.get("primary")).lower() == "true", item.get("type") == "work"))
    main[sub] = values[0]
    have = {item.get(sub) for item in elements if not isinstance(item.get(sub), (Mapping, list))}
    return [*elements, *({sub: value, "type": "other"} for value in values[1:] if value not in have)]


def only_main(body: dict[str, JsonValue], single_valued: Iterable[str]) -> dict[str, JsonValue]:
    """The resource with the first element alone of the lists (in lower case) of which the application takes one."""
    single = frozenset(single_valued)
    return {
        name: value[:1] if isinstance(value, list) and name.lower() in single else value for name, value in body.items()
    }


def schema_of(path: str) -> tuple[str, str]:
    """The schema an attribute path belongs to, and the path inside it. Raises NotSupported for a path that is none."""
    if not _PATH.fullmatch(path):
        raise NotSupported(f"{path!r} is not the name of a SCIM attribute", mend="Correct it in the configuration.")
    urn, colon, name = path.rpartition(":")
    if colon and urn.lower() not in (USER.lower(), ENTERPRISE.lower()):
        raise NotSupported(f"the schema {urn} is not one that accounts are written in")
    bare = name.partition(".")[0].lower()
    enterprise = urn.lower() == ENTERPRISE.lower() or (not colon and bare in ENTERPRISE_NAMES)
    return (ENTERPRISE if enterprise else USER), name


def full_path(path: str) -> str:
    """The path as a PATCH or a filter writes it: extension attributes with their URN (RFC 7644 section 3.10)."""
    urn, name = schema_of(path)
    if urn != ENTERPRISE:
        return name
    return f"{ENTERPRISE}:{name}.value" if name.lower() == "manager" else f"{ENTERPRISE}:{name}"


def equals(path: str, value: str) -> str:
    """The filter `path eq "value"`; `value` is one JSON string whatever it contains (RFC 7644 section 3.4.2.2).

    >>> equals("userName", 'x" or id pr or userName eq "y')
    'userName eq "x\\\\" or id pr or userName eq \\\\"y"'
    """
    return f"{full_path(path)} eq {json.dumps(value, ensure_ascii=False)}"
