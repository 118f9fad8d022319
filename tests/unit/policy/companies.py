"""Small companies for tests of the policy: a configuration and people from few words."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lastday.configuration.settings import (
    AbsenceProfile,
    ApplicationSettings,
    BrakeSettings,
    CompanySettings,
    Condition,
    Configuration,
    LeaverProfileSettings,
    Mode,
    PolicyTest,
    Position,
    RoleSettings,
    SodSettings,
)
from lastday.filters.parser import parse
from lastday.filters.text import paths
from lastday.model.access import DesiredAccess, DesiredAccount
from lastday.model.account import EntitlementRef
from lastday.model.attributes import Attributes
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind
from lastday.model.ids import ApplicationName, Digest, EngagementId, IdentityId, RoleName, SourceName

NOW = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
FILE = Path("lastday.toml")

ROLES: Mapping[str, tuple[str, str]] = {
    "everyone": ('lifecycle eq "active"', "directory:account chat:account directory:group/all-staff"),
    "engineer": (
        'department eq "Engineering" and not (userType eq "contractor")',
        "directory:group/engineering directory:group/vpn",
    ),
    "accountant": (
        'department eq "Finance" and title co "Accountant"',
        "directory:group/finance ledger:role/ledger_rw",
    ),
    "payroll": ('department eq "People" and title co "Payroll"', "directory:group/payroll ledger:role/payroll_rw"),
    "traveller": ('location ne "Berlin"', "directory:group/vpn"),
}
LEAVERS: tuple[tuple[str, str | None, int], ...] = (("urgent", 'endReason eq "for cause"', 2), ("standard", None, 15))


# Any, because the same words are given to `engagement` beside its instants.
FINANCE: dict[str, Any] = {"department": "Finance", "title": "Senior accountant", "location": "Berlin"}
PAYROLL: dict[str, Any] = {"department": "People", "title": "Payroll Lead", "location": "Berlin"}
ENGINEER: dict[str, Any] = {"department": "Engineering", "location": "Berlin"}


def at(line: int) -> Position:
    return Position(FILE, line, 1)


def ref(text: str) -> EntitlementRef:
    return EntitlementRef.parse(text)


def refs(text: str) -> tuple[EntitlementRef, ...]:
    return tuple(map(ref, text.split()))


def condition(text: str, line: int = 1) -> Condition:
    return Condition(text=text, filter=parse(text, allow_now=True), position=at(line))


def role(name: str, when: str, give: str, line: int = 1) -> RoleSettings:
    read = condition(when, line)
    named = any(path.attribute.lower() == "lifecycle" for path in paths(read.filter))
    return RoleSettings(name=RoleName(name), when=read, names_lifecycle=named, give=refs(give), position=at(line))


def application(name: str, attributes: Mapping[str, str] | None = None) -> ApplicationSettings:
    return ApplicationSettings(
        name=ApplicationName(name),
        connector="csv",
        connection={},
        match=(),
        create={},
        attributes=attributes or {},
        owner=None,
        mode=Mode.ENFORCE,
        protect=(),
        admins=(),
        privileged=(),
        manage=None,
        settle=None,
        keep_for=None,
        deadline=None,
        successor=None,
        seat=None,
        position=at(1),
    )


def trial(person: Mapping[str, str], has: str = "", has_not: str = "", line: int = 1) -> PolicyTest:
    return PolicyTest(person=Attributes.of(person), has=refs(has), has_not=refs(has_not), position=at(line))


def configuration(
    roles: Mapping[str, tuple[str, str]] = ROLES,
    *,
    leavers: Iterable[tuple[str, str | None, int]] = LEAVERS,
    sod: tuple[SodSettings, ...] | None = None,
    suspended: AbsenceProfile | None = None,
    released: AbsenceProfile | None = None,
    tests: tuple[PolicyTest, ...] = (),
) -> Configuration:
    """Four applications, the roles of the example company, and a rule that keeps paying and booking apart."""
    mapped = {"displayName": "displayName", "mail": "emails.value", "departmentNumber": "costCenter"}
    applications = [application("directory", mapped), *map(application, ("chat", "ledger", "design"))]
    pay_and_book = SodSettings(
        name="pay-and-book",
        both=(ref("ledger:role/ledger_rw"), ref("ledger:role/payroll_rw")),
        why="One person must not both book and pay.",
        position=at(90),
    )
    return Configuration(
        company=CompanySettings(name="Northwind", time_zone=ZoneInfo("Europe/Berlin")),
        sources={},
        users={},
        applications={settings.name: settings for settings in applications},
        roles={RoleName(n): role(n, when, give, line) for line, (n, (when, give)) in enumerate(roles.items(), 10)},
        sod=(pay_and_book,) if sod is None else sod,
        leavers=tuple(
            LeaverProfileSettings(
                name=name,
                when=None if when is None else condition(when, line),
                limit=timedelta(minutes=minutes),
                position=at(line),
            )
            for line, (name, when, minutes) in enumerate(leavers, 60)
        ),
        suspended=suspended or AbsenceProfile(keep_all=True),
        released=released or AbsenceProfile(keep_all=False, keep=refs("directory:account")),
        brakes=BrakeSettings(),
        tests=tests,
        policy_digest=Digest("0" * 64),
        text="",
        path=FILE,
    )


def engagement(
    key: str = "E1",
    *,
    start: datetime | None = NOW - 1000 * DAY,
    end: datetime | None = None,
    status: EngagementStatus = EngagementStatus.ACTIVE,
    person: str = "i-1",
    **attributes: str | tuple[str, ...],
) -> Engagement:
    """An engagement; `name__givenName` stands for `name.givenName`."""
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return Engagement(
        id=EngagementId(f"e-{key}"),
        identity=IdentityId(person),
        source=SourceName("hr"),
        key=key,
        attributes=Attributes.of({"employeeNumber": key, **named}),
        status=status,
        starts_at=start,
        ends_at=end,
    )


def identity(*engagements: Engagement, person: str = "i-1") -> Identity:
    return Identity(id=IdentityId(person), kind=IdentityKind.EMPLOYEE, person_key=None, engagements=engagements)


def held(access: DesiredAccess) -> set[str]:
    return {str(given.entitlement) for account in access.accounts for given in account.assignments}


def account_of(access: DesiredAccess, name: str) -> DesiredAccount:
    account = access.of(ApplicationName(name))
    assert account is not None
    return account
