"""`[company]`, `[source.*]` and `[user.*]`: who we are, where people come from, who decides."""

from datetime import time
from enum import StrEnum
from zoneinfo import ZoneInfo, available_timezones

from lastday.configuration.problems import nearest
from lastday.configuration.pushed_source import (
    KEY,
    known_paths,
    read_extensions,
    read_path,
    read_pushed_map,
    read_status_values,
)
from lastday.configuration.settings import (
    AbsenceRule,
    CompanySettings,
    SecretReference,
    SourceSettings,
    StatusMapping,
    UserSettings,
)
from lastday.configuration.table import Table
from lastday.configuration.values import date_format_of, time_of_day, time_zone_of
from lastday.model.ids import SourceName, UserName

_DAY_ENDS = time(23, 59, 59)
_NO_SECRET = SecretReference(env="")


class SourceKind(StrEnum):
    CSV = "csv"
    SCIM = "scim"


class UserRole(StrEnum):
    """What a person who decides here may do; the set is closed."""

    ADMIN = "admin"
    OPERATOR = "operator"
    APPROVER = "approver"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    HR = "hr"
    LEGAL = "legal"


def read_company(root: Table) -> CompanySettings:
    """`[company]`; mistakes are noted."""
    table = root.table("company", required=True)
    if table is None:
        return CompanySettings(name="", time_zone=ZoneInfo("UTC"))
    name = table.text("name", required=True)
    zone = table.parsed("time_zone", time_zone_of, like='"Europe/Berlin"', required=True, known=available_timezones)
    table.close()
    return CompanySettings(name=name or "", time_zone=zone or ZoneInfo("UTC"))


def read_source(table: Table) -> SourceSettings:
    """One `[source.NAME]`; mistakes are noted."""
    kind = table.choice("kind", SourceKind, required=True)
    is_pushed = kind is SourceKind.SCIM or (kind is None and "path" not in table)
    settings = _read_pushed(table) if is_pushed else _read_delivered(table)
    table.close()
    return settings


def _read_delivered(table: Table) -> SourceSettings:
    """A source whose file somebody delivers."""
    path = table.text("path", required=True)
    columns, status = _read_map(table)
    return SourceSettings(
        name=SourceName(table.name),
        kind=SourceKind.CSV,
        path=table.document.path.parent / (path or ""),
        key=table.text("key", required=True) or "",
        person_key=table.text("person_key"),
        date_format=table.parsed("date", date_format_of, like='"YYYY-MM-DD", "DD.MM.YYYY"') or "YYYY-MM-DD",
        end_of_day=_read_end_of_day(table),
        absent_after=_read_absence(table),
        columns=columns,
        status=status,
        position=table.place.position,
    )


def _read_pushed(table: Table) -> SourceSettings:
    """A source whose people clients push by SCIM: whatever it does not say has a default."""
    extensions = read_extensions(table)
    known = known_paths(extensions)
    columns, status = read_pushed_map(table, known)
    return SourceSettings(
        name=SourceName(table.name),
        kind=SourceKind.SCIM,
        path=None,
        key=read_path(table, "key", known) or KEY,
        person_key=read_path(table, "person_key", known),
        date_format="YYYY-MM-DD",
        end_of_day=_read_end_of_day(table),
        absent_after=AbsenceRule(),
        columns=columns,
        status=status,
        position=table.place.position,
        extensions=extensions,
    )


def _read_end_of_day(table: Table) -> time:
    return table.parsed("end_of_day", time_of_day, like='"17:00"') or _DAY_ENDS


def _read_absence(source: Table) -> AbsenceRule:
    table = source.table("absent_after")
    if table is None:
        return AbsenceRule()
    files, hours = table.integer("files"), table.integer("hours")
    table.close()
    rule = AbsenceRule()
    if files is not None and files < 1:
        table.wrong("files", "one file at least must lack somebody before they are gone")
    if hours is not None and hours < 0:
        table.wrong("hours", "hours cannot be negative")
    return AbsenceRule(files=rule.files if files is None else files, hours=rule.hours if hours is None else hours)


def _read_map(source: Table) -> tuple[dict[str, str], StatusMapping | None]:
    table = source.table("map", required=True)
    if table is None:
        return {}, None
    columns: dict[str, str] = {}
    for attribute in table.keys:
        if attribute == "status":
            continue
        twin = next((other for other in columns if other.lower() == attribute.lower()), None)
        if twin is not None:
            table.wrong(attribute, f"{attribute} is {twin} again: names compare without case", code="P117")
        columns[attribute] = table.text(attribute) or ""
    status = table.table("status")
    return columns, None if status is None else _read_status(status)


def _read_status(table: Table) -> StatusMapping:
    column = table.text("column", required=True)
    return StatusMapping(column=column or "", values=read_status_values(table))


def read_user(table: Table) -> UserSettings:
    """One `[user.NAME]`; mistakes are noted."""
    full_name = table.text("name", required=True)
    roles = table.texts("roles", required=True)
    for path, role in roles:
        if role not in list(UserRole):
            known = ", ".join(UserRole)
            place = table.document.value_place(path)
            table.problems.add(
                f"no role called {role}", place, "P107", suggestion=nearest(role, UserRole), mend=f"One of: {known}."
            )
    token = table.secret("token", required=True)
    table.close()
    return UserSettings(
        name=UserName(table.name),
        full_name=full_name or "",
        roles=frozenset(role for _, role in roles),
        token=token or _NO_SECRET,
        position=table.place.position,
    )
