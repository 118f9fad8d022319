"""The sample company: acceptance 11 of the spine."""

import csv
from collections import defaultdict
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from lastday.inventory.audit.report import Verdict
from lastday.inventory.audit.run import audit
from tests.unit.audit.files import AT, DATA, from_disk

HR = DATA / "hr"
AGENCY, BOT, PRIVATE, FORMER, REUSED = "d1900", "d1901", "d1902", "d1903", "d1021"


def end_of_row(row):
    """When the row's engagement ends by the sample's README; worked out without the audit."""
    zone = ZoneInfo(row["time_zone"])
    if row["last_working_moment"]:
        return datetime.fromisoformat(row["last_working_moment"]).replace(tzinfo=zone)
    if row["end_date"]:
        return datetime.combine(datetime.fromisoformat(row["end_date"]).date(), time(17), tzinfo=zone)
    return None


@pytest.fixture(scope="module")
def truth():
    """Account id -> employee numbers whose mail it has, and those of them who are out."""
    by_mail, out = defaultdict(list), set()
    with (HR / "people-2026-11-23.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_mail[row["work_email"].lower()].append(row["employee_id"])
            end = end_of_row(row)
            if end is not None and end <= AT:
                out.add(row["employee_id"])
    with (HR / "accounts-design.csv").open(encoding="utf-8", newline="") as file:
        owners = {row["id"]: by_mail[row["mail"].lower()] for row in csv.DictReader(file)}
    return owners, out


@pytest.fixture(scope="module")
def report():
    return audit(from_disk(HR / "people-2026-11-23.csv"), {"design": from_disk(HR / "accounts-design.csv")}, AT)


@pytest.fixture(scope="module")
def accounts(report):
    return {one.native_id: one for one in report.accounts}


def test_every_leaver_still_in_design_is_named_and_nobody_else(accounts, truth):
    """Issue 2, acceptance 11; T-35."""
    owners, out = truth
    expected = {native: who for native, numbers in owners.items() for who in numbers if who in out}
    found = {native: one.employee_number for native, one in accounts.items() if one.verdict is Verdict.STILL_IN}
    assert found == expected
    assert len(expected) >= 5


def test_no_account_is_given_to_somebody_whose_mail_it_does_not_have(accounts, truth):
    owners, _ = truth
    for native, one in accounts.items():
        assert one.employee_number is None or one.employee_number in owners[native]


def test_everybody_else_with_a_mail_in_design_is_found(accounts, truth):
    owners, out = truth
    for native, numbers in owners.items():
        if len(numbers) == 1 and numbers[0] not in out:
            assert (accounts[native].employee_number, accounts[native].verdict) == (numbers[0], Verdict.OK)


def test_agency_bot_private_mail_and_disabled_account_are_told_apart(accounts):
    assert accounts[AGENCY].verdict is Verdict.UNOWNED
    assert accounts[BOT].verdict is Verdict.NOT_PERSONAL
    assert accounts[PRIVATE].verdict is Verdict.AMBIGUOUS
    assert accounts[FORMER].verdict is Verdict.DISABLED
    assert all(accounts[native].employee_number is None for native in (AGENCY, BOT, PRIVATE, FORMER))


def test_a_mail_used_again_goes_to_whom_the_dates_leave(accounts):
    """E20100 has the mail of leaver E10245 and began after the account was last used."""
    assert accounts[REUSED].employee_number == "E10245"
    assert "E20100" in accounts[REUSED].why


def test_without_dates_a_mail_used_again_stays_ambiguous():
    people, design = from_disk(HR / "people-2026-11-23.csv"), from_disk(HR / "accounts-design.csv")
    rows = tuple({**row, "last_login": ""} for row in design.rows)
    report = audit(people, {"design": type(design)(name=design.name, columns=design.columns, rows=rows)}, AT)
    reused = next(one for one in report.accounts if one.native_id == REUSED)
    assert (reused.verdict, reused.employee_number) == (Verdict.AMBIGUOUS, None)
    assert set(reused.candidates) == {"E10245", "E20100"}


def test_unused_accounts_are_those_not_used_for_90_days(report):
    limit = AT - timedelta(days=90)
    with (HR / "accounts-design.csv").open(encoding="utf-8", newline="") as file:
        idle = {
            row["id"]
            for row in csv.DictReader(file)
            if row["enabled"] == "yes" and datetime.fromisoformat(row["last_login"]).replace(tzinfo=UTC) < limit
        }
    assert {one.native_id for one in report.unused} == idle
    assert sum(report.seats.values()) == len(idle) > 5


@pytest.mark.parametrize("name", ["utf8-bom.csv", "utf16.csv", "semicolon-cp1252.csv"])
def test_other_encodings_of_the_same_people_lead_to_the_same_leavers(name, report):
    other = audit(from_disk(HR / name), {"design": from_disk(HR / "accounts-design.csv")}, AT)
    assert [(one.native_id, one.verdict, one.employee_number) for one in other.accounts] == [
        (one.native_id, one.verdict, one.employee_number) for one in report.accounts
    ]


def test_before_the_first_end_nobody_is_still_in(truth):
    early = datetime(2026, 11, 20, 6, tzinfo=UTC)
    report = audit(from_disk(HR / "people-2026-11-20.csv"), {"design": from_disk(HR / "accounts-design.csv")}, early)
    assert report.counts[Verdict.STILL_IN] == 0
