"""Says whether a Lastday evidence bundle holds. One file, standard library only, no network.

    python -I verify.py bundle.zip --key FINGERPRINT

Exit 0: the bundle holds. Exit 7: it does not, and every problem names its place. Exit 2: the call itself is wrong.

Without `--key` a bundle that is whole in itself exits 0 too, but is never called proven: the verdict reads "not
proven: whose key", once more on stderr. 7 is kept for evidence that is false, so that a 7 is always an alarm; whoever
decides on an exit code must pin the key, learned from somewhere else than the bundle. And this copy came with the
bundle: an auditor who does not trust the sender runs one from elsewhere. Python 3.10 or newer.

Sources: RFC 8032 (Ed25519), RFC 8785 (canonical JSON), RFC 9162 section 2.1 (Merkle tree), C2SP signed-note and
tlog-checkpoint.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILES = (
    *("bundle.json", "bundle.sig", "entries.jsonl", "personal.jsonl", "checkpoints.txt"),
    *("feed-row.json", "policy.toml", "exchanges.jsonl", "report.html", "verify.py"),
)
MATERIALS = FILES[5:]  # the closing entry binds them: they stand in the log, not only under the signature
SCHEMA = "lastday/bundle/1"
BUNDLE_PREFIX = b"lastday/bundle/1\n"
ROTATION_PREFIX = b"lastday/key-rotation/1\n"
SEPARATOR = "=====\n"
MAX_FILE = 256 * 1024 * 1024
MAX_ARCHIVE = 512 * 1024 * 1024
_WRITTEN_AT = (1980, 1, 1, 0, 0, 0)

# --- Ed25519, RFC 8032 section 5.1 -----------------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1 = pow(2, (_P - 1) // 4, _P)
_NEUTRAL = (0, 1, 1, 0)


def _add(p: tuple[int, ...], q: tuple[int, ...]) -> tuple[int, ...]:
    """The sum of two points in extended coordinates (section 5.1.4)."""
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    minus = (y1 - x1) * (y2 - x2) % _P
    plus = (y1 + x1) * (y2 + x2) % _P
    both = 2 * _D * t1 * t2 % _P
    scale = 2 * z1 * z2 % _P
    e, f, g, h = plus - minus, scale - both, scale + both, plus + minus
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _decode_point(encoded: bytes) -> tuple[int, ...] | None:
    """The point, or None for what is no canonical encoding of one (section 5.1.3)."""
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if len(encoded) != 32 or y >= _P:
        return None
    above, below = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = above * pow(below, 3, _P) * pow(above * pow(below, 7, _P), (_P - 5) // 8, _P) % _P
    square = below * x * x % _P
    if square == -above % _P:
        x = x * _ROOT_OF_MINUS_1 % _P
    elif square != above:
        return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


def _encode_point(p: tuple[int, ...]) -> bytes:
    inverse = pow(p[2], -1, _P)
    x, y = p[0] * inverse % _P, p[1] * inverse % _P
    return (y | (x & 1) << 255).to_bytes(32, "little")


_BASE = _decode_point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _NEUTRAL


def _combine(s: int, p: tuple[int, ...], h: int, q: tuple[int, ...]) -> tuple[int, ...]:
    """s p + h q."""
    table = (None, p, q, _add(p, q))
    result: tuple[int, ...] = _NEUTRAL
    for bit in range(max(s.bit_length(), h.bit_length()) - 1, -1, -1):
        result = _add(result, result)
        chosen = table[(s >> bit & 1) | (h >> bit & 1) << 1]
        if chosen is not None:
            result = _add(result, chosen)
    return result


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the Ed25519 signature of `message` (RFC 8032 section 5.1.7, without the cofactor).

    Refused: S not below the group order, points that are not canonically encoded, public keys of small order.
    """
    point = _decode_point(public)
    if point is None or len(signature) != 64 or _encode_point(_combine(8, point, 0, point)) == _encode_point(_NEUTRAL):
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= _L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    negative = (_P - point[0], point[1], 1, _P - point[3])
    return _encode_point(_combine(s, _BASE, h, negative)) == signature[:32]


