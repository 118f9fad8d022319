"""A bundle holds, and stops holding after every attack of acceptance 8, with the place named, by both verifiers."""

import ast
import asyncio
import base64
import hashlib
import io
import json
import random  # noqa: TID251 - seeded, so that a failure comes again
import subprocess
import sys
import zipfile
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lastday.evidence import verify
from lastday.evidence.entries import erase
from lastday.evidence.keys import Signer, rotate
from lastday.evidence.tree import Coordinate, Frontier, inclusion_ranges, proof
from lastday.evidence.verify import BUNDLE_PREFIX, FILES, SEPARATOR, canonical, leaf_of, pack, verify_bundle
from lastday.model.errors import EvidenceError
from lastday.model.ids import CaseId
from lastday.store.database import Database
from tests.integration.evidence.scenes import (
    AT,
    CASE,
    LEAVER,
    ORIGIN,
    OTHER,
    STAMP,
    bundle_of,
    sequencer_of,
    write_history,
)

SEEDS = range(4)
THIEF = Signer(Ed25519PrivateKey.from_private_bytes(b"t" * 32))


@pytest.fixture(scope="module")
def scene(database_server, tmp_path_factory):
    """The bundle's files, its bytes, and the key that signed it."""
    directory = tmp_path_factory.mktemp("evidence")

    async def made():
        async with await Database.open(url) as database:
            sequencer = sequencer_of(database, directory)
            await write_history(database, sequencer)
            return await bundle_of(database, sequencer, directory), sequencer.keys.current()

    with psycopg.connect(database_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bundle_scene TEMPLATE migrated_template")
        url = database_server.replace("/lastday?", "/bundle_scene?")
        path, signer = asyncio.run(made())
        connection.execute("DROP DATABASE bundle_scene WITH (FORCE)")
    data = path.read_bytes()
    return verify.unpack(data)[0], data, signer


def seeded(seed):
    return random.Random(seed)  # noqa: S311 - chooses places, makes no keys


def problems_of(data, key, tmp_path):
    """What does not hold, as both verifiers say it: imported, and the enclosed file alone with nothing around it."""
    path, script = tmp_path / "bundle.zip", tmp_path / "verify.py"
    path.write_bytes(data)
    verdict = verify_bundle(path, key)
    script.write_bytes(Path(verify.__file__).read_bytes())
    command = [sys.executable, "-I", str(script), str(path), *(["--key", key] if key else [])]
    run = subprocess.run(command, capture_output=True, text=True, env={}, cwd=tmp_path, check=False)
    assert run.returncode == (0 if verdict.holds else 7), run.stderr
    assert run.stdout.splitlines() == verify.show(verdict)
    return [str(problem) for problem in verdict.problems]


def signed_anew(files, signer):
    """As somebody does who may use the key but has no log that says so: new hashes, new signature."""
    contents = json.loads(files["bundle.json"])
    contents |= {
        "files": {name: hashlib.sha256(files[name]).hexdigest() for name in FILES[2:]},
        "key": base64.b64encode(signer.public).decode(),
        "fingerprint": signer.fingerprint,
    }
    raw = canonical(contents)
    return files | {"bundle.json": raw, "bundle.sig": base64.b64encode(signer.sign(BUNDLE_PREFIX + raw))}


def lines_of(files):
    return files["entries.jsonl"].splitlines()


def joined(lines):
    return b"".join(line + b"\n" for line in lines)


def number_in(line):
    return json.loads(line)["index"]


def test_a_bundle_holds_and_the_key_proves_it(scene, tmp_path):
    """Acceptance 8: both verifiers accept it."""
    _, data, signer = scene
    assert problems_of(data, signer.fingerprint, tmp_path) == []
    verdict = verify_bundle(tmp_path / "bundle.zip", signer.fingerprint)
    assert verdict.proven
    assert verdict.case == CASE
    assert any("administrator could have rewritten" in said for said in verdict.statements)
    assert any("test clock" in said for said in verdict.statements)


def test_without_a_pinned_key_it_says_so_and_proves_nothing(scene, tmp_path):
    """Design section 9: "not proven: whose key"."""
    _, data, _ = scene
    (tmp_path / "b.zip").write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-I", verify.__file__, str(tmp_path / "b.zip")], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0
    assert run.stdout.startswith("HOLDS, but not proven: whose key")
    assert run.stderr == "not proven: whose key\n"
    assert not verify_bundle(tmp_path / "b.zip").proven


@pytest.mark.parametrize("key", ["abcd", "zz" * 32, ""])
def test_a_key_that_is_no_fingerprint_is_refused_as_a_wrong_call(scene, tmp_path, key):
    """A cut-off fingerprint must not count as pinned; the code is that of bad input, not of broken evidence."""
    (tmp_path / "b.zip").write_bytes(scene[1])
    run = subprocess.run(
        [sys.executable, "-I", verify.__file__, "b.zip", "--key", key], capture_output=True, check=False
    )
    assert run.returncode == 2


def test_the_enclosed_verifier_is_this_one_and_reaches_for_nothing(scene):
    """Design section 9: standard library only; and no module that can reach a network."""
    files, _, _ = scene
    assert files["verify.py"] == Path(verify.__file__).read_bytes()
    tree = ast.parse(files["verify.py"])
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    roots = {name.partition(".")[0] for name in imported}
    assert roots <= set(sys.stdlib_module_names)
    assert not roots & {"socket", "urllib", "http", "ssl", "asyncio", "subprocess", "os", "ctypes", "importlib"}


def test_what_is_in_it_is_what_the_case_needs(scene):
    """Entries of the case and of its batch, none of somebody else's; the readable page is escaped."""
    files, _, _ = scene
    entries = [json.loads(line)["entry"] for line in lines_of(files)]
    assert {entry["case"] for entry in entries} == {CASE, None}
    assert {entry["batch"] for entry in entries[:-1]} == {"b-1"}
    assert entries[-1]["kind"] == "bundle_closed"
    opened = [json.loads(line)["data"] for line in files["personal.jsonl"].splitlines()]
    assert {"name": "Zoë Müller", "mail": "zoe@northwind.example"} in opened
    page = files["report.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Müller" in page
    assert "http" not in page.replace("http-equiv", "")


def test_other_programs_can_open_it(scene):
    with zipfile.ZipFile(io.BytesIO(scene[1])) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_flipped_byte_in_any_file_is_named(scene, tmp_path, name, seed):
    """Acceptance 8."""
    files, _, signer = scene
    content = bytearray(files[name])
    content[seeded(seed).randrange(len(content))] ^= 1 << seed
    found = problems_of(pack(files | {name: bytes(content)}), signer.fingerprint, tmp_path)
    assert any(problem.startswith(name if name != "bundle.json" else "bundle.") for problem in found), found


def test_any_flipped_byte_of_the_archive_itself_shows(scene, tmp_path):
    """Also in what is no file: headers, checksums, times, names."""
    _, data, signer = scene
    chance = seeded(7)
    path = tmp_path / "bundle.zip"
    ends = [*range(30), *range(len(data) - 700, len(data)), *(chance.randrange(len(data)) for _ in range(60))]
    for place in chance.sample(ends, 120):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :])
        assert not verify_bundle(path, signer.fingerprint).holds, place


