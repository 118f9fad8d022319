"""Everything about one joiner, mover or leaver."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.ids import ApplicationName, BatchId, CaseId, IdentityId
from lastday.model.operation import Milestone


class CaseKind(StrEnum):
    JOINER = "joiner"
    MOVER = "mover"
    RENAME = "rename"
    LEAVE = "leave"
    RETURN = "return"
    LEAVER = "leaver"


class CaseState(StrEnum):
    OPEN = "open"
    STOPPED = "stopped"
    INCOMPLETE = "incomplete"
    """Everything that could be done rests, and something is missing; it lists what."""
    COMPLETE = "complete"
    SUPERSEDED = "superseded"


class Coverage(StrEnum):
    """What is known of a person in one application; a case is not complete while one is unknown."""

    UNKNOWN = "unknown"
    NO_ACCOUNT = "no_account"
    """A complete reading found none: positive evidence."""
    PENDING = "pending"
    GONE = "gone"
    RIGHT = "right"
    """For people who stay: the account is as it should be."""
    MANUAL = "manual"
    CONFIRMED_BY_HAND = "confirmed_by_hand"
    CONTRADICTED = "contradicted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    id: CaseId
    kind: CaseKind
    identity: IdentityId
    batch: BatchId
    effective_at: datetime
    opened_at: datetime
    state: CaseState
    profile: str | None
    limit_s: int | None
    milestones: tuple[tuple[Milestone, datetime], ...] = ()
    coverage: tuple[tuple[ApplicationName, Coverage], ...] = ()

    @property
    def missing(self) -> tuple[ApplicationName, ...]:
        """Applications that have no final answer for this person yet."""
        final = (Coverage.NO_ACCOUNT, Coverage.GONE, Coverage.RIGHT, Coverage.CONFIRMED_BY_HAND)
        return tuple(application for application, coverage in self.coverage if coverage not in final)
