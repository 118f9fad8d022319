"""Searches, a page at a time (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865)."""

from collections.abc import Iterable
from datetime import timedelta

import orjson

from lastday.interfaces.scim.answers import Answer
from lastday.interfaces.scim.cursors import Page
from lastday.interfaces.scim.filter_paths import refuse_secrets
from lastday.interfaces.scim.merging import find_merged
from lastday.interfaces.scim.ports import Found
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType, invalid_filter
from lastday.interfaces.scim.provider import Provider
from lastday.interfaces.scim.search_request import SearchRequest
from lastday.model.canonical import JsonValue
from lastday.model.errors import FilterError
from lastday.model.ids import SourceName
from lastday.model.scim import PushClient, ResourceType
from lastday.store.pushed import Search

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


async def search(
    provider: Provider, client: PushClient, kinds: tuple[ResourceType, ...], asked: SearchRequest
) -> Answer:
    """One page of what the client looks for. Raises ScimError 400 where it may not look like this."""
    schemas = provider.schemas(client.source)
    refuse_secrets(asked, [schemas.kind(kind) for kind in kinds])
    belongs_to = orjson.dumps([client.source, kinds, asked.question.hex()])
    wanted = _search(provider, kinds[0], asked, belongs_to)
    found = await _found(provider, client.source, kinds, wanted)
    shows = {kind: provider.shows(client, kind, asked.view) for kind in kinds}
    contents = [shows[item.resource.type](item) for item in found.items]
    return Answer(content=_list_response(_head(provider, asked, wanted, found, belongs_to), contents))


async def _found(provider: Provider, source: SourceName, kinds: tuple[ResourceType, ...], wanted: Search) -> Found:
    try:
        if len(kinds) == 1:
            return await provider.resources.find(source, wanted)
        schemas = provider.schemas(source)
        return await find_merged(
            provider.resources, source, kinds, wanted, schemas=schemas, most=provider.limits.merged
        )
    except FilterError as error:
        raise invalid_filter(f"The filter cannot be answered: {error.what}. {error.mend}".strip()) from None


def _search(provider: Provider, kind: ResourceType, asked: SearchRequest, belongs_to: bytes) -> Search:
    limits = provider.limits
    count = min(max(limits.default_page if asked.count is None else asked.count, 0), limits.page)
    page = Page(after=None, count=count)
    if asked.cursor:
        page = provider.cursors.open(asked.cursor, belongs_to=belongs_to, now=provider.clock.now())
        if asked.count is not None and count != page.count:
            raise ScimError(400, "`count` is not that of the first page.", ScimType.INVALID_COUNT)
    return Search(
        type=kind,
        filter=asked.filter,
        sort_by=asked.sort_by,
        descending=asked.descending,
        count=page.count,
        start=asked.start,
        after=page.after,
    )


def _head(
    provider: Provider, asked: SearchRequest, wanted: Search, found: Found, belongs_to: bytes
) -> dict[str, JsonValue]:
    head: dict[str, JsonValue] = {
        "schemas": [LIST_RESPONSE],
        "totalResults": found.total,
        "itemsPerPage": len(found.items),
    }
    if asked.cursor is None:
        return {**head, "startIndex": asked.start}
    if found.following is None:
        return head
    expires_at = provider.clock.now() + timedelta(seconds=provider.limits.cursor_lifetime_s)
    cursor = provider.cursors.seal(found.following, wanted.count, belongs_to=belongs_to, expires_at=expires_at)
    return {**head, "nextCursor": cursor}


def _list_response(head: dict[str, JsonValue], contents: Iterable[bytes]) -> bytes:
    return b'%b,"Resources":[%b]}' % (orjson.dumps(head)[:-1], b",".join(contents))
