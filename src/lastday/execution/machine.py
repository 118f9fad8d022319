"""The life of an operation, pure: `advance` answers an event with the whole script; a shell only interprets it.

    planned -> waiting (approval, due) -> acting -> accepted -> verified -> settled
       \\-> stopped (brake)                \\-> uncertain (sent, no answer: read before anything else)
       \\-> manual -> confirmed_by_hand    \\-> retrying    \\-> contradicted    \\-> failed        superseded

A success answer proves nothing (accepted); a separate fresh read does (verified); for removals a second read after the
settle time does (settled). Desired access is judged again before each effect and before each conclusion.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias, assert_never

from lastday.model.finding import Severity
from lastday.model.operation import (
    Life,
    Operation,
    OperationState,
    Outcome,
    OutcomeKind,
    Verb,
    Verification,
    VerificationKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How patient to be with one application."""

    settle: timedelta
    read_lag: timedelta = timedelta(0)
    tries: int = 3
    """Contradictions or refusals before it rests as a finding."""
    patience: int = 5
    """Failures to reach the application before it rests as a finding; the sweep tries again."""


class Judgement(StrEnum):
    """What the last look before an effect or a conclusion says."""

    WANTED = "wanted"
    STALE = "stale"
    HELD = "held"
    BLOCKED = "blocked"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    """The application had to be asked and did not answer; counts like a call that did not reach it."""


@dataclass(frozen=True, slots=True)
class Due:
    """Its hour has come, or a hint said: look again."""


@dataclass(frozen=True, slots=True)
class HolderLost:
    """The worker that was acting is gone: whether the request went out is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    judgement: Judgement
    detail: str
    until: datetime | None = None
    """For BLOCKED, when to look again, where that is known."""
    code: str = ""
    """For UNREACHABLE, the code of the fault."""


@dataclass(frozen=True, slots=True)
class Answered:
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReached:
    """The call had no effect: it could not be sent, or was turned away before anything was done."""

    code: str
    detail: str
    retry_after: timedelta | None = None
    by_hand: bool = False
    """There is no interface for it: a person must do it."""


@dataclass(frozen=True, slots=True)
class Observed:
    verification: Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class HandConfirmed:
    by: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandContradicted:
    """A later reading shows that what a person confirmed is not so."""

    detail: str


Event: TypeAlias = Due | HolderLost | Judged | Answered | NotReached | Observed | HandConfirmed | HandContradicted


class Record(StrEnum):
    """Kinds of evidence entries an operation writes; values are those of the evidence log."""

    INTENT = "intent"
    OUTCOME = "outcome"
    VERIFICATION = "verification"
    SETTLEMENT = "settlement"
    DECISION = "decision"
    HAND_CONFIRMATION = "hand_confirmation"


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction opens."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The account is ours from now: fencing generation + 1; whoever had it before can no longer conclude."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Goes on only while the account is still ours; otherwise the script ends without effect."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Desired access, gateway and predecessors are read again; a `Judged` event follows in the same transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Append:
    record: Record
    detail: str
    outcome: Outcome | None = None
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class Save:
    life: Life


@dataclass(frozen=True, slots=True)
class Adopt:
    """The inventory takes over what the read showed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFinding:
    code: str
    severity: Severity
    detail: str


@dataclass(frozen=True, slots=True)
class AdvanceCase:
    """The case counts its milestones again."""


