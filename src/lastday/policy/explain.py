"""Why somebody should have an entitlement, or should not; and who should have it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from lastday.model.access import Adopted, Deny, DesiredAccess, Reason, ReasonKind
from lastday.model.account import EntitlementRef
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.canonical import JsonValue
from lastday.model.identity import Engagement, Identity, Lifecycle
from lastday.model.ids import ApplicationName, IdentityId, RoleName
from lastday.policy.compiled import CompiledPolicy, CompiledRole, gives
from lastday.policy.desired import RoleHeld, counting_engagements, desired_access, is_denied, roles_held
from lastday.policy.imagined import with_attributes
from lastday.policy.unmet import facts, unmet
from lastday.policy.view import identity_view


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One way in which a person comes to an entitlement, from what the source says to what follows."""

    reason: Reason
    path: tuple[str, ...]
    """`department = Finance`, `rule: department eq "Finance"`, `role accountant`, `ledger:role/ledger_rw`."""

    @property
    def text(self) -> str:
        return " -> ".join(self.path)

    def as_json(self) -> dict[str, JsonValue]:
        return {"kind": self.reason.kind.value, "name": self.reason.name, "path": list(self.path)}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotGiven:
    """A role that would give the entitlement, and what the person lacks for it."""

    role: RoleName
    lacks: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"role {self.role} does not give it: {'; '.join(self.lacks)}"

    def as_json(self) -> dict[str, JsonValue]:
        return {"role": self.role, "lacks": list(self.lacks)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedEntitlement:
    entitlement: EntitlementRef
    held: bool
    """The person should have it; the same answer as `desired_access` gives."""
    given: tuple[Given, ...]
    not_given: tuple[NotGiven, ...]
    denied: tuple[Deny, ...]

    @property
    def text(self) -> str:
        """One paragraph in plain words."""
        if self.held:
            return f"{self.entitlement} is held: {'; '.join(way.text for way in self.given)}."
        denied = [f"denied by {deny.by}: {deny.why}" for deny in self.denied]
        reasons = denied + [missing.text for missing in self.not_given]
        return f"{self.entitlement} is not held: {'; '.join(reasons) or 'nothing gives it'}."

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "entitlement": str(self.entitlement),
            "held": self.held,
            "given": [way.as_json() for way in self.given],
            "not_given": [missing.as_json() for missing in self.not_given],
            "denied": [{"by": deny.by, "why": deny.why} for deny in self.denied],
            "text": self.text,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything that was asked about one person, entitlement by entitlement."""

    identity: IdentityId
    at: datetime
    lifecycle: Lifecycle
    what_if: Attributes
    """What was assumed to be otherwise."""
    access: DesiredAccess
    entitlements: tuple[ExplainedEntitlement, ...]

    @property
    def text(self) -> str:
        return "\n".join(explained.text for explained in self.entitlements)

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "identity": self.identity,
            "at": self.at.isoformat(),
            "lifecycle": self.lifecycle.value,
            "what_if": self.what_if.as_json(),
            "entitlements": [explained.as_json() for explained in self.entitlements],
            "violations": [finding.as_json() for finding in self.access.violations],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Somebody who should hold an entitlement, and why."""

    identity: IdentityId
    reasons: tuple[Reason, ...]


def explain(
    identity: Identity,
    policy: CompiledPolicy,
    now: datetime,
    *,
    application: ApplicationName | None = None,
    entitlement: EntitlementRef | None = None,
    what_if: Attributes = NO_ATTRIBUTES,
    adopted: Sequence[Adopted] = (),
    denies: Sequence[Deny] = (),
) -> Explanation:
    """Why `identity` should have, or not have, each entitlement that is known of, or those asked for.

    `what_if` changes the leading engagement in thought; `lifecycle` in it changes the whole person.
    Agrees with `desired_access` on what is held. Raises InputError where `what_if` cannot be read.
    """
    person = _imagined(identity, what_if, now)
    access = desired_access(person, policy, now, adopted=adopted, denies=denies)
    case = _Case(person, policy, now, access, roles_held(person, policy, now), tuple(denies))
    asked = (entitlement,) if entitlement is not None else _known_entitlements(policy, access, adopted, identity.id)
    return Explanation(
        identity=identity.id,
        at=now,
        lifecycle=access.lifecycle,
        what_if=what_if,
        access=access,
        entitlements=tuple(case.explained(ref) for ref in asked if application in (None, ref.application)),
    )


def who_should_hold(
    entitlement: EntitlementRef,
    identities: Iterable[Identity],
    policy: CompiledPolicy,
    now: datetime,
    *,
    adopted: Sequence[Adopted] = (),
    denies: Sequence[Deny] = (),
) -> tuple[Holder, ...]:
    """Everybody among `identities` who should hold `entitlement` at `now`, by id."""
    holders = (
        Holder(identity=identity.id, reasons=reasons)
        for identity in identities
        if (reasons := _reasons(desired_access(identity, policy, now, adopted=adopted, denies=denies), entitlement))
    )
    return tuple(sorted(holders, key=lambda holder: holder.identity))


@dataclass(frozen=True, slots=True)
class _Case:
    """One person with everything that decides about them at one moment."""

    person: Identity
    policy: CompiledPolicy
    now: datetime
    access: DesiredAccess
    held: tuple[RoleHeld, ...]
    denies: tuple[Deny, ...]

    def explained(self, entitlement: EntitlementRef) -> ExplainedEntitlement:
        reasons = _reasons(self.access, entitlement)
        by_role = [given for held in self.held for given in self._by_role(held, entitlement) if given.reason in reasons]
        adopted = [
            Given(reason=reason, path=(reason.detail, str(entitlement)))
            for reason in reasons
            if reason.kind is ReasonKind.ADOPTED
        ]
        holding = {held.role.name for held in self.held}
        others = (role for role in self.policy.roles_giving(entitlement) if role.name not in holding)
        return ExplainedEntitlement(
            entitlement=entitlement,
            held=bool(reasons),
            given=tuple(dict.fromkeys(by_role + adopted)),
            not_given=tuple(NotGiven(role=role.name, lacks=self._lacks(role)) for role in others),
            denied=tuple(deny for deny in self.denies if is_denied(entitlement, self.person, (deny,), self.now)),
        )

    def _by_role(self, held: RoleHeld, entitlement: EntitlementRef) -> Iterable[Given]:
        role = held.role
        view = identity_view(self.person, held.engagement, self.now)
        start = (*facts(role.settings.when.filter, view), f"rule: {role.settings.when.text}", f"role {role.name}")
        for ref in role.settings.give:
            if gives(ref, entitlement) and not is_denied(ref, self.person, self.denies, self.now):
                end = (str(ref),) if ref == entitlement else (str(ref), str(entitlement))
                yield Given(reason=role.reason, path=(*start, *end))

    def _lacks(self, role: CompiledRole) -> tuple[str, ...]:
        """What the engagement that comes nearest lacks for the role."""
        if self.access.lifecycle is Lifecycle.ENDED:
            return ("the person has left",)
        if self.access.lifecycle in (Lifecycle.SUSPENDED, Lifecycle.RELEASED):
            return (f"the person is {self.access.lifecycle}: [leave] decides what stays",)
        if self.access.lifecycle is Lifecycle.PREBOARDING and not role.settings.names_lifecycle:
            return ("the person has not begun",)
        condition = role.settings.when.filter
        views = (identity_view(self.person, e, self.now) for e in counting_engagements(self.person, self.now))
        each = [unmet(condition, view, self.now) for view in views]
        return min(each, key=len, default=("the person has no engagement",))


def _reasons(access: DesiredAccess, entitlement: EntitlementRef) -> tuple[Reason, ...]:
    account = access.of(entitlement.application)
    assignments = () if account is None else account.assignments
    return next((given.reasons for given in assignments if given.entitlement == entitlement), ())


def _known_entitlements(
    policy: CompiledPolicy, access: DesiredAccess, adopted: Sequence[Adopted], identity: IdentityId
) -> tuple[EntitlementRef, ...]:
    named = {ref for role in policy.roles for ref in role.settings.give}
    named |= {holding.entitlement for holding in adopted if holding.identity == identity}
    accounts = {EntitlementRef(account.application, "account") for account in access.accounts}
    return tuple(sorted(named | accounts))


def _imagined(identity: Identity, what_if: Attributes, now: datetime) -> Identity:
    if not what_if or not identity.engagements:
        return identity
    lifecycle = Attributes.of({name: what_if[name] for name in what_if if name.lower() == "lifecycle"})
    leading = identity.leading_engagement(now)

    def changed(engagement: Engagement) -> Engagement:
        if engagement == leading:
            return with_attributes(engagement, what_if, now)
        ended = engagement.lifecycle_at(now) is Lifecycle.ENDED
        return engagement if ended else with_attributes(engagement, lifecycle, now)

    return replace(identity, engagements=tuple(map(changed, identity.engagements)))
