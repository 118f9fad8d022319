"""Commands that meet: interrupted ones, two at once, one beside a worker."""

import signal
from contextlib import ExitStack

import pytest

from tests.crash.test_stopped_worker import acting, until
from tests.crash.world import Crashing, ended, open_crashing


def assert_done(world: Crashing, leaving: list[int], joining: list[int]) -> None:
    world.assert_converged()
    for number in leaving:
        world.assert_out(number)
    for number in joining:
        world.assert_in(number)


def by_worker(world: Crashing, plan: str) -> int:
    """How many jobs ran on workers other than those of commands is not kept; attempts are: one for each operation."""
    return int(world.rows("SELECT max(attempts) AS most FROM operation WHERE plan = %s", plan)[0]["most"])


@pytest.mark.timeout(300)
def test_interrupted_it_says_that_nobody_goes_on_and_the_next_one_does():
    """Design section 5: Ctrl-C ends `apply --wait` with 130 and the truth; what was begun is not left half done."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=10)
        leaving, joining = world.go(leavers=1, joiners=1)
        plan = world.plan().json["plan"]
        world.chat.set_latency(150)
        applying = world.begin("apply", plan, "--wait")
        until(lambda: acting(world, "chat"), "it works")
        applying.send_signal(signal.SIGINT)
        done = ended(applying)
        assert (done.code, "nobody goes on" in done.err) == (130, True), done
        assert world.rows("SELECT id FROM operation WHERE state = 'acting'") == []
        assert world.rows("SELECT id FROM worker") == []
        world.run("apply", plan, "--wait")
        assert_done(world, leaving, joining)


@pytest.mark.timeout(300)
def test_two_at_once_and_one_beside_a_worker_do_everything_once():
    """Design section 5: of two, one may watch; beside a worker the command only watches, and says so when it stops."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=20)
        leaving, joining = world.go(leavers=2, joiners=1)
        plan = world.plan().json["plan"]
        both = [world.begin("apply", plan, "--wait") for _ in range(2)]
        assert [ended(one).code for one in both] == [0, 0]
        assert_done(world, leaving, joining)
        assert by_worker(world, plan) == 1, "something was done twice"

        worker = world.begin("only-work")
        until(lambda: world.rows("SELECT id FROM worker"), "the worker is there")
        leaving, joining = world.go(leavers=1, joiners=1)
        plan = world.plan().json["plan"]
        world.chat.set_latency(150)
        watching = world.begin("apply", plan, "--wait")
        until(lambda: acting(world, "chat"), "the worker works")
        watching.send_signal(signal.SIGINT)
        stopped = ended(watching)
        assert (stopped.code, "a worker goes on" in stopped.err) == (130, True), stopped
        world.run("apply", plan, "--wait")
        assert len(world.rows("SELECT id FROM worker")) == 1, "the command worked beside the worker"
        worker.send_signal(signal.SIGTERM)
        assert ended(worker).code == 0
        assert_done(world, leaving, joining)
        assert by_worker(world, plan) == 1
