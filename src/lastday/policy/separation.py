"""Separation of duties: two entitlements that one person must not hold together."""

from collections.abc import Iterable, Mapping

from lastday.configuration.settings import SodSettings
from lastday.model.access import Assignment
from lastday.model.account import EntitlementRef
from lastday.model.finding import Finding, Severity
from lastday.model.ids import IdentityId


def violations_of(
    identity: IdentityId, assignments: Iterable[Assignment], rules: Iterable[SodSettings]
) -> tuple[Finding, ...]:
    """A finding P131 for each rule of which `assignments` hold both sides."""
    held = {assignment.entitlement: assignment for assignment in assignments}
    return tuple(
        _violation(identity, rule, held) for rule in sorted(rules, key=lambda r: r.name) if set(rule.both) <= set(held)
    )


def _violation(identity: IdentityId, rule: SodSettings, held: Mapping[EntitlementRef, Assignment]) -> Finding:
    sides = " and ".join(f"{ref} ({_why(held[ref])})" for ref in rule.both)
    return Finding(
        code="P131",
        severity=Severity.ERROR,
        subject=identity,
        detail=f"Rule {rule.name} is broken: this person should hold both {sides}. {rule.why}",
        mend="Change a role or the person's data so that only one side is left, or deny one of the two.",
    )


def _why(assignment: Assignment) -> str:
    return "; ".join(reason.detail for reason in assignment.reasons)
