"""An application whose disable deletes: shown in the plan, and never done over an order of legal (design section 8)."""

from dataclasses import replace

import pytest

from lastday.execution.interpreter import run_operation
from lastday.store import decisions, operations
from tests.integration.execution import company as company_module
from tests.integration.execution.memory import MANIFEST, kind_over

LOSES = {"disable": ("the user", "notification rules")}
DESTROYING = MANIFEST.model_copy(
    update={"destroys": frozenset({"disable"}), "losses": LOSES, "hand_over_first": ("places on schedules",)}
)


@pytest.fixture
def pager(company, monkeypatch):
    """The small company, whose one application says of its connection that a disable destroys."""
    monkeypatch.setattr(
        company_module, "kind_over", lambda world: replace(kind_over(world), describe=lambda _plain, _keys: DESTROYING)
    )
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-22"})
    company.lastday("source", "read", "hr", at="2026-11-23T07:00:00Z")
    return company


def test_the_plan_says_what_cannot_be_undone_what_goes_with_it_and_what_stays(pager):
    plan = pager.lastday("plan", "--json", at="2026-11-23T07:01:00Z").json
    (said,) = [one for one in plan["effects"] if one["application"] == "chat"]
    assert said["reversible"] is False
    assert {"verb": "disable", "reversible": False, "destroys": ["the user", "notification rules"]} in said["verbs"]
    shown = pager.lastday("plan", at="2026-11-23T07:01:00Z").out
    assert "disable: cannot be undone. It destroys: the user; notification rules." in shown
    assert "hand over first: places on schedules" in shown
    assert "stays alive: Nothing." in shown


def test_what_legal_preserves_is_not_switched_off_where_that_destroys(pager):
    """The preserve check is a hard precondition of what destroys, by whatever verb."""
    person = pager.identity("E3")

    async def preserve(session):
        async with session.engine.database.transaction() as tx:
            await decisions.preserve(tx, person, "lawsuit", "legal", session.engine.clock.now())

    pager.in_session(preserve, at="2026-11-23T07:01:00Z")
    plan = pager.lastday("plan", "--json", at="2026-11-23T07:02:00Z").json["plan"]
    pager.lastday("apply", plan, at="2026-11-23T07:02:00Z")

    async def work(session):
        async with session.engine.database.transaction() as tx:
            (disable,) = await tx.fetch_all(
                "SELECT id FROM operation WHERE verb = 'disable' AND application = 'chat' AND identity = %s", (person,)
            )
        await run_operation(session.engine, disable["id"])
        async with session.engine.database.transaction() as tx:
            stored = await operations.load_operation(tx, disable["id"])
        assert stored is not None
        return stored.life

    life = pager.in_session(work, at="2026-11-23T07:03:00Z")
    assert life.detail == "kept by a preserve order of legal"
    assert pager.chat.of("E3").enabled
    assert "disable" not in pager.chat.touched("E3")
