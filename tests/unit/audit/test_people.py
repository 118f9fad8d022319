"""Who is here and who has left, by files that nobody has seen before."""

from datetime import UTC, datetime, timedelta

import pytest

from lastday.inventory.audit.dates import Order, read_moment
from lastday.inventory.audit.guessing import guess_accounts, guess_people
from lastday.inventory.audit.people import Standing, read_people
from lastday.inventory.audit.run import Naming
from lastday.model.errors import InputError
from tests.unit.audit.files import AT, judged, table

HEAD = "Employee ID | Full Name | Email | Status | Start Date | End Date | Time Zone"


def person(*rows, head=HEAD):
    people = read_people(guess_people(table("\n".join((head, *rows))))).people
    assert len(people) == 1
    return people[0]


def test_an_ended_job_beside_a_live_one_is_not_leaving():
    one = person(
        "7 | Ada Lo | ada@x.example | terminated | 2020-01-01 | 2024-01-31 |",
        "7 | Ada Lo | ada@x.example | active | 2024-02-01 | |",
    )
    assert one.standing(AT) is Standing.HERE


def test_terminated_with_a_later_end_is_here_until_then():
    one = person("7 | Ada Lo | ada@x.example | terminated | 2020-01-01 | 2026-12-31 |")
    assert one.standing(AT) is Standing.HERE
    assert one.standing(datetime(2027, 1, 1, tzinfo=UTC)) is Standing.LEFT


def test_a_bare_end_date_counts_from_five_in_the_afternoon_there():
    one = person("7 | Ada Lo | ada@x.example | active | 2020-01-01 | 2026-11-23 | America/Chicago")
    end = datetime(2026, 11, 23, 23, tzinfo=UTC)
    assert one.standing(end - timedelta(seconds=1)) is Standing.HERE
    assert one.standing(end) is Standing.LEFT


def test_without_a_zone_an_end_date_counts_from_the_end_of_that_day_in_utc():
    one = person("7 | Ada Lo | ada@x.example | active | 2020-01-01 | 2026-11-23 |")
    end = datetime(2026, 11, 24, tzinfo=UTC)
    assert one.standing(end - timedelta(seconds=1)) is Standing.HERE
    assert one.standing(end) is Standing.LEFT


def test_an_end_with_a_time_and_an_offset_is_that_instant():
    one = person("7 | Ada Lo | ada@x.example | active | 2020-01-01 | 2026-11-23T15:00:00+01:00 |")
    assert one.left_at(AT) == datetime(2026, 11, 23, 14, tzinfo=UTC)


@pytest.mark.parametrize("end", ["9999-12-31", "31.12.9999", "-", "n/a", "", "2999-01-01"])
def test_an_end_that_means_none_is_none(end):
    """SAP writes 31.12.9999 for an open end."""
    assert person(f"7 | Ada Lo | ada@x.example | active | 2020-01-01 | {end} |").standing(AT) is Standing.HERE


def test_somebody_who_begins_later_is_not_gone():
    assert person("7 | Ada Lo | ada@x.example | active | 2026-12-01 | |").standing(AT) is Standing.NOT_YET


@pytest.mark.parametrize(
    "status", ["Ausgeschieden", "baja", "Inactif", "uit dienst", "Desligado", "cessato", "zwolniony"]
)
def test_without_an_end_the_status_counts(status):
    one = person(f"7 | Ada Lo | ada@x.example | {status} | 2020-01-01 | |")
    assert (one.standing(AT), one.left_at(AT)) == (Standing.LEFT, None)


@pytest.mark.parametrize("status", ["beurlaubt", "On Leave", "en congé", "Elternzeit", "excedencia"])
def test_leave_is_not_leaving(status):
    assert person(f"7 | Ada Lo | ada@x.example | {status} | 2020-01-01 | |").standing(AT) is Standing.HERE


def test_active_zero_means_gone():
    """Workday reports say Active = 1 or 0."""
    head = "Worker ID | Full Name | Active | Email"
    assert person("7 | Ada Lo | 0 | a@x.example", head=head).standing(AT) is Standing.LEFT


def test_days_beyond_the_twelfth_decide_the_order_for_the_whole_file():
    head = "Personalnummer | Name | Eintritt | Austritt"
    rows = ("1 | Ada Lo | 01/02/2020 | 03/11/2026", "2 | Bo Li | 25/02/2020 |")
    people = read_people(guess_people(table("\n".join((head, *rows)))))
    assert people.order is Order.DMY
    assert people.people[0].left_at(AT) == datetime(2026, 11, 4, tzinfo=UTC)


