"""Desired against actual access: the plan. Pure; the order of what comes in makes no difference.

Decisions of this room, each with a test:

- An application without a wish for somebody is closed for who has left, off for who is on leave, and unwanted for
  others. An application that could not be read whole yields nothing at all, and the plan is not complete.
- Protected, break-glass and doubtful accounts get a finding and never an operation; neither do accounts of others.
- Who left loses all of their accounts; who is here uses the personal one.
- `observe`: everything is listed with `stopped="observe"`. `propose`: everything waits with `approval="propose"`, but
  for tasks that a person does anyway. `enforce`: removals go; a privileged entitlement waits (`approval="privileged"`)
  unless a first load's acceptance covers it.
- Separation of duties: what gives either side of a broken rule is stopped (B131); all else goes.
- A stop on a person (`stopped`) stops all of their operations, under its code.
- What gives something to an account that is yet to be made has no native id and stands behind its `create`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lastday.configuration.settings import SodSettings
from lastday.model.access import AccountWish, DesiredAccess, DesiredAccount
from lastday.model.account import Account, Correlation, EntitlementRef
from lastday.model.batch import Brake
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Lifecycle
from lastday.model.ids import ApplicationName, IdentityId, OperationId
from lastday.model.operation import Operation, Verb
from lastday.model.plan import MadeFrom, Plan
from lastday.planning.draft import Drafter, Proposal
from lastday.planning.leaving import close_account
from lastday.planning.profile import ApplicationProfile, PersonFacts, is_protected
from lastday.planning.staying import account_in_use, empty_accounts, excess_reason, keep_account

_BY_LIFECYCLE = {
    Lifecycle.ENDED: AccountWish.CLOSED,
    Lifecycle.SUSPENDED: AccountWish.SUSPENDED,
    Lifecycle.RELEASED: AccountWish.SUSPENDED,
}
NOT_STOPPED: Mapping[IdentityId, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What is the same for everybody in a plan."""

    made_from: MadeFrom
    now: datetime
    losing: Mapping[ApplicationName, frozenset[IdentityId]]
    giving_accepted: Collection[IdentityId]


def build_plan(
    people: Sequence[PersonFacts],
    profiles: Mapping[ApplicationName, ApplicationProfile],
    made_from: MadeFrom,
    now: datetime,
    *,
    stopped: Mapping[IdentityId, str] = NOT_STOPPED,
    unreadable: Sequence[ApplicationName] = (),
    separations: Sequence[SodSettings] = (),
    giving_accepted: Collection[IdentityId] = (),
) -> Plan:
    """The plan that closes the gap for `people` in all `profiles` that could be read.

    `giving_accepted` are those of whom the acceptance of a first load covers what the plan gives them.
    """
    known = sorted(people, key=lambda person: person.identity.id)
    readable = [profiles[name] for name in sorted(profiles) if name not in unreadable]
    losing = {profile.name: _losing_administration(known, profile) for profile in readable}
    frame = _Frame(made_from=made_from, now=now, losing=losing, giving_accepted=giving_accepted)
    total = Proposal()
    for person in known:
        total += _for_person(person, readable, frame, stopped.get(person.identity.id), separations)
    return Plan(
        made_from=made_from,
        made_at=now,
        operations=tuple(sorted(total.operations, key=_in_order)),
        no_operations=total.notes,
        drift=_once(total.drift),
        findings=_once(total.findings),
        unreadable=tuple(sorted(set(unreadable))),
    )


def wish_for(desired: DesiredAccess, application: ApplicationName) -> DesiredAccount:
    """What is wished here, also where the policy does not know the application."""
    known = desired.of(application)
    if known is not None:
        return known
    wish = _BY_LIFECYCLE.get(desired.lifecycle, AccountWish.UNWANTED)
    keeps = ("*",) if wish is AccountWish.SUSPENDED else ()
    return DesiredAccount(application=application, wish=wish, assignments=(), keeps=keeps)


def _for_person(
    person: PersonFacts,
    profiles: Iterable[ApplicationProfile],
    frame: _Frame,
    stop: str | None,
    separations: Sequence[SodSettings],
) -> Proposal:
    total = Proposal(findings=person.desired.violations)
    for profile in profiles:
        drafter = Drafter(
            batch=frame.made_from.batch,
            person=person,
            profile=profile,
            now=frame.now,
            losing=frame.losing[profile.name],
            giving_accepted=person.identity.id in frame.giving_accepted,
        )
        total += _in_application(drafter)
    kept_apart = _broken_sides(person.desired, separations)
    operations = _hold_sides(total.operations, kept_apart, all_gives=bool(person.desired.violations) and not kept_apart)
    return replace(total, operations=tuple(_with_stop(operation, stop) for operation in operations))


