"""How each lifecycle case of an HR source comes out: from rows in two files to changes."""

import pytest

from lastday.lifecycle.walk import changes_between, next_instant
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.identity import IdentityKind, Lifecycle
from tests.unit.lifecycle.northwind import Company, file_of, instant, job_of_ada, person_row

ONE = instant("2026-06-01T06:00Z")
TWO = instant("2026-06-10T06:00Z")
LATER = instant("2026-07-15T06:00Z")


def told_by(first, second, *, since=ONE, now=TWO, follow=LATER, accepted=True):
    """What two files tell, then what the clock tells until `follow`: (kind, instant, surprise) of each change."""
    company = Company.empty()
    company.read(file_of(*first), ONE, first=accepted)
    read = company.read(file_of(*second), TWO)
    assert read.stopped_by == set()
    changes: list[Change] = []
    for identity in company.people.values():
        changes += changes_between(read.before.get(identity.id), identity, since, now)
        changes += changes_between(identity, identity, now, follow)
    return company, sorted(changes, key=lambda change: change.at)


def short(changes):
    return [(change.kind.value, f"{change.at:%m-%dT%H:%M}") for change in changes]


def test_a_future_end_waits_for_the_local_end_of_day():
    """Case "future leaver entered": scheduled; 72 hours known before it takes effect, so expected."""
    first = [person_row("E1", time_zone="Australia/Sydney")]
    ends = [person_row("E1", time_zone="Australia/Sydney", end_date="2026-06-30", status="terminated")]
    company, changes = told_by(first, ends)
    assert short(changes) == [("left", "06-30T07:00")]
    assert changes[0].surprise is Surprise.EXPECTED
    assert changes[0].contract_ended is False
    assert next_instant(company.of("E1"), TWO) == instant("2026-06-30T07:00Z")


@pytest.mark.parametrize(("moved", "surprise"), [("2026-06-12", Surprise.SURPRISE), ("2026-06-13", Surprise.EXPECTED)])
def test_a_moved_end_begins_its_72_hours_again(moved, surprise):
    """Case "date moved": the file of 06-10T06:00Z moves the end; known 57 hours before is a surprise, 81 is not."""
    first = [person_row("E1", end_date="2026-06-20")]
    _, changes = told_by(first, [person_row("E1", end_date=moved)])
    assert [(c.kind, c.surprise) for c in changes] == [(ChangeKind.LEFT, surprise)]
    assert changes[0].contract_ended


def test_an_end_of_the_first_accepted_import_is_expected_however_near():
    _, changes = told_by([person_row("E1", end_date="2026-06-02")], [person_row("E1", end_date="2026-06-02")])
    assert [(c.kind, c.surprise) for c in changes] == [(ChangeKind.LEFT, Surprise.EXPECTED)]


def test_an_end_withdrawn_before_its_day_is_no_change():
    """Case "rescinded", in time: the date vanished, the schedule is cancelled."""
    _, changes = told_by([person_row("E1", end_date="2026-06-20")], [person_row("E1")])
    assert changes == []


def test_an_end_withdrawn_after_its_day_brings_the_person_back():
    """Case "rescinded", too late: what was cut is restored; nobody is hired anew."""
    _, changes = told_by(
        [person_row("E1", end_date="2026-06-02", status="terminated")],
        [person_row("E1")],
        since=instant("2026-06-05T06:00Z"),
    )
    assert short(changes) == [("returned", "06-10T06:00")]


@pytest.mark.parametrize("since", ["2026-06-01T06:00Z", "2026-06-09T06:00Z"])
def test_an_end_told_late_is_a_surprise_with_its_true_instant(since):
    """Case "already effective, entered late"; also where we acted after the end and did not know."""
    _, changes = told_by(
        [person_row("E1")],
        [person_row("E1", end_date="2026-06-05", status="terminated")],
        since=instant(since),
    )
    assert short(changes) == [("left", "06-05T15:00")]
    assert changes[0].surprise is Surprise.SURPRISE


def test_ended_without_a_date_ends_with_the_first_file_that_says_so():
    """Design section 6: else receipt if the status says ended; the next file does not move it."""
    company, changes = told_by([person_row("E1")], [person_row("E1", status="terminated")])
    assert short(changes) == [("left", "06-10T06:00")]
    again = company.read(file_of(person_row("E1", status="terminated")), LATER)
    assert again.intake is not None
    assert again.intake.changed == ()


