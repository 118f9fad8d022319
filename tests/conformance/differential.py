"""Generated requests, the same for two servers, and what of their answers is compared.

What a server gives by itself (ids, instants, versions, its words in `detail`) is left out of the comparison; statuses,
error types and every attribute of the resources are not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.conformance.asking import Asking, Said

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
OWN = ("id", "meta", "detail", "groups", "itemsPerPage")

_words = st.sampled_from(["Ada", "ada", "Büro", "x y", "O'Neil", "日本", "a@b.example", "1"])
_types = st.sampled_from(["work", "home", "other"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request about the one user of the example; `{id}` in the path is its id at each server."""

    method: str
    path: str
    body: Any = None

    def sent_to(self, asking: Asking, user: str) -> Said:
        return asking(self.method, self.path.replace("{id}", user), self.body)


def _elements(*, unique: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.fixed_dictionaries(
        {"value": st.sampled_from(["a@b.example", "c@d.example", "e@f.example"]), "type": _types}
    )
    by = (lambda item: item["type"]) if unique else (lambda item: (item["type"], item["value"]))
    return st.lists(one, min_size=1, max_size=3, unique_by=by)


attributes: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "displayName": _words,
        "nickName": _words,
        "title": _words,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"givenName": _words, "familyName": _words}).filter(bool),
        "emails": _elements(unique=False),
        "phoneNumbers": st.lists(
            st.fixed_dictionaries({"value": st.sampled_from(["+49 30 1", "+1 2"]), "type": _types}),
            min_size=1,
            max_size=1,
        ),
        ENTERPRISE: st.fixed_dictionaries({}, optional={"department": _words, "costCenter": _words}).filter(bool),
    },
)
"""What a well-behaved client sends beside the user name."""

_simple_paths = st.sampled_from(
    ["displayName", "nickName", "title", "name.givenName", "name.familyName", f"{ENTERPRISE}:department"]
)
_good = st.one_of(
    st.builds(lambda op, path, value: {"op": op, "path": path, "value": value},
              st.sampled_from(["add", "replace"]), _simple_paths, _words),
    st.builds(lambda path: {"op": "remove", "path": path}, _simple_paths),
    st.builds(lambda op, value: {"op": op, "path": "active", "value": value},
              st.sampled_from(["add", "replace"]), st.booleans()),
    st.builds(lambda op, value: {"op": op, "path": "emails", "value": value},
              st.sampled_from(["add", "replace"]), _elements(unique=False)),
    st.builds(lambda kind: {"op": "remove", "path": f'emails[type eq "{kind}"]'}, _types),
    st.builds(lambda kind, value: {"op": "replace", "path": f'emails[type eq "{kind}"].value', "value": value},
              _types, st.just("new@b.example")),
    st.builds(lambda op, value: {"op": op, "value": value},
              st.sampled_from(["add", "replace"]), attributes.filter(bool)),
    st.just({"op": "remove", "path": "emails"}),
)  # fmt: skip
_bad = st.sampled_from(
    [
        {"op": "remove"},
        {"op": "replace", "path": "active", "value": "perhaps"},
        {"op": "replace", "path": "userName", "value": None},
        {"op": "remove", "path": "userName"},
        {"op": "move", "path": "title", "value": "x"},
        {"op": "replace", "path": "emails[type eq", "value": "x"},
        {"op": "replace", "path": "no such path", "value": "x"},
        {"op": "replace", "path": 'emails[type eq "none"].value', "value": "x@y.example"},
        {"op": "add", "path": "title", "value": {"a": 1}},
        {"op": "replace", "path": "id", "value": "mine"},
    ]
)
_patches = st.lists(st.one_of(_good, _good, _good, _bad), min_size=1, max_size=3).map(
    lambda operations: Request(method="PATCH", path="/Users/{id}", body={"schemas": [PATCH], "Operations": operations})
)
_conditions = st.one_of(
    st.builds(lambda path, op, value: f'{path} {op} "{value}"',
              st.sampled_from(["displayName", "title", "name.familyName", "emails.value", "emails", "NICKNAME"]),
              st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "le"]), _words.filter(lambda w: "'" not in w)),
    st.builds(lambda path: f"{path} pr", st.sampled_from(["title", "emails", "name", "name.givenName", "active"])),
    st.builds(lambda value: f"active eq {value}", st.sampled_from(["true", "false"])),
    st.builds(lambda kind, value: f'emails[type eq "{kind}" and value co "{value}"]', _types,
              st.sampled_from(["b.", "D"])),
    st.sampled_from(['title eq', 'title xx "a"', "(title pr", 'title eq "a" and', "title"]),
)  # fmt: skip
_filters = st.one_of(
    _conditions,
    st.builds(lambda a, word, b: f"{a} {word} {b}", _conditions, st.sampled_from(["and", "or"]), _conditions),
    st.builds(lambda a: f"not ({a})", _conditions),
)
_lists = _filters.map(lambda text: Request(method="GET", path=f"/Users?filter={quote(text)}"))
_replacements = attributes.map(
    lambda given: Request(
        method="PUT", path="/Users/{id}", body={"schemas": _schemas(given), "userName": "ada", **given}
    )
)
_views = st.sampled_from(
    [
        Request(method="GET", path="/Users/{id}?attributes=displayName"),
        Request(method="GET", path="/Users/{id}?attributes=name.givenName,emails.value"),
        Request(method="GET", path="/Users/{id}?excludedAttributes=emails,name.familyName"),
        Request(method="GET", path=f"/Users/{{id}}?attributes={ENTERPRISE}:department"),
        Request(method="GET", path="/Users?count=0"),
        Request(method="GET", path="/Users?startIndex=0&count=1"),
        Request(method="GET", path="/Users?count=-1"),
        Request(method="GET", path="/Users?sortBy=title&sortOrder=descending"),
        Request(method="GET", path="/Users/nobody"),
        Request(method="DELETE", path="/Users/nobody"),
        Request(method="PATCH", path="/Users/{id}", body={"schemas": [PATCH], "Operations": []}),
        Request(method="POST", path="/Users", body={"schemas": [USER], "displayName": "nameless"}),
        Request(method="POST", path="/Users", body={"schemas": [USER], "userName": "ADA"}),
        Request(method="POST", path="/Users", body={"userName": "schemaless"}),
        Request(method="POST", path="/Users", body={"schemas": [USER], "userName": 7}),
    ]
)
stories = st.lists(st.one_of(_patches, _patches, _lists, _replacements, _views), min_size=1, max_size=4)
"""One to four requests, one after the other."""


def new_user(given: Mapping[str, Any]) -> dict[str, Any]:
    """The user that each story is about."""
    return {"schemas": _schemas(given), "userName": "ada", **given}


def _schemas(given: Mapping[str, Any]) -> list[str]:
    return [USER, ENTERPRISE] if ENTERPRISE in given else [USER]


def comparable(said: Said) -> Any:
    """Of an answer what both servers must agree in."""
    return {"status": said.status, "body": _plain(said.body) if said.body is not None else None}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _plain(inner) for name, inner in value.items() if name not in OWN}
        return {name: inner for name, inner in kept.items() if inner not in (None, [], {})}
    if isinstance(value, list):
        return sorted((_plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
