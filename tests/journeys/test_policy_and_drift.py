"""People who stay: what was found or given by hand, what a new policy takes, what must not be given together; files in
which somebody is absent, and plans that the world has overtaken (design sections 6 and 7).
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.journeys.northwind import (
    TOKENS,
    Finished,
    Northwind,
    open_northwind,
    people_of,
    wished_groups,
)
from tests.servers.slapd import LASTDAY_DN, group

pytestmark = [pytest.mark.xdist_group("journey policy"), pytest.mark.timeout(400)]

ROWS = people_of("people-2026-11-20.csv")
PLAIN = [r for r in ROWS if r["status"] == "active" and not r["end_date"] and r["department"] == "Sales"]
FOUND, STRAY, HANDED, ABSENT = (row["employee_id"] for row in PLAIN[:4])
ENGINEERS = {r["employee_id"] for r in ROWS if "vpn" in wished_groups(r) and r["status"] == "active"}
BERLIN = {r["employee_id"] for r in ROWS if r["employee_id"] in ENGINEERS and r["site"] == "Berlin"}
BOTH = {
    **PLAIN[0], "employee_id": "E30000", "full_name": "Bo Both", "given_name": "Bo", "family_name": "Both",
    "work_email": "bo.both@northwind.example", "person_key": "b0b0b0b0b0", "department": "Finance",
    "job_title": "Accountant", "start_date": "2026-11-20",
}  # fmt: skip
ALSO = {**BOTH, "employee_id": "E30001", "department": "People", "job_title": "Payroll Specialist"}
ENGINEER_RULE = 'department eq "Engineering" and not (userType eq "contractor")'


def into(world: Northwind, number: str, name: str) -> None:
    """Somebody else puts the person into a group."""
    entry = world.entry(number)
    assert entry is not None
    world.directory.modify(
        f"dn: cn={name},ou=groups,dc=northwind,dc=example\nchangetype: modify\nadd: member\nmember: {entry.dn}\n"
    )


def without(number: str, *more: dict[str, str]) -> list[dict[str, str]]:
    return [*(row for row in ROWS if row["employee_id"] != number), *more]


def make(world: Northwind, at: str) -> dict[str, Any]:
    return world.lastday("plan", "--json", at=at).json


def carry_out(world: Northwind, plan: dict[str, Any], at: str) -> Finished:
    return world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)


def by_hand(told: dict[str, Any], world: Northwind) -> None:
    """A group that nothing manages, twice; and one that policy names, for somebody who has no reason for it."""
    into(world, STRAY, "legacy")
    into(world, HANDED, "vpn")
    before = world.picture()
    told["drift"] = make(world, "2026-11-20T07:00:00Z")
    told["drift done"] = carry_out(world, told["drift"], "2026-11-20T07:00:00Z")
    told["drift before"], told["drift after"] = before, world.picture()


def overtaken(told: dict[str, Any], world: Northwind) -> None:
    """Between plan and apply HR says something newer of somebody in it."""
    into(world, HANDED, "vpn")
    old = make(world, "2026-11-20T08:00:00Z")
    world.deliver_rows([{**r, "job_title": "Planner"} if r["employee_id"] == HANDED else r for r in ROWS])
    world.lastday("source", "read", "hr", at="2026-11-20T08:05:00Z")
    writes = world.writes()
    told["stale"] = carry_out(world, old, "2026-11-20T08:06:00Z")
    told["stale writes"] = world.writes() - writes
    world.deliver_rows(ROWS)
    world.lastday("source", "read", "hr", at="2026-11-20T08:10:00Z")
    world.settle(at="2026-11-20T08:11:00Z")


def absent(told: dict[str, Any], world: Northwind) -> None:
    """Three files without somebody: at 9, at 15 and at 22 o'clock."""
    told["absent"] = []
    for hour in ("09", "15", "22"):
        world.deliver_rows(without(ABSENT))
        world.lastday("source", "read", "hr", at=f"2026-11-20T{hour}:00:00Z")
        world.settle(at=f"2026-11-20T{hour}:01:00Z")
        told["absent"].append(world.picture().in_directory(ABSENT))


def both_sides(told: dict[str, Any], world: Northwind) -> None:
    """Somebody new has two jobs, which together would book and pay."""
    world.deliver_rows(without(ABSENT, BOTH, ALSO))
    world.lastday("source", "read", "hr", at="2026-11-21T08:00:00Z")
    told["sod"] = make(world, "2026-11-21T08:01:00Z")
    world.lastday(
        "approve", told["sod"]["plan"], "--user", "dana", at="2026-11-21T08:01:00Z", LASTDAY_TOKEN=TOKENS["DANA_TOKEN"]
    )
    told["sod done"] = carry_out(world, told["sod"], "2026-11-21T08:02:00Z")
    told["sod roles"] = world.ledger_roles()


