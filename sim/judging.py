"""The last look before an effect or a conclusion, as the shell takes it: predecessors, desired access, gateway."""

from datetime import datetime

from lastday.execution.machine import Judged, Judgement
from lastday.inventory.protection import protection_of
from lastday.model.account import Account, Correlation
from lastday.model.errors import ConnectorError
from lastday.model.identity import Identity, Lifecycle, last_left_at
from lastday.model.ids import ApplicationName, IdentityId, NativeId
from lastday.model.operation import Operation, OperationState, Verb
from lastday.planning import administrators, still_wanted
from lastday.planning.administrators import Administrator, takes_administration
from lastday.planning.profile import ApplicationProfile, profile_of
from lastday.planning.still_wanted import Wanted
from lastday.policy.desired import desired_access
from sim.application import SimulatedApplication
from sim.company import CAPABILITIES, CONFIGURATIONS, POLICIES, SETTLE
from sim.memory import Kept, Memory

_ABOUT_TO_CONCLUDE = (OperationState.UNCERTAIN, OperationState.ACCEPTED, OperationState.VERIFIED)


def profile_in(memory: Memory, name: ApplicationName, now: datetime) -> ApplicationProfile:
    """What planning must know of the application."""
    settings = CONFIGURATIONS[memory.policy]
    application = settings.applications[name]
    here = frozenset(i for i, person in memory.people.items() if person.lifecycle_at(now) is Lifecycle.ACTIVE)
    known = [account for account in memory.accounts.values() if account.application == name]
    return profile_of(
        application,
        tuple(settings.roles.values()),
        capabilities=CAPABILITIES[name],
        settle_s=SETTLE.total_seconds(),
        given=memory.given(name),
        administrators=administrators.administrators_among(known, application.admins, here),
    )


def judged(
    memory: Memory, stored: Kept, application: SimulatedApplication, now: datetime
) -> tuple[Judged, NativeId | None]:
    """The judgement, and the native id of the account where it became known since the plan was made."""
    person = memory.people.get(stored.operation.identity)
    if person is None:
        return Judged(judgement=Judgement.STALE, detail="nobody has this id any more"), None
    account = _account_of(memory, stored.operation)
    native_id = None if account is None else account.native_id
    return _judge(memory, stored, application, person, account, now), native_id


def _judge(
    memory: Memory,
    stored: Kept,
    application: SimulatedApplication,
    person: Identity,
    account: Account | None,
    now: datetime,
) -> Judged:
    operation = stored.operation
    waiting = _waits_for(memory, operation)
    if waiting is not None:
        return Judged(judgement=Judgement.BLOCKED, detail=waiting)
    answer = still_wanted.still_wanted(
        operation,
        desired_access(person, POLICIES[memory.policy], now),
        account,
        profile_in(memory, operation.application, now),
        last_left_at=last_left_at(person.engagements, now),
    )
    if answer.wanted is Wanted.STALE:
        return Judged(judgement=Judgement.STALE, detail=answer.detail)
    if stored.life.state in _ABOUT_TO_CONCLUDE:
        until = may_land_until(memory, stored, now)
        if until is not None:
            return Judged(judgement=Judgement.BLOCKED, detail="another request may still land", until=until)
        return Judged(judgement=Judgement.WANTED, detail=answer.detail)
    if operation.approval is not None and not memory.plans[stored.plan].approved:
        return Judged(judgement=Judgement.HELD, detail="waits for approval")
    return gateway(memory, operation, application, account, now)


_OPPOSITE = {Verb.DISABLE: Verb.ENABLE, Verb.REVOKE: Verb.GIVE}


def may_land_until(memory: Memory, stored: Kept, now: datetime) -> datetime | None:
    """Until when a request that would undo a verified removal may still land; None where there is none.

    It was sent for a newer decision that was itself taken back, so its own operation is over.
    """
    operation = stored.operation
    if stored.life.state is not OperationState.VERIFIED:
        return None
    opposite = (operation.application, operation.native_id, operation.entitlement, _OPPOSITE.get(operation.verb))
    ends = (
        kept.attempted_at + SETTLE
        for kept in memory.operations.values()
        if kept.attempted_at is not None and opposite == _aim(kept.operation)
    )
    return max((end for end in ends if end > now), default=None)


