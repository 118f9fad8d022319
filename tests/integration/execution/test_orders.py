"""Orders by name: they pass every brake, act on exactly the named person, and are reviewed by a second one."""

import pytest

from lastday.store import cases, orders
from tests.integration.execution.company import TUESDAY, Company


def everyone_leaves(company: Company) -> None:
    """A feed that says that all but E12 were terminated today: the brake stops it."""
    company.deliver(**{f"E{n}": {"status": "terminated", "end_date": "2026-11-23"} for n in range(1, 12)})
    assert company.lastday("source", "read", "hr", at=TUESDAY, code=4).code == 4


def test_a_named_person_is_out_though_the_source_says_otherwise(company):
    """S-14: one command, verified, and nobody else is touched."""
    done = company.as_user("dana", "leave", "E3", "--reason", "left in anger", "--wait", "--json").json
    assert company.chat.of("E3").enabled is False
    assert not company.chat.of("E3").holdings
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c3"}
    assert {o["state"] for o in done["result"]["operations"]} == {"settled"}
    assert [c["kind"] for c in done["result"]["cases"]] == ["leaver"]


def test_the_order_outlives_the_next_feed(company):
    """A feed that still says active does not let them back in."""
    company.as_user("dana", "leave", "E3", "--reason", "x", "--wait")
    company.deliver(E4={"department": "Engineering"})
    company.lastday("source", "read", "hr", at=TUESDAY)
    company.settle(at=TUESDAY)
    assert company.chat.of("E3").enabled is False
    assert company.chat.of("E4").holds("group/engineers")


def test_an_urgent_order_passes_while_the_batch_is_stopped(company):
    """Design section 7: zero effects of the stopped set but for the named person, who was held by it too."""
    everyone_leaves(company)
    done = company.as_user("dana", "leave", "E3", "--reason", "x", "--urgent", "--json", at=TUESDAY).json
    assert company.chat.of("E3").enabled is False
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c3"}
    assert done["urgent"] is True
    company.settle(at=TUESDAY, code=4)
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c3"}


def test_an_urgent_order_is_reviewed_by_somebody_else_within_the_hour(company):
    """Design section 7; nobody reviews their own."""
    order = company.as_user("dana", "leave", "E3", "--reason", "x", "--urgent", "--json").json["order"]
    opened = company.lastday("findings", "--json").json["findings"]
    review = next(f for f in opened if f["subject"] == f"order/{order}")
    assert review["deadline"].startswith("2026-11-23T07:00")
    assert "D105" in company.as_user("dana", "approve", order, code=2).err
    late = company.lastday("findings", "--overdue", "--json", at="2026-11-23T08:00:00Z").json["findings"]
    assert [f["subject"] for f in late] == [f"order/{order}"]
    company.as_user("tom", "approve", order)
    assert "D106" in company.as_user("tom", "approve", order, code=2).err
    assert not [f for f in company.lastday("findings", "--json").json["findings"] if f["code"] == "B151"]


def test_a_fourth_urgent_order_within_the_hour_is_refused(company):
    """Security-reliability 1.1: at most three an hour and operator; another operator still can."""
    for number in ("E1", "E2", "E3"):
        company.as_user("dana", "leave", number, "--reason", "x", "--urgent")
    refused = company.as_user("dana", "leave", "E4", "--reason", "x", "--urgent", code=2)
    assert "D110" in refused.err
    assert company.chat.of("E4").enabled
    company.as_user("tom", "leave", "E4", "--reason", "x", "--urgent")
    assert not company.chat.of("E4").enabled
    company.as_user("dana", "leave", "E5", "--reason", "x", "--urgent", at="2026-11-23T07:30:00Z")


def test_a_protected_account_is_not_touched_by_an_urgent_order(company):
    """I-4: never by automation."""
    company.chat.add("bg", "breakglass-1", externalId="E3")
    del company.chat.accounts["c3"]
    company.as_user("dana", "leave", "E3", "--reason", "x", "--urgent", code=None)
    assert company.chat.accounts["bg"].enabled
    assert not company.chat.writes


def test_an_order_for_later_waits_for_its_hour_and_then_surprises_nobody(company):
    """S-14: scheduled by name; NAMED is never counted by a brake."""
    ordered = company.as_user("dana", "leave", "E3", "--reason", "x", "--at", "2026-11-23T18:00:00Z", "--json").json
    assert ordered["plan"] is None
    company.settle()
    assert company.chat.of("E3").enabled
    company.settle(at=TUESDAY)
    assert not company.chat.of("E3").enabled

    async def surprises(session):
        async with session.engine.database.transaction() as tx:
            return [c["surprise"] for c in await tx.fetch_all("SELECT surprise FROM change WHERE kind = 'left'")]

    assert company.in_session(surprises) == ["named"]


