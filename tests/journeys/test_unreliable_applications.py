"""Applications that lie, break off or are down: nothing is believed that was not read (acceptance 5)."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from tests.journeys.northwind import (
    FIRST_LOAD,
    Finished,
    Northwind,
    Picture,
    ledger_role,
    open_northwind,
    small_company,
)
from tests.servers.scim import Fault

pytestmark = [pytest.mark.xdist_group("journey unreliable"), pytest.mark.timeout(400)]

ACCOUNTANT = "E10000"
LYING, BROKEN, DOWN, LOST = "2026-11-24", "2026-12-08", "2026-12-22", "2027-01-05"
"""A leaver each fortnight, so that no brake counts them together."""


def out(row: dict[str, str], day: str) -> dict[str, str]:
    return {**row, "end_date": day, "status": "terminated", "termination_reason": "resigned", "last_working_moment": ""}


@dataclass
class Round:
    """One plan carried out."""

    plan: dict[str, Any]
    done: Finished
    picture: Picture
    cases: list[dict[str, Any]]
    writes: int
    """How many changes the chat server was asked for."""

    def states(self, application: str) -> set[str]:
        return {o["state"] for o in self.done.json["operations"] if o["application"] == application}

    def missing(self, number: str) -> tuple[str, set[str]]:
        """State of the leaver's case and what it lacks, people's tasks left out."""
        case = self.case_of(number)
        return case["state"], set(case["missing"]) - {"design"}

    def case_of(self, number: str) -> dict[str, Any]:
        return next(c for c in self.cases if c["employee_number"] == number and c["kind"] == "leaver")


def go_round(world: Northwind, day: str, hour: int) -> Round:
    at = f"{day}T{hour:02}:00:00Z"
    plan = world.lastday("plan", "--json", at=at).json
    return carry_out(world, plan, at)


def carry_out(world: Northwind, plan: dict[str, Any], at: str) -> Round:
    before = len(world.chat.writes())
    done = world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
    return Round(plan, done, world.picture(), world.cases(at=at), len(world.chat.writes()) - before)


def read(world: Northwind, rows: list[dict[str, str]], day: str) -> None:
    world.deliver_rows(rows)
    world.lastday("source", "read", "hr", at=f"{day}T05:00:00Z")


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """Four leavers, one for each way to fail; each is looked at again when the application is well."""
    with ExitStack() as stack:
        rows = small_company(ACCOUNTANT)
        rows[0] = {**rows[0], "end_date": "", "status": "active", "last_working_moment": ""}
        world = open_northwind(stack, rows=rows, edit={"seat      = {": "page_size = 10\nseat      = {"})
        world.deliver_rows(rows)
        world.lastday("source", "read", "hr", "--accept", at=FIRST_LOAD)
        world.settle(at=FIRST_LOAD)
        who = [rows[i]["employee_id"] for i in (1, 2, 3)] + [ACCOUNTANT]
        assert ledger_role(rows[0])
        told: dict[str, Any] = {"who": who, "world": world}

        rows[1] = out(rows[1], "2026-11-23")
        read(world, rows, LYING)
        world.chat.break_with(Fault(kind="lies"))
        told["lies"] = go_round(world, LYING, 6)
        world.chat.mend()
        told["lies mended"] = go_round(world, LYING, 7)

        rows[2] = out(rows[2], "2026-12-07")
        read(world, rows, BROKEN)
        world.chat.break_with(Fault(kind="breaks_page_2"))
        told["page 2"] = go_round(world, BROKEN, 6)
        world.chat.mend()
        told["page 2 mended"] = go_round(world, BROKEN, 7)

        rows[3] = out(rows[3], "2026-12-21")
        read(world, rows, DOWN)
        world.directory.stop(keep=True)
        at = f"{DOWN}T06:00:00Z"
        plan = world.lastday("plan", "--json", at=at).json
        done = world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
        told["down cases"], told["down plan"], told["down done"] = world.cases(at=at), plan, done
        world.directory.start()
        told["back"] = go_round(world, DOWN, 7)

        rows[0] = out(rows[0], "2027-01-04")
        read(world, rows, LOST)
        at = f"{LOST}T06:00:00Z"
        plan = world.lastday("plan", "--json", at=at).json
        world.ledger.stop(keep=True)
        told["lost done"] = world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
        told["lost cases"] = world.cases(at=at)
        world.ledger.start()
        told["found"] = go_round(world, LOST, 7)
        yield told


def test_server_that_says_done_and_does_nothing_is_contradicted(told):
    """Never verified; exit 6; three tries, then it rests as a finding; every other door is closed all the same."""
    number, seen = told["who"][0], told["lies"]
    assert seen.done.code == 6
    assert seen.states("chat") == {"contradicted", "waiting"}
    (off,) = [o for o in seen.done.json["operations"] if (o["application"], o["verb"]) == ("chat", "disable")]
    assert (off["state"], off["verified_at"], off["settled_at"]) == ("contradicted", None, None)
    assert seen.writes == 3
    assert seen.picture.in_chat(number)["active"] is True
    assert seen.picture.in_directory(number) == (False, frozenset())
    assert seen.missing(number) == ("incomplete", {"chat"})
    assert "access_gone" not in seen.case_of(number)["milestones"]


def test_contradicted_comes_right_when_the_server_does(told):
    number, seen = told["who"][0], told["lies mended"]
    assert seen.done.code == 0
    assert seen.picture.in_chat(number)["active"] is False
    assert "access_gone" in seen.case_of(number)["milestones"]


def test_listing_that_breaks_at_page_2_takes_nothing_and_makes_no_orphan(told):
    """The plan is not complete, the application unreadable: unknown is not empty."""
    number, seen = told["who"][1], told["page 2"]
    assert (seen.plan["complete"], seen.plan["unreadable"]) == (False, ["chat"])
    assert [o for o in seen.plan["operations"] if o["application"] == "chat"] == []
    assert [f for f in seen.plan["findings"] if f["subject"].startswith("chat/")] == []
    assert seen.writes == 0
    assert seen.picture.in_directory(number) == (False, frozenset())
    assert seen.missing(number) == ("incomplete", {"chat"})


def test_broken_listing_comes_right_when_it_is_whole(told):
    number, seen = told["who"][1], told["page 2 mended"]
    assert seen.plan["complete"] is True
    assert seen.picture.in_chat(number)["active"] is False
    assert seen.missing(number)[1] == set()


def test_application_that_is_down_leaves_the_case_incomplete_and_names_it(told):
    number = told["who"][2]
    assert (told["down plan"]["complete"], told["down plan"]["unreadable"]) == (False, ["directory"])
    (case,) = [c for c in told["down cases"] if c["employee_number"] == number]
    assert case["state"] in ("incomplete", "open")
    assert "directory" in case["missing"]
    assert "access_gone" not in case["milestones"]
    assert {o["state"] for o in told["down done"].json["operations"] if o["verb"] == "disable"} == {"settled"}


def test_it_comes_right_when_the_application_returns(told):
    number, seen = told["who"][2], told["back"]
    assert seen.done.code == 0
    assert seen.picture.in_directory(number) == (False, frozenset())
    assert "access_gone" in seen.case_of(number)["milestones"]
    assert "directory" not in seen.case_of(number)["missing"]


def test_application_lost_after_the_plan_fails_with_a_finding_and_ends_6(told):
    """The ledger dies between plan and apply: its operations fail, all others are carried out."""
    done = told["lost done"]
    assert done.code == 6
    states = {(o["application"], o["verb"]): o["state"] for o in done.json["operations"]}
    assert states["ledger", "disable"] == "failed"
    assert states["directory", "disable"] == states["chat", "disable"] == "settled"
    (case,) = [c for c in told["lost cases"] if c["employee_number"] == ACCOUNTANT]
    assert "ledger" in case["missing"]


def test_lost_application_comes_right_in_the_next_round(told):
    seen = told["found"]
    assert seen.done.code == 0
    assert (seen.picture.ledger[ACCOUNTANT]["login"], seen.picture.ledger[ACCOUNTANT]["roles"]) == (False, [])
    assert "access_gone" in seen.case_of(ACCOUNTANT)["milestones"]
