"""What a bulk request asks for (RFC 7644 section 3.7), read before anything of it is done."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.messages import require_schema
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.requests import MOUNTED_AT
from lastday.model.canonical import JsonValue
from lastday.model.scim import PushMethod, ResourceType

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
MARK = "bulkId:"
ENDPOINTS = {kind.endpoint: kind for kind in ResourceType}
_METHODS = frozenset({PushMethod.POST, PushMethod.PUT, PushMethod.PATCH, PushMethod.DELETE})


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkOperation:
    """One operation as it was sent. What is wrong with it is said when its turn comes."""

    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: JsonValue = field(repr=False)

    @property
    def makes(self) -> bool:
        return self.method == PushMethod.POST

    def address(self) -> tuple[PushMethod, ResourceType, str | None]:
        """Method, type and id, which may be a reference. Raises ScimError where they make no sense together."""
        if self.method not in _METHODS:
            raise refused("The method of a bulk operation is POST, PUT, PATCH or DELETE.", ScimType.INVALID_VALUE)
        endpoint, slash, target = self.path.strip("/").partition("/")
        kind = ENDPOINTS.get(endpoint)
        if kind is None or "/" in target:
            raise refused("The path of a bulk operation is an endpoint or a resource below one.", ScimType.INVALID_PATH)
        if self.makes is bool(slash):
            raise refused("POST wants the path of an endpoint, every other method that of a resource.", None)
        if self.makes and not self.bulk_id:
            raise refused("A POST in a bulk request wants a bulkId.", ScimType.INVALID_VALUE)
        return PushMethod(self.method), kind, target or None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """The operations in the order in which they were sent, and after how many failures the rest is left."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None


def read_bulk(document: JsonValue, profile: Profile, *, most: int) -> BulkRequest:
    """The bulk request in `document`. Raises ScimError: 400 where it is none, 413 for more than `most` operations."""
    fields = _fields(document)
    require_schema(fields.get("schemas"), BULK_REQUEST, profile)
    operations = fields.get("operations")
    if not isinstance(operations, list):
        raise refused("A bulk request has a list `Operations`.", ScimType.INVALID_SYNTAX)
    if len(operations) > most:
        raise ScimError(status=413, detail=f"A bulk request has at most {most} operations (maxOperations).")
    limit = fields.get("failonerrors")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise refused("`failOnErrors` is a number from 1.", ScimType.INVALID_VALUE)
    read = tuple(_operation(each) for each in operations)
    names = [each.bulk_id for each in read if each.bulk_id is not None and each.makes]
    if len(set(names)) < len(names):
        raise refused("A bulkId stands at two operations.", ScimType.INVALID_VALUE)
    return BulkRequest(operations=read, fail_on_errors=limit)


def references_in(operation: BulkOperation) -> frozenset[str]:
    """The bulkIds that `operation` speaks of in its path and data."""
    found = {target[len(MARK) :] for target in (operation.path.rpartition("/")[2],) if target.startswith(MARK)}
    return frozenset(found | {text[len(MARK) :] for text in _texts(operation.data) if text.startswith(MARK)})


def refused(detail: str, scim_type: ScimType | None) -> ScimError:
    return ScimError(status=400, detail=detail, scim_type=scim_type)


def _operation(document: JsonValue) -> BulkOperation:
    fields = _fields(document)
    return BulkOperation(
        method=_text(fields, "method").upper(),
        path=_text(fields, "path").removeprefix(MOUNTED_AT),
        bulk_id=_text(fields, "bulkid") or None,
        version=_text(fields, "version") or None,
        data=fields.get("data"),
    )


def _fields(document: JsonValue) -> Mapping[str, JsonValue]:
    if not isinstance(document, Mapping):
        raise refused("A bulk request and its operations are JSON objects.", ScimType.INVALID_SYNTAX)
    return {name.lower(): value for name, value in document.items()}


def _text(fields: Mapping[str, JsonValue], name: str) -> str:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise refused(f"`{name}` of a bulk operation is a text.", ScimType.INVALID_SYNTAX)
    return value or ""


def _texts(value: JsonValue) -> Iterator[str]:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, Mapping):
            waiting += found.values()
        elif isinstance(found, Sequence):
            waiting += found
