"""The example company loads, and each value is what its file says."""

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest

from lastday.configuration.load import load_configuration
from lastday.configuration.settings import (
    AbsenceProfile,
    AbsenceRule,
    BrakeSettings,
    MatchLine,
    MatchStrength,
    Mode,
    Seat,
    SecretReference,
)
from lastday.filters.ast import Compare, CompareOperator
from lastday.model.account import EntitlementRef
from lastday.model.attributes import Attributes
from lastday.model.identity import EngagementStatus
from lastday.model.ids import ApplicationName, RoleName, SourceName
from tests.unit.configuration.known_connectors import CONNECTORS, DATA

FILE = DATA / "northwind.toml"


@pytest.fixture(scope="module")
def northwind():
    return load_configuration(FILE, CONNECTORS)


def refs(*texts):
    return tuple(map(EntitlementRef.parse, texts))


def test_the_company_and_its_text_are_kept(northwind):
    """Evidence keeps the file as it was read."""
    assert (northwind.company.name, northwind.company.time_zone.key) == ("Northwind Robotics", "Europe/Berlin")
    assert northwind.text == FILE.read_text()
    assert northwind.path == FILE


def test_the_source_is_read_whole(northwind):
    source = northwind.sources[SourceName("hr")]
    assert (source.kind, source.path, source.key, source.person_key) == (
        "csv",
        DATA / "people.csv",
        "employee_id",
        "person_key",
    )
    assert (source.date_format, source.end_of_day) == ("YYYY-MM-DD", time(17))
    assert source.absent_after == AbsenceRule(files=2, hours=12)
    assert len(source.columns) == 19
    assert source.columns["name.givenName"] == "given_name"
    assert source.columns["endsAt"] == "last_working_moment"
    assert "status" not in source.columns
    assert source.status is not None
    assert source.status.column == "status"
    assert source.status.values == {
        "active": EngagementStatus.ACTIVE,
        "on_leave": EngagementStatus.SUSPENDED,
        "terminated": EngagementStatus.ENDED,
    }
    assert str(source.position) == f"{FILE}:7:9"


def test_the_people_who_decide_have_roles_and_a_reference_to_a_token(northwind):
    dana, tom = northwind.users["dana"], northwind.users["tom"]
    assert (dana.full_name, dana.roles, dana.token) == (
        "Dana Wolff",
        {"admin", "approver"},
        SecretReference(env="DANA_TOKEN"),
    )
    assert tom.roles == {"approver", "auditor"}


def test_the_directory_is_read_whole(northwind):
    directory = northwind.applications["directory"]
    assert directory.connector == "ldap"
    assert directory.connection == {
        "url": "ldap://127.0.0.1:1389",
        "bind_dn": "cn=lastday,dc=northwind,dc=example",
        "password": SecretReference(env="LDAP_PASSWORD"),
        "base_dn": "dc=northwind,dc=example",
        "people": "ou=people",
        "groups": "ou=groups",
    }
    assert directory.match == (
        MatchLine(
            account_attribute="employeeNumber", identity_attribute="employeeNumber", strength=MatchStrength.PROOF
        ),
        MatchLine(account_attribute="mail", identity_attribute="emails.value", strength=MatchStrength.HINT),
    )
    plain = "{name.givenName:ascii}.{name.familyName:ascii}"
    assert directory.create == {"uid": (plain, plain + "{n}")}
    assert directory.attributes["departmentNumber"] == "costCenter"
    assert (directory.owner, directory.mode) == ("group:it", Mode.ENFORCE)
    assert [condition.text for condition in directory.protect] == ['uid sw "breakglass"', 'uid eq "lastday"']
    assert isinstance(directory.protect[0].filter, Compare)
    assert directory.protect[0].filter.operator is CompareOperator.SW
    assert directory.admins == ("group/directory-admins",)
    assert directory.privileged == ("group/directory-admins", "group/payroll")


def test_the_other_applications_have_their_times_prices_and_connections(northwind):
    chat, ledger, design = (northwind.applications[name] for name in ("chat", "ledger", "design"))
    assert (chat.settle, chat.keep_for) == (timedelta(seconds=5), timedelta(days=30))
    assert chat.seat == Seat(price="12.50", currency="EUR")
    assert ledger.connection == {"dsn": SecretReference(env="LEDGER_DSN")}
    assert ledger.successor == "ledger_owner"
    assert (design.mode, design.deadline) == (Mode.PROPOSE, timedelta(hours=4))
    assert design.connection["path"] == str(DATA / "accounts-design.csv")
    columns = design.connection["columns"]
    assert isinstance(columns, dict)
    assert columns["active"] == {"column": "enabled", "true": ["yes"]}


def test_an_application_only_observes_unless_told(tmp_path):
    """Design section 6: the default mode takes nothing away."""
    text = FILE.read_text().replace('mode      = "propose"\n', "")
    assert load(tmp_path, text).applications[ApplicationName("design")].mode is Mode.OBSERVE


