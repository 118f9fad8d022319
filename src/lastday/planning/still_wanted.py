"""Is an operation still wanted? Asked just before each effect, and before each conclusion, with everything read again.

A rehire beats an old leaver's operation: what was planned for somebody who left is stale as soon as they are here.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from lastday.model.access import AccountWish, DesiredAccess, DesiredAccount
from lastday.model.account import Account, ObservedAccount
from lastday.model.operation import Because, Operation, Verb
from lastday.planning.build import wish_for
from lastday.planning.leaving import deletion_due, keeps
from lastday.planning.profile import ApplicationProfile
from lastday.planning.staying import same_values


class Wanted(StrEnum):
    WANTED = "wanted"
    ALREADY_SO = "already_so"
    """The wish stands, and the account shows it already: no call, only the conclusion."""
    STALE = "stale"
    """A newer decision wants something else: superseded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillWanted:
    wanted: Wanted
    detail: str
    """Why, as a sentence."""


_Answer: TypeAlias = StillWanted
_OFF = (AccountWish.CLOSED, AccountWish.SUSPENDED)
_LOSING = frozenset({Because.ROLE_LOST, Because.NO_REASON, Because.DENIED})


def still_wanted(
    operation: Operation,
    desired: DesiredAccess,
    account: Account | ObservedAccount | None,
    profile: ApplicationProfile,
    *,
    last_left_at: datetime | None = None,
) -> StillWanted:
    """Whether `operation` agrees with what is desired now, and whether `account` (read now) shows it already.

    `account` None says that it was looked for and is not there. For a deletion `last_left_at` tells whether its keep
    time is that of the last leaving: who came back and left again has a new one.
    """
    wish = wish_for(desired, profile.name)
    seen = _observed(account)
    objection = _objection(operation, desired, wish, profile, last_left_at)
    if objection is not None:
        return StillWanted(wanted=Wanted.STALE, detail=objection)
    if seen is None and not operation.verb.removes and operation.verb is not Verb.CREATE:
        return StillWanted(wanted=Wanted.STALE, detail="The account is not there any more; it must be planned again.")
    if _is_so(operation, seen):
        return StillWanted(wanted=Wanted.ALREADY_SO, detail="The account shows it already.")
    return StillWanted(wanted=Wanted.WANTED, detail="It is still what should be so.")


def _observed(account: Account | ObservedAccount | None) -> ObservedAccount | None:
    if isinstance(account, Account):
        return account.observed if account.exists else None
    return account


def _objection(
    operation: Operation,
    desired: DesiredAccess,
    wish: DesiredAccount,
    profile: ApplicationProfile,
    last_left_at: datetime | None,
) -> str | None:
    """Why a newer decision speaks against the operation; None where nothing does."""
    match operation.verb:
        case Verb.DISABLE | Verb.END_SESSIONS | Verb.ROTATE:
            return _against_off(operation, wish)
        case Verb.REVOKE:
            return _against_revoke(operation, wish, profile)
        case Verb.TRANSFER | Verb.WIPE:
            return None if wish.wish is AccountWish.CLOSED else "The person has not left, or is back."
        case Verb.DELETE:
            return _against_delete(operation, desired, wish, profile, last_left_at)
        case _:
            return _against_giving(operation, wish)


def _against_off(operation: Operation, wish: DesiredAccount) -> str | None:
    if wish.wish in _OFF:
        return None
    if wish.wish is AccountWish.UNWANTED and operation.because in _LOSING:
        return None
    if operation.because is Because.ENDED_BEFORE_REHIRE:
        return None  # only ever proposed for an administrator's account of an earlier employment
    return "The person is here and should have the account."


def _against_revoke(operation: Operation, wish: DesiredAccount, profile: ApplicationProfile) -> str | None:
    name = operation.entitlement or ""
    if wish.wish in _OFF:
        return f"{name} is kept." if keeps(wish, name) else None
    if any(assignment.entitlement.name == name for assignment in wish.assignments):
        return f"The person should hold {name} again."
    if operation.because in (Because.ENDED_BEFORE_REHIRE, Because.DENIED) or name in profile.managed:
        return None
    return f"{name} is not managed, and the person is here."


def _against_delete(
    operation: Operation,
    desired: DesiredAccess,
    wish: DesiredAccount,
    profile: ApplicationProfile,
    last_left_at: datetime | None,
) -> str | None:
    if wish.wish is not AccountWish.CLOSED:
        return "The person has not left, or is back."
    due = deletion_due(profile, wish, desired.lifecycle, last_left_at)
    if due is None:
        return "The account is kept, or it is not known when the person left."
    if operation.due_at is None or due > operation.due_at:
        return f"The keep time began anew: it ends on {due.isoformat()}."
    return None


def _against_giving(operation: Operation, wish: DesiredAccount) -> str | None:
    if wish.wish is not AccountWish.ACTIVE:
        return "Nothing should be given to the person here any more."
    names = {assignment.entitlement.name for assignment in wish.assignments}
    if operation.verb is Verb.GIVE and operation.entitlement not in names:
        return f"Nothing gives {operation.entitlement} any more."
    if operation.verb is Verb.UPDATE and not _agrees(operation, wish):
        return "The person's data changed again."
    return None


def _agrees(operation: Operation, wish: DesiredAccount) -> bool:
    values = operation.payload.items()
    cleared = not any(name in wish.attributes for name in operation.cleared)
    return cleared and all(same_values(wish.attributes.get(name, ()), value) for name, value in values)


def _is_so(operation: Operation, seen: ObservedAccount | None) -> bool:
    """The state is there already. Sessions, hand-overs and secrets cannot be seen on an account: never known so."""
    name = operation.entitlement or ""
    match operation.verb:
        case Verb.DISABLE:
            return seen is None or not seen.enabled
        case Verb.REVOKE:
            return seen is None or not seen.holds(name)
        case Verb.CREATE:
            return seen is not None
        case Verb.ENABLE:
            return seen is not None and seen.enabled
        case Verb.GIVE:
            return seen is not None and seen.holds(name)
        case Verb.UPDATE:
            return seen is not None and _shows(operation, seen)
        case _:
            return seen is None


def _shows(operation: Operation, seen: ObservedAccount) -> bool:
    values = operation.payload.items()
    cleared = not any(name in seen.attributes for name in operation.cleared)
    return cleared and all(same_values(seen.attributes.get(name, ()), value) for name, value in values)
