"""kill -9 of our own PostgreSQL while a plan is carried out: it is started again, and whoever worked goes on."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.crash.test_stopped_worker import until
from tests.crash.world import Crashing, ended, open_crashing


def kill_database(world: Crashing) -> None:
    """The postmaster is gone without a word; its children notice by themselves."""
    pid = int((world.home / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])
    assert Path(f"/proc/{pid}/cwd").readlink() == world.home / "pg", "that is somebody else's process"
    os.kill(pid, signal.SIGKILL)


def settled(world: Crashing, plan: str) -> int:
    found = world.rows("SELECT count(*) AS done FROM operation WHERE plan = %s AND attempts > 0", plan)
    return int(found[0]["done"])


def carry_through(world: Crashing, after: int, *, with_worker: bool) -> None:
    """The database dies once so many operations were begun; the command itself comes to a good end."""
    leaving, joining = world.go(leavers=2, joiners=1)
    plan = world.plan().json["plan"]
    worker = world.begin("only-work") if with_worker else None
    applying = world.begin("apply", plan, "--wait")
    until(lambda: settled(world, plan) >= after, f"{after} operations begun")
    kill_database(world)
    done = ended(applying)
    assert done.code == 0, done.err
    if worker is not None:
        worker.send_signal(signal.SIGTERM)
        assert ended(worker).code == 0
    world.assert_converged()
    for number in leaving:
        world.assert_out(number)
    for number in joining:
        world.assert_in(number)


@pytest.mark.timeout(300)
def test_a_plan_survives_the_death_of_its_database():
    """Acceptance 7 in short: once while the command works, once while it only watches a worker."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=20)
        carry_through(world, after=3, with_worker=False)
        carry_through(world, after=6, with_worker=True)


@pytest.mark.nightly
@pytest.mark.timeout(600)
def test_the_database_dies_five_times():
    """Acceptance 7: PostgreSQL x 5, earlier and later in the plan."""
    with ExitStack() as stack:
        world = open_crashing(stack, people=40, directory=True)
        for number, after in enumerate((1, 4, 8, 12, 16)):
            carry_through(world, after, with_worker=number % 2 == 1)
