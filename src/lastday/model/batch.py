"""All that one cause produces, and what brakes say of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.change import Change
from lastday.model.ids import ApplicationName, BatchId, Digest, IdentityId, UserName


class CauseKind(StrEnum):
    FIRST_LOAD = "first_load"
    FEED = "feed"
    DUE = "due"
    POLICY = "policy"
    NAMED_ORDER = "named_order"
    EMERGENCY = "emergency"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    kind: CauseKind
    reference: str
    """What it was: snapshot id of the feed, policy hash, the order's id."""
    by: str
    """Who: `source hr`, `clock`, or a user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    id: BatchId
    cause: Cause
    opened_at: datetime
    changes: tuple[Change, ...]
    hash: Digest
    """Over cause and changes; a release binds to it."""


class Brake(StrEnum):
    """Which limit tripped (codes of findings B1xx)."""

    SURPRISE_LEAVERS_DAY = "B101"
    SURPRISE_LEAVERS_WEEK = "B102"
    LEAVERS_OF_ONE_GROUP = "B103"
    LEAVERS_VOLUME = "B104"
    REMOVALS_OF_APPLICATION = "B111"
    REMOVALS_OF_ENTITLEMENT = "B112"
    REMOVALS_OF_POLICY = "B113"
    NEW_ACCOUNTS = "B121"
    ENTITLEMENT_GROWTH = "B122"
    PRIVILEGED_GIVEN = "B123"
    SEPARATION_OF_DUTIES = "B131"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tripped:
    """A brake that holds: the tripping set, with zero effects of it."""

    brake: Brake
    identities: tuple[IdentityId, ...]
    counted: int
    limit: int
    base: int
    detail: str
    """What was counted against what, and what it may mean."""
    application: ApplicationName | None = None
    entitlement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Two people let named people of a stopped batch go; bound to its hash, used once, for 24 hours."""

    batch: BatchId
    batch_hash: Digest
    identities: tuple[IdentityId, ...]
    by: tuple[UserName, UserName]
    at: datetime
    until: datetime
    reason: str
