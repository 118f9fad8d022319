"""Brakes on a plan: removals that are not leavers' (policy, role, correlation, review, leave), and giving.

Whatever was done or is pending in the last 24 hours counts with it; the same effect counts once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from lastday.configuration.settings import BrakeSettings
from lastday.model.account import EntitlementRef
from lastday.model.batch import Brake, Tripped
from lastday.model.ids import ApplicationName, IdentityId, NativeId
from lastday.model.operation import Because, Operation, Verb
from lastday.model.plan import Plan
from lastday.planning.shares import allowed_of_both, allowed_share, exceeds_both, exceeds_share

WINDOW = timedelta(hours=24)
LEAVERS_REASONS = frozenset({Because.LEFT, Because.CONTRACT_ENDED, Because.KEEP_TIME_OVER})
_REMOVALS = frozenset({Verb.DISABLE, Verb.REVOKE, Verb.DELETE, Verb.WIPE})
_REMOVAL_BRAKES = frozenset({Brake.REMOVALS_OF_APPLICATION, Brake.REMOVALS_OF_ENTITLEMENT, Brake.REMOVALS_OF_POLICY})
_GIVING = frozenset({Verb.CREATE, Verb.GIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedEffect:
    """A removal or a giving that already passed a brake, done or pending."""

    identity: IdentityId
    application: ApplicationName
    native_id: NativeId | None
    verb: Verb
    entitlement: str | None
    because: Because
    at: datetime
    policy_change: bool = False
    """It came of a change of policy or of correlation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBase:
    """What the counts are compared with: how things stood just before."""

    accounts: Mapping[ApplicationName, int]
    """Accounts that exist, per application."""
    members: Mapping[EntitlementRef, int]
    """Accounts that hold each entitlement."""
    privileged: frozenset[EntitlementRef] = field(default_factory=frozenset)
    """Privileged entitlements, those of administrators included."""
    policy_change: bool = False
    """The plan may tell of a change of policy, roles or correlation: it is of one, or of a look at everybody."""
    accepted: frozenset[IdentityId] = frozenset()
    """People of the first load of a source: its acceptance covers what they are given, and nobody else."""


