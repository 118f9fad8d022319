"""What the service provider tells about itself (RFC 7643 sections 5 to 7; RFC 9865 section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass

from lastday.interfaces.scim.protocol.schema import Attribute, AttributeType, ResourceKind, Schema
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.model.canonical import JsonValue

CONFIG_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
SCHEMA_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """The limits that clients are told."""

    bulk_operations: int
    bulk_payload_bytes: int
    filter_results: int
    default_page_size: int
    page_size: int
    cursor_lifetime_s: int


def service_provider_config(base_url: str, limits: Announced) -> dict[str, JsonValue]:
    """`/ServiceProviderConfig`; `base_url` ends without a slash."""
    return {
        "schemas": [CONFIG_SCHEMA],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": limits.bulk_operations,
            "maxPayloadSize": limits.bulk_payload_bytes,
        },
        "filter": {"supported": True, "maxResults": limits.filter_results},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits.default_page_size,
            "maxPageSize": limits.page_size,
            "cursorTimeout": limits.cursor_lifetime_s,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token made by `lastday token new scim`, in the header Authorization.",
                "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base_url}/ServiceProviderConfig"},
    }


def resource_types(schemas: SchemaSet, base_url: str) -> list[dict[str, JsonValue]]:
    """The resources of `/ResourceTypes`; each stands below it under its `id`."""
    return [_resource_type(kind, base_url) for kind in schemas.kinds.values()]


def schema_documents(schemas: SchemaSet, base_url: str) -> list[dict[str, JsonValue]]:
    """The resources of `/Schemas`; each stands below it under its `id`, which is its URN."""
    return [_schema_document(schema, base_url) for schema in schemas.schemas]


def _resource_type(kind: ResourceKind, base_url: str) -> dict[str, JsonValue]:
    extensions: list[JsonValue] = [
        {"schema": extension.schema.urn, "required": extension.required} for extension in kind.extensions
    ]
    return {
        "schemas": [RESOURCE_TYPE_SCHEMA],
        "id": kind.type.value,
        "name": kind.type.value,
        "description": kind.core.description,
        "endpoint": f"/{kind.type.endpoint}",
        "schema": kind.core.urn,
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": f"{base_url}/ResourceTypes/{kind.type.value}"},
    }


def _schema_document(schema: Schema, base_url: str) -> dict[str, JsonValue]:
    return {
        "schemas": [SCHEMA_SCHEMA],
        "id": schema.urn,
        "name": schema.name,
        "description": schema.description,
        "attributes": _attribute_documents(schema.attributes),
        "meta": {"resourceType": "Schema", "location": f"{base_url}/Schemas/{schema.urn}"},
    }


def _attribute_documents(attributes: Sequence[Attribute]) -> list[JsonValue]:
    return [_attribute_document(attribute) for attribute in attributes]


def _attribute_document(attribute: Attribute) -> JsonValue:
    document: dict[str, JsonValue] = {
        "name": attribute.name,
        "type": attribute.type.value,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": attribute.mutability.value,
        "returned": attribute.returned.value,
    }
    if attribute.type is AttributeType.COMPLEX:
        return {**document, "subAttributes": _attribute_documents(attribute.sub_attributes)}
    document |= {"caseExact": attribute.case_exact, "uniqueness": attribute.uniqueness.value}
    if attribute.canonical_values:
        document["canonicalValues"] = list(attribute.canonical_values)
    if attribute.reference_types:
        document["referenceTypes"] = list(attribute.reference_types)
    return document
