"""What is proposed for accounts that must be off: of people who left, and of people on leave.

Who left loses everything that is linked to them, managed or not. The order inside an account follows from the
priorities (sign-in, sessions, holdings, hand-over); a hard edge stands only before what destroys, so that a failure
never keeps another door open.

Deletion is proposed together with the disable, for the end of the keep time and behind all other steps; between
then and its hour nothing is proposed again, and when the hour has come it is proposed again behind a fresh hand-over.
"""

from dataclasses import replace
from datetime import datetime

from lastday.model.access import AccountWish, DesiredAccount
from lastday.model.account import Account, AccountKind, ObservedHolding, Via
from lastday.model.attributes import Attributes
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Lifecycle
from lastday.model.operation import Because, Operation, Verb
from lastday.planning.administrators import takes_administration
from lastday.planning.draft import Drafter, Proposal
from lastday.planning.profile import DELETES, ENDS_SESSIONS, TRANSFERS, ApplicationProfile, key_of

_SHARED = (AccountKind.SHARED, AccountKind.SERVICE)


def keeps(wish: DesiredAccount, entitlement: str) -> bool:
    """The entitlement stays although the account is off."""
    return "*" in wish.keeps or entitlement in wish.keeps


def close_account(drafter: Drafter, account: Account, wish: DesiredAccount) -> Proposal:
    """The account goes off and is emptied of all that `wish` does not keep; deleted where a keep time is set."""
    if account.kind in _SHARED:
        return Proposal(findings=(_succession(drafter, account),))
    because = _why(drafter, wish)
    if wish.wish is AccountWish.SUSPENDED and drafter.profile.destroys_with(Verb.DISABLE.value):
        return _left_on(drafter, account, wish)
    spared = _spare_last_administrator(drafter, account, wish, because)
    if spared is not None:
        return spared
    off = () if account.kind is AccountKind.GUEST else _switch_off(drafter, account, because)
    stripped = _strip(drafter, account, wish, because)
    handed = _hand_over(drafter, account, wish, because)
    before = (*off, *stripped.operations, *handed)
    gone = _delete(drafter, account, wish, before)
    found = Proposal(operations=(*_behind(handed, (*off, *stripped.operations)), *handed, *gone))
    result = found + Proposal(findings=stripped.findings)
    return result if result.operations else result + drafter.note(_resting(drafter, account, wish))


def _switch_off(drafter: Drafter, account: Account, because: Because) -> tuple[Operation, ...]:
    """Disable, where it is on, and end the sessions, where that can be done and is not known to be done."""
    on = account.observed.enabled
    off = [drafter.operation(Verb.DISABLE, account, because, _off_sentence(drafter, account, because))] if on else []
    if drafter.profile.can(ENDS_SESSIONS) and (on or key_of(account) in drafter.person.sessions_open):
        off.append(drafter.operation(Verb.END_SESSIONS, account, because, f"{_sentence(drafter, because)}: sessions."))
    return tuple(off)


def _off_sentence(drafter: Drafter, account: Account, because: Because) -> str:
    """A task for a person says all there is to do, as only the account is asked for again."""
    held = ", ".join(sorted(holding.entitlement for holding in account.observed.holdings))
    by_hand = f" Remove what it holds: {held}." if drafter.profile.disconnected and held else ""
    final = " This cannot be undone here." if drafter.profile.destroys_with(Verb.DISABLE.value) else ""
    return f"{_sentence(drafter, because)}: nobody may sign in any more.{final}{by_hand}"


def _strip(drafter: Drafter, account: Account, wish: DesiredAccount, because: Because) -> Proposal:
    """Every direct holding goes; one that something else carries goes with its carrier, which is said."""
    if drafter.profile.disconnected:
        return Proposal()
    going = [holding for holding in account.observed.holdings if not keeps(wish, holding.entitlement)]
    operations = tuple(
        drafter.operation(
            Verb.REVOKE,
            account,
            because,
            f"{_sentence(drafter, because)}: gives back {holding.entitlement}.",
            entitlement=holding.entitlement,
        )
        for holding in sorted(going)
        if holding.via is Via.DIRECT
    )
    carried = tuple(carried_finding(drafter, account, holding) for holding in going if holding.via is not Via.DIRECT)
    return Proposal(operations=operations, findings=carried)


def carried_finding(drafter: Drafter, account: Account, holding: ObservedHolding) -> Finding:
    """Says that a holding cannot be removed singly."""
    return Finding(
        code="A304",
        severity=Severity.INFO,
        subject=f"{drafter.profile.name}/{account.native_id}",
        detail=f"{holding.entitlement} comes by {holding.via.value} and cannot be removed singly; "
        "it goes when what carries it goes.",
        mend="Where it stays, remove it at what carries it.",
        owner=drafter.profile.owner,
    )


def _hand_over(drafter: Drafter, account: Account, wish: DesiredAccount, because: Because) -> tuple[Operation, ...]:
    """What the account owns goes to the successor: with the disable, and again just before a deletion."""
    profile = drafter.profile
    needed = account.observed.enabled or _deletion_is_due(drafter, wish)
    done = key_of(account) in drafter.person.handed_over
    if wish.wish is not AccountWish.CLOSED or profile.successor is None or not profile.can(TRANSFERS):
        return ()
    if done or not needed or account.kind is AccountKind.GUEST:
        return ()
    sentence = f"{_sentence(drafter, because)}: what the account owns goes to {profile.successor}."
    payload = Attributes.of({"successor": profile.successor})
    return (drafter.operation(Verb.TRANSFER, account, because, sentence, payload=payload),)


