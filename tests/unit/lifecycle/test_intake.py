"""Properties of taking in feeds: cutting, order, absence, rejection."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.configuration.settings import AbsenceRule
from lastday.lifecycle.intake import Absence, MergeContext, merge_feed
from lastday.lifecycle.walk import changes_between
from lastday.model.change import Change, ChangeKind
from lastday.model.errors import FeedError
from lastday.model.identity import Lifecycle
from tests.unit.lifecycle.northwind import (
    HR,
    SECOND,
    SETTINGS,
    Company,
    file_of,
    instant,
    loaded_company,
    normalised,
    person_row,
)

START = instant("2026-06-01T06:00Z")
PEOPLE = [
    person_row(
        f"E{n}", end_date="2027-01-15" if n % 3 else "", last_working_moment="2027-01-15T15:30:00" if n % 4 else ""
    )
    for n in range(40)
]
WHOLE = file_of(*PEOPLE)


def company_of(content: bytes) -> Company:
    company = Company.empty()
    company.read(content, START, first=True)
    return company


def left_in(company, before, now):
    found: list[Change] = []
    for identity in company.people.values():
        found += changes_between(before.get(identity.id), identity, START, now)
    return [change for change in found if change.kind is ChangeKind.LEFT]


@settings(max_examples=200)
@given(
    cut=st.floats(0, 1),
    tail=st.integers(0, 40),
    near_end=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    last=st.sampled_from(["person_key", "end_date", "last_working_moment", "status", "time_zone"]),
)
def test_a_file_cut_at_any_byte_ends_nobody(cut, tail, near_end, encoding, last):
    """T-3: a cut file is refused, stopped, or read so that nobody has left and no end has moved."""
    company = company_of(file_of(*PEOPLE, last=last).decode().encode(encoding))
    content = file_of(*PEOPLE, last=last).decode().encode(encoding)
    before = dict(company.people)
    now = START + timedelta(days=1)
    try:
        company.read(content[: len(content) - tail if near_end else int(cut * len(content))], now)
    except FeedError:
        assert company.people == before
    assert left_in(company, before, now) == []
    assert all(p.engagements[0].ends_at == before[i].engagements[0].ends_at for i, p in company.people.items())


@settings(max_examples=60)
@given(percent=st.integers(0, 1000))
def test_the_sample_file_cut_anywhere_ends_nobody(percent):
    """T-3, on a real export."""
    content = (HR / "people-2026-11-23.csv").read_bytes()
    company = COMPANY_LOADED.copy()
    before = dict(company.people)
    now = SECOND + timedelta(hours=1)
    try:
        company.read(content[: len(content) * percent // 1000], now)
    except FeedError:
        assert company.people == before
    for identity in company.people.values():
        assert changes_between(before.get(identity.id), identity, SECOND, now) == ()


class _Loaded:
    """Both sample files, read once."""

    def __init__(self) -> None:
        self._company = loaded_company()

    def copy(self) -> Company:
        return replace(self._company, people=dict(self._company.people))


COMPANY_LOADED = _Loaded()


@settings(max_examples=60)
@given(order=st.permutations(range(8)), twice=st.booleans())
def test_the_order_of_rows_does_not_matter(order, twice):
    """I9: the same rows in any order give the same people, absences and findings."""
    rows = [
        person_row("E0", person_key="p"),
        person_row("E1", person_key="p", start_date="2026-05-01"),
        person_row("E2", person_key=""),
        person_row("E3", person_key="new"),
        person_row("E4", person_key="new"),
        person_row("E5", person_key="p-E6"),
        person_row("E6", end_date="2026-06-03"),
        person_row("E7", end_date="31.02.2026"),
    ]
    others = [person_row(f"F{n}") for n in range(40)]
    known = [person_row(f"E{n}", person_key="" if n in (0, 2) else f"p-E{n}") for n in (0, 2, 6, 7, 9)]
    first = file_of(*known, *others)
    results = []
    for arrangement in (range(8), order):
        company = company_of(first)
        for _ in range(1 + twice):
            read = company.read(file_of(*(rows[n] for n in arrangement), *others), START + timedelta(days=1))
            assert read.intake is not None
        results.append((company.people, company.absences))
        assert "E9" in company.absences
    assert results[0] == results[1]


def test_absence_ends_somebody_after_two_complete_files_twelve_hours_apart():
    """Design section 7: absent from a full file is ended only by the rule; the deciding file is the instant."""
    company = company_of(WHOLE)
    without = file_of(*PEOPLE[1:])
    seen = []
    for hours in (24, 30, 37):
        before = dict(company.people)
        company.read(without, START + timedelta(hours=hours))
        seen.append(len(left_in(company, before, START + timedelta(hours=hours))))
    assert seen == [0, 0, 1]
    assert company.of("E0").engagements[0].ends_at == START + timedelta(hours=37)
    assert company.absences == {}


def test_a_source_may_ask_for_more_files_before_absence_counts():
    """Configuration `absent_after`: both the number of files and the hours must be reached."""
    patient = replace(SETTINGS, absent_after=AbsenceRule(files=3, hours=12))
    company = company_of(WHOLE)
    for hours, state in ((24, Lifecycle.ACTIVE), (48, Lifecycle.ACTIVE), (72, Lifecycle.ENDED)):
        now = START + timedelta(hours=hours)
        company.read(file_of(*PEOPLE[1:]), now, patient)
        assert company.of("E0").lifecycle_at(now) is state


def test_somebody_who_comes_back_in_time_is_not_absent_any_more():
    company = company_of(WHOLE)
    company.read(file_of(*PEOPLE[1:]), START + timedelta(hours=24))
    assert company.absences == {"E0": Absence(since=START + timedelta(hours=24), files=1)}
    company.read(WHOLE, START + timedelta(hours=48))
    company.read(file_of(*PEOPLE[1:]), START + timedelta(hours=72))
    assert company.of("E0").lifecycle_at(START + timedelta(hours=72)) is Lifecycle.ACTIVE
    assert company.absences["E0"].files == 1


def test_somebody_ended_by_absence_returns_with_the_row():
    company = company_of(WHOLE)
    for hours in (24, 48):
        company.read(file_of(*PEOPLE[1:]), START + timedelta(hours=hours))
    before = dict(company.people)
    since, now = START + timedelta(hours=48), START + timedelta(hours=72)
    company.read(WHOLE, now)
    person = company.of("E0")
    (change,) = changes_between(before[person.id], person, since, now)
    assert change.kind is ChangeKind.RETURNED


def test_a_partial_feed_says_nothing_of_those_it_leaves_out():
    company = company_of(WHOLE)
    rows, _ = normalised([], START)
    context = MergeContext(source=SETTINGS.name, received_at=START, rule=SETTINGS.absent_after, complete=False)
    intake = merge_feed(tuple(company.people.values()), rows, [], context)
    assert intake.changed == ()
    assert intake.new_absences == {}


@settings(max_examples=40)
@given(
    spoilt=st.sets(st.integers(0, 39), max_size=3),
    cell=st.sampled_from(
        [("end_date", "31.02.2026"), ("time_zone", "Mars/Base"), ("status", "?"), ("employee_id", "")]
    ),
)
def test_a_rejected_row_is_never_absent(spoilt, cell):
    """Design section 4, step 3: its last good version stays, however many files are read."""
    company = company_of(WHOLE)
    before = dict(company.people)
    rows = [{**row, cell[0]: cell[1]} if n in spoilt else row for n, row in enumerate(PEOPLE)]
    for hours in (24, 48, 72):
        read = company.read(file_of(*rows), START + timedelta(hours=hours))
        assert read.stopped_by == set()
    assert company.people == before
    assert company.absences == {}


def test_people_who_are_known_to_have_left_may_be_missing():
    """Design section 7: rows are counted after subtracting known departures."""
    gone = [person_row(f"G{n}", end_date="2026-05-01", status="terminated") for n in range(30)]
    company = company_of(file_of(*PEOPLE, *gone))
    read = company.read(WHOLE, START + timedelta(days=1))
    assert read.stopped_by == set()
    assert company.absences == {}


def test_a_small_site_that_vanished_is_named_though_the_file_is_large_enough():
    many = [person_row(f"M{n}") for n in range(200)]
    porto = [person_row(f"P{n}", site="Porto") for n in range(5)]
    company = company_of(file_of(*many, *porto))
    read = company.read(file_of(*many), START + timedelta(days=1))
    assert read.stopped_by == set()
    assert [(f.code, f.detail) for f in read.findings] == [("S118", "all 5 people of Porto are missing")]


def test_too_many_rejected_rows_stop_the_file():
    """Design section 7: more than max(3, 0.1 %)."""
    company = company_of(WHOLE)
    rows = [{**row, "end_date": "never"} if n < 4 else row for n, row in enumerate(PEOPLE)]
    read = company.read(file_of(*rows), START + timedelta(days=1))
    assert read.stopped_by == {"S115"}


def test_a_file_without_its_last_line_break_is_cut():
    company = company_of(WHOLE)
    read = company.read(WHOLE.rstrip(b"\n"), START + timedelta(days=1))
    assert read.stopped_by == {"S111"}


def test_a_row_of_another_width_stops_the_file():
    company = company_of(WHOLE)
    lines = WHOLE.split(b"\n")
    lines[5] += b",more"
    assert company.read(b"\n".join(lines), START + timedelta(days=1)).stopped_by == {"S112"}
    lines[5] = lines[5].removesuffix(b",more").rsplit(b",", 3)[0]
    assert company.read(b"\n".join(lines), START + timedelta(days=1)).stopped_by == {"S112"}


def test_the_end_is_known_since_the_first_file_that_told_it():
    company = company_of(file_of(person_row("E1"), person_row("E2")))
    told = START + timedelta(days=1)
    rows = [person_row("E1", end_date="2026-07-01"), person_row("E2")]
    for days in (1, 2, 3):
        company.read(file_of(*rows), START + timedelta(days=days))
    engagement = company.of("E1").engagements[0]
    assert (engagement.end_known_since, engagement.end_accepted) == (told, False)


@given(names=st.lists(st.sampled_from(["ada@x.example", "rui@x.example"]), min_size=12, max_size=12))
def test_names_and_mails_never_join_people(names):
    """T-34, T-35: however mails are shared and handed on, there are as many people as person keys."""
    company = company_of(file_of(*(person_row(f"E{n}", work_email=names[n]) for n in range(6))))
    company.read(file_of(*(person_row(f"E{n}", work_email=names[n + 5]) for n in range(7))), START + timedelta(days=1))
    assert len(company.people) == 7
