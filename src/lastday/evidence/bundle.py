"""Writes a bundle: everything that proves one case, in one file that is checked without us."""

import asyncio
import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from itertools import pairwise
from pathlib import Path

from lastday.evidence.certificate import Report, certificate
from lastday.evidence.entries import EntryDraft, EntryKind, Stamp, append
from lastday.evidence.keys import Signer, key_in_force
from lastday.evidence.sequencer import Sequencer, load_proof_nodes, number_of
from lastday.evidence.tree import consistency_ranges, inclusion_ranges, proof
from lastday.evidence.verify import BUNDLE_PREFIX, FILES, SCHEMA, SEPARATOR, pack
from lastday.model.canonical import JsonValue, canonical_bytes, digest_bytes
from lastday.model.errors import EvidenceError
from lastday.model.ids import CaseId, EntryId
from lastday.store import entries as log
from lastday.store.database import Database, Transaction
from lastday.store.entries import StoredCheckpoint, StoredEntry
from lastday.store.ids import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleMaterial:
    """What a bundle shows beside the log. The closing entry binds all of it."""

    feed_row: Mapping[str, JsonValue]
    """The row of the feed that caused the case, as it was read; empty where none did."""
    policy_text: str
    exchanges: Sequence[Mapping[str, JsonValue]]
    """Redacted requests and answers, in order."""
    report: Report


async def write_bundle(
    database: Database,
    sequencer: Sequencer,
    case: CaseId,
    target: Path,
    *,
    material: BundleMaterial,
    at: datetime,
    stamp: Stamp,
) -> Path:
    """The bundle of the case is at the returned path, whole: `target`, or `<case>.zip` in it where it is a directory.

    Closing a bundle is an entry itself; it lists all leaves of the case and binds the material. Raises EvidenceError
    where the log has nothing about the case.
    """
    await sequencer.run_once(wait=True)
    async with database.transaction() as tx:
        signer = await asyncio.to_thread(sequencer.keys.in_force, await key_in_force(tx, numbered_only=True))
        files = _materials(material, case, at, signer)
        closing = await _close(tx, case, files, at, stamp)
    number = await number_of(database, sequencer, closing)
    async with database.transaction() as tx:
        checkpoint = await _checkpoint_over(tx, number)
        entries = await _listed(tx, case, closing)
        files |= await _proofs(tx, case, entries, checkpoint)
    if checkpoint.key != signer.fingerprint:
        raise EvidenceError("the key was changed while the bundle was being made", code="E119", mend="make it again")
    contents = _contents(files, case, at, sequencer.origin, checkpoint.size, signer)
    files["bundle.json"] = contents
    files["bundle.sig"] = base64.b64encode(signer.sign(BUNDLE_PREFIX + contents))
    return await asyncio.to_thread(_write, target, case, pack(files))


def _materials(material: BundleMaterial, case: CaseId, at: datetime, signer: Signer) -> dict[str, bytes]:
    page = certificate(material.report, case=case, made_at=at, fingerprint=signer.fingerprint)
    return {
        "feed-row.json": canonical_bytes(material.feed_row) + b"\n",
        "policy.toml": material.policy_text.encode(),
        "exchanges.jsonl": b"".join(canonical_bytes(exchange) + b"\n" for exchange in material.exchanges),
        "report.html": page.encode(),
        "verify.py": (resources.files("lastday.evidence") / "verify.py").read_bytes(),
    }


async def _close(tx: Transaction, case: CaseId, files: Mapping[str, bytes], at: datetime, stamp: Stamp) -> EntryId:
    last = await log.last_checkpoint(tx)
    through = last.size if last else 0
    entries = await log.entries_about(tx, case, through)
    if not any(entry.case == case for entry in entries):
        raise EvidenceError(f"the log has nothing about case {case}", code="E118", mend="see `lastday case` for its id")
    body: dict[str, JsonValue] = {
        "case": case,
        "through": through,
        "leaves": [[entry.number, entry.leaf.hex()] for entry in entries],
        "files": {name: digest_bytes(content) for name, content in files.items()},
    }
    own = next(entry for entry in entries if entry.case == case)
    draft = EntryDraft(kind=EntryKind.BUNDLE_CLOSED, at=at, body=body, case=case, identity=own.identity)
    return await append(tx, draft, stamp)