def fingerprint_of(public: bytes) -> str:
    """SHA-256 of the 32 bytes of a public key, in hex."""
    return hashlib.sha256(public).hexdigest()


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of a JSON value. Raises ValueError for what has none."""
    return _json(value).encode()


def _json(value: Any) -> str:
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) >= 2**53:
            raise ValueError("an integer beyond 2^53 has no canonical form")
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(_json, value)) + "]"
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(f"{_json(key)}:{_json(value[key])}" for key in keys) + "}"


def _number(value: float) -> str:
    """As ECMAScript writes it (RFC 8785 section 3.2.2.3)."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("a number that is not finite has no canonical form")
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    sign = "-" if value < 0 else ""
    if 0 < point <= 21:
        padded = digits.ljust(point, "0")
        return sign + padded[:point] + ("." + padded[point:] if padded[point:] else "")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = "." + digits[1:] if digits[1:] else ""
    return f"{sign}{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def parse(text: bytes) -> Any:
    """The JSON value. Raises ValueError, also where a name stands twice or the bytes are not the canonical ones."""
    value = json.loads(text.decode(), object_pairs_hook=_once, parse_int=_whole)
    if canonical(value) != text:
        raise ValueError("the bytes are not canonical JSON")
    return value


def _whole(digits: str) -> int | float:
    """RFC 8785 knows doubles only: beyond 2^53 digits without a point are one, too."""
    return int(digits) if abs(int(digits)) < 2**53 else float(digits)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def leaf_of(content: bytes) -> bytes:
    return hashlib.sha256(b"\0" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: list[bytes]) -> bool:
    """Whether the proof shows `leaf` at `index` of the tree (section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            result = _node(sibling, result)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = _node(result, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and result == root


def extends(old: bytes, old_size: int, new: bytes, new_size: int, proof: list[bytes]) -> bool:
    """Whether the proof shows that the new tree is the old one with more leaves (section 2.1.4.2)."""
    if not 0 < old_size < new_size:
        return old_size == new_size and old == new and not proof
    path = [old, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path or not proof:
        return False
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            before, after = _node(sibling, before), _node(sibling, after)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            after = _node(after, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and before == old and after == new


@dataclass(frozen=True)
class Checkpoint:
    """A tree head and who signed it: (name, 4 bytes of key id, signature)."""

    origin: str
    size: int
    root: bytes
    text: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]


def read_checkpoint(note: str) -> Checkpoint:
    """The checkpoint of a signed note. Raises ValueError for anything else."""
    text, blank, rest = note.rpartition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or not all(lines) or not rest.endswith("\n"):
        raise ValueError("it is not a signed note with origin, size and root")
    if any(ord(character) < 32 and character != "\n" for character in note):
        raise ValueError("it holds control characters")
    size = int(lines[1])
    root = base64.b64decode(lines[2], validate=True)
    if str(size) != lines[1] or size < 0 or len(root) != 32:
        raise ValueError("size or root are not well formed")
    signatures = tuple(map(_signature_line, rest[:-1].split("\n")))
    return Checkpoint(lines[0], size, root, (text + "\n").encode(), signatures)


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    signature = base64.b64decode(parts[2], validate=True) if len(parts) == 3 else b""
    if parts[0] != "\u2014" or not parts[1] or "+" in parts[1] or len(signature) < 5:
        raise ValueError("a signature line is not well formed")
    return parts[1], signature[:4], signature[4:]


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def signed_by(checkpoint: Checkpoint, public: bytes) -> bool:
    """The log's own key signed it; one wrong signature in its name spoils the whole note."""
    mine = (checkpoint.origin, key_id(checkpoint.origin, public))
    own = [signature for name, identifier, signature in checkpoint.signatures if (name, identifier) == mine]
    return bool(own) and all(verify_signature(public, checkpoint.text, signature) for signature in own)


@dataclass(frozen=True)
class Problem:
    """Something that does not hold, and where: the file of the bundle, and the entry's number in the log."""

    file: str
    what: str
    entry: int | None = None
    line: int | None = None

    def __str__(self) -> str:
        line = f" line {self.line}" if self.line is not None else ""
        entry = f" (entry {self.entry})" if self.entry is not None else ""
        return f"{self.file}{line}{entry}: {self.what}"


@dataclass(frozen=True)
class Verdict:
    holds: bool
    proven: bool
    """It holds and is signed by the key that the caller pinned."""
    statements: tuple[str, ...]
    problems: tuple[Problem, ...]
    case: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of entries.jsonl."""

    number: int
    entry: dict[str, Any]
    index: int
    proof: list[bytes]
    leaf: bytes


def pack(files: dict[str, bytes]) -> bytes:
    """The archive, byte for byte the same for the same files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in FILES:
            if name in files:
                info = zipfile.ZipInfo(name, _WRITTEN_AT)
                info.create_system, info.external_attr = 3, 0o600 << 16
                archive.writestr(info, files[name])
    return target.getvalue()


