"""Whose account it is, and when nobody may say."""

import pytest

from lastday.inventory.audit.report import Verdict, csv_files, unharmful
from lastday.inventory.audit.run import Naming, audit
from tests.unit.audit.files import AT, judged, table

PEOPLE = """
employee id | first name | last name | email | status | department
100 | Noah | Kowalski | noah.k@x.example | active | Sales
101 | Noah | Kowalski | kowalski@x.example | terminated | Legal
102 | María José | García López | mj@x.example | active | Sales
103 | Đorđe | van der Berg | dvdb@x.example | terminated | Legal
104 | Zoë | Weiß | zoe.weiss@x.example | active | Legal
105 | Robert | Miller | robert.miller@x.example | terminated | Sales
"""


def one(account, people=PEOPLE, head="id | login | email | name | enabled"):
    return next(iter(judged(people, f"{head}\n{account}").values()))


def test_two_people_of_one_name_leave_an_account_ambiguous():
    found = one("a | noahk | | Noah Kowalski | yes")
    assert (found.verdict, found.employee_number) == (Verdict.AMBIGUOUS, None)
    assert set(found.candidates) == {"100", "101"}


def test_a_mail_decides_between_two_people_of_one_name():
    assert one("a | noahk | KOWALSKI@x.example | Noah Kowalski | yes").employee_number == "101"


def test_a_mail_of_one_under_the_full_name_of_another_is_ambiguous():
    people = f"{PEOPLE.strip()}\n107 | Petra | Kowalski | | active | Sales"
    found = one("a | q | kowalski@x.example | Petra Kowalski | yes", people)
    assert (found.verdict, found.employee_number) == (Verdict.AMBIGUOUS, None)


def test_a_plus_address_is_that_of_the_person():
    assert one("a | q | kowalski+crm@x.example | | yes").verdict is Verdict.STILL_IN


def test_a_private_mail_with_a_name_that_fits_is_ambiguous_at_most():
    found = one("a | mj | mariajose.garcia@gmail.example | María José García López | yes")
    assert (found.verdict, found.employee_number) == (Verdict.AMBIGUOUS, None)


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("Dorde Van der Berg", "103"), ("van der Berg, Đorđe", "103"), ("BERG Dorde van der", "103"),
        ("Zoe Weiss", "104"), ("WEISS, ZOË", "104"), ("Maria Jose Garcia-Lopez", "102"),
        ("García López María José", "102"),
    ],
)  # fmt: skip
def test_names_are_recognised_with_prefixes_accents_and_the_family_first(shown, number):
    found = one(f"a | u77 | | {shown} | yes")
    assert found.candidates == (number,) or found.employee_number == number


def test_a_nickname_alone_is_never_enough():
    found = one("a | u77 | | Bob Miller | yes")
    assert (found.verdict, found.candidates) == (Verdict.AMBIGUOUS, ("105",))


def test_a_mail_under_quite_another_name_is_looked_at_by_a_person():
    assert one("a | q | kowalski@x.example | Petra Sommer | yes").verdict is Verdict.AMBIGUOUS


def test_number_and_mail_of_two_people_contradict_each_other():
    found = one("a | q | kowalski@x.example | 105 | yes", head="id | login | email | employee number | enabled")
    assert (found.verdict, found.employee_number) == (Verdict.AMBIGUOUS, None)


def test_numbers_are_found_in_a_column_that_is_called_something_else():
    rows = "\n".join(f"u{number} | zz{number} | E-{number} | yes" for number in range(200, 206))
    people = "\n".join(f"E-{number} | N{number} F{number} | terminated" for number in range(200, 206))
    found = judged(f"employee id | full name | status\n{people}", f"id | login | xref | enabled\n{rows}")
    assert {one.employee_number for one in found.values()} == {f"E-{number}" for number in range(200, 206)}


def test_small_counts_are_not_taken_for_employee_numbers():
    rows = "\n".join(f"u{number} | zz{number} | {number} | yes" for number in range(1, 9))
    people = "\n".join(f"{number} | N{number} F{number} | terminated" for number in range(1, 9))
    found = judged(f"employee id | full name | status\n{people}", f"id | login | seat | enabled\n{rows}")
    assert all(one.employee_number is None for one in found.values())


@pytest.mark.parametrize("login", ["svc_backup", "design-bot", "noreply", "test03", "api.sync", "info", "admin"])
def test_a_machines_or_teams_login_is_not_personal(login):
    assert one(f"a | {login} | | | yes").verdict is Verdict.NOT_PERSONAL


def test_a_person_with_a_telling_surname_stays_a_person():
    people = f"{PEOPLE.strip()}\n106 | Ada | Tester | ada.tester@x.example | terminated | Legal"
    assert one("a | ada.tester | ada.tester@x.example | Ada Tester | yes", people).verdict is Verdict.STILL_IN


