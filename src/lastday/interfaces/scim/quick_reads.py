"""The most usual request, answered on the spot: one resource that is in memory, asked for by its address.

What `ScimApplication` would answer is answered here to the byte, or nothing is, and it is asked: a property test holds
the two against each other. This way a read costs less than the ways to it.
"""

import re
from collections.abc import Callable, Sequence

from lastday.interfaces.scim.cache import CachedResources
from lastday.interfaces.scim.clients import TokenClients
from lastday.interfaces.scim.requests import MOUNTED_AT, SCIM_JSON
from lastday.interfaces.scim.views import Shows
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import ResourceType, TokenScope
from lastday.store.ids import new_id

_ADDRESS = re.compile(
    rb"%b/(%b)/([A-Za-z0-9-]{1,64})" % (MOUNTED_AT.encode(), b"|".join(kind.endpoint.encode() for kind in ResourceType))
)
_KINDS = {kind.endpoint.encode(): kind for kind in ResourceType}
_BEARER = re.compile(rb"Bearer ([A-Za-z0-9._~+/-]+)")
_PLAIN = frozenset(
    {b"accept-encoding", b"accept-language", b"cache-control", b"connection", b"content-type", b"host", b"user-agent"}
)
"""Headers that make no difference to a read. Whatever else comes, we do not presume to know."""
_ACCEPTED = frozenset({SCIM_JSON, b"*/*"})


class QuickReads:
    """Answers reads that need neither the database nor a second look."""

    def __init__(
        self,
        resources: CachedResources,
        clients: TokenClients,
        shows: Callable[[SourceName, ResourceType], Shows],
    ) -> None:
        """`shows` gives what shows resources of a kind to clients that name no attributes."""
        self._resources = resources
        self._clients = clients
        self._shows = shows

    def at_hand(self, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes] | None:
        """Head (without the status line, with the line that ends it) and body of the 200 to this GET.

        None where the request has anything to it, where it would be refused, or where what it takes is not in memory.
        """
        asked, secret = _ADDRESS.fullmatch(url), _plain_secret(headers)
        if asked is None or secret is None:
            return None
        client = self._clients.at_hand(secret)
        if client is None or TokenScope.READ not in client.scopes:
            return None
        kind = _KINDS[asked[1]]
        found = self._resources.at_hand(client.source, kind, ResourceId(asked[2].decode("ascii")))
        if found is None or self._clients.seconds_to_wait(client) > 0:
            return None
        content = self._shows(client.source, kind)(found)
        told = (found.resource.etag.encode("ascii"), new_id("req").encode("ascii"), SCIM_JSON, len(content))
        return b"etag: %b\r\nx-request-id: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % told, content


def _plain_secret(headers: Sequence[tuple[bytes, bytes]]) -> str | None:
    """The bearer token of a request that has nothing else to say."""
    secret = None
    for name, value in headers:
        if name in _PLAIN:
            continue
        if name == b"authorization" and secret is None and (match := _BEARER.fullmatch(value)) is not None:
            secret = match[1].decode("ascii")
        elif name != b"accept" or value not in _ACCEPTED:
            return None
    return secret
