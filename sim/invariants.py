"""What must be true of every history (I1 to I15 of the security notes), judged by what is true outside Lastday."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from lastday.execution.machine import Record
from lastday.model.account import Account, Correlation
from lastday.model.canonical import short_id
from lastday.model.identity import Lifecycle
from lastday.model.ids import ApplicationName, IdentityId
from lastday.model.operation import Because, Operation, OperationState, Verb
from lastday.model.plan import Plan
from sim.application import Effect, Request, SimulatedApplication, TrueAccount
from sim.company import ADMINS, APPLICATIONS, HR
from sim.judging import profile_in
from sim.personnel import Personnel, Presence, rows_of
from sim.world import World


class Broken(AssertionError):
    """An invariant does not hold; `name` is its number."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


def identity_of(person: str) -> IdentityId:
    """The id under which Lastday knows whom the personnel office calls so."""
    return IdentityId(short_id("i", HR, person))


@dataclass(slots=True)
class Watch:
    """Looks at every request and effect once, and at the evidence as a whole."""

    world: World
    requests: Counter[ApplicationName] = field(default_factory=Counter)
    effects: Counter[ApplicationName] = field(default_factory=Counter)

    def look(self) -> None:
        """Raises Broken where anything that happened since the last look should not have."""
        for name, application in self.world.applications.items():
            for request in application.requests[self.requests[name] :]:
                self._request(request)
            for effect in application.effects[self.effects[name] :]:
                self._effect(application, effect)
            self.requests[name], self.effects[name] = len(application.requests), len(application.effects)
        self._evidence()

    def _request(self, request: Request) -> None:
        operation = request.operation
        intent = self._intent_of(request)
        if intent is None:
            raise Broken("I3", f"{operation.id} was sent without an intent for attempt {request.attempt}")
        if not any(_same(planned, operation) for planned in self._applied()):
            raise Broken("I4", f"{operation.id} was sent, and no applied plan holds it")
        self._is_of_today(operation, intent)

    def _intent_of(self, request: Request) -> int | None:
        """Where in the evidence the intent stands that was written before the request."""
        wanted = (Record.INTENT.value, request.operation.id, request.attempt)
        entries = enumerate(self.world.memory.entries)
        return next((i for i, e in entries if (e.kind, e.operation, e.attempt) == wanted), None)

    def _is_of_today(self, operation: Operation, intent: int) -> None:
        """Nobody is put out for having left once it was known, when the intent was written, that they are here."""
        memory = self.world.memory
        known = memory.news.get(operation.identity, 0) <= intent
        then = memory.entries[intent].at
        here = memory.people[operation.identity].lifecycle_at(then) is Lifecycle.ACTIVE
        if known and here and operation.verb is Verb.DISABLE and operation.because in _OF_LEAVERS:
            raise Broken("I5", f"{operation.id} puts out somebody who was known to be here")

    def _applied(self) -> Iterator[Operation]:
        for kept in self.world.memory.plans.values():
            if kept.applied:
                yield from (o for o in kept.plan.operations if kept.approved or o.approval is None)

    def _effect(self, application: SimulatedApplication, effect: Effect) -> None:
        operation, before = effect.request.operation, effect.before
        if before is not None and before.protected:
            raise Broken("I2", f"{operation.id} changed the protected account {before.native_id}")
        if before is not None and before.owner != operation.identity:
            raise Broken("I15", f"{operation.id} for {operation.identity} changed an account of {before.owner}")
        if effect.admins_before > 0 and effect.admins_after == 0:
            raise Broken("I10", f"{operation.id} took the last administrator of {application.name}")
        self._after_settlement(effect)

    def _after_settlement(self, effect: Effect) -> None:
        """No request that was sent before a removal was settled comes true afterwards."""
        sent, request = effect.request.at, effect.request.operation
        for kept in self.world.memory.operations.values():
            life, other = kept.life, kept.operation
            if life.settled_at is None or not _opposed(other, request):
                continue
            if sent < life.settled_at <= effect.at:
                raise Broken("I1", f"{other.id} was settled, and then {request.id} came true")

    def _evidence(self) -> None:
        memory = self.world.memory
        outcomes = Counter(e.operation for e in memory.entries if e.kind == Record.OUTCOME.value)
        twice = [operation for operation, count in outcomes.items() if count > 1]
        if twice:
            raise Broken("I3", f"{twice[0]} has more than one outcome")
        for operation, kept in memory.operations.items():
            if kept.life.state is OperationState.SETTLED and outcomes[operation] != 1:
                raise Broken("I3", f"{operation} is settled without an outcome")


def _same(planned: Operation, sent: Operation) -> bool:
    """The id of the account may have become known since."""
    known = planned.native_id in (None, sent.native_id)
    same = (planned.id, planned.verb, planned.identity, planned.application, planned.entitlement)
    return known and same == (sent.id, sent.verb, sent.identity, sent.application, sent.entitlement)


_OF_LEAVERS = (Because.LEFT, Because.CONTRACT_ENDED, Because.ON_LEAVE)
_OPPOSITE = {Verb.DISABLE: Verb.ENABLE, Verb.REVOKE: Verb.GIVE}


def _opposed(removal: Operation, other: Operation) -> bool:
    same = (removal.application, removal.native_id, removal.entitlement)
    return _OPPOSITE.get(removal.verb) is other.verb and same == (
        other.application,
        other.native_id,
        other.entitlement,
    )


