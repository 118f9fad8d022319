"""What an auditor gets: a real leaver's bundle from real servers, checked offline, attacked, searched for secrets."""

import base64
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lastday.evidence import verify
from lastday.evidence.verify import FILES, SEPARATOR, pack, verify_bundle
from lastday.store.binaries import find_binaries
from tests.integration.evidence.test_bundle import THIEF, changed_lines, forged, joined, lines_of, number_in, seeded
from tests.journeys.northwind import FIRST_LOAD, SECOND_LOAD, TOKENS, Northwind, open_northwind, people_of
from tests.servers.slapd import LASTDAY_PASSWORD

pytestmark = pytest.mark.xdist_group("evidence journey")

LEAVER = "E10000"
THIRD_LOAD = "2026-11-24T08:00:00Z"
COLLEAGUES = 13
LEDGER_PASSWORD = "canary-of-the-ledger"
REASON = "for cause"


@dataclass
class Scene:
    """A leaver's bundle, and everything that the commands said on the way."""

    world: Northwind
    bundle: Path
    key: str
    case: str
    later: Path | None = None
    """The same case, bundled again when the file that caused it was not kept any more."""
    moved: Path | None = None
    """The bundle of somebody who moved."""
    said: list[str] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        return verify.unpack(self.bundle.read_bytes())[0]

    def page(self) -> str:
        return self.files["report.html"].decode()


