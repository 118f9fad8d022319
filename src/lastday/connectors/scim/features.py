"""What an application announces of itself in /ServiceProviderConfig (RFC 7643 section 5, RFC 9865 section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass

from lastday.connectors.scim.answers import body_of
from lastday.connectors.scim.dialect import Paging
from lastday.connectors.scim.resources import field
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, NotSupported, PermissionMissing, Unreachable


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What is announced; silence means that it can."""

    patch: bool = True
    filter: bool = True
    paging: Paging = Paging.INDEX
    max_page_size: int | None = None
    announced: bool = False


class FeatureReader:
    """Asks once, and again where no answer came."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._known: Features | None = None

    async def known(self) -> Features:
        """What the application says it can."""
        if self._known is None:
            try:
                self._known = features_of(await self._asked())
            except Unreachable:
                return Features()
        return self._known

    async def _asked(self) -> JsonValue:
        """The body; None where the application has or shows none."""
        try:
            answer = await self._client.send(Call(method="GET", path=("ServiceProviderConfig",)))
            return body_of(answer) if answer.status == 200 else None
        except (AnswerUnusable, NotSupported, PermissionMissing):
            return None


def features_of(body: JsonValue) -> Features:
    """The features that a ServiceProviderConfig states; all of them where it is none."""
    if not isinstance(body, Mapping):
        return Features()
    return Features(
        patch=_says(field(body, "patch"), "supported", otherwise=True),
        filter=_says(field(body, "filter"), "supported", otherwise=True),
        paging=_paging(field(body, "pagination")),
        max_page_size=_max_page_size(field(body, "pagination")),
        announced=True,
    )


def _paging(stated: JsonValue) -> Paging:
    """By cursor where that is the default, or the only way."""
    if not _says(stated, "cursor", otherwise=False):
        return Paging.INDEX
    default = field(stated, "defaultPaginationMethod") if isinstance(stated, Mapping) else None
    only = not _says(stated, "index", otherwise=True)
    return Paging.CURSOR if only or str(default).lower() == "cursor" else Paging.INDEX


def _max_page_size(stated: JsonValue) -> int | None:
    size = field(stated, "maxPageSize") if isinstance(stated, Mapping) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


def _says(part: JsonValue, name: str, *, otherwise: bool) -> bool:
    said = field(part, name) if isinstance(part, Mapping) else None
    return otherwise if said is None else str(said).strip().lower() == "true"
