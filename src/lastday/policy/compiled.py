"""A configuration made ready for deciding: each condition is compiled once, however many people follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lastday.configuration.settings import Configuration, LeaverProfileSettings, RoleSettings, SodSettings
from lastday.filters.predicate import Predicate, compile_predicate
from lastday.filters.text import paths
from lastday.model.access import Reason, ReasonKind
from lastday.model.account import EntitlementRef
from lastday.model.ids import ApplicationName, RoleName


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRole:
    settings: RoleSettings
    holds: Predicate = field(compare=False, repr=False)
    reason: Reason

    @property
    def name(self) -> RoleName:
        return self.settings.name


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledProfile:
    settings: LeaverProfileSettings
    holds: Predicate | None = field(compare=False, repr=False)
    """None on the default."""


@dataclass(frozen=True, kw_only=True)
class CompiledPolicy:
    """What decides access. Roles in the order of the file; the answer never depends on that order."""

    configuration: Configuration
    roles: tuple[CompiledRole, ...]
    profiles: tuple[CompiledProfile, ...]

    @property
    def sod(self) -> tuple[SodSettings, ...]:
        return self.configuration.sod

    @cached_property
    def named_entitlements(self) -> Mapping[ApplicationName, frozenset[str]]:
        """Entitlements that the policy names, by application: those it manages for people who stay."""
        named: dict[ApplicationName, set[str]] = {}
        for ref in (ref for role in self.roles for ref in role.settings.give if not ref.is_account):
            named.setdefault(ref.application, set()).add(ref.name)
        return {application: frozenset(names) for application, names in named.items()}

    def roles_giving(self, entitlement: EntitlementRef) -> tuple[CompiledRole, ...]:
        """The roles that give `entitlement`, or, for an account, anything in its application."""
        return tuple(role for role in self.roles if any(gives(ref, entitlement) for ref in role.settings.give))


def gives(given: EntitlementRef, wanted: EntitlementRef) -> bool:
    """Who gets `given` has `wanted`: the same, or the account that `given` needs."""
    return given == wanted or (wanted.is_account and given.application == wanted.application)


def compile_policy(configuration: Configuration) -> CompiledPolicy:
    """The policy of `configuration`, ready for `desired_access`.

    Raises FilterError where a condition compares what cannot be compared.
    """
    return CompiledPolicy(
        configuration=configuration,
        roles=tuple(_compiled_role(role) for role in configuration.roles.values()),
        profiles=tuple(_compiled_profile(profile) for profile in configuration.leavers),
    )


def _compiled_role(role: RoleSettings) -> CompiledRole:
    reason = Reason(kind=_kind_of(role), name=role.name, detail=f"role {role.name}: {role.when.text}")
    return CompiledRole(settings=role, holds=compile_predicate(role.when.filter), reason=reason)


def _kind_of(role: RoleSettings) -> ReasonKind:
    """A birthright asks for nothing but the lifecycle: everybody who is here has it."""
    spoken_of = {path.attribute.lower() for path in paths(role.when.filter)}
    return ReasonKind.BIRTHRIGHT if spoken_of == {"lifecycle"} else ReasonKind.ROLE


def _compiled_profile(profile: LeaverProfileSettings) -> CompiledProfile:
    holds = None if profile.when is None else compile_predicate(profile.when.filter)
    return CompiledProfile(settings=profile, holds=holds)