def _behind(handed: tuple[Operation, ...], operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """Before what destroys, the hand-over comes first."""
    if not handed:
        return operations
    return tuple(_after(operation, handed) if operation.destroys else operation for operation in operations)


def _after(operation: Operation, before: tuple[Operation, ...]) -> Operation:
    return replace(operation, after=tuple(one.id for one in before))


def _delete(
    drafter: Drafter, account: Account, wish: DesiredAccount, before: tuple[Operation, ...]
) -> tuple[Operation, ...]:
    due = deletion_due(drafter.profile, wish, drafter.person.desired.lifecycle, drafter.person.last_left_at)
    first_time = account.observed.enabled
    if due is None or account.kind is AccountKind.GUEST or not (first_time or due <= drafter.now):
        return ()
    return (
        drafter.operation(
            Verb.DELETE,
            account,
            Because.KEEP_TIME_OVER,
            f"The account is kept until {due.isoformat()}, then deleted.",
            after=tuple(operation.id for operation in before),
            due_at=due,
        ),
    )


def deletion_due(
    profile: ApplicationProfile, wish: DesiredAccount, lifecycle: Lifecycle, left_at: datetime | None
) -> datetime | None:
    """When an account of somebody who left is deleted; None where it is kept without an end or left to people."""
    closed = wish.wish is AccountWish.CLOSED and lifecycle is Lifecycle.ENDED and not keeps(wish, "account")
    if not closed or profile.keep_for is None or left_at is None or not profile.can(DELETES):
        return None
    return left_at + profile.keep_for


def _deletion_is_due(drafter: Drafter, wish: DesiredAccount) -> bool:
    due = deletion_due(drafter.profile, wish, drafter.person.desired.lifecycle, drafter.person.last_left_at)
    return due is not None and due <= drafter.now


def _spare_last_administrator(
    drafter: Drafter, account: Account, wish: DesiredAccount, because: Because
) -> Proposal | None:
    """Sessions end and other holdings go; sign-in and administration stay until a successor is there. Else None."""
    finding = drafter.last_administrator_of(account)
    if finding is None:
        return None
    off = [o for o in _switch_off(drafter, account, because) if o.verb is Verb.END_SESSIONS]
    stripped = _strip(drafter, account, wish, because)
    kept = [o for o in stripped.operations if not takes_administration(o.verb, o.entitlement, drafter.profile.admins)]
    return Proposal(operations=(*off, *kept), findings=(*stripped.findings, finding))


def _succession(drafter: Drafter, account: Account) -> Finding:
    return Finding(
        code="A303",
        severity=Severity.WARNING,
        subject=f"{drafter.profile.name}/{account.native_id}",
        detail=f"A {account.kind.value} account belongs to somebody who is out; others may depend on it, "
        "so it is not switched off.",
        mend="Name a new owner and change its secret, which the person may know; or close it.",
        owner=drafter.profile.owner,
    )


def _left_on(drafter: Drafter, account: Account, wish: DesiredAccount) -> Proposal:
    """Somebody on leave comes back, and what is switched off here does not: it is emptied, and stays on."""
    off = [o for o in _switch_off(drafter, account, Because.ON_LEAVE) if not o.destroys]
    stripped = _strip(drafter, account, wish, Because.ON_LEAVE)
    finding = Finding(
        code="A307",
        severity=Severity.WARNING,
        subject=f"{drafter.profile.name}/{account.native_id}",
        detail="The person is on leave, and switching the account off here would destroy it, so it stays on.",
        mend="Take what it can do by hand, or let it be until the person is back.",
        owner=drafter.profile.owner,
    )
    return stripped + Proposal(operations=tuple(off), findings=(finding,) if account.observed.enabled else ())


def _why(drafter: Drafter, wish: DesiredAccount) -> Because:
    """The reason of the case where it is one of leaving; else what the lifecycle says."""
    if wish.wish is AccountWish.SUSPENDED:
        return Because.ON_LEAVE
    reason = drafter.person.case_reason
    return reason if reason in (Because.LEFT, Because.CONTRACT_ENDED) and reason is not None else Because.LEFT


def _sentence(drafter: Drafter, because: Because) -> str:
    left = drafter.person.last_left_at
    when = "" if left is None else f" on {left.isoformat()}"
    if because is Because.ON_LEAVE:
        lifecycle = drafter.person.desired.lifecycle
        return "On garden leave" if lifecycle is Lifecycle.RELEASED else "On leave of absence"
    return f"The contract ended{when}" if because is Because.CONTRACT_ENDED else f"Left{when}"


def _resting(drafter: Drafter, account: Account, wish: DesiredAccount) -> str:
    due = deletion_due(drafter.profile, wish, drafter.person.desired.lifecycle, drafter.person.last_left_at)
    kept = "" if due is None else f"; it will be deleted on {due.isoformat()}"
    what = "holds nothing that can be taken" if account.kind is AccountKind.GUEST else "is off and holds nothing"
    return f"The account {what if '*' not in wish.keeps else 'is off and keeps what it holds'}{kept}."
