"""Plans as they were made: canonical bytes under their hash, and who approved which hash."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lastday.model.canonical import JsonValue, canonical_bytes, digest_bytes
from lastday.model.errors import EvidenceError
from lastday.model.ids import BatchId, Digest, IdentityId, PlanId, UserName
from lastday.model.plan import Plan
from lastday.store.database import Transaction, as_jsonb

CLOCKS_DIFFER = timedelta(minutes=1)
"""Two plans made by two hosts within so short a time cannot be told apart by their clocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    id: PlanId
    hash: Digest
    batch: BatchId
    made_at: datetime
    content: Mapping[str, Any]
    """What the hash binds: operations and what they were made from."""
    report: dict[str, JsonValue]
    """What `plan --json` shows."""
    applied_at: datetime | None


async def save_plan(tx: Transaction, plan: Plan, report: dict[str, JsonValue]) -> None:
    """The plan is stored; the same one made again, and not applied yet, is as new as that."""
    await tx.execute(
        "INSERT INTO plan (id, hash, batch, made_at, content, report, complete, applyable)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (id) DO UPDATE SET made_at = excluded.made_at WHERE plan.applied_at IS NULL",
        (
            plan.id,
            plan.hash,
            plan.made_from.batch,
            plan.made_at,
            canonical_bytes(plan.content()),
            as_jsonb(report),
            plan.complete,
            plan.applyable,
        ),
    )


async def load_plan(tx: Transaction, plan: PlanId) -> StoredPlan | None:
    """The plan, locked against a second application."""
    row = await tx.fetch_one("SELECT * FROM plan WHERE id = %s FOR UPDATE", (plan,))
    if row is None:
        return None
    return StoredPlan(
        id=PlanId(row["id"]),
        hash=Digest(row["hash"]),
        batch=BatchId(row["batch"]),
        made_at=row["made_at"],
        content=_checked_content(bytes(row["content"]), row["hash"]),
        report=row["report"],
        applied_at=row["applied_at"],
    )


async def overtaken_for(
    tx: Transaction, plan: PlanId, made_at: datetime, identities: Sequence[IdentityId]
) -> IdentityId | None:
    """Somebody of these people for whom a plan that was made later is being carried out; None where nobody is."""
    row = await tx.fetch_one(
        "SELECT o.identity FROM operation o JOIN plan p ON p.id = o.plan"
        " WHERE o.identity = ANY(%s) AND p.made_at > %s AND p.id <> %s LIMIT 1",
        (list(identities), made_at + CLOCKS_DIFFER, plan),
    )
    return None if row is None else IdentityId(row["identity"])


async def mark_applied(tx: Transaction, plan: PlanId, by: str, at: datetime) -> None:
    await tx.execute("UPDATE plan SET applied_at = %s, applied_by = %s WHERE id = %s", (at, by, plan))


async def save_approval(tx: Transaction, plan: PlanId, by: UserName, hashed: Digest, at: datetime) -> None:
    await tx.execute(
        "INSERT INTO approval (plan, by, hash, at) VALUES (%s, %s, %s, %s) ON CONFLICT (plan, by) DO NOTHING",
        (plan, by, hashed, at),
    )


async def approvers_of(tx: Transaction, plan: PlanId, hashed: Digest) -> tuple[UserName, ...]:
    """Who approved exactly these bytes."""
    rows = await tx.fetch_all("SELECT by FROM approval WHERE plan = %s AND hash = %s ORDER BY at", (plan, hashed))
    return tuple(UserName(row["by"]) for row in rows)


async def is_approved(tx: Transaction, plan: PlanId) -> bool:
    """Somebody approved exactly the bytes of the plan."""
    row = await tx.fetch_one(
        "SELECT 1 AS one FROM approval a JOIN plan p ON p.id = a.plan AND p.hash = a.hash WHERE a.plan = %s LIMIT 1",
        (plan,),
    )
    return row is not None


def _checked_content(content: bytes, hashed: str) -> Mapping[str, Any]:
    """The content, if it is still what was hashed. Raises EvidenceError."""
    if digest_bytes(content) != hashed:
        raise EvidenceError(
            "a stored plan is not what its hash says",
            code="E120",
            effect="Nothing of it is carried out.",
            mend="Find out who changed the database; make a new plan.",
        )
    found: Mapping[str, Any] = json.loads(content)
    return found
