"""`init`, `token`, `check`, `doctor`, and what every command has in common."""

import io
import json
import re
import tomllib
from contextlib import redirect_stderr, redirect_stdout

import pytest
import typer

from lastday.app import Composition
from lastday.interfaces.cli import orders
from lastday.interfaces.cli.main import build, ended
from lastday.store.database import DatabaseLost
from tests.integration.execution.company import TOKENS, Company

HEADINGS = "employee_id,person_key,full_name,work_email,department,status,start_date,end_date,shoe_size\n"


def run(*arguments, environment=None):
    """The command without any installation."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = ended(Composition(environment or {}), arguments)
    return int(code), out.getvalue(), err.getvalue()


@pytest.fixture
def beginning(tmp_path):
    """A folder with nothing but a file of people."""
    (tmp_path / "people.csv").write_text(f"{HEADINGS}E1,k1,Ada,a@x.example,IT,active,2020-01-01,,42\n")
    return tmp_path


def begin(folder, **answers):
    given = {"company": "Müller & Söhne", "people": folder / "people.csv", "time-zone": "Europe/Berlin", "user": "dana"}
    given |= {name.replace("_", "-"): value for name, value in answers.items()}
    options = [text for name, value in given.items() if value is not None for text in (f"--{name}", str(value))]
    return run("init", *options, "-c", str(folder / "lastday.toml"))


def test_init_writes_a_configuration_that_check_accepts(beginning):
    """Four answers; what the headings tell is filled in, what is not mapped is said to be not stored."""
    assert begin(beginning)[0] == 0
    text = (beginning / "lastday.toml").read_text(encoding="utf-8")
    written = tomllib.loads(text)
    assert written["company"]["name"] == "Müller & Söhne"
    assert written["source"]["hr"]["path"] == "people.csv"
    assert written["source"]["hr"]["map"]["employeeNumber"] == "employee_id"
    assert "not stored: shoe_size" in text
    assert run("check", "-c", str(beginning / "lastday.toml"))[0] == 0


def test_init_never_writes_over_a_configuration(beginning):
    (beginning / "lastday.toml").write_text("mine")
    code, _, err = begin(beginning)
    assert code == 2
    assert "[I130]" in err
    assert (beginning / "lastday.toml").read_text() == "mine"


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ({"company": None}, "I131"),
        ({"user": None}, "I131"),
        ({"company": "a\x1b[2J"}, "I131"),
        ({"time_zone": "Middle/Earth"}, "I132"),
        ({"time_zone": "../etc/passwd"}, "I132"),
        ({"user": "dana wolff"}, "I133"),
        ({"people": "/nowhere/people.csv"}, "I134"),
    ],
)
def test_init_names_a_bad_answer_and_writes_nothing(beginning, answers, code):
    ended_with, _, err = begin(beginning, **answers)
    assert ended_with == 2
    assert f"[{code}]" in err
    assert not (beginning / "lastday.toml").exists()


def test_a_company_name_cannot_break_out_of_its_string(beginning):
    """What is typed is data."""
    assert begin(beginning, company='Evil"\n[user.mallory]')[0] == 2
    assert begin(beginning, company='Evil" # \\')[0] == 0
    written = tomllib.loads((beginning / "lastday.toml").read_text(encoding="utf-8"))
    assert written["company"]["name"] == 'Evil" # \\'
    assert set(written["user"]) == {"dana"}


def test_a_token_is_new_each_time_and_shown_once():
    first, second = (run("token", "new", "tom") for _ in range(2))
    assert first[0] == 0
    assert len(first[1].strip()) >= 43
    assert first[1] != second[1]
    assert first[1].strip() not in first[2]
    assert "TOM_TOKEN" in first[2]
    found = json.loads(run("token", "new", "tom", "--json")[1])
    assert (found["schema"], found["variable"]) == ("lastday/token/1", "TOM_TOKEN")
    assert "[I133]" in run("token", "new", "tom; rm")[2]


def test_doctor_finds_nothing_wrong_where_nothing_is(company):
    found = company.lastday("doctor", "--json").json
    assert {check["what"] for check in found["checks"]} >= {
        "configuration", "source hr", "database", "clock", "app chat", "app design", "evidence", "disk",
    }  # fmt: skip
    assert [check for check in found["checks"] if not check["fine"]] == []


def test_doctor_names_each_thing_that_is_not_right(company):
    """Exit 5, and for each what to do."""
    company.chat.down = True
    (company.folder / "people.csv").write_text("")
    (company.folder / "home" / "keys" / "evidence.key").chmod(0o644)
    found = company.lastday("doctor", "--json", code=5).json
    wrong = {check["what"]: check["mend"] for check in found["checks"] if not check["fine"]}
    assert set(wrong) == {"app chat", "source hr", "keys evidence.key", "evidence"}
    assert all(wrong.values())
    assert "chmod" in company.lastday("doctor", code=5).err


def test_doctor_says_that_the_database_is_away(company):
    away = Company(company.folder, "postgresql://127.0.0.1:1/lastday?connect_timeout=1")
    found = away.lastday("doctor", "--json", code=5).json
    assert "database" in {check["what"] for check in found["checks"] if not check["fine"]}


def test_an_urgent_order_without_the_database_is_kept_and_says_that_nothing_was_done(company):
    """Design section 9: only `leave --urgent` may spool; exit 5; it joins the evidence, and a finding says so."""
    away = Company(company.folder, "postgresql://127.0.0.1:1/lastday?connect_timeout=1", company.chat)
    refused = away.as_user("dana", "leave", "E3", "--reason", "x", "--urgent", code=5)
    assert "[X150]" in refused.err
    assert "still has all access" in refused.err
    assert len(list((company.folder / "home" / "spool").glob("*.json"))) == 1
    told = company.lastday("findings", "--code", "X151", "--json").json["findings"]
    assert [f["severity"] for f in told] == ["critical"]
    assert not list((company.folder / "home" / "spool").glob("*.json"))
    assert company.lastday("evidence", "check").code == 0
    assert company.chat.of("E3").enabled


def test_an_urgent_order_that_loses_the_database_on_the_way_does_not_say_that_nothing_was_done(company, monkeypatch):
    """What is not known is not claimed; exit 5."""

    async def lost(*_arguments, **_options):
        raise DatabaseLost("the database is lost")

    monkeypatch.setattr(orders, "carried", lost)
    refused = company.as_user("dana", "leave", "E3", "--reason", "x", "--urgent", code=5)
    assert "[X152]" in refused.err
    assert "is not known" in refused.err


def test_a_spoilt_spool_file_is_told_and_keeps_nobody_from_working(company):
    """It stays where it is, for whoever looks."""
    spool = company.folder / "home" / "spool"
    spool.mkdir(parents=True)
    (spool / "e-spoilt.json").write_text("{}")
    told = company.lastday("findings", "--code", "E", "--json").json["findings"]
    assert [f["severity"] for f in told] == ["critical"]
    assert (spool / "e-spoilt.json").exists()


def test_an_order_that_is_not_urgent_is_not_kept_without_the_database(company):
    away = Company(company.folder, "postgresql://127.0.0.1:1/lastday?connect_timeout=1", company.chat)
    assert away.as_user("dana", "leave", "E3", "--reason", "x", code=2).code == 2
    assert not (company.folder / "home" / "spool").exists()


def commands(app):
    """Every command with its path."""
    for name, command in sorted(app.commands.items()):
        if hasattr(command, "commands"):
            yield from (((name, *path), inner) for path, inner in commands(command))
        else:
            yield (name,), command


EVERY = list(commands(typer.main.get_command(build(Composition({})))))


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _ in EVERY])
def test_every_command_explains_itself_and_takes_a_configuration(path, command):
    """Design section 10: -c/--config everywhere, --json wherever something is shown, no option without help."""
    options = {name for parameter in command.params for name in parameter.opts}
    assert command.help
    unexplained = [p.name for p in command.params if not getattr(p, "help", None)]
    assert unexplained == []
    if path not in (("audit",), ("demo",)):
        assert {"-c", "--config"} <= options
    if path not in (("serve",), ("worker",), ("init",), ("demo",), ("verify",)):
        assert "--json" in options


def test_the_commands_of_the_design_are_there():
    """Design section 10, for what exists."""
    wanted = {
        "audit", "demo", "init", "check", "serve", "worker", "stop", "migrate", "plan", "approve", "apply", "leave",
        "restore", "announce", "explain", "who", "orphans", "verify", "doctor", "findings",
    }  # fmt: skip
    assert wanted <= {path[0] for path, _ in EVERY}
    assert {"source", "app", "case", "token", "evidence"} <= {path[0] for path, _ in EVERY if len(path) > 1}


def test_json_goes_to_stdout_alone_and_hints_to_stderr(company):
    """One object with its schema; nothing else on stdout."""
    for arguments in (("plan",), ("case", "list"), ("findings",), ("orphans",), ("app", "list"), ("source", "list")):
        result = company.lastday(*arguments, "--json")
        assert re.fullmatch(r"lastday/[a-z-]+/\d+", result.json["schema"]), arguments


def test_a_token_never_shows(company):
    """Neither output of a decision tells the secret."""
    done = company.as_user("dana", "leave", "E3", "--reason", "x", "--json")
    assert not any(token in done.out + done.err for token in TOKENS.values())