def test_packed_again_by_another_program_it_still_holds(scene, tmp_path):
    """An auditor who unpacked and packed it has not changed the evidence."""
    files, _, signer = scene
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in reversed(FILES):
            archive.writestr(name, files[name])
    assert problems_of(again.getvalue(), signer.fingerprint, tmp_path) == []


def changed_lines(kind, lines, chance):
    """The lines after an attack, and the number of the entry that must be named; None where it is the end."""
    at = chance.randrange(len(lines) - 1)
    if kind == "dropped":
        return lines[:at] + lines[at + 1 :], number_in(lines[at])
    if kind == "reordered":
        at = chance.randrange(len(lines) - 2)
        swapped = [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
        return swapped, number_in(lines[at])
    if kind == "renumbered":
        first, second = json.loads(lines[at]), json.loads(lines[(at + 1) % (len(lines) - 1)])
        first["entry"], second["entry"] = second["entry"], first["entry"]
        replaced = {at: canonical(first), (at + 1) % (len(lines) - 1): canonical(second)}
        return [replaced.get(place, line) for place, line in enumerate(lines)], number_in(lines[at])
    value = json.loads(lines[at])
    if kind == "edited":
        value["entry"]["body"]["number"] += 1
        return [*lines[:at], canonical(value), *lines[at + 1 :]], number_in(lines[at])
    if kind == "inserted":
        value["entry"]["id"], value["index"] = "e-forged", value["index"] + 1
        return [*lines[: at + 1], canonical(value), *lines[at + 1 :]], value["index"]
    if kind == "doubled":
        return [*lines[: at + 1], lines[at], *lines[at + 1 :]], number_in(lines[at])
    return lines[: at + 1], None


ATTACKS = ("dropped", "reordered", "renumbered", "edited", "inserted", "doubled", "truncated")


@pytest.mark.parametrize("signed", [False, True], ids=["plain", "signed anew with the log's own key"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ATTACKS)
def test_a_change_among_the_entries_names_the_entry(scene, tmp_path, kind, seed, signed):
    """Acceptance 8. Even who may sign the list of files cannot change what the log's tree and closing entry say."""
    files, _, signer = scene
    lines, number = changed_lines(kind, lines_of(files), seeded(seed))
    changed = files | {"entries.jsonl": joined(lines)}
    found = problems_of(pack(signed_anew(changed, signer) if signed else changed), signer.fingerprint, tmp_path)
    expected = "the end is cut off" if number is None else f"(entry {number})"
    assert any(problem.startswith("entries.jsonl") and expected in problem for problem in found), found


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("cut", [1, 40, 2000])
@pytest.mark.parametrize("name", ["entries.jsonl", "checkpoints.txt", "personal.jsonl", "exchanges.jsonl"])
def test_a_cut_off_tail_is_named(scene, tmp_path, name, cut, signed):
    """Acceptance 8. Of personal data a whole line may be missing (erased); half of one may not."""
    files, _, signer = scene
    content = files[name]
    changed = files | {name: content[: -min(cut, len(content) // 2)]}
    found = problems_of(pack(signed_anew(changed, signer) if signed else changed), signer.fingerprint, tmp_path)
    assert any(problem.startswith(name) for problem in found), found


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("keep", [1, 3, 6])
def test_an_older_checkpoint_in_place_of_the_last_is_named(scene, tmp_path, keep, signed):
    """Acceptance 8: it was really signed once, and does not cover the closing entry."""
    files, _, signer = scene
    blocks = files["checkpoints.txt"].decode().split(SEPARATOR)
    changed = files | {"checkpoints.txt": SEPARATOR.join(blocks[:keep]).encode()}
    if signed:
        older = verify.read_checkpoint(blocks[keep - 1].partition("consistency\n")[0])
        contents = json.loads(changed["bundle.json"]) | {"tree_size": older.size}
        changed = signed_anew(changed | {"bundle.json": canonical(contents)}, signer)
    found = problems_of(pack(changed), signer.fingerprint, tmp_path)
    place = f"entries.jsonl line {len(lines_of(files))}" if signed else "checkpoints.txt"
    assert any(problem.startswith(place) for problem in found), found


def test_checkpoints_of_two_histories_are_refused(scene, tmp_path):
    """T-18: a fork signed by the log's own key does not continue what was signed before."""
    files, _, signer = scene
    blocks = files["checkpoints.txt"].decode().split(SEPARATOR)
    first = verify.read_checkpoint(blocks[0])
    fork = signer.note(ORIGIN, f"{ORIGIN}\n{first.size}\n{base64.b64encode(b'f' * 32).decode()}\n")
    changed = signed_anew(files | {"checkpoints.txt": SEPARATOR.join([fork, *blocks[1:]]).encode()}, signer)
    found = problems_of(pack(changed), signer.fingerprint, tmp_path)
    assert any("does not continue" in problem for problem in found), found


def forged(files, thief):
    """A bundle that is whole in itself: other entries, their own tree, everything signed by the thief."""
    entries = [json.loads(line)["entry"] for line in lines_of(files)]
    entries[3]["body"]["number"] = 4711
    contents = [canonical(entry) for entry in entries[:-1]]
    entries[-1]["body"]["leaves"] = [[i, leaf_of(content).hex()] for i, content in enumerate(contents)]
    contents.append(canonical(entries[-1]))
    frontier, leaves = Frontier.empty(), [leaf_of(content) for content in contents]
    nodes = {Coordinate(0, i): leaf for i, leaf in enumerate(leaves)}
    nodes |= {Coordinate(node.level, node.position): node.hash for node in frontier.grow(leaves)}
    size = len(leaves)
    lines = [
        canonical(
            {"entry": json.loads(c), "index": i, "proof": [s.hex() for s in proof(inclusion_ranges(i, size), nodes)]}
        )
        for i, c in enumerate(contents)
    ]
    head = thief.note(ORIGIN, f"{ORIGIN}\n{size}\n{base64.b64encode(frontier.root()).decode()}\n")
    said = canonical(json.loads(files["bundle.json"]) | {"tree_size": size})
    changed = files | {"entries.jsonl": joined(lines), "checkpoints.txt": head.encode(), "bundle.json": said}
    return signed_anew(changed, thief)


def test_everything_signed_again_with_another_key_is_refused_by_the_pinned_one(scene, tmp_path):
    """Acceptance 8. Without the pin nobody could tell, which is why it is then not called proven."""
    files, _, signer = scene
    data = pack(forged(files, THIEF))
    assert problems_of(data, signer.fingerprint, tmp_path) == [
        f"bundle.json: it is signed by {THIEF.fingerprint}, not by the key you named"
    ]
    assert problems_of(data, None, tmp_path) == []
    assert not verify_bundle(tmp_path / "bundle.zip").proven


def test_a_stolen_fingerprint_is_of_no_use(scene, tmp_path):
    """The fingerprint is computed from the key, not believed."""
    files, _, signer = scene
    contents = json.loads(signed_anew(files, THIEF)["bundle.json"]) | {"fingerprint": signer.fingerprint}
    raw = canonical(contents)
    changed = files | {"bundle.json": raw, "bundle.sig": base64.b64encode(THIEF.sign(BUNDLE_PREFIX + raw))}
    assert "bundle.json: fingerprint and key do not belong together" in problems_of(
        pack(changed), signer.fingerprint, tmp_path
    )


@pytest.mark.parametrize("name", ["feed-row.json", "policy.toml", "exchanges.jsonl", "report.html", "verify.py"])
def test_material_exchanged_by_a_holder_of_the_key_contradicts_the_log(scene, tmp_path, name):
    files, _, signer = scene
    changed = signed_anew(files | {name: files[name] + b" "}, signer)
    assert problems_of(pack(changed), signer.fingerprint, tmp_path) == [
        f"{name}: it is not what the closing entry in the log says"
    ]


def test_other_personal_data_than_was_committed_to_is_named(scene, tmp_path):
    files, _, signer = scene
    changed = signed_anew(
        files | {"personal.jsonl": files["personal.jsonl"].replace("Müller".encode(), b"Meier")}, signer
    )
    found = problems_of(pack(changed), signer.fingerprint, tmp_path)
    assert found
    assert all("personal.jsonl" in problem and "does not commit" in problem for problem in found)


def repacked(members):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("entries.jsonl", b"{}\n"), "entries.jsonl: it is there twice"),
        (("notes.txt", b"trust me"), "notes.txt: it does not belong in a bundle"),
        (("../verify.py", b"import os"), "../verify.py: it does not belong in a bundle"),
        (("/etc/passwd", b"root"), "/etc/passwd: it does not belong in a bundle"),
        (("ENTRIES.JSONL", b""), "ENTRIES.JSONL: it does not belong in a bundle"),
    ],
)
def test_traps_of_the_archive_are_named(scene, tmp_path, extra, said):
    files, _, signer = scene
    data = repacked([*files.items(), extra])
    assert said in problems_of(data, signer.fingerprint, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(scene, tmp_path, name):
    files, _, signer = scene
    rest = {other: content for other, content in files.items() if other != name}
    assert f"{name}: it is missing" in problems_of(pack(rest), signer.fingerprint, tmp_path)


def test_a_bomb_is_not_unpacked(scene, tmp_path, monkeypatch):
    """What a file says of its size is believed only up to a limit."""
    monkeypatch.setattr(verify, "MAX_FILE", 100_000)
    files, _, _ = scene
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in FILES:
            archive.writestr(name, bytes(10_000_000) if name == "report.html" else files[name])
    (tmp_path / "b.zip").write_bytes(target.getvalue())
    found = [str(problem) for problem in verify_bundle(tmp_path / "b.zip").problems]
    assert "report.html: it is larger than a bundle's file may be" in found


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 1000])
def test_what_is_no_archive_does_not_hold(tmp_path, data):
    assert problems_of(data, None, tmp_path)


def test_a_file_that_is_not_there_does_not_hold(tmp_path):
    assert [problem.file for problem in verify_bundle(tmp_path / "nothing.zip").problems] == ["bundle"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"[" * 50_000, b'{"schema":"lastday/bundle/1","key":7}', b"\xff\xfe", b'"' * 9],
)
@pytest.mark.parametrize("name", ["bundle.json", "bundle.sig", "entries.jsonl", "checkpoints.txt", "personal.jsonl"])
def test_nonsense_is_a_verdict_and_never_a_crash(scene, tmp_path, name, content):
    files, _, signer = scene
    (tmp_path / "b.zip").write_bytes(pack(files | {name: content}))
    assert not verify_bundle(tmp_path / "b.zip", signer.fingerprint).holds