def deliver(world, rows):
    with (world.folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def small_company():
    """The leaver and some colleagues of every kind who are all here on the first day."""
    rows = [row for row in people_of("people-2026-11-20.csv") if row["status"] == "active" and not row["end_date"]]
    leaver = next(row for row in rows if row["employee_id"] == LEAVER)
    others = [row for row in rows if row["start_date"] < "2026-01-01" and row is not leaver]
    return [leaver, *others[:COLLEAGUES]]


def as_mover(row):
    return row | {"department": "Finance", "job_title": "Accountant"}


def as_leaver(row):
    return row | {
        "status": "terminated",
        "termination_reason": REASON,
        "end_date": "2026-11-23",
        "last_working_moment": "2026-11-23T15:00:00",
    }


@pytest.fixture(scope="module")
def scene():
    with ExitStack() as stack:
        rows = small_company()
        world = open_northwind(stack, rows=rows)
        world.ledger.psql(f"ALTER ROLE lastday PASSWORD '{LEDGER_PASSWORD}'")
        world.environment["LEDGER_DSN"] = world.ledger.dsn_of("lastday", LEDGER_PASSWORD)
        world.environment["LASTDAY_LOG"] = "DEBUG"
        made = Scene(world=world, bundle=world.folder, key="", case="")
        _live_through(made, rows)
        yield made


def _live_through(scene, rows):
    """First load, the leaver's last day, the bundle; what each command says is kept."""

    def told(*arguments, at):
        done = scene.world.lastday(*arguments, at=at, check=False)
        scene.said += [done.out, done.err]
        assert done.code in (0, 4, 6), f"{arguments}: {done.code}\n{done.err[-3000:]}"
        return done

    def settled(at):
        plan = told("plan", "--json", at=at).json
        return told("apply", plan["plan"], "--wait", "--json", at=at).json

    deliver(scene.world, rows)
    told("source", "read", "hr", "--accept", at=FIRST_LOAD)
    settled(FIRST_LOAD)
    rows = [as_leaver(row) if row["employee_id"] == LEAVER else row for row in rows]
    deliver(scene.world, rows)
    told("source", "read", "hr", at=SECOND_LOAD)
    result = settled(SECOND_LOAD)
    scene.case = next(case["case"] for case in result["cases"] if case["employee_number"] == LEAVER)
    written = told("evidence", "bundle", scene.case, "--out", str(scene.world.folder), "--json", at=SECOND_LOAD).json
    scene.bundle = Path(written["path"])
    scene.key = told("evidence", "fingerprint", at=SECOND_LOAD).out.strip()
    assert written["fingerprint"] == scene.key
    engineer = next(row["employee_id"] for row in rows if row["department"] == "Engineering")
    deliver(scene.world, [as_mover(row) if row["employee_id"] == engineer else row for row in rows])
    told("source", "read", "hr", at=THIRD_LOAD)
    mover = next(case["case"] for case in settled(THIRD_LOAD)["cases"] if case["employee_number"] == engineer)
    for name, case in (("later", scene.case), ("moved", mover)):
        path = scene.world.folder / f"{name}.zip"
        told("evidence", "bundle", case, "--out", str(path), at=THIRD_LOAD)
        setattr(scene, name, path)
    deliver(scene.world, rows)


def offline(command, folder):
    """The command run without any network where this machine lets us, with nothing of ours around it."""
    cut_off = ["unshare", "-n"] if subprocess.run(["unshare", "-n", "true"], check=False).returncode == 0 else []
    return subprocess.run(
        [*cut_off, *command], cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False
    )


def by_enclosed(scene, data, folder):
    """What the verifier that came with the bundle says of `data`."""
    (folder / "verify.py").write_bytes(scene.files["verify.py"])
    (folder / "bundle.zip").write_bytes(data)
    return offline([sys.executable, "-I", "verify.py", "bundle.zip", "--key", scene.key], folder)


def test_both_verifiers_accept_a_real_leavers_bundle_without_a_network(scene, tmp_path):
    """Acceptance 8, and 1: `lastday verify --key` and the enclosed file alone."""
    by_command = scene.world.lastday("verify", str(scene.bundle), "--key", scene.key)
    assert by_command.out.startswith(f"HOLDS (case {scene.case})")
    enclosed = by_enclosed(scene, scene.bundle.read_bytes(), tmp_path)
    assert enclosed.returncode == 0, enclosed.stdout + enclosed.stderr
    assert enclosed.stdout == by_command.out


def attacked(kind, files):
    """The archive after the attack, and a word that the verdict must contain."""
    if kind == "older checkpoint":
        blocks = files["checkpoints.txt"].decode().split(SEPARATOR)
        assert len(blocks) > 1, "the case needs more than one checkpoint for this attack"
        return pack(files | {"checkpoints.txt": SEPARATOR.join(blocks[:-1]).encode()}), "checkpoints.txt"
    if kind == "another key":
        return pack(forged_somewhere(files)), THIEF.fingerprint
    if kind in FILES:
        content = bytearray(files[kind])
        content[seeded(1).randrange(len(content))] ^= 1
        return pack(files | {kind: bytes(content)}), "bundle." if kind == "bundle.json" else kind
    lines, number = edited_lines(kind, lines_of(files))
    expected = "the end is cut off" if number is None else f"(entry {number})"
    return pack(files | {"entries.jsonl": joined(lines)}), expected


def forged_somewhere(files):
    """Some entry is changed and the whole signed again; the helper wants a number to change."""
    lines = [json.loads(line) for line in lines_of(files)]
    lines[3]["entry"]["body"]["number"] = 1
    return forged(files | {"entries.jsonl": joined([verify.canonical(line) for line in lines])}, THIEF)


def edited_lines(kind, lines):
    if kind != "edited":
        return changed_lines(kind, lines, seeded(2))
    value = json.loads(lines[2])
    value["entry"]["at"] = value["entry"]["at"].replace("2026", "2025")
    return [*lines[:2], verify.canonical(value), *lines[3:]], number_in(lines[2])


ATTACKS = ("dropped", "reordered", "inserted", "edited", "truncated", "older checkpoint", "another key")


@pytest.mark.parametrize("kind", [*ATTACKS, *FILES])
def test_every_tampering_is_refused_with_its_place(scene, tmp_path, kind):
    """Acceptance 8: exit 7, by the command and by the enclosed file, and the place is named."""
    if kind == "personal.jsonl":
        assert scene.files[kind], "the case's person stands beside the log"
    data, expected = attacked(kind, scene.files)
    enclosed = by_enclosed(scene, data, tmp_path)
    assert enclosed.returncode == 7, enclosed.stdout
    assert expected in enclosed.stdout
    verdict = verify_bundle(tmp_path / "bundle.zip", scene.key)
    assert enclosed.stdout.splitlines() == verify.show(verdict)


def test_the_command_ends_with_seven_for_broken_evidence(scene, tmp_path):
    """Design section 10: 7 is evidence that does not hold."""
    data, expected = attacked("edited", scene.files)
    (tmp_path / "b.zip").write_bytes(data)
    done = scene.world.lastday("verify", str(tmp_path / "b.zip"), "--key", scene.key, check=False)
    assert done.code == 7
    assert expected in done.out


def test_the_certificate_tells_what_was_done_and_what_proves_it(scene):
    """Design section 4 step 18: person, verdict, rows with probes and entry ids, what survives, who has no account."""
    page = scene.page()
    assert "Priya Raman, E10000" in page
    assert scene.case in page
    entries = {json.loads(line)["entry"]["id"] for line in lines_of(scene.files)}
    for application in ("directory", "chat", "ledger"):
        assert f"<td>{application}</td>" in page
    shown = {entry for entry in entries if entry in page}
    assert len(shown) >= 9, "each operation names its entries"
    assert "sign-in switched off" in page
    assert "read by id, search by" in page
    assert "sign-in refused" in page
    assert "Not proven in chat: Sessions and tokens" in page


def test_the_bundle_names_the_row_that_caused_it(scene):
    """An auditor compares the file that HR kept: its hash, the line, the mapped cells."""
    row = json.loads(scene.files["feed-row.json"])
    delivered = (scene.world.folder / "people.csv").read_bytes()
    assert row["source"] == "hr"
    assert row["file_sha256"] == hashlib.sha256(delivered).hexdigest()
    assert row["line"] == 2
    assert row["values"]["employee_id"] == LEAVER
    assert row["values"]["status"] == "terminated"
    assert "phone" not in row["values"], "only what is mapped"


def test_when_the_file_is_not_kept_any_more_the_row_is_the_one_that_was_taken_in(scene):
    """Only the last good file is kept whole; what was believed then is kept for ever."""
    verdict = verify_bundle(scene.later, scene.key)
    assert verdict.proven, verdict.problems
    files = verify.unpack(scene.later.read_bytes())[0]
    row = json.loads(files["feed-row.json"])
    assert (row["feed"], row["line"], row["key"]) == (None, None, LEAVER)
    assert row["values"]["status"] == "ended"
    assert row["values"]["ends_at"] == "2026-11-23T14:00:00+00:00"
    assert REASON.encode() not in files["feed-row.json"] + files["report.html"]


def test_somebody_who_moved_gets_a_certificate_that_speaks_of_a_move(scene):
    """Movers and joiners have the same proof in fitting words."""
    assert verify_bundle(scene.moved, scene.key).proven
    page = verify.unpack(scene.moved.read_bytes())[0]["report.html"].decode()
    assert "<h1>Certificate of a move: Northwind Robotics</h1>" in page
    assert "Access is as it should be in all 4 applications" in page
    assert "group/engineering taken away" in page
    assert "given group/finance" in page
    assert "<dt>Profile</dt>" not in page


def test_nobody_learns_from_the_bundle_why_she_left(scene):
    """Privacy (design section 10): end reasons are for HR and legal; the bundle says standard or urgent."""
    policy = scene.files["policy.toml"].decode()
    assert REASON in policy, "the rule itself is the company's, and no secret"
    others = {name: content for name, content in scene.files.items() if name not in ("policy.toml", "verify.py")}
    assert [name for name, content in others.items() if REASON.encode() in content] == []
    assert "termination_reason" not in json.loads(scene.files["feed-row.json"])["values"]
    assert "<dt>Profile</dt><dd>urgent</dd>" in scene.page()


def test_the_log_itself_holds_only_a_commitment_to_who_she_is(scene):
    """Design section 9: personal data stands beside; erased, the proofs still verify."""
    opened = [json.loads(line)["data"] for line in scene.files["personal.jsonl"].splitlines()]
    assert {"displayName": "Priya Raman", "employeeNumber": LEAVER} in opened
    assert b"Priya Raman" not in scene.files["entries.jsonl"]


def test_the_stored_log_holds_and_a_rewritten_one_does_not(scene):
    """I-13: `lastday evidence check` goes through every leaf, node, checkpoint and copy."""
    good = scene.world.lastday("evidence", "check", "--json", at=SECOND_LOAD).json
    assert good["holds"] is True
    assert good["entries"] > 30
    copies = next((scene.world.folder / "home" / "checkpoints").iterdir())
    kept = copies.read_bytes()
    try:
        copies.write_bytes(kept.replace(b"\n\n\n", b"\n\n\n", 1).replace(_root_of(kept), b"A" * 43 + b"=", 1))
        bad = scene.world.lastday("evidence", "check", at=SECOND_LOAD, check=False)
    finally:
        copies.write_bytes(kept)
    assert bad.code == 7
    assert "copy" in bad.out


def _root_of(copies):
    return copies.split(b"\n")[2]


def test_no_secret_is_in_bundle_database_log_or_output(scene):
    """T-10: every planted credential, in clear, in hex (bytea of the dump) and in base64."""
    planted = {
        *TOKENS.values(),
        LASTDAY_PASSWORD,
        LEDGER_PASSWORD,
        scene.world.chat.token,
        *(f"secret-{row['employee_id']}" for row in small_company()),
    }
    haystacks = {
        "bundle": b"".join(scene.files.values()),
        "dump": _dump(scene.world.folder / "home"),
        "server log": (scene.world.folder / "home" / "pg" / "server.log").read_bytes(),
        "outputs": "".join(scene.said).encode(),
        "checkpoints": b"".join(p.read_bytes() for p in (scene.world.folder / "home" / "checkpoints").iterdir()),
    }
    assert len(haystacks["dump"]) > 100_000
    assert b"sign-in switched off" in haystacks["bundle"], "the bundle was really unpacked"
    found = [
        (where, secret)
        for where, hay in haystacks.items()
        for secret in planted
        if any(form in hay for form in _forms(secret))
    ]
    assert found == []


def _forms(secret):
    clear = secret.encode()
    return (clear, clear.hex().encode(), base64.b64encode(clear)[: len(clear) // 3 * 4])


def _dump(home):
    """The whole database, by pg_dump of the version that runs it."""
    binaries = find_binaries({}, int((home / "pg" / "PG_VERSION").read_text()))
    command = [str(binaries.folder / "pg_dump"), "-h", str(home / "pg"), "-U", "lastday", "lastday"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_the_archive_opens_with_any_program(scene):
    """The auditor unzips it and reads report.html in a browser."""
    with zipfile.ZipFile(scene.bundle) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == set(FILES)
    assert scene.bundle.stat().st_mode & 0o777 == 0o600
    assert (
        shutil.which("unzip") is None
        or subprocess.run(["unzip", "-tqq", str(scene.bundle)], check=False).returncode == 0
    )
