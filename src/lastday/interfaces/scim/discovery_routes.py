"""What a client is told of the service provider (RFC 7644 section 4).

A token is wanted here too, although RFC 7644 would let anybody read: schemas are a source's own, and the names of its
attributes are nobody else's business. Clients send their token with every request.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from lastday.interfaces.scim.access import permit
from lastday.interfaces.scim.answers import Answer, json_answer
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.discovery import (
    Announced,
    resource_types,
    schema_documents,
    service_provider_config,
)
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.provider import Provider
from lastday.interfaces.scim.requests import Request
from lastday.interfaces.scim.search import LIST_RESPONSE
from lastday.model.canonical import JsonValue
from lastday.model.scim import PushClient, TokenScope

CONFIG, TYPES, SCHEMAS = "ServiceProviderConfig", "ResourceTypes", "Schemas"
DISCOVERY = frozenset({CONFIG, TYPES, SCHEMAS})


def discover(provider: Provider, client: PushClient, request: Request) -> Answer:
    """The description at the request's path. Raises ScimError 403 for a filter (section 4) and 404."""
    permit(client, TokenScope.READ)
    if "filter" in request.parameters():
        raise ScimError(HTTPStatus.FORBIDDEN, "What is described here cannot be filtered.")
    if len(request.path) > 2 or (len(request.path) > 1 and request.path[0] == CONFIG):
        raise ScimError(HTTPStatus.NOT_FOUND, "There is nothing at this path.")
    if request.path[0] == CONFIG:
        return json_answer(service_provider_config(provider.base_url, _announced(provider.limits)))
    describe = resource_types if request.path[0] == TYPES else schema_documents
    described = describe(provider.schemas(client.source), provider.base_url)
    if len(request.path) == 1:
        return json_answer(_list(described))
    wanted = request.path[1].lower()
    found = next((one for one in described if str(one["id"]).lower() == wanted), None)
    if found is None:
        raise ScimError(HTTPStatus.NOT_FOUND, f"There is no such thing in {request.path[0]}.")
    return json_answer(found)


def _list(described: Sequence[Mapping[str, JsonValue]]) -> dict[str, JsonValue]:
    count = len(described)
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": count,
        "itemsPerPage": count,
        "startIndex": 1,
        "Resources": list(described),
    }


def _announced(limits: ScimLimits) -> Announced:
    return Announced(
        bulk_operations=limits.bulk_operations,
        bulk_payload_bytes=limits.body_bytes,
        filter_results=limits.page,
        default_page_size=limits.default_page,
        page_size=limits.page,
        cursor_lifetime_s=limits.cursor_lifetime_s,
    )
