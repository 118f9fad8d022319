"""The configuration of the simulated company: two applications, four roles, two versions of the policy."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lastday.configuration.settings import (
    AbsenceProfile,
    ApplicationSettings,
    BrakeSettings,
    CompanySettings,
    Condition,
    Configuration,
    LeaverProfileSettings,
    MatchLine,
    MatchStrength,
    Mode,
    Position,
    RoleSettings,
)
from lastday.execution.machine import Terms
from lastday.filters.parser import parse
from lastday.filters.text import paths
from lastday.model.account import EntitlementRef
from lastday.model.ids import ApplicationName, Digest, RoleName, SourceName
from lastday.planning.profile import CREATES, DELETES, DISABLES, ENDS_SESSIONS, GIVES, REVOKES, UPDATES
from lastday.policy.compiled import CompiledPolicy, compile_policy

HR = SourceName("hr")
DIRECTORY = ApplicationName("directory")
CHAT = ApplicationName("chat")
APPLICATIONS = (CHAT, DIRECTORY)
ADMINS = "group/admins"
PAYROLL = "group/payroll"
CHESS = "group/chess"
"""Nothing gives it: people hand it out in the application itself."""
ROOT = "root"
"""The user name that `protect` names."""

SETTLE = timedelta(seconds=330)
LONGEST_LATE = timedelta(seconds=150)
LONGEST_PAUSE = timedelta(seconds=150)
LONGEST_LAG = timedelta(seconds=20)
"""A request lives at most LONGEST_PAUSE + LONGEST_LATE after its intent; with the lag that is less than SETTLE."""
KEEP = timedelta(days=30)

CAPABILITIES: Mapping[ApplicationName, frozenset[str]] = {
    DIRECTORY: frozenset({CREATES, UPDATES, DISABLES, GIVES, REVOKES, ENDS_SESSIONS}),
    CHAT: frozenset({CREATES, DISABLES, GIVES, REVOKES, DELETES}),
}
_EVERYBODY = "directory:account chat:account directory:group/staff"
_ROLES: tuple[Mapping[str, tuple[str, str]], ...] = (
    {
        "everyone": ('lifecycle eq "active"', _EVERYBODY),
        "finance": ('department eq "Finance"', "directory:group/finance directory:group/payroll"),
        "it": ('department eq "IT"', "directory:group/admins chat:role/ops"),
        "sales": ('department eq "Sales"', "chat:role/sales"),
    },
    {
        "everyone": ('lifecycle eq "active"', _EVERYBODY),
        "finance": ('department eq "Finance"', "directory:group/finance"),
        "it": ('department eq "IT"', "directory:group/admins chat:role/ops"),
        "sales": ('department eq "Sales"', "chat:role/sales directory:group/vpn"),
    },
)
DEPARTMENTS = ("Finance", "IT", "Sales")
SHOULD_HOLD: tuple[Mapping[str, frozenset[str]], ...] = (
    {
        "Finance": frozenset({"directory:group/staff", "directory:group/finance", "directory:group/payroll"}),
        "IT": frozenset({"directory:group/staff", "directory:group/admins", "chat:role/ops"}),
        "Sales": frozenset({"directory:group/staff", "chat:role/sales"}),
    },
    {
        "Finance": frozenset({"directory:group/staff", "directory:group/finance"}),
        "IT": frozenset({"directory:group/staff", "directory:group/admins", "chat:role/ops"}),
        "Sales": frozenset({"directory:group/staff", "chat:role/sales", "directory:group/vpn"}),
    },
)
"""What the versions of the policy mean, written down apart from them: the yardstick of the invariants."""

_HERE = Position(Path("simulation.toml"), 1, 1)
_NAMES = ("{name.givenName:ascii}.{name.familyName:ascii}", "{name.givenName:ascii}.{name.familyName:ascii}{n}")
_NUMBER = MatchLine(
    account_attribute="employeeNumber", identity_attribute="employeeNumber", strength=MatchStrength.PROOF
)
_MAIL = MatchLine(account_attribute="mail", identity_attribute="emails.value", strength=MatchStrength.HINT)


def terms_of(application: ApplicationName) -> Terms:  # noqa: ARG001 - every simulated application has the same
    return Terms(settle=SETTLE)


def configuration(version: int) -> Configuration:
    """The company's configuration under version 0 or 1 of its policy."""
    roles = {RoleName(name): _role(name, when, give) for name, (when, give) in _ROLES[version].items()}
    default = LeaverProfileSettings(name="standard", when=None, limit=timedelta(minutes=15), position=_HERE)
    return Configuration(
        company=CompanySettings(name="Northwind", time_zone=ZoneInfo("UTC")),
        sources={},
        users={},
        applications={CHAT: _chat(), DIRECTORY: _directory()},
        roles=roles,
        sod=(),
        leavers=(default,),
        suspended=AbsenceProfile(keep_all=True),
        released=AbsenceProfile(keep_all=False),
        brakes=BrakeSettings(),
        tests=(),
        policy_digest=Digest(str(version) * 64),
        text="",
        path=Path("simulation.toml"),
    )


def _role(name: str, when: str, give: str) -> RoleSettings:
    condition = _condition(when)
    named = any(path.attribute.lower() == "lifecycle" for path in paths(condition.filter))
    refs = tuple(map(EntitlementRef.parse, give.split()))
    return RoleSettings(name=RoleName(name), when=condition, names_lifecycle=named, give=refs, position=_HERE)


def _condition(text: str) -> Condition:
    return Condition(text=text, filter=parse(text, allow_now=True), position=_HERE)


def _chat() -> ApplicationSettings:
    return ApplicationSettings(
        name=CHAT,
        connector="simulated",
        connection={},
        match=(_NUMBER,),
        create={"userName": _NAMES},
        attributes={},
        owner="it@northwind.example",
        mode=Mode.ENFORCE,
        protect=(),
        admins=(),
        privileged=(),
        manage=None,
        settle=SETTLE,
        keep_for=KEEP,
        deadline=None,
        successor=None,
        seat=None,
        position=_HERE,
    )


def _directory() -> ApplicationSettings:
    return replace(
        _chat(),
        name=DIRECTORY,
        match=(_NUMBER, _MAIL),
        attributes={"mail": "emails.value"},
        protect=(_condition(f'userName eq "{ROOT}"'),),
        admins=(ADMINS,),
        privileged=(PAYROLL,),
        keep_for=None,
    )


CONFIGURATIONS = (configuration(0), configuration(1))
POLICIES: tuple[CompiledPolicy, ...] = tuple(map(compile_policy, CONFIGURATIONS))