@pytest.mark.parametrize(("status", "kind"), [("on_leave", "suspended"), ("garden_leave", "released")])
def test_leave_of_absence_and_garden_leave_come_and_go(status, kind):
    """Cases "leave" and "garden leave"."""
    there, away = [person_row("E1")], [person_row("E1", status=status)]
    assert short(told_by(there, away)[1]) == [(kind, "06-10T06:00")]
    assert short(told_by(away, there)[1]) == [("returned", "06-10T06:00")]


def test_a_transfer_is_a_move():
    _, changes = told_by([person_row("E1")], [person_row("E1", department="IT", job_title="Engineer")])
    assert short(changes) == [("moved", "06-10T06:00")]
    assert changes[0].detail == "Finance/Accountant -> IT/Engineer"


def test_a_transfer_under_a_new_key_is_a_move_at_its_instant():
    """Engagement E1 to the 14th, E2 from the 15th elsewhere: no leave, a move when the second begins."""
    old = job_of_ada("E1", end_date="2026-06-14")
    new = job_of_ada("E2", start_date="2026-06-15", department="IT", job_title="Engineer")
    company, changes = told_by([job_of_ada("E1")], [old, new])
    assert len(company.people) == 1
    assert [(c.kind.value, c.detail) for c in changes] == [("moved", "Finance/Accountant -> IT/Engineer")]
    assert changes[0].at == instant("2026-06-14T22:00Z")


def test_the_end_of_a_second_job_is_a_move_and_no_leave():
    """Case "second job ends": still active; what only that job gave must go."""
    both = [job_of_ada("E1"), job_of_ada("E2", department="IT", job_title="Support")]
    ends = [both[0], {**both[1], "end_date": "2026-06-20"}]
    company, changes = told_by(both, ends)
    assert len(company.people) == 1
    assert [(c.kind.value, c.detail) for c in changes] == [
        ("moved", "Finance/Accountant + IT/Support -> Finance/Accountant")
    ]


def test_a_rehire_under_a_new_key_is_the_same_person():
    """Case "rehire new id": a gap, so a leave and a joining."""
    old = job_of_ada("E1", end_date="2026-06-12", status="terminated")
    new = job_of_ada("E2", start_date="2026-07-01")
    company, changes = told_by([job_of_ada("E1")], [old, new])
    assert len(company.people) == 1
    assert short(changes) == [("left", "06-12T15:00"), ("joined", "06-30T22:00")]


def test_a_rehire_under_the_same_key_is_a_leave_and_a_joining():
    """Case "rehire same id": the row of the new engagement does not hide the gap."""
    company, changes = told_by(
        [person_row("E1", end_date="2026-06-05", status="terminated")], [person_row("E1", start_date="2026-07-01")]
    )
    assert short(changes) == [("left", "06-05T15:00"), ("joined", "06-30T22:00")]
    person = company.of("E1")
    assert person.lifecycle_at(TWO) is Lifecycle.ENDED
    assert len(person.engagements) == 2
    again = company.read(file_of(person_row("E1", start_date="2026-07-01")), LATER)
    assert again.intake is not None
    assert again.intake.changed == ()


def test_a_rehire_without_person_key_is_somebody_new():
    """Names never say who somebody is: a hint at most, never a link."""
    old = person_row("E1", person_key="", work_email="ada@x.example", end_date="2026-06-05", status="terminated")
    new = person_row("E2", person_key="", work_email="ada@x.example", start_date="2026-06-08")
    company, changes = told_by([{**old, "end_date": "", "status": "active"}], [old, new])
    assert len(company.people) == 2
    assert short(changes) == [("left", "06-05T15:00"), ("joined", "06-07T22:00")]


@pytest.mark.parametrize("key", ["E1", "E2"])
def test_a_conversion_without_a_gap_is_no_leave(key):
    """Case "conversion": contractor to Sunday the 14th at 17:00, employee from Monday: nobody is out for a night."""
    before = job_of_ada("E1", worker_type="contractor", end_date="2026-06-14")
    after = job_of_ada(key, start_date="2026-06-15")
    second = [after] if key == "E1" else [before, after]
    company, changes = told_by([before], second)
    assert [(c.kind, c.at) for c in changes] == [(ChangeKind.MOVED, instant("2026-06-14T22:00Z"))]
    assert company.of(key).lifecycle_at(instant("2026-06-14T18:00Z")) is Lifecycle.ACTIVE