def test_dates_that_can_be_read_in_two_ways_are_refused_until_somebody_says_how():
    """S-nn: never a wrong leaver out of a guess."""
    people = "ID | Name | Employee ID | Termination Date\n1 | Ada Lo | 7 | 03/04/2026"
    accounts = "id | login\n1 | ada.lo"
    with pytest.raises(InputError, match="03/04/2026") as refused:
        judged(people, accounts)
    assert "people.dates=DMY" in refused.value.mend
    assert judged(people, accounts, Naming(scope="people", field="dates", column="MDY"))


def test_people_who_would_end_before_they_begin_prove_the_other_order():
    head = "Personalnummer | Name | Eintritt | Austritt"
    people = read_people(
        guess_people(table(f"{head}\n1 | Ada Lo | 05/09/2026 | 07/08/2026\n2 | Bo Li | 01/02/2026 | 02/01/2026"))
    )
    assert people.order is Order.MDY
    assert people.people[0].left_at(AT) == datetime(2026, 7, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-23", "2026-11-23"), ("23.11.2026", "2026-11-23"), ("20261123", "2026-11-23"),
        ("23-Nov-2026", "2026-11-23"), ("Nov 23, 2026", "2026-11-23"), ("23 de noviembre de 2026", "2026-11-23"),
        ("23 novembre 2026", "2026-11-23"), ("/Date(1795392000000)/", "2026-11-23"),
        ("2026/11/23 4:05 PM", "2026-11-23"),
        ("46349", "2026-11-23"),
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_forms_that_exports_write(text, day):
    moment = read_moment(text, None)
    assert moment is not None
    assert moment.day.isoformat() == day


def test_31_february_is_no_date_and_is_told():
    rows = ("31.02.2026", "01.03.2027", "01.04.2027")
    lines = [f"{at} | Ada Lo | a{at}@x.example | active | 2020-01-01 | {end} |" for at, end in enumerate(rows)]
    people = read_people(guess_people(table("\n".join((HEAD, *lines)))))
    assert people.people[0].standing(AT) is Standing.HERE
    assert any("31.02.2026" in remark for remark in people.remarks)


def test_a_file_in_which_nobody_can_have_left_is_refused_with_its_headings():
    with pytest.raises(InputError) as refused:
        guess_people(table("Employee ID | Full Name\n7 | Ada Lo"))
    assert refused.value.code == "I122"
    assert 'people.endDate="HEADING"' in refused.value.mend
    assert "Full Name" in refused.value.mend


def test_a_file_in_which_no_account_is_named_is_refused():
    with pytest.raises(InputError) as refused:
        guess_accounts(table("Colour | Last Login\nred | 2026-01-01\nred | 2026-01-02", "a.csv"))
    assert refused.value.code == "I123"


def test_the_managers_columns_are_never_the_persons():
    headings = "Manager Employee ID | Manager Email | Personalnr. | E-Mail | Austritt"
    mapped = guess_people(table(f"{headings}\n1|b@x.example|7|a@x.example|"))
    assert (mapped.column("employeeNumber"), mapped.column("mail")) == ("Personalnr.", "E-Mail")


def test_name_beside_a_given_name_is_the_family_name():
    mapped = guess_people(table("Name | Vorname | Personalnummer | Austritt\nLo | Ada | 7 |"))
    assert (mapped.column("familyName"), mapped.column("givenName")) == ("Name", "Vorname")


def test_a_birth_date_is_no_end():
    headings = "Personalnummer | Geburtsdatum | Probezeitende | Status"
    mapped = guess_people(table(f"{headings}\n7 | 1980-01-01 | 2020-07-01 | aktiv"))
    assert mapped.column("endDate") is None


def test_a_termination_counts_before_a_last_day_and_a_last_day_before_the_end_of_a_contract():
    head = "Employee ID | Full Name | Contract End Date | Last Day of Work | Termination Date"
    one = person("7 | Ada Lo | 2026-01-31 | 2026-10-01 | 2026-12-31", head=head)
    other = person("7 | Ada Lo | 2026-01-31 | |", head=head)
    assert (one.standing(AT), other.standing(AT)) == (Standing.HERE, Standing.LEFT)


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Data rozwiązania umowy", "endDate"), ("Leaves on", "endDate"), ("Datum van vertrek", "endDate"),
        ("Fecha efectiva de baja", "endDate"), ("Identyfikator pracownika", "employeeNumber"),
        ("Austrittsdatum (SAP)", "endDate"), ("Joined the company", "startDate"),
    ],
)  # fmt: skip
def test_a_heading_never_seen_is_understood_by_its_words_and_values(heading, field):
    value = "P7" if field == "employeeNumber" else "2026-10-31"
    mapped = guess_people(table(f"{heading} | Full Name | Current Status\n{value} | Ada Lo | Left"))
    assert mapped.column(field) == heading
    assert all(one.confidence < 1 for one in mapped.guesses if one.field == field)