def new_policy(told: dict[str, Any], world: Northwind) -> None:
    """A rule of which far too many, then one of which a few, lose something."""
    before = world.writes()
    world.edit({ENGINEER_RULE: f'{ENGINEER_RULE} and location eq "Berlin"'})
    for name in ("policy", "policy again"):
        told[name] = make(world, "2026-11-21T06:00:00Z")
        told[f"{name} done"] = carry_out(world, told[name], "2026-11-21T06:00:00Z")
    told["policy writes"] = world.writes() - before
    some = sorted(ENGINEERS)[:3]
    spared = " and ".join(f'not (employeeNumber eq "{number}")' for number in some)
    world.edit({f'{ENGINEER_RULE} and location eq "Berlin"': f"{ENGINEER_RULE} and {spared}"})
    told["some"] = set(some)
    told["small policy"] = make(world, "2026-11-21T07:00:00Z")
    told["small policy done"] = carry_out(world, told["small policy"], "2026-11-21T07:00:00Z")
    told["after small policy"] = world.picture()


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        world = open_northwind(stack)
        world.directory.add(group("legacy", [LASTDAY_DN]))
        into(world, FOUND, "legacy")
        world.load_first()
        told: dict[str, Any] = {"world": world}
        for part in (by_hand, overtaken, absent, new_policy, both_sides):
            part(told, world)
        yield told


def test_unmanaged_excess_of_people_who_stay_is_left(told):
    """Adopted where it was there before us, shown as drift where it came later; no write either way."""
    for number in (FOUND, STRAY):
        entry = told["drift before"].entry(number)
        assert told["drift after"].entry(number) == entry
        assert "legacy" in told["drift after"].in_directory(number)[1]
    dn = told["drift before"].entry(STRAY)["entryUUID"][0]
    assert [f["subject"] for f in told["drift"]["drift"] if "legacy" in f["detail"]] == [f"directory/{dn}"]


def test_managed_entitlement_given_by_hand_is_taken_in_the_next_round(told):
    """S-01: no reason, so it goes, and the plan says why."""
    mine = [o for o in told["drift"]["operations"] if o["employee_number"] == HANDED]
    assert [(o["verb"], o["entitlement"], o["because"]) for o in mine] == [("revoke", "group/vpn", "no_reason")]
    assert told["drift done"].code == 0
    assert "vpn" not in told["drift after"].in_directory(HANDED)[1]


def test_plan_that_the_world_has_overtaken_is_refused(told):
    """Exit 4 and no effect: a newer word of the source makes a plan stale."""
    assert (told["stale"].code, told["stale writes"]) == (4, 0)
    assert "X110" in told["stale"].err


def test_absent_person_leaves_only_after_two_complete_files_twelve_hours_apart(told):
    """Files at 9 and 15 o'clock change nothing; the one at 22 o'clock does."""
    here = (True, frozenset({"all-staff"}))
    assert told["absent"] == [here, here, (False, frozenset())]


def test_what_breaks_separation_of_duties_is_stopped(told):
    """Two jobs that would book and pay: neither side is given (B131), all else is."""
    mine = {(o["application"], o["entitlement"] or o["verb"]): o["stopped"] for o in told["sod"]["operations"]
            if o["employee_number"] in ("E30000", "E30001")}  # fmt: skip
    assert mine["ledger", "role/ledger_rw"] == mine["ledger", "role/payroll_rw"] == "B131"
    assert mine["directory", "group/all-staff"] is None
    assert told["sod done"].code == 4
    assert not {"E30000", "E30001"} & set(told["sod roles"])
    assert told["world"].entry("E30000") or told["world"].entry("E30001")


def test_policy_that_takes_from_too_many_is_stopped_and_stays_so(told):
    """More than 20 by one change of policy (B113): no effect, not by planning again either."""
    losing = ENGINEERS - BERLIN
    assert len(losing) > 20
    assert "B113" in {trip["code"] for trip in told["policy"]["stopped"]}
    for name in ("policy", "policy again"):
        taken = [o for o in told[name]["operations"] if o["verb"] == "revoke" and o["employee_number"] in losing]
        assert taken
        assert {o["stopped"] is not None for o in taken} == {True}, name
        assert told[f"{name} done"].code == 4
    assert told["policy writes"] == 0


def test_policy_that_takes_from_a_few_goes(told):
    taken = {o["employee_number"] for o in told["small policy"]["operations"] if o["verb"] == "revoke"}
    assert taken == told["some"]
    assert told["small policy done"].code == 0
    for number in ENGINEERS:
        groups = told["after small policy"].in_directory(number)[1]
        assert ("vpn" in groups) is (number not in told["some"])


OPERATION = {
    "id", "identity", "employee_number", "application", "account", "native_id", "verb", "entitlement", "because",
    "reversible", "stopped",
}  # fmt: skip
RESULT = {
    "id", "application", "employee_number", "verb", "state", "accepted_at", "verified_at", "settled_at", "evidence",
}  # fmt: skip


def test_plan_json_has_the_shape_of_the_issue(told):
    plan = told["policy"]
    assert plan["schema"] == "lastday/plan/1"
    assert set(plan) >= {"plan", "hash", "batch", "complete", "applyable", "operations", "stopped", "findings"}
    assert plan["plan"].startswith("p-")
    assert (plan["complete"], type(plan["applyable"])) == (True, bool)
    assert plan["operations"]
    assert all(set(operation) >= OPERATION for operation in plan["operations"])


def test_result_json_has_the_shape_of_the_issue(told):
    result = told["sod done"].json
    assert result["schema"] == "lastday/result/1"
    assert set(result) >= {"cases", "operations"}
    assert all(set(case) >= {"case", "employee_number", "kind", "milestones"} for case in result["cases"])
    assert all(set(operation) >= RESULT for operation in result["operations"])
    assert all(isinstance(case["milestones"], dict) for case in result["cases"])
