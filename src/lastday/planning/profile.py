"""What planning needs to know of an application and of a person: values, put together by the caller."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from lastday.configuration.settings import ApplicationSettings, MatchStrength, Mode, RoleSettings
from lastday.filters.predicate import compile_predicate
from lastday.model.access import DesiredAccess
from lastday.model.account import Account, AccountKind, EntitlementRef
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName, NativeId
from lastday.model.operation import Because
from lastday.planning.administrators import Administrator

CREATES = "creates_accounts"
UPDATES = "updates_accounts"
DISABLES = "disables_accounts"
DELETES = "deletes_accounts"
GIVES = "gives_holdings"
REVOKES = "revokes_holdings"
ENDS_SESSIONS = "ends_sessions"
TRANSFERS = "transfers_ownership"
"""The values of `connectors.sdk.protocols.Capability`, which a pure room may not import; a test keeps them equal."""

DEFAULT_NAMES = (
    "{name.givenName:ascii}.{name.familyName:ascii}",
    "{name.givenName:ascii}.{name.familyName:ascii}{n}",
)
"""Candidates for the name of an account in an application whose `create` says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationProfile:
    """An application as far as planning must know it."""

    name: ApplicationName
    mode: Mode = Mode.ENFORCE
    capabilities: frozenset[str] = frozenset()
    managed: frozenset[str] = frozenset()
    """Names inside the application (`group/vpn`, `account`) of which excess is taken from people who stay."""
    admins: frozenset[str] = frozenset()
    privileged: frozenset[str] = frozenset()
    successor: str | None = None
    keep_for: timedelta | None = None
    proof: tuple[tuple[str, str], ...] = ()
    """Match lines that prove: account attribute and the identity attribute whose value it gets in a new account."""
    create: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Account attribute and its name templates; the first pair makes the user name."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Account attribute and the identity attribute that it follows."""
    settle_s: float = 0
    destroys: frozenset[str] = frozenset()
    """Verbs that cannot be undone here, beside delete and wipe."""
    disconnected: bool = False
    """No interface: people do what is planned, the next file shows it."""
    identity_provider: bool = False
    """People sign in elsewhere through it, so it goes before all others."""
    deadline: timedelta | None = None
    owner: str | None = None
    administrators: tuple[Administrator, ...] = ()
    """All accounts seen to hold one of `admins`, those of people outside the plan included."""

    def can(self, capability: str) -> bool:
        """A connector does this; False means that a person must, or that it is not done at all."""
        return not self.disconnected and capability in self.capabilities

    def destroys_with(self, verb: str) -> bool:
        """The verb cannot be undone here."""
        return verb in ("delete", "wipe") or verb in self.destroys


AccountKey: TypeAlias = tuple[ApplicationName, NativeId]
"""Two applications may well call two accounts by the same native id."""


def key_of(account: Account) -> AccountKey:
    return account.application, account.native_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFacts:
    """One person: what they should have, and the accounts linked to them in all applications."""

    identity: Identity
    desired: DesiredAccess
    accounts: tuple[Account, ...] = ()
    last_left_at: datetime | None = None
    case_reason: Because | None = None
    """Why the person is looked at: LEFT, CONTRACT_ENDED, JOINED, CAME_BACK, ROLE_GAINED or ROLE_LOST (a move)."""
    denied: frozenset[EntitlementRef] = field(default_factory=frozenset)
    """Live denies: taken even where the entitlement is not managed."""
    sessions_open: frozenset[AccountKey] = field(default_factory=frozenset)
    """Accounts that are off but whose sessions are not yet known to be ended."""
    handed_over: frozenset[AccountKey] = field(default_factory=frozenset)
    """Accounts whose things were handed over since the person left: deletion needs no further hand-over."""


def profile_of(
    settings: ApplicationSettings,
    roles: Sequence[RoleSettings],
    *,
    capabilities: frozenset[str],
    settle_s: float,
    destroys: frozenset[str] = frozenset(),
    disconnected: bool = False,
    entitlements: Sequence[str] = (),
    given: frozenset[str] = frozenset(),
    administrators: Sequence[Administrator] = (),
) -> ApplicationProfile:
    """The profile of a configured application.

    `entitlements` are those that the application has (for `manage`), `given` those that Lastday ever gave there.
    """
    proof = (line for line in settings.match if line.strength is MatchStrength.PROOF)
    return ApplicationProfile(
        name=settings.name,
        mode=settings.mode,
        capabilities=capabilities,
        managed=managed_names(settings, roles, entitlements) | given,
        admins=frozenset(settings.admins),
        privileged=frozenset(settings.privileged),
        successor=settings.successor,
        keep_for=settings.keep_for,
        proof=tuple((line.account_attribute, line.identity_attribute) for line in proof),
        create=tuple((name, tuple(templates)) for name, templates in settings.create.items()),
        attributes=tuple(sorted(settings.attributes.items())),
        settle_s=settings.settle.total_seconds() if settings.settle is not None else settle_s,
        destroys=destroys,
        disconnected=disconnected,
        deadline=settings.deadline,
        owner=settings.owner,
        administrators=tuple(administrators),
    )


def managed_names(
    settings: ApplicationSettings, roles: Sequence[RoleSettings], entitlements: Sequence[str]
) -> frozenset[str]:
    """The names that policy speaks of in this application, and those that its `manage` condition takes in.

    An entitlement implies the account, so an application that a role names at all has its accounts managed.
    The condition sees `name` (`group/vpn`) and `kind` (`group`).
    """
    named = {ref.name for role in roles for ref in role.give if ref.application == settings.name}
    if named:
        named.add("account")
    if settings.manage is not None:
        wanted = _by_condition(compile_predicate(settings.manage.filter))
        named.update(name for name in entitlements if wanted(name))
    return frozenset(named)


def _by_condition(predicate: Callable[[Mapping[str, object], datetime | None], bool]) -> Callable[[str], bool]:
    return lambda name: predicate({"name": name, "kind": name.partition("/")[0]}, None)


def is_handled(account: Account) -> bool:
    """Automation may act on the account at all: it exists, is linked without doubt, and nothing protects it."""
    return account.exists and account.identity is not None and not is_protected(account)


def is_protected(account: Account) -> bool:
    return account.protected or account.kind is AccountKind.BREAK_GLASS
