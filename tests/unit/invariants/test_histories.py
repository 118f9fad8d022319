"""I1-I6, I10 and I15 over any history of a small company (field notes, section 5.4; requirement of 300 in CI)."""

from hypothesis import HealthCheck, settings

from tests.unit.invariants.histories import Histories

TestHistories = Histories.TestCase
TestHistories.settings = settings(
    max_examples=300,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
