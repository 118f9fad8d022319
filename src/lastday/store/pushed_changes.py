"""Changes to pushed resources: read under the sources' locks, written in few statements for many changes at once."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson
from psycopg.rows import tuple_row

from lastday.filters.comparable import comparable
from lastday.filters.literals import fold
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import Body, PushedResource, ResourceType
from lastday.store.database import Transaction, lock_key
from lastday.store.pushed import COLUMNS, Standing, resource_of, searchable
from lastday.store.pushes import PUSHED, Push, PushNotice, payload_of

Key: TypeAlias = tuple[SourceName, ResourceType, ResourceId]
Name: TypeAlias = tuple[SourceName, str]
"""A source, and a userName in comparable form."""

_PUSH = "source, sequence, type, resource, version, method, gone, active, client, client_name, request_id, at"
_SAVE_PUSHES = (
    f"WITH pushed AS (INSERT INTO push ({_PUSH}) SELECT {_PUSH} FROM json_to_recordset(%s::json) AS given"  # noqa: S608 - our own column list
    " (source text, sequence bigint, type text, resource text, version bigint, method text, gone boolean,"
    " active boolean, client text, client_name text, request_id text, at timestamptz)),"
    " counted AS (INSERT INTO pushed_source (source, sequence) SELECT * FROM unnest(%s::text[], %s::bigint[])"
    " ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence)"
    " SELECT pg_notify(%s, told) FROM unnest(%s::text[]) AS told"
)
_GIVEN = (
    "json_to_recordset(%s::json) AS given (source text, type text, id text, ordinal bigint, version bigint,"
    " created_at timestamptz, modified_at timestamptz, body json, comparable jsonb, user_name text, external_id text,"
    " deleted_at timestamptz)"
)
_INSERT_RESOURCES = (
    "INSERT INTO pushed_resource (source, type, id, ordinal, version, created_at, modified_at, body, comparable,"  # noqa: S608 - our own column list
    f" user_name, external_id, deleted_at) SELECT * FROM {_GIVEN}"
)
_UPDATE_RESOURCES = (
    "UPDATE pushed_resource AS r SET version = given.version, modified_at = given.modified_at, body = given.body,"  # noqa: S608 - our own column list
    " comparable = given.comparable, user_name = given.user_name, external_id = given.external_id,"
    f" deleted_at = given.deleted_at FROM {_GIVEN} WHERE r.id = given.id"
)
_LOCKED = (
    # Plans are kept, and one that was made while the table was small would read all of it for ever.
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),"
    " set_config('enable_mergejoin', 'off', true), pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key"
)
_SEQUENCES = "SELECT source, sequence FROM pushed_source WHERE source = ANY(%s)"
_RESOURCES = f"SELECT {COLUMNS} FROM pushed_resource WHERE id = ANY(%s) AND deleted_at IS NULL"  # noqa: S608 - our own column list
_HOLDERS = "SELECT source, user_name, id FROM pushed_resource WHERE user_name = ANY(%s)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How the sources stand at the moment from which nobody else changes them."""

    sequences: Mapping[SourceName, int]
    resources: Mapping[Key, PushedResource]
    """Those that were asked for and are there."""
    holders: Mapping[Name, ResourceId]
    """Who has the names that were asked for."""


async def take_sources(
    tx: Transaction, sources: Collection[SourceName], keys: Iterable[Key], names: Iterable[Name]
) -> Found:
    """Nobody else changes resources of these sources until the transaction ends; how they stand now.

    All of it is one way to the server: each statement sees what was committed before the locks were had.
    """
    await tx.settle()
    locks = [lock_key(f"lastday pushed {source}") for source in sorted(sources)]
    wanted, named = list(keys), list(names)
    async with tx.connection.pipeline():
        await tx.connection.execute(_LOCKED, (locks,))
        sequences = await _queued(tx, _SEQUENCES, (sorted(sources),))
        resources = await _queued(tx, _RESOURCES, _ids(wanted)) if wanted else None
        holders = await _queued(tx, _HOLDERS, _texts(named)) if named else None
        return Found(
            sequences=dict(await sequences.fetchall()),
            resources=_by_key(await resources.fetchall()) if resources else {},
            holders=_by_name(await holders.fetchall()) if holders else {},
        )


async def read_resources(tx: Transaction, keys: Iterable[Key]) -> Mapping[Key, PushedResource]:
    """These resources, where they are there."""
    wanted = list(keys)
    return _by_key(await tx.fetch_all(_RESOURCES, _ids(wanted), row=tuple_row)) if wanted else {}


