"""How certificates put things: each verb and each state in words that an auditor reads without us."""

from collections.abc import Mapping
from datetime import UTC, datetime

from lastday.model.case import CaseKind, Coverage
from lastday.model.change import Surprise
from lastday.model.operation import Milestone, OperationState, Verb
from lastday.store.operations import StoredOperation

TITLES: Mapping[CaseKind, str] = {
    CaseKind.LEAVER: "Certificate of leaving",
    CaseKind.JOINER: "Certificate of joining",
    CaseKind.MOVER: "Certificate of a move",
    CaseKind.RENAME: "Certificate of a change of name",
    CaseKind.LEAVE: "Certificate of a leave of absence",
    CaseKind.RETURN: "Certificate of a return",
}

CLOSING_KINDS = (CaseKind.LEAVER, CaseKind.LEAVE)
"""Cases whose point is that access goes."""

MILESTONES: Mapping[Milestone, str] = {
    Milestone.ACCESS_GONE: "Sign-in gone",
    Milestone.ENTITLEMENTS_GONE: "Groups, roles and licences gone",
    Milestone.POSSESSIONS_CLOSED: "Possessions handed over",
    Milestone.DATA_RETIRED: "Accounts deleted",
}

_ACTIONS: Mapping[Verb, str] = {
    Verb.CREATE: "account made",
    Verb.UPDATE: "account brought up to date",
    Verb.ENABLE: "sign-in switched on",
    Verb.DISABLE: "sign-in switched off",
    Verb.GIVE: "given {entitlement}",
    Verb.REVOKE: "{entitlement} taken away",
    Verb.END_SESSIONS: "open sessions ended",
    Verb.ROTATE: "credential changed",
    Verb.TRANSFER: "what it owns handed to {successor}",
    Verb.WIPE: "device wiped",
    Verb.DELETE: "account deleted",
}

_SETTLED: Mapping[Verb, str] = {
    Verb.TRANSFER: "handed over",
    Verb.END_SESSIONS: "ended",
    Verb.ROTATE: "changed",
    Verb.WIPE: "wiped",
}

_STATES: Mapping[OperationState, str] = {
    OperationState.PLANNED: "not begun yet",
    OperationState.STOPPED: "stopped by a brake",
    OperationState.ACTING: "under way",
    OperationState.UNCERTAIN: "sent, no answer: not yet proven",
    OperationState.RETRYING: "not done yet, tried again",
    OperationState.ACCEPTED: "accepted, not yet read back",
    OperationState.CONTRADICTED: "NOT done: the application says so, a read shows the opposite",
    OperationState.MANUAL: "waits for a person to do it",
    OperationState.CONFIRMED_BY_HAND: "confirmed by hand",
    OperationState.FAILED: "NOT done: failed",
    OperationState.SUPERSEDED: "not wanted any more",
    OperationState.ACCEPTED_RISK: "left, the risk was accepted",
}

FORESEEN: Mapping[Surprise, str] = {
    Surprise.EXPECTED: "yes, the source had said so before",
    Surprise.ANNOUNCED: "yes, it was announced",
    Surprise.NAMED: "ordered by name",
    Surprise.SURPRISE: "no",
}

COVERAGES: Mapping[Coverage, str] = {
    Coverage.UNKNOWN: "not known",
    Coverage.NO_ACCOUNT: "no account found",
    Coverage.PENDING: "under way",
    Coverage.GONE: "access gone",
    Coverage.RIGHT: "as it should be",
    Coverage.MANUAL: "waits for a person to do it",
    Coverage.CONFIRMED_BY_HAND: "confirmed by hand",
    Coverage.CONTRADICTED: "NOT done: a read shows the opposite",
    Coverage.FAILED: "NOT done: failed",
}


def action_words(stored: StoredOperation) -> str:
    """What was done: `group/vpn taken away`."""
    o = stored.operation
    successor = o.payload.text("successor") or "a successor"
    return _ACTIONS[o.verb].format(entitlement=o.entitlement or "an entitlement", successor=successor)


def state_words(stored: StoredOperation) -> str:
    """How far it is proven."""
    life, removes = stored.life, stored.operation.verb.removes
    if life.state is OperationState.SETTLED:
        return _SETTLED.get(stored.operation.verb, "gone" if removes else "in place")
    if life.state is OperationState.VERIFIED:
        return "gone, second read still to come" if removes else "in place"
    if life.state is OperationState.WAITING:
        return f"waits until {instant_words(life.wake_at)}" if life.wake_at else "waits for an approval"
    return _STATES[life.state]


def instant_words(at: datetime) -> str:
    """An instant in UTC to the second.

    >>> instant_words(datetime(2026, 11, 24, 6, 0, 7, tzinfo=UTC))
    '2026-11-24 06:00:07 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span_words(seconds: float) -> str:
    """A length of time, the two largest units of it.

    >>> span_words(7.26), span_words(900), span_words(3725), span_words(183_600)
    ('7.3 s', '15 min', '1 h 2 min', '2 d 3 h')
    """
    if seconds < 60:
        return f"{max(seconds, 0):.1f} s"
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    whole, parts = int(seconds), []
    for name, size in units:
        count, whole = divmod(whole, size)
        parts.append((count, name))
    first = next(place for place, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {name}" for count, name in parts[first : first + 2] if count)
