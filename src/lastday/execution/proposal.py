"""Making plans: read the applications, decide, compare, hold what looks wrong, keep the plan.

Nothing outside is changed by a plan.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution import named
from lastday.execution.batching import brake_finding
from lastday.execution.confirming import take_back_denied
from lastday.execution.engine import Boundary, Engine
from lastday.execution.hand_work import check_confirmations, less_confirmed, unchecked
from lastday.execution.people import load_people
from lastday.execution.plan_report import plan_report
from lastday.execution.standing import Standing, profiles, standings, wished
from lastday.inventory.aggregation import Readings, TakenIn, read_applications, take_in
from lastday.model.access import Adopted, Deny
from lastday.model.account import Account, EntitlementRef
from lastday.model.batch import Batch, CauseKind, Tripped
from lastday.model.canonical import JsonValue, digest
from lastday.model.change import Change, ChangeKind
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Identity, Lifecycle
from lastday.model.ids import ApplicationName, BatchId, Digest, IdentityId
from lastday.model.operation import Because
from lastday.model.plan import MadeFrom, Plan
from lastday.planning.brakes import apply_stops
from lastday.planning.build import build_plan
from lastday.planning.plan_brakes import CountedEffect, PlanBase, check_plan_brakes, less_released
from lastday.planning.profile import AccountKey, ApplicationProfile, PersonFacts
from lastday.store import accounts, batches, decisions, findings, identities, looking_again, operations, plans
from lastday.store.batches import StoredChange
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation

WINDOW = timedelta(hours=24)
_MAY_TELL_OF_POLICY = (CauseKind.POLICY, CauseKind.SWEEP)
"""What one plan stopped must not pass as the next look at everybody, nor because something else waited with it."""

BECAUSE_OF: Mapping[ChangeKind, Because] = {
    ChangeKind.JOINED: Because.JOINED,
    ChangeKind.MOVED: Because.ROLE_LOST,
    ChangeKind.SUSPENDED: Because.ON_LEAVE,
    ChangeKind.RELEASED: Because.ON_LEAVE,
    ChangeKind.RETURNED: Because.CAME_BACK,
    ChangeKind.LEFT: Because.LEFT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A plan that is kept, with what `plan --json` shows of it."""

    plan: Plan
    report: Mapping[str, JsonValue]
    tripped: tuple[Tripped, ...]


async def propose(
    engine: Engine, batch: Batch, only: Sequence[IdentityId] | None = None, readings: Readings | None = None
) -> Proposed:
    """The plan for `batch` is kept: for these people, or for everybody; less those whose hour came meanwhile.

    No brake has judged them yet: they have a batch of their own with the next tick.

    Applications are asked for the people where these are few, else read whole, unless `readings` brings what was read.
    An application that could not be read yields nothing, and the plan is not complete.
    """
    look = named.NOTHING
    if readings is None:
        look = await named.look_at(engine, only)
        whole = [name for name in engine.applications.names if name not in look.looked and name not in look.faults]
        readings = await read_applications(whole, engine.applications.open, engine.clock)
        readings = replace(readings, faults={**readings.faults, **look.faults})
    async with engine.database.transaction() as tx:
        await tx.lock("lastday plans")
        taken = {**await take_in_all(engine, tx, readings), **await named.take_in_named(engine, tx, look)}
        proposed = await _build(engine, tx, batch, only, readings, taken)
        await _keep(engine, tx, batch, proposed, only)
        if only is None and not readings.faults:
            await looking_again.take_due(tx, engine.clock.now())
    await take_back_denied(engine)
    engine.reached(Boundary.AFTER_PLAN, proposed.plan.id)
    return proposed


async def take_in_all(engine: Engine, tx: Transaction, readings: Readings) -> Mapping[ApplicationName, TakenIn]:
    """Every whole reading is what the inventory shows; what people confirmed is checked; faults are findings."""
    now = engine.clock.now()
    people = await load_people(tx)
    taken: dict[ApplicationName, TakenIn] = {}
    for name, reading in sorted(readings.whole.items()):
        before = _held(await accounts.load_accounts(tx, application=name))
        taken[name] = await take_in(tx, reading, engine.applications.settings[name], people, now)
        await _end_vanished(tx, before - _held(taken[name].accounts), now)
        await findings.close_findings(tx, "A105", name, now)
        await check_confirmations(engine, tx, name, taken[name].accounts)
        if taken[name].first_time:
            await _adopt_found(engine, tx, taken[name].accounts, people, now)
    for name, fault in sorted(readings.faults.items()):
        await findings.open_finding(tx, _unread(engine, name, fault.what), now)
    return taken


