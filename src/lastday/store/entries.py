"""The evidence log's rows: entries, what they commit to, the tree's nodes, checkpoints."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from psycopg.rows import class_row, scalar_row, tuple_row

from lastday.model.ids import BatchId, CaseId, EntryId, IdentityId, OperationId, PlanId
from lastday.store.database import Transaction

_STORED = "id, number, kind, at, case_id AS case, operation, batch, plan, identity, content, leaf"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry that has no number yet; `content` is what the leaf is made of."""

    id: EntryId
    kind: str
    at: datetime
    content: bytes
    leaf: bytes
    case: CaseId | None = None
    operation: OperationId | None = None
    batch: BatchId | None = None
    plan: PlanId | None = None
    identity: IdentityId | None = None
    salt: bytes | None = None
    personal: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    id: EntryId
    number: int | None
    kind: str
    at: datetime
    case: CaseId | None
    operation: OperationId | None
    batch: BatchId | None
    plan: PlanId | None
    identity: IdentityId | None
    content: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPersonal:
    """The salt and the canonical data that open an entry's commitment."""

    entry: EntryId
    salt: bytes
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCheckpoint:
    size: int
    root: bytes
    key: str
    """Fingerprint of the key that signed it."""
    note: str


async def insert_entry(tx: Transaction, new: NewEntry) -> bool:
    """The entry is in the log when the transaction commits; False where its id was there already."""
    written = await tx.execute(
        "INSERT INTO entry (id, kind, at, case_id, operation, batch, plan, identity, content, leaf)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
        _columns(new),
    )
    if written and new.salt is not None:
        await tx.execute(
            "INSERT INTO entry_personal (entry, salt, content) VALUES (%s, %s, %s)", (new.id, new.salt, new.personal)
        )
    return bool(written)


async def add_entry(tx: Transaction, new: NewEntry) -> None:
    """The entry, whose id nobody else can have, is in the log when the transaction commits."""
    tx.later(
        "INSERT INTO entry (id, kind, at, case_id, operation, batch, plan, identity, content, leaf)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        _columns(new),
    )
    if new.salt is not None:
        tx.later(
            "INSERT INTO entry_personal (entry, salt, content) VALUES (%s, %s, %s)", (new.id, new.salt, new.personal)
        )


async def add_entries(tx: Transaction, entries: Sequence[NewEntry]) -> None:
    """As `add_entry` for each, in their order; those without personal data share one statement."""
    impersonal = [new for new in entries if new.salt is None]
    if impersonal:
        tx.later(
            "INSERT INTO entry (id, kind, at, case_id, operation, batch, plan, identity, content, leaf)"
            " SELECT id, kind, at, case_id, operation, batch, plan, identity,"
            " convert_to(content, 'UTF8'), decode(leaf, 'hex') FROM json_to_recordset(%s::json) AS given"
            " (id text, kind text, at timestamptz, case_id text, operation text, batch text, plan text, identity text,"
            " content text, leaf text)",
            (orjson.dumps([_as_json(new) for new in impersonal]).decode(),),
        )
    for new in entries:
        if new.salt is not None:
            await add_entry(tx, new)


def _as_json(new: NewEntry) -> dict[str, object]:
    return {
        "id": new.id,
        "kind": new.kind,
        "at": new.at,
        "case_id": new.case,
        "operation": new.operation,
        "batch": new.batch,
        "plan": new.plan,
        "identity": new.identity,
        "content": new.content.decode(),
        "leaf": new.leaf.hex(),
    }


def _columns(new: NewEntry) -> tuple[object, ...]:
    return (
        new.id,
        new.kind,
        new.at,
        new.case,
        new.operation,
        new.batch,
        new.plan,
        new.identity,
        new.content,
        new.leaf,
    )


async def unnumbered(tx: Transaction, limit: int) -> list[tuple[EntryId, bytes]]:
    """Committed entries without a number, with their leaves, in the order they came.

    Asks for what has no number, not for what came after the last: a slow transaction commits an older arrival late.
    """
    return await tx.fetch_all(
        "SELECT id, leaf FROM entry WHERE number IS NULL ORDER BY arrival LIMIT %s", (limit,), row=tuple_row
    )


async def assign_numbers(tx: Transaction, ids: Sequence[EntryId], first: int) -> None:
    """The entries have the numbers from `first` on, in this order."""
    await tx.execute(
        "UPDATE entry SET number = %s + given.place - 1"
        " FROM unnest(%s::text[]) WITH ORDINALITY AS given (id, place) WHERE entry.id = given.id",
        (first, list(ids)),
    )


async def load_entry(tx: Transaction, entry: EntryId) -> StoredEntry | None:
    return await tx.fetch_one(f"SELECT {_STORED} FROM entry WHERE id = %s", (entry,), row=class_row(StoredEntry))  # noqa: S608 - our own column list


async def entries_from(tx: Transaction, first: int, limit: int) -> list[StoredEntry]:
    """Numbered entries from number `first` on, in order."""
    return await tx.fetch_all(
        f"SELECT {_STORED} FROM entry WHERE number >= %s ORDER BY number LIMIT %s",  # noqa: S608 - our own column list
        (first, limit),
        row=class_row(StoredEntry),
    )


async def entries_about(tx: Transaction, case: CaseId, below: int) -> list[StoredEntry]:
    """What proves a case among the first `below` entries, in order.

    Its own entries, those of its batches that belong to no single case, and every change of keys.
    """
    return await tx.fetch_all(
        f"SELECT {_STORED} FROM entry WHERE number < %(below)s AND (case_id = %(case)s OR kind = 'key_rotated'"  # noqa: S608 - our own column list
        "  OR (case_id IS NULL AND batch IN (SELECT batch FROM entry"
        " WHERE case_id = %(case)s AND batch IS NOT NULL AND number < %(below)s)))"
        " ORDER BY number",
        {"case": case, "below": below},
        row=class_row(StoredEntry),
    )