_Key: TypeAlias = tuple[ApplicationName, str, Verb, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Effect:
    """A planned operation or a counted effect, as brakes see both."""

    identity: IdentityId
    application: ApplicationName
    account: str
    verb: Verb
    entitlement: str | None
    policy_change: bool
    planned: Operation | None

    @property
    def key(self) -> _Key:
        return (self.application, self.account, self.verb, self.entitlement)

    @property
    def ref(self) -> EntitlementRef | None:
        return None if self.entitlement is None else EntitlementRef(self.application, self.entitlement)


def check_plan_brakes(
    plan: Plan, base: PlanBase, effects: Sequence[CountedEffect], settings: BrakeSettings, now: datetime
) -> tuple[Tripped, ...]:
    """The brakes that hold, on what `plan` would do, together with `effects` of the last 24 hours; empty means go.

    Operations that are stopped already are not counted: they have no effect.
    """
    planned = [_of_operation(operation, base) for operation in plan.operations if operation.stopped is None]
    done = [
        _of_effect(effect) for effect in effects if effect.at > now - WINDOW and effect.because not in LEAVERS_REASONS
    ]
    known = {effect.key for effect in planned}
    everything = [*planned, *(effect for effect in _unique(done) if effect.key not in known)]
    removals = [e for e in everything if _is_removal(e)]
    giving = [e for e in everything if e.verb in _GIVING and e.identity not in base.accepted]
    return (
        *_of_applications(removals, base, settings),
        *_of_entitlements(removals, base, settings),
        *_of_policy(removals, base, settings),
        *_new_accounts(giving, base, settings),
        *_growth(giving, base, settings),
        *_privileged(giving, base),
    )


def less_released(tripped: Sequence[Tripped], released: Collection[IdentityId]) -> tuple[Tripped, ...]:
    """The brakes as they hold when these people may go: exactly they go, whoever else is in the tripping set."""
    held = (replace(one, identities=tuple(i for i in one.identities if i not in released)) for one in tripped)
    return tuple(one for one in held if one.identities)


def holds_operation(tripped: Tripped, operation: Operation) -> bool:
    """The operation belongs to the tripping set."""
    if operation.identity not in tripped.identities:
        return False
    if tripped.application is not None and tripped.application != operation.application:
        return False
    if tripped.entitlement is not None and tripped.entitlement != operation.entitlement:
        return False
    if tripped.brake in _REMOVAL_BRAKES:
        return operation.verb.removes and operation.because not in LEAVERS_REASONS
    if tripped.brake in (Brake.NEW_ACCOUNTS, Brake.ENTITLEMENT_GROWTH, Brake.PRIVILEGED_GIVEN):
        return not operation.verb.removes
    return True


def _is_removal(effect: _Effect) -> bool:
    leaver = effect.planned is not None and effect.planned.because in LEAVERS_REASONS
    return effect.verb in _REMOVALS and not leaver


def _of_operation(operation: Operation, base: PlanBase) -> _Effect:
    return _Effect(
        identity=operation.identity,
        application=operation.application,
        account=operation.native_id or operation.identity,
        verb=operation.verb,
        entitlement=operation.entitlement,
        policy_change=base.policy_change and operation.because is Because.NO_REASON,
        planned=operation,
    )


def _of_effect(effect: CountedEffect) -> _Effect:
    return _Effect(
        identity=effect.identity,
        application=effect.application,
        account=effect.native_id or effect.identity,
        verb=effect.verb,
        entitlement=effect.entitlement,
        policy_change=effect.policy_change,
        planned=None,
    )


def _unique(effects: Sequence[_Effect]) -> list[_Effect]:
    return list({effect.key: effect for effect in effects}.values())


def _grouped(effects: Sequence[_Effect], key: Callable[[_Effect], str]) -> list[tuple[str, list[_Effect]]]:
    found: dict[str, list[_Effect]] = {}
    for effect in effects:
        found.setdefault(key(effect), []).append(effect)
    return sorted((name, group) for name, group in found.items() if any(e.planned is not None for e in group))


def _by_application(effect: _Effect) -> str:
    return effect.application


def _by_entitlement(effect: _Effect) -> str:
    return f"{effect.application}:{effect.entitlement}"


def _tripped(
    brake: Brake, group: Sequence[_Effect], figures: tuple[int, int, int], why: str, *, entitlement: bool = False
) -> Tripped:
    counted, limit, size = figures
    first = group[0]
    return Tripped(
        brake=brake,
        identities=tuple(sorted({effect.identity for effect in group if effect.planned is not None})),
        counted=counted,
        limit=limit,
        base=size,
        detail=f"{why} None of it was done. Look at what caused it; two people release what is right.",
        application=None if brake is Brake.REMOVALS_OF_POLICY else first.application,
        entitlement=first.entitlement if entitlement else None,
    )


def _of_applications(removals: Sequence[_Effect], base: PlanBase, settings: BrakeSettings) -> list[Tripped]:
    percent, floor = settings.removals_percent, settings.removals_floor
    held = []
    for name, group in _grouped(removals, _by_application):
        size, counted = base.accounts.get(group[0].application, 0), len({effect.account for effect in group})
        if exceeds_both(counted, size, percent, floor):
            figures = (counted, allowed_of_both(size, percent, floor), size)
            why = f"{counted} of {size} accounts in {name} would lose something, for people who stay."
            held.append(_tripped(Brake.REMOVALS_OF_APPLICATION, group, figures, why))
    return held


def _of_entitlements(removals: Sequence[_Effect], base: PlanBase, settings: BrakeSettings) -> list[Tripped]:
    percent, floor = settings.entitlement_removals_percent, settings.entitlement_removals_floor
    held = []
    for name, group in _grouped([e for e in removals if e.verb is Verb.REVOKE], _by_entitlement):
        ref = group[0].ref
        size, counted = 0 if ref is None else base.members.get(ref, 0), len({effect.account for effect in group})
        if exceeds_share(counted, size, percent, floor):
            figures = (counted, allowed_share(size, percent, floor), size)
            why = f"{counted} of {size} would lose {name}, though they stay."
            held.append(_tripped(Brake.REMOVALS_OF_ENTITLEMENT, group, figures, why, entitlement=True))
    return held


def _of_policy(removals: Sequence[_Effect], base: PlanBase, settings: BrakeSettings) -> list[Tripped]:
    caused = [effect for effect in removals if effect.policy_change]
    limit = settings.policy_removals
    if len(caused) <= limit or not base.policy_change:
        return []
    why = f"One change of policy would take {len(caused)} things away; {limit} may pass."
    figures = (len(caused), limit, sum(base.accounts.values()))
    return [_tripped(Brake.REMOVALS_OF_POLICY, caused, figures, why)]


def _new_accounts(giving: Sequence[_Effect], base: PlanBase, settings: BrakeSettings) -> list[Tripped]:
    percent, floor = settings.new_accounts_percent, settings.new_accounts_floor
    held = []
    for name, group in _grouped([e for e in giving if e.verb is Verb.CREATE], _by_application):
        size, counted = base.accounts.get(group[0].application, 0), len({effect.account for effect in group})
        if exceeds_both(counted, size, percent, floor):
            figures = (counted, allowed_of_both(size, percent, floor), size)
            why = f"{counted} new accounts in {name}, which has {size}."
            held.append(_tripped(Brake.NEW_ACCOUNTS, group, figures, why))
    return held


def _growth(giving: Sequence[_Effect], base: PlanBase, settings: BrakeSettings) -> list[Tripped]:
    percent, floor = settings.entitlement_growth_percent, settings.entitlement_growth_floor
    held = []
    for name, group in _grouped([e for e in giving if e.verb is Verb.GIVE], _by_entitlement):
        ref = group[0].ref
        size, counted = 0 if ref is None else base.members.get(ref, 0), len({effect.account for effect in group})
        if exceeds_share(counted, size, percent, floor):
            figures = (counted, allowed_share(size, percent, floor), size)
            why = f"{counted} more would hold {name}, which {size} hold now."
            held.append(_tripped(Brake.ENTITLEMENT_GROWTH, group, figures, why, entitlement=True))
    return held


def _privileged(giving: Sequence[_Effect], base: PlanBase) -> list[Tripped]:
    """A privileged entitlement is never given without an approval; one that waits for it has none to trip over."""
    bare = [e for e in giving if e.planned is not None and e.planned.approval is None and e.ref in base.privileged]
    held = []
    for name, group in _grouped([e for e in bare if e.verb is Verb.GIVE], _by_entitlement):
        why = f"{name} is privileged and would be given without an approval."
        ref = group[0].ref
        figures = (len(group), 0, 0 if ref is None else base.members.get(ref, 0))
        held.append(_tripped(Brake.PRIVILEGED_GIVEN, group, figures, why, entitlement=True))
    return held
