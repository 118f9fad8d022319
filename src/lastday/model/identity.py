"""People and other principals, their engagements, and the lifecycle that follows from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.attributes import Attributes
from lastday.model.ids import EngagementId, IdentityId, SourceName


class IdentityKind(StrEnum):
    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"
    VENDOR = "vendor"
    INTERN = "intern"
    SERVICE = "service"
    BOT = "bot"


class EngagementStatus(StrEnum):
    """What the source says of the engagement; instants outrank it (see `Engagement.lifecycle_at`)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    RELEASED = "released"
    ENDED = "ended"


class Lifecycle(StrEnum):
    PREBOARDING = "preboarding"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    RELEASED = "released"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """A job or a contract: one row of a source."""

    id: EngagementId
    identity: IdentityId
    source: SourceName
    key: str
    """The source's own key of the row; with `source` it is unique."""
    attributes: Attributes
    status: EngagementStatus
    starts_at: datetime | None
    ends_at: datetime | None
    """The exact instant at which access ends, known or foreseen; None where no end is known."""
    end_known_since: datetime | None = None
    """Since when accepted feeds have said this same end without a break; None where no end is known."""
    end_accepted: bool = False
    """A person accepted this end with the first import of the source."""

    def lifecycle_at(self, instant: datetime) -> Lifecycle:
        """The lifecycle of this engagement alone. A status of ended with a later end is active until then."""
        if self.ends_at is not None and self.ends_at <= instant:
            return Lifecycle.ENDED
        if self.starts_at is not None and self.starts_at > instant:
            return Lifecycle.PREBOARDING
        if self.status is EngagementStatus.SUSPENDED:
            return Lifecycle.SUSPENDED
        if self.status is EngagementStatus.RELEASED:
            return Lifecycle.RELEASED
        return Lifecycle.ACTIVE

    @property
    def instants(self) -> tuple[datetime, ...]:
        """The instants at which this engagement changes by itself."""
        return tuple(instant for instant in (self.starts_at, self.ends_at) if instant is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A principal with all engagements that were ever known of it."""

    id: IdentityId
    kind: IdentityKind
    person_key: str | None
    engagements: tuple[Engagement, ...]

    def lifecycle_at(self, instant: datetime) -> Lifecycle:
        return lifecycle_of(self.engagements, instant)

    def live_engagements(self, instant: datetime) -> tuple[Engagement, ...]:
        """The engagements that have begun and not ended at `instant`, the oldest first."""
        live = (e for e in self.engagements if e.lifecycle_at(instant) not in (Lifecycle.ENDED, Lifecycle.PREBOARDING))
        return tuple(sorted(live, key=lambda e: (e.starts_at is not None, e.starts_at, e.key)))

    def leading_engagement(self, instant: datetime) -> Engagement:
        """The engagement whose attributes speak for the person at `instant`.

        A live one before a coming one before a past one; among equals the one that began last.
        """
        rank = {
            Lifecycle.ACTIVE: 4,
            Lifecycle.SUSPENDED: 3,
            Lifecycle.RELEASED: 2,
            Lifecycle.PREBOARDING: 1,
            Lifecycle.ENDED: 0,
        }
        return max(
            self.engagements,
            key=lambda e: (rank[e.lifecycle_at(instant)], e.starts_at.timestamp() if e.starts_at else 0.0, e.key),
        )

    @property
    def employee_number(self) -> str | None:
        """The employee number of the engagement that began last, for showing."""
        latest = max(
            self.engagements, key=lambda e: (e.starts_at.timestamp() if e.starts_at else 0.0, e.key), default=None
        )
        return None if latest is None else latest.attributes.text("employeeNumber")


def lifecycle_of(engagements: Iterable[Engagement], instant: datetime) -> Lifecycle:
    """The lifecycle of a person with these engagements: the best of those that live, else ended, else preboarding.

    Somebody who left and is to come back is *ended* until the day: the old access must go meanwhile.
    """
    states = {engagement.lifecycle_at(instant) for engagement in engagements}
    for state in (Lifecycle.ACTIVE, Lifecycle.SUSPENDED, Lifecycle.RELEASED, Lifecycle.ENDED):
        if state in states:
            return state
    return Lifecycle.PREBOARDING


def last_left_at(engagements: Iterable[Engagement], instant: datetime) -> datetime | None:
    """The last instant up to `instant` at which nothing was left of all engagements, a gap included; None if never."""
    known = tuple(engagements)
    ends = sorted((e.ends_at for e in known if e.ends_at is not None and e.ends_at <= instant), reverse=True)
    return next((end for end in ends if lifecycle_of(known, end) is Lifecycle.ENDED), None)
