"""Histories told on purpose: each one walks into the place where one safeguard is all that helps."""

from dataclasses import replace
from datetime import timedelta

from lastday.model.ids import OperationId
from lastday.model.operation import OperationState, Verb
from sim.application import Fault, TrueAccount
from sim.beginning import a_job, begin
from sim.company import CHAT, DIRECTORY, LONGEST_LATE
from sim.invariants import Watch, converge, identity_of
from sim.memory import Kept
from sim.personnel import rows_of

SECOND = timedelta(seconds=1)


class Story:
    """A world at work, told in steps; every step is watched."""

    def __init__(self):
        self.world, self.personnel = begin()
        self.watch = Watch(self.world)
        self.directory = self.world.applications[DIRECTORY]
        self.personnel.set(replace(a_job("1004", "p4", "Di", "Fu", "IT"), starts_at=self.world.now))
        self.told()

    def told(self, *, work=True):
        """The file is read, a plan is made and applied, and, unless told otherwise, carried out to the end."""
        self.world.feed(rows_of(self.personnel.jobs.values()))
        plan = self.world.plan_and_apply()
        self.world.approve(plan.id)
        if work:
            self.world.settle_down()
        self.watch.look()

    def change(self, number, **changes):
        self.personnel.set(replace(self.personnel.jobs[number], **changes))

    def leaves(self, number):
        self.change(number, ends_at=self.world.now)

    def works(self):
        self.world.work()
        self.watch.look()

    def ends(self):
        converge(self.world, self.personnel, self.watch)


def an_administrator_leaves():
    story = Story()
    story.leaves("1001")
    story.told()
    story.ends()


def all_administrators_leave():
    story = Story()
    story.leaves("1001")
    story.leaves("1004")
    story.told()
    story.ends()


def administrators_move_one_after_the_other():
    """What takes the first one's administration has not landed when the second one's turn comes."""
    story = Story()
    story.change("1001", department="Sales")
    story.directory.delay = LONGEST_LATE
    story.told(work=False)
    story.directory.faults = [Fault.LATE] * 3
    story.works()
    story.change("1004", department="Sales")
    story.world.feed(rows_of(story.personnel.jobs.values()))
    story.directory.faults = []
    story.world.plan_and_apply({identity_of("p4")})
    story.works()
    story.world.settle_down()
    story.watch.look()
    story.ends()


def somebody_leaves():
    story = Story()
    story.leaves("1002")
    story.told()
    story.ends()


def somebody_moves():
    story = Story()
    story.change("1002", department="Sales")
    story.told()
    story.ends()


def a_rehire_overtakes_the_leaver():
    """The disable is planned and not yet done when the file says that the person is here after all."""
    story = Story()
    story.leaves("1002")
    story.told(work=False)
    story.change("1002", ends_at=None)
    story.world.feed(rows_of(story.personnel.jobs.values()))
    story.works()
    story.ends()


def an_old_request_lands_late():
    """The first try to switch the account on lands after the person has left and the account was seen to be off."""
    story = Story()
    story.change("1002", on_leave=True)
    story.told()
    story.change("1002", on_leave=False)
    story.directory.delay = LONGEST_LATE
    story.directory.faults = [Fault.LATE]
    story.told(work=False)
    for _ in range(25):
        story.works()
        story.world.advance(SECOND)
    story.leaves("1002")
    story.told()
    story.ends()


def an_old_disable_lands_late():
    """Switching off times out, the person is here after all, and then it lands."""
    story = Story()
    story.leaves("1002")
    story.directory.delay = LONGEST_LATE
    story.directory.faults = [Fault.LATE]
    story.told(work=False)
    story.works()
    story.change("1002", ends_at=None)
    story.ends()


def a_request_given_up_lands_late():
    """All else is settled; what is left times out, is to be tried again, gives way to a newer plan, and lands."""
    story = Story()
    chat = story.world.applications[CHAT]
    story.change("1002", on_leave=True)
    chat.delay = LONGEST_LATE
    chat.faults = [*[Fault.RATE_LIMITED] * 60, Fault.LATE]
    story.told(work=False)
    while chat.faults or not _retries(story):
        story.world.advance(SECOND)
        story.works()
    story.change("1002", on_leave=False)
    story.ends()


def _retries(story):
    return any(kept.life.state is OperationState.RETRYING for kept in story.world.memory.operations.values())


def a_return_is_taken_back():
    """Off, on again and off again inside the settle time: what was sent to switch on lands when off was seen twice."""
    story = Story()
    story.change("1002", on_leave=True)
    story.told(work=False)
    story.works()
    story.world.advance(300 * SECOND)
    story.works()
    story.change("1002", on_leave=False)
    story.directory.delay = LONGEST_LATE
    story.directory.faults = [Fault.LATE]
    story.told(work=False)
    story.works()
    story.world.advance(10 * SECOND)
    story.leaves("1002")
    story.told()
    story.ends()


def a_mail_is_used_again():
    """An account without a number, of somebody who left; a newcomer has their name and mail."""
    story = Story()
    story.leaves("1003")
    story.told()
    made = TrueAccount(
        native_id=story.directory.new_native_id(),
        username="cy",
        owner=identity_of("p3"),
        mail="cy.wu@northwind.example",
        holdings=frozenset({"group/vpn"}),
        created_at=story.world.now - timedelta(days=30),
    )
    story.directory.change_by_hand(made, story.world.now)
    story.personnel.set(replace(a_job("1005", "p5", "Cy", "Wu", "Finance"), starts_at=story.world.now))
    story.told()
    story.ends()


def somebody_invents_an_operation():
    """What stands in the table and in no plan must be found, whoever put it there."""
    story = Story()
    story.leaves("1002")
    story.told(work=False)
    kept = next(k for k in story.world.memory.operations.values() if k.operation.verb is Verb.DISABLE)
    invent(story, kept)
    story.works()
    story.ends()


def invent(story, kept: Kept):
    """The hook of a sabotage; an honest engine invents nothing."""


def invented(story, kept: Kept):
    other = replace(kept, operation=replace(kept.operation, id=OperationId("o-invented"), priority=1))
    assert kept.life.state is OperationState.PLANNED
    story.world.memory.operations[other.operation.id] = other


def an_application_lies_and_fails():
    story = Story()
    story.leaves("1003")
    story.world.applications[CHAT].faults = [Fault.LIES, Fault.ANSWER_LOST, Fault.UNREACHABLE, Fault.RATE_LIMITED]
    story.told()
    story.ends()
