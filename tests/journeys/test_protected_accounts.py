"""Break-glass accounts, our own and last administrators are refused twice: by the planner, and by the gateway with the
planner's check taken out (acceptance 6, I-6).
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lastday.app import Composition
from lastday.execution.applying import apply_plan
from lastday.execution.result_report import result_report
from lastday.execution.rounds import Goal, make_plan, work_until
from lastday.inventory import aggregation
from lastday.inventory.protection import Protection
from lastday.model.account import Account
from lastday.model.ids import PlanId
from lastday.planning.draft import Drafter
from tests.journeys.northwind import FIRST_LOAD, SECOND_LOAD, Northwind, open_northwind, small_company
from tests.servers.slapd import LASTDAY_DN, person

pytestmark = [pytest.mark.xdist_group("journey protected"), pytest.mark.timeout(300)]

WITHOUT_PLANNER = "2026-11-24T07:00:00Z"
GLASS = "uid=breakglass2,ou=people,dc=northwind,dc=example"


@dataclass
class Told:
    world: Northwind
    keeper: str
    """Leaves; owns, beside an account, a break-glass entry of the directory and, by its comment, our role."""
    last: str
    """Leaves, and is the only person in directory-admins."""
    late: str
    """Leaves; their account was protected by a line written after it was linked."""
    plan: dict[str, Any]
    writes: dict[str, list[str]]
    before: dict[str, object]
    after: dict[str, object]


def protected_things(world: Northwind, last: str) -> dict[str, object]:
    """What must never change, as the servers show it."""
    entry = world.entry(last)
    assert entry is not None
    return {
        "glass": world.directory.search("(uid=breakglass2)", "*", "+"),
        "role": world.ledger.psql("SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname = 'lastday'"),
        "last locked": entry["pwdAccountLockedTime"],
        "last password": entry["userPassword"],
        "admins": world.directory.one("(cn=directory-admins)", "member")["member"],
    }


def writes_on(world: Northwind, last: str) -> dict[str, list[str]]:
    """Every write of ours that names a protected account or the administrators' group."""
    entry = world.entry(last)
    assert entry is not None
    directory = [w.dn for w in world.directory.writes(by=LASTDAY_DN)]
    named = [dn for dn in directory if dn.lower() in (GLASS.lower(), entry.dn.lower()) or "directory-admins" in dn]
    role = [s.text for s in world.ledger.writes(by="lastday") if 'ROLE "lastday"' in s.text or "ROLE lastday" in s.text]
    return {"directory": named, "ledger": role}


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with ExitStack() as stack:
        rows = [row for row in small_company() if row["department"] != "Finance"]
        rows[3] = {**rows[3], "work_email": "vault.keys@northwind.example"}
        keeper, last, late = (rows[i]["employee_id"] for i in (1, 2, 3))
        world = open_northwind(stack, rows=rows)
        glass = person("breakglass2", keeper, name="Break Glass", password="glass")
        world.directory.add(glass)
        world.ledger.psql(f"COMMENT ON ROLE lastday IS '{keeper}'")
        administrator = world.entry(last)
        assert administrator is not None
        world.directory.modify(
            "dn: cn=directory-admins,ou=groups,dc=northwind,dc=example\n"
            f"changetype: modify\nadd: member\nmember: {administrator.dn}\n"
        )
        world.deliver_rows(rows)
        world.lastday("source", "read", "hr", "--accept", at=FIRST_LOAD)
        world.settle(at=FIRST_LOAD)
        before = protected_things(world, last)
        gone = {"end_date": "2026-11-23", "status": "terminated", "termination_reason": "resigned"}
        world.edit({"protect    = [": "protect    = ['uid sw \"vault\"', "})
        world.deliver_rows([rows[0], *({**row, **gone} for row in rows[1:4]), *rows[4:]])
        world.lastday("source", "read", "hr", at=SECOND_LOAD)
        plan, _ = world.settle(at=SECOND_LOAD)
        yield Told(world, keeper, last, late, plan, writes_on(world, last), before, protected_things(world, last))


