"""Tasks for people in an application without an interface: asked once, confirmed, and checked against the next file."""

import hashlib

from tests.integration.execution.company import TUESDAY

LATER = "2026-11-25T12:00:00+00:00"


def leave_with_task(company):
    """E3 has an account in design and leaves; the task's operation and the case."""
    company.export_design(("d3", "E3", "yes"), ("d4", "E4", "yes"))
    company.settle(at="2026-11-23T06:05:00Z")
    done = company.as_user("dana", "leave", "E3", "--reason", "x", "--wait", "--json", at="2026-11-23T06:06:00Z").json
    task = next(o for o in done["result"]["operations"] if o["application"] == "design")
    assert task["state"] == "manual"
    return task["id"], done["result"]["cases"][0]["case"]


def the_case(company, case, at=TUESDAY):
    return company.lastday("case", "show", case, "--json", at=at).json["cases"][0]


def task_of(case):
    return next(o for o in case["operations"] if o["application"] == "design" and o["state"] != "superseded")


def test_a_task_has_owner_and_deadline_from_the_moment_it_is_asked(company):
    """R: removal by hand has an owner and a deadline; the case is not complete before."""
    _, case = leave_with_task(company)
    shown = the_case(company, case)
    assert shown["state"] == "incomplete"
    assert shown["missing"] == ["design"]
    assert task_of(shown)["task"]["owner"] == "group:design"
    assert task_of(shown)["task"]["deadline"].startswith("2026-11-23 10:06")


def test_a_confirmation_says_who_when_and_with_which_proof(company, tmp_path):
    """Who, when, SHA-256 of the file; the case is complete."""
    operation, case = leave_with_task(company)
    proof = tmp_path / "screenshot.png"
    proof.write_bytes(b"seat removed")
    company.as_user("tom", "case", "confirm", operation, "--proof", str(proof), "--note", "seat removed", at=TUESDAY)
    shown = the_case(company, case)
    assert shown["state"] == "complete"
    assert company.lastday("findings", "--code", "X130", "--json", at=TUESDAY).json["findings"] == []
    task = task_of(shown)["task"]
    assert task["confirmed_by"] == "tom"
    assert task["confirmed_at"].startswith("2026-11-24 06:00")
    assert task["file_digest"] == hashlib.sha256(b"seat removed").hexdigest()


def test_the_same_is_not_asked_again_while_no_newer_file_came(company):
    """The unchanged export says nothing; after a day its owner is told that nobody has seen it."""
    operation, _ = leave_with_task(company)
    company.as_user("tom", "case", "confirm", operation, at=TUESDAY)
    again = company.lastday("plan", "--json", at=TUESDAY).json
    assert [o for o in again["operations"] if o["application"] == "design"] == []
    company.lastday("app", "read", "design", at=LATER)
    unseen = company.lastday("findings", "--code", "X132", "--json", at=LATER).json["findings"]
    assert [f["owner"] for f in unseen] == ["group:design"]


def test_the_next_file_shows_that_it_is_so(company):
    operation, case = leave_with_task(company)
    company.as_user("tom", "case", "confirm", operation, at=TUESDAY)
    company.export_design(("d4", "E4", "yes"))
    company.lastday("app", "read", "design", at=LATER)
    shown = the_case(company, case, LATER)
    assert shown["state"] == "complete"
    assert task_of(shown)["task"]["checked_at"]
    assert not task_of(shown)["task"]["contradicted_at"]


def test_a_later_file_that_shows_otherwise_opens_the_case_again(company):
    """Never silently trusted: a finding, the operation contradicted, the case open, and the task asked anew."""
    operation, case = leave_with_task(company)
    company.as_user("tom", "case", "confirm", operation, at=TUESDAY)
    assert the_case(company, case)["state"] == "complete"
    company.export_design(("d3", "E3", "yes"), ("d5", "E5", "yes"))
    plan = company.lastday("plan", "--json", at=LATER).json
    assert [(o["native_id"], o["verb"]) for o in plan["operations"]] == [("d3", "disable")]
    shown = the_case(company, case, LATER)
    assert shown["state"] == "incomplete"
    assert "access_gone" not in shown["milestones"]
    assert task_of(shown)["state"] == "contradicted"
    denied = company.lastday("findings", "--code", "X131", "--json", at=LATER).json["findings"]
    assert len(denied) == 1
    company.lastday("apply", plan["plan"], "--wait", at=LATER)
    renewed = task_of(the_case(company, case, LATER))
    assert renewed["state"] == "manual"
    assert renewed["id"] != operation
    company.export_design(("d3", "E3", "no"))
    company.as_user("tom", "case", "confirm", renewed["id"], at=LATER)
    assert the_case(company, case, LATER)["state"] == "complete"


def test_a_confirmed_account_that_leaves_again_after_a_return_is_asked_for_again(company):
    """A word from before the person came back is not about this leaving."""
    operation, _ = leave_with_task(company)
    company.as_user("tom", "case", "confirm", operation, at="2026-11-23T07:00:00Z")
    company.as_user("tom", "restore", "E3", "--reason", "x", "--wait", at="2026-11-23T09:00:00Z")
    company.as_user("tom", "leave", "E3", "--reason", "x", "--wait", at=TUESDAY)
    shown = company.lastday("case", "show", "E3", "--json", at=TUESDAY).json["cases"]
    states = {o["state"] for case in shown for o in case["operations"] if o["application"] == "design"}
    assert "manual" in states


def test_only_what_waits_for_a_person_can_be_confirmed(company, tmp_path):
    """Bad input: unknown, wrong state, no such proof, wrong role; nothing changes."""
    operation, case = leave_with_task(company)
    assert "I105" in company.as_user("tom", "case", "confirm", "o-none", code=2).err
    missing = str(tmp_path / "none.png")
    assert "I113" in company.as_user("tom", "case", "confirm", operation, "--proof", missing, code=2).err
    assert "D102" in company.as_user("ida", "case", "confirm", operation, code=2).err
    assert task_of(the_case(company, case))["state"] == "manual"
    company.as_user("tom", "case", "confirm", operation, at=TUESDAY)
    assert "I106" in company.as_user("tom", "case", "confirm", operation, code=2).err


def test_a_task_keeps_its_id_and_deadline_through_newer_plans(company):
    """Sweeps do not give people a new number for the same task."""
    operation, case = leave_with_task(company)
    company.settle(at=TUESDAY)
    shown = task_of(the_case(company, case))
    assert shown["id"] == operation
    assert shown["task"]["deadline"].startswith("2026-11-23 10:06")


def test_a_task_that_nobody_needs_any_more_is_closed_with_its_finding(company):
    """The person is back before anybody did it."""
    leave_with_task(company)
    company.as_user("tom", "restore", "E3", "--reason", "x", "--wait", at=TUESDAY)
    assert company.lastday("findings", "--code", "X130", "--json", at=TUESDAY).json["findings"] == []


def test_a_task_that_stands_counts_for_the_newer_case(company):
    """Ordered twice, the older case gives way; the task that was asked for completes the newer one."""
    operation, _ = leave_with_task(company)
    company.as_user("tom", "leave", "E3", "--reason", "again", "--wait", at=TUESDAY)
    company.as_user("tom", "case", "confirm", operation, at=TUESDAY)
    states = {one["state"] for one in company.lastday("case", "show", "E3", "--json", at=TUESDAY).json["cases"]}
    assert states == {"complete", "superseded"}