async def _checkpoint_over(tx: Transaction, number: int) -> StoredCheckpoint:
    """The first checkpoint that covers the closing entry."""
    found = await log.checkpoints_covering(tx, [number])
    if not found:
        raise EvidenceError(f"no checkpoint covers entry {number}", code="E117", effect="No bundle is written.")
    return found[0]


async def _listed(tx: Transaction, case: CaseId, closing: EntryId) -> list[StoredEntry]:
    """Exactly the entries that the closing entry lists, and itself at the end."""
    found = await log.load_entry(tx, closing)
    if found is None:
        raise EvidenceError(f"the log has no entry {closing}", code="E116")
    through = int(json.loads(found.content)["body"]["through"])
    return [*await log.entries_about(tx, case, through), found]


async def _proofs(
    tx: Transaction, case: CaseId, entries: Sequence[StoredEntry], checkpoint: StoredCheckpoint
) -> dict[str, bytes]:
    numbers = [entry.number for entry in entries if entry.number is not None]
    checkpoints = [c for c in await log.checkpoints_covering(tx, numbers) if c.size <= checkpoint.size]
    personal = await log.personal_of(tx, [entry.id for entry in entries if entry.case == case])
    return {
        "entries.jsonl": await _entry_lines(tx, entries, checkpoint.size),
        "personal.jsonl": b"".join(
            b'{"data":%s,"entry":%s,"salt":"%s"}\n'
            % (opened.content, canonical_bytes(opened.entry), opened.salt.hex().encode())
            for opened in personal
        ),
        "checkpoints.txt": await _checkpoint_blocks(tx, checkpoints),
    }


async def _entry_lines(tx: Transaction, entries: Sequence[StoredEntry], size: int) -> bytes:
    numbered = [(entry.number, entry.content) for entry in entries if entry.number is not None]
    ranges = [inclusion_ranges(number, size) for number, _ in numbered]
    nodes = await load_proof_nodes(tx, ranges)
    lines = []
    for (number, content), wanted in zip(numbered, ranges, strict=True):
        path = canonical_bytes([step.hex() for step in proof(wanted, nodes)])
        lines.append(b'{"entry":%s,"index":%d,"proof":%s}\n' % (content, number, path))
    return b"".join(lines)


async def _checkpoint_blocks(tx: Transaction, checkpoints: Sequence[StoredCheckpoint]) -> bytes:
    ranges = [consistency_ranges(old.size, new.size) for old, new in pairwise(checkpoints)]
    nodes = await load_proof_nodes(tx, ranges)
    blocks = [checkpoints[0].note]
    for checkpoint, wanted in zip(checkpoints[1:], ranges, strict=True):
        steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in proof(wanted, nodes))
        blocks.append(f"{checkpoint.note}consistency\n{steps}")
    return SEPARATOR.join(blocks).encode()


def _contents(files: Mapping[str, bytes], case: CaseId, at: datetime, origin: str, size: int, signer: Signer) -> bytes:
    return canonical_bytes(
        {
            "schema": SCHEMA,
            "case": case,
            "made_at": at.astimezone(UTC).isoformat(timespec="microseconds"),
            "origin": origin,
            "tree_size": size,
            "key": base64.b64encode(signer.public).decode(),
            "fingerprint": signer.fingerprint,
            "files": {name: digest_bytes(files[name]) for name in FILES[2:]},
        }
    )


def _write(target: Path, case: CaseId, content: bytes) -> Path:
    """Whole or not at all; readable by its owner only, for it tells of a person."""
    path = target / f"{case}.zip" if target.is_dir() else target
    draft = path.with_name(new_id(f".{path.name}"))
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
