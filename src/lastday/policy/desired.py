"""The policy's whole answer for one person at one moment: what they should have, where, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lastday.configuration.settings import AbsenceProfile, ApplicationSettings
from lastday.model.access import (
    AccountWish,
    Adopted,
    Assignment,
    Deny,
    DesiredAccess,
    DesiredAccount,
    Reason,
    ReasonKind,
)
from lastday.model.account import EntitlementRef
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.identity import Engagement, Identity, Lifecycle, last_left_at
from lastday.model.ids import ApplicationName
from lastday.policy.compiled import CompiledPolicy, CompiledProfile, CompiledRole
from lastday.policy.separation import violations_of
from lastday.policy.view import identity_views

_Reasons = dict[EntitlementRef, set[Reason]]


def desired_access(
    identity: Identity,
    policy: CompiledPolicy,
    now: datetime,
    *,
    adopted: Sequence[Adopted] = (),
    denies: Sequence[Deny] = (),
) -> DesiredAccess:
    """What `identity` should have at `now`, one wish for each application of the configuration.

    Roles are evaluated for each engagement that counts and united; a deny that has not ended outranks every reason.
    The order of engagements, roles, adopted holdings and denies makes no difference (invariant I9).
    """
    lifecycle = identity.lifecycle_at(now)
    assignments = _assignments(identity, policy, now, adopted, denies)
    profile = _leaver_profile(identity, policy, now) if lifecycle is Lifecycle.ENDED else None
    attributes = identity.leading_engagement(now).attributes if identity.engagements else NO_ATTRIBUTES
    return DesiredAccess(
        identity=identity.id,
        at=now,
        lifecycle=lifecycle,
        accounts=tuple(
            _desired_account(application, lifecycle, assignments.get(application.name, ()), policy, attributes)
            for application in sorted(policy.configuration.applications.values(), key=lambda a: a.name)
        ),
        profile=None if profile is None else profile.settings.name,
        limit_s=None if profile is None else int(profile.settings.limit.total_seconds()),
        violations=violations_of(identity.id, [a for given in assignments.values() for a in given], policy.sod),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHeld:
    """A role whose condition an engagement satisfies."""

    role: CompiledRole
    engagement: Engagement


def roles_held(identity: Identity, policy: CompiledPolicy, now: datetime) -> tuple[RoleHeld, ...]:
    """The roles of `identity` at `now`, once for each engagement that satisfies the condition.

    A role whose condition does not name the lifecycle needs it to be active. One that names it may also give before
    the first day; during leave and garden leave `[leave]` decides, and after the end nothing is given.
    """
    counting = counting_engagements(identity, now)
    active = identity.lifecycle_at(now) is Lifecycle.ACTIVE
    views = dict(zip(identity.engagements, identity_views(identity, now), strict=True)) if counting else {}
    return tuple(
        RoleHeld(role=role, engagement=engagement)
        for role in policy.roles
        if active or role.settings.names_lifecycle
        for engagement in counting
        if role.holds(views[engagement], now)
    )


def counting_engagements(identity: Identity, now: datetime) -> tuple[Engagement, ...]:
    """The engagements for which roles are evaluated, the oldest first.

    Of an active person those that live, less any on garden leave: work that somebody was released from gives no
    access because of another job. A suspended one counts, as its access is kept.
    """
    match identity.lifecycle_at(now):
        case Lifecycle.ACTIVE:
            live = identity.live_engagements(now)
            return tuple(e for e in live if e.lifecycle_at(now) is not Lifecycle.RELEASED)
        case Lifecycle.PREBOARDING:
            return tuple(sorted(identity.engagements, key=lambda e: (e.starts_at is not None, e.starts_at, e.key)))
        case _:
            return ()


def counts_as_adopted(holding: Adopted, identity: Identity, now: datetime) -> bool:
    """An adopted holding is still a reason: the person is here, was here when it was found, and has not left between.

    What was found on the account of somebody who was gone would otherwise be given back to them on their return.
    """
    if holding.identity != identity.id or identity.lifecycle_at(now) is not Lifecycle.ACTIVE:
        return False
    left = last_left_at(identity.engagements, now)
    was_gone = identity.lifecycle_at(holding.since) is Lifecycle.ENDED
    return not was_gone and (left is None or left <= holding.since)


def is_denied(entitlement: EntitlementRef, identity: Identity, denies: Iterable[Deny], now: datetime) -> bool:
    """A deny that has not ended forbids `entitlement`, or the account that it needs."""
    forbidden = (entitlement, EntitlementRef(entitlement.application, "account"))
    return any(
        deny.identity == identity.id and deny.entitlement in forbidden and (deny.until is None or deny.until > now)
        for deny in denies
    )


def _assignments(
    identity: Identity, policy: CompiledPolicy, now: datetime, adopted: Sequence[Adopted], denies: Sequence[Deny]
) -> Mapping[ApplicationName, tuple[Assignment, ...]]:
    reasons: _Reasons = {}
    for held in roles_held(identity, policy, now):
        for ref in held.role.settings.give:
            reasons.setdefault(ref, set()).add(held.role.reason)
    for holding in adopted:
        if counts_as_adopted(holding, identity, now):
            reasons.setdefault(holding.entitlement, set()).add(_adopted_reason(holding))
    allowed = {ref: why for ref, why in reasons.items() if not is_denied(ref, identity, denies, now)}
    return _by_application(_with_accounts(allowed))


def _adopted_reason(holding: Adopted) -> Reason:
    detail = f"found when {holding.entitlement.application} was connected on {holding.since.date().isoformat()}"
    return Reason(kind=ReasonKind.ADOPTED, name=holding.entitlement.application, detail=detail)


def _with_accounts(reasons: _Reasons) -> _Reasons:
    """An entitlement implies the account in its application, for the same reasons."""
    united = {ref: set(why) for ref, why in reasons.items()}
    for ref, why in reasons.items():
        united.setdefault(EntitlementRef(ref.application, "account"), set()).update(why)
    return united


def _by_application(reasons: _Reasons) -> Mapping[ApplicationName, tuple[Assignment, ...]]:
    grouped: dict[ApplicationName, list[Assignment]] = {}
    for ref in sorted(reasons):
        assignment = Assignment(entitlement=ref, reasons=tuple(sorted(reasons[ref])))
        grouped.setdefault(ref.application, []).append(assignment)
    return {application: tuple(given) for application, given in grouped.items()}


def _desired_account(
    application: ApplicationSettings,
    lifecycle: Lifecycle,
    assignments: tuple[Assignment, ...],
    policy: CompiledPolicy,
    attributes: Attributes,
) -> DesiredAccount:
    name = application.name
    match lifecycle:
        case Lifecycle.ENDED:
            return DesiredAccount(application=name, wish=AccountWish.CLOSED, assignments=())
        case Lifecycle.SUSPENDED:
            return _account_off(name, policy.configuration.suspended)
        case Lifecycle.RELEASED:
            return _account_off(name, policy.configuration.released)
        case _:
            pass
    if not assignments:
        return DesiredAccount(application=name, wish=AccountWish.UNWANTED, assignments=())
    return DesiredAccount(
        application=name,
        wish=AccountWish.ACTIVE,
        assignments=assignments,
        attributes=_mapped(application, attributes),
    )


def _account_off(application: ApplicationName, absence: AbsenceProfile) -> DesiredAccount:
    named = tuple(sorted(ref.name for ref in absence.keep if ref.application == application))
    keeps = ("*",) if absence.keep_all else named
    return DesiredAccount(application=application, wish=AccountWish.SUSPENDED, assignments=(), keeps=keeps)


def _mapped(application: ApplicationSettings, attributes: Attributes) -> Attributes:
    mapping = application.attributes.items()
    return Attributes.of({mine: attributes.get(theirs, ()) for mine, theirs in mapping})


def _leaver_profile(identity: Identity, policy: CompiledPolicy, now: datetime) -> CompiledProfile | None:
    """The first profile in file order that an engagement of the last spell satisfies, else the default."""
    views = zip(identity.engagements, identity_views(identity, now), strict=True)
    spell = _last_spell(identity, now)
    ended = [view for engagement, view in views if engagement in spell]
    for profile in policy.profiles:
        holds = profile.holds
        if holds is not None and any(holds(view, now) for view in ended):
            return profile
    return next((profile for profile in policy.profiles if profile.holds is None), None)


def _last_spell(identity: Identity, now: datetime) -> tuple[Engagement, ...]:
    """The engagements that ended with this leaving: not those before an earlier gap, whose end reason is history."""
    left = last_left_at(identity.engagements, now)
    before = None if left is None else last_left_at(identity.engagements, left - timedelta(microseconds=1))
    ended = (e for e in identity.engagements if e.ends_at is not None and e.ends_at <= now)
    return tuple(e for e in ended if before is None or (e.ends_at is not None and e.ends_at > before))
