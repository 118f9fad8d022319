"""kill -9 of the process that works, at each of the eight boundaries of design section 4."""

from contextlib import ExitStack

import pytest

from lastday.execution.engine import Boundary
from tests.crash.world import Crashing, open_crashing

IN_CI = {
    Boundary.AFTER_PLAN: (1,),
    Boundary.AFTER_INTENT: (2,),
    Boundary.BEFORE_CALL: (5,),
    Boundary.AFTER_EFFECT: (1, 6),
    Boundary.BEFORE_OUTCOME_COMMIT: (4,),
    Boundary.AFTER_COMMIT: (3,),
    Boundary.AFTER_VERIFY: (7,),
    Boundary.BEFORE_SETTLE: (2,),
}


def carry_through(world: Crashing, boundary: Boundary, on: int) -> None:
    """Two leave and one joins; whoever works is killed on the n-th arrival; the next one finishes it."""
    leaving, joining = world.go(leavers=2, joiners=1)
    if boundary is Boundary.AFTER_PLAN:
        assert world.plan(at=boundary).killed
    plan = world.plan().json["plan"]
    if boundary is not Boundary.AFTER_PLAN:
        killed = world.run("apply", plan, "--wait", at=boundary, on=on)
        assert killed.killed, f"{boundary} was not reached {on} times: {killed.out} {killed.err}"
    world.run("apply", plan, "--wait")
    world.assert_converged()
    for number in leaving:
        world.assert_out(number)
    for number in joining:
        world.assert_in(number)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", [0, 1])
def test_a_killed_worker_leaves_nothing_half_done(part):
    """Acceptance 7 in short: each boundary at least once, over SCIM and PostgreSQL; one outcome for each effect."""
    cases = [(boundary, on) for boundary, ons in IN_CI.items() for on in ons][part::2]
    with ExitStack() as stack:
        world = open_crashing(stack, people=5 * len(cases))
        for boundary, on in cases:
            carry_through(world, boundary, on)


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("boundary", list(Boundary))
def test_each_boundary_ten_times(boundary):
    """Acceptance 7: every boundary x 10, each at another operation; every second world has slapd too."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=50, directory=list(Boundary).index(boundary) % 2 == 0)
        for on in range(1, 11):
            carry_through(world, boundary, on)
