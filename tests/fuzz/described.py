"""The endpoints of the service provider as OpenAPI 3.1, as far as a generator of requests needs it (RFC 7644).

`/Me` is left out: its answer is 501, as section 3.11 allows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
TEXT = {"type": "string"}
ANYTHING: dict[str, Any] = {}


def _object(urn: str, *required: str, **properties: Any) -> dict[str, Any]:
    schemas = {"type": "array", "items": {"enum": [urn]}, "minItems": 1, "maxItems": 1}
    return {"type": "object", "required": ["schemas", *required], "properties": {"schemas": schemas, **properties}}


def _elements(*names: str) -> dict[str, Any]:
    one = {"type": "object", "properties": {**dict.fromkeys(names, TEXT), "primary": {"type": "boolean"}}}
    return {"type": "array", "items": one}


BODIES = {
    "Users": _object(
        USER, "userName", userName=TEXT, active={"type": "boolean"}, displayName=TEXT, title=TEXT,
        name={"type": "object", "properties": {"givenName": TEXT, "familyName": TEXT}},
        emails=_elements("value", "type"), phoneNumbers=_elements("value", "type"),
    ),
    "Groups": _object(GROUP, "displayName", displayName=TEXT, members=_elements("value", "display")),
}  # fmt: skip
OPERATION = {
    "type": "object",
    "required": ["op"],
    "properties": {
        "op": {"enum": ["add", "replace", "remove"]},
        "path": {"enum": ["active", "name.familyName", 'emails[type eq "work"].value', "members", "displayName", "x["]},
        "value": ANYTHING,
    },
}
CHANGE = _object(PATCH, "Operations", Operations={"type": "array", "items": OPERATION, "minItems": 1})
QUERY = ("filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes", "excludedAttributes")
QUESTION = _object(SEARCH, **dict.fromkeys(("filter", "sortBy", "sortOrder", "cursor"), TEXT))
BULK_OPERATION = {
    "type": "object",
    "properties": {
        "method": TEXT,
        "path": {"enum": ["/Users", "/Groups", "/Users/x"]},
        "bulkId": TEXT,
        "data": ANYTHING,
    },
}
MANY = _object(BULK, "Operations", Operations={"type": "array", "items": BULK_OPERATION, "maxItems": 5})


def _asked(body: dict[str, Any] | None = None, *parameters: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {"responses": {"default": {"description": "an answer"}}, "parameters": list(parameters)}
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/scim+json": {"schema": body}}}
    return operation


def described(ids: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Every path with its methods, parameters and bodies. `ids` are those of resources that are there, by endpoint."""
    query = [{"name": name, "in": "query", "schema": TEXT} for name in QUERY]
    paths: dict[str, Any] = {
        "/Bulk": {"post": _asked(MANY)},
        "/.search": {"post": _asked(QUESTION)},
        **{f"/{name}": {"get": _asked()} for name in ("ServiceProviderConfig", "ResourceTypes", "Schemas")},
    }
    for name, body in BODIES.items():
        by_id = {"name": "id", "in": "path", "required": True, "schema": {"enum": [*ids[name], "nobody"]}}
        paths[f"/{name}"] = {"get": _asked(None, *query), "post": _asked(body)}
        paths[f"/{name}/.search"] = {"post": _asked(QUESTION)}
        paths[f"/{name}/{{id}}"] = {
            "get": _asked(None, by_id, *query[-2:]),
            "put": _asked(body, by_id),
            "patch": _asked(CHANGE, by_id),
            "delete": _asked(None, by_id),
        }
    return {"openapi": "3.1.0", "info": {"title": "SCIM", "version": "2.0"}, "paths": paths}
