"""What a client searches for, by query parameters or by a SearchRequest (RFC 7644 section 3.4.2 and 3.4.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

import orjson

from lastday.filters.ast import AttributePath, Filter
from lastday.filters.parser import parsed
from lastday.filters.scanner import Scanner
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.messages import require_schema
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.views import EVERYTHING, View, read_view
from lastday.model.canonical import JsonValue
from lastday.model.errors import FilterError

SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_FARTHEST = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What to look for, in which order, and which page of it."""

    filter: Filter | None = None
    sort_by: AttributePath | None = None
    descending: bool = False
    start: int = 1
    count: int | None = None
    cursor: str | None = None
    """The empty text begins; None means paging by index."""
    view: View = EVERYTHING
    question: bytes = field(repr=False)
    """Filter and order as sent: to this a cursor belongs."""


def read_search(fields: Mapping[str, JsonValue], limits: ScimLimits) -> SearchRequest:
    """The search that `fields` (under lower-case names) ask for. Raises ScimError, 400, for what cannot be read."""
    filter_text, sort_text = _text(fields, "filter"), _text(fields, "sortby")
    descending = _descending(_text(fields, "sortorder"))
    cursor = _text(fields, "cursor")
    if cursor is not None and fields.get("startindex") is not None:
        _refuse("`cursor` and `startIndex` exclude each other.")
    return SearchRequest(
        filter=_filter(filter_text, limits),
        sort_by=_path(sort_text),
        descending=descending,
        start=min(max(_number(fields, "startindex", ScimType.INVALID_VALUE) or 1, 1), _FARTHEST),
        count=_number(fields, "count", ScimType.INVALID_VALUE if cursor is None else ScimType.INVALID_COUNT),
        cursor=cursor,
        view=read_view(fields),
        question=orjson.dumps([filter_text, sort_text, descending]),
    )


def read_search_request(document: JsonValue, profile: Profile, limits: ScimLimits) -> SearchRequest:
    """The search that a SearchRequest asks for. Raises ScimError, 400, also where `document` is none."""
    fields = _lower_names(document)
    require_schema(fields.get("schemas"), SEARCH_REQUEST, profile)
    return read_search(fields, limits)


def _lower_names(document: JsonValue) -> Mapping[str, JsonValue]:
    """RFC 7643 section 2.1."""
    if not isinstance(document, Mapping):
        raise ScimError(status=400, detail="The body is no JSON object.", scim_type=ScimType.INVALID_SYNTAX)
    return {name.lower(): value for name, value in document.items()}


def _filter(text: str | None, limits: ScimLimits) -> Filter | None:
    if text is None or not text.strip():
        return None
    try:
        return parsed(text, limits=limits.filter)
    except FilterError as error:
        raise ScimError(
            status=400,
            detail=f"The filter cannot be read: {error.what}, at character {error.position + 1}. {error.mend}".strip(),
            scim_type=ScimType.INVALID_FILTER,
        ) from None


def _path(text: str | None) -> AttributePath | None:
    if text is None or not text.strip():
        return None
    scanner = Scanner(text.strip(), allow_now=False)
    try:
        path = scanner.path()
    except FilterError:
        path = None
    if path is None or not scanner.at_end:
        raise ScimError(status=400, detail="`sortBy` is no attribute.", scim_type=ScimType.INVALID_PATH)
    return path


def _descending(text: str | None) -> bool:
    if text is None or text.lower() == "ascending":
        return False
    if text.lower() != "descending":
        _refuse("`sortOrder` is ascending or descending.")
    return True


def _text(fields: Mapping[str, JsonValue], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        _refuse(f"`{name}` is a text.")
    return value


def _number(fields: Mapping[str, JsonValue], name: str, scim_type: ScimType) -> int | None:
    value = fields.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    digits = value.strip() if isinstance(value, str) else ""
    if len(digits) > 18 or not digits.removeprefix("-").isdecimal():
        raise ScimError(status=400, detail=f"`{name}` is a whole number.", scim_type=scim_type)
    return int(digits)


def _refuse(detail: str) -> NoReturn:
    raise ScimError(status=400, detail=detail, scim_type=ScimType.INVALID_VALUE)
