"""What happened to a person: joined, moved, left. Each change has its instant."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.ids import EngagementId, IdentityId


class ChangeKind(StrEnum):
    JOINED = "joined"
    MOVED = "moved"
    RENAMED = "renamed"
    SUSPENDED = "suspended"
    RELEASED = "released"
    RETURNED = "returned"
    LEFT = "left"
    AMENDED = "amended"
    """An attribute changed that neither names nor places the person; accounts may want an update, no case is opened."""


class Surprise(StrEnum):
    """Whether the brakes count a change (design section 7: they count surprise, not volume)."""

    EXPECTED = "expected"
    NAMED = "named"
    ANNOUNCED = "announced"
    SURPRISE = "surprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of a person's life, as it follows from the engagements."""

    identity: IdentityId
    kind: ChangeKind
    at: datetime
    """When it takes effect: the true instant, which may lie before the reading that told of it."""
    engagement: EngagementId | None
    surprise: Surprise
    detail: str
    """In plain words, without personal data beyond job and place: `Finance/AP Clerk -> Finance/Accountant`."""
    contract_ended: bool = False
    """A foreseen end came due while the feed still said active."""
