"""What is proposed for people who are here: the account exists, is on, is up to date, holds what it should.

Excess is taken only where it is managed, denied, or left over from before the person was hired again; other excess
is drift, which is shown and not touched. Of several accounts the personal one is used; administrators' accounts and
the like are left alone while their owner is here.

A person who comes back inside the keep time gets today's access and nothing old: what was first seen before they
left and has no reason today goes first, managed or not; then the account goes on; then what is missing is given.
"""

from collections.abc import Sequence
from datetime import datetime

from lastday.model.access import DesiredAccount
from lastday.model.account import Account, AccountKind, EntitlementRef, ObservedHolding, Via
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.finding import Finding, Severity
from lastday.model.operation import Because, Operation, Verb
from lastday.planning.draft import Drafter, Proposal, reasons_by_name
from lastday.planning.leaving import carried_finding
from lastday.planning.profile import DEFAULT_NAMES, ENDS_SESSIONS, UPDATES, ApplicationProfile, PersonFacts
from lastday.policy.names import expand_candidates


def account_in_use(accounts: Sequence[Account]) -> Account | None:
    """The one that the person works with: personal before guest, one that is on, the longest known."""
    return min((account for account in accounts if _is_own(account)), key=_use_order, default=None)


def _use_order(account: Account) -> tuple[bool, bool, datetime, str]:
    personal, on = account.kind is AccountKind.PERSONAL, account.observed.enabled
    return (not personal, not on, account.first_seen_at, account.native_id)


def keep_account(drafter: Drafter, accounts: Sequence[Account], wish: DesiredAccount) -> Proposal:
    """The person's account here is as `wish` says; the other accounts keep nothing that is not theirs."""
    account = account_in_use(accounts)
    found = _others(drafter, [other for other in accounts if other is not account], wish)
    if account is None:
        return found + _create(drafter, wish)
    lively = (*_enable(drafter, account), *_update(drafter, account, wish), *_give(drafter, account, ()))
    found += _take_excess(drafter, account, wish) + Proposal(operations=lively)
    return found if found.operations else found + drafter.note("The account is as it should be.")


def empty_accounts(drafter: Drafter, accounts: Sequence[Account], wish: DesiredAccount) -> Proposal:
    """Nothing asks for an account here, but the person stays: theirs lose what is managed.

    A personal account goes off too where accounts are managed here and nothing that is not managed is left on it.
    """
    found = _others(drafter, [account for account in accounts if not _is_own(account)], wish)
    for account in accounts:
        if _is_own(account):
            found += _empty(drafter, account, wish)
    return found if found.operations else found + drafter.note("Nothing managed is left on an account here.")


def _is_own(account: Account) -> bool:
    return account.kind in (AccountKind.PERSONAL, AccountKind.GUEST)


def _empty(drafter: Drafter, account: Account, wish: DesiredAccount) -> Proposal:
    excess = _take_excess(drafter, account, wish)
    taken = {operation.entitlement for operation in excess.operations}
    left = [holding for holding in account.observed.holdings if holding.entitlement not in taken]
    off = () if left or not account.observed.enabled else _switch_off(drafter, account)
    return excess + Proposal(operations=off)


def _others(drafter: Drafter, accounts: Sequence[Account], wish: DesiredAccount) -> Proposal:
    """Beside the account in use: a second personal one loses excess; others only what is from before a rehire.

    Such an account goes off with it, as nobody decided that it is needed today.
    """
    found = Proposal()
    for account in accounts:
        if _is_own(account):
            found += _take_excess(drafter, account, wish)
        elif account.kind is AccountKind.ADMIN:
            found += _close_former(drafter, account, wish)
    return found