def converge(world: World, personnel: Personnel, watch: Watch) -> Plan:
    """All faults end; the newest file is taken in, and everything is carried out until nothing moves.

    The last plan, which has nothing to do. Raises Broken where it would still do something, or where an invariant of
    the end does not hold.
    """
    world.heal()
    world.advance(timedelta(seconds=25))
    world.feed(rows_of(personnel.jobs.values()))
    excused = _excused(world, world.sweep())
    watch.look()
    check_end(world, personnel, world.plan(), excused)
    left = [operation for operation in moving(world.plan()) if operation.identity not in excused]
    if left:
        raise Broken("I6", f"everything rests, and something is left to do: {left[0]}")
    return _at_rest(world, personnel, watch)


def _excused(world: World, swept: Plan) -> frozenset[IdentityId]:
    """People who need another sweep: something rests as a finding, or a successor had to come first."""
    known = world.memory.accounts
    spared = {
        account.identity for account in known.values() if (account.application, account.native_id) in _spared(swept)
    }
    return _unfinished(world) | frozenset(identity for identity in spared if identity is not None)


def _at_rest(world: World, personnel: Personnel, watch: Watch) -> Plan:
    for _ in range(4):
        if not moving(world.plan()):
            break
        world.sweep()
        watch.look()
    last = world.plan_and_apply()
    calls = world.calls()
    if moving(last):
        raise Broken("I6", f"it is never done: {moving(last)[0]}")
    world.settle_down()
    spared = sum(1 for o in last.operations if o.verb is Verb.END_SESSIONS)
    if world.calls() > calls + spared:
        raise Broken("I6", "an empty plan made a call")
    check_end(world, personnel, last)
    return last


def _unfinished(world: World) -> frozenset[IdentityId]:
    """People of whom something rests as a finding: the next sweep tries again."""
    resting = (OperationState.FAILED, OperationState.CONTRADICTED, OperationState.STOPPED)
    return frozenset(k.operation.identity for k in world.memory.operations.values() if k.life.state in resting)


def moving(plan: Plan) -> list[Operation]:
    """What the plan would do, but for the sessions of a last administrator, which are ended at every look."""
    spared = _spared(plan)
    return [o for o in plan.operations if not (o.verb is Verb.END_SESSIONS and (o.application, o.native_id) in spared)]


def _spared(plan: Plan) -> frozenset[tuple[str, str]]:
    """Accounts that the plan leaves alone as those of last administrators."""
    named = (finding.subject.partition("/") for finding in plan.findings if finding.code == "A310")
    return frozenset((application, native_id) for application, _, native_id in named)


NOBODY: frozenset[IdentityId] = frozenset()


def check_end(world: World, personnel: Personnel, last: Plan, excused: frozenset[IdentityId] = NOBODY) -> None:
    """I1 and I5: everybody but the `excused` has exactly what today's word gives them. Raises Broken."""
    for person in personnel.people:
        if identity_of(person) in excused:
            continue
        presence = personnel.presence(person, world.now)
        for name in APPLICATIONS:
            owned = [a for a in world.applications[name].accounts.values() if a.owner == identity_of(person)]
            linked = [a for a in owned if not a.protected and _is_linked(world, name, a)]
            spared = {native for application, native in _spared(last) if application == name}
            match presence:
                case Presence.HERE:
                    expected = personnel.should_hold(person, world.memory.policy, world.now)
                    _check_here(world, name, linked, frozenset(expected), spared)
                case Presence.COMING:
                    _check_off(linked, spared, "I1", emptied=False)
                case Presence.ON_LEAVE:
                    _check_off(linked, spared, "I1", emptied=False)
                case Presence.GONE:
                    _check_off(linked, spared, "I1", emptied=True)


def _is_linked(world: World, name: ApplicationName, account: TrueAccount) -> bool:
    """Whose account it is is known; doubt is a finding, the named exception of I1."""
    known: Account | None = world.memory.accounts.get((name, account.native_id))
    return known is not None and known.correlation is Correlation.MATCHED


def _check_off(accounts: Iterable[TrueAccount], spared: set[str], name: str, *, emptied: bool) -> None:
    for account in accounts:
        exception = account.native_id in spared
        left = account.holdings - ({ADMINS} if exception else set())
        if account.sessions or (account.enabled and not exception):
            raise Broken(name, f"{account} is on")
        if emptied and left:
            raise Broken(name, f"{account} still holds something")


def _check_here(
    world: World, name: ApplicationName, accounts: list[TrueAccount], expected: frozenset[str], spared: set[str]
) -> None:
    wanted = {text.partition(":")[2] for text in expected if text.startswith(f"{name}:")}
    managed = profile_in(world.memory, name, world.now).managed
    held = {holding for account in accounts for holding in account.holdings if holding in managed}
    allowed = {ADMINS} if any(account.native_id in spared for account in accounts) else set()
    if not any(account.enabled and wanted <= account.holdings for account in accounts):
        raise Broken("I5", f"somebody who is here lacks something of {sorted(wanted)} in {name}: {accounts}")
    if held - wanted - allowed:
        raise Broken("I5", f"somebody who is here holds more than {sorted(wanted)} in {name}: {accounts}")


def state_of(world: World) -> dict[tuple[ApplicationName, IdentityId], frozenset[str]]:
    """What every person can do in each application, by accounts that are on and known to be theirs."""
    found: dict[tuple[ApplicationName, IdentityId], frozenset[str]] = {}
    for name, application in world.applications.items():
        for account in application.accounts.values():
            if account.enabled and _is_linked(world, name, account):
                before = found.get((name, account.owner), frozenset())
                found[name, account.owner] = before | account.holdings | {"account"}
    return found
