"""The keys that sign the log: made on first use, readable by nobody else, followed by one another in the open."""

import base64
import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lastday.evidence.entries import EntryDraft, EntryKind, Stamp, append
from lastday.evidence.verify import ROTATION_PREFIX, verify_signature
from lastday.model.canonical import JsonValue
from lastday.model.errors import EvidenceError
from lastday.store import entries as log
from lastday.store.database import Database, Transaction
from lastday.store.ids import new_id

logger = logging.getLogger(__name__)

NAME = "evidence.key"
NEXT = "evidence.key.next"
ROTATION_LOCK = "evidence key rotation"


def keys_directory(home: Path, environ: Mapping[str, str]) -> Path:
    """Where the keys are: `LASTDAY_KEYS`, else `keys` below the home."""
    return Path(environ["LASTDAY_KEYS"]) if environ.get("LASTDAY_KEYS") else home / "keys"


@dataclass(frozen=True, slots=True)
class Signer:
    """An Ed25519 key that signs; shows its public half only."""

    _private: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        return self._private.public_key().public_bytes_raw()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key in hex: what an auditor pins."""
        return hashlib.sha256(self.public).hexdigest()

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def note(self, name: str, text: str) -> str:
        """The text as a signed note of C2SP, one signature under `name`."""
        identifier = hashlib.sha256(name.encode() + b"\n\x01" + self.public).digest()[:4]
        signature = base64.b64encode(identifier + self.sign(text.encode())).decode()
        return f"{text}\n\N{EM DASH} {name} {signature}\n"

    def __repr__(self) -> str:
        return f"Signer({self.fingerprint})"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The directory that holds the key in force and, during a change of keys, the one that follows."""

    directory: Path

    def current(self) -> Signer:
        """The key on disk, made where there is none yet. Raises EvidenceError for one that cannot be used."""
        path = self.directory / NAME
        return _load(path) if path.exists() else _create(path)

    def in_force(self, fingerprint: str | None) -> Signer:
        """The key that the log says is in force; None means the log has none yet.

        Finishes a change of keys that was cut off after its entry was written. Raises EvidenceError where the key on
        disk is another: a log that changes its key in silence proves nothing.
        """
        signer = self.current()
        if fingerprint in (None, signer.fingerprint):
            return signer
        waiting = self.directory / NEXT
        if waiting.exists() and _load(waiting).fingerprint == fingerprint:
            self.promote()
            return self.current()
        raise EvidenceError(
            f"the key in {self.directory} is {signer.fingerprint}, the log is signed by {fingerprint}",
            code="E110",
            effect="No checkpoint is signed.",
            mend="put the right key back, or say with LASTDAY_KEYS where it is",
            where=str(self.directory / NAME),
        )

    def prepare(self) -> Signer:
        """A new key that waits on disk for its entry."""
        waiting = self.directory / NEXT
        waiting.unlink(missing_ok=True)
        return _create(waiting)

    def promote(self) -> None:
        """The waiting key is the one on disk; the old one is gone."""
        with contextlib.suppress(FileNotFoundError):  # a sequencer that met the entry was quicker
            (self.directory / NEXT).replace(self.directory / NAME)
        _sync_directory(self.directory)


async def rotate(database: Database, keys: KeyRing, at: datetime, stamp: Stamp) -> Signer:
    """A new key is in force, and an entry that the old and the new key signed says so. Raises EvidenceError."""
    async with database.transaction() as tx:
        await tx.lock(ROTATION_LOCK)
        old = keys.in_force(await key_in_force(tx, numbered_only=False))
        new = keys.prepare()
        draft = EntryDraft(kind=EntryKind.KEY_ROTATED, at=at, body=_handing_over(old, new))
        await append(tx, draft, stamp)
    keys.promote()
    logger.info("evidence key changed", extra={"old": old.fingerprint, "new": new.fingerprint})
    return new


async def key_in_force(tx: Transaction, *, numbered_only: bool) -> str | None:
    """Fingerprint of the key that the log says is in force; None before its first checkpoint."""
    rotation = await log.last_rotation(tx, numbered_only=numbered_only)
    if rotation is not None:
        return hashlib.sha256(base64.b64decode(json.loads(rotation.content)["body"]["new"])).hexdigest()
    first = await log.first_checkpoint(tx)
    return None if first is None else first.key


async def public_keys(tx: Transaction, keys: KeyRing) -> tuple[bytes, ...]:
    """The public keys that may have signed the log: the one on disk and, through entries that both signed, its
    predecessors. What `log_check.verify_log` is to be given.
    """
    known = [keys.current().public]
    for rotation in await log.rotations(tx):
        body = {name: base64.b64decode(value) for name, value in json.loads(rotation.content)["body"].items()}
        old, new = body["old"], body["new"]
        signatures = ((old, body["signed_by_old"]), (new, body["signed_by_new"]))
        message = ROTATION_PREFIX + old + new
        if new == known[-1] and all(verify_signature(public, message, signature) for public, signature in signatures):
            known.append(old)
    return tuple(known)


def _handing_over(old: Signer, new: Signer) -> dict[str, JsonValue]:
    message = ROTATION_PREFIX + old.public + new.public
    return {
        "old": base64.b64encode(old.public).decode(),
        "new": base64.b64encode(new.public).decode(),
        "signed_by_old": base64.b64encode(old.sign(message)).decode(),
        "signed_by_new": base64.b64encode(new.sign(message)).decode(),
    }


def _load(path: Path) -> Signer:
    if path.stat().st_mode & 0o077:
        raise EvidenceError(
            "others may read the key", code="E111", effect="It is not used.", mend=f"chmod 600 {path}", where=str(path)
        )
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EvidenceError("the key cannot be read", code="E112", where=str(path)) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise EvidenceError("the key is not an Ed25519 key", code="E112", where=str(path))
    return Signer(private)


def _create(path: Path) -> Signer:
    """Whole or not at all, and the first of several processes wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(new_id(f".{path.name}"))
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
        logger.info("evidence key made", extra={"path": str(path)})
    except FileExistsError:
        logger.info("another process made the evidence key", extra={"path": str(path)})
    finally:
        draft.unlink()
    _sync_directory(path.parent)
    return _load(path)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
