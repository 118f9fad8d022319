"""From path and method to what is done (RFC 7644 section 3.2, table 2)."""

from collections.abc import Collection
from http import HTTPStatus

from lastday.filters.comparable import storable
from lastday.interfaces.asgi import Receive
from lastday.interfaces.scim import resource_requests
from lastday.interfaces.scim.access import permit
from lastday.interfaces.scim.answers import Answer, Refused
from lastday.interfaces.scim.bulk import bulk
from lastday.interfaces.scim.discovery_routes import DISCOVERY, discover
from lastday.interfaces.scim.documents import read_document
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.provider import Provider
from lastday.interfaces.scim.requests import Request
from lastday.interfaces.scim.search import search
from lastday.interfaces.scim.search_request import read_search, read_search_request
from lastday.model.canonical import JsonValue
from lastday.model.scim import PushClient, ResourceType, TokenScope

ENDPOINTS = {kind.endpoint: kind for kind in ResourceType}
EVERY_KIND = tuple(ResourceType)

_READING = ("GET", "HEAD")
_RESOURCE = frozenset({"GET", "HEAD", "PUT", "PATCH", "DELETE"})
_COLLECTION = frozenset({"GET", "HEAD", "POST"})


class Routes:
    """Answers the requests of clients that are known."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def answer(self, client: PushClient, request: Request, receive: Receive) -> Answer:
        """The answer to `request`. Raises ScimError where it is refused, StoreError where nothing can be kept."""
        path = request.path
        kind = ENDPOINTS.get(path[0]) if path else None
        if kind is not None and len(path) == 2 and path[1] != ".search":
            return await self._resource(client, request, receive, kind)
        if kind is not None and len(path) == 1:
            return await self._collection(client, request, receive, kind)
        if path[-1:] == (".search",) and (kind is not None or len(path) == 1):
            _allow(request, ("POST",))
            return await self._search_by_body(client, request, receive, EVERY_KIND if kind is None else (kind,))
        if kind is not None:
            raise not_found()
        return await self._elsewhere(client, request, receive)

    async def _resource(self, client: PushClient, request: Request, receive: Receive, kind: ResourceType) -> Answer:
        if not storable(request.path[1]):
            raise not_found()
        if request.method in _READING:
            return await resource_requests.read(self._provider, client, request, kind)
        _allow(request, _RESOURCE)
        permit(client, TokenScope.WRITE)
        if request.method == "DELETE":
            return await resource_requests.delete(self._provider, client, request, kind)
        data = await self._document(client, request, receive)
        return await resource_requests.change(self._provider, client, request, kind, data)

    async def _collection(self, client: PushClient, request: Request, receive: Receive, kind: ResourceType) -> Answer:
        if request.method in _READING:
            return await self._search_by_query(client, request, (kind,))
        _allow(request, _COLLECTION)
        permit(client, TokenScope.WRITE)
        data = await self._document(client, request, receive)
        return await resource_requests.create(self._provider, client, request, kind, data)

    async def _elsewhere(self, client: PushClient, request: Request, receive: Receive) -> Answer:
        path = request.path
        if not path:
            _allow(request, _READING)
            return await self._search_by_query(client, request, EVERY_KIND)
        if path == ("Bulk",):
            _allow(request, ("POST",))
            permit(client, TokenScope.WRITE)
            document = await self._document(client, request, receive)
            return await bulk(self._provider, client, request.request_id, document)
        if path[0] == "Me":
            # A token speaks for a program; there is no person behind it of whom the resource could be shown.
            raise ScimError(HTTPStatus.NOT_IMPLEMENTED, "The holder of this token is no person: there is no /Me.")
        if path[0] in DISCOVERY:
            _allow(request, _READING)
            return discover(self._provider, client, request)
        raise not_found()

    async def _search_by_query(self, client: PushClient, request: Request, kinds: tuple[ResourceType, ...]) -> Answer:
        permit(client, TokenScope.READ)
        return await search(self._provider, client, kinds, read_search(request.parameters(), self._provider.limits))

    async def _search_by_body(
        self, client: PushClient, request: Request, receive: Receive, kinds: tuple[ResourceType, ...]
    ) -> Answer:
        permit(client, TokenScope.READ)
        document = await self._document(client, request, receive)
        profile = self._provider.profiles(client.profile)
        return await search(
            self._provider, client, kinds, read_search_request(document, profile, self._provider.limits)
        )

    async def _document(self, client: PushClient, request: Request, receive: Receive) -> JsonValue:
        media_types = self._provider.profiles(client.profile).content_types
        return await read_document(request, receive, self._provider.limits, media_types)


def not_found() -> ScimError:
    return ScimError(HTTPStatus.NOT_FOUND, "There is nothing at this path.")


def _allow(request: Request, methods: Collection[str]) -> None:
    """Raises Refused 405, with what is allowed, for any other method."""
    if request.method not in methods:
        allowed = ", ".join(sorted(methods)).encode("ascii")
        detail = f"{request.method} is not possible here."
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, detail, headers=((b"allow", allowed),))
