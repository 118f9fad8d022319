"""What a connector can do: small protocols, each one capability. The manifest lists exactly those the class has.

Every method opens what it needs itself: a *fresh read* is a new connection without any cache.
Errors are those of `model.errors.ConnectorError`; an answer that came is an `Outcome`, never an exception:
"already so" is ALREADY_DONE, "there is no such account" is ABSENT, "I will not" is REFUSED, and "it was sent and
no answer came" is UNKNOWN, which is read back before anything else happens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar, runtime_checkable

from lastday.model.account import ObservedAccount
from lastday.model.attributes import Attributes
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome

ItemT = TypeVar("ItemT", covariant=True)


class Capability(StrEnum):
    CREATES_ACCOUNTS = "creates_accounts"
    UPDATES_ACCOUNTS = "updates_accounts"
    DISABLES_ACCOUNTS = "disables_accounts"
    DELETES_ACCOUNTS = "deletes_accounts"
    GIVES_HOLDINGS = "gives_holdings"
    REVOKES_HOLDINGS = "revokes_holdings"
    ENDS_SESSIONS = "ends_sessions"
    TRANSFERS_OWNERSHIP = "transfers_ownership"
    PROBES_SIGN_IN = "probes_sign_in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[ItemT]):
    """A part of a listing. `next_cursor` None says that this was the last page."""

    items: Sequence[ItemT]
    next_cursor: str | None
    stated_total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What `check_connection` found: whom the application takes us for, and what it says it is."""

    principal: str
    """The name of our own account there; it is protected from then on."""
    server: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """An account to be made. `key` is the same each time the same wish is carried out."""

    username: str
    attributes: Attributes
    """Under the application's own names, the matching key (proof) included."""
    key: str


@runtime_checkable
class Connector(Protocol):
    """What every connector has: it can be read."""

    async def check_connection(self) -> Connection:
        """Proves address, protection of the line, credentials and rights, without writing."""
        ...

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        """One page of all accounts with their holdings; None asks for the first. A fault raises, never shortens."""
        ...

    async def list_entitlements(self) -> Sequence[str]:
        """The names of everything that can be given here (`group/vpn`), the `account` itself left out."""
        ...

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        """A fresh read by native id, holdings included; None only where the application says that there is none."""
        ...

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        """A fresh search by an attribute under the application's own name, whole or an error."""
        ...

    async def close(self) -> None:
        """Lets go of connections and threads."""
        ...


@runtime_checkable
class CreatesAccounts(Protocol):
    async def create_account(self, draft: AccountDraft) -> Outcome:
        """The account exists and is enabled; a name that is taken by another account is REFUSED with detail `taken`."""
        ...


@runtime_checkable
class UpdatesAccounts(Protocol):
    async def update_account(self, native_id: NativeId, values: Attributes, cleared: Sequence[str]) -> Outcome:
        """The named attributes have these values, those of `cleared` have none; all others are as before."""
        ...


@runtime_checkable
class DisablesAccounts(Protocol):
    async def disable_account(self, native_id: NativeId) -> Outcome:
        """Nobody can sign in to the account; it and what it holds stay."""
        ...

    async def enable_account(self, native_id: NativeId) -> Outcome:
        """The account can be signed in to again, by the means it had before where they were kept."""
        ...


@runtime_checkable
class DeletesAccounts(Protocol):
    async def delete_account(self, native_id: NativeId) -> Outcome:
        """The account is gone."""
        ...


@runtime_checkable
class GivesHoldings(Protocol):
    async def give_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        """The account holds the entitlement."""
        ...


@runtime_checkable
class RevokesHoldings(Protocol):
    async def revoke_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        """The account does not hold the entitlement; nobody else lost it."""
        ...


@runtime_checkable
class EndsSessions(Protocol):
    async def end_sessions(self, native_id: NativeId) -> Outcome:
        """No session, token or connection of the account works any more."""
        ...

    async def count_sessions(self, native_id: NativeId) -> int:
        """How many live now, read fresh."""
        ...


@runtime_checkable
class TransfersOwnership(Protocol):
    async def transfer_owned(self, native_id: NativeId, successor: str) -> Outcome:
        """Everything the account owned belongs to `successor` (a name in the application), everywhere in it."""
        ...

    async def count_owned(self, native_id: NativeId) -> int:
        """How many things the account still owns, read fresh."""
        ...


@runtime_checkable
class ProbesSignIn(Protocol):
    async def sign_in_refused(self, native_id: NativeId) -> bool | None:
        """A sign-in was tried and refused (True) or got in (False); None where it cannot be tried now.

        A negative probe: it uses what we know (a kept probe credential, an unusable password), never a guess.
        """
        ...


CAPABILITY_PROTOCOLS: dict[Capability, type] = {
    Capability.CREATES_ACCOUNTS: CreatesAccounts,
    Capability.UPDATES_ACCOUNTS: UpdatesAccounts,
    Capability.DISABLES_ACCOUNTS: DisablesAccounts,
    Capability.DELETES_ACCOUNTS: DeletesAccounts,
    Capability.GIVES_HOLDINGS: GivesHoldings,
    Capability.REVOKES_HOLDINGS: RevokesHoldings,
    Capability.ENDS_SESSIONS: EndsSessions,
    Capability.TRANSFERS_OWNERSHIP: TransfersOwnership,
    Capability.PROBES_SIGN_IN: ProbesSignIn,
}


def capabilities_of(connector: object) -> frozenset[Capability]:
    """The capabilities whose whole protocol the object has."""
    return frozenset(name for name, protocol in CAPABILITY_PROTOCOLS.items() if isinstance(connector, protocol))