@pytest.mark.parametrize(
    ("heading", "value", "on"),
    [
        ("Suspended", "TRUE", False), ("Suspendido", "no", True), ("Gesperrt", "X", False), ("Bloqueado", "", True),
        ("Désactivé", "vrai", False), ("Active", "ja", True), ("Aktywny", "nie", False),
        ("Status", "Deprovisioned", False),
        ("Status", "Invited", True), ("Disabled at", "2026-01-01", False), ("Ingeschakeld", "waar", True),
    ],
)  # fmt: skip
def test_whether_an_account_can_be_used_is_read_from_inverted_and_foreign_columns(heading, value, on):
    rows = f"a | kowalski@x.example | {value}\nb | mj@x.example | {'no' if heading != 'Status' else 'active'}"
    if heading == "Disabled at":
        rows = rows.replace("| no", "|")
    found = judged(PEOPLE, f"id | email | {heading}\n{rows}")
    assert found["a"].enabled is on


def test_logins_of_initial_and_last_name_are_learnt_from_accounts_with_mails():
    people = "\n".join(f"{n} | Anna{c} | Sorte{c}{c} | {c}@x.example | active" for n, c in enumerate("bcdfghjklmnp"))
    leaver = "99 | Quentin | Vasquez | | terminated"
    accounts = "\n".join(f"{c} | asorte{c}{c} | {c}@x.example | yes" for c in "bcdfghjklmnp")
    found = judged(
        f"employee id | first name | last name | email | status\n{people}\n{leaver}",
        f"id | login | email | enabled\n{accounts}\nq | qvasquez | | yes",
    )
    assert (found["q"].verdict, found["q"].employee_number) == (Verdict.STILL_IN, "99")
    assert "12 of 12" in found["q"].why


def test_two_accounts_that_only_a_pattern_gives_one_person_stay_in_doubt():
    people = "\n".join(f"{n} | Anna{c} | Sorte{c}{c} | {c}@x.example | active" for n, c in enumerate("bcdfghjklmnp"))
    accounts = "\n".join(f"{c} | asorte{c}{c} | {c}@x.example | yes" for c in "bcdfghjklmnp")
    found = judged(
        f"employee id | first name | last name | email | status\n{people}\n99 | Quentin | Vasquez | | terminated",
        f"id | login | email | enabled\n{accounts}\nq | qvasquez | | yes\nr | q.vasquez | | yes",
    )
    assert {found["q"].verdict, found["r"].verdict} == {Verdict.AMBIGUOUS}


def test_an_alias_domain_is_learnt_from_the_local_parts():
    accounts = "\n".join(f"{n} | {m}@x-group.example" for n, m in enumerate(("noah.k", "kowalski", "mj", "dvdb")))
    found = judged(PEOPLE, f"id | email\n{accounts}\nz | stranger@x-group.example")
    assert (found["1"].employee_number, found["3"].verdict, found["z"].verdict) == (
        "101",
        Verdict.STILL_IN,
        Verdict.UNOWNED,
    )


def test_map_overrides_a_guess():
    accounts = "id | email | second\na | mj@x.example | kowalski@x.example"
    assert judged(PEOPLE, accounts)["a"].employee_number == "102"
    named = Naming(scope="app", field="mail", column="second")
    assert judged(PEOPLE, accounts, named)["a"].employee_number == "101"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"])
def test_no_cell_of_a_csv_file_is_a_formula(start):
    """UX T14; security T-35."""
    assert unharmful(f"{start}1+1").startswith("'")
    report = audit(table(PEOPLE), {"app": table(f"id | login\na | x{start}cmd")}, AT)
    cells = [cell for rows in csv_files(report).values() for row in rows for cell in row]
    assert not any(cell[:1] == start for cell in cells)


AGAIN = """
employee id | full name | email | status | start date | end date
1 | Ada Lo | ada@x.example | terminated | 2020-01-01 | 2024-01-31
9 | Ada Lo | ada@x.example | active | 2025-03-01 |
"""


def test_two_entries_of_one_name_and_mail_are_one_person_hired_again():
    found = judged(AGAIN, "id | email | last login\na | ada@x.example | 2026-11-20")["a"]
    assert (found.verdict, found.employee_number) == (Verdict.OK, "9")


def test_unless_the_account_was_last_used_before_the_later_entry_began():
    found = judged(AGAIN, "id | email | last login\na | ada@x.example | 2024-01-20")["a"]
    assert (found.verdict, found.employee_number) == (Verdict.AMBIGUOUS, None)


def test_birth_dates_tell_two_people_of_one_name_and_mail_apart():
    lines = AGAIN.strip().split("\n")
    people = "\n".join(
        f"{line} | {extra}" for line, extra in zip(lines, ("birth date", "1980-01-01", "1999-01-01"), strict=True)
    )
    assert judged(people, "id | email\na | ada@x.example")["a"].verdict is Verdict.AMBIGUOUS


def test_an_administrators_second_account_follows_its_owner():
    accounts = "id | login | email\na | robert.miller | robert.miller@x.example\nb | adm-robert.miller | "
    more = "\n".join(
        f"{n} | P{c} | Q{c} | p{c}.q{c}@x.example | active | Legal" for n, c in enumerate("abcdefghijkl", 200)
    )
    rows = "\n".join(f"{c} | p{c}.q{c} | p{c}.q{c}@x.example" for c in "cdefghijkl")
    found = judged(f"{PEOPLE.strip()}\n{more}", f"{accounts}\n{rows}")
    assert (found["b"].verdict, found["b"].employee_number) == (Verdict.STILL_IN, "105")