def unpack(data: bytes) -> tuple[dict[str, bytes], list[Problem]]:
    """The files of a bundle. What does not belong there is a problem and is not read. Raises ValueError for no zip.

    An archive that another program packed again is judged by its files; one of ours must be ours to the byte.
    """
    problems: list[Problem] = []
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            for info in infos:
                wrong = _unwelcome(info, files)
                if wrong:
                    problems.append(Problem(info.filename, wrong))
                elif info.compress_type == zipfile.ZIP_STORED:
                    files[info.filename] = _stored(data, info)
                else:
                    files[info.filename] = archive.open(info).read(MAX_FILE)
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError) as error:
        raise ValueError(f"it is not a whole zip archive: {error}") from error
    problems += [Problem(name, "it is missing") for name in FILES if name not in files]
    if any(info.date_time == _WRITTEN_AT for info in infos) and not problems and pack(files) != data:
        problems.append(Problem("bundle", "its bytes are not those of an archive that Lastday wrote"))
    return files, problems


def _stored(data: bytes, info: zipfile.ZipInfo) -> bytes:
    """The bytes as they stand, whatever the checksum says: a changed line can then be named."""
    name, extra = struct.unpack_from("<2H", data, info.header_offset + 26)
    start = info.header_offset + 30 + int(name) + int(extra)
    return data[start : start + info.compress_size]


def _unwelcome(info: zipfile.ZipInfo, files: dict[str, bytes]) -> str:
    if info.filename in files:
        return "it is there twice"
    if info.filename not in FILES:
        return "it does not belong in a bundle"
    if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is encrypted or packed in a way that a bundle never is"
    if info.file_size > MAX_FILE:
        return "it is larger than a bundle's file may be"
    return ""


def verify_bundle(path: Path, key: str | None = None) -> Verdict:
    """Whether the bundle at `path` holds, and what can and cannot be said about it. Never raises for its contents."""
    try:
        files, problems = unpack(path.read_bytes() if path.stat().st_size <= MAX_ARCHIVE else b"")
    except (ValueError, OSError) as error:
        return Verdict(holds=False, proven=False, statements=(), problems=(Problem("bundle", str(error)),))
    return _Judging(files, problems, key).verdict()