def _close_former(drafter: Drafter, account: Account, wish: DesiredAccount) -> Proposal:
    """What is from before a rehire and has no reason today goes; the account too, where no reason covers any of it."""
    left, because = drafter.person.last_left_at, Because.ENDED_BEFORE_REHIRE
    wanted = {assignment.entitlement.name for assignment in wish.assignments}
    found, covered = Proposal(), False
    for holding in sorted(account.observed.holdings):
        if holding.entitlement in wanted:
            covered = True
        elif left is not None and _held_since(account, holding.entitlement) < left:
            found += _excess(drafter, account, holding)
    last = drafter.last_administrator_of(account)
    if found.operations and account.observed.enabled and not covered and last is None:
        sentence = "The account is from before the person left; nothing gives it today."
        found += Proposal(operations=(drafter.operation(Verb.DISABLE, account, because, sentence),))
    return found


def _switch_off(drafter: Drafter, account: Account) -> tuple[Operation, ...]:
    denied = EntitlementRef(drafter.profile.name, "account") in drafter.person.denied
    managed = "account" in drafter.profile.managed and account.kind is AccountKind.PERSONAL
    if not (denied or managed):
        return ()
    because = _lost(drafter, "account")
    off = [drafter.operation(Verb.DISABLE, account, because, "No reason for an account here is left.")]
    if drafter.profile.can(ENDS_SESSIONS):
        off.append(drafter.operation(Verb.END_SESSIONS, account, because, "No reason for an account here is left."))
    return tuple(off)


def _create(drafter: Drafter, wish: DesiredAccount) -> Proposal:
    """A new account with its key, then what it should hold; without a key it could never be found again."""
    profile, person = drafter.profile, drafter.person
    attributes = person.identity.leading_engagement(drafter.now).attributes
    keys = {mine: attributes.get(theirs, ()) for mine, theirs in profile.proof}
    if not any(keys.values()) and not profile.disconnected:
        return Proposal(findings=(_no_key(drafter),))
    names = {mine: expand_candidates(templates, attributes) for mine, templates in profile.create[1:]}
    others = Attributes.of({mine: found[0] for mine, found in names.items() if found})
    because = Because.JOINED if person.case_reason is Because.JOINED else Because.ROLE_GAINED
    made = drafter.operation(
        Verb.CREATE,
        None,
        because,
        f"Needs an account: {reasons_by_name(person, profile).get('account', 'assigned')}",
        payload=others.merged(wish.attributes).merged(Attributes.of(keys)),
        name_candidates=expand_candidates(profile.create[0][1] if profile.create else DEFAULT_NAMES, attributes),
    )
    return Proposal(operations=(made, *_give(drafter, None, (made,))))


def _no_key(drafter: Drafter) -> Finding:
    wanted = ", ".join(theirs for _, theirs in drafter.profile.proof) or "a proof line in `match`"
    return Finding(
        code="A305",
        severity=Severity.ERROR,
        subject=drafter.person.identity.id,
        detail=f"No account can be made in {drafter.profile.name}: it needs {wanted}, by which it is found again.",
        mend="Complete the person's data in the source, or name a proof attribute in the application's `match`.",
        owner=drafter.profile.owner,
    )


def _enable(drafter: Drafter, account: Account) -> tuple[Operation, ...]:
    if account.observed.enabled or account.kind is AccountKind.GUEST:
        return ()
    return (drafter.operation(Verb.ENABLE, account, Because.CAME_BACK, "The person is here and needs the account."),)


def _update(drafter: Drafter, account: Account, wish: DesiredAccount) -> tuple[Operation, ...]:
    changed, cleared = attribute_changes(drafter.profile, account.observed.attributes, wish.attributes)
    if not (changed or cleared) or drafter.profile.disconnected or not drafter.profile.can(UPDATES):
        return ()
    named = ", ".join(sorted((*changed, *cleared)))
    sentence = f"The person's data changed: {named}."
    return (
        drafter.operation(Verb.UPDATE, account, Because.ATTRIBUTE_CHANGED, sentence, payload=changed, cleared=cleared),
    )


def attribute_changes(
    profile: ApplicationProfile, has: Attributes, wanted: Attributes
) -> tuple[Attributes, tuple[str, ...]]:
    """The mapped values to set, and the mapped attributes to clear as the person has no value any more."""
    mapped = [mine for mine, _ in profile.attributes]
    changed = {name: wanted[name] for name in wanted if not same_values(has.get(name, ()), wanted[name])}
    cleared = tuple(sorted(name for name in mapped if name not in wanted and name in has))
    return Attributes.of(changed), cleared