async def read_holders(tx: Transaction, names: Iterable[Name]) -> Mapping[Name, ResourceId]:
    """Who has these names."""
    wanted = list(names)
    return _by_name(await tx.fetch_all(_HOLDERS, _texts(wanted), row=tuple_row)) if wanted else {}


def save_pushes(tx: Transaction, pushes: Sequence[Push], notices: Sequence[PushNotice]) -> None:
    """The changes wait to be taken in, and with the commit each source of a notice has its sequence and is told of."""
    rows = [
        {
            "source": push.source,
            "sequence": push.sequence,
            "type": push.type.value,
            "resource": push.resource,
            "version": push.version,
            "method": push.method.value,
            "gone": push.gone,
            "active": push.active,
            "client": push.client,
            "client_name": push.client_name,
            "request_id": push.request_id,
            "at": push.at,
        }
        for push in pushes
    ]
    sources, numbers = [one.source for one in notices], [one.sequence for one in notices]
    told = [payload_of(one) for one in notices]
    tx.later(_SAVE_PUSHES, (orjson.dumps(rows).decode(), sources, numbers, PUSHED, told))


def insert_resources(tx: Transaction, standing: Sequence[Standing]) -> None:
    """These are there, who were not before."""
    tx.later(_INSERT_RESOURCES, (_rows_text(standing),))


def update_resources(tx: Transaction, standing: Sequence[Standing]) -> None:
    """These, who were there before, are as they are now, or gone."""
    tx.later(_UPDATE_RESOURCES, (_rows_text(standing),))


def change_members(
    tx: Transaction, source: SourceName, group: ResourceId, *, added: Collection[str], removed: Collection[str]
) -> None:
    """These are in the group, and those are not."""
    if removed:
        tx.later(
            "DELETE FROM pushed_member WHERE source = %s AND group_id = %s AND member_id = ANY(%s)",
            (source, group, list(removed)),
        )
    if added:
        tx.later(
            "INSERT INTO pushed_member (source, group_id, member_id) SELECT %s, %s, unnest(%s::text[])"
            " ON CONFLICT DO NOTHING",
            (source, group, list(added)),
        )


def user_name_of(kind: ResourceType, body: Body) -> str | None:
    """By which no other user of the source may go, in comparable form."""
    name = body.get("userName")
    return fold(name) if kind is ResourceType.USER and isinstance(name, str) else None


def _rows_text(standing: Sequence[Standing]) -> str:
    return orjson.dumps([_row(one.resource, one.deleted_at) for one in standing]).decode()


def _row(resource: PushedResource, deleted_at: datetime | None) -> dict[str, object]:
    """What is gone can be read by its id, and is found by nothing else."""
    body = resource.body if deleted_at is None else {}
    return {
        "source": resource.source,
        "type": resource.type.value,
        "id": resource.id,
        "ordinal": resource.ordinal,
        "version": resource.version,
        "created_at": resource.created_at,
        "modified_at": resource.modified_at,
        "body": resource.body,
        "comparable": {} if deleted_at else _comparable_text(resource),
        "user_name": user_name_of(resource.type, body),
        "external_id": _text_at(body, "externalId"),
        "deleted_at": deleted_at,
    }


def _comparable_text(resource: PushedResource) -> orjson.Fragment:
    """Written by the slower writer where a number is longer than the quick one can write."""
    form = comparable(searchable(resource))
    try:
        return orjson.Fragment(orjson.dumps(form))
    except TypeError:
        return orjson.Fragment(json.dumps(form))


def _text_at(body: Body, name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) else None


async def _queued(tx: Transaction, query: str, parameters: Sequence[object]) -> Any:
    cursor = tx.connection.cursor(row_factory=tuple_row)
    return await cursor.execute(query, parameters)


def _ids(keys: Iterable[Key]) -> tuple[list[str]]:
    """Ids are unlike each other in all sources; whose they are is seen in what is found."""
    return ([key[2] for key in keys],)


def _texts(names: Iterable[Name]) -> tuple[list[str]]:
    return ([name[1] for name in names],)


def _by_key(rows: Iterable[tuple[Any, ...]]) -> dict[Key, PushedResource]:
    found = (resource_of(row) for row in rows)
    return {(one.source, one.type, one.id): one for one in found}


def _by_name(rows: Iterable[tuple[Any, ...]]) -> dict[Name, ResourceId]:
    return {(source, name): holder for source, name, holder in rows}
