"""What a client wants to have stored, as it can be stored; and what is different from before."""

import re
from collections.abc import Mapping

import orjson

from lastday.model.canonical import JsonValue
from lastday.model.errors import InputError
from lastday.model.scim import Body, PushedResource, ResourceType
from lastday.store.pushed_changes import user_name_of

_LONGEST = 2000
"""Bytes of a text that an index holds; one entry of PostgreSQL's index has room for 2704."""
_NUL_MAYBE = b"\\u0000"
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def stored_body(kind: ResourceType, before: PushedResource | None, wanted: Body) -> Body:
    """The body in JSON's own types. The `groups` of a user stay as they are: only a change of a group changes them.

    Raises InputError for what the database cannot keep.
    """
    body = dict(wanted)
    if kind is ResourceType.USER:
        _keep_groups(body, before)
    try:
        written = orjson.dumps(body)
    except TypeError as error:
        raise _not_storable("a value that is no JSON, or a whole number of more than 64 bits") from error
    if _NUL_MAYBE in written and _NUL.search(written):
        raise _not_storable("text with the character U+0000")
    for name, indexed in (("userName", user_name_of(kind, body)), ("externalId", body.get("externalId"))):
        if isinstance(indexed, str) and len(indexed.encode()) > _LONGEST:
            raise _not_storable(f"a {name} of more than {_LONGEST} bytes")
    stored: Body = orjson.loads(written)
    return stored


def same_json(one: Body, other: Body) -> bool:
    """Whether both say the same; unlike Python, JSON tells `true` from `1`."""
    return one == other and _sorted(one) == _sorted(other)


def changed_names(before: Body, after: Body) -> list[JsonValue]:
    """The names of the attributes that differ, those of extensions after their URN."""
    names: list[JsonValue] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new and ":" in name:
            inner = changed_names(*(value if isinstance(value, Mapping) else {} for value in (old, new)))
            names += [f"{name}:{one}" for one in inner]
        elif old != new:
            names.append(name)
    return names


def _keep_groups(body: dict[str, JsonValue], before: PushedResource | None) -> None:
    groups = None if before is None else before.body.get("groups")
    body.pop("groups", None)
    if groups is not None:
        body["groups"] = groups


def _sorted(body: Body) -> bytes:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def _not_storable(what: str) -> InputError:
    return InputError(f"the resource holds {what}", effect="nothing was changed", mend="leave it out", code="R111")