def test_a_name_cannot_speak_to_the_terminal(scene, tmp_path):
    files, _, _ = scene
    (tmp_path / "b.zip").write_bytes(repacked([*files.items(), ("\x1b[2J\nHOLDS", b"")]))
    shown = verify.show(verify_bundle(tmp_path / "b.zip"))
    assert not any("\x1b" in line or "\n" in line for line in shown)


async def test_after_erasing_a_new_bundle_holds_and_says_what_is_gone(database, tmp_path):
    """T-19, I14."""
    sequencer = sequencer_of(database, tmp_path)
    await write_history(database, sequencer)
    async with database.transaction() as tx:
        await erase(tx, LEAVER, AT, STAMP)
    path = await bundle_of(database, sequencer, tmp_path / "erased.zip")
    verdict = verify_bundle(path, sequencer.keys.current().fingerprint)
    assert verdict.proven, verdict.problems
    assert "the personal data of 2 entries is not enclosed: erased, or not this case's" in verdict.statements
    assert verify.unpack(path.read_bytes())[0]["personal.jsonl"] == b""


async def test_a_bundle_after_a_change_of_keys_holds_under_either_pin(database, tmp_path):
    """Design section 9: old signs new; who pinned the old key need not learn the new one elsewhere."""
    sequencer = sequencer_of(database, tmp_path)
    old = sequencer.keys.current()
    await write_history(database, sequencer)
    new = await rotate(database, sequencer.keys, AT, STAMP)
    path = await bundle_of(database, sequencer, tmp_path)
    for key in (old, new):
        verdict = verify_bundle(path, key.fingerprint)
        assert verdict.proven, verdict.problems
        assert verdict.fingerprint == new.fingerprint
    assert not verify_bundle(path, THIEF.fingerprint).holds
    files = verify.unpack(path.read_bytes())[0]
    path.write_bytes(pack(signed_anew(files, old)))
    assert "bundle.json: it is not signed by the key that was in force" in map(
        str, verify_bundle(path, old.fingerprint).problems
    )


async def test_bundles_of_one_case_can_be_made_again_and_of_all_cases(database, tmp_path):
    """A second one lists the first one's closing entry; other cases have theirs."""
    sequencer = sequencer_of(database, tmp_path)
    await write_history(database, sequencer)
    key = sequencer.keys.current().fingerprint
    for name, case in (("a", CASE), ("b", CASE), ("c", OTHER)):
        verdict = verify_bundle(await bundle_of(database, sequencer, tmp_path / f"{name}.zip", case), key)
        assert verdict.proven, verdict.problems
        assert verdict.case == case
    assert (tmp_path / "a.zip").stat().st_mode & 0o777 == 0o600


async def test_there_is_no_bundle_of_a_case_that_the_log_does_not_know(database, tmp_path):
    sequencer = sequencer_of(database, tmp_path)
    await write_history(database, sequencer)
    with pytest.raises(EvidenceError, match="nothing about case"):
        await bundle_of(database, sequencer, tmp_path, CaseId("case-99"))
