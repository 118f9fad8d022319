"""Signed tree heads (C2SP tlog-checkpoint) and their copies outside the database."""

import base64
import fcntl
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lastday.evidence.keys import Signer
from lastday.evidence.verify import Checkpoint, read_checkpoint
from lastday.model.errors import EvidenceError

_ORIGIN = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_NOTE = re.compile(rb"[^\n]+\n[^\n]+\n[^\n]+\n\n(?:\xe2\x80\x94 [^\n]+\n)+\n")
_TAIL = 64 * 1024


def origin_of(instance: str) -> str:
    """The name of the log of one installation: another database is another log."""
    return f"lastday.local/{instance}"


def checked_origin(origin: str) -> str:
    """The origin, a schema-less URL without blanks and plus. Raises EvidenceError for anything else."""
    if not _ORIGIN.fullmatch(origin):
        raise EvidenceError(
            f"{origin!r} cannot name a log", code="E113", mend="use letters, digits, `.`, `-`, `_`, `/`"
        )
    return origin


def signed_checkpoint(signer: Signer, origin: str, size: int, root: bytes) -> str:
    """The checkpoint as a signed note: origin, size, root, signature under the origin's name."""
    return signer.note(origin, f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n")


class CheckpointCopies(Protocol):
    """Somewhere outside the database that remembers checkpoints: a file, syslog, a witness."""

    def last(self) -> Checkpoint | None:
        """The newest one it remembers."""
        ...

    def keep(self, notes: Sequence[str]) -> None:
        """The notes are durable there, in order, after what is there already."""
        ...


@dataclass(frozen=True, slots=True)
class FileCopies:
    """Checkpoints of one log in one file that only grows, each followed by a blank line."""

    path: Path

    @classmethod
    def of(cls, directory: Path, origin: str) -> "FileCopies":
        return cls(directory / (checked_origin(origin).replace("/", "_") + ".checkpoints"))

    def last(self) -> Checkpoint | None:
        """The newest copy that is whole. Raises EvidenceError where the file holds something else."""
        if not self.path.exists() or not self.path.stat().st_size:
            return None
        with self.path.open("rb") as file:
            file.seek(max(self.path.stat().st_size - _TAIL, 0))
            whole = _NOTE.findall(file.read())
        return self._read(whole[-1] if whole else b"")

    def all(self) -> list[Checkpoint]:
        """Every copy, the oldest first. Raises EvidenceError for what is no checkpoint."""
        content = self.path.read_bytes() if self.path.exists() else b""
        whole = _NOTE.findall(content)
        if not content.startswith(b"".join(whole)) or (content and not whole):
            return [self._read(content)]
        return [self._read(note) for note in whole]

    def keep(self, notes: Sequence[str]) -> None:
        """The notes that are larger than the last one stand in the file, synced, whoever else writes to it."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = self.last()
            self._drop_unfinished(file.fileno())
            fresh = [note for note in notes if known is None or read_checkpoint(note).size > known.size]
            file.write("".join(f"{note}\n" for note in fresh).encode())
            file.flush()
            os.fsync(file.fileno())

    def _drop_unfinished(self, handle: int) -> None:
        """What a crash left of a copy that was being written is gone; it is written again."""
        size = os.fstat(handle).st_size
        tail = os.pread(handle, _TAIL, max(size - _TAIL, 0))
        ends = [match.end() for match in _NOTE.finditer(tail)]
        if ends and ends[-1] < len(tail):
            os.ftruncate(handle, size - len(tail) + ends[-1])

    def _read(self, note: bytes) -> Checkpoint:
        try:
            return read_checkpoint(note.decode()[:-1])
        except ValueError as error:
            raise EvidenceError(
                f"a copied checkpoint cannot be read: {error}",
                code="E114",
                effect="No checkpoint is signed until the copies are whole.",
                mend="put the file back from its backup",
                where=str(self.path),
            ) from error
