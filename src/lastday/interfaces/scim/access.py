"""Who calls, and may they (RFC 6750, RFC 7644 sections 2 and 3.12)."""

import math
import re

from lastday.interfaces.scim.answers import Refused
from lastday.interfaces.scim.ports import Clients
from lastday.interfaces.scim.requests import Headers
from lastday.model.scim import PushClient, TokenScope

_BEARER = re.compile(rb"Bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE)
_REALM = b'Bearer realm="lastday"'


async def authenticate(clients: Clients, headers: Headers) -> PushClient:
    """Whose token the request carries. Raises Refused 401 without a good token, 429 with one that must wait."""
    authorization = headers.get(b"authorization")
    if authorization is None:
        raise _unauthorised("A bearer token is wanted.", _REALM)
    match = _BEARER.fullmatch(authorization)
    client = None if match is None else await clients.authenticate(match[1].decode("ascii"))
    if client is None:
        raise _unauthorised("The token is unknown, expired or revoked.", _REALM + b', error="invalid_token"')
    wait_s = clients.seconds_to_wait(client)
    if wait_s > 0:
        after = b"%d" % math.ceil(wait_s)
        raise Refused(429, "Too many requests with this token.", headers=((b"retry-after", after),))
    return client


def permit(client: PushClient, scope: TokenScope) -> None:
    """Raises Refused 403 where the token does not allow this."""
    if scope not in client.scopes:
        challenge = _REALM + b', error="insufficient_scope", scope="' + scope.value.encode("ascii") + b'"'
        detail = f"This token may not {scope.value}."
        raise Refused(403, detail, headers=((b"www-authenticate", challenge),))


def _unauthorised(detail: str, challenge: bytes) -> Refused:
    return Refused(401, detail, headers=((b"www-authenticate", challenge),))
