"""One application's odd data is its own affair: nothing else stops, and nobody inherits what belonged to another."""

from tests.integration.execution.company import TUESDAY


def plan_of(company, at):
    return company.lastday("plan", "--json", at=at).json


def test_an_answer_that_the_connector_stumbles_over_stops_no_other_application(company):
    """Design section 1, rule 3, and R-08: what cannot be read is unreadable, and everything else goes on."""

    def odd():
        raise KeyError("a field that was always there")

    company.chat.stumble = odd
    plan = plan_of(company, TUESDAY)
    assert plan["unreadable"] == ["chat"]
    assert not plan["complete"]


def test_an_account_that_comes_back_under_an_id_that_had_gone_is_judged_anew(company):
    """T-35: a native id that is given again does not carry its old owner with it."""
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-22"})
    company.lastday("source", "read", "hr", at=TUESDAY)
    plan = plan_of(company, TUESDAY)
    company.lastday("apply", plan["plan"], "--wait", at=TUESDAY, code=None)
    theirs = company.chat.of("E3")
    del company.chat.accounts[theirs.native_id]
    plan_of(company, "2026-11-24T08:00:00+00:00")
    del company.chat.accounts[company.chat.of("E5").native_id]
    company.chat.add(theirs.native_id, "p5@small.example", "group/all", "group/engineers", externalId="E5")
    again = plan_of(company, "2026-11-24T09:00:00+00:00")
    touched = [o for o in again["operations"] if o["application"] == "chat" and o["native_id"] == theirs.native_id]
    assert touched == []


def test_an_adopted_account_that_somebody_took_away_is_not_made_again(company):
    """What was adopted because it was there has no other reason: gone, it stays gone."""
    company.export_design(("d4", "E4", "yes"))
    assert plan_of(company, "2026-11-24T07:00:00+00:00")["operations"] == []
    company.export_design(("d9", "E9", "yes"))
    assert plan_of(company, "2026-11-24T08:00:00+00:00")["operations"] == []
