"""Fuzzers on what clients send: no crash, no hang, no 500 (S-41). A minute each; ten in the long matrix."""

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.conformance.asking import Asking
from tests.fuzz.described import GROUP, USER, described
from tests.house.sources import ROOT
from tests.servers.lastday_server import LastdayServer

FUZZ = ROOT / ".fuzz" / "bin"
TARGET = Path(__file__).with_name("target.py")
FIXTURES = ROOT / "tests" / "data" / "idp-fixtures"
A_MINUTE, TEN_MINUTES = 60, 600
FILTERS = (
    'userName eq "bjensen"',
    'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "J"',
    'meta.lastModified gt "2011-05-13T04:42:34Z"',
    'title pr and not (userType eq "Employee" or active eq false)',
    'emails[type eq "work" and value co "@example.com"] or ims[type eq "xmpp"]',
)
PATHS = ("members", "name.familyName", 'addresses[type eq "work"].streetAddress', 'members[value eq "2819"]')
pytestmark = [pytest.mark.timeout(900), pytest.mark.real("atheris")]


def seeds_of(kind: str) -> list[bytes]:
    if kind == "filter":
        return [text.encode() for text in FILTERS]
    if kind == "path":
        return [b"\0" + text.encode() for text in PATHS]
    return [path.read_bytes() for path in sorted(FIXTURES.rglob("update_*.json"))]


def fuzzed(kind: str, seconds: int, folder: Path) -> str:
    """What libFuzzer said at the end; it and its inputs stay in `folder` where it found something."""
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds_of(kind)):
        (corpus / str(number)).write_bytes(seed)
    options = (f"-max_total_time={seconds}", "-timeout=10", "-max_len=4096", "-verbosity=1", "-print_final_stats=1")
    packages = os.pathsep.join((str(ROOT / "src"), sysconfig.get_paths()["purelib"]))
    done = subprocess.run(
        [FUZZ / "python", TARGET, kind, *options, f"-artifact_prefix={folder}/", corpus],
        env={**os.environ, "PYTHONPATH": packages}, cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    return done.stderr


def inputs_of(said: str) -> int:
    found = re.search(r"number_of_executed_units:\s*(\d+)", said)
    assert found is not None, said[-2000:]
    return int(found[1])


@pytest.mark.parametrize("kind", ["filter", "path", "patch"])
def test_a_minute_of_inputs_finds_no_crash_and_no_hang(kind, tmp_path):
    assert inputs_of(fuzzed(kind, A_MINUTE, tmp_path)) > 1_000


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["filter", "path", "patch"])
def test_ten_minutes_of_inputs_find_no_crash_and_no_hang(kind, tmp_path):
    assert inputs_of(fuzzed(kind, TEN_MINUTES, tmp_path)) > 10_000


def made_at(asking: Asking) -> dict[str, list[str]]:
    """Ids of resources that are there: as many as a run may delete."""
    users = [asking("POST", "/Users", {"schemas": [USER], "userName": f"u{n}"}).body["id"] for n in range(40)]
    teams = [asking("POST", "/Groups", {"schemas": [GROUP], "displayName": f"g{n}"}).body["id"] for n in range(40)]
    return {"Users": users, "Groups": teams}


def test_the_described_requests_and_what_differs_from_them_meet_no_500(tmp_path):
    """schemathesis: valid and invalid requests by the description of every endpoint, to the real server."""
    description = tmp_path / "openapi.json"
    with LastdayServer() as server:
        asking = Asking(url=server.url, token=server.token("strict"))
        description.write_text(json.dumps(described(made_at(asking))), encoding="utf-8")
        asking.close()
        done = subprocess.run(
            [FUZZ / "schemathesis", "run", description, "--url", server.url,
             "--header", f"Authorization: Bearer {server.token('strict')}", "--checks", "not_a_server_error",
             "--phases", "examples,coverage,fuzzing", "--max-time", str(A_MINUTE), "--seed", "1", "--no-color"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:] + server.said()[-2000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None, done.stdout[-2000:]
    assert int(generated[1]) > 500
