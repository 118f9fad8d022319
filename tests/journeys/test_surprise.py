"""Brakes count surprise: 11 of 420 people may leave unannounced in a day, 12 may not (acceptance 4)."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.journeys.northwind import Northwind, open_northwind, people_of

pytestmark = [pytest.mark.xdist_group("journey surprise"), pytest.mark.timeout(400)]

ROWS = people_of("people-2026-11-20.csv")


def spread(number: int) -> list[str]:
    """Employees without an end date, one of each team, so that only the count of all can trip."""
    plain = [r for r in ROWS if r["status"] == "active" and not r["end_date"] and r["worker_type"] == "employee"]
    return [row["employee_id"] for row in {row["manager_id"]: row for row in plain}.values()][:number]


def leaving(day: str, *numbers: str) -> list[dict[str, str]]:
    gone = {"end_date": day, "status": "terminated", "termination_reason": "resigned", "last_working_moment": ""}
    return [{**row, **gone} if row["employee_id"] in numbers else row for row in ROWS]


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """Eleven on the first day; nine days later twelve others, while contracts end as they were to."""
    with ExitStack() as stack:
        world = open_northwind(stack)
        world.load_first()
        people = spread(23)
        assert len(people) == 23
        told: dict[str, Any] = {"eleven": set(people[:11]), "twelve": set(people[11:])}
        told["first"] = _day(world, leaving("2026-11-20", *people[:11]), "2026-11-21T06:00:00Z")
        rows = leaving("2026-11-20", *people[:11])
        more = {row["employee_id"]: row for row in leaving("2026-11-29", *people[11:])}
        rows = [more[row["employee_id"]] if row["employee_id"] in told["twelve"] else row for row in rows]
        told["second"] = _day(world, rows, "2026-11-30T06:00:00Z")
        yield told


def _day(world: Northwind, rows: list[dict[str, str]], at: str) -> dict[str, Any]:
    world.deliver_rows(rows)
    before = world.picture()
    read = world.lastday("source", "read", "hr", "--json", at=at, check=False)
    plan = world.lastday("plan", "--json", at=at).json
    done = world.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
    return {"read": read, "plan": plan, "done": done, "before": before, "after": world.picture()}


def test_eleven_surprise_leavers_pass(told):
    day = told["first"]
    assert day["read"].code == 0
    assert day["plan"]["stopped"] == []
    for number in told["eleven"]:
        assert day["after"].in_directory(number) == (False, frozenset())
        assert day["after"].in_chat(number)["active"] is False


def test_twelve_are_stopped_without_any_effect(told):
    """Exit 4, the brake says what it counted, and not one of the twelve is touched at any server."""
    day = told["second"]
    assert day["read"].code == 4
    assert day["done"].code == 4
    assert {"B101"} <= {trip["code"] for trip in day["plan"]["stopped"]}
    (trip,) = [t for t in day["plan"]["stopped"] if t["code"] == "B101"]
    assert (trip["counted"], trip["limit"], set(trip["employee_numbers"])) == (12, 11, told["twelve"])
    for number in told["twelve"]:
        assert day["after"].entry(number) == day["before"].entry(number)
        assert day["after"].in_directory(number) == day["before"].in_directory(number)
        assert day["after"].in_chat(number) == day["before"].in_chat(number)


def test_expected_leavers_pass_meanwhile(told):
    """Contracts whose end stood in the first file are no surprise."""
    ends = {r["employee_id"] for r in ROWS if r["end_date"] and r["end_date"] <= "2026-11-29"}
    ends -= told["eleven"] | told["twelve"]
    assert len(ends) > 12
    for number in ends:
        assert told["second"]["after"].in_directory(number) == (False, frozenset()), number
