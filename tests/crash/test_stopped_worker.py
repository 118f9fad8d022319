"""SIGSTOP of a worker in the middle of a call: another takes over; the one that wakes later concludes nothing."""

import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.crash.world import Crashing, ended, open_crashing
from tests.servers.scim import Fault

PATIENCE_S = 60.0


def until(true: Callable[[], object], what: str) -> None:
    """Waits for it; what the world does takes its own time on a busy machine."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"it never came: {what}"
        time.sleep(0.05)


def acting(world: Crashing, application: str) -> list[dict[str, object]]:
    return world.rows("SELECT id, holder FROM operation WHERE state = 'acting' AND application = %s", application)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", ["hangs", "hangs_after"])
def test_a_worker_that_wakes_after_it_was_taken_for_lost_concludes_nothing(fault):
    """Acceptance 7, fencing: the request hangs, done or not; the worker stops there. Another reads and finishes."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=10)
        (leaving,), _ = world.go(leavers=1)
        plan = world.plan().json["plan"]
        world.wiki.break_with(Fault(kind=fault, method="PATCH", times=1))
        zombie = world.begin("only-work")
        world.run("apply", plan)
        until(lambda: acting(world, "wiki"), "the zombie's call")
        zombie.send_signal(signal.SIGSTOP)
        world.run("apply", plan, "--wait")
        world.assert_converged()
        before = world.rows("SELECT count(*) AS entries FROM entry")
        zombie.send_signal(signal.SIGCONT)
        zombie.send_signal(signal.SIGTERM)
        assert ended(zombie, 90).code == 0
        assert world.rows("SELECT count(*) AS entries FROM entry") == before, "the zombie wrote evidence"
        world.assert_converged()
        world.assert_out(leaving)


@pytest.mark.timeout(400)
def test_a_worker_stopped_between_effect_and_commit_holds_nobody_up():
    """Acceptance 7: it sleeps for longer than it takes to be lost, wakes among the others and goes on as a worker."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=10)
        leaving, joining = world.go(leavers=2, joiners=1)
        plan = world.plan().json["plan"]
        world.chat.set_latency(100)
        first, second = world.begin("only-work"), world.begin("only-work")
        watching = world.begin("apply", plan, "--wait")
        until(lambda: acting(world, "chat"), "somebody acts")
        first.send_signal(signal.SIGSTOP)
        done = ended(watching)
        first.send_signal(signal.SIGCONT)
        for worker in (first, second):
            worker.send_signal(signal.SIGTERM)
        assert [done.code, ended(first).code, ended(second).code] == [0, 0, 0], done.err
        world.assert_converged()
        for number in leaving:
            world.assert_out(number)
        for number in joining:
            world.assert_in(number)
