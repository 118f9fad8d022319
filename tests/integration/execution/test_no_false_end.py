"""A leaver's case never says that access is gone while an account is on (design section 4; I-2)."""

from datetime import timedelta

from lastday.execution.interpreter import run_operation
from lastday.store import decisions, operations
from tests.integration.execution.company import CONFIGURATION


def case_of(company, result, number):
    """The leaver's case of this person in a result."""
    return next(case for case in result["cases"] if case["kind"] == "leaver" and case["employee_number"] == number)


def left(company, number, code=None):
    company.deliver(**{number: {"status": "terminated", "end_date": "2026-11-22"}})
    company.lastday("source", "read", "hr", at="2026-11-23T07:00:00Z")
    company.settle(at="2026-11-23T07:00:00Z", code=code)
    cases = company.lastday("case", "list", "--all", "--json", at="2026-11-23T07:00:00Z").json["cases"]
    return next(case for case in cases if case["kind"] == "leaver")


def test_an_account_that_became_protected_is_not_called_gone(company):
    """Protected accounts are never touched; whoever left may still sign in there, so the case stays incomplete."""
    protecting = CONFIGURATION.replace('userName sw "breakglass"', 'userName eq "p3@small.example"')
    company.config.write_text(protecting, encoding="utf-8")
    case = left(company, "E3")
    assert company.chat.of("E3").enabled
    assert case["state"] == "incomplete"
    assert case["coverage"]["chat"] == "manual"
    assert "access_gone" not in case["milestones"]


def test_the_last_administrator_who_left_is_not_called_gone(company):
    """Design section 7: sign-in stays until a successor is there, and so does the case."""
    administered = CONFIGURATION.replace('owner     = "group:it"', 'owner = "group:it"\nadmins = ["group/engineers"]')
    company.config.write_text(administered, encoding="utf-8")
    for number in ("5", "7", "9", "11", "1"):
        company.chat.add(f"c{number}", f"p{number}@small.example", "group/all", externalId=f"E{number}")
    case = left(company, "E3")
    assert company.chat.of("E3").enabled
    assert case["state"] == "incomplete"
    assert "access_gone" not in case["milestones"]


def test_an_account_that_may_be_theirs_is_not_called_no_account(company):
    """Two numbers on one account: nothing is done with it, and nobody may say that there is none."""
    company.chat.add("twice", "somebody@small.example", externalId="E3")
    account = company.chat.accounts["twice"]
    doubtful = account.attributes.of({"userName": "somebody@small.example", "externalId": ("E3", "E4")})
    company.chat.accounts["twice"] = type(account)(
        native_id=account.native_id, username=account.username, enabled=True, attributes=doubtful
    )
    case = left(company, "E3")
    assert company.chat.accounts["twice"].enabled
    assert case["state"] == "incomplete"
    assert case["coverage"]["chat"] == "manual"


def test_a_leave_and_a_rehire_in_one_file_are_one_case_that_counts(company):
    """The newer decision counts: the leaver's case gives way, and what is done stands in the rehire's."""
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-20"})
    row = next(row for row in company.people if row["employee_id"] == "E3")
    again = {
        "employee_id": "E13",
        "status": "active",
        "department": "Sales",
        "start_date": "2026-11-23",
        "end_date": "",
    }
    company.people.append({**row, **again})
    company.deliver()
    at = "2026-11-23T07:00:00Z"
    company.lastday("source", "read", "hr", at=at)
    company.settle(at=at, code=None)
    cases = company.lastday("case", "list", "--all", "--json", at=at).json["cases"]
    states = {case["kind"]: case["state"] for case in cases}
    assert states == {"leaver": "superseded", "joiner": "complete"}
    assert company.chat.of("E3").enabled
    report = company.lastday(
        "case", "show", next(c["case"] for c in cases if c["kind"] == "joiner"), "--json", at=at
    ).json
    assert [o["verb"] for o in report["cases"][0]["operations"]] == ["revoke"]


def test_both_reads_of_a_deletion_search_for_the_account(company):
    """Design section 1.2: not being there counts only with an empty search, at the settlement too."""
    company.config.write_text(CONFIGURATION.replace('owner     = "group:it"', 'owner = "group:it"\nkeep_for = "1d"'))
    left(company, "E3")
    company.settle(at="2026-11-25T07:00:00Z", code=None)
    assert company.chat.of("E3") is None

    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await tx.fetch_all(
                "SELECT n.kind, n.probes FROM observation n JOIN operation o ON o.id = n.operation"
                " WHERE o.verb = 'delete' ORDER BY n.at"
            )

    seen = company.in_session(work, at="2026-11-25T08:00:00Z")
    assert len(seen) == 2
    assert all("search by externalId" in one["probes"] for one in seen)


def test_what_legal_preserves_is_not_asked_about_every_second(company):
    """It kept its lane from nobody, but `apply --wait` never ended and the database was asked for ever."""
    company.config.write_text(CONFIGURATION.replace('owner     = "group:it"', 'owner = "group:it"\nkeep_for = "1d"'))
    left(company, "E3")
    person, at = company.identity("E3"), "2026-11-25T07:00:00+00:00"

    async def work(session):
        engine = session.engine
        async with engine.database.transaction() as tx:
            await decisions.preserve(tx, person, "lawsuit", "legal", engine.clock.now())
            (deletion,) = await tx.fetch_all("SELECT id FROM operation WHERE verb = 'delete'")
        await run_operation(engine, deletion["id"])
        async with engine.database.transaction() as tx:
            stored = await operations.load_operation(tx, deletion["id"])
        assert stored is not None
        return stored.life, stored.life.wake_at - engine.clock.now()

    life, wait = company.in_session(work, at=at)
    assert (life.state, life.detail) == ("waiting", "kept by a preserve order of legal")
    assert wait > timedelta(minutes=10)
    assert company.chat.of("E3")


def test_an_account_that_may_still_come_to_be_keeps_the_case_open(company):
    """A create that was sent when its person left again may land after the plan that found no account."""
    company.hire(13)
    del company.chat.accounts["c13"]
    company.deliver()
    company.lastday("source", "read", "hr", at="2026-11-23T06:30:00Z")
    plan = company.lastday("plan", "--json", at="2026-11-23T06:31:00Z").json["plan"]
    company.lastday("apply", plan, at="2026-11-23T06:32:00Z")

    async def sent(session):
        async with session.engine.database.transaction() as tx:
            await tx.execute(
                "UPDATE operation SET state = 'acting', attempts = 1, holder = 'w-1' WHERE verb = 'create'"
            )

    company.in_session(sent, at="2026-11-23T06:33:00Z")
    company.deliver(E13={"status": "terminated", "end_date": "2026-11-22"})
    company.lastday("source", "read", "hr", at="2026-11-23T07:00:00Z")
    plan = company.lastday("plan", "--json", at="2026-11-23T07:01:00Z").json["plan"]
    company.lastday("apply", plan, at="2026-11-23T07:02:00Z", code=None)
    cases = company.lastday("case", "list", "--all", "--json", at="2026-11-23T07:03:00Z").json["cases"]
    assert [case["state"] for case in cases if case["kind"] == "leaver"] == ["open"]