def _aim(operation: Operation) -> tuple[ApplicationName, NativeId | None, str | None, Verb]:
    return operation.application, operation.native_id, operation.entitlement, operation.verb


def gateway(
    memory: Memory, operation: Operation, application: SimulatedApplication, account: Account | None, now: datetime
) -> Judged:
    """Deny last: protected accounts, strangers' accounts, the last administrator."""
    if account is None:
        return Judged(judgement=Judgement.WANTED, detail="")
    settings = CONFIGURATIONS[memory.policy].applications[operation.application]
    if account.protected or protection_of(settings.protect, None)(account.observed, account.kind):
        return Judged(judgement=Judgement.REFUSED, detail="protected")
    if account.correlation is not Correlation.MATCHED or account.identity != operation.identity:
        return Judged(judgement=Judgement.REFUSED, detail="somebody else's account")
    try:
        return _last_administrator(memory, operation, application, account, now)
    except ConnectorError as fault:
        return Judged(judgement=Judgement.BLOCKED, detail=fault.what)


def _last_administrator(
    memory: Memory, operation: Operation, application: SimulatedApplication, account: Account, now: datetime
) -> Judged:
    """Counted at the target, among others who stay and of whom nothing that takes administration is under way."""
    settings = CONFIGURATIONS[memory.policy].applications[operation.application]
    admins = frozenset(settings.admins)
    holds = any(account.observed.holds(name) for name in admins)
    if not (holds and takes_administration(operation.verb, operation.entitlement, admins)):
        return Judged(judgement=Judgement.WANTED, detail="")
    here = frozenset(i for i, person in memory.people.items() if person.lifecycle_at(now) is Lifecycle.ACTIVE)
    seen = tuple(
        Administrator(
            native_id=one.native_id,
            identity=known.identity if known is not None else None,
            enabled=one.enabled,
            stays=known is not None and not known.protected and known.identity in here,
        )
        for one in application.list_all(now)
        if any(one.holds(name) for name in admins)
        for known in (memory.accounts.get((operation.application, one.native_id)),)
    )
    decision = administrators.judge_last_administrator(
        operation.application,
        account.native_id,
        seen,
        owner=settings.owner,
        now=now,
        leaving={operation.identity} | _losing_meanwhile(memory, operation.application, admins, now),
    )
    if decision.allowed:
        return Judged(judgement=Judgement.WANTED, detail="")
    return Judged(judgement=Judgement.REFUSED, detail="the last administrator")


def _losing_meanwhile(
    memory: Memory, application: ApplicationName, admins: frozenset[str], now: datetime
) -> frozenset[IdentityId]:
    """People of whom a request that takes administration was sent and may still land."""
    return frozenset(
        kept.operation.identity
        for kept in memory.operations.values()
        if kept.operation.application == application
        and takes_administration(kept.operation.verb, kept.operation.entitlement, admins)
        and kept.attempted_at is not None
        and kept.attempted_at + SETTLE > now
    )


def _account_of(memory: Memory, operation: Operation) -> Account | None:
    if operation.native_id is not None:
        found = memory.accounts.get((operation.application, operation.native_id))
        return found if found is not None and found.exists else None
    theirs = [a for a in memory.accounts_of(operation.identity) if a.application == operation.application and a.exists]
    certain = [a for a in theirs if a.correlation is Correlation.MATCHED and not a.protected]
    return None if operation.verb is Verb.CREATE or len(certain) != 1 else certain[0]


def _waits_for(memory: Memory, operation: Operation) -> str | None:
    """Which predecessor is not through yet."""
    for predecessor in operation.after:
        kept = memory.operations.get(predecessor)
        state = OperationState.SUPERSEDED if kept is None else kept.life.state
        through = state.counts_for_milestones or (state is OperationState.VERIFIED and not operation.verb.destroys)
        if not through:
            return f"{predecessor} is {state.value}"
    return None
