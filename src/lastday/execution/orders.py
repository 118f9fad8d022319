"""Orders by name: somebody leaves now, or at an instant, whatever the sources say; and is let back in.

An order passes every brake, as a person named a person. An urgent one passes also while the person is held by another
batch, and a second person looks at it within the hour. Protected accounts are never touched, by no order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lastday.configuration.settings import UserSettings
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.applying import apply_plan
from lastday.execution.batching import SERIALISED, open_batch
from lastday.execution.decisions import ASSERTED, require_decider, require_role
from lastday.execution.engine import Engine
from lastday.execution.intake import set_walked
from lastday.execution.people import load_people
from lastday.execution.policy_activation import activate_policy
from lastday.execution.proposal import Proposed, propose
from lastday.lifecycle.walk import changes_between
from lastday.model.batch import Batch, Cause, CauseKind
from lastday.model.canonical import JsonValue, short_id
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.errors import DecisionRefused, InputError
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Identity, Lifecycle, last_left_at
from lastday.model.ids import IdentityId, OperationId, UserName
from lastday.store import findings, identities, orders
from lastday.store.database import Transaction
from lastday.store.orders import LeaveOrder

ORDERING_ROLES = frozenset({"admin", "operator", "approver", "hr"})
URGENT_AN_HOUR = 3
REVIEW_WITHIN = timedelta(hours=1)
REVIEW_CODE = "B151"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What an order brought about; without a plan where its hour is still to come."""

    batch: Batch | None
    proposed: Proposed | None
    operations: tuple[OperationId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(Carried):
    order: LeaveOrder


async def order_leave(
    engine: Engine, identity: IdentityId, user: UserSettings, reason: str, *, urgent: bool, at: datetime | None = None
) -> Ordered:
    """The person is out from `at` on (now by default), and what follows is planned and pending.

    Raises InputError for somebody who has not begun, DecisionRefused for a user who may not, or who gave three urgent
    orders within the hour.
    """
    require_role(user, ORDERING_ROLES)
    now = engine.clock.now()
    order = LeaveOrder(
        id=short_id("lo", identity, user.name, now.isoformat()),
        identity=identity,
        at=at or now,
        by=user.name,
        reason=reason,
        urgent=urgent,
        ordered_at=now,
    )
    async with engine.database.transaction() as tx:
        await tx.lock(SERIALISED)
        await _refuse_many(tx, order)
        batch = await _take_order(engine, tx, order)
    carried = await carry_out(engine, batch, identity, user.name) if batch is not None else _LATER
    return Ordered(order=order, batch=batch, proposed=carried.proposed, operations=carried.operations)


_LATER = Carried(batch=None, proposed=None, operations=())


async def carry_out(engine: Engine, batch: Batch, identity: IdentityId, by: UserName) -> Carried:
    """The plan for this one person is made from fresh readings, and pending."""
    await activate_policy(engine, by)
    proposed = await propose(engine, batch, (identity,))
    pending = await apply_plan(engine, proposed.plan.id, by)
    return Carried(batch=batch, proposed=proposed, operations=pending)


async def _refuse_many(tx: Transaction, order: LeaveOrder) -> None:
    given = await orders.urgent_since(tx, order.by, order.ordered_at - timedelta(hours=1))
    if order.urgent and given >= URGENT_AN_HOUR:
        raise DecisionRefused(
            f"{order.by} gave {given} urgent orders within the hour; the next one must be somebody else's",
            code="D110",
            effect="Nothing was ordered.",
            mend="Let a second person give it, or order it without --urgent.",
        )


async def _take_order(engine: Engine, tx: Transaction, order: LeaveOrder) -> Batch | None:
    """The order stands, is in the evidence, and is a batch where its hour has come."""
    now = order.ordered_at
    everybody = await load_people(tx)
    before = _person(everybody, order.identity)
    _refuse_not_begun(before, now)
    await orders.save_order(tx, order)
    await _note_order(engine, tx, order)
    after = _person(await load_people(tx, (order.identity,)), order.identity)
    _refuse_idle(after, order)
    changes = await _changes(tx, before, after, order, now)
    await set_walked(tx, (after,), now)
    if order.at > now:
        return None
    kind = CauseKind.EMERGENCY if order.urgent else CauseKind.NAMED_ORDER
    return await open_batch(engine, tx, Cause(kind=kind, reference=order.id, by=order.by), changes, everybody, now)


def _person(people: Sequence[Identity], identity: IdentityId) -> Identity:
    found = next((person for person in people if person.id == identity), None)
    if found is None:
        raise InputError(f"nobody has the id {identity}", code="I102")
    return found


def _refuse_not_begun(person: Identity, now: datetime) -> None:
    if person.lifecycle_at(now) is Lifecycle.PREBOARDING:
        raise InputError(
            f"{person.id} has not begun yet, so there is nothing to leave",
            code="I110",
            effect="Nothing was ordered.",
            mend="Take the joining out of the source.",
        )


def _refuse_idle(after: Identity, order: LeaveOrder) -> None:
    """An order for an instant before the person's job began would end nothing. Raises InputError."""
    if after.lifecycle_at(max(order.at, order.ordered_at)) is not Lifecycle.ENDED:
        raise InputError(
            f"a job of {after.id} began after {order.at.isoformat(timespec='seconds')}, so they would stay in",
            code="I117",
            effect="Nothing was ordered.",
            mend="Leave --at out, or give a later moment.",
        )


async def _changes(
    tx: Transaction, before: Identity, after: Identity, order: LeaveOrder, now: datetime
) -> tuple[Change, ...]:
    """Everything since the person was last looked at; that they leave is among it, by name."""
    walked = (await identities.load_walked(tx, (before.id,))).get(before.id)
    since = walked.walked_until if walked is not None and walked.walked_until is not None else now
    found = changes_between(before, after, since, now)
    named = [replace(c, surprise=Surprise.NAMED) if c.kind is ChangeKind.LEFT else c for c in found]
    if order.at <= now and not any(change.kind is ChangeKind.LEFT for change in named):
        named.append(_left(after, now))
    return tuple(named)


def _left(person: Identity, now: datetime) -> Change:
    """For somebody who had left already and may be held by a brake: the order counts all the same."""
    return Change(
        identity=person.id,
        kind=ChangeKind.LEFT,
        at=last_left_at(person.engagements, now) or now,
        engagement=None,
        surprise=Surprise.NAMED,
        detail="ordered by name",
    )


async def _note_order(engine: Engine, tx: Transaction, order: LeaveOrder) -> None:
    await append(tx, order_entry(order), engine.stamp)
    if order.urgent:
        await findings.open_finding(tx, _review_finding(order), order.ordered_at)


def order_entry(order: LeaveOrder) -> EntryDraft:
    """What the evidence says of an order; the reason stands beside the leaf."""
    body: dict[str, JsonValue] = {
        "order": order.id,
        "by": order.by,
        "at": order.at.isoformat(),
        "urgent": order.urgent,
        "how": ASSERTED,
    }
    return EntryDraft(
        kind=EntryKind.DECISION,
        at=order.ordered_at,
        body=body,
        identity=order.identity,
        personal={"reason": order.reason},
    )


def _review_finding(order: LeaveOrder) -> Finding:
    return Finding(
        code=REVIEW_CODE,
        severity=Severity.WARNING,
        subject=f"order/{order.id}",
        detail=f"{order.by} ordered an urgent leave of {order.identity}; a second person has to look at it.",
        mend=f"`lastday approve {order.id} --user SECOND`, or `lastday restore {order.identity}` where it was wrong.",
        deadline=order.ordered_at + REVIEW_WITHIN,
    )


async def review_order(engine: Engine, order_id: str, user: UserSettings) -> LeaveOrder:
    """A second person has looked at the urgent order; its finding is closed. Raises DecisionRefused."""
    require_decider(user)
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        order = await orders.load_order(tx, order_id)
        if order is None or not order.urgent:
            raise DecisionRefused(f"there is no urgent order {order_id}", code="D104", mend="See `lastday findings`.")
        if order.by == user.name:
            raise DecisionRefused(
                f"{user.name} gave the order; somebody else must look at it", code="D105", effect="Nothing was decided."
            )
        if order.reviewed_by is not None:
            raise DecisionRefused(f"{order.reviewed_by} has looked at {order_id} already", code="D106")
        await orders.note_review(tx, order_id, user.name, now)
        await findings.close_findings(tx, REVIEW_CODE, f"order/{order_id}", now)
        body: dict[str, JsonValue] = {
            "order": order_id,
            "reviewed_by": user.name,
            "late": now > order.ordered_at + REVIEW_WITHIN,
            "how": ASSERTED,
        }
        await append(tx, EntryDraft(kind=EntryKind.DECISION, at=now, body=body, identity=order.identity), engine.stamp)
    return order
