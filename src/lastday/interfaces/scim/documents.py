"""The JSON that a request brings."""

from lastday.interfaces.asgi import Receive
from lastday.interfaces.scim.json_text import read_json
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.requests import Request, check_content, read_body
from lastday.model.canonical import JsonValue


async def read_document(
    request: Request, receive: Receive, limits: ScimLimits, media_types: frozenset[str]
) -> JsonValue:
    """The body, read whole and checked. Raises ScimError 415, 413 and 400."""
    check_content(request.headers, media_types)
    content = await read_body(request.headers, receive, limit=limits.body_bytes)
    return read_json(content, depth=limits.json_depth)
