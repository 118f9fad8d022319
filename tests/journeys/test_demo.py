"""`lastday demo` to its end, cut off in the middle, and run again (issue point 10, acceptance 1)."""

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lastday.evidence import verify
from lastday.evidence.verify import verify_bundle
from lastday.interfaces.cli.demo.company import LEAVER, NEWCOMERS, deliver, everybody, with_leaver
from lastday.interfaces.cli.demo.place import claimed
from lastday.interfaces.cli.demo.processes import Interruptions
from lastday.interfaces.cli.demo.scim import ScimApplication

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(600)]

GENEROUS_S = 300


@pytest.fixture(scope="module")
def place():
    """A folder that the databases' plain user may enter, as /tmp/pytest-of-root is none."""
    folder = Path(tempfile.mkdtemp(prefix="demo-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def started(place, *options):
    """The demo in a process group of its own, with variables that would lead a careless one to a real installation."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LASTDAY_")}
    environment |= {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/not-this-one", "LASTDAY_HOME": "/nowhere"}
    return subprocess.Popen(
        [sys.executable, "-m", "lastday", "demo", "--folder", str(place / "demo"), *options],
        cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip


def read_until(process, mark):
    """What the demo said, up to and with the first line that has `mark`."""
    said = []
    for line in process.stdout:
        said.append(line)
        if mark in line:
            return "".join(said)
    process.wait()
    raise AssertionError(f"no {mark!r} in\n{''.join(said)}")


def left_running(place):
    """Every process that works in the folder, was started with it, or still writes into it."""
    return [process.name for process in Path("/proc").glob("[0-9]*") if _uses(process, str(place))]


def _uses(process, place):
    if process.name == str(os.getpid()):
        return False
    try:
        links = [process / "cwd", *(process / "fd").iterdir()]
        held = [str(link.readlink()) for link in links if link.is_symlink()]
        return place in (process / "cmdline").read_text() or any(one.startswith(f"{place}/") for one in held)
    except OSError:
        return False


def assert_nothing_is_left(process, place):
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert left_running(place) == []


@pytest.mark.parametrize(
    ("mark", "number"),
    [
        ("1. Halden", signal.SIGINT),
        ("ledger     PostgreSQL", signal.SIGINT),
        ("4. The plan is carried out", signal.SIGINT),
        ("2. The first load", signal.SIGTERM),
    ],
)
def test_cut_off_at_any_moment_it_leaves_no_process(place, mark, number):
    """Clean after Ctrl-C: no process, no socket; 130 says that nobody goes on."""
    process = started(place)
    said = read_until(process, mark)
    process.send_signal(number)
    rest, _ = process.communicate(timeout=GENEROUS_S)
    assert process.returncode == 130, said + rest
    assert "nothing runs any more" in rest
    assert "Traceback" not in rest
    assert_nothing_is_left(process, place)


@pytest.fixture(scope="module")
def finished(place):
    """A whole run, in the folder in which others were cut off."""
    process = started(place)
    said, _ = process.communicate(timeout=GENEROUS_S)
    assert process.returncode == 0, said
    return process, said


def test_it_ends_by_itself_with_the_leaver_gone_from_real_applications(finished):
    """Acceptance 1: gone from at least three applications, by their own word."""
    _, said = finished
    told = re.search(r"gone from (\d+) of (\d+) applications: (.*)", said)
    assert told is not None
    assert told[1] == told[2]
    assert set(told[3].split(", ")) >= {"chat", "tickets", "ledger"}
    assert 'refused: role "priya.raman" is not permitted to log in' in said
    assert "terminating connection due to administrator command" in said
    assert "bind as uid=priya.raman          let in                       ->  refused: invalidCredentials" in said


def test_each_application_is_a_process_on_a_socket_of_its_own(finished):
    _, said = finished
    processes = re.findall(r"^  (?:chat|tickets|ledger|directory) .* process (\d+)$", said, re.MULTILINE)
    sockets = re.findall(r"^  \w+ +(?:SCIM server|OpenLDAP|PostgreSQL [\d.]+), (?:socket )?(\S+),", said, re.MULTILINE)
    assert len(set(processes)) == len(set(sockets)) == 4


def test_every_operation_is_told_to_its_settlement(finished):
    """Without a terminal one line for each step, without colours."""
    _, said = finished
    part = said.partition("4. The plan is carried out")[2].partition("5. The applications")[0]
    settled = set(re.findall(r"^  (\w+) +(.+?) +settled$", part, re.MULTILINE))
    verified = set(re.findall(r"^  (\w+) +(.+?) +verified$", part, re.MULTILINE))
    assert len(settled) == 10
    assert verified <= settled
    assert "\x1b" not in said


def test_the_bundle_verifies_and_a_changed_one_does_not(finished, place):
    _, said = finished
    key = re.search(r"^  key +([0-9a-f]{64})$", said, re.MULTILINE)
    bundles = list((place / "demo" / "bundles").glob("LV-*.zip"))
    assert key is not None
    assert len(bundles) == 1
    assert verify_bundle(bundles[0], key[1]).proven
    assert "exit 0" in said
    assert re.search(r"x entries.jsonl line \d+ \(entry \d+\)", said)
    assert b"Priya Raman, H1007" in verify.unpack(bundles[0].read_bytes())[0]["report.html"]


def test_nothing_is_left_running_at_the_end(finished, place):
    process, _ = finished
    assert_nothing_is_left(process, place)


def test_what_it_says_to_look_further_works(finished, place):
    """The printed commands are run as they stand."""
    _, said = finished
    environment = {"PATH": os.environ["PATH"], "LASTDAY_HOME": "demo/home"}
    for label, expected in (("the cases", "leaver"), ("the whole log", "the log holds")):
        line = re.search(rf"^  {label} +LASTDAY_HOME=demo/home lastday (.*)$", said, re.MULTILINE)
        assert line is not None
        command = [sys.executable, "-m", "lastday", *line[1].split()]
        done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert expected in done.stdout
    subprocess.run([sys.executable, "-m", "lastday", "stop"], cwd=place, env=environment, check=True)
    assert left_running(place) == []


def test_a_folder_that_holds_something_else_is_not_touched(tmp_path):
    """It clears only what is a demo's."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").write_text("years of work")
    process = started(tmp_path)
    said, _ = process.communicate(timeout=GENEROUS_S)
    assert process.returncode == 2
    assert "is not a demo" in said
    assert (tmp_path / "demo" / "thesis.txt").read_text() == "years of work"


def test_two_demos_in_one_folder_do_not_meet(tmp_path):
    """The second one is told so, and touches nothing of the first."""
    with claimed(tmp_path / "demo"):
        process = started(tmp_path)
        said, _ = process.communicate(timeout=GENEROUS_S)
    assert process.returncode == 2
    assert "a demo runs in" in said


def test_an_application_starts_whatever_its_token_begins_with(tmp_path, monkeypatch):
    """A random token that begins with a dash is no option of theirs."""
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _length: "-beginning-with-a-dash")
    (tmp_path / "logs").mkdir()
    chat = ScimApplication("chat", tmp_path)
    leaver = next(person for person in everybody() if person.number == LEAVER)
    try:
        with Interruptions() as interruptions:
            chat.start(interruptions)
        assert not chat.ask(leaver).inside
        chat.seed([leaver])
        assert chat.ask(leaver).inside
    finally:
        chat.stop()
    assert left_running(tmp_path) == []


def test_what_was_killed_outright_is_put_away_by_the_next_run(place):
    """kill -9 leaves servers behind; the next demo in the folder ends them before it begins."""
    killed = started(place)
    read_until(killed, "directory  OpenLDAP")
    killed.kill()
    killed.communicate()
    assert left_running(place) != []
    again = started(place)
    read_until(again, "1. Halden")
    again.send_signal(signal.SIGINT)
    rest, _ = again.communicate(timeout=GENEROUS_S)
    assert again.returncode == 130, rest
    assert_nothing_is_left(again, place)


def test_the_company_is_forty_people_and_one_of_them_leaves(tmp_path):
    """The bundled HR file is whole, and HR's second file differs in the leaver only."""
    people = everybody()
    at = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    after = with_leaver(people, at)
    changed = [(was, now) for was, now in zip(people, after, strict=True) if was != now]
    assert len(people) == len({person.number for person in people}) == len({person.mail for person in people}) == 40
    assert {LEAVER, *NEWCOMERS} <= {person.number for person in people}
    assert [now.row["last_working_moment"] for _, now in changed] == ["2026-11-24T06:30:00"]
    deliver(tmp_path, after)
    assert (tmp_path / "people.csv").read_text(encoding="utf-8").count("terminated") == 1
