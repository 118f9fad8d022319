"""Access that somebody should have: assignments with their reasons, denies, and the wish for each application."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.account import EntitlementRef
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.finding import Finding
from lastday.model.identity import Lifecycle
from lastday.model.ids import ApplicationName, IdentityId


class ReasonKind(StrEnum):
    BIRTHRIGHT = "birthright"
    ROLE = "role"
    REQUEST = "request"
    EXCEPTION = "exception"
    ADOPTED = "adopted"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reason:
    """One reason why somebody should hold something. A removal needs an empty set of them."""

    kind: ReasonKind
    name: str
    """Role, request or exception; for an adopted holding the application."""
    detail: str
    """A sentence: `role accountant: department eq "Finance" and title co "Accountant"`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """Identity should hold this entitlement."""

    entitlement: EntitlementRef
    reasons: tuple[Reason, ...]
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """A decision that outranks reasons until it ends."""

    identity: IdentityId
    entitlement: EntitlementRef
    why: str
    by: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A holding found when the application was connected: kept until its first review, ends on leaving."""

    identity: IdentityId
    entitlement: EntitlementRef
    since: datetime


class AccountWish(StrEnum):
    """What should be true of a person's accounts in one application."""

    ACTIVE = "active"
    """Exists, enabled, holds what is assigned."""
    SUSPENDED = "suspended"
    """Off; what it holds stays (leave of absence)."""
    CLOSED = "closed"
    """Off and emptied; deleted when the keep time is over, where one is configured."""
    UNWANTED = "unwanted"
    """Nothing asks for an account here, but the person stays: an existing one loses what is managed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredAccount:
    """The wish for one person in one application."""

    application: ApplicationName
    wish: AccountWish
    assignments: tuple[Assignment, ...]
    keeps: tuple[str, ...] = ()
    """Names of entitlements that stay although the account is off; ("*",) means all."""
    attributes: Attributes = NO_ATTRIBUTES
    """The values that mapped attributes of the account should have, under the application's names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredAccess:
    """Everything one person should have at `at`, with the reasons. The policy's whole answer."""

    identity: IdentityId
    at: datetime
    lifecycle: Lifecycle
    accounts: tuple[DesiredAccount, ...]
    profile: str | None
    """The leaver profile that applies, where the person has left."""
    limit_s: int | None
    """Seconds inside which all access must be verified gone (from the profile)."""
    violations: tuple[Finding, ...] = ()
    """Separation-of-duties conflicts: a plan that gives either side is stopped."""

    def of(self, application: ApplicationName) -> DesiredAccount | None:
        return next((account for account in self.accounts if account.application == application), None)
