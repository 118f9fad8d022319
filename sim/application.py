"""A simulated application: what is truly there, who owns it, and every way in which a request can go wrong."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lastday.model.account import ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes
from lastday.model.errors import ConnectorError, RateLimited, Unreachable
from lastday.model.ids import ApplicationName, IdentityId, NativeId
from lastday.model.operation import Life, Operation, Outcome, OutcomeKind, Verb


class Fault(StrEnum):
    REFUSES = "refuses"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate limited"
    LOST = "lost"
    """Timed out, and the request never came to anything."""
    ANSWER_LOST = "answer lost"
    """Timed out after the effect."""
    LATE = "late"
    """Timed out, and the effect comes later."""
    LIES = "lies"
    """Says done and does nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAccount:
    """An account as it really is. `owner` is whom it was made for; Lastday never sees that."""

    native_id: NativeId
    username: str
    owner: IdentityId
    enabled: bool = True
    number: str | None = None
    mail: str | None = None
    holdings: frozenset[str] = frozenset()
    sessions: int = 0
    created_at: datetime
    protected: bool = False

    def shown(self) -> ObservedAccount:
        return ObservedAccount(
            native_id=self.native_id,
            username=self.username,
            enabled=self.enabled,
            attributes=Attributes.of({"employeeNumber": self.number, "mail": self.mail}),
            holdings=tuple(ObservedHolding(name) for name in sorted(self.holdings)),
            created_at=self.created_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A call as the application received it."""

    operation: Operation
    attempt: int
    username: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A request changed something; `before` and `after` are None where there is no account."""

    request: Request
    before: TrueAccount | None
    after: TrueAccount | None
    admins_before: int
    admins_after: int
    at: datetime


@dataclass(slots=True, kw_only=True)
class SimulatedApplication:
    name: ApplicationName
    admins: frozenset[str] = frozenset()
    accounts: dict[NativeId, TrueAccount] = field(default_factory=dict)
    past: list[tuple[datetime, dict[NativeId, TrueAccount]]] = field(default_factory=list)
    """What was there before each change, newest last: a lagging replica shows it."""
    faults: list[Fault | None] = field(default_factory=list)
    """What befalls the next calls, one each."""
    late: list[tuple[datetime, Request]] = field(default_factory=list)
    delay: timedelta = timedelta(seconds=60)
    lag: timedelta = timedelta(0)
    unreadable: int = 0
    """So many reads fail."""
    requests: list[Request] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    by_hand: dict[NativeId, datetime] = field(default_factory=dict)
    """When a person last changed an account in the application itself."""
    made: int = 0

    def call(self, operation: Operation, life: Life, now: datetime) -> Outcome:
        """What the application answers. Raises ConnectorError where the request came to nothing for sure."""
        candidates = operation.name_candidates
        username = candidates[min(life.candidate, len(candidates) - 1)] if candidates else ""
        request = Request(operation=operation, attempt=life.attempts, username=username, at=now)
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        match fault:
            case Fault.UNREACHABLE:
                raise Unreachable(f"{self.name} does not answer")
            case Fault.RATE_LIMITED:
                raise RateLimited(f"{self.name} is busy", retry_after_s=7)
            case Fault.REFUSES:
                return Outcome(kind=OutcomeKind.REFUSED, detail="not today")
            case Fault.LIES:
                return Outcome(kind=OutcomeKind.DONE, detail="done")
            case Fault.LOST:
                return Outcome(kind=OutcomeKind.UNKNOWN, detail="no answer")
            case Fault.LATE:
                self.late.append((now + self.delay, request))
                return Outcome(kind=OutcomeKind.UNKNOWN, detail="no answer")
            case Fault.ANSWER_LOST:
                self._carry_out(request, now)
                return Outcome(kind=OutcomeKind.UNKNOWN, detail="no answer")
            case _:
                return self._carry_out(request, now)

    def land_until(self, now: datetime) -> None:
        """Effects whose time has come are there."""
        due = sorted((pair for pair in self.late if pair[0] <= now), key=lambda pair: pair[0])
        self.late = [pair for pair in self.late if pair[0] > now]
        for at, request in due:
            self._carry_out(request, at)

    def list_all(self, now: datetime) -> tuple[ObservedAccount, ...]:
        self._may_fail()
        return tuple(account.shown() for _, account in sorted(self._seen_at(now).items()))

    def read(self, native_id: NativeId, now: datetime) -> ObservedAccount | None:
        self._may_fail()
        account = self._seen_at(now).get(native_id)
        return None if account is None else account.shown()

    def find(self, attribute: str, value: str, now: datetime) -> tuple[ObservedAccount, ...]:
        return tuple(a for a in self.list_all(now) if a.attributes.text(attribute) == value)

    def count_sessions(self, native_id: NativeId, now: datetime) -> int:
        account = self._seen_at(now).get(native_id)
        return 0 if account is None else account.sessions

    def change_by_hand(self, account: TrueAccount, now: datetime) -> None:
        """Somebody works in the application itself."""
        self.by_hand[account.native_id] = now
        self._put(account, now)

    def new_native_id(self) -> NativeId:
        self.made += 1
        return NativeId(f"{self.name}-{self.made}")

    def heal(self) -> None:
        """No new fault from now on; what is under way still arrives."""
        self.faults.clear()
        self.lag, self.unreadable = timedelta(0), 0

    def count_admins(self) -> int:
        return sum(1 for a in self.accounts.values() if a.enabled and not a.protected and a.holdings & self.admins)

    def _may_fail(self) -> None:
        if self.unreadable > 0:
            self.unreadable -= 1
            raise ConnectorError(f"{self.name} cannot be read")

    def _seen_at(self, now: datetime) -> dict[NativeId, TrueAccount]:
        """The accounts as of `lag` ago."""
        wanted = now - self.lag
        if self.lag:
            for at, before in self.past:
                if at > wanted:
                    return before
        return self.accounts

    def _put(self, account: TrueAccount, now: datetime) -> None:
        self._keep(now)
        self.accounts[account.native_id] = account

    def _keep(self, now: datetime) -> None:
        self.past = [pair for pair in self.past if pair[0] > now - timedelta(seconds=60)]
        self.past.append((now, dict(self.accounts)))

    def _carry_out(self, request: Request, now: datetime) -> Outcome:
        if request.operation.verb is Verb.CREATE:
            return self._create(request, now)
        native_id = request.operation.native_id
        before = None if native_id is None else self.accounts.get(native_id)
        if before is None:
            return Outcome(kind=OutcomeKind.ABSENT, detail="there is no such account")
        after = _changed(request.operation, before)
        if after == before:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="it is so")
        self._apply(request, before, after, now)
        return Outcome(kind=OutcomeKind.DONE, detail="done")

    def _apply(self, request: Request, before: TrueAccount | None, after: TrueAccount | None, now: datetime) -> None:
        admins = self.count_admins()
        if after is not None:
            self._put(after, now)
        elif before is not None:
            self._keep(now)
            del self.accounts[before.native_id]
        effect = Effect(
            request=request,
            before=before,
            after=after,
            admins_before=admins,
            admins_after=self.count_admins(),
            at=now,
        )
        self.effects.append(effect)

    def _create(self, request: Request, now: datetime) -> Outcome:
        payload = request.operation.payload
        number = payload.text("employeeNumber")
        mine = [a for a in self.accounts.values() if number is not None and a.number == number]
        if mine:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="it is there", native_id=mine[0].native_id)
        if any(a.username == request.username for a in self.accounts.values()):
            return Outcome(kind=OutcomeKind.REFUSED, detail="taken")
        made = TrueAccount(
            native_id=self.new_native_id(),
            username=request.username,
            owner=request.operation.identity,
            number=number,
            mail=payload.text("mail"),
            created_at=now,
        )
        self._apply(request, None, made, now)
        return Outcome(kind=OutcomeKind.DONE, detail="made", native_id=made.native_id)


def _changed(operation: Operation, account: TrueAccount) -> TrueAccount | None:
    name = operation.entitlement or ""
    match operation.verb:
        case Verb.DISABLE:
            return replace(account, enabled=False)
        case Verb.ENABLE:
            return replace(account, enabled=True)
        case Verb.GIVE:
            return replace(account, holdings=account.holdings | {name})
        case Verb.REVOKE:
            return replace(account, holdings=account.holdings - {name})
        case Verb.UPDATE:
            mail = None if "mail" in operation.cleared else operation.payload.text("mail") or account.mail
            return replace(account, mail=mail)
        case Verb.END_SESSIONS:
            return replace(account, sessions=0)
        case Verb.DELETE:
            return None
        case _:
            return account
