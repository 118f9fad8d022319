"""The sample company: each file of tests/data/hr does what its README says."""

import csv
from collections import Counter
from datetime import datetime

import pytest

from lastday.lifecycle.walk import changes_between, next_instant
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.errors import FeedError
from lastday.model.identity import Lifecycle
from tests.unit.lifecycle.northwind import FIRST, HR, SECOND, Company, first_load, instant, loaded_company

KINDS = {
    "contract end": ChangeKind.LEFT,
    "leaver": ChangeKind.LEFT,
    "joiner": ChangeKind.JOINED,
    "mover": ChangeKind.MOVED,
    "rename": ChangeKind.RENAMED,
}


def written_cases(on_reading: datetime) -> list[tuple[str, datetime, ChangeKind, str]]:
    with (HR / "what-changes-2026-11-23.csv").open(encoding="utf-8") as lines:
        return [
            (
                row["employee_id"],
                on_reading if row["effective_at_utc"] == "on reading" else instant(row["effective_at_utc"]),
                KINDS[row["kind"]],
                row["kind"],
            )
            for row in csv.DictReader(lines)
        ]


def changes_of(company: Company, before, since, now):
    found: list[Change] = []
    for identity in company.people.values():
        found += changes_between(before.get(identity.id), identity, since, now)
    return found


def second_reading():
    company = first_load()
    before = dict(company.people)
    company.read((HR / "people-2026-11-23.csv").read_bytes(), SECOND)
    return company, changes_of(company, before, FIRST, SECOND)


def test_the_second_file_gives_exactly_the_cases_that_are_due():
    """Issue acceptance 2: 20 contract ends, 5 leavers, 4 movers, 6 joiners, 1 rename, each with its instant."""
    company, changes = second_reading()
    due = [case for case in written_cases(SECOND) if case[1] <= SECOND]
    assert Counter(kind for *_, kind in due) == {
        "contract end": 20, "leaver": 5, "mover": 4, "joiner": 6, "rename": 1,
    }  # fmt: skip
    assert sorted((company.number(c), c.at, c.kind) for c in changes) == sorted(case[:3] for case in due)


def test_contract_ends_are_told_from_leavers_and_surprise_nobody():
    """Design section 7: an end of the first, accepted import is expected; one that came with the file is not."""
    company, changes = second_reading()
    kinds = {number: kind for number, _, _, kind in written_cases(SECOND)}
    for change in changes:
        if change.kind is ChangeKind.LEFT:
            foreseen = kinds[company.number(change)] == "contract end"
            assert change.contract_ended is foreseen
            assert change.surprise is (Surprise.EXPECTED if foreseen else Surprise.SURPRISE)


def test_moves_are_told_as_job_to_job():
    company, changes = second_reading()
    moved = {company.number(c): c.detail for c in changes if c.kind is ChangeKind.MOVED}
    assert moved == {
        "E10938": "Finance/AP Clerk -> Finance/Accountant",
        "E11491": "Sales/Account Executive -> Engineering/Software Engineer",
        "E11701": "Finance/Accountant -> IT/Security Engineer",
        "E12611": "Finance/FP&A Analyst -> People/Payroll Specialist",
    }


def test_a_rename_tells_no_names():
    """Change.detail holds no personal data beyond job and place."""
    _, changes = second_reading()
    (detail,) = (c.detail for c in changes if c.kind is ChangeKind.RENAMED)
    assert "Zoë" not in detail
    assert "Whitfield" not in detail
    assert "emails.value" in detail


def test_later_cases_come_at_their_instants_by_the_clock_alone():
    """S-18: the due clock walks from instant to instant; nothing comes early, nothing twice."""
    company = loaded_company()
    horizon = instant("2026-12-01T06:00Z")
    found = []
    since = SECOND
    while since < horizon:
        coming = [n for p in company.people.values() if (n := next_instant(p, since)) is not None]
        now = min(min(coming), horizon)
        found += changes_of(company, company.people, since, now)
        since = now
    due = [case for case in written_cases(SECOND) if SECOND < case[1] <= horizon]
    assert len(due) == 19
    assert sorted((company.number(c), c.at, c.kind) for c in found) == sorted(case[:3] for case in due)
    assert all(change.surprise is Surprise.EXPECTED for change in found)


def test_the_first_load_joins_everybody_and_surprises_nobody():
    company = first_load()
    changes = changes_of(company, {}, FIRST, FIRST)
    assert Counter(change.kind for change in changes) == {ChangeKind.JOINED: 416, ChangeKind.SUSPENDED: 4}
    assert all(c.surprise is Surprise.EXPECTED for c in changes if c.kind is ChangeKind.JOINED)


def test_the_same_file_again_changes_nobody():
    """I6: a second run on an unchanged world is empty."""
    company = loaded_company()
    again = company.read((HR / "people-2026-11-23.csv").read_bytes(), instant("2026-11-24T07:00Z"))
    assert again.intake is not None
    assert again.intake.changed == ()
    assert again.intake.unchanged == 428
    assert changes_of(company, again.before, SECOND, instant("2026-11-24T07:00Z")) == []


