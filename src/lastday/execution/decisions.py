"""Who decides: users with tokens, approvals bound to a hash, releases signed by two.

Before sign-in exists a token proves the user, and the evidence says "asserted at the shell".
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from lastday.configuration.secrets import resolve_secret
from lastday.configuration.settings import Configuration, UserSettings
from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.engine import Engine
from lastday.execution.worker import CHANNEL
from lastday.model.canonical import JsonValue, short_id
from lastday.model.errors import DecisionRefused, PlanStale
from lastday.model.ids import BatchId, IdentityId, PlanId, UserName
from lastday.store import batches, operations, plans
from lastday.store.batches import StoredRelease
from lastday.store.database import Transaction
from lastday.store.plans import StoredPlan

ASSERTED = "asserted at the shell"
RELEASE_LASTS = timedelta(hours=24)
_DECIDING_ROLES = frozenset({"admin", "approver"})


def authenticate(
    configuration: Configuration, environment: Mapping[str, str], *, name: str, token: str
) -> UserSettings:
    """The user whose token this is. Raises DecisionRefused without saying which of the two was wrong."""
    user = configuration.users.get(UserName(name))
    expected = resolve_secret(user.token, environment) if user is not None else "no such user"
    matches = hmac.compare_digest(expected.encode(), token.encode())
    if user is None or not matches:
        raise DecisionRefused(
            f"the token does not belong to a user called {name}",
            code="D101",
            effect="Nothing was decided.",
            mend="Give your own name with --user and your token in LASTDAY_TOKEN.",
        )
    return user


def require_decider(user: UserSettings) -> None:
    """The user may approve. Raises DecisionRefused."""
    require_role(user, _DECIDING_ROLES)


def require_role(user: UserSettings, roles: frozenset[str]) -> None:
    """The user has one of these roles. Raises DecisionRefused."""
    if not user.roles & roles:
        raise DecisionRefused(
            f"{user.name} has the roles {', '.join(sorted(user.roles))}; this needs one of {', '.join(sorted(roles))}",
            code="D102",
            effect="Nothing was decided.",
        )


async def approve_plan(engine: Engine, plan_id: PlanId, user: UserSettings) -> int:
    """The user's approval of exactly these bytes is kept; how many have approved them now."""
    require_decider(user)
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        plan = await plans.load_plan(tx, plan_id)
        if plan is None:
            raise PlanStale(f"there is no plan {plan_id}", mend="Make one with `lastday plan`.")
        await plans.save_approval(tx, plan_id, user.name, plan.hash, now)
        body = {"plan": plan_id, "hash": plan.hash, "by": user.name, "how": ASSERTED}
        await append(
            tx,
            EntryDraft(kind=EntryKind.PLAN_APPROVED, at=now, body=body, plan=plan_id, batch=plan.batch),
            engine.stamp,
        )
        await _wake_what_waited(tx, plan, now)
        return len(await plans.approvers_of(tx, plan_id, plan.hash))


async def _wake_what_waited(tx: Transaction, plan: StoredPlan, now: datetime) -> None:
    """Operations that were pending before their approval are due now."""
    if plan.applied_at is not None and await operations.wake_approved(tx, plan.id, now):
        await tx.notify(CHANNEL)


async def propose_release(
    engine: Engine, batch_id: BatchId, identities: Sequence[IdentityId], user: UserSettings, reason: str
) -> StoredRelease:
    """The first of two signatures: these people of the stopped batch shall go. Nobody goes yet."""
    require_decider(user)
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        batch = await batches.load_batch(tx, batch_id)
        held = {*await batches.stopped_in(tx, batch_id), *await batches.held_in(tx, batch_id)}
        strangers = sorted(set(identities) - held)
        if batch is None or strangers or not identities:
            raise DecisionRefused(
                f"batch {batch_id} does not hold {', '.join(strangers) or 'anybody'}",
                code="D103",
                effect="Nothing was released.",
                mend="Name people that `lastday plan` shows as stopped.",
            )
        release = StoredRelease(
            id=short_id("r", batch_id, batch.hash, *sorted(identities), user.name, now.isoformat()),
            batch=batch_id,
            batch_hash=batch.hash,
            identities=tuple(sorted(identities)),
            reason=reason,
            first_by=user.name,
            second_by=None,
            until=now + RELEASE_LASTS,
        )
        await batches.save_release(tx, release, now)
        await _append_release(engine, tx, release, user.name, signatures=1)
    return release


async def sign_release(engine: Engine, release_id: str, user: UserSettings) -> StoredRelease:
    """The second signature, by another person: exactly the named people may go. Used once, within 24 hours."""
    require_decider(user)
    now = engine.clock.now()
    async with engine.database.transaction() as tx:
        release = await batches.load_release(tx, release_id)
        _refuse_release(release, release_id, user.name)
        assert release is not None, "a missing release was refused"
        batch = await batches.load_batch(tx, release.batch)
        if batch is None or batch.hash != release.batch_hash or release.until < now:
            raise DecisionRefused(f"release {release_id} is over: it holds for 24 hours and one batch", code="D106")
        await batches.sign_release(tx, release_id, user.name, now)
        await batches.release_changes(tx, release.batch, release.identities, now)
        await _append_release(engine, tx, release, user.name, signatures=2)
    return release


def _refuse_release(release: StoredRelease | None, release_id: str, by: UserName) -> None:
    if release is None:
        raise DecisionRefused(f"there is no release {release_id}", code="D104")
    if release.second_by is not None:
        raise DecisionRefused(f"release {release_id} was used already", code="D106")
    if release.first_by == by:
        raise DecisionRefused(
            f"{by} gave the first signature; the second must be somebody else's",
            code="D105",
            effect="Nothing was released.",
        )


async def _append_release(
    engine: Engine, tx: Transaction, release: StoredRelease, by: UserName, *, signatures: int
) -> None:
    body: dict[str, JsonValue] = {
        "release": release.id,
        "batch": release.batch,
        "hash": release.batch_hash,
        "identities": list(release.identities),
        "reason": release.reason,
        "by": by,
        "signatures": signatures,
        "how": ASSERTED,
    }
    draft = EntryDraft(kind=EntryKind.BATCH_RELEASED, at=engine.clock.now(), body=body, batch=release.batch)
    await append(tx, draft, engine.stamp)
