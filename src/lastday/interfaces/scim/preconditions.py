"""`If-Match` and `If-None-Match` (RFC 7644 section 3.14, RFC 9110 section 13)."""

import re

from lastday.model.scim import PushedResource

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def matches(header: str, resource: PushedResource | None) -> bool:
    """Whether one of the entity tags in `header` is that of `resource`; `*` is that of whatever is there.

    Tags compare weakly: RFC 7644 gives weak tags to `If-Match`, which RFC 9110 alone would never let match. A tag
    without quotation marks is taken as one: clients copy `meta.version` in any shape.
    """
    if resource is None:
        return False
    if header == resource.etag or header.strip() == "*":
        return True
    tags = _TAG.findall(header) or [header.strip().removeprefix("W/")]
    return str(resource.version) in tags
