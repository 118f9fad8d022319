"""The tests that a policy carries: an imagined person, what they have and what they have not."""

from collections.abc import Iterable
from datetime import UTC, datetime

from lastday.configuration.settings import PolicyTest
from lastday.model.account import EntitlementRef
from lastday.model.errors import InputError
from lastday.model.finding import Finding, Severity
from lastday.policy.compiled import CompiledPolicy
from lastday.policy.desired import desired_access
from lastday.policy.explain import explain
from lastday.policy.imagined import imagined_person

TRIAL_MOMENT = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""When it is in a policy test, unless told otherwise: always the same, so that a test says the same tomorrow."""


def run_policy_tests(policy: CompiledPolicy, *, now: datetime = TRIAL_MOMENT) -> tuple[Finding, ...]:
    """A finding P140 for each expectation of a `[[test]]` that does not hold; its subject is the place of the test."""
    return tuple(finding for test in policy.configuration.tests for finding in _failures(test, policy, now))


def _failures(test: PolicyTest, policy: CompiledPolicy, now: datetime) -> Iterable[Finding]:
    try:
        person = imagined_person(test.person, now)
    except InputError as error:
        return [_failed(test, f"The person of this test cannot be read: {error.what}.", error.mend)]
    access = desired_access(person, policy, now)
    held = {assignment.entitlement for account in access.accounts for assignment in account.assignments}

    def why(ref: EntitlementRef) -> str:
        return explain(person, policy, now, entitlement=ref).text

    missing = [
        _failed(test, f"{ref} should be given and is not. {why(ref)}", "Correct the role that should give it.")
        for ref in test.has
        if ref not in held
    ]
    excess = [
        _failed(test, f"{ref} should not be given and is. {why(ref)}", "Correct the role that gives it.")
        for ref in test.has_not
        if ref in held
    ]
    return missing + excess


def _failed(test: PolicyTest, detail: str, mend: str) -> Finding:
    return Finding(code="P140", severity=Severity.ERROR, subject=str(test.position), detail=detail, mend=mend)