def test_roles_know_whether_they_name_the_lifecycle(northwind):
    """Lifecycle active is implied unless the condition names lifecycle."""
    assert {name: role.names_lifecycle for name, role in northwind.roles.items()} == {
        "everyone": True,
        "engineer": False,
        "accountant": False,
        "payroll": False,
    }
    assert northwind.roles["engineer"].give == refs("directory:group/engineering", "directory:group/vpn")
    assert northwind.sod[0].both == refs("ledger:role/ledger_rw", "ledger:role/payroll_rw")


def test_a_lifecycle_inside_engagements_does_not_name_the_persons(tmp_path):
    """A role for people with an ended job is still only for people who are here."""
    text = FILE.read_text().replace("""'lifecycle eq "active"'""", """'engagements[lifecycle eq "ended"]'""")
    assert not load(tmp_path, text).roles[RoleName("everyone")].names_lifecycle


def test_leaving_and_leave_are_as_written(northwind):
    urgent, standard = northwind.leavers
    assert (urgent.name, urgent.limit, urgent.when.text) == ("urgent", timedelta(minutes=2), 'endReason eq "for cause"')
    assert (standard.name, standard.limit, standard.when) == ("standard", timedelta(minutes=15), None)
    assert northwind.suspended == AbsenceProfile(keep_all=True)
    assert northwind.released == AbsenceProfile(keep_all=False, keep=refs("directory:account"))


def test_brakes_and_tests_are_as_written(northwind):
    assert northwind.brakes == BrakeSettings()
    (test,) = northwind.tests
    assert test.person == Attributes.of({"lifecycle": "active", "department": "Engineering", "userType": "contractor"})
    assert (test.has, test.has_not) == (refs("directory:account"), refs("directory:group/engineering"))


def test_zero_is_a_brake_setting_and_means_nothing_passes(tmp_path):
    """Design section 7; a limit is never judged by its truth value."""
    text = FILE.read_text().replace("surprise_leavers_floor = 3", "surprise_leavers_floor = 0\nremovals_percent = 0")
    assert load(tmp_path, text).brakes == replace(BrakeSettings(), surprise_leavers_floor=0, removals_percent=0)


def test_a_file_with_a_byte_order_mark_and_dos_lines_is_the_same(tmp_path):
    file = tmp_path / "dos.toml"
    file.write_bytes(b"\xef\xbb\xbf" + FILE.read_bytes().replace(b"\n", b"\r\n"))
    configuration = load_configuration(file, CONNECTORS)
    assert configuration.policy_digest == load_configuration(FILE, CONNECTORS).policy_digest
    assert str(configuration.sources[SourceName("hr")].position) == f"{file}:7:9"


def load(folder: Path, text: str):
    file = folder / "lastday.toml"
    file.write_text(text)
    return load_configuration(file, CONNECTORS)


def digest_after(folder, *changes):
    text = FILE.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return load(folder, text).policy_digest


def section(text, heading):
    """From `heading` to the next blank line."""
    start = text.index(heading)
    return text[start : text.index("\n\n", start) + 2]


@pytest.mark.parametrize(
    "change",
    [
        ('department eq "People"', 'department eq "Persons"'),
        ('"directory:group/vpn"]', '"directory:group/vpn2"]'),
        ('limit = "2m"', 'limit = "3m"'),
        ('keep_for  = "30d"', 'keep_for  = "31d"'),
        ('mode      = "propose"', 'mode      = "enforce"'),
        ("'uid sw \"breakglass\"', ", ""),
        ('"externalId = employeeNumber"', '"id = employeeNumber"'),
        ('keep = ["directory:account"]', 'keep = ["chat:account"]'),
        ('["{userName}", ', "["),
        ('end_of_day   = "17:00"', 'end_of_day   = "18:00"'),
        ('both = ["ledger:role/ledger_rw"', 'both = ["ledger:role/ledger_ro"'),
    ],
)
def test_what_decides_access_changes_the_digest(tmp_path, northwind, change):
    """A new version of the policy is a new batch."""
    assert digest_after(tmp_path, change) != northwind.policy_digest


@pytest.mark.parametrize(
    "change",
    [
        ("DANA_TOKEN", "OTHER_TOKEN"),
        ("127.0.0.1:8801", "127.0.0.1:8802"),
        ("surprise_leavers_floor = 3", "surprise_leavers_floor = 2"),
        ("price = 12.50", "price = 13"),
        ("# ---------- people", "# people"),
        ('department eq "People" and title', '(department  EQ "People") and  title'),
        (
            '["directory:group/engineering", "directory:group/vpn"]',
            '["directory:group/vpn", "directory:group/engineering"]',
        ),
    ],
)
def test_what_does_not_decide_access_leaves_the_digest(tmp_path, northwind, change):
    assert digest_after(tmp_path, change) == northwind.policy_digest


def test_the_order_of_roles_leaves_the_digest_and_the_order_of_leaver_profiles_changes_it(tmp_path, northwind):
    """First match in file order: that is policy. Roles are united: their order is not."""
    text = FILE.read_text()
    role, leaver = section(text, "[role.engineer]"), section(text, "[leaver.urgent]")
    assert load(tmp_path, text.replace(role, "") + "\n" + role).policy_digest == northwind.policy_digest
    assert load(tmp_path, text.replace(leaver, "") + "\n" + leaver).policy_digest != northwind.policy_digest
