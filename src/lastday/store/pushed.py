"""Resources as SCIM clients pushed them, and the order in which they did."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from psycopg.rows import scalar_row, tuple_row

from lastday.filters.ast import AttributePath, Filter
from lastday.model.canonical import JsonValue
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushedResource, ResourceType
from lastday.store.database import Transaction

SortKey: TypeAlias = str | int | bool | None

COLUMNS = "source, type, id, ordinal, version, created_at, modified_at, body::text"
"""What `resource_of` reads, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a page ends: the next one begins right after it, whatever came or went meanwhile (RFC 9865)."""

    ordinal: int
    sort_key: SortKey = None
    """The sort value of the last resource in comparable form; None where nothing is sorted or it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which resources, in which order, and which part of them."""

    type: ResourceType
    filter: Filter | None = None
    sort_by: AttributePath | None = None
    descending: bool = False
    count: int = 100
    start: int = 1
    """Counts from 1; for index paging."""
    after: Position | None = None
    """For cursor paging, in place of `start`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A resource as whoever takes it in must see it: also when the client took it away."""

    resource: PushedResource
    """As it stood last; without a body where it was taken away and that has been taken in."""
    deleted_at: datetime | None


async def load_resource(
    tx: Transaction, source: SourceName, kind: ResourceType, resource: ResourceId
) -> PushedResource | None:
    """The resource as it stands, or None where there is none or it was taken away."""
    found = await load_resources(tx, source, kind, [resource])
    return next(iter(found), None)


async def load_resources(
    tx: Transaction, source: SourceName, kind: ResourceType, ids: Iterable[ResourceId] | None = None
) -> list[PushedResource]:
    """These resources, or all of the kind, as they stand, in the order of their creation; without what is gone."""
    rows = await _rows(tx, source, kind, ids)
    return [resource_of(row[:-1]) for row in rows if row[-1] is None]


async def load_standing(
    tx: Transaction, source: SourceName, kind: ResourceType, ids: Iterable[ResourceId] | None = None
) -> list[Standing]:
    """These resources, or all of the kind, also what is gone: with its last body until that has been taken in."""
    rows = await _rows(tx, source, kind, ids)
    return [Standing(resource=resource_of(row[:-1]), deleted_at=row[-1]) for row in rows]


async def count_resources(tx: Transaction, source: SourceName, kind: ResourceType) -> int:
    """How many of the kind the source has pushed and not taken away."""
    found = await tx.fetch_one(
        "SELECT count(*) FROM pushed_resource WHERE source = %s AND type = %s AND deleted_at IS NULL",
        (source, kind.value),
        row=scalar_row,
    )
    return found or 0


async def sequence_of(tx: Transaction, source: SourceName) -> int:
    """The number of the source's last committed change; 0 before the first."""
    found = await tx.fetch_one("SELECT sequence FROM pushed_source WHERE source = %s", (source,), row=scalar_row)
    return found or 0


async def groups_holding(
    tx: Transaction, source: SourceName, members: Collection[ResourceId]
) -> tuple[ResourceId, ...]:
    """The ids of all groups in which one of these is."""
    return tuple(
        await tx.fetch_all(
            "SELECT DISTINCT group_id FROM pushed_member WHERE source = %s AND member_id = ANY(%s) ORDER BY group_id",
            (source, list(members)),
            row=scalar_row,
        )
    )


def resource_of(row: tuple[Any, ...]) -> PushedResource:
    """The resource that these `COLUMNS` tell of."""
    source, kind, identifier, ordinal, version, created_at, modified_at, body = row
    return PushedResource(
        source=source,
        type=ResourceType(kind),
        id=identifier,
        ordinal=ordinal,
        version=version,
        created_at=created_at,
        modified_at=modified_at,
        body=orjson.loads(body),
    )


def searchable(resource: PushedResource) -> Mapping[str, JsonValue]:
    """The resource as filters and sorting look at it: with `id` and with `meta`, which has no location."""
    meta = {
        "resourceType": resource.type.value,
        "created": _moment(resource.created_at),
        "lastModified": _moment(resource.modified_at),
        "version": resource.etag,
    }
    return {**resource.body, "id": resource.id, "meta": meta}


async def _rows(
    tx: Transaction, source: SourceName, kind: ResourceType, ids: Iterable[ResourceId] | None
) -> list[tuple[Any, ...]]:
    """By id alone where there are ids, so that no other index is thought of."""
    some = "pushed_resource" if ids is None else "(SELECT * FROM pushed_resource WHERE id = ANY(%s) OFFSET 0) AS named"
    return await tx.fetch_all(
        f"SELECT {COLUMNS}, deleted_at FROM {some} WHERE source = %s AND type = '{kind.value}' ORDER BY ordinal",  # noqa: S608 - our own names
        (source,) if ids is None else (list(ids), source),
        row=tuple_row,
    )


def _moment(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