def _in_application(drafter: Drafter) -> Proposal:
    person, profile = drafter.person, drafter.profile
    linked = [a for a in person.accounts if a.application == profile.name and a.exists]
    theirs = sorted((a for a in linked if a.identity == person.identity.id), key=lambda a: a.native_id)
    ours = [account for account in theirs if _is_certain(account) and not is_protected(account)]
    wish = wish_for(person.desired, profile.name)
    total = Proposal(findings=tuple(_left_alone(account, profile) for account in theirs if account not in ours))
    if wish.wish is AccountWish.ACTIVE:
        return total + _active(drafter, theirs, ours, wish)
    if not theirs:
        return total + drafter.note("No account found, and none is wanted.")
    if wish.wish is AccountWish.UNWANTED:
        return total + empty_accounts(drafter, ours, wish)
    for account in ours:
        total += close_account(drafter, account, wish)
    return total


def _active(drafter: Drafter, theirs: list[Account], ours: list[Account], wish: DesiredAccount) -> Proposal:
    """Somebody whose only account is protected or doubtful gets no second one beside it."""
    if len(ours) < len(theirs) and account_in_use(ours) is None:
        return drafter.note("The account that is there is protected or in doubt; nothing is done.")
    return keep_account(drafter, ours, wish)


def _is_certain(account: Account) -> bool:
    return account.correlation is Correlation.MATCHED


def _left_alone(account: Account, profile: ApplicationProfile) -> Finding:
    protected = is_protected(account)
    return Finding(
        code="A301" if protected else "A302",
        severity=Severity.WARNING,
        subject=f"{account.application}/{account.native_id}",
        detail="The account is protected; automation never touches it."
        if protected
        else "It is not certain whose account this is; nothing is done with it.",
        mend="Decide by hand what becomes of it." if protected else "Say whose account it is.",
        owner=profile.owner,
    )


def _losing_administration(people: Sequence[PersonFacts], profile: ApplicationProfile) -> frozenset[IdentityId]:
    """The people of this plan of whom no administration here can be counted upon."""
    return frozenset(person.identity.id for person in people if profile.admins and _loses(person, profile))


def _loses(person: PersonFacts, profile: ApplicationProfile) -> bool:
    wish = wish_for(person.desired, profile.name)
    if wish.wish in (AccountWish.CLOSED, AccountWish.SUSPENDED):
        return True
    wanted = {assignment.entitlement.name for assignment in wish.assignments}
    return any(
        excess_reason(person, profile, account, name) is not None
        for account in person.accounts
        if account.application == profile.name
        for name in profile.admins - wanted
        if account.observed.holds(name)
    )


def _broken_sides(desired: DesiredAccess, separations: Sequence[SodSettings]) -> frozenset[EntitlementRef]:
    if not desired.violations:
        return frozenset()
    held = {assignment.entitlement for account in desired.accounts for assignment in account.assignments}
    return frozenset(side for rule in separations if set(rule.both) <= held for side in rule.both)


def _hold_sides(
    operations: tuple[Operation, ...], sides: frozenset[EntitlementRef], *, all_gives: bool
) -> tuple[Operation, ...]:
    """What gives one of `sides` is stopped, and an account made for nothing else.

    `all_gives` where a rule is broken and nobody says which.
    """
    held = {operation.id for operation in operations if _gives_a_side(operation, sides, all_gives=all_gives)}
    held |= {o.id for o in operations if o.verb is Verb.CREATE and _only_for(o, operations) <= held}
    code = Brake.SEPARATION_OF_DUTIES.value
    return tuple(_with_stop(operation, code if operation.id in held else None) for operation in operations)


def _gives_a_side(operation: Operation, sides: frozenset[EntitlementRef], *, all_gives: bool) -> bool:
    if operation.verb is not Verb.GIVE or operation.entitlement is None:
        return False
    return all_gives or EntitlementRef(operation.application, operation.entitlement) in sides


def _only_for(create: Operation, operations: tuple[Operation, ...]) -> frozenset[OperationId]:
    """What the new account is for; where nothing hangs on it, it is for itself."""
    return frozenset(o.id for o in operations if create.id in o.after) or frozenset({create.id})


def _with_stop(operation: Operation, code: str | None) -> Operation:
    """The first stop stands: what is only observed stays so, whatever else would hold it."""
    if code is None or operation.stopped is not None:
        return operation
    return replace(operation, stopped=code)


def _in_order(operation: Operation) -> tuple[str, int, str, str, str]:
    return (operation.identity, operation.priority, operation.application, operation.entitlement or "", operation.id)


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(dict.fromkeys(findings))
