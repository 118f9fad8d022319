"""Numbers committed entries, grows the tree over them and signs what it has become; one at a time, by advisory lock."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from lastday.evidence.checkpoints import CheckpointCopies, checked_origin, signed_checkpoint
from lastday.evidence.keys import KeyRing, key_in_force
from lastday.evidence.tree import Coordinate, Frontier, coordinates
from lastday.model.errors import EvidenceError
from lastday.model.ids import EntryId
from lastday.store import entries as log
from lastday.store.database import Database, Transaction
from lastday.store.entries import StoredCheckpoint

logger = logging.getLogger(__name__)

LOCK = "evidence sequencer"
BATCH = 5_000
_CATCH_UP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequencer:
    """Any number of processes may have one; whoever holds the lock works, the others find nothing to do.

    Nothing is remembered between runs: everything is read from the database under the lock, so that a run that was cut
    off, or another process's run, leaves nothing to repair.
    """

    database: Database
    keys: KeyRing
    origin: str
    copies: tuple[CheckpointCopies, ...] = ()

    def __post_init__(self) -> None:
        checked_origin(self.origin)

    async def run_once(self, *, wait: bool = False) -> int:
        """Every entry committed before has a number and stands under a signed checkpoint; how many were new.

        0 also where another sequencer is at work, unless `wait` says to stand in line for it. Raises EvidenceError
        where the key is not the log's, and where the database is older than a checkpoint that a copy remembers.
        """
        total = 0
        while True:
            async with self.database.transaction() as tx:
                if wait:
                    await tx.lock(LOCK)
                elif not await tx.try_lock(LOCK):
                    return total
                done = await self._sequence(tx)
            total += done
            if done or not total:
                await self._publish()
            if done < BATCH:
                return total

    async def _sequence(self, tx: Transaction) -> int:
        waiting = await log.unnumbered(tx, BATCH)
        if not waiting:
            return 0
        last = await log.last_checkpoint(tx)
        await asyncio.to_thread(self._refuse_rollback, last)
        frontier = await load_frontier(tx, last)
        first = frontier.size
        nodes = frontier.grow([leaf for _, leaf in waiting])
        await log.assign_numbers(tx, [entry for entry, _ in waiting], first)
        await log.save_nodes(tx, nodes)
        await log.save_checkpoint(tx, await self._signed(tx, frontier))
        return len(waiting)

    async def _signed(self, tx: Transaction, frontier: Frontier) -> StoredCheckpoint:
        fingerprint = await key_in_force(tx, numbered_only=True)
        signer = await asyncio.to_thread(self.keys.in_force, fingerprint)
        root = frontier.root()
        note = signed_checkpoint(signer, self.origin, frontier.size, root)
        return StoredCheckpoint(size=frontier.size, root=root, key=signer.fingerprint, note=note)

    def _refuse_rollback(self, last: StoredCheckpoint | None) -> None:
        """A copy that remembers more than the database means that the database was put back to an older state."""
        for copies in self.copies:
            remembered = copies.last()
            if remembered is None:
                continue
            known = last.size if last else 0
            if remembered.size > known or (last and remembered.size == known and remembered.root != last.root):
                raise EvidenceError(
                    f"the log ends at {known}, but a copied checkpoint is of size {remembered.size}",
                    code="E115",
                    effect="No checkpoint is signed: it would contradict one that was signed before.",
                    mend="restore the newer database; if it is lost, begin a new log and keep the copies as proof",
                )

    async def _publish(self) -> None:
        """Copies have every checkpoint that is committed, also those of a run that was cut off here."""
        for copies in self.copies:
            remembered = await asyncio.to_thread(copies.last)
            size = remembered.size if remembered else 0
            while notes := await self._notes_after(size):
                await asyncio.to_thread(copies.keep, [checkpoint.note for checkpoint in notes])
                size = notes[-1].size

    async def _notes_after(self, size: int) -> Sequence[StoredCheckpoint]:
        async with self.database.transaction() as tx:
            return await log.checkpoints_after(tx, size, _CATCH_UP)


async def number_of(database: Database, sequencer: Sequencer, entry: EntryId) -> int:
    """The number of a committed entry, sequenced now where it has none yet. Raises EvidenceError for an unknown one."""
    await sequencer.run_once(wait=True)
    async with database.transaction() as tx:
        found = await log.load_entry(tx, entry)
    if found is None or found.number is None:
        raise EvidenceError(f"the log has no entry {entry}", code="E116")
    return found.number


async def load_frontier(tx: Transaction, last: StoredCheckpoint | None) -> Frontier:
    """The right edge of the tree under its last checkpoint. Raises EvidenceError where the nodes make another."""
    if last is None:
        return Frontier.empty()
    edge = coordinates(0, last.size)
    nodes = await log.load_nodes(tx, edge)
    frontier = Frontier(last.size, [nodes[place] for place in edge if place in nodes])
    if len(nodes) != len(edge) or frontier.root() != last.root:
        raise EvidenceError(
            f"the stored tree of size {last.size} is not the one that was signed",
            code="E117",
            effect="No checkpoint is signed.",
            mend="run `lastday evidence check`: it names the first entry that differs",
        )
    return frontier


async def load_proof_nodes(tx: Transaction, ranges: Sequence[Sequence[tuple[int, int]]]) -> dict[Coordinate, bytes]:
    """The stored nodes that proofs over all these ranges need, in one reading."""
    wanted = set(chain.from_iterable(coordinates(start, end) for group in ranges for start, end in group))
    found = await log.load_nodes(tx, wanted)
    return {Coordinate(level, position): content for (level, position), content in found.items()}