class _Judging:
    """Looks at every part even where another is broken, so that the place of a change is named and not its echo."""

    def __init__(self, files: dict[str, bytes], problems: list[Problem], key: str | None) -> None:
        self.files, self.problems = files, problems
        self.pinned = key.replace(":", "").lower() if key else None
        self.statements: list[str] = []
        self.lines: list[Line] = []
        self.checkpoints: list[tuple[Checkpoint, list[bytes]]] = []
        self.rotations: list[tuple[int, bytes, bytes]] = []
        self.contents: dict[str, Any] = {}
        self.signer = b""

    def verdict(self) -> Verdict:
        self._guarded("bundle.json", self._contents)
        for name in FILES[2:5]:
            if self.files.get(name) and not self.files[name].endswith(b"\n"):
                self._fail(name, "the end is cut off")
        self._guarded("checkpoints.txt", self._read_checkpoints)
        for part in (self._read_entries, self._rotations, self._whose_key, self._judge_entries, self._closing):
            self._guarded("entries.jsonl", part)
        self._guarded("checkpoints.txt", self._judge_checkpoints)
        self._guarded("personal.jsonl", self._personal)
        self._guarded("entries.jsonl", self._limits)
        holds, proven = not self.problems, not self.problems and bool(self.pinned)
        said, found = tuple(self.statements), tuple(self.problems)
        signer, case = fingerprint_of(self.signer) if self.signer else None, self.contents.get("case")
        return Verdict(holds=holds, proven=proven, statements=said, problems=found, case=case, fingerprint=signer)

    def _guarded(self, file: str, part: Callable[[], None]) -> None:
        try:
            part()
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            self._fail(file, f"it is not well formed: {error!r:.200}")

    def _fail(self, file: str, what: str, line: Line | None = None) -> None:
        self.problems.append(Problem(file, what, line.index if line else None, line.number if line else None))

    def _contents(self) -> None:
        raw = self.files.get("bundle.json", b"")
        contents = parse(raw)
        if contents["schema"] != SCHEMA:
            raise ValueError("a kind that this verifier does not know")
        self.contents, self.signer = contents, base64.b64decode(contents["key"], validate=True)
        if contents["fingerprint"] != fingerprint_of(self.signer):
            self._fail("bundle.json", "fingerprint and key do not belong together")
        for name in FILES[2:]:
            if name in self.files and contents["files"].get(name) != hashlib.sha256(self.files[name]).hexdigest():
                self._fail(name, "its bytes are not those that were signed")
        if set(contents["files"]) != set(FILES[2:]):
            self._fail("bundle.json", "the list of files is not that of a bundle")
        self._guarded("bundle.sig", self._signature)

    def _signature(self) -> None:
        signature = base64.b64decode(self.files["bundle.sig"], validate=True)
        known = verify_signature(self.signer, BUNDLE_PREFIX + self.files["bundle.json"], signature)
        if not known or base64.b64encode(signature) != self.files["bundle.sig"]:
            self._fail("bundle.sig", "it is not the key's signature of bundle.json")

    def _read_checkpoints(self) -> None:
        for block in self.files.get("checkpoints.txt", b"").decode().split(SEPARATOR):
            note, _, tail = block.partition("consistency\n")
            steps = [base64.b64decode(line, validate=True) for line in tail.split("\n") if line]
            self.checkpoints.append((read_checkpoint(note), steps))

    def _read_entries(self) -> None:
        text = self.files.get("entries.jsonl", b"")
        for number, raw in enumerate(text.removesuffix(b"\n").split(b"\n"), start=1):
            try:
                value = parse(raw)
                proof = [bytes.fromhex(item) for item in value["proof"]]
                leaf = leaf_of(canonical(value["entry"]))
                self.lines.append(Line(number, dict(value["entry"]), int(value["index"]), proof, leaf))
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                self.problems.append(Problem("entries.jsonl", f"it is no entry: {error!r:.200}", line=number))

    def _rotations(self) -> None:
        """Only what both keys signed makes one key the follower of another."""
        for line in self.lines:
            if line.entry.get("kind") != "key_rotated":
                continue
            body = line.entry["body"]
            old, new = base64.b64decode(body["old"]), base64.b64decode(body["new"])
            message = ROTATION_PREFIX + old + new
            signed = ((old, body["signed_by_old"]), (new, body["signed_by_new"]))
            if all(verify_signature(public, message, base64.b64decode(signature)) for public, signature in signed):
                self.rotations.append((line.index, old, new))
            else:
                self._fail("entries.jsonl", "a change of keys is not signed by both keys", line)

    def _whose_key(self) -> None:
        chain = [self.rotations[0][1]] if self.rotations else [self.signer]
        for _, old, new in self.rotations:
            if old != chain[-1]:
                self._fail("entries.jsonl", "the changes of keys do not follow on one another")
            chain.append(new)
        if chain[-1] != self.signer:
            self._fail("bundle.json", "it is not signed by the key that was in force")
        known = fingerprint_of(self.signer)
        if self.pinned is None:
            self.statements.append(f"not proven: whose key. Signed by {known}; name the key you expect with --key")
        elif self.pinned not in map(fingerprint_of, chain):
            self._fail("bundle.json", f"it is signed by {known}, not by the key you named")
        else:
            self.statements.append(f"signed by the key you named ({known})")

    def _in_force(self, size: int) -> bytes:
        """The key that must have signed a checkpoint of this size."""
        past = [new for index, _, new in self.rotations if index < size]
        if past:
            return past[-1]
        return self.rotations[0][1] if self.rotations else self.signer

    def _judge_checkpoints(self) -> None:
        previous: Checkpoint | None = None
        for checkpoint, proof in self.checkpoints:
            place = f"the checkpoint of size {checkpoint.size}"
            if checkpoint.origin != self.contents.get("origin"):
                self._fail("checkpoints.txt", f"{place} is of another log")
            if not signed_by(checkpoint, self._in_force(checkpoint.size)):
                self._fail("checkpoints.txt", f"{place} is not signed by the key in force")
            old, new = previous or checkpoint, checkpoint
            if previous and not (old.size < new.size and extends(old.root, old.size, new.root, new.size, proof)):
                self._fail("checkpoints.txt", f"{place} does not continue the one of size {previous.size}")
            previous = checkpoint
        if previous is None or previous.size != self.contents.get("tree_size"):
            self._fail("checkpoints.txt", "the last checkpoint is not the one that the bundle was closed with")

    def _judge_entries(self) -> None:
        head, before = self.checkpoints[-1][0], -1
        for line in self.lines:
            if line.index <= before:
                self._fail("entries.jsonl", "it is not in the order of the log", line)
            before = max(before, line.index)
            if not includes(head.root, head.size, line.index, line.leaf, line.proof):
                self._fail("entries.jsonl", "the log does not hold this entry at this place", line)
        numbers = f", numbers {self.lines[0].index} to {before}" if self.lines else ""
        self.statements.append(f"{len(self.lines)} entries{numbers}, in a log of {head.size}")

    def _closing(self) -> None:
        """The closing entry lists every leaf of the case: what was dropped or put in shows by its place."""
        if not self.lines or self.lines[-1].entry.get("kind") != "bundle_closed":
            self._fail("entries.jsonl", "the end is cut off: the closing entry is not there", *self.lines[-1:])
            return
        closing, body = self.lines[-1], self.lines[-1].entry["body"]
        if closing.entry.get("case") != self.contents.get("case"):
            self._fail("entries.jsonl", "the closing entry is of another case", closing)
        listed = [(int(index), str(leaf)) for index, leaf in body["leaves"]]
        there = {line.index: line for line in self.lines[:-1]}
        for index, leaf in listed:
            if index not in there:
                self.problems.append(Problem("entries.jsonl", "the closing entry lists it, and it is missing", index))
            elif there[index].leaf.hex() != leaf:
                self._fail("entries.jsonl", "it is not the entry that the closing entry lists", there[index])
        for index in there.keys() - {index for index, _ in listed}:
            self._fail("entries.jsonl", "the closing entry does not list it", there[index])
        if len(there) != len(self.lines) - 1:
            self._fail("entries.jsonl", "an entry stands twice")
        for name in MATERIALS:
            if body["files"].get(name) != hashlib.sha256(self.files.get(name, b"")).hexdigest():
                self._fail(name, "it is not what the closing entry in the log says")

    def _personal(self) -> None:
        committed = {line.entry["id"]: line for line in self.lines if line.entry.get("personal")}
        opened = set()
        for number, raw in enumerate(self.files.get("personal.jsonl", b"").splitlines(), start=1):
            value = parse(raw)
            line = committed.get(value["entry"])
            seal = hmac.new(bytes.fromhex(value["salt"]), canonical(value["data"]), hashlib.sha256).hexdigest()
            if line is None or line.entry["personal"] != seal:
                place = line.index if line else None
                self.problems.append(Problem("personal.jsonl", "the entry does not commit to this", place, number))
            opened.add(value["entry"])
        erased = len(committed.keys() - opened)
        if erased:
            self.statements.append(f"the personal data of {erased} entries is not enclosed: erased, or not this case's")

    def _limits(self) -> None:
        if any(line.entry.get("stamp", {}).get("test_clock") for line in self.lines):
            self.statements.append("made with a test clock: it proves nothing about real time")
        self.statements.append("no witness signed: the host's administrator could have rewritten this before")


