"""The settings of one directory: where it is, and where people and groups stand in it."""

from dataclasses import dataclass

from lastday.connectors.ldap import names
from lastday.connectors.ldap.line import Address
from lastday.connectors.sdk.ports import ConnectorSettings
from lastday.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Where things stand in the directory."""

    base: str
    people: str
    groups: str
    proof: str
    """The attribute that says whose account an entry is."""


def required(settings: ConnectorSettings, key: str) -> str:
    """The value of `key`. Raises ConfigurationError where there is none."""
    value = settings.text(key)
    if not value:
        raise ConfigurationError(f"app {settings.application} needs {key}", where=f"[app.{settings.application}]")
    return value


def address_in(settings: ConnectorSettings) -> Address:
    """Where the directory is. Raises ConfigurationError where the line would be open."""
    return Address.of(
        required(settings, "url"),
        starttls=settings.values.get("starttls") is True,
        ca_file=settings.text("ca_file"),
    )


def tree_in(settings: ConnectorSettings) -> Tree:
    """Where things stand in it. Raises ConfigurationError."""
    base = required(settings, "base_dn")
    people, found = settings.text("people"), settings.text("groups")
    return Tree(
        base=base,
        people=_under(people, base),
        groups=_under(found, base),
        proof=settings.text("proof") or "employeeNumber",
    )


def _under(relative: str | None, base: str) -> str:
    """`relative` below the base; a name that is whole already stays."""
    if not relative:
        return base
    return relative if names.lies_under(relative, base) else names.child(relative, base)
