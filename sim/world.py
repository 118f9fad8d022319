"""The whole loop over simulated applications: feed, plan, apply, work; time, crashes and convergence."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from lastday.configuration.settings import AbsenceRule
from lastday.inventory.correlation import ValueHeld, ValueHistory, correlate
from lastday.inventory.protection import mark_protected, protection_of
from lastday.lifecycle.intake import MergeContext, merge_feed
from lastday.lifecycle.normalise import NormalisedRow
from lastday.lifecycle.walk import changes_between
from lastday.model.canonical import digest
from lastday.model.change import ChangeKind
from lastday.model.errors import ConnectorError
from lastday.model.identity import Identity, last_left_at
from lastday.model.ids import ApplicationName, BatchId, Digest, IdentityId, OperationId, PlanId, SnapshotId
from lastday.model.operation import Because, Life, Operation, OperationState
from lastday.model.plan import MadeFrom, Plan
from lastday.planning import build
from lastday.planning.profile import PersonFacts
from lastday.policy.desired import desired_access
from sim.application import SimulatedApplication
from sim.company import (
    ADMINS,
    APPLICATIONS,
    CONFIGURATIONS,
    DIRECTORY,
    HR,
    LONGEST_PAUSE,
    POLICIES,
    SETTLE,
)
from sim.judging import profile_in
from sim.memory import Kept, KeptPlan, Memory
from sim.shell import Run, finish, go, go_exactly, start

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
_DUE = ("planned", "waiting", "retrying", "uncertain", "accepted", "verified")
_GIVES_WAY = ("planned", "waiting", "stopped", "retrying", "manual", "failed", "contradicted")
_BECAUSE_OF = {
    ChangeKind.JOINED: Because.JOINED,
    ChangeKind.MOVED: Because.ROLE_LOST,
    ChangeKind.SUSPENDED: Because.ON_LEAVE,
    ChangeKind.RELEASED: Because.ON_LEAVE,
    ChangeKind.RETURNED: Because.CAME_BACK,
    ChangeKind.LEFT: Because.LEFT,
}


def _applications() -> dict[ApplicationName, SimulatedApplication]:
    admins = {DIRECTORY: frozenset({ADMINS})}
    return {name: SimulatedApplication(name=name, admins=admins.get(name, frozenset())) for name in APPLICATIONS}


@dataclass(slots=True)
class World:
    memory: Memory = field(default_factory=Memory)
    applications: dict[ApplicationName, SimulatedApplication] = field(default_factory=_applications)
    now: datetime = START
    paused: list[Run] = field(default_factory=list)
    """Workers that stand still; others may take their operations over meanwhile."""
    batches: int = 0
    feeds: int = 0

    # The personnel office speaks

    def feed(self, rows: Sequence[NormalisedRow]) -> None:
        """A complete file is taken in; whom it changes is looked at."""
        memory = self.memory.copy()
        context = MergeContext(
            source=HR,
            received_at=self.now,
            rule=AbsenceRule(),
            absences=memory.absences,
            first_import=self.feeds == 0,
        )
        taken = merge_feed(tuple(memory.people.values()), rows, (), context)
        memory.absences = taken.new_absences
        after = {**memory.people, **{person.id: person for person in taken.changed}}
        _note_values(memory, after, self.now)
        self._walk(memory, after)
        memory.people = after
        memory.news |= {person.id: len(memory.entries) for person in taken.changed}
        self.memory, self.feeds = memory, self.feeds + 1

    def tick(self) -> None:
        """Whoever's instant has come is looked at."""
        memory = self.memory.copy()
        self._walk(memory, memory.people)
        self.memory = memory

    def _walk(self, memory: Memory, after: dict[IdentityId, Identity]) -> None:
        for identity, person in after.items():
            before, since = memory.people.get(identity), memory.walked.get(identity, self.now)
            for change in changes_between(before, person, since, self.now):
                because = Because.CONTRACT_ENDED if change.contract_ended else _BECAUSE_OF.get(change.kind)
                if because is not None:
                    memory.causes[identity] = because
            memory.walked[identity] = self.now

    def edit_policy(self, version: int) -> None:
        self.memory = replace(self.memory.copy(), policy=version)

    # Plans

    def plan(self, only: Collection[IdentityId] | None = None) -> Plan:
        """Applications are read whole, then a plan is made and kept; nothing outside is changed."""
        self.tick()
        memory = self.memory.copy()
        unreadable = [name for name in APPLICATIONS if not self._read_whole(memory, name)]
        chosen = [person for i, person in sorted(memory.people.items()) if only is None or i in only]
        self.batches += 1
        made = build.build_plan(
            [self._facts(memory, person) for person in chosen],
            {name: profile_in(memory, name, self.now) for name in APPLICATIONS},
            self._made_from(memory, chosen),
            self.now,
            unreadable=unreadable,
        )
        memory.plans[made.id] = KeptPlan(plan=made)
        self.memory = memory
        return made

    def _read_whole(self, memory: Memory, name: ApplicationName) -> bool:
        try:
            seen = self.applications[name].list_all(self.now)
        except ConnectorError:
            return False
        memory.take_snapshot(name, seen, self.now)
        settings = CONFIGURATIONS[memory.policy].applications[name]
        known = [account for account in memory.accounts.values() if account.application == name]
        for account in mark_protected(known, protection_of(settings.protect, None)):
            memory.accounts[name, account.native_id] = account
        known = [account for account in memory.accounts.values() if account.application == name]
        history = ValueHistory(held=tuple(memory.held.values()))
        native_ids = {account.id: account.native_id for account in known}
        for decision in correlate(known, tuple(memory.people.values()), settings, history, self.now):
            memory.link((name, native_ids[decision.account]), decision.correlation, decision.identity)
        return True

    def _facts(self, memory: Memory, person: Identity) -> PersonFacts:
        return PersonFacts(
            identity=person,
            desired=desired_access(person, POLICIES[memory.policy], self.now),
            accounts=memory.accounts_of(person.id),
            last_left_at=last_left_at(person.engagements, self.now),
            case_reason=memory.causes.get(person.id),
            sessions_open=memory.sessions_open(),
        )

    def _made_from(self, memory: Memory, chosen: Sequence[Identity]) -> MadeFrom:
        return MadeFrom(
            batch=BatchId(f"b-{self.batches}"),
            policy=CONFIGURATIONS[memory.policy].policy_digest,
            snapshots=tuple((name, SnapshotId(f"s-{self.batches}")) for name in APPLICATIONS),
            identities=tuple((person.id, _version(person)) for person in chosen),
        )

    def apply(self, plan: Plan) -> bool:
        """The plan's operations are pending, older ones give way; False where the plan is not the newest word."""
        kept = self.memory.plans[plan.id]
        if kept.applied or not self._is_fresh(plan):
            return False
        memory = self.memory.copy()
        people = {identity for identity, _ in plan.made_from.identities}
        for i, older in tuple(memory.operations.items()):
            if older.operation.identity in people and older.life.state.value in _GIVES_WAY:
                self._give_way(memory, i, older)
        for operation in plan.operations:
            if operation.stopped is None and operation.id not in memory.operations:
                life = _first_life(operation, approved=kept.approved)
                memory.operations[operation.id] = Kept(operation=operation, life=life, plan=plan.id)
        memory.plans[plan.id] = replace(kept, applied=True)
        for identity in people:
            memory.causes.pop(identity, None)
        self.memory = memory
        return True

    def _give_way(self, memory: Memory, operation: OperationId, older: Kept) -> None:
        over = replace(older.life, state=OperationState.SUPERSEDED, wake_at=None, detail="a newer plan decides")
        memory.operations[operation] = replace(older, life=over)
        if older.life.attempts > 0:
            memory.note_look_again(older.operation.identity, self.now + SETTLE)

    def _is_fresh(self, plan: Plan) -> bool:
        same_policy = plan.made_from.policy == CONFIGURATIONS[self.memory.policy].policy_digest
        return same_policy and all(
            _version(self.memory.people[identity]) == version for identity, version in plan.made_from.identities
        )

    def plan_and_apply(self, only: Collection[IdentityId] | None = None) -> Plan:
        plan = self.plan(only)
        self.apply(plan)
        return plan

    def approve(self, plan: PlanId) -> None:
        """What waited for approval is due."""
        memory = self.memory.copy()
        memory.plans[plan] = replace(memory.plans[plan], approved=True)
        for i, kept in tuple(memory.operations.items()):
            if kept.plan == plan and kept.life.state is OperationState.WAITING and kept.life.wake_at is None:
                memory.operations[i] = replace(kept, life=replace(kept.life, wake_at=self.now))
        self.memory = memory

    # Work

    def due(self) -> tuple[OperationId, ...]:
        """Operations that can be carried on now, the most urgent first."""
        waiting = [kept for kept in self.memory.operations.values() if self._is_due(kept)]
        return tuple(k.operation.id for k in sorted(waiting, key=lambda k: (k.operation.priority, k.operation.id)))

    def _is_due(self, kept: Kept) -> bool:
        if kept.life.state.value not in _DUE:
            return False
        wake = kept.life.wake_at
        return wake <= self.now if wake is not None else kept.life.state is not OperationState.WAITING

    def carry(self, operation: OperationId) -> None:
        finish(start(self, operation))

    def crash(self, operation: OperationId, steps: int) -> None:
        """The worker is killed after so many steps; what it had not committed is lost."""
        go_exactly(start(self, operation), steps)

    def pause(self, operation: OperationId, steps: int) -> None:
        run = start(self, operation)
        if go(run, steps):
            self.paused.append(run)

    def resume(self, position: int) -> None:
        finish(self.paused.pop(position % len(self.paused)))

    def lost(self) -> tuple[OperationId, ...]:
        """Operations that somebody was acting on when they were last seen."""
        kept = self.memory.operations.values()
        return tuple(sorted(k.operation.id for k in kept if k.life.state is OperationState.ACTING))

    def take_over(self) -> None:
        """What lost workers were acting on is read and carried on."""
        for operation in self.lost():
            self.carry(operation)

    def work(self, rounds: int = 400) -> None:
        """Everything due is carried on, until nothing is due at this moment."""
        for _ in range(rounds):
            due = self.due()
            if not due:
                return
            before = self.memory.operations
            for operation in due:
                self.carry(operation)
            if all(before[i] == self.memory.operations[i] for i in due):
                return

    # Time

    def advance(self, by: timedelta) -> None:
        """Time passes: what was under way arrives, workers that stand still for too long are dead."""
        self.now += by
        self.paused = [run for run in self.paused if run.began_at + LONGEST_PAUSE > self.now]
        for application in self.applications.values():
            application.land_until(self.now)

    def next_wake(self) -> datetime | None:
        waking = [
            kept.life.wake_at
            for kept in self.memory.operations.values()
            if kept.life.state.value in _DUE and kept.life.wake_at is not None
        ]
        landing = [at for application in self.applications.values() for at, _ in application.late]
        return min([*waking, *landing, *self.memory.look_again.values()], default=None)

    def heal(self) -> None:
        """No new faults from now on; whoever stood still is dead, whatever was promised is approved."""
        self.paused.clear()
        for application in self.applications.values():
            application.heal()

    def settle_down(self, horizon: timedelta = timedelta(hours=3)) -> None:
        """Everything due until nothing moves within `horizon`: operations, late effects, second looks at people."""
        until = self.now + horizon
        for _ in range(600):
            self.take_over()
            self.work()
            self._look_again()
            wake = self.next_wake()
            if wake is None or wake > until:
                return
            self.advance(max(wake - self.now, timedelta(seconds=1)))
        raise AssertionError("it does not come to rest")

    def _look_again(self) -> None:
        due = frozenset(i for i, at in self.memory.look_again.items() if at <= self.now)
        if not due:
            return
        memory = self.memory.copy()
        memory.look_again = {i: at for i, at in memory.look_again.items() if i not in due}
        self.memory = memory
        plan = self.plan_and_apply(due)
        self.approve(plan.id)
        self.work()

    def sweep(self) -> Plan:
        """A plan over everybody is made, applied, approved and carried out until nothing moves."""
        plan = self.plan_and_apply()
        self.approve(plan.id)
        self.settle_down()
        return plan

    def calls(self) -> int:
        return sum(len(application.requests) for application in self.applications.values())


def _first_life(operation: Operation, *, approved: bool) -> Life:
    if operation.approval is not None and not approved:
        return Life(state=OperationState.WAITING, detail=f"waits for approval ({operation.approval})")
    if operation.due_at is not None:
        return Life(state=OperationState.WAITING, wake_at=operation.due_at, detail="waits for its hour")
    return Life()


def _version(person: Identity) -> Digest:
    return digest(
        [
            [e.id, e.status.value, str(e.starts_at), str(e.ends_at), e.attributes.as_json()]
            for e in sorted(person.engagements, key=lambda e: e.id)
        ]
    )


def _note_values(memory: Memory, after: dict[IdentityId, Identity], now: datetime) -> None:
    """Every mail that anybody had, with the moment at which they ceased to have it."""
    current = {
        ("emails.value", mail, person.id)
        for person in after.values()
        for engagement in person.engagements
        if (mail := engagement.attributes.text("emails.value"))
    }
    for key, held in tuple(memory.held.items()):
        if key not in current and held.until is None:
            memory.held[key] = replace(held, until=now)
    for attribute, value, identity in current:
        memory.held[attribute, value, identity] = ValueHeld(attribute=attribute, value=value, identity=identity)
