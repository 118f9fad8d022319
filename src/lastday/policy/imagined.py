"""People who do not exist, or are not so: for the tests of a policy and for `what if`."""

from dataclasses import replace
from datetime import datetime, timedelta

from lastday.filters.literals import instant_of
from lastday.model.attributes import Attributes
from lastday.model.errors import InputError
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import EngagementId, IdentityId, SourceName

_STATUS = {
    Lifecycle.ACTIVE: EngagementStatus.ACTIVE,
    Lifecycle.SUSPENDED: EngagementStatus.SUSPENDED,
    Lifecycle.RELEASED: EngagementStatus.RELEASED,
}
_SOON = timedelta(seconds=1)


def imagined_person(attributes: Attributes, now: datetime) -> Identity:
    """A person with one engagement and these attributes; active, unless `lifecycle`, `startsAt` or `endsAt` differ.

    Raises InputError where one of these three cannot be read.
    """
    person = IdentityId("imagined")
    plain = Engagement(
        id=EngagementId("imagined"),
        identity=person,
        source=SourceName("imagined"),
        key="imagined",
        attributes=attributes,
        status=EngagementStatus.ACTIVE,
        starts_at=None,
        ends_at=None,
    )
    engagement = with_attributes(plain, attributes, now)
    return Identity(id=person, kind=IdentityKind.EMPLOYEE, person_key=None, engagements=(engagement,))


def with_attributes(engagement: Engagement, attributes: Attributes, now: datetime) -> Engagement:
    """`engagement` as if its source said `attributes` too.

    `startsAt` and `endsAt` move its instants, `lifecycle` makes it so at `now`.
    Raises InputError where one of these three cannot be read.
    """
    changed = replace(
        engagement,
        attributes=engagement.attributes.merged(attributes),
        starts_at=_moment(attributes, "startsAt") or engagement.starts_at,
        ends_at=_moment(attributes, "endsAt") or engagement.ends_at,
    )
    wanted = attributes.text("lifecycle")
    return changed if wanted is None else _with_lifecycle(changed, _lifecycle(wanted), now)


def _with_lifecycle(engagement: Engagement, lifecycle: Lifecycle, now: datetime) -> Engagement:
    if engagement.lifecycle_at(now) is lifecycle:
        return engagement
    match lifecycle:
        case Lifecycle.ENDED:
            return replace(engagement, ends_at=now)
        case Lifecycle.PREBOARDING:
            return replace(engagement, starts_at=now + _SOON, ends_at=_if_after(engagement.ends_at, now + _SOON))
        case _:
            started = None if engagement.starts_at is None else min(engagement.starts_at, now)
            ends = _if_after(engagement.ends_at, now)
            return replace(engagement, status=_STATUS[lifecycle], starts_at=started, ends_at=ends)


def _if_after(moment: datetime | None, now: datetime) -> datetime | None:
    return moment if moment is not None and moment > now else None


def _lifecycle(text: str) -> Lifecycle:
    try:
        return Lifecycle(text.lower())
    except ValueError as error:
        known = ", ".join(Lifecycle)
        raise InputError(f"there is no lifecycle {text!r}", mend=f"One of: {known}.", code="P141") from error


def _moment(attributes: Attributes, name: str) -> datetime | None:
    text = attributes.text(name)
    if text is None:
        return None
    moment = instant_of(text)
    if moment is None:
        mend = 'Write date, time and zone: "2026-11-20T17:00:00+01:00".'
        raise InputError(f"{name} is no moment: {text!r}", mend=mend, code="P142")
    return moment
