"""What must not change an answer, and what no file may bring about."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.inventory.audit.fields import AccountField, PersonField, synonyms
from lastday.inventory.audit.report import as_json
from lastday.inventory.audit.run import audit
from lastday.inventory.audit.table import Table
from tests.unit.audit.files import AT, DATA, from_disk, table

PLACE = DATA / "audit"
PEOPLE = from_disk(PLACE / "workday" / "people.csv")
ACCOUNTS = from_disk(PLACE / "workday" / "accounts.csv")
PERSON_HEADINGS = {
    "Employee ID": PersonField.NUMBER, "Legal First Name": PersonField.GIVEN, "Legal Last Name": PersonField.FAMILY,
    "Hire Date": PersonField.START, "Termination Date": PersonField.END, "Worker Status": PersonField.STATUS,
    "Primary Work Email": PersonField.MAIL, "Business Title": PersonField.JOB,
}  # fmt: skip
ACCOUNT_HEADINGS = {
    "User Name": AccountField.LOGIN, "Email": AccountField.MAIL, "Active": AccountField.ENABLED,
    "Title": AccountField.JOB,
    "Last Login": AccountField.USED, "Created": AccountField.CREATED, "License": AccountField.PLAN,
}  # fmt: skip


def answers(people, accounts):
    return as_json(audit(people, {"app": accounts}, AT))["accounts"]


EXPECTED = answers(PEOPLE, ACCOUNTS)


def shuffled(one, columns, rows):
    return Table(name=one.name, columns=tuple(columns), rows=tuple(rows))


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_changes_nothing(chance):
    tables = []
    for one in (PEOPLE, ACCOUNTS):
        columns, rows = list(one.columns), list(one.rows)
        chance.shuffle(columns)
        chance.shuffle(rows)
        tables.append(shuffled(one, columns, rows))
    assert answers(*tables) == EXPECTED


def renamed(one, names):
    columns = tuple(names.get(column, column) for column in one.columns)
    rows = tuple({names.get(column, column): cell for column, cell in row.items()} for row in one.rows)
    return Table(name=one.name, columns=columns, rows=rows)


def own_synonyms(field):
    """Headings that mean this field and no other of its kind of file."""
    others = set().union(*(synonyms(other) for other in type(field) if other is not field))
    return sorted(synonyms(field) - others)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_another_known_heading_changes_nothing(data):
    people, accounts = (
        {column: data.draw(st.sampled_from(own_synonyms(field))) for column, field in headings.items()}
        for headings in (PERSON_HEADINGS, ACCOUNT_HEADINGS)
    )
    assert answers(renamed(PEOPLE, people), renamed(ACCOUNTS, accounts)) == EXPECTED


NAMES = st.sampled_from(["Ana Sol", "Ana Sol", "Bo Lim", "Ana Maria Sol", "Anna Sol", "B. Lim"])
LOGINS = st.sampled_from(["asol", "ana.sol", "blim", "sol", "ana", "asol2", "bo.lim"])


@settings(max_examples=200, deadline=None)
@given(
    people=st.lists(NAMES, min_size=1, max_size=6),
    accounts=st.lists(st.tuples(LOGINS, st.sampled_from(["", *("Ana Sol", "Bo Lim")])), min_size=1, max_size=8),
    padding=st.integers(0, 12),
)
def test_no_account_is_given_to_one_of_two_people_who_fit_equally(people, accounts, padding):
    """Every person stands in the file twice, under two numbers, with nothing to tell the two apart."""
    rows = [f"{side}{at} | {name} | terminated" for at, name in enumerate(people) for side in (1, 2)]
    rows += [f"9{at} | Pad{chr(97 + at)} Zet{chr(97 + at)} | active" for at in range(padding)]
    cells = [f"i{at} | {login} | {shown} | yes" for at, (login, shown) in enumerate(accounts)]
    cells += [f"p{at} | pzet{chr(97 + at)} | | yes" for at in range(padding)]
    report = audit(
        table("employee id | full name | status\n" + "\n".join(rows)),
        {"app": table("id | login | name | enabled\n" + "\n".join(cells))},
        AT,
    )
    assert all(one.employee_number is None for one in report.accounts if one.native_id.startswith("i"))
