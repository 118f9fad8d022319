"""Accounts that nobody legitimate owns, and changes that nobody here made. Shown; nothing follows by itself."""

from collections.abc import Collection, Sequence
from datetime import datetime

from lastday.model.account import Account, AccountKind, Correlation
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Identity, Lifecycle
from lastday.model.ids import ApplicationName, NativeId

OurGiving = tuple[ApplicationName, NativeId, str]
"""Application, native id and entitlement that an operation of ours gave."""


def orphans(accounts: Sequence[Account], identities: Sequence[Identity], now: datetime) -> tuple[Finding, ...]:
    """A finding for every account whose owner has left, is not known any more, or was never found.

    Protected accounts have an owner by decision. An account that is off and whose owner left is no orphan: it waits
    for the end of its keep time. Call it with accounts of complete snapshots only.
    """
    lifecycles = {identity.id: identity.lifecycle_at(now) for identity in identities}
    known = sorted(accounts, key=lambda account: (account.application, account.native_id))
    found = (_orphan(account, lifecycles.get(account.identity) if account.identity else None) for account in known)
    return tuple(finding for finding in found if finding is not None)


def _orphan(account: Account, owner: Lifecycle | None) -> Finding | None:
    if not account.exists or account.protected or account.kind is AccountKind.BREAK_GLASS:
        return None
    if account.identity is None:
        doubtful = account.correlation is Correlation.AMBIGUOUS
        return None if doubtful else _finding("A202", account, "Nobody owns this account.")
    if owner is None:
        return _finding("A204", account, "Its owner is not known any more.")
    if owner is Lifecycle.ENDED and account.observed.enabled:
        return _finding("A201", account, "Its owner has left, and the account is on.")
    return None


def drift(before: Sequence[Account], after: Sequence[Account], ours: Collection[OurGiving] = ()) -> tuple[Finding, ...]:
    """A finding for every holding that appeared since `before` without an operation of ours.

    An account that was not there before is not drift but an account to correlate.
    """
    known = {(account.application, account.native_id): account for account in before if account.exists}
    found = []
    for account in sorted(after, key=lambda a: (a.application, a.native_id)):
        earlier = known.get((account.application, account.native_id))
        if earlier is not None and account.exists:
            names = (name for name in _new_names(earlier, account) if _not_ours(account, name, ours))
            found += [_appeared(account, name) for name in names]
    return tuple(found)


def _new_names(earlier: Account, account: Account) -> list[str]:
    had = {holding.entitlement for holding in earlier.observed.holdings}
    return sorted({holding.entitlement for holding in account.observed.holdings} - had)


def _not_ours(account: Account, name: str, ours: Collection[OurGiving]) -> bool:
    return (account.application, account.native_id, name) not in ours


def _appeared(account: Account, name: str) -> Finding:
    return _finding("A205", account, f"{name} was given in the application itself, not from here.")


def _finding(code: str, account: Account, detail: str) -> Finding:
    return Finding(
        code=code,
        severity=Severity.INFO if code == "A205" else Severity.WARNING,
        subject=f"{account.application}/{account.native_id}",
        detail=detail,
        mend="Name its owner, close it, or accept it with a reason and an end.",
    )
