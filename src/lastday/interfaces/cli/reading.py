"""How the command line reads what is typed, and calls what it shows: moments, people, pairs."""

from collections.abc import Sequence
from datetime import UTC, datetime

from lastday.model.attributes import Attributes
from lastday.model.errors import InputError
from lastday.model.identity import Identity

_MOMENT = "Write date, time and zone: 2026-11-24T17:00:00+01:00."


def moment(text: str, option: str) -> datetime:
    """The instant that `text` writes. Raises InputError where it is none, or has no zone."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as err:
        raise InputError(f"{option} {text!r} is no moment", code="I107", mend=_MOMENT) from err
    if instant.tzinfo is None:
        raise InputError(f"{option} {text!r} does not say in which zone", code="I107", mend=_MOMENT)
    return instant.astimezone(UTC)


def pairs(texts: Sequence[str], option: str) -> Attributes:
    """Attributes from `name=value`. Raises InputError."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InputError(f"{option} {text!r} is not name=value", code="I108", mend='For example: title="Clerk".')
        found[name.strip()] = value.strip()
    return Attributes.of(found)


def label(person: Identity | None, now: datetime) -> str:
    """How a person is called on a screen: name and number."""
    if person is None or not person.engagements:
        return "nobody known"
    attributes = person.leading_engagement(now).attributes
    name = attributes.text("displayName") or attributes.text("userName") or person.id
    return f"{name} {person.employee_number or ''}".strip()
