"""A brake holds until two people release, whatever is planned meanwhile (design section 7)."""

import pytest

from lastday.execution import reconcile
from lastday.execution.intake import read_source
from lastday.execution.proposal import propose
from lastday.model.errors import PlanStale
from lastday.model.ids import SourceName
from lastday.store import looking_again
from tests.integration.execution.company import CONFIGURATION

LOOSE = """
[brakes]
removals_floor = 100
entitlement_removals_floor = 100
policy_removals = 3
"""
NOBODY = CONFIGURATION.replace('department eq "Engineering"', 'department eq "Nowhere"')


def test_what_a_change_of_policy_would_take_is_held_in_the_next_plan_too(company):
    """B113: the second plan is no batch of the policy any more, but it would take the same."""
    company.config.write_text(NOBODY + LOOSE, encoding="utf-8")
    assert {one["code"] for one in company.lastday("plan", "--json").json["stopped"]} == {"B113"}
    company.settle(code=None)
    assert {one["code"] for one in company.lastday("plan", "--json").json["stopped"]} == {"B113"}
    assert company.chat.writes == []


def test_two_people_release_some_of_a_plans_tripping_set(company):
    """Exactly the named go."""
    company.config.write_text(NOBODY + LOOSE, encoding="utf-8")
    plan = company.lastday("plan", "--json").json
    first = company.as_user("dana", "approve", plan["batch"], "--person", "E3", "--json").json
    company.as_user("tom", "approve", first["text"].partition(" ")[0])
    company.settle(code=None)
    assert [(verb, native_id) for verb, native_id, _ in company.chat.writes] == [("revoke", "c3")]


def test_an_older_plan_does_not_undo_a_newer_one(company):
    """What the newer plan asks for and the older one never knew of would give way to nothing."""
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-22"})
    company.lastday("source", "read", "hr")
    older = company.lastday("plan", "--json").json["plan"]
    company.chat.add("second", "p3b@small.example", externalId="E3")
    at = "2026-11-23T06:10:00+00:00"
    company.lastday("apply", company.lastday("plan", "--json", at=at).json["plan"], at=at)
    assert "X110" in company.lastday("apply", older, at=at, code=4).err
    company.settle(at=at)
    assert not company.chat.accounts["second"].enabled


def test_whoever_left_while_applications_were_read_waits_for_their_brake(company):
    """A look at everybody that spans midnight must not carry out what no brake has judged."""
    company.deliver(E3={"end_date": "2026-11-23"})
    company.lastday("source", "read", "hr")
    company.settle()

    async def work(session):
        await reconcile.sweep(session.engine)
        async with session.engine.database.transaction() as tx:
            asked = await tx.fetch_all("SELECT verb FROM operation")
        await reconcile.reconcile_due(session.engine)
        async with session.engine.database.transaction() as tx:
            after = await tx.fetch_all("SELECT verb, case_id FROM operation")
        return asked, after

    asked, after = company.in_session(work, at="2026-11-23T17:30:00+00:00")
    assert asked == []
    assert {row["verb"] for row in after} >= {"disable"}
    assert all(row["case_id"] for row in after)


def test_a_plan_that_was_lost_before_it_was_carried_out_is_made_again(company):
    """Found by reading: the batch had its plan, so nobody asked for another one before the next look at everybody."""
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-22"})

    async def work(session):
        engine = session.engine
        batch = (await read_source(engine, SourceName("hr"))).batch
        await propose(engine, batch, [change.identity for change in batch.changes])
        await reconcile.plan_waiting(engine)
        await reconcile.retry_unfinished(engine)
        async with engine.database.transaction() as tx:
            return await tx.fetch_all("SELECT verb FROM operation")

    asked = company.in_session(work, at="2026-11-23T08:00:00+00:00")
    assert {row["verb"] for row in asked} >= {"disable"}


def test_a_look_again_that_fails_is_not_forgotten(company, monkeypatch):
    """A request may still have landed: whoever was noted stays so until the look succeeded."""
    person = company.identity("E3")

    async def fails(*_):
        raise PlanStale("somebody was faster")

    async def work(session):
        engine = session.engine
        async with engine.database.transaction() as tx:
            await looking_again.note(tx, person, engine.clock.now(), "test")
        monkeypatch.setattr(reconcile, "_plan_and_apply", fails)
        with pytest.raises(PlanStale):
            await reconcile.look_again(engine)
        async with engine.database.transaction() as tx:
            return await looking_again.is_noted(tx, person)

    assert company.in_session(work, at="2026-11-23T08:00:00+00:00")