def same_values(left: Sequence[AttributeValue], right: Sequence[AttributeValue]) -> bool:
    """The same values in any order, whether an application shows them as text or not."""
    return sorted(_as_text(value) for value in left) == sorted(_as_text(value) for value in right)


def _as_text(value: AttributeValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _give(drafter: Drafter, account: Account | None, after: tuple[Operation, ...]) -> tuple[Operation, ...]:
    reasons = reasons_by_name(drafter.person, drafter.profile)
    because = Because.JOINED if account is None and drafter.person.case_reason is Because.JOINED else None
    return tuple(
        drafter.operation(
            Verb.GIVE,
            account,
            because or Because.ROLE_GAINED,
            f"Should hold {name}: {reasons[name]}",
            entitlement=name,
            after=tuple(operation.id for operation in after),
        )
        for name in sorted(reasons)
        if name != "account" and not (account is not None and account.observed.holds(name))
    )


def _take_excess(drafter: Drafter, account: Account, wish: DesiredAccount) -> Proposal:
    """What the account holds without a reason: taken, or shown as drift."""
    wanted = {assignment.entitlement.name for assignment in wish.assignments}
    proposal = Proposal()
    for holding in sorted(account.observed.holdings):
        if holding.entitlement not in wanted:
            proposal += _excess(drafter, account, holding)
    return proposal


def _excess(drafter: Drafter, account: Account, holding: ObservedHolding) -> Proposal:
    name = holding.entitlement
    because = excess_reason(drafter.person, drafter.profile, account, name)
    if because is None:
        return Proposal(drift=(_unmanaged(drafter, account, name),))
    if holding.via is not Via.DIRECT:
        return Proposal(findings=(carried_finding(drafter, account, holding),))
    operation = drafter.operation(Verb.REVOKE, account, because, _excess_sentence(because, name), entitlement=name)
    last = drafter.last_administrator(account) if name in drafter.profile.admins else None
    if last is not None:
        return Proposal(findings=(last,))
    return Proposal(operations=(operation,))


def excess_reason(person: PersonFacts, profile: ApplicationProfile, account: Account, name: str) -> Because | None:
    """Why a holding without assignment goes; None where it is not ours to take."""
    left = person.last_left_at
    if left is not None and _held_since(account, name) < left:
        return Because.ENDED_BEFORE_REHIRE
    if EntitlementRef(profile.name, name) in person.denied:
        return Because.DENIED
    if name not in profile.managed:
        return None
    return Because.ROLE_LOST if person.case_reason is Because.ROLE_LOST else Because.NO_REASON


def _lost(drafter: Drafter, name: str) -> Because:
    if EntitlementRef(drafter.profile.name, name) in drafter.person.denied:
        return Because.DENIED
    return Because.ROLE_LOST if drafter.person.case_reason is Because.ROLE_LOST else Because.NO_REASON


def _held_since(account: Account, name: str) -> datetime:
    return dict(account.holdings_since).get(name, account.first_seen_at)


def _excess_sentence(because: Because, name: str) -> str:
    return {
        Because.ENDED_BEFORE_REHIRE: f"{name} is from before the person left; nothing gives it today.",
        Because.DENIED: f"It was decided that the person does not hold {name}.",
        Because.ROLE_LOST: f"No role gives {name} after the move.",
    }.get(because, f"No reason: nothing gives {name}.")


def _unmanaged(drafter: Drafter, account: Account, name: str) -> Finding:
    return Finding(
        code="A306",
        severity=Severity.INFO,
        subject=f"{drafter.profile.name}/{account.native_id}",
        detail=f"Holds {name}, which nothing here gives and which is not managed, so it stays.",
        mend="Give it by a role, take it in with `manage`, or remove it in the application.",
        owner=drafter.profile.owner,
    )
