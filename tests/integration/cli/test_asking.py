"""Commands that only show: explain, who, orphans, findings, app, source diff, case."""

import pytest

from tests.integration.execution.company import TUESDAY

LATER = "2026-11-23T08:00:00+00:00"


def test_explain_says_by_which_words_of_the_source_and_which_rule(company):
    """From what the source says to what follows from it."""
    found = company.lastday("explain", "E3", "chat:group/engineers", "--json").json
    (only,) = found["entitlements"]
    assert found["schema"] == "lastday/explain/1"
    assert found["employee_number"] == "E3"
    assert only["held"] is True
    assert "engineer" in only["text"]
    assert "Engineering" in only["text"]


def test_explain_what_if_and_at_another_moment(company):
    """The same person, had the source said otherwise, or after their end."""
    moved = company.lastday("explain", "E3", "chat:group/engineers", "--what-if", "department=Sales", "--json").json
    assert moved["entitlements"][0]["held"] is False
    company.deliver(E3={"end_date": "2026-12-31"})
    company.lastday("source", "read", "hr", at=LATER)
    gone = company.lastday("explain", "E3", "chat:account", "--at", "2027-01-01T12:00:00Z", "--json", at=LATER).json
    assert gone["lifecycle"] == "ended"
    assert gone["entitlements"][0]["held"] is False


def test_explain_finds_a_person_by_an_address_that_only_they_ever_had(company):
    by_mail = company.lastday("explain", "P3@small.example", "--json").json
    assert by_mail["employee_number"] == "E3"
    text = company.lastday("explain", "E3")
    assert text.out.startswith("Person 3 E3")
    assert "next: " in text.err.splitlines()[-1]


def test_who_shows_who_should_who_does_and_where_the_two_differ(company):
    """Desired against the inventory."""
    company.chat.add("c3", "p3@small.example", "group/all", externalId="E3")
    company.chat.add("c4", "p4@small.example", "group/all", "group/engineers", externalId="E4")
    company.chat.add("x1", "nobody", "group/engineers")
    company.lastday("app", "read", "chat", at=LATER)
    found = company.lastday("who", "chat:group/engineers", "--json", at=LATER).json["holders"]
    differing = {one["employee_number"]: one["difference"] for one in found if one["difference"]}
    assert differing == {"E3": "missing", "E4": "excess", None: "excess"}
    assert {one["employee_number"] for one in found if not one["difference"]} == {"E1", "E5", "E7", "E9", "E11"}
    shown = company.lastday("who", "chat:group/engineers", at=LATER)
    assert "next: lastday plan" in shown.err


def test_orphans_shows_accounts_of_nobody(company):
    """Account, last use, why."""
    company.chat.add("x1", "old-admin", "group/all")
    company.lastday("app", "read", "chat", at=LATER)
    (only,) = company.lastday("orphans", "--json", at=LATER).json["orphans"]
    assert (only["code"], only["username"], only["enabled"]) == ("A202", "old-admin", True)
    assert "old-admin" in company.lastday("orphans", at=LATER).out


def test_app_test_says_what_verbs_really_do_and_writes_nothing(company):
    found = company.lastday("app", "test", "chat", "--json").json
    assert found["verbs"] == {"disable": "Switches it off in memory."}
    assert (found["accounts"], found["on"], found["principal"]) == (12, 12, "lastday")
    assert "disables_accounts" in found["capabilities"]
    text = company.lastday("app", "test", "design").out
    assert "survives" in text
    assert not company.chat.writes


def test_app_list_shows_each_with_its_last_reading(company):
    found = {one["app"]: one for one in company.lastday("app", "list", "--json").json["apps"]}
    assert (found["chat"]["accounts"], found["chat"]["mode"], found["design"]["owner"]) == (
        12,
        "enforce",
        "group:design",
    )


def test_an_application_that_is_away_ends_with_5(company):
    """Exit 5: refused or unreachable."""
    company.chat.down = True
    for verb in ("test", "read"):
        assert "A101" in company.lastday("app", verb, "chat", code=5).err
    failed = company.lastday("findings", "--code", "A105", "--json").json["findings"]
    assert [f["subject"] for f in failed] == ["chat"]