def test_an_exact_moment_is_taken_at_its_word():
    """A last working moment before the next job begins is a gap on purpose."""
    before = job_of_ada("E1", end_date="2026-06-14", last_working_moment="2026-06-14T12:00:00")
    after = job_of_ada("E2", start_date="2026-06-15")
    _, changes = told_by([job_of_ada("E1")], [before, after])
    assert short(changes) == [("left", "06-14T10:00"), ("joined", "06-14T22:00")]


@pytest.mark.parametrize("cells", [{"manager_id": "E9"}, {"cost_center": "CC9"}, {"country": "DE"}])
def test_a_new_manager_or_cost_centre_alone_is_amended(cells):
    _, changes = told_by([person_row("E1", manager_id="E8")], [person_row("E1", **{"manager_id": "E8", **cells})])
    assert short(changes) == [("amended", "06-10T06:00")]


def test_a_new_mail_is_a_rename_of_the_same_person():
    company, changes = told_by([person_row("E1")], [person_row("E1", work_email="new@x.example")])
    assert short(changes) == [("renamed", "06-10T06:00")]
    assert len(company.people) == 1


def test_somebody_who_has_not_begun_is_only_amended():
    first = person_row("E1", start_date="2026-07-01")
    _, changes = told_by([first], [{**first, "department": "IT"}])
    assert short(changes) == [("amended", "06-10T06:00"), ("joined", "06-30T22:00")]


def test_somebody_whose_start_moves_away_is_out_until_then():
    _, changes = told_by([person_row("E1", start_date="2026-06-01")], [person_row("E1", start_date="2026-07-01")])
    assert short(changes) == [("left", "06-10T06:00"), ("joined", "06-30T22:00")]
    assert changes[0].surprise is Surprise.SURPRISE


@pytest.mark.parametrize("known_as", ["p-E1", ""])
def test_a_key_with_the_person_key_of_somebody_else_is_not_taken(known_as):
    """I15: a row that says that E1 is E2's person changes neither, whether or not E1 had a person key before."""
    first = [person_row("E1", person_key=known_as), person_row("E2")]
    taken = person_row("E1", person_key="p-E2", department="IT", end_date="2026-06-05", status="terminated")
    company, changes = told_by(first, [taken, person_row("E2")])
    assert changes == []
    assert company.of("E1").person_key == (known_as or None)
    assert company.absences == {}


def test_a_key_with_another_person_key_is_not_taken():
    company, changes = told_by([person_row("E1")], [person_row("E1", person_key="x", department="IT")])
    assert changes == []
    again = company.read(file_of(person_row("E1", person_key="x", department="IT")), LATER)
    assert again.intake is not None
    assert [finding.code for finding in again.intake.findings] == ["S135"]


def test_a_person_key_that_comes_later_is_learnt():
    company, changes = told_by([person_row("E1", person_key="")], [person_row("E1")])
    assert changes == []
    assert company.of("E1").person_key == "p-E1"


def test_what_is_written_of_somebody_who_left_changes_nothing():
    gone = person_row("E1", end_date="2026-05-01", status="terminated")
    _, changes = told_by([gone], [{**gone, "department": "IT", "work_email": "other@x.example", "manager_id": "E9"}])
    assert changes == []


@pytest.mark.parametrize(
    ("worker", "kind"),
    [("Contractor", IdentityKind.CONTRACTOR), ("intern", IdentityKind.INTERN), ("bot", IdentityKind.BOT),
     ("vendor", IdentityKind.VENDOR), ("alien", IdentityKind.EMPLOYEE), ("", IdentityKind.EMPLOYEE)],
)  # fmt: skip
def test_the_kind_of_worker_is_the_kind_of_identity(worker, kind):
    """S-13."""
    company, _ = told_by([person_row("E1", worker_type=worker)], [person_row("E1", worker_type=worker)])
    assert company.of("E1").kind is kind