def main(arguments: list[str] | None = None) -> int:
    """Prints the verdict; the exit code."""
    parser = argparse.ArgumentParser(prog="verify.py", description="Says whether a Lastday evidence bundle holds.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--key", help="fingerprint of the key that you expect: 64 hex digits, learned elsewhere")
    options = parser.parse_args(arguments)
    if options.key is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", options.key.replace(":", "")):
        parser.error("--key takes the whole fingerprint: 64 hex digits")
    verdict = verify_bundle(options.bundle, options.key)
    sys.stdout.write("\n".join(show(verdict)) + "\n")
    if verdict.holds and not verdict.proven:
        sys.stderr.write("not proven: whose key\n")
    return 0 if verdict.holds else 7


def show(verdict: Verdict) -> list[str]:
    """The verdict in lines: first the verdict, then the problems, then what else can be said."""
    head = "HOLDS" if verdict.proven else "HOLDS, but not proven: whose key" if verdict.holds else "DOES NOT HOLD"
    about = f" (case {verdict.case})" if verdict.case else ""
    found = [f"  x {problem}" for problem in verdict.problems] + [f"  - {said}" for said in verdict.statements]
    return ["".join(c if c.isprintable() else "?" for c in line) for line in (head + about, *found)]


if __name__ == "__main__":
    sys.exit(main())