def test_planner_proposes_nothing_on_protected_accounts(told):
    """Not one operation on the break-glass entry, on our role, or on what was protected later, which is a finding."""
    vault = told.world.directory.one("(uid=vault.keys)", "entryUUID")["entryUUID"][0]
    glass = told.world.directory.one("(uid=breakglass2)", "entryUUID")["entryUUID"][0]
    touched = {o["native_id"] for o in told.plan["operations"]}
    assert not touched & {glass, vault}
    assert [o for o in told.plan["operations"] if o["application"] == "ledger"] == []
    assert [f["subject"] for f in told.plan["findings"] if f["code"] == "A301"] == [f"directory/{vault}"]


def test_planner_leaves_the_last_administrator_in(told):
    """Neither sign-in nor administration is taken, all else is; the owner is told to find a successor."""
    mine = [o for o in told.plan["operations"] if o["employee_number"] == told.last and o["application"] == "directory"]
    assert {(o["verb"], o["entitlement"]) for o in mine} >= {("revoke", "group/all-staff")}
    assert "disable" not in {o["verb"] for o in mine}
    assert "group/directory-admins" not in {o["entitlement"] for o in mine}
    assert [f["code"] for f in told.plan["findings"] if f["code"] == "A310"] == ["A310"]


def test_nothing_protected_was_written_to(told):
    assert told.writes == {"directory": [], "ledger": []}
    assert told.after == told.before


def test_their_other_accounts_are_out(told):
    """That somebody owns a protected account keeps no other door open."""
    seen = told.world.picture()
    mine = [e for e in seen.directory.values() if told.keeper in e["employeeNumber"] and "breakglass2" not in e["uid"]]
    assert [bool(entry["pwdAccountLockedTime"]) for entry in mine] == [True]
    for number in (told.keeper, told.last, told.late):
        assert seen.in_chat(number)["active"] is False


async def _round(world: Northwind, at: str) -> dict[str, Any]:
    """A plan made and carried out in this process."""
    environment = {**world.environment, "LASTDAY_TEST_CLOCK": world.clock(at)}
    async with Composition(environment).open(Path(world.folder / "lastday.toml")) as session:
        engine = session.engine
        proposed = await make_plan(engine, "test")
        pending = await apply_plan(engine, PlanId(proposed.plan.id), "test")
        goal = Goal(operations=pending, verified_is_enough=False)
        await work_until(engine, session.sequencer, goal, lambda _: None)
        async with engine.database.transaction() as tx:
            return dict(await result_report(tx, proposed.plan.id))


def _nothing_protected(accounts: Sequence[Account], _protects: Protection) -> tuple[Account, ...]:
    return tuple(replace(account, protected=False) for account in accounts)


def test_gateway_refuses_what_a_planner_without_its_checks_asks_for(told, monkeypatch):
    """The operations are really made, reach the gateway, rest as failed with its word, and no server sees a write."""
    monkeypatch.setattr(aggregation, "mark_protected", _nothing_protected)
    monkeypatch.setattr(Drafter, "last_administrator", lambda _drafter, _account: None)
    before = told.world.writes()
    report = asyncio.run(_round(told.world, WITHOUT_PLANNER))
    asked = {(o["employee_number"], o["application"], o["verb"], o["state"]) for o in report["operations"]}
    assert {
        (told.keeper, "directory", "disable", "failed"),
        (told.keeper, "ledger", "disable", "failed"),
        (told.late, "directory", "disable", "failed"),
        (told.last, "directory", "disable", "failed"),
        (told.last, "directory", "revoke", "failed"),
    } <= asked
    refused = {o["detail"] for o in report["operations"] if o["state"] == "failed"}
    assert any("is protected" in detail for detail in refused)
    assert any("last administrator" in detail for detail in refused)
    assert told.world.writes() == before
    assert protected_things(told.world, told.last) == told.before
