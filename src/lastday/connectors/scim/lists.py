"""Lists of SCIM resources (RFC 7644 section 3.4.2), page by page and whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lastday.connectors.scim.resources import Resource, as_resource, field, id_of
from lastday.connectors.sdk.answers import Answer
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, ListingIncomplete, NotSupported

MAX_PAGES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A ListResponse; `next_index` None says that nothing comes after it."""

    items: tuple[Resource, ...]
    total: int | None
    next_index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which list is asked for, and how."""

    endpoint: str
    filter: str | None = None
    options: Mapping[str, str] | None = None
    fresh: bool = False


async def read_page(client: HttpClient, query: Query, start: int, size: int) -> ListPage:
    """The page that begins at `start`, counted from 1.

    Raises NotSupported where the application does not take the filter, AnswerUnusable where it does not answer with a
    list, ListingIncomplete where it stops before the total that it states.
    """
    parameters = {**(query.options or {}), "startIndex": str(start), "count": str(size)}
    if query.filter is not None:
        parameters["filter"] = query.filter
    call = Call(method="GET", path=(query.endpoint,), query=parameters, fresh=query.fresh)
    answer = await client.send(call)
    if answer.status == 400 and query.filter is not None:
        raise NotSupported(
            f"the application does not take a filter on {query.filter.partition(' ')[0]}: {error_text(answer)}"
        )
    if answer.status != 200:
        raise AnswerUnusable(f"/{query.endpoint} was answered {answer.status}: {error_text(answer)}")
    return _page_of(as_resource(answer.json()), query.endpoint, start)


async def read_all(client: HttpClient, query: Query, size: int) -> tuple[Resource, ...]:
    """Every resource of the list. Raises ListingIncomplete where one comes twice or the stated total does not come."""
    found: dict[str, Resource] = {}
    start: int | None = 1
    pages = 0
    total: int | None = None
    while start is not None:
        page = await read_page(client, query, start, size)
        for item in page.items:
            if id_of(item) in found:
                raise ListingIncomplete(f"/{query.endpoint} gave {id_of(item)} on two pages")
            found[id_of(item)] = item
        pages, total, start = pages + 1, page.total, page.next_index
        if pages > MAX_PAGES:
            raise ListingIncomplete(f"/{query.endpoint} has more than {MAX_PAGES} pages")
    if total is not None and total != len(found):
        raise ListingIncomplete(f"/{query.endpoint} states {total} and gave {len(found)}")
    return tuple(found.values())


def error_text(answer: Answer) -> str:
    """What the application says about its refusal: scimType and detail, shortened."""
    try:
        value = answer.json()
    except AnswerUnusable:
        return "no reason given"
    if not isinstance(value, Mapping):
        return "no reason given"
    words = [str(field(value, name)) for name in ("scimType", "detail") if field(value, name)]
    return ": ".join(words)[:300] or "no reason given"


def _page_of(body: Resource, endpoint: str, start: int) -> ListPage:
    total = _count(field(body, "totalResults"))
    listed = field(body, "Resources")
    if listed is None and total != 0:
        raise AnswerUnusable(f"/{endpoint} answered without Resources", effect="Nothing is concluded from it.")
    items = _resources(listed, endpoint)
    seen = start - 1 + len(items)
    if not items and total is not None and seen < total:
        raise ListingIncomplete(f"/{endpoint} states {total} and ends after {seen}")
    ends = not items or (total is not None and seen >= total)
    return ListPage(items=items, total=total, next_index=None if ends else seen + 1)


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
