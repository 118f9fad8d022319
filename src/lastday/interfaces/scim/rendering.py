"""The bytes of a resource."""

import orjson

from lastday.interfaces.scim.protocol.projection import document_of
from lastday.model.scim import PushedResource


def rendered(resource: PushedResource, base_url: str) -> bytes:
    """The whole representation as JSON, with `id` and `meta` (RFC 7643 section 3.1).

    `base_url` is where clients reach the service provider, without a slash at the end.
    """
    return orjson.dumps(document_of(resource, base_url))
