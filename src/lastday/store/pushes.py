"""The changes that clients made: first an outbox for whoever takes them in, then the history behind batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from psycopg.rows import class_row, scalar_row, tuple_row

from lastday.model.ids import BatchId, ResourceId, SourceName, TokenId
from lastday.model.scim import PushMethod, ResourceType
from lastday.store.database import Row, Transaction

PUSHED = "lastday_pushed"
"""The channel on which every commit is told; its payloads are for `read_notice`."""

_MOST_IDS = 150
"""A payload of NOTIFY has to stay under 8000 bytes."""
_STORED = (
    "source, sequence, type, resource, version, method, gone, active, client, client_name, request_id, at,"
    " taken_in, taken_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One change of one resource, and which client asked for it in which request."""

    source: SourceName
    sequence: int
    type: ResourceType
    resource: ResourceId
    version: int
    """Which version of the resource it made."""
    method: PushMethod
    gone: bool
    """It took the resource away."""
    active: bool | None
    """What the resource said of its switch after it, whatever came later; None for nothing."""
    client: TokenId
    client_name: str
    request_id: str
    at: datetime
    taken_in: BatchId | None = None
    """None also after it was taken in, where it made no difference to a person."""
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushNotice:
    """What listeners on `PUSHED` hear after a commit."""

    source: SourceName
    since: int
    """The source's sequence before the commit: who knows less than this has missed something."""
    sequence: int
    """And after it."""
    ids: frozenset[ResourceId] | None
    """Every resource that is not as it was; None where they were too many to name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What was not taken in yet, and when the source last changed."""

    count: int
    last_at: datetime | None


def read_notice(payload: str) -> PushNotice | None:
    """What the payload tells; None for the empty one: listening began (again), so look yourself."""
    if not payload:
        return None
    told = orjson.loads(payload)
    ids = None if told["ids"] is None else frozenset(ResourceId(one) for one in told["ids"])
    return PushNotice(
        source=SourceName(told["source"]), since=int(told["since"]), sequence=int(told["sequence"]), ids=ids
    )


def payload_of(notice: PushNotice) -> str:
    """The notice for `read_notice`, in less than 8000 bytes."""
    named = None if notice.ids is None or len(notice.ids) > _MOST_IDS else sorted(notice.ids)
    told = {"source": notice.source, "since": notice.since, "sequence": notice.sequence, "ids": named}
    return orjson.dumps(told).decode()


async def changed_after(tx: Transaction, source: SourceName, sequence: int) -> tuple[ResourceId, ...]:
    """Every resource that one of the source's changes after this one touched, each once."""
    return tuple(
        await tx.fetch_all(
            "SELECT DISTINCT resource FROM push WHERE source = %s AND sequence > %s",
            (source, sequence),
            row=scalar_row,
        )
    )


async def waiting_pushes(tx: Transaction, source: SourceName) -> Waiting:
    """What waits of the source; the last change counts whether it waits or not."""
    found = await tx.fetch_one(
        "SELECT (SELECT count(*) FROM push WHERE source = %(source)s AND taken_at IS NULL) AS count,"
        " (SELECT at FROM push WHERE source = %(source)s ORDER BY sequence DESC LIMIT 1) AS last_at",
        {"source": source},
        row=class_row(Waiting),
    )
    assert found is not None, "a SELECT without FROM has one row"
    return found


async def pending_pushes(tx: Transaction, source: SourceName, limit: int) -> tuple[Push, ...]:
    """What has not been taken in, in the order in which it was committed."""
    rows = await tx.fetch_all(
        f"SELECT {_STORED} FROM push WHERE source = %s AND taken_at IS NULL ORDER BY sequence LIMIT %s",  # noqa: S608 - our own column list
        (source, limit),
    )
    return tuple(_push(row) for row in rows)


async def sources_with_pending(tx: Transaction) -> tuple[SourceName, ...]:
    """The sources with changes that have not been taken in."""
    rows = await tx.fetch_all(
        "SELECT source FROM pushed_source s WHERE EXISTS"
        " (SELECT FROM push p WHERE p.source = s.source AND p.taken_at IS NULL) ORDER BY source",
        row=tuple_row,
    )
    return tuple(source for (source,) in rows)


async def mark_taken(
    tx: Transaction, source: SourceName, sequences: Sequence[int], batch: BatchId | None, at: datetime
) -> None:
    """These changes are taken in, by this batch; resources that they took away keep nothing but their id.

    A change that is taken in already stays as it was.
    """
    await tx.execute(
        "WITH taken AS (UPDATE push SET taken_in = %(batch)s, taken_at = %(at)s"
        "  WHERE source = %(source)s AND sequence = ANY(%(sequences)s) AND taken_at IS NULL"
        "  RETURNING resource, gone)"
        " UPDATE pushed_resource r SET body = '{}' FROM taken t"
        " WHERE t.gone AND r.id = t.resource AND r.deleted_at IS NOT NULL",
        {"source": source, "sequences": list(sequences), "batch": batch, "at": at},
    )


async def pushes_of_batch(tx: Transaction, batch: BatchId) -> tuple[Push, ...]:
    """The changes that the batch took in, in their order."""
    rows = await tx.fetch_all(
        f"SELECT {_STORED} FROM push WHERE taken_in = %s ORDER BY source, sequence",  # noqa: S608 - our own column list
        (batch,),
    )
    return tuple(_push(row) for row in rows)


async def pushes_of_resource(
    tx: Transaction, source: SourceName, kind: ResourceType, resource: ResourceId
) -> tuple[Push, ...]:
    """Every change of the resource, the first one first."""
    rows = await tx.fetch_all(
        f"SELECT {_STORED} FROM push WHERE source = %s AND type = %s AND resource = %s ORDER BY sequence",  # noqa: S608 - our own column list
        (source, kind.value, resource),
    )
    return tuple(_push(row) for row in rows)


def _push(row: Row) -> Push:
    return Push(**{**row, "type": ResourceType(row["type"]), "method": PushMethod(row["method"])})