def test_source_diff_shows_what_would_follow_and_stores_nothing(company):
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-23"}, E4={"department": "Engineering"})
    found = company.lastday("source", "diff", "hr", "--json", at=TUESDAY).json
    assert {(c["employee_number"], c["kind"]) for c in found["changes"]} == {("E3", "left"), ("E4", "moved")}
    again = company.lastday("source", "diff", "hr", "--json", at=TUESDAY).json
    assert len(again["changes"]) == 2
    read = company.lastday("source", "read", "hr", "--json", at=TUESDAY).json
    assert read["changes"] == {"left": 1, "moved": 1}


def test_source_diff_of_a_feed_that_would_be_stopped_ends_with_4(company):
    del company.people[2:]
    company.deliver()
    refused = company.lastday("source", "diff", "hr", "--json", at=TUESDAY, code=4)
    assert refused.json["stopped"] is True
    assert refused.json["changes"] == []


def test_a_case_is_shown_with_milestones_applications_and_operations(company):
    company.as_user("dana", "leave", "E3", "--reason", "x", "--wait")
    (one,) = company.lastday("case", "show", "E3", "--json").json["cases"]
    assert one["state"] == "complete"
    assert one["coverage"] == {"chat": "gone", "design": "no_account"}
    assert set(one["milestones"]) == {"access_gone", "entitlements_gone", "possessions_closed", "data_retired"}
    assert {o["state"] for o in one["operations"]} == {"settled"}
    assert all(o["evidence"] for o in one["operations"])
    text = company.lastday("case", "show", one["case"])
    assert "access_gone" in text.out
    assert "Person 3 E3" in text.out
    assert company.lastday("case", "list", "--json").json["cases"] == []


def test_approving_a_plan_that_is_applied_wakes_what_waited(company):
    """The order of apply and approve does not matter."""
    text = company.config.read_text().replace('mode      = "enforce"\nowner     = "group:it"', 'mode      = "propose"')
    company.config.write_text(text)
    company.deliver(E4={"department": "Engineering"})
    company.lastday("source", "read", "hr", at=TUESDAY)
    plan = company.lastday("plan", "--json", at=TUESDAY).json["plan"]
    company.lastday("apply", plan, "--wait", at=TUESDAY, code=4)
    assert not company.chat.writes
    company.as_user("dana", "approve", plan, at=TUESDAY)
    company.lastday("apply", plan, "--wait", at=TUESDAY)
    assert company.chat.of("E4").holds("group/engineers")


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("explain", "E99"), "I102", 2),
        (("explain", "E3", "engineers"), "I115", 2),
        (("explain", "E3", "nowhere:group/x"), "I115", 2),
        (("explain", "E3", "--what-if", "department"), "I108", 2),
        (("explain", "E3", "--what-if", "lifecycle=happy"), "P141", 2),
        (("explain", "E3", "--at", "yesterday"), "I107", 2),
        (("who", "engineers"), "I115", 2),
        (("app", "test", "nowhere"), "I116", 2),
        (("app", "read", "nowhere"), "I116", 2),
        (("source", "diff", "nowhere"), "S106", 2),
        (("case", "show", "LV-none"), "I104", 2),
        (("case", "show", "E99"), "I102", 2),
        (("apply", "p-none"), "X111", 4),
        (("apply", "p-none", "--until", "noon"), "I114", 2),
        (("plan", "--person", "E99"), "I102", 2),
        (("who",), "I100", 2),
        (("plan", "--nope"), "I100", 2),
        (("nothing",), "I100", 2),
    ],
)
def test_bad_input_has_a_code_and_a_way_out(company, arguments, code, exit_code):
    """Every wrong use ends as design section 10 says, and changes nothing."""
    refused = company.lastday(*arguments, code=exit_code)
    assert f"[{code}]" in refused.err
    assert refused.out == ""
    assert not company.chat.writes


@pytest.mark.parametrize("subject", ["x-1", "p-none", "b-none", "r-none", "lo-none", "an-none"])
def test_only_what_is_there_can_be_approved(company, subject):
    refused = company.as_user("dana", "approve", subject, code=None)
    assert refused.code in (2, 4)
    assert "error:" in refused.err
