"""The command `lastday audit`: what it prints and writes, and how it refuses."""

import csv
import json
import socket
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

from lastday.interfaces.cli.audit import command
from lastday.model.errors import InputError
from tests.unit.audit.files import AT, DATA

PEOPLE, DESIGN = DATA / "hr" / "people-2026-11-23.csv", DATA / "hr" / "accounts-design.csv"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """The command as `lastday` runs it, in an empty folder, without a network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket.socket, "connect", None)
    services = SimpleNamespace(clock=SimpleNamespace(now=lambda: AT))
    app = typer.Typer(context_settings={"obj": services})
    app.command("audit")(command)

    def invoke(*arguments):
        result = CliRunner().invoke(app, [str(one) for one in arguments], standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result

    return invoke


def arguments(*more):
    return "--people", PEOPLE, "--accounts", f"design={DESIGN}", *more


def test_json_has_the_schema_of_the_issue_and_writes_nothing(run, tmp_path):
    """Issue 2, point 2."""
    result = run(*arguments("--at", "2026-11-24T06:00Z", "--json"))
    answer = json.loads(result.stdout)
    assert answer["schema"] == "lastday/audit/1"
    wanted = {"application", "native_id", "username", "enabled", "verdict", "employee_number", "confidence", "why"}
    assert all(wanted <= set(one) for one in answer["accounts"])
    assert len(answer["accounts"]) == answer["counts"]["accounts"] == 74
    assert (
        sum(answer["counts"][one] for one in ("ok", "still_in", "unowned", "ambiguous", "not_personal", "disabled"))
        == 74
    )
    assert list(tmp_path.iterdir()) == []


def test_the_summary_names_who_left_first_and_files_are_written(run, tmp_path):
    result = run(*arguments("--at", "2026-11-24T06:00Z"))
    assert result.stdout.index("still in: 5") < result.stdout.index("owned by nobody: 1")
    assert "Hugo Khan" in result.stdout
    written = {path.name for path in (tmp_path / "lastday-audit").iterdir()}
    assert written == {"still-in.csv", "unowned.csv", "ambiguous.csv", "unused.csv", "all.csv"}
    with (tmp_path / "lastday-audit" / "still-in.csv").open(encoding="utf-8", newline="") as file:
        assert {row["employee_number"] for row in csv.DictReader(file)} >= {"E10245", "E10840"}


def test_guesses_are_shown_with_their_confidence_beside_the_data(run):
    result = run(*arguments("--json"))
    assert "end_date" in result.stderr
    assert "98 of 98 values fit" in result.stderr


def test_without_an_instant_the_clock_counts(run):
    assert run(*arguments("--json")).stdout == run(*arguments("--json", "--at", AT.isoformat())).stdout


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--at", "yesterday"), "no instant"),
        (("--map", "people.endDate=Nope"), "no column called Nope"),
        (("--map", "people.shoeSize=site"), "nothing is called shoeSize"),
        (("--map", "crm.login=site"), "not understood"),
        (("--accounts", f"design={DESIGN}"), "one name"),
        (("--accounts", "nothing"), "names no application"),
        (("--accounts", "crm=missing.csv"), "cannot be read"),
        (("--map", "people.endDate=", "--map", "people.status=", "--map", "people.lastWorkingMoment="), "left"),
    ],
)
def test_bad_input_says_what_where_and_how_to_mend(run, more, says):
    with pytest.raises(InputError, match=says) as refused:
        run(*arguments(*more))
    assert refused.value.exit_code == 2
    assert refused.value.mend
