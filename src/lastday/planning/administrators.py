"""The last administrator of an application: a pure decision over those who hold an admin entitlement there.

The planner decides over the inventory; the gateway decides again, under a lock, over what the application shows.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lastday.model.account import Account, AccountKind, Correlation
from lastday.model.finding import Finding, Severity
from lastday.model.ids import ApplicationName, IdentityId, NativeId
from lastday.model.operation import Verb

SUCCESSOR_TIME = timedelta(hours=4)
"""How long the owner of the application has to name another administrator (design section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Administrator:
    """An account that was seen to hold an admin entitlement."""

    native_id: NativeId
    identity: IdentityId | None
    enabled: bool
    stays: bool
    """A person who is here owns it. Break-glass accounts, our own and those nobody owns do not count as staying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdministratorDecision:
    allowed: bool
    others: int
    """Administrators who stay, without the account in question."""
    finding: Finding | None


def judge_last_administrator(
    application: ApplicationName,
    account: NativeId,
    seen: Iterable[Administrator],
    *,
    owner: str | None,
    now: datetime,
    leaving: Collection[IdentityId] = (),
) -> AdministratorDecision:
    """Whether `account` may lose its administration: another administrator who stays must remain.

    An account that is no enabled administrator takes nothing away and may always go. Two administrators who leave
    together don't count for each other, in either order.
    """
    known = tuple(seen)
    mine = next((one for one in known if one.native_id == account), None)
    others = sum(1 for one in known if one.native_id != account and _counts(one, leaving))
    if others > 0 or mine is None or not mine.enabled:
        return AdministratorDecision(allowed=True, others=others, finding=None)
    return AdministratorDecision(allowed=False, others=0, finding=_last_one(application, account, owner, now))


def takes_administration(verb: Verb, entitlement: str | None, admins: Collection[str]) -> bool:
    """The operation would leave an administrator without administration."""
    return verb in (Verb.DISABLE, Verb.DELETE) or (verb is Verb.REVOKE and entitlement in admins)


def administrators_among(
    accounts: Sequence[Account], admins: Collection[str], here: Collection[IdentityId]
) -> tuple[Administrator, ...]:
    """Those of `accounts` that hold one of `admins`; `here` are the people who are engaged now."""
    return tuple(
        Administrator(
            native_id=account.native_id,
            identity=account.identity,
            enabled=account.observed.enabled,
            stays=_is_kept(account) and account.identity in here,
        )
        for account in accounts
        if account.exists and any(account.observed.holds(name) for name in admins)
    )


def _is_kept(account: Account) -> bool:
    free = not account.protected and account.kind is not AccountKind.BREAK_GLASS
    return free and account.correlation is Correlation.MATCHED


def _counts(one: Administrator, leaving: Collection[IdentityId]) -> bool:
    return one.enabled and one.stays and one.identity is not None and one.identity not in leaving


def _last_one(application: ApplicationName, account: NativeId, owner: str | None, now: datetime) -> Finding:
    return Finding(
        code="A310",
        severity=Severity.CRITICAL,
        subject=f"{application}/{account}",
        detail="This is the last administrator of the application. Sessions are ended; the account and its "
        "administration stay until another administrator is there, as nobody could get in otherwise.",
        mend="Name a successor: give another person who stays the administration, then plan again.",
        owner=owner,
        deadline=now + SUCCESSOR_TIME,
    )