def test_an_urgent_order_is_not_hidden_by_an_earlier_one_for_later(company):
    """The earlier of two instants counts."""
    company.as_user("dana", "leave", "E3", "--reason", "x", "--at", "2026-12-23T18:00:00Z")
    company.as_user("dana", "leave", "E3", "--reason", "x", "--urgent")
    assert not company.chat.of("E3").enabled


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("leave", "E99", "--reason", "x"), "I102"),
        (("leave", "E3", "--reason", "x", "--at", "tomorrow"), "I107"),
        (("leave", "E3", "--reason", "x", "--at", "2026-11-24T06:00"), "I107"),
        (("leave", "E3", "--reason", "x", "--urgent", "--at", TUESDAY), "I109"),
        (("leave", "E3", "--reason", "x", "--at", "2019-06-01T00:00:00Z"), "I117"),
        (("restore", "LV-nothing", "--reason", "x"), "I104"),
        (("restore", "E99", "--reason", "x"), "I102"),
    ],
)
def test_bad_input_says_what_and_changes_nothing(company, arguments, code):
    """Bad input: exit 2, a code, no effect."""
    refused = company.as_user("dana", *arguments, code=2)
    assert f"[{code}]" in refused.err
    assert not company.chat.writes


def test_somebody_who_has_not_begun_cannot_leave(company):
    company.hire(20)
    company.people[-1]["start_date"] = "2027-01-01"
    del company.chat.accounts["c20"]
    company.deliver()
    company.lastday("source", "read", "hr", at=TUESDAY)
    assert "I110" in company.as_user("dana", "leave", "E20", "--reason", "x", at=TUESDAY, code=2).err


def test_whoever_may_not_order_is_refused(company):
    """An auditor reads; a wrong token is nobody's."""
    assert "D102" in company.as_user("ida", "leave", "E3", "--reason", "x", code=2).err
    assert "D101" in company.lastday("leave", "E3", "--reason", "x", "--user", "dana", token="wrong", code=2).err
    assert "D114" in company.lastday("leave", "E3", "--reason", "x", "--user", "dana", code=2).err


def test_restoring_lifts_the_order_and_gives_back_what_there_is_a_reason_for(company):
    """S-14: rescinded after execution. The account is on, roles are back, by policy."""
    company.as_user("dana", "leave", "E3", "--reason", "x", "--wait")
    back = company.as_user("tom", "restore", "E3", "--reason", "mistake", "--wait", "--json", at=TUESDAY).json
    assert back["orders_lifted"] == 1
    account = company.chat.of("E3")
    assert account.enabled
    assert {h.entitlement for h in account.holdings} == {"group/all", "group/engineers"}
    assert {c["kind"] for c in back["result"]["cases"]} == {"return"}


def test_restoring_a_case_brings_back_what_was_found_and_no_role_gives(company):
    """What was adopted when the application was connected comes back; sessions never do."""
    company.chat.add("c3", "p3@small.example", "group/all", "group/engineers", "group/choir", externalId="E3")
    company.settle(at="2026-11-23T06:10:00Z")
    done = company.as_user("dana", "leave", "E3", "--reason", "x", "--wait", "--json", at="2026-11-23T06:20:00Z").json
    assert not company.chat.of("E3").holds("group/choir")
    case = done["result"]["cases"][0]["case"]
    company.chat.writes.clear()
    back = company.as_user("dana", "restore", case, "--reason", "mistake", "--wait", "--json", at=TUESDAY).json
    assert back["adopted"] == ["chat:group/choir"]
    assert company.chat.of("E3").holds("group/choir")
    assert "end_sessions" not in {verb for verb, _, _ in company.chat.writes}


def test_nobody_is_restored_whom_the_source_calls_gone(company):
    """The source is to be corrected; nothing changes, and the order stands."""
    company.as_user("dana", "leave", "E3", "--reason", "x", "--wait")
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-22"})
    company.lastday("source", "read", "hr", at=TUESDAY)
    refused = company.as_user("dana", "restore", "E3", "--reason", "x", at=TUESDAY, code=2)
    assert "D111" in refused.err

    async def standing(session):
        async with session.engine.database.transaction() as tx:
            return await orders.standing_orders(tx)

    assert len(company.in_session(standing)) == 1


def test_the_older_leaver_case_gives_way_when_they_are_back(company):
    company.as_user("dana", "leave", "E3", "--reason", "x")
    company.as_user("dana", "restore", "E3", "--reason", "x", "--wait", at=TUESDAY)

    async def states(session):
        async with session.engine.database.transaction() as tx:
            return {case.kind.value: case.state.value for case in await cases.all_cases(tx)}

    assert company.in_session(states)["leaver"] == "superseded"
    assert company.chat.of("E3").enabled