@dataclass(frozen=True, slots=True)
class LookAgain:
    """The person is reconciled again at this instant: an effect may still land after a newer decision."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Commit:
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """The connector is called; the answer is `Answered` or `NotReached`."""


@dataclass(frozen=True, slots=True)
class Read:
    """A fresh read by native id and by search; the answer is `Observed`."""


@dataclass(frozen=True, slots=True)
class Again:
    """The next event is `Due` at once."""


Step: TypeAlias = (
    Begin
    | Lease
    | Fence
    | Judge
    | Append
    | Save
    | Adopt
    | OpenFinding
    | AdvanceCase
    | LookAgain
    | Commit
    | Call
    | Read
    | Again
)
Script: TypeAlias = tuple[Step, ...]

_DONE = frozenset({OutcomeKind.DONE, OutcomeKind.ALREADY_DONE, OutcomeKind.ABSENT})
BLOCKED_FOR = timedelta(seconds=1)
BACKOFF_CAP = timedelta(seconds=100)


def advance(operation: Operation, life: Life, event: Event, now: datetime, terms: Terms) -> Script:
    """The script that follows from `event`; empty where nothing is to be done."""
    match event:
        case Due():
            return _due(life, now)
        case HolderLost():
            return _holder_lost(life, now)
        case Judged():
            return _judged(operation, life, event, now, terms)
        case Answered(outcome):
            return _answered(operation, life, outcome, now, terms)
        case NotReached():
            return _not_reached(life, event, now, terms)
        case Observed(verification):
            return _observed(operation, life, verification, now, terms)
        case HandConfirmed():
            return _hand_confirmed(life, event, now)
        case HandContradicted():
            return _hand_contradicted(life, event)
        case _:
            assert_never(event)


def _due(life: Life, now: datetime) -> Script:
    if life.state.rests or life.state is OperationState.ACTING:
        return ()
    waits_for_a_person = life.state is OperationState.WAITING and life.wake_at is None
    if waits_for_a_person or (life.wake_at is not None and life.wake_at > now):
        return ()
    return (Begin(), Lease(), Judge())


def _holder_lost(life: Life, now: datetime) -> Script:
    if life.state is not OperationState.ACTING:
        return ()
    uncertain = replace(life, state=OperationState.UNCERTAIN, wake_at=now, detail="the worker was lost while it acted")
    return (Begin(), Lease(), Save(uncertain), Commit(), Again())


def _judged(operation: Operation, life: Life, event: Judged, now: datetime, terms: Terms) -> Script:
    match event.judgement:
        case Judgement.STALE:
            return _superseded(life, event, now, terms)
        case Judgement.HELD:
            held = replace(life, state=OperationState.STOPPED, wake_at=None, detail=event.detail)
            return (Append(record=Record.DECISION, detail=event.detail), Save(held), AdvanceCase(), Commit())
        case Judgement.BLOCKED:
            return (Save(replace(life, wake_at=event.until or now + BLOCKED_FOR, detail=event.detail)), Commit())
        case Judgement.UNREACHABLE:
            return _could_not_ask(life, event, now, terms)
        case Judgement.REFUSED:
            return (
                Append(record=Record.DECISION, detail=event.detail),
                *_rest(life, OperationState.FAILED, "X120", event.detail),
            )
        case Judgement.WANTED:
            return _go(operation, life)
        case _:
            assert_never(event.judgement)


def _could_not_ask(life: Life, event: Judged, now: datetime, terms: Terms) -> Script:
    """An application that stays away is given up like one that does not take the call; the sweep tries again."""
    if life.failures + 1 >= terms.patience:
        return _rest(life, OperationState.FAILED, event.code, event.detail)
    return (Save(_retry(life, now, event.detail, None)), Commit())


def _superseded(life: Life, event: Judged, now: datetime, terms: Terms) -> Script:
    over = replace(life, state=OperationState.SUPERSEDED, wake_at=None, detail=event.detail)
    may_still_land = life.attempts > 0
    again = (LookAgain(now + terms.settle),) if may_still_land else ()
    return (Append(record=Record.DECISION, detail=event.detail), Save(over), AdvanceCase(), *again, Commit())


def _go(operation: Operation, life: Life) -> Script:
    if life.state in (OperationState.UNCERTAIN, OperationState.ACCEPTED, OperationState.VERIFIED):
        return (Commit(), Read())
    if operation.manual:
        by_hand = replace(life, state=OperationState.MANUAL, wake_at=None, detail="waits for a person")
        finding = OpenFinding(code="X130", severity=Severity.WARNING, detail=f"To be done by hand: {operation.detail}")
        return (Save(by_hand), finding, AdvanceCase(), Commit())
    acting = replace(life, state=OperationState.ACTING, wake_at=None, attempts=life.attempts + 1)
    return (Append(record=Record.INTENT, detail=operation.detail), Save(acting), Commit(), Call())


def _answered(operation: Operation, life: Life, outcome: Outcome, now: datetime, terms: Terms) -> Script:
    if outcome.kind in _DONE:
        accepted = replace(
            life,
            state=OperationState.ACCEPTED,
            accepted_at=life.accepted_at or now,
            wake_at=now + terms.read_lag,
            failures=0,
            reads=0,
            concluded=True,
            detail=outcome.detail,
        )
        said = () if life.concluded else (Append(record=Record.OUTCOME, detail=outcome.detail, outcome=outcome),)
        then = (Read(),) if terms.read_lag == timedelta(0) else ()
        return (Begin(), Fence(), *said, Save(accepted), Commit(), *then)
    if outcome.kind is OutcomeKind.UNKNOWN:
        uncertain = replace(life, state=OperationState.UNCERTAIN, wake_at=now + terms.read_lag, detail=outcome.detail)
        return (Begin(), Fence(), Save(uncertain), Commit(), Again())
    return _refused(operation, life, outcome, now, terms)


def _refused(operation: Operation, life: Life, outcome: Outcome, now: datetime, terms: Terms) -> Script:
    if (
        operation.verb is Verb.CREATE
        and outcome.detail == "taken"
        and life.candidate + 1 < len(operation.name_candidates)
    ):
        other_name = replace(life, state=OperationState.RETRYING, candidate=life.candidate + 1, wake_at=now)
        return (Begin(), Fence(), Save(other_name), Commit(), Again())
    if life.failures + 1 < terms.tries and outcome.detail != "taken":
        return (Begin(), Fence(), Save(_retry(life, now, outcome.detail)), Commit())
    said = () if life.concluded else (Append(record=Record.OUTCOME, detail=outcome.detail, outcome=outcome),)
    failed = replace(life, concluded=True)
    return (
        Begin(),
        Fence(),
        *said,
        *_rest(failed, OperationState.FAILED, "A110", f"the application refuses: {outcome.detail}"),
    )


def _not_reached(life: Life, event: NotReached, now: datetime, terms: Terms) -> Script:
    if event.by_hand:
        return (Begin(), Fence(), *_rest(life, OperationState.MANUAL, "X130", event.detail))
    if life.failures + 1 >= terms.patience and event.retry_after is None:
        return (Begin(), Fence(), *_rest(life, OperationState.FAILED, event.code, event.detail))
    return (Begin(), Fence(), Save(_retry(life, now, event.detail, event.retry_after)), Commit())


def _observed(operation: Operation, life: Life, seen: Verification, now: datetime, terms: Terms) -> Script:
    if seen.kind is VerificationKind.CONFIRMED:
        return _confirmed(operation, life, seen, now, terms)
    if seen.kind is VerificationKind.UNREADABLE:
        return _unreadable(life, seen, now, terms)
    if (
        seen.kind is VerificationKind.NOT_YET
        and life.state is not OperationState.VERIFIED
        and life.reads + 1 < terms.patience
    ):
        later = replace(life, reads=life.reads + 1, wake_at=now + _backoff(life.reads), detail=seen.detail)
        return (Begin(), Fence(), Save(later), Commit())
    return _contradicted(life, seen, now, terms)


def _confirmed(operation: Operation, life: Life, seen: Verification, now: datetime, terms: Terms) -> Script:
    if life.state is OperationState.VERIFIED:
        settled = replace(life, state=OperationState.SETTLED, settled_at=now, wake_at=None, detail=seen.detail)
        entry = Append(record=Record.SETTLEMENT, detail=seen.detail, verification=seen)
        return (Begin(), Fence(), entry, Save(settled), Adopt(), AdvanceCase(), Commit())
    said = (
        () if life.concluded else (Append(record=Record.OUTCOME, detail="established by reading", outcome=_BY_READING),)
    )
    entry = Append(record=Record.VERIFICATION, detail=seen.detail, verification=seen)
    known = replace(
        life,
        accepted_at=life.accepted_at or now,
        verified_at=now,
        concluded=True,
        reads=0,
        failures=0,
        detail=seen.detail,
    )
    if operation.verb.removes:
        after = replace(known, state=OperationState.VERIFIED, wake_at=now + terms.settle)
    else:
        after = replace(known, state=OperationState.SETTLED, settled_at=now, wake_at=None)
    return (Begin(), Fence(), *said, entry, Save(after), Adopt(), AdvanceCase(), Commit())


_BY_READING = Outcome(kind=OutcomeKind.DONE, detail="established by reading")


def _unreadable(life: Life, seen: Verification, now: datetime, terms: Terms) -> Script:
    if life.reads + 1 >= terms.patience:
        return (
            Begin(),
            Fence(),
            *_rest(replace(life, reads=0), OperationState.FAILED, "A120", f"not verified: {seen.detail}"),
        )
    later = replace(life, reads=life.reads + 1, wake_at=now + _backoff(life.reads), detail=seen.detail)
    return (Begin(), Fence(), Save(later), Commit())


def _contradicted(life: Life, seen: Verification, now: datetime, terms: Terms) -> Script:
    entry = Append(record=Record.VERIFICATION, detail=seen.detail, verification=seen)
    counted = replace(life, contradictions=life.contradictions + 1, verified_at=None, reads=0)
    if life.state is OperationState.UNCERTAIN:
        counted = replace(counted, contradictions=life.contradictions, failures=life.failures + 1)
    if max(counted.contradictions, counted.failures) >= terms.tries:
        said = "gave no answer" if life.state is OperationState.UNCERTAIN else "said done"
        detail = f"the application {said}; reading shows otherwise: {seen.detail}"
        return (Begin(), Fence(), entry, *_rest(counted, OperationState.CONTRADICTED, "A130", detail))
    tries_so_far = counted.contradictions + counted.failures
    retrying = replace(
        counted, state=OperationState.RETRYING, wake_at=now + _backoff(tries_so_far - 1), detail=seen.detail
    )
    return (Begin(), Fence(), entry, Save(retrying), AdvanceCase(), Commit())


def _hand_confirmed(life: Life, event: HandConfirmed, now: datetime) -> Script:
    if life.state is not OperationState.MANUAL:
        return ()
    done = replace(life, state=OperationState.CONFIRMED_BY_HAND, accepted_at=now, wake_at=None, detail=event.detail)
    entry = Append(record=Record.HAND_CONFIRMATION, detail=f"confirmed by {event.by}: {event.detail}")
    return (Begin(), Lease(), entry, Save(done), AdvanceCase(), Commit())


def _hand_contradicted(life: Life, event: HandContradicted) -> Script:
    if life.state is not OperationState.CONFIRMED_BY_HAND:
        return ()
    entry = Append(record=Record.DECISION, detail=event.detail)
    return (Begin(), Lease(), entry, *_rest(life, OperationState.CONTRADICTED, "X131", event.detail))


def _rest(life: Life, state: OperationState, code: str, detail: str) -> Script:
    """It rests, and a person is told."""
    severity = Severity.WARNING if state is OperationState.MANUAL else Severity.ERROR
    resting = replace(life, state=state, wake_at=None, detail=detail)
    return (Save(resting), OpenFinding(code=code, severity=severity, detail=detail), AdvanceCase(), Commit())


def _retry(life: Life, now: datetime, detail: str, retry_after: timedelta | None = None) -> Life:
    """Being told to wait is no failure: it must not use up the patience with real ones."""
    if retry_after is not None:
        return replace(life, state=OperationState.RETRYING, wake_at=now + retry_after, detail=detail)
    wake_at = now + _backoff(life.failures)
    return replace(life, state=OperationState.RETRYING, failures=life.failures + 1, wake_at=wake_at, detail=detail)


def _backoff(failures: int) -> timedelta:
    """One second, doubled each time, at most 100 s.

    >>> [_backoff(n).total_seconds() for n in (0, 1, 2, 10)]
    [1.0, 2.0, 4.0, 100.0]
    """
    return min(timedelta(seconds=float(2 ** min(max(failures, 0), 8))), BACKOFF_CAP)
