"""A brake holds until two people release, whatever is planned meanwhile (design section 7)."""

from lastday.execution import reconcile
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
