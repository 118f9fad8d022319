"""What is wrong with a policy whoever it is applied to."""

from collections.abc import Iterable

from lastday.configuration.settings import RoleSettings
from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Filter, Not, Now, Or, Present
from lastday.model.account import EntitlementRef
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Lifecycle
from lastday.policy.compiled import CompiledPolicy, gives

_MOMENTS = frozenset({"startsat", "endsat"})
_DECIDED_BY_LEAVE = frozenset({Lifecycle.SUSPENDED.value, Lifecycle.RELEASED.value, Lifecycle.ENDED.value})


def review_policy(policy: CompiledPolicy) -> tuple[Finding, ...]:
    """Every fault of `policy` that shows without a person.

    P132 a role gives both sides of a separation rule; P133 an entitlement of an unknown application; P134 a leaver
    profile after the default; P135 a role for people who get nothing from roles; P136 `now` compared with something
    that is no moment. The subject of each is its place in the file.
    """
    return (
        *_both_sides(policy),
        *_unknown_applications(policy),
        *_after_default(policy),
        *_roles_for_nobody(policy),
        *_now_without_moment(policy),
    )


def _both_sides(policy: CompiledPolicy) -> Iterable[Finding]:
    for rule in policy.sod:
        for role in policy.configuration.roles.values():
            if all(any(gives(ref, side) for ref in role.give) for side in rule.both):
                yield Finding(
                    code="P132",
                    severity=Severity.ERROR,
                    subject=str(role.position),
                    detail=f"Role {role.name} gives both {rule.both[0]} and {rule.both[1]}, which rule {rule.name} "
                    f"keeps apart: {rule.why} Every plan of a person with this role would be stopped.",
                    mend=f"Give one of the two in another role, or change rule {rule.name}.",
                )


def _unknown_applications(policy: CompiledPolicy) -> Iterable[Finding]:
    configuration = policy.configuration
    named = [(str(role.position), role.give) for role in configuration.roles.values()]
    named += [(str(rule.position), rule.both) for rule in configuration.sod]
    for place, refs in named:
        for ref in refs:
            if ref.application not in configuration.applications:
                yield _unknown_application(place, ref)


def _unknown_application(place: str, ref: EntitlementRef) -> Finding:
    return Finding(
        code="P133",
        severity=Severity.ERROR,
        subject=place,
        detail=f"{ref} speaks of an application {ref.application}, which is not configured: nothing would be given.",
        mend=f"Add [app.{ref.application}], or correct the name.",
    )


def _after_default(policy: CompiledPolicy) -> Iterable[Finding]:
    passed: str | None = None
    for profile in policy.configuration.leavers:
        if passed is not None and profile.when is not None:
            yield Finding(
                code="P134",
                severity=Severity.WARNING,
                subject=str(profile.position),
                detail=f"Leaver profile {profile.name} stands after {passed}, which has no `when` and takes everybody: "
                "it looks as if it were never reached.",
                mend=f"Put [leaver.{profile.name}] before [leaver.{passed}].",
            )
        passed = profile.name if profile.when is None else passed


def _roles_for_nobody(policy: CompiledPolicy) -> Iterable[Finding]:
    for role in policy.configuration.roles.values():
        wanted = _demanded_lifecycle(role.when.filter)
        if wanted is not None:
            yield Finding(
                code="P135",
                severity=Severity.WARNING,
                subject=str(role.position),
                detail=f"Role {role.name} is for people whose lifecycle is {wanted}: they get nothing from roles.",
                mend="What stays during leave is said in [leave]; after the end nothing does.",
            )


def _demanded_lifecycle(node: Filter) -> str | None:
    """The lifecycle without which the filter is false, where that is one in which roles give nothing."""
    match node:
        case And():
            return _demanded_lifecycle(node.left) or _demanded_lifecycle(node.right)
        case Compare(operator=CompareOperator.EQ, value=str(wanted)) if node.path.text.lower() == "lifecycle":
            return wanted if wanted.lower() in _DECIDED_BY_LEAVE else None
        case _:
            return None


def _now_without_moment(policy: CompiledPolicy) -> Iterable[Finding]:
    for role in policy.configuration.roles.values():
        for path in _compared_with_now(role.when.filter):
            if path.attribute.lower() not in _MOMENTS:
                yield _no_moment(role, path)


def _no_moment(role: RoleSettings, path: AttributePath) -> Finding:
    return Finding(
        code="P136",
        severity=Severity.WARNING,
        subject=str(role.position),
        detail=f"Role {role.name} compares {path.text} with now. Only startsAt and endsAt are moments; a date without "
        "time and zone is none, so the comparison is false.",
        mend="Compare startsAt or endsAt.",
    )


def _compared_with_now(node: Filter) -> tuple[AttributePath, ...]:
    match node:
        case Compare():
            return (node.path,) if isinstance(node.value, Now) else ()
        case Present():
            return ()
        case Not():
            return _compared_with_now(node.operand)
        case And() | Or():
            return (*_compared_with_now(node.left), *_compared_with_now(node.right))
        case _:
            return _compared_with_now(node.inner)
