"""Any history of a small company: what the personnel office, people in applications, workers and networks may do."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lastday.model.ids import NativeId
from sim.application import Fault, TrueAccount
from sim.beginning import begin
from sim.company import APPLICATIONS, CHAT, CHESS, DEPARTMENTS, DIRECTORY, LONGEST_LAG, LONGEST_LATE
from sim.invariants import Watch, converge, identity_of
from sim.personnel import Job, Presence, in_order, rows_of

DAY = timedelta(days=1)
MOST_PEOPLE = 6
NAMES = (("Ada", "Lo"), ("Bo", "Li"), ("Cy", "Wu"))
"""Few, so that newcomers have the names of others."""
WHICH = st.integers(0, 11)
DEPARTMENT = st.sampled_from(DEPARTMENTS)
TOLD = st.sampled_from(("work", "work", "plan", "file", "not yet"))
"""How far the news goes at once: nowhere, into the file, into an applied plan, or until all that is due is done."""
WEATHER = st.lists(st.none() | st.sampled_from(Fault), max_size=6)
"""What befalls the next calls, one each."""
DELAY = st.sampled_from((timedelta(seconds=5), timedelta(seconds=35), LONGEST_LATE))
WHEN = st.sampled_from((timedelta(0), 3 * DAY, -2 * DAY))


class Histories(RuleBasedStateMachine):
    """One history; `teardown` lets everything come to rest and asks for I1, I5 and I6."""

    def __init__(self):
        super().__init__()
        self.world, self.personnel = begin()
        self.watch = Watch(self.world)
        self.numbers = 1003
        self.drawer = None
        self.faulty = False

    # The personnel office

    def _told(self, told):
        if told == "not yet":
            return
        self.world.feed(rows_of(self.personnel.jobs.values()))
        if told != "file":
            self.world.plan_and_apply()
        if told == "work":
            self.world.work()

    def _weather(self, weather, delay):
        for application in self.world.applications.values():
            application.faults, application.delay = list(weather), delay

    def _somebody(self, which):
        people = self.personnel.people
        return people[which % len(people)]

    def _job(self, person, department, starts_at, names, mail=None):
        self.numbers += 1
        given, family = names
        return Job(
            number=str(self.numbers),
            person=person,
            given=given,
            family=family,
            mail=mail or f"{given}.{family}@northwind.example".lower(),
            department=department,
            starts_at=starts_at,
        )

    def _latest(self, person):
        return max(self.personnel.jobs_of(person), key=lambda job: (job.starts_at, job.number))

    @precondition(lambda self: len(self.personnel.people) < MOST_PEOPLE)
    @rule(department=DEPARTMENT, names=st.sampled_from(NAMES), later=st.booleans(), told=TOLD)
    def hire(self, department, names, later, told):
        """The newcomer has the name, and so the mail, of somebody who is or was here."""
        person = f"p{len(self.personnel.people) + 1}"
        starts_at = self.world.now + (2 * DAY if later else timedelta(0))
        self.personnel.set(self._job(person, department, starts_at, names))
        self._told(told)

    @rule(which=WHICH, department=DEPARTMENT, told=TOLD)
    def move(self, which, department, told):
        job = self._latest(self._somebody(which))
        self.personnel.set(replace(job, department=department))
        self._told(told)

    @rule(which=WHICH, when=WHEN, told=TOLD)
    def leave(self, which, when, told):
        self.personnel.end_all(self._somebody(which), self.world.now + when)
        self._told(told)

    @rule(which=WHICH, told=TOLD)
    def take_the_end_back(self, which, told):
        job = self._latest(self._somebody(which))
        self.personnel.set(replace(job, ends_at=None))
        self._told(told)

    def _gone(self):
        return [p for p in self.personnel.people if self.personnel.presence(p, self.world.now) is Presence.GONE]

    @precondition(_gone)
    @rule(which=WHICH, department=DEPARTMENT, new_number=st.booleans(), told=TOLD)
    def hire_again(self, which, department, new_number, told):
        gone = self._gone()
        person = gone[which % len(gone)]
        job = self._latest(person)
        if new_number:
            self.personnel.set(self._job(person, department, self.world.now, (job.given, job.family), job.mail))
        elif job.ends_at is not None and job.ends_at < self.world.now:
            self.personnel.set(replace(job, starts_at=self.world.now, ends_at=None, department=department))
        self._told(told)

    @rule(which=WHICH, names=st.sampled_from(NAMES), told=TOLD)
    def rename(self, which, names, told):
        job = self._latest(self._somebody(which))
        given, family = names
        mail = f"{given}.{family}@northwind.example".lower()
        self.personnel.set(replace(job, given=given, family=family, mail=mail))
        self._told(told)

    @rule(which=WHICH, department=DEPARTMENT, told=TOLD)
    def second_contract(self, which, department, told):
        person = self._somebody(which)
        if len(self.personnel.jobs_of(person)) < 3:
            job = self._latest(person)
            self.personnel.set(self._job(person, department, self.world.now, (job.given, job.family), job.mail))
        self._told(told)

    @rule(which=WHICH, away=st.booleans(), told=TOLD)
    def leave_of_absence(self, which, away, told):
        for job in self.personnel.jobs_of(self._somebody(which)):
            self.personnel.set(replace(job, on_leave=away))
        self._told(told)

    @rule(turn=st.integers(0, 11), twice=st.booleans(), double=st.booleans())
    def send_the_file(self, turn, twice, double):
        """In any order, again, or with a row that stands twice and so says nothing."""
        jobs = in_order(tuple(self.personnel.jobs.values()), turn)
        rows = rows_of(jobs)
        self.world.feed((*rows, rows[0]) if double else rows)
        if twice:
            self.world.feed(rows)

    @rule(version=st.integers(0, 1), told=TOLD)
    def edit_policy(self, version, told):
        self.world.edit_policy(version)
        self._told(told)

    # People in the applications

    @rule(
        where=st.sampled_from(APPLICATIONS),
        which=WHICH,
        what=st.sampled_from((CHESS, "group/finance", "role/sales", "on", "sign in")),
    )
    def by_hand(self, where, which, what):
        """Somebody gives, switches on or signs in without asking."""
        application = self.world.applications[where]
        account = application.accounts[sorted(application.accounts)[which % len(application.accounts)]]
        if account.protected:
            return
        if what == "on":
            application.change_by_hand(replace(account, enabled=True), self.world.now)
        elif what == "sign in" and account.enabled and where == DIRECTORY:
            application.change_by_hand(replace(account, sessions=1), self.world.now)
        elif "/" in what:
            application.change_by_hand(replace(account, holdings=account.holdings | {what}), self.world.now)

    @rule(where=st.sampled_from(APPLICATIONS), which=WHICH, proven=st.booleans())
    def account_by_hand(self, where, which, proven):
        """Somebody makes an account for a colleague, with their number or with their mail only."""
        person = self._somebody(which)
        job = self._latest(person)
        application = self.world.applications[where]
        owned = [a for a in application.accounts.values() if a.owner == identity_of(person)]
        if owned or len(application.accounts) > MOST_PEOPLE + 2:
            return
        native_id: NativeId = application.new_native_id()
        made = TrueAccount(
            native_id=native_id,
            username=f"by.hand.{native_id}",
            owner=identity_of(person),
            number=job.number if proven else None,
            mail=job.mail,
            holdings=frozenset({"role/sales" if where == CHAT else "group/finance"}),
            created_at=self.world.now,
        )
        application.change_by_hand(made, self.world.now)

    # Deciding and working

    @rule(which=st.none() | WHICH)
    def plan_and_apply(self, which):
        only = None if which is None else {identity_of(self._somebody(which))} & set(self.world.memory.people)
        self.world.plan_and_apply(only)

    @rule()
    def plan_for_later(self):
        self.drawer = self.world.plan()

    @precondition(lambda self: self.drawer is not None)
    @rule()
    def apply_what_was_planned(self):
        assert self.drawer is not None
        self.world.apply(self.drawer)
        self.drawer = None

    @precondition(lambda self: self.world.memory.plans)
    @rule(which=WHICH)
    def approve(self, which):
        plans = tuple(self.world.memory.plans)
        self.world.approve(plans[-1 - which % len(plans)])

    @precondition(lambda self: self.world.due())
    @rule(which=WHICH, weather=WEATHER, delay=DELAY)
    def carry_one_on(self, which, weather, delay):
        self._weather(weather, delay)
        due = self.world.due()
        self.world.carry(due[which % len(due)])

    @precondition(lambda self: self.world.due())
    @rule(which=WHICH, steps=st.integers(0, 16))
    def crash(self, which, steps):
        due = self.world.due()
        self.world.crash(due[which % len(due)], steps)

    @precondition(lambda self: self.world.due())
    @rule(which=WHICH, steps=st.integers(3, 16))
    def stand_still(self, which, steps):
        due = self.world.due()
        self.world.pause(due[which % len(due)], steps)

    @precondition(lambda self: self.world.paused)
    @rule(which=WHICH)
    def go_on(self, which):
        self.world.resume(which)

    @precondition(lambda self: self.world.lost())
    @rule()
    def take_over(self):
        self.world.take_over()

    @precondition(lambda self: self.world.due())
    @rule(weather=WEATHER, delay=DELAY, rounds=st.integers(1, 3))
    def work(self, weather, delay, rounds):
        self._weather(weather, delay)
        self.world.work(rounds)

    # Time and faults

    @rule(
        by=st.sampled_from((timedelta(seconds=2), timedelta(seconds=40), timedelta(seconds=400), timedelta(hours=13)))
    )
    def time_passes(self, by):
        self.world.advance(by)

    @rule(by=st.sampled_from((3 * DAY, 40 * DAY)))
    def the_clock_jumps(self, by):
        self.world.advance(by)

    @rule(weather=WEATHER, delay=DELAY)
    def the_weather_turns(self, weather, delay):
        self._weather(weather, delay)

    @rule(where=st.sampled_from(APPLICATIONS), lag=st.sampled_from((timedelta(0), LONGEST_LAG)), unreadable=WHICH)
    def reading_is_poor(self, where, lag, unreadable):
        application = self.world.applications[where]
        application.lag, application.unreadable = lag, max(unreadable - 6, 0)

    # What must be true

    @invariant()
    def nothing_happened_that_should_not(self):
        self.watch.look()

    def teardown(self):
        converge(self.world, self.personnel, self.watch)
