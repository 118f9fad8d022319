"""Two HR files, three days apart, and what follows from them at all servers (acceptance 2).

Everything is asked of the servers by their own means. One world, walked once; each test reads what was kept of a step.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest

from tests.journeys.northwind import (
    FIRST_LOAD,
    SECOND_LOAD,
    TOKENS,
    Finished,
    Northwind,
    Picture,
    ledger_role,
    open_northwind,
    people_of,
    uid_of,
    wished_groups,
)

pytestmark = [pytest.mark.xdist_group("journey second load"), pytest.mark.timeout(400)]

CHANGES = people_of("what-changes-2026-11-23.csv")
FRIDAY = "2026-11-27T17:00:00Z"
DECEMBER = "2026-12-01T06:00:00Z"
KINDS = {"contract end": "leaver", "leaver": "leaver", "joiner": "joiner", "mover": "mover", "rename": "rename"}
BEFORE = {row["employee_id"]: row for row in people_of("people-2026-11-20.csv")}
AFTER = {row["employee_id"]: row for row in people_of("people-2026-11-23.csv")}


def due_by(instant: str, *kinds: str) -> set[str]:
    """Whose change of these kinds is due by the instant, by the answer file."""
    return {
        row["employee_id"]
        for row in CHANGES
        if row["kind"] in kinds
        and (row["effective_at_utc"] == "on reading" or row["effective_at_utc"][:16] <= instant[:16])
    }


OUT = due_by(SECOND_LOAD, "contract end", "leaver")
IN = due_by(SECOND_LOAD, "joiner")
MOVED = due_by(SECOND_LOAD, "mover")
RENAMED = due_by(SECOND_LOAD, "rename")


def expected_cases(after: str, until: str) -> Counter[tuple[str, str, str]]:
    """(kind, employee, instant) of the answer file for what becomes due after one instant and by another."""
    return Counter(
        (KINDS[row["kind"]], row["employee_id"], row["effective_at_utc"].removesuffix("Z"))
        for row in CHANGES
        if (row["effective_at_utc"] == "on reading" and after < SECOND_LOAD <= until)
        or (row["effective_at_utc"] != "on reading" and after[:16] < row["effective_at_utc"][:16] <= until[:16])
    )


def seen_cases(cases: list[dict[str, Any]], batches: set[str] | None = None) -> Counter[tuple[str, str, str]]:
    def instant(case: dict[str, Any]) -> str:
        on_reading = case["kind"] in ("mover", "rename")
        return "on reading" if on_reading else case["effective_at"].replace(":00+00:00", "")

    return Counter(
        (case["kind"], case["employee_number"], instant(case))
        for case in cases
        if batches is None or case["batch"] in batches
    )


@dataclass
class Story:
    """What was kept of each step."""

    world: Northwind
    pictures: dict[str, Picture] = field(default_factory=dict)
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    results: dict[str, Finished] = field(default_factory=dict)
    cases: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    sessions: dict[str, psycopg.Connection[Any]] = field(default_factory=dict)


def ledger_people(numbers: set[str]) -> list[str]:
    return sorted(number for number in numbers if number in BEFORE and ledger_role(BEFORE[number]))


def _seed_possessions(story: Story) -> None:
    """Leavers of the ledger own tables in two databases and are signed in."""
    ledger = story.world.ledger
    for number in ledger_people(OUT):
        name = uid_of(BEFORE[number])
        for database in ("books", "archive"):
            ledger.psql(
                f'CREATE TABLE public."t_{number}" (n int); ALTER TABLE public."t_{number}" OWNER TO "{name}";',
                database=database,
            )
    stays = min(n for n in BEFORE if ledger_role(BEFORE[n]) and n not in OUT | MOVED)
    for number in (*ledger_people(OUT), stays):
        story.sessions[number] = psycopg.connect(ledger.dsn_of(uid_of(BEFORE[number])), autocommit=True)


def _round(story: Story, name: str, at: str) -> None:
    """One plan, approved after it was applied once, and all that is to be kept of it."""
    world = story.world
    plan = story.plans[name] = world.lastday("plan", "--json", at=at).json
    story.results[f"{name} unapproved"] = world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
    story.pictures[f"{name} unapproved"] = world.picture()
    if any(operation["approval"] for operation in plan["operations"]):
        world.lastday("approve", plan["plan"], "--user", "dana", at=at, LASTDAY_TOKEN=TOKENS["DANA_TOKEN"])
        story.results[name] = world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
    else:
        story.results[name] = story.results[f"{name} unapproved"]
    story.pictures[name] = world.picture()
    story.cases[name] = world.cases(at=at)


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with ExitStack() as stack:
        story = Story(open_northwind(stack))
        world = story.world
        world.load_first()
        _seed_possessions(story)
        story.pictures["first"] = world.picture()
        story.cases["first"] = world.cases(at=FIRST_LOAD)
        world.deliver("people-2026-11-23.csv")
        world.lastday("source", "read", "hr", at=SECOND_LOAD)
        story.cases["read"] = world.cases(at=SECOND_LOAD)
        _round(story, "second", SECOND_LOAD)
        before = world.writes()
        _round(story, "again", SECOND_LOAD)
        story.writes["again"] = world.writes() - before
        _round(story, "friday", FRIDAY)
        _round(story, "december", DECEMBER)
        yield story
        for session in story.sessions.values():
            session.close()


def test_answer_file_has_the_figures_of_the_issue():
    assert (len(OUT), len(MOVED), len(IN), len(RENAMED)) == (25, 4, 6, 1)


def test_cases_are_exactly_the_rows_due_by_then(story):
    """Kind, employee and instant, before anything was carried out (acceptance 2)."""
    assert story.cases["first"] == []
    assert seen_cases(story.cases["read"]) == expected_cases("2026-11-20", SECOND_LOAD)


def test_later_ones_come_at_their_instants(story):
    for name, after, until in (("friday", SECOND_LOAD, FRIDAY), ("december", FRIDAY, DECEMBER)):
        earlier = {case["case"] for case in story.cases["again" if name == "friday" else "friday"]}
        new = [case for case in story.cases[name] if case["case"] not in earlier]
        assert seen_cases(new) == expected_cases(after, until), name
    assert seen_cases(story.cases["december"]) == expected_cases("2026-11-20", DECEMBER)


def test_who_is_not_due_yet_keeps_everything(story):
    """Contract ends of Friday and December still work on Tuesday; joiners of December have nothing."""
    seen = story.pictures["second"]
    for number in due_by(DECEMBER, "contract end", "leaver") - OUT:
        assert seen.in_directory(number) == story.pictures["first"].in_directory(number)
        assert seen.in_chat(number)["active"] is True
    for number in due_by(DECEMBER, "joiner") - IN:
        assert (seen.entry(number), seen.in_chat(number)) == (None, None)


@pytest.mark.parametrize(
    ("step", "out"),
    [
        ("second", OUT),
        ("friday", due_by(FRIDAY, "contract end", "leaver")),
        ("december", due_by(DECEMBER, "contract end", "leaver")),
    ],
)
def test_leavers_are_out_everywhere(story, step, out):
    """Locked and in no group, inactive, without login and roles (S-01)."""
    seen = story.pictures[step]
    for number in out:
        assert seen.in_directory(number) == (False, frozenset()), number
        assert seen.in_chat(number)["active"] is False, number
        if number in ledger_people(out):
            assert (seen.ledger[number]["login"], seen.ledger[number]["roles"]) == (False, []), number


def test_binds_of_leavers_are_refused_and_those_of_others_are_not(story):
    directory = story.world.directory
    first = story.pictures["first"]
    for number in sorted(OUT):
        assert not directory.can_bind(first.entry(number).dn, f"secret-{number}"), number
    staying = sorted(number for number in MOVED | RENAMED)
    for number in staying:
        assert directory.can_bind(story.pictures["december"].entry(number).dn, f"secret-{number}"), number


def test_owned_objects_go_to_the_successor_in_every_database(story):
    assert ledger_people(OUT)
    for number in ledger_people(OUT):
        for database in ("books", "archive"):
            assert story.world.ledger.owner_of(f"t_{number}", database=database) == "ledger_owner", (number, database)


def test_open_sessions_of_leavers_are_ended_and_those_of_others_are_not(story):
    for number, session in story.sessions.items():
        if number in OUT:
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        else:
            assert session.execute("SELECT 1").fetchone() == (1,)


def test_movers_have_what_the_new_job_gives_and_nothing_of_the_old(story):
    seen = story.pictures["second"]
    for number in MOVED:
        row = AFTER[number]
        assert seen.in_directory(number) == (True, frozenset(wished_groups(row))), number
        assert seen.entry(number)["title"] == [row["job_title"]]
        role = ledger_role(row)
        held = seen.ledger.get(number, {"login": False, "roles": []})
        assert (held["login"], held["roles"]) == ((True, [role]) if role else (False, [])), number
        assert seen.in_chat(number) == story.pictures["first"].in_chat(number)


def test_privileged_group_comes_only_after_an_approval(story):
    """E12611 moves into payroll: the group is privileged, so it waits (exit 4) until Dana approves these bytes."""
    waiting = story.results["second unapproved"]
    assert waiting.code == 4
    assert "payroll" not in story.pictures["second unapproved"].in_directory("E12611")[1]
    states = {o["state"] for o in waiting.json["operations"] if o["entitlement"] == "group/payroll"}
    assert states == {"waiting"}
    assert "payroll" in story.pictures["second"].in_directory("E12611")[1]


def test_joiners_have_accounts_with_their_birthright(story):
    seen = story.pictures["second"]
    for number in IN:
        row = AFTER[number]
        assert seen.in_directory(number)[1] == wished_groups(row), number
        assert seen.entry(number)["displayName"] == [row["full_name"]]
        user = seen.in_chat(number)
        taken = number == "E20100"
        assert (user["active"], user["userName"] == row["work_email"]) == (True, not taken)


def test_renamed_person_keeps_both_accounts(story):
    """The same native ids with another name and mail: an update, never a new account."""
    (number,) = RENAMED
    old, new = story.pictures["first"], story.pictures["second"]
    assert new.entry(number)["entryUUID"] == old.entry(number)["entryUUID"]
    assert new.entry(number)["displayName"] == ["Zoë Whitfield"]
    assert new.entry(number)["mail"] == ["zoe.whitfield@northwind.example"]
    assert new.in_chat(number)["id"] == old.in_chat(number)["id"]
    assert new.in_directory(number) == old.in_directory(number)


def test_everybody_else_is_untouched(story):
    """Every other account at every server is the same to the last operational attribute and version number."""
    touched = OUT | IN | MOVED | RENAMED
    assert story.pictures["second"].without(touched) == story.pictures["first"].without(touched)
    later = due_by(DECEMBER, "contract end", "leaver", "joiner")
    assert story.pictures["december"].without(later) == story.pictures["again"].without(later)
    assert story.pictures["second"].design == story.pictures["december"].design


def test_second_reconcile_makes_no_writes(story):
    """Counted by slapd's accesslog and the logs of the SCIM server and PostgreSQL."""
    assert story.writes["again"] == 0
    assert not [
        (o["verb"], o["entitlement"], o["detail"]) for o in story.plans["again"]["operations"] if not o["manual"]
    ]


def test_cases_are_complete_or_say_what_is_missing(story):
    """Design is disconnected: who has an account there waits for a person; all others are complete."""
    waits = {o["employee_number"] for o in story.plans["second"]["operations"] if o["application"] == "design"}
    for case in story.cases["second"]:
        missing = set(case["missing"]) - {"chat", "ledger"}
        assert missing == ({"design"} if case["employee_number"] in waits else set()), case
        if case["kind"] == "leaver":
            assert {"access_gone", "entitlements_gone"} <= set(case["milestones"]) or missing, case


def test_every_verified_operation_has_its_evidence(story):
    """Intent, outcome and verification of each effect are in the log."""
    for operation in story.results["second"].json["operations"]:
        if operation["state"] == "settled":
            assert len(operation["evidence"]) >= 3, operation
            assert operation["accepted_at"] <= operation["verified_at"] <= operation["settled_at"]


def test_nothing_of_the_world_was_read_with_the_connectors():
    """The witness is the servers' own: ldapsearch is on the path."""
    assert subprocess.run(["ldapsearch", "-VV"], capture_output=True, check=False).returncode == 0
