"""One number for what decides access: the same policy has the same digest, however its file is arranged."""

from collections.abc import Iterable, Mapping

from lastday.configuration.settings import (
    AbsenceProfile,
    ApplicationSettings,
    Condition,
    LeaverProfileSettings,
    RoleSettings,
    SodSettings,
    SourceSettings,
)
from lastday.filters.text import write
from lastday.model.account import EntitlementRef
from lastday.model.canonical import JsonValue, digest
from lastday.model.ids import Digest


def policy_digest(
    *,
    sources: Iterable[SourceSettings],
    applications: Iterable[ApplicationSettings],
    roles: Iterable[RoleSettings],
    sod: Iterable[SodSettings],
    leavers: Iterable[LeaverProfileSettings],
    suspended: AbsenceProfile,
    released: AbsenceProfile,
) -> Digest:
    """SHA-256 over what decides access: no token, address, price, owner or brake.

    The order of the file counts where it decides: leaver profiles, match lines, name templates.
    """
    return digest(
        {
            "sources": {source.name: _source(source) for source in sources},
            "applications": {application.name: _application(application) for application in applications},
            "roles": {role.name: {"when": _condition(role.when), "give": _names(role.give)} for role in roles},
            "sod": sorted(_names(rule.both) for rule in sod),
            "leavers": [[p.name, _condition(p.when), p.limit.total_seconds()] for p in leavers],
            "suspended": _absence(suspended),
            "released": _absence(released),
        }
    )


def _source(source: SourceSettings) -> Mapping[str, JsonValue]:
    status = source.status
    return {
        "kind": source.kind,
        "key": source.key,
        "person_key": source.person_key,
        "date_format": source.date_format,
        "end_of_day": source.end_of_day.isoformat(),
        "absent_after": [source.absent_after.files, source.absent_after.hours],
        "columns": dict(source.columns),
        "status": None if status is None else [status.column, {k: v.value for k, v in status.values.items()}],
    }


def _application(application: ApplicationSettings) -> Mapping[str, JsonValue]:
    return {
        "connector": application.connector,
        "match": [[m.strength.value, m.account_attribute, m.identity_attribute] for m in application.match],
        "create": {attribute: list(templates) for attribute, templates in application.create.items()},
        "attributes": dict(application.attributes),
        "mode": application.mode.value,
        "protect": sorted(write(condition.filter) for condition in application.protect),
        "admins": sorted(set(application.admins)),
        "privileged": sorted(set(application.privileged)),
        "manage": _condition(application.manage),
        "keep_for": None if application.keep_for is None else application.keep_for.total_seconds(),
        "successor": application.successor,
    }


def _absence(profile: AbsenceProfile) -> Mapping[str, JsonValue]:
    return {"keep_all": profile.keep_all, "keep": _names(profile.keep)}


def _condition(condition: Condition | None) -> str | None:
    """The filter as a tree writes it: blanks and needless brackets do not count."""
    return None if condition is None else write(condition.filter)


def _names(references: Iterable[EntitlementRef]) -> list[str]:
    return sorted({str(reference) for reference in references})