_Held: TypeAlias = frozenset[tuple[IdentityId, EntitlementRef]]


def _held(known: Sequence[Account]) -> _Held:
    """Who holds what, the account itself included."""
    return frozenset(
        (account.identity, EntitlementRef(account.application, name))
        for account in known
        if account.exists and account.identity is not None
        for name in ("account", *(holding.entitlement for holding in account.observed.holdings))
    )


async def _end_vanished(tx: Transaction, vanished: _Held, now: datetime) -> None:
    """What was adopted because it was there is adopted no more when it is gone: nobody here gives it back."""
    for identity, entitlement in sorted(vanished):
        await decisions.end_adopted(tx, identity, now, (entitlement,))


async def _adopt_found(
    engine: Engine, tx: Transaction, found: Sequence[Account], people: Sequence[Identity], now: datetime
) -> None:
    """What somebody who is here holds without a reason of policy, in an application just connected, is adopted."""
    here = {person.id: person for person in people if person.lifecycle_at(now) is Lifecycle.ACTIVE}
    adopted = []
    for account in found:
        person = here.get(account.identity) if account.identity is not None else None
        if person is None:
            continue
        wish = wished(engine, person, now).of(account.application)
        reasons = {str(a.entitlement) for a in wish.assignments} if wish is not None else set()
        names = ["account", *(holding.entitlement for holding in account.observed.holdings)]
        refs = [EntitlementRef(account.application, name) for name in names]
        adopted += [Adopted(identity=person.id, entitlement=ref, since=now) for ref in refs if str(ref) not in reasons]
    await decisions.adopt(tx, adopted)


def _unread(engine: Engine, name: ApplicationName, why: str) -> Finding:
    return Finding(
        code="A105",
        severity=Severity.ERROR,
        subject=name,
        detail=f"{name} could not be read whole, so nothing is concluded about it: {why}",
        mend="See that the application answers and that our credentials hold, then plan again.",
        owner=engine.applications.settings[name].owner,
    )


async def _build(
    engine: Engine,
    tx: Transaction,
    batch: Batch,
    only: Sequence[IdentityId] | None,
    readings: Readings,
    taken: Mapping[ApplicationName, TakenIn],
) -> Proposed:
    now = engine.clock.now()
    everybody = await load_people(tx)
    here = [person.id for person in everybody if person.lifecycle_at(now) is Lifecycle.ACTIVE]
    known = await profiles(engine, tx, engine.applications.names, here)
    stopped = {identity: brake.value for identity, brake in (await batches.stopped_identities(tx)).items()}
    causes = await _open_causes(tx)
    unjudged = frozenset(await identities.due_identities(tx, now))
    chosen = [s for s in await standings(engine, tx, only) if s.identity.id not in unjudged]
    accepted = frozenset(who for who, stored in causes.items() if stored.cause is CauseKind.FIRST_LOAD)
    unfinished = await _unfinished(tx)
    denies = await decisions.load_denies(tx, now)
    plan = build_plan(
        [_facts(standing, causes.get(standing.identity.id), unfinished, denies) for standing in chosen],
        known,
        _made_from(engine, batch, taken, chosen),
        now,
        stopped=stopped,
        unreadable=tuple(readings.faults),
        separations=engine.configuration.sod,
        giving_accepted=accepted,
    )
    left = {standing.identity.id: standing.last_left_at for standing in chosen}
    plan = less_confirmed(plan, await unchecked(tx), left)
    base = await _base(tx, known, batch, accepted)
    effects = [_counted(stored) for stored in await operations.effects_since(tx, now - WINDOW)]
    judged = check_plan_brakes(plan, base, effects, engine.configuration.brakes, now)
    tripped = less_released(judged, await batches.released_people(tx, now))
    held = apply_stops(plan, tripped)
    everyone = {person.id: person for person in everybody}
    of_batches = await _tripped_now(tx)
    manifests = {name: engine.applications.manifest(name) for name in engine.applications.names}
    report = plan_report(held, everyone, (*of_batches, *tripped), manifests)
    return Proposed(plan=held, report=report, tripped=tripped)


async def _open_causes(tx: Transaction) -> Mapping[IdentityId, StoredChange]:
    """Why each person is looked at: the latest change of a batch that is still open."""
    changes = await batches.changes_of(tx, await batches.open_batches(tx))
    latest: dict[IdentityId, StoredChange] = {}
    for stored in sorted(changes, key=lambda stored: stored.change.at):
        latest[stored.change.identity] = stored
    return latest


