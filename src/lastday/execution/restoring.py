"""Letting somebody back in: orders are lifted, and what a case took away and still has a reason comes back.

What policy gives comes back by policy. What was found when an application was connected, and was taken with the rest,
is found again. Sessions never come back, and nobody whom the sources still call gone does.
"""

from dataclasses import dataclass

from lastday.configuration.settings import UserSettings
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.batching import SERIALISED, open_batch
from lastday.execution.decisions import ASSERTED, require_role
from lastday.execution.engine import Engine
from lastday.execution.intake import set_walked
from lastday.execution.orders import ORDERING_ROLES, Carried, carry_out
from lastday.execution.people import load_people, load_person
from lastday.execution.standing import profile_for, standing_of
from lastday.lifecycle.walk import changes_between
from lastday.model.access import Adopted, DesiredAccess
from lastday.model.account import EntitlementRef
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.canonical import JsonValue, short_id
from lastday.model.errors import DecisionRefused, InputError
from lastday.model.identity import Identity, Lifecycle, last_left_at
from lastday.model.ids import CaseId, IdentityId
from lastday.model.operation import OperationState, Verb
from lastday.store import cases, decisions, identities, operations, orders
from lastday.store.database import Transaction

_TAKING = (Verb.REVOKE, Verb.DISABLE, Verb.DELETE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Carried):
    identity: IdentityId
    lifted: int
    """How many orders stood."""
    adopted: tuple[EntitlementRef, ...]
    """What no role gives and comes back because it was there before."""
    left_out: tuple[EntitlementRef, ...]
    """What the case took and nothing gives a reason for today."""


async def restore_person(
    engine: Engine, identity: IdentityId, user: UserSettings, reason: str, *, case: CaseId | None = None
) -> Restored:
    """No order stands against the person, and what they should have is planned and pending.

    With a `case`, also what that case took and policy does not speak of. Raises DecisionRefused where the sources say
    that the person is gone: then nothing has changed.
    """
    require_role(user, ORDERING_ROLES)
    async with engine.database.transaction() as tx:
        await tx.lock(SERIALISED)
        batch, lifted = await _lift(engine, tx, identity, user)
        adopted, left_out = await _adopt_again(engine, tx, identity, case) if case is not None else ((), ())
        body: dict[str, JsonValue] = {
            "restored": identity,
            "case": case,
            "by": user.name,
            "lifted": lifted,
            "adopted": [str(ref) for ref in adopted],
            "how": ASSERTED,
        }
        draft = EntryDraft(
            kind=EntryKind.DECISION,
            at=engine.clock.now(),
            body=body,
            batch=batch.id,
            identity=identity,
            personal={"reason": reason},
        )
        await append(tx, draft, engine.stamp)
    carried = await carry_out(engine, batch, identity, user.name)
    return Restored(
        batch=batch,
        proposed=carried.proposed,
        operations=carried.operations,
        identity=identity,
        lifted=lifted,
        adopted=adopted,
        left_out=left_out,
    )


async def person_of_case(engine: Engine, case: CaseId) -> IdentityId:
    """Whose case it is. Raises InputError."""
    async with engine.database.transaction() as tx:
        found = await cases.load_case(tx, case)
    if found is None:
        raise InputError(f"there is no case {case}", code="I104", mend="See `lastday case list --all`.")
    return found.identity


async def _lift(engine: Engine, tx: Transaction, identity: IdentityId, user: UserSettings) -> tuple[Batch, int]:
    """The batch that lets the person back in, and how many orders were lifted."""
    now = engine.clock.now()
    everybody = await load_people(tx)
    before = next((person for person in everybody if person.id == identity), None)
    lifted = await orders.lift_orders(tx, identity, now)
    after = await load_person(tx, identity)
    if before is None or after is None:
        raise InputError(f"nobody has the id {identity}", code="I102")
    _refuse_gone(engine, after)
    walked = (await identities.load_walked(tx, (identity,))).get(identity)
    since = walked.walked_until if walked is not None and walked.walked_until is not None else now
    changes = changes_between(before, after, since, now)
    await set_walked(tx, (after,), now)
    reference = short_id("rs", identity, user.name, now.isoformat())
    cause = Cause(kind=CauseKind.NAMED_ORDER, reference=reference, by=user.name)
    return await open_batch(engine, tx, cause, changes, everybody, now), lifted


def _refuse_gone(engine: Engine, person: Identity) -> None:
    now = engine.clock.now()
    if person.lifecycle_at(now) is not Lifecycle.ENDED:
        return
    left = last_left_at(person.engagements, now)
    sources = ", ".join(sorted({engagement.source for engagement in person.engagements}))
    raise DecisionRefused(
        f"source {sources} says that {person.id} left{f' on {left.isoformat()}' if left else ''}",
        code="D111",
        effect="Nothing was changed.",
        mend="Correct it at the source and read it again: access comes back by itself then.",
    )


async def _adopt_again(
    engine: Engine, tx: Transaction, identity: IdentityId, case: CaseId
) -> tuple[tuple[EntitlementRef, ...], tuple[EntitlementRef, ...]]:
    """What comes back as found, and what has no reason today."""
    standing = await standing_of(engine, tx, identity)
    assert standing is not None, "the person was loaded just before"
    taken = await _taken_by(tx, case)
    unwished = tuple(ref for ref in taken if not _is_wished(ref, standing.desired))
    before = {a.entitlement for a in await decisions.load_adopted(tx, (identity,))}
    justified = tuple([ref for ref in unwished if ref in before or not await _is_managed(engine, tx, ref)])
    now = engine.clock.now()
    await decisions.end_adopted(tx, identity, now, justified)
    await decisions.adopt(tx, [Adopted(identity=identity, entitlement=ref, since=now) for ref in justified])
    return justified, tuple(ref for ref in unwished if ref not in justified)


async def _taken_by(tx: Transaction, case: CaseId) -> tuple[EntitlementRef, ...]:
    """What settled operations of the case took away; sessions are not among it."""
    done = await operations.operations_of_case(tx, case)
    settled = (s.operation for s in done if s.life.state is OperationState.SETTLED and s.operation.verb in _TAKING)
    return tuple(sorted({EntitlementRef(o.application, o.entitlement or "account") for o in settled}))


def _is_wished(ref: EntitlementRef, desired: DesiredAccess) -> bool:
    wish = desired.of(ref.application)
    return wish is not None and any(assignment.entitlement == ref for assignment in wish.assignments)


async def _is_managed(engine: Engine, tx: Transaction, ref: EntitlementRef) -> bool:
    return ref.name in (await profile_for(engine, tx, ref.application, None)).managed
