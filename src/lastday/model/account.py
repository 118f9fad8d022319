"""What exists in applications: accounts, entitlements, holdings."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.ids import AccountId, ApplicationName, IdentityId, NativeId, SnapshotId


class AccountKind(StrEnum):
    PERSONAL = "personal"
    ADMIN = "admin"
    SHARED = "shared"
    SERVICE = "service"
    BREAK_GLASS = "break-glass"
    GUEST = "guest"


class Via(StrEnum):
    """What carries a holding; a removal acts on the carrier, or says that it can't be removed singly."""

    DIRECT = "direct"
    GROUP = "group"
    RULE = "rule"
    LICENCE_GROUP = "licence-group"
    SYNC = "sync"


@dataclass(frozen=True, slots=True, order=True)
class EntitlementRef:
    """What can be given in an application: `application:kind/name`, the account itself `application:account`.

    >>> EntitlementRef.parse("directory:group/all-staff").name
    'group/all-staff'
    >>> EntitlementRef.parse("chat:account").is_account
    True
    """

    application: ApplicationName
    name: str

    @classmethod
    def parse(cls, text: str) -> "EntitlementRef":
        """The reference that `text` writes. Raises ValueError where there is no `application:name`."""
        application, colon, name = text.partition(":")
        if not (colon and application and name):
            raise ValueError(f"{text!r} is not `application:entitlement`")
        return cls(ApplicationName(application), name)

    @property
    def is_account(self) -> bool:
        return self.name == "account"

    def __str__(self) -> str:
        return f"{self.application}:{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class ObservedHolding:
    """An account was seen to hold an entitlement; `entitlement` is the name inside the application (`group/vpn`)."""

    entitlement: str
    via: Via = Via.DIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedAccount:
    """An account as the application showed it at one moment."""

    native_id: NativeId
    username: str
    enabled: bool
    attributes: Attributes = NO_ATTRIBUTES
    """What the application says of the account, under the application's own names; match lines speak of these."""
    holdings: tuple[ObservedHolding, ...] = ()
    created_at: datetime | None = None
    last_used: datetime | None = None

    def holds(self, entitlement: str) -> bool:
        return any(holding.entitlement == entitlement for holding in self.holdings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """Why a listing is believed to be whole. Without one nothing follows from what is not in it."""

    accounts: int
    pages: int
    stated_total: int | None
    """What the application itself said the total is; None where it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSnapshot:
    """A whole reading of an application. A reading that broke is an error, never a snapshot."""

    application: ApplicationName
    taken_at: datetime
    accounts: tuple[ObservedAccount, ...]
    entitlements: tuple[str, ...]
    completeness: Completeness


class Correlation(StrEnum):
    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    UNCORRELATED = "uncorrelated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account in the inventory: what was last seen, and whose it is."""

    id: AccountId
    application: ApplicationName
    kind: AccountKind
    observed: ObservedAccount
    exists: bool
    """False after a complete snapshot or a verified read did not find it any more."""
    correlation: Correlation
    identity: IdentityId | None
    first_seen_at: datetime
    seen_at: datetime
    snapshot: SnapshotId | None = None
    protected: bool = False
    """Automation never touches it (break-glass, Lastday's own, named by `protect`)."""
    holdings_since: tuple[tuple[str, datetime], ...] = ()
    """For each entitlement held, since when it has been seen without a break."""

    @property
    def native_id(self) -> NativeId:
        return self.observed.native_id