@pytest.mark.parametrize("acted", ["2027-01-10T06:00Z", "2027-01-31T06:00Z", "2027-02-01T05:00Z"])
def test_a_gap_told_by_one_file_is_a_leaver_and_a_rehire(acted):
    """hr/README: E20101 ended on 2027-01-15, hired again as E20150; whenever we acted last, both are told."""
    company = loaded_company()
    since, now = instant(acted), instant("2027-02-01T06:00Z")
    read = company.read((HR / "people-2027-02-01.csv").read_bytes(), now)
    person = company.of("E20150")
    assert person is company.of("E20101")
    changes = changes_between(read.before[person.id], person, since, now)
    assert [(company.number(c), c.kind, c.at) for c in changes] == [
        ("E20101", ChangeKind.LEFT, instant("2027-01-15T16:00Z")),
        ("E20150", ChangeKind.JOINED, instant("2027-01-31T23:00Z")),
    ]
    assert changes[0].surprise is Surprise.SURPRISE


def test_a_newcomer_with_the_name_and_mail_of_a_leaver_is_somebody_else():
    """I15, T-35: E20100 has the mail of E10245 and nothing else of theirs."""
    company = loaded_company()
    assert company.of("E20100").id != company.of("E10245").id
    assert company.of("E10245").lifecycle_at(SECOND) is Lifecycle.ENDED
    assert company.of("E20100").lifecycle_at(SECOND) is Lifecycle.ACTIVE


@pytest.mark.parametrize("name", ["utf8-bom.csv", "utf16.csv"])
def test_other_encodings_give_the_same_people(name):
    company = loaded_company()
    other = first_load()
    other.read((HR / name).read_bytes(), SECOND)
    assert other.people == company.people


def test_a_lossy_encoding_keeps_the_old_names():
    """hr/README: 16 names lost a letter to cp1252; the old values stay and each is told."""
    company = loaded_company()
    before = dict(company.people)
    at = instant("2026-11-24T07:00Z")
    read = company.read((HR / "semicolon-cp1252.csv").read_bytes(), at)
    assert read.intake is not None
    assert read.stopped_by == set()
    assert company.people == before
    assert [f.code for f in read.intake.findings] == ["S134"] * 16


@pytest.mark.parametrize(
    ("name", "codes", "said"),
    [
        ("header-only.csv", {"S116"}, "no row"),
        ("truncated-mid-row.csv", {"S110", "S111"}, "line 267"),
        ("renamed-column.csv", {"S113"}, "manager_id -> mgr_id"),
        ("lisbon-vanished.csv", {"S110"}, "people of Lisbon are missing"),
        ("duplicate-id-and-bad-values.csv", {"S114"}, "E10287"),
    ],
)
def test_a_bad_file_is_stopped_and_the_last_good_one_stays(name, codes, said):
    company = loaded_company()
    before = dict(company.people)
    read = company.read((HR / "bad" / name).read_bytes(), instant("2026-11-25T06:00Z"))
    assert read.stopped_by == codes
    assert company.people == before
    told = [finding for finding in read.findings if said in finding.detail]
    assert told
    assert all(finding.mend for finding in told)


def test_an_empty_file_is_refused():
    with pytest.raises(FeedError) as refused:
        loaded_company().read((HR / "bad" / "empty.csv").read_bytes(), SECOND)
    assert refused.value.code == "S101"


def test_unreadable_values_are_rejected_with_place_and_mend():
    company = loaded_company()
    read = company.read((HR / "bad" / "duplicate-id-and-bad-values.csv").read_bytes(), SECOND)
    told = {line.key: (line.column, line.value, line.why) for line in read.rejected}
    assert told["E10420"] == ("end_date", "31.02.2026", "is not a date written YYYY-MM-DD")
    assert told["E10490"] == ("time_zone", "Mars/Base", "is not a time zone of the IANA database")
    assert all(line.mend for line in read.rejected)


def test_hostile_values_are_accepted_harmless_and_told():
    company = loaded_company()
    read = company.read((HR / "bad" / "hostile-names.csv").read_bytes(), instant("2026-11-25T06:00Z"))
    assert read.stopped_by == set()
    assert read.intake is not None
    told = {(f.subject, f.code) for f in read.intake.findings}
    assert told == {("hr/E10021", "S133"), ("hr/E10028", "S133"), ("hr/E10035", "S133"), ("hr/E10042", "S131")}
    title = company.of("E10042").engagements[0].attributes.text("title")
    assert title == "x Bcc: y"
    assert company.of("E10021").engagements[0].attributes.text("displayName") == "<script>alert(1)</script>"


def test_everyone_terminated_passes_the_feed_check_as_a_crowd_of_surprises():
    """hr/README: the brakes stop it, which count surprise; the feed itself is whole."""
    company = loaded_company()
    before = dict(company.people)
    now = instant("2026-11-25T06:00Z")
    engaged = [p for p in before.values() if p.lifecycle_at(SECOND) not in (Lifecycle.ENDED, Lifecycle.PREBOARDING)]
    read = company.read((HR / "bad" / "everyone-terminated.csv").read_bytes(), now)
    assert read.stopped_by == set()
    changes = changes_of(company, before, SECOND, now)
    surprises = [c for c in changes if c.kind is ChangeKind.LEFT and c.surprise is Surprise.SURPRISE]
    assert {c.identity for c in surprises} >= {person.id for person in engaged}
    assert len(engaged) == 401


def test_columns_that_nothing_maps_are_not_kept():
    """Design section 10, privacy: the phone number in the file is nowhere."""
    company = first_load()
    assert "+27 980 232398" in (HR / "people-2026-11-20.csv").read_text(encoding="utf-8")
    assert not any("+27" in repr(person) for person in company.people.values())
