"""Checks the whole stored log: every leaf, every number, every node, every checkpoint, every copy (I13)."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lastday.evidence.entries import commitment
from lastday.evidence.tree import Frontier, leaf_hash
from lastday.evidence.verify import Checkpoint, key_id, read_checkpoint
from lastday.store import entries as log
from lastday.store.database import Transaction
from lastday.store.entries import StoredCheckpoint, StoredEntry

CHUNK = 2_000
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class LogProblem:
    """Something in the log that does not hold, and where: `entry 17`, `checkpoint 18`, `copy 18`, `node 3/0`."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogVerdict:
    """`waiting` entries are durable and not numbered yet; the sequencer will come to them."""

    entries: int
    checkpoints: int
    waiting: int
    problems: tuple[LogProblem, ...]

    @property
    def holds(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class _Walk:
    """Recomputes the tree from the entries alone and compares what is stored with it on the way."""

    keys: Mapping[str, bytes]
    copies: dict[int, Checkpoint]
    frontier: Frontier = field(default_factory=Frontier.empty)
    checkpoints: int = 0
    covered: int = 0
    problems: list[LogProblem] = field(default_factory=list)

    def fail(self, place: str, what: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(LogProblem(place, what))


async def verify_log(tx: Transaction, keys: Sequence[bytes], copies: Sequence[Checkpoint] = ()) -> LogVerdict:
    """What is wrong with the stored log, place by place. `keys` are the public keys that may have signed it.

    Every checkpoint is compared with the tree recomputed from the entries before it, so that each is consistent with
    each. `copies` are checkpoints remembered elsewhere: one that the log does not match means that it was rewritten.
    """
    known = {hashlib.sha256(key).hexdigest(): key for key in keys}
    walk = _Walk(known, {copy.size: copy for copy in copies})
    while entries := await log.entries_from(tx, walk.frontier.size, CHUNK):
        await _check_chunk(tx, walk, entries)
        if entries[0].number != walk.frontier.size - len(entries):
            break  # a gap was named; numbers after it would all be off
    if walk.covered != walk.frontier.size:
        walk.fail(f"entry {walk.covered}", "no checkpoint covers it, although it has a number")
    for size in sorted(walk.copies):
        walk.fail(f"copy {size}", "the log has no checkpoint of this size any more: it was cut back or rewritten")
    waiting = await log.count_unnumbered(tx)
    return LogVerdict(
        entries=walk.frontier.size, checkpoints=walk.checkpoints, waiting=waiting, problems=tuple(walk.problems)
    )


async def _check_chunk(tx: Transaction, walk: _Walk, entries: Sequence[StoredEntry]) -> None:
    first = walk.frontier.size
    found = await log.checkpoints_after(tx, first, len(entries))
    heads = {checkpoint.size: checkpoint for checkpoint in found}
    personal = {opened.entry: opened for opened in await log.personal_of(tx, [entry.id for entry in entries])}
    nodes: dict[tuple[int, int], bytes] = {}
    for offset, entry in enumerate(entries):
        if entry.number != first + offset:
            walk.fail(f"entry {first + offset}", "it is missing")
            return
        _check_entry(walk, entry, personal.get(entry.id))
        nodes |= {(node.level, node.position): node.hash for node in walk.frontier.grow([leaf_hash(entry.content)])}
        if walk.frontier.size in heads:
            _check_checkpoint(walk, heads[walk.frontier.size])
    stored = await log.load_nodes(tx, nodes)
    for (level, position), expected in nodes.items():
        if stored.get((level, position)) != expected:
            walk.fail(f"node {level}/{position}", "it is not what the entries below it make")


def _check_entry(walk: _Walk, entry: StoredEntry, personal: log.StoredPersonal | None) -> None:
    place = f"entry {entry.number}"
    if leaf_hash(entry.content) != entry.leaf:
        walk.fail(place, "its content is not what its leaf was made of")
    try:
        content = json.loads(entry.content)
        described = (content["id"], content["kind"], content["case"], content["operation"], content["identity"])
        sealed = content["personal"]
    except (ValueError, KeyError, TypeError):
        walk.fail(place, "its content cannot be read")
        return
    if described != (entry.id, entry.kind, entry.case, entry.operation, entry.identity):
        walk.fail(place, "its columns say something else than its content")
    if personal and commitment(personal.salt, personal.content) != sealed:
        walk.fail(place, "the personal data beside it is not what it committed to")


def _check_checkpoint(walk: _Walk, stored: StoredCheckpoint) -> None:
    place = f"checkpoint {stored.size}"
    walk.checkpoints += 1
    walk.covered = stored.size
    try:
        head = read_checkpoint(stored.note)
    except ValueError as error:
        walk.fail(place, f"its note cannot be read: {error}")
        return
    if (head.size, head.root) != (stored.size, walk.frontier.root()) or stored.root != head.root:
        walk.fail(place, "it is not the head of the tree that the entries make")
    if not _signed(head, walk.keys.get(stored.key)):
        walk.fail(place, "no key of the log signed it")
    copy = walk.copies.pop(stored.size, None)
    if copy is not None and copy.root != walk.frontier.root():
        walk.fail(f"copy {stored.size}", "it remembers another tree: the log was rewritten after it was made")


def _signed(head: Checkpoint, public: bytes | None) -> bool:
    if public is None:
        return False
    mine = key_id(head.origin, public)
    for name, identifier, signature in head.signatures:
        if name == head.origin and identifier == mine:
            try:
                Ed25519PublicKey.from_public_bytes(public).verify(signature, head.text)
            except InvalidSignature:
                return False
            return True
    return False
