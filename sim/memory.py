"""The database of the simulation: plain values, copied when a transaction begins and lost when it does not commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lastday.inventory.correlation import ValueHeld
from lastday.lifecycle.intake import Absence
from lastday.model.account import Account, AccountKind, Correlation, ObservedAccount
from lastday.model.identity import Identity
from lastday.model.ids import AccountId, ApplicationName, IdentityId, NativeId, OperationId, PlanId
from lastday.model.operation import Because, Life, Operation, OperationState, Verb
from lastday.model.plan import Plan

Place = tuple[ApplicationName, NativeId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An operation and its life."""

    operation: Operation
    life: Life
    plan: PlanId
    attempted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the evidence."""

    kind: str
    operation: OperationId
    attempt: int
    at: datetime
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlan:
    plan: Plan
    applied: bool = False
    approved: bool = False


@dataclass(slots=True, kw_only=True)
class Memory:
    people: dict[IdentityId, Identity] = field(default_factory=dict)
    walked: dict[IdentityId, datetime] = field(default_factory=dict)
    causes: dict[IdentityId, Because] = field(default_factory=dict)
    absences: Mapping[str, Absence] = field(default_factory=dict)
    held: dict[tuple[str, str, IdentityId], ValueHeld] = field(default_factory=dict)
    accounts: dict[Place, Account] = field(default_factory=dict)
    operations: dict[OperationId, Kept] = field(default_factory=dict)
    plans: dict[PlanId, KeptPlan] = field(default_factory=dict)
    leases: dict[tuple[ApplicationName, IdentityId], int] = field(default_factory=dict)
    look_again: dict[IdentityId, datetime] = field(default_factory=dict)
    findings: dict[tuple[str, str], datetime] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    news: dict[IdentityId, int] = field(default_factory=dict)
    """How much evidence there was when a source last said something new of the person."""
    policy: int = 0

    def copy(self) -> "Memory":
        return replace(
            self,
            people=dict(self.people),
            walked=dict(self.walked),
            causes=dict(self.causes),
            held=dict(self.held),
            accounts=dict(self.accounts),
            operations=dict(self.operations),
            plans=dict(self.plans),
            leases=dict(self.leases),
            look_again=dict(self.look_again),
            findings=dict(self.findings),
            news=dict(self.news),
            entries=list(self.entries),
        )

    def accounts_of(self, identity: IdentityId) -> tuple[Account, ...]:
        return tuple(account for _, account in sorted(self.accounts.items()) if account.identity == identity)

    def given(self, application: ApplicationName) -> frozenset[str]:
        """What was ever given in the application from here."""
        return frozenset(
            kept.operation.entitlement
            for kept in self.operations.values()
            if kept.operation.application == application
            and kept.operation.verb is Verb.GIVE
            and kept.operation.entitlement is not None
            and kept.life.accepted_at is not None
        )

    def sessions_open(self) -> frozenset[tuple[ApplicationName, NativeId]]:
        """Accounts whose sessions were to be ended and are not known to be."""
        unfinished = ("planned", "retrying", "acting", "uncertain", "failed", "contradicted")
        return frozenset(
            (kept.operation.application, kept.operation.native_id)
            for kept in self.operations.values()
            if kept.operation.verb is Verb.END_SESSIONS
            and kept.operation.native_id is not None
            and kept.life.state.value in unfinished
        )

    def note_look_again(self, identity: IdentityId, at: datetime) -> None:
        self.look_again[identity] = max(at, self.look_again.get(identity, at))

    def take_snapshot(self, application: ApplicationName, seen: Sequence[ObservedAccount], at: datetime) -> None:
        """The inventory shows what a complete listing shows, and no longer what it does not show."""
        for account in seen:
            self.take_read(application, account.native_id, account, at)
        there = {account.native_id for account in seen}
        for place, known in tuple(self.accounts.items()):
            if place[0] == application and known.native_id not in there:
                self.take_read(application, known.native_id, None, at)

    def take_read(
        self, application: ApplicationName, native_id: NativeId, seen: ObservedAccount | None, at: datetime
    ) -> None:
        """The inventory shows what a read showed; None says that there is no such account."""
        place = (application, native_id)
        known = self.accounts.get(place)
        if seen is None:
            if known is not None:
                self.accounts[place] = replace(known, exists=False, seen_at=at, holdings_since=())
            return
        since = dict(known.holdings_since) if known is not None and known.exists else {}
        held = tuple((holding.entitlement, since.get(holding.entitlement, at)) for holding in seen.holdings)
        base = known if known is not None else _first_seen(application, seen, at)
        self.accounts[place] = replace(base, observed=seen, exists=True, seen_at=at, holdings_since=held)

    def link(self, place: Place, correlation: Correlation, identity: IdentityId | None) -> None:
        self.accounts[place] = replace(self.accounts[place], correlation=correlation, identity=identity)

    def acting(self, application: ApplicationName, identity: IdentityId) -> bool:
        return any(
            kept.operation.application == application
            and kept.operation.identity == identity
            and kept.life.state is OperationState.ACTING
            for kept in self.operations.values()
        )


def _first_seen(application: ApplicationName, seen: ObservedAccount, at: datetime) -> Account:
    return Account(
        id=AccountId(f"{application}/{seen.native_id}"),
        application=application,
        kind=AccountKind.PERSONAL,
        observed=seen,
        exists=True,
        correlation=Correlation.UNCORRELATED,
        identity=None,
        first_seen_at=at,
        seen_at=at,
    )
