"""Intents of an urgent leave while the database is away: a file each, synced, merged into the log when it is back.

Only `leave --urgent` writes here. Everything else stops where the log cannot be written: no audit, no effect.
"""

import asyncio
import base64
import json
import logging
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lastday.evidence.entries import EntryDraft, Stamp, prepared
from lastday.evidence.tree import leaf_hash
from lastday.model.errors import EvidenceError
from lastday.model.ids import EntryId
from lastday.store import entries as log
from lastday.store.database import Database
from lastday.store.entries import NewEntry

logger = logging.getLogger(__name__)

_BYTES = ("content", "leaf", "salt", "personal")


@dataclass(frozen=True, slots=True)
class Spool:
    """A directory of entries that are durable here and not in the log yet."""

    directory: Path

    def write(self, draft: EntryDraft, stamp: Stamp) -> EntryId:
        """The entry survives a crash of this machine; it says of itself that it was spooled. Raises EvidenceError."""
        new = prepared(draft, stamp, spooled=True)
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = self.directory / f".{new.id}"
        try:
            handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(_written(new))
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.directory / f"{new.id}.json")
            self._sync()
        except OSError as error:
            raise EvidenceError(
                f"the intent cannot be spooled: {error}",
                code="E120",
                effect="Nothing was done: without evidence there is no effect.",
                mend="make room, or point LASTDAY_HOME to a disk that can be written",
                where=str(self.directory),
            ) from error
        return new.id

    def waiting(self) -> tuple[Path, ...]:
        """The spooled entries, the oldest first."""
        found = self.directory.glob("*.json") if self.directory.is_dir() else iter(())
        return tuple(sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name)))

    async def merge(self, database: Database) -> int:
        """Every spooled entry is in the log, once, however often this was begun before; how many were new.

        Raises EvidenceError for a file that is not what was written; the ones before it are merged, it stays.
        """
        merged = 0
        for path in await asyncio.to_thread(self.waiting):
            new = _read(path)
            async with database.transaction() as tx:
                merged += await log.insert_entry(tx, new)
            path.unlink(missing_ok=True)
            await asyncio.to_thread(self._sync)
            logger.info("spooled entry merged", extra={"entry": new.id})
        return merged

    def _sync(self) -> None:
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _written(new: NewEntry) -> bytes:
    values = asdict(new) | {"at": new.at.isoformat()}
    encoded = {
        name: base64.b64encode(value).decode() if name in _BYTES and value is not None else value
        for name, value in values.items()
    }
    return json.dumps(encoded).encode()


def _read(path: Path) -> NewEntry:
    try:
        values = json.loads(path.read_bytes())
        decoded: dict[str, Any] = {
            name: base64.b64decode(value, validate=True) if name in _BYTES and value is not None else value
            for name, value in values.items()
        }
        new = NewEntry(**decoded | {"at": datetime.fromisoformat(values["at"])})
        whole = leaf_hash(new.content) == new.leaf and json.loads(new.content)["id"] == new.id
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _spoilt(path) from error
    if not whole:
        raise _spoilt(path)
    return new


def _spoilt(path: Path) -> EvidenceError:
    return EvidenceError(
        "a spooled entry is not what was written",
        code="E121",
        effect="It is not merged; it stays where it is.",
        mend="look at the file: it says what was about to be done to whom",
        where=str(path),
    )