async def entries_of_operation(tx: Transaction, operation: OperationId) -> list[StoredEntry]:
    """The entries of one operation, in the order they came."""
    return await tx.fetch_all(
        f"SELECT {_STORED} FROM entry WHERE operation = %s ORDER BY arrival",  # noqa: S608 - our own column list
        (operation,),
        row=class_row(StoredEntry),
    )


async def last_rotation(tx: Transaction, *, numbered_only: bool) -> StoredEntry | None:
    """The last change of keys."""
    return await tx.fetch_one(
        f"SELECT {_STORED} FROM entry WHERE kind = 'key_rotated' AND (number IS NOT NULL OR NOT %s)"  # noqa: S608 - our own column list
        " ORDER BY number DESC NULLS FIRST, arrival DESC LIMIT 1",
        (numbered_only,),
        row=class_row(StoredEntry),
    )


async def rotations(tx: Transaction) -> list[StoredEntry]:
    """Every change of keys, the last one first."""
    return await tx.fetch_all(
        f"SELECT {_STORED} FROM entry WHERE kind = 'key_rotated' ORDER BY number DESC NULLS FIRST, arrival DESC",  # noqa: S608 - our own column list
        row=class_row(StoredEntry),
    )


async def personal_of(tx: Transaction, entries: Sequence[EntryId]) -> list[StoredPersonal]:
    return await tx.fetch_all(
        "SELECT entry, salt, content FROM entry_personal WHERE entry = ANY(%s) ORDER BY entry",
        (list(entries),),
        row=class_row(StoredPersonal),
    )


async def erase_personal(tx: Transaction, identity: IdentityId) -> int:
    """Salt and data of every entry about the person are gone; how many. Leaves and numbers stay."""
    return await tx.execute(
        "DELETE FROM entry_personal USING entry WHERE entry_personal.entry = entry.id AND entry.identity = %s",
        (identity,),
    )


async def save_nodes(tx: Transaction, nodes: Iterable[tuple[int, int, bytes]]) -> None:
    """The full subtrees (level, position, hash) above the leaves are stored."""
    await tx.copy("tree_node", ("level", "position", "hash"), nodes)


async def load_nodes(tx: Transaction, wanted: Iterable[tuple[int, int]]) -> Mapping[tuple[int, int], bytes]:
    """The hashes of these full subtrees (level, position), level 0 from the entries; what is not there is left out."""
    places = sorted(wanted)
    leaves = [position for level, position in places if level == 0]
    inner = [place for place in places if place[0] > 0]
    rows: list[tuple[int, int, bytes]] = await tx.fetch_all(
        "SELECT 0, number, leaf FROM entry WHERE number = ANY(%s)"
        " UNION ALL SELECT level, position, hash FROM tree_node JOIN unnest(%s::int[], %s::bigint[])"
        " AS wanted (level, position) USING (level, position)",
        (leaves, [level for level, _ in inner], [position for _, position in inner]),
        row=tuple_row,
    )
    return {(level, position): found for level, position, found in rows}


async def save_checkpoint(tx: Transaction, checkpoint: StoredCheckpoint) -> None:
    await tx.execute(
        "INSERT INTO checkpoint (size, root, key, note) VALUES (%s, %s, %s, %s)",
        (checkpoint.size, checkpoint.root, checkpoint.key, checkpoint.note),
    )


async def last_checkpoint(tx: Transaction) -> StoredCheckpoint | None:
    return await tx.fetch_one(
        "SELECT size, root, key, note FROM checkpoint ORDER BY size DESC LIMIT 1", row=class_row(StoredCheckpoint)
    )


async def first_checkpoint(tx: Transaction) -> StoredCheckpoint | None:
    return await tx.fetch_one(
        "SELECT size, root, key, note FROM checkpoint ORDER BY size LIMIT 1", row=class_row(StoredCheckpoint)
    )


async def checkpoint_at(tx: Transaction, size: int) -> StoredCheckpoint | None:
    return await tx.fetch_one(
        "SELECT size, root, key, note FROM checkpoint WHERE size = %s", (size,), row=class_row(StoredCheckpoint)
    )


async def checkpoints_after(tx: Transaction, size: int, limit: int) -> list[StoredCheckpoint]:
    """Checkpoints larger than `size`, the smallest first."""
    return await tx.fetch_all(
        "SELECT size, root, key, note FROM checkpoint WHERE size > %s ORDER BY size LIMIT %s",
        (size, limit),
        row=class_row(StoredCheckpoint),
    )


async def checkpoints_covering(tx: Transaction, numbers: Sequence[int]) -> list[StoredCheckpoint]:
    """For each entry the first checkpoint that covered it; each once, in order."""
    return await tx.fetch_all(
        "SELECT DISTINCT c.size, c.root, c.key, c.note FROM unnest(%s::bigint[]) AS wanted (number)"
        " CROSS JOIN LATERAL (SELECT * FROM checkpoint WHERE size > wanted.number ORDER BY size LIMIT 1) AS c"
        " ORDER BY c.size",
        (list(numbers),),
        row=class_row(StoredCheckpoint),
    )


async def count_unnumbered(tx: Transaction) -> int:
    return await tx.fetch_one("SELECT count(*) FROM entry WHERE number IS NULL", row=scalar_row) or 0
