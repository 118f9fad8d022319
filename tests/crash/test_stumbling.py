"""A fault of ours in the middle of an operation: the process lives, and the operation is not left in `acting`."""

from contextlib import ExitStack

import pytest

from lastday.execution.engine import Boundary
from tests.crash.world import ended, open_crashing


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "boundary", [pytest.param(Boundary.AFTER_INTENT, marks=pytest.mark.nightly), Boundary.AFTER_EFFECT]
)
def test_what_this_process_began_and_left_is_taken_over_by_itself(boundary):
    """No heartbeat tells of it, as the worker lives: it knows what it is running, and looks for what it is not."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=10)
        leaving, joining = world.go(leavers=2, joiners=1)
        plan = world.plan().json["plan"]
        world.environment["CRASH_HOW"] = "stumble"
        done = ended(world.begin("apply", plan, "--wait", at=boundary, on=2))
        assert done.code == 0, done.err
        assert "Stumbled" in done.err, "nothing went wrong: this test shows nothing"
        world.assert_converged()
        for number in leaving:
            world.assert_out(number)
        for number in joining:
            world.assert_in(number)