_Unfinished: TypeAlias = tuple[frozenset[AccountKey], Mapping[AccountKey, datetime]]


async def _unfinished(tx: Transaction) -> _Unfinished:
    return await operations.sessions_open(tx), await operations.handed_over(tx)


def _facts(
    standing: Standing,
    cause: StoredChange | None,
    unfinished: _Unfinished,
    denies: Sequence[Deny],
) -> PersonFacts:
    left = standing.last_left_at
    denied = frozenset(deny.entitlement for deny in denies if deny.identity == standing.identity.id)
    return PersonFacts(
        identity=standing.identity,
        desired=standing.desired,
        accounts=standing.accounts,
        last_left_at=standing.last_left_at,
        case_reason=_because(cause.change) if cause is not None else None,
        denied=denied,
        sessions_open=unfinished[0],
        handed_over=frozenset(key for key, at in unfinished[1].items() if left is None or at >= left),
    )


def _because(change: Change) -> Because | None:
    return Because.CONTRACT_ENDED if change.contract_ended else BECAUSE_OF.get(change.kind)


def _made_from(
    engine: Engine, batch: Batch, taken: Mapping[ApplicationName, TakenIn], chosen: Sequence[Standing]
) -> MadeFrom:
    return MadeFrom(
        batch=batch.id,
        policy=engine.stamp.policy,
        snapshots=tuple((name, reading.snapshot) for name, reading in sorted(taken.items())),
        identities=tuple((s.identity.id, identity_digest(s.identity)) for s in chosen),
    )


def identity_digest(identity: Identity) -> Digest:
    """What a plan remembers of a person, so that a newer word of the source makes it stale."""
    engagements = [
        [e.id, e.status.value, _instant(e.starts_at), _instant(e.ends_at), e.attributes.as_json()]
        for e in sorted(identity.engagements, key=lambda e: e.id)
    ]
    return digest([identity.id, engagements])


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


async def _base(
    tx: Transaction,
    profiles_: Mapping[ApplicationName, ApplicationProfile],
    batch: Batch,
    accepted: frozenset[IdentityId],
) -> PlanBase:
    privileged = {
        EntitlementRef(name, entitlement)
        for name, profile in profiles_.items()
        for entitlement in profile.privileged | profile.admins
    }
    return PlanBase(
        accounts=await accounts.count_accounts(tx),
        members=await accounts.count_members(tx),
        privileged=frozenset(privileged),
        policy_change=batch.cause.kind in _MAY_TELL_OF_POLICY,
        accepted=accepted,
    )


def _counted(stored: StoredOperation) -> CountedEffect:
    o = stored.operation
    at = stored.life.accepted_at or stored.created_at
    return CountedEffect(
        identity=o.identity,
        application=o.application,
        native_id=o.native_id,
        verb=o.verb,
        entitlement=o.entitlement,
        because=o.because,
        at=at,
    )


async def _tripped_now(tx: Transaction) -> tuple[Tripped, ...]:
    """Brakes that hold people of open batches at this moment."""
    held = await batches.stopped_identities(tx)
    found = [trip for batch in await batches.open_batches(tx) for trip in await batches.tripped_of(tx, batch)]
    return tuple(trip for trip in found if set(trip.identities) & set(held))


async def _keep(
    engine: Engine, tx: Transaction, batch: Batch, proposed: Proposed, only: Sequence[IdentityId] | None
) -> None:
    now = engine.clock.now()
    plan = proposed.plan
    await plans.save_plan(tx, plan, dict(proposed.report))
    await batches.mark_planned(tx, await _planned_by(tx, batch, only), now)
    for trip in proposed.tripped:
        await batches.note_tripped(tx, batch.id, trip)
        await findings.open_finding(tx, brake_finding(batch.id, trip), now)
    for finding in plan.findings:
        await findings.open_finding(tx, finding, now)
    body: dict[str, JsonValue] = {
        "plan": plan.id,
        "hash": plan.hash,
        "operations": len(plan.operations),
        "complete": plan.complete,
        "unreadable": list(plan.unreadable),
    }
    await append(
        tx, EntryDraft(kind=EntryKind.PLAN_MADE, at=now, body=body, batch=batch.id, plan=plan.id), engine.stamp
    )


async def _planned_by(tx: Transaction, batch: Batch, only: Sequence[IdentityId] | None) -> tuple[BatchId, ...]:
    """Which batches have their plan now: all that waited, or where it is for some people only, the one about them."""
    if only is None:
        return await batches.unplanned_batches(tx)
    return (batch.id,) if {change.identity for change in batch.changes} <= set(only) else ()
