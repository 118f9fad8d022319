"""Lists of SCIM resources, page by page and whole, by index (RFC 7644 section 3.4.2) or by cursor (RFC 9865).

What cannot be shown to be whole is an error: a part of a list never becomes a finding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from lastday.connectors.scim.answers import body_of, error_text
from lastday.connectors.scim.dialect import Dialect, Paging
from lastday.connectors.scim.features import FeatureReader
from lastday.connectors.scim.resources import Resource, as_resource, id_of
from lastday.connectors.scim.resources import field as value_of
from lastday.connectors.sdk.answers import Answer
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, ListingIncomplete, NotSupported
from lastday.model.ids import NativeId

MAX_PAGES: Final = 10_000
LOST_CURSOR: Final = ("invalidCursor", "expiredCursor")
"""RFC 9865 section 2.1: the rest of the list is not to be had by this cursor any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page begins: behind a cursor, else at an index counted from 1."""

    index: int = 1
    cursor: str | None = None


FIRST: Final = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A ListResponse; `following` None says that nothing comes after it."""

    items: tuple[Resource, ...]
    total: int | None
    following: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which list is asked for, and how."""

    endpoint: str
    filter: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False


class ListReader:
    """Reads lists of one application in the way that it pages."""

    def __init__(self, client: HttpClient, dialect: Dialect, features: FeatureReader) -> None:
        self._client = client
        self._dialect = dialect
        self._features = features

    async def page(self, query: Query, place: Place = FIRST, *, size: int | None = None) -> ListPage:
        """The page that begins at `place`.

        Raises NotSupported where the application does not take the filter, AnswerUnusable where it does not answer
        with a list, ListingIncomplete where it stops before the total that it states or does not know its cursor.
        """
        paging = await self._paging()
        parameters = self.taken({**query.options, **await self._parameters(paging, place, size)})
        if query.filter is not None:
            parameters["filter"] = query.filter
        answer = await self._client.send(
            Call(method="GET", path=(query.endpoint,), query=parameters, fresh=query.fresh)
        )
        _refuse_other(answer, query)
        body = as_resource(body_of(answer))
        if paging is Paging.CURSOR:
            return _page_by_cursor(body, query)
        page = _page_by_index(body, query, place.index)
        return page if paging is Paging.INDEX else replace(page, following=None)

    async def every(self, query: Query) -> tuple[Resource, ...]:
        """Every resource of the list.

        Raises ListingIncomplete where one comes twice, a cursor leads back, or the stated total changes or does not
        come.
        """
        walk = _Walk(query.endpoint)
        place: Place | None = FIRST
        while place is not None:
            page = await self.page(query, place)
            walk.add(page)
            place = page.following
        return walk.whole()

    def taken(self, parameters: Mapping[str, str]) -> dict[str, str]:
        """Those of the query parameters that the application takes."""
        return {name: text for name, text in parameters.items() if name not in self._dialect.omitted}

    async def _paging(self) -> Paging:
        stated = self._dialect.paging
        return (await self._features.known()).paging if stated is Paging.ANNOUNCED else stated

    async def _parameters(self, paging: Paging, place: Place, size: int | None) -> dict[str, str]:
        if paging is Paging.WHOLE:
            return {}
        most = (await self._features.known()).max_page_size if self._dialect.paging is Paging.ANNOUNCED else None
        wanted = size or self._dialect.page_size
        count = str(wanted if most is None else min(wanted, most))
        if paging is Paging.CURSOR:  # RFC 9865 section 2: the first request carries the parameter without a value
            return {"cursor": place.cursor or "", "count": count}
        return {"startIndex": str(place.index), "count": count}


class _Walk:
    """What came so far of one list, and whether it can still be whole."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._found: dict[NativeId, Resource] = {}
        self._cursors: set[str] = set()
        self._pages = 0
        self._total: int | None = None

    def add(self, page: ListPage) -> None:
        self._pages += 1
        if self._pages > MAX_PAGES:
            raise ListingIncomplete(f"/{self._endpoint} has more than {MAX_PAGES} pages")
        self._take_total(page.total)
        for item in page.items:
            if id_of(item) in self._found:
                raise ListingIncomplete(f"/{self._endpoint} gave {id_of(item)} twice")
            self._found[id_of(item)] = item
        cursor = page.following.cursor if page.following else None
        if cursor is not None and cursor in self._cursors:
            raise ListingIncomplete(f"/{self._endpoint} leads back to a page that was read before")
        self._cursors.update([] if cursor is None else [cursor])

    def whole(self) -> tuple[Resource, ...]:
        if self._total is not None and self._total != len(self._found):
            raise ListingIncomplete(f"/{self._endpoint} states {self._total} and gave {len(self._found)}")
        return tuple(self._found.values())

    def _take_total(self, total: int | None) -> None:
        if None not in (total, self._total) and total != self._total:
            raise ListingIncomplete(f"/{self._endpoint} stated {self._total} first and {total} later")
        self._total = self._total if total is None else total


def _refuse_other(answer: Answer, query: Query) -> None:
    """Raises for every answer that is no list."""
    if answer.status == 200:
        return
    why = error_text(answer)
    if why.startswith(LOST_CURSOR):
        raise ListingIncomplete(f"/{query.endpoint} does not go on: {why}", mend="Read it from the start.")
    if answer.status == 400 and query.filter is not None:
        raise NotSupported(f"the application does not take a filter on {query.filter.partition(' ')[0]}: {why}")
    raise AnswerUnusable(f"/{query.endpoint} was answered {answer.status}: {why}")


def _page_by_index(body: Resource, query: Query, start: int) -> ListPage:
    items, total = _content(body, query.endpoint)
    seen = start - 1 + len(items)
    if not items and total is not None and seen < total:
        raise ListingIncomplete(f"/{query.endpoint} states {total} and ends after {seen}")
    ends = not items or (total is not None and seen >= total)
    return ListPage(items=items, total=total, following=None if ends else Place(index=seen + 1))


def _page_by_cursor(body: Resource, query: Query) -> ListPage:
    """The last page has no nextCursor (RFC 9865 section 2); an empty one says the same."""
    items, total = _content(body, query.endpoint)
    following = value_of(body, "nextCursor")
    if following is not None and not isinstance(following, str):
        raise AnswerUnusable(f"/{query.endpoint} answered with a cursor that is no text")
    return ListPage(items=items, total=total, following=Place(cursor=following) if following else None)


def _content(body: Resource, endpoint: str) -> tuple[tuple[Resource, ...], int | None]:
    total = _count(value_of(body, "totalResults"))
    listed = value_of(body, "Resources")
    if listed is None and total != 0:
        raise AnswerUnusable(f"/{endpoint} answered without Resources", effect="Nothing is concluded from it.")
    return _resources(listed, endpoint), total


def _resources(listed: JsonValue, endpoint: str) -> tuple[Resource, ...]:
    items: Sequence[JsonValue] = listed if isinstance(listed, list) else []
    if listed is not None and not isinstance(listed, list):
        raise AnswerUnusable(f"/{endpoint} answered with Resources that are not a list")
    return tuple(as_resource(item) for item in items)


def _count(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() else None
