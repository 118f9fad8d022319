"""Operations and their lives: what is due, who acts, what was tried and seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from zlib import crc32

from lastday.model.ids import ApplicationName, BatchId, CaseId, EntryId, IdentityId, NativeId, OperationId, PlanId
from lastday.model.operation import (
    Life,
    Operation,
    OperationState,
    Outcome,
    Verb,
    Verification,
    operation_from_json,
)
from lastday.store.database import Row, Transaction, as_jsonb

DUE_STATES = ("planned", "waiting", "retrying", "uncertain", "accepted", "verified")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOperation:
    operation: Operation
    """With the native id that a create brought, once it is known."""
    life: Life
    plan: PlanId
    batch: BatchId
    case: CaseId | None
    holder: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOperation:
    operation: Operation
    life: Life
    case: CaseId | None


class KeptExchange(Protocol):
    """One request and its answer, redacted (`connectors.sdk.ports.Exchange`)."""

    @property
    def method(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def request(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def request_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Lane:
    """Accounts of one application that are worked on one after the other."""

    application: ApplicationName
    number: int


def lane_hash(application: ApplicationName, identity: IdentityId) -> int:
    """The same number for everything that concerns one person in one application."""
    return crc32(f"{application}/{identity}".encode())


async def insert_operations(
    tx: Transaction, plan: PlanId, batch: BatchId, new: Sequence[NewOperation], now: datetime
) -> None:
    """The operations are stored. One that exists already stays as it is, unless it rests without having come about:
    that begins again, under this plan.
    """
    await tx.execute_many(
        "INSERT INTO operation (id, plan, batch, case_id, identity, application, native_id, verb, entitlement,"
        " priority,"
        " lane_hash, body, state, wake_at, detail, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE SET"
        " plan = excluded.plan, case_id = excluded.case_id, native_id = coalesce(operation.native_id,"
        " excluded.native_id), body = excluded.body, state = excluded.state, wake_at = excluded.wake_at, failures = 0,"
        " contradictions = 0, reads = 0, candidate = 0, detail = excluded.detail, holder = NULL,"
        " created_at = excluded.created_at"
        " WHERE operation.state IN ('superseded', 'stopped', 'failed', 'contradicted')",
        [
            (
                o.id,
                plan,
                batch,
                item.case,
                o.identity,
                o.application,
                o.native_id,
                o.verb,
                o.entitlement,
                o.priority,
                lane_hash(o.application, o.identity),
                as_jsonb(o.as_json()),
                item.life.state,
                item.life.wake_at,
                item.life.detail,
                now,
            )
            for item in new
            for o in (item.operation,)
        ],
    )


async def unfinished_operations(
    tx: Transaction, plan: PlanId, identities: Sequence[IdentityId], applications: Sequence[ApplicationName]
) -> tuple[StoredOperation, ...]:
    """Older operations on these people, in these applications, that have had no effect that still counts; locked."""
    rows = await tx.fetch_all(
        "SELECT * FROM operation WHERE identity = ANY(%s) AND application = ANY(%s) AND plan <> %s"
        " AND state IN ('planned', 'waiting', 'stopped', 'retrying', 'manual', 'failed', 'contradicted')"
        " ORDER BY id FOR UPDATE",
        (list(identities), list(applications), plan),
    )
    return tuple(_stored(row) for row in rows)


async def supersede(tx: Transaction, older: Sequence[OperationId]) -> None:
    """These operations have given way to a newer plan."""
    await tx.execute(
        "UPDATE operation SET state = 'superseded', wake_at = NULL, detail = 'a newer plan decides' WHERE id = ANY(%s)",
        (list(older),),
    )


async def move_to_case(tx: Transaction, wanted: Sequence[OperationId], case: CaseId) -> None:
    """These operations count for this case."""
    await tx.execute("UPDATE operation SET case_id = %s WHERE id = ANY(%s)", (case, list(wanted)))


async def load_operation(tx: Transaction, operation: OperationId) -> StoredOperation | None:
    """The operation, locked."""
    row = await tx.fetch_one("SELECT * FROM operation WHERE id = %s FOR UPDATE", (operation,))
    return None if row is None else _stored(row)


async def operations_of_case(tx: Transaction, case: CaseId) -> tuple[StoredOperation, ...]:
    rows = await tx.fetch_all("SELECT * FROM operation WHERE case_id = %s ORDER BY priority, id", (case,))
    return tuple(_stored(row) for row in rows)


async def operations_of_plan(tx: Transaction, plan: PlanId) -> tuple[StoredOperation, ...]:
    rows = await tx.fetch_all("SELECT * FROM operation WHERE plan = %s ORDER BY identity, priority, id", (plan,))
    return tuple(_stored(row) for row in rows)


async def operations_in_state(tx: Transaction, states: Sequence[OperationState]) -> tuple[StoredOperation, ...]:
    rows = await tx.fetch_all(
        "SELECT * FROM operation WHERE state = ANY(%s) ORDER BY application, identity, priority",
        ([state.value for state in states],),
    )
    return tuple(_stored(row) for row in rows)


async def states_of(tx: Transaction, operations: Sequence[OperationId]) -> Mapping[OperationId, OperationState]:
    rows = await tx.fetch_all("SELECT id, state FROM operation WHERE id = ANY(%s)", (list(operations),))
    return {OperationId(row["id"]): OperationState(row["state"]) for row in rows}


async def most_urgent(tx: Transaction, lane: Lane, lanes: int, now: datetime) -> OperationId | None:
    """The due operation of the lane that comes first: by urgency, then by how long it is due.

    Accounts on which somebody is acting are passed over.
    """
    row = await tx.fetch_one(
        "SELECT o.id FROM operation o WHERE application = %s AND mod(lane_hash, %s) = %s AND state = ANY(%s)"
        " AND (wake_at <= %s OR (wake_at IS NULL AND state <> 'waiting'))"
        " AND NOT EXISTS (SELECT 1 FROM operation a WHERE a.state = 'acting'"
        " AND (a.application, a.identity) = (o.application, o.identity))"
        " ORDER BY priority, wake_at NULLS FIRST, id LIMIT 1",
        (lane.application, lanes, lane.number, list(DUE_STATES), now),
    )
    return None if row is None else OperationId(row["id"])


async def next_wake(tx: Transaction, lane: Lane, lanes: int) -> datetime | None:
    """When the next operation of the lane comes due; None where nothing waits."""
    row = await tx.fetch_one(
        "SELECT min(wake_at) AS at FROM operation WHERE application = %s AND mod(lane_hash, %s) = %s AND state ="
        " ANY(%s)",
        (lane.application, lanes, lane.number, list(DUE_STATES)),
    )
    return row["at"] if row else None


async def due_lanes(
    tx: Transaction, lanes: Mapping[ApplicationName, int], now: datetime
) -> tuple[tuple[Lane, int], ...]:
    """Every lane with something due, with the priority of its most urgent operation."""
    rows = await tx.fetch_all(
        "SELECT o.application, mod(o.lane_hash, l.lanes) AS number, min(o.priority) AS priority FROM operation o"
        " JOIN unnest(%s::text[], %s::bigint[]) AS l (application, lanes) ON l.application = o.application"
        " WHERE o.state = ANY(%s) AND (o.wake_at <= %s OR (o.wake_at IS NULL AND o.state <> 'waiting'))"
        " GROUP BY 1, 2 ORDER BY 3",
        (list(lanes), list(lanes.values()), list(DUE_STATES), now),
    )
    return tuple((Lane(ApplicationName(row["application"]), int(row["number"])), row["priority"]) for row in rows)


async def earliest_wake(tx: Transaction, *, after: datetime) -> datetime | None:
    """The next instant at which any operation comes due; what is due already has its hint."""
    row = await tx.fetch_one(
        "SELECT min(wake_at) AS at FROM operation WHERE state = ANY(%s) AND wake_at > %s", (list(DUE_STATES), after)
    )
    return row["at"] if row else None


async def take_lease(tx: Transaction, application: ApplicationName, identity: IdentityId, holder: str) -> int | None:
    """The account is the holder's, under a new generation; None while somebody is acting on it."""
    generation = await break_lease(tx, application, identity, holder)
    acting = await tx.fetch_one(
        "SELECT 1 AS one FROM operation WHERE application = %s AND identity = %s AND state = 'acting'",
        (application, identity),
    )
    return generation if acting is None else None


async def break_lease(tx: Transaction, application: ApplicationName, identity: IdentityId, holder: str) -> int:
    """The account is the holder's, whoever had it before."""
    rows = await tx.fetch_all(
        "INSERT INTO account_lease AS mine (application, identity, generation, holder) VALUES (%s, %s, 1, %s)"
        " ON CONFLICT (application, identity) DO UPDATE"
        " SET generation = mine.generation + 1, holder = excluded.holder RETURNING generation",
        (application, identity, holder),
    )
    return int(rows[0]["generation"])


async def lease_holds(tx: Transaction, application: ApplicationName, identity: IdentityId, generation: int) -> bool:
    """Nobody has taken the account since; the row stays locked until the transaction ends."""
    row = await tx.fetch_one(
        "SELECT generation FROM account_lease WHERE application = %s AND identity = %s FOR UPDATE",
        (application, identity),
    )
    return row is not None and int(row["generation"]) == generation


async def save_life(tx: Transaction, operation: OperationId, life: Life, holder: str | None) -> None:
    tx.later(
        "UPDATE operation SET state = %s, wake_at = %s, attempts = %s, failures = %s, contradictions = %s, reads = %s,"
        " candidate = %s, concluded = %s, accepted_at = %s, verified_at = %s, settled_at = %s, detail = %s, holder = %s"
        " WHERE id = %s",
        (
            life.state,
            life.wake_at,
            life.attempts,
            life.failures,
            life.contradictions,
            life.reads,
            life.candidate,
            life.concluded,
            life.accepted_at,
            life.verified_at,
            life.settled_at,
            life.detail[:2000],
            holder,
            operation,
        ),
    )


async def postpone(tx: Transaction, operation: OperationId, until: datetime) -> None:
    """The operation comes due no earlier than `until`, unless it acts or rests."""
    await tx.execute(
        "UPDATE operation SET wake_at = greatest(wake_at, %s) WHERE id = %s AND state = ANY(%s)",
        (until, operation, list(DUE_STATES)),
    )


async def set_native_id(tx: Transaction, operation: OperationId, native_id: NativeId) -> None:
    """A create brought this id."""
    tx.later("UPDATE operation SET native_id = %s WHERE id = %s", (native_id, operation))


async def acting_of(tx: Transaction, holders: Sequence[str]) -> tuple[OperationId, ...]:
    """What these workers were acting on."""
    rows = await tx.fetch_all("SELECT id FROM operation WHERE state = 'acting' AND holder = ANY(%s)", (list(holders),))
    return tuple(OperationId(row["id"]) for row in rows)


async def acting_holders(tx: Transaction) -> tuple[str, ...]:
    rows = await tx.fetch_all("SELECT DISTINCT holder FROM operation WHERE state = 'acting' AND holder IS NOT NULL")
    return tuple(row["holder"] for row in rows)


async def note_attempt(tx: Transaction, operation: OperationId, number: int, at: datetime) -> None:
    tx.later(
        "INSERT INTO attempt (operation, number, began_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (operation, number, at),
    )


async def note_outcome(tx: Transaction, operation: OperationId, number: int, outcome: Outcome) -> None:
    tx.later(
        "UPDATE attempt SET outcome = %s, detail = %s, request_id = %s WHERE operation = %s AND number = %s",
        (outcome.kind, outcome.detail[:2000], outcome.request_id, operation, number),
    )


async def note_observation(tx: Transaction, operation: OperationId, seen: Verification) -> None:
    tx.later(
        "INSERT INTO observation (operation, at, kind, detail, probes) VALUES (%s, %s, %s, %s, %s)",
        (operation, seen.observed_at, seen.kind, seen.detail[:2000], list(seen.probes)),
    )


async def note_exchanges(tx: Transaction, operation: OperationId, at: datetime, rows: Sequence[KeptExchange]) -> None:
    """Redacted requests and answers, in order."""
    await tx.execute_many(
        "INSERT INTO exchange (operation, at, method, target, status, request, answer, request_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        [(operation, at, x.method, x.target, x.status, x.request, x.answer, x.request_id) for x in rows],
    )


async def exchanges_of(tx: Transaction, operation_ids: Sequence[OperationId]) -> tuple[Row, ...]:
    """What was sent and answered for these operations, in order."""
    rows = await tx.fetch_all(
        "SELECT * FROM exchange WHERE operation = ANY(%s) ORDER BY ordinal", (list(operation_ids),)
    )
    return tuple(rows)


async def note_entry(tx: Transaction, operation: OperationId, kind: str, entry: EntryId) -> None:
    tx.later("INSERT INTO operation_entry (operation, kind, entry) VALUES (%s, %s, %s)", (operation, kind, entry))


async def entries_of(tx: Transaction, operations: Sequence[OperationId]) -> Mapping[OperationId, tuple[EntryId, ...]]:
    rows = await tx.fetch_all(
        "SELECT operation, array_agg(entry) AS entries FROM operation_entry WHERE operation = ANY(%s)"
        " GROUP BY operation",
        (list(operations),),
    )
    return {OperationId(row["operation"]): tuple(EntryId(entry) for entry in row["entries"]) for row in rows}


def _stored(row: Row) -> StoredOperation:
    body = dict(row["body"])
    body["native_id"] = row["native_id"]
    return StoredOperation(
        operation=operation_from_json(body),
        life=Life(
            state=OperationState(row["state"]),
            wake_at=row["wake_at"],
            attempts=row["attempts"],
            failures=row["failures"],
            contradictions=row["contradictions"],
            reads=row["reads"],
            candidate=row["candidate"],
            concluded=row["concluded"],
            accepted_at=row["accepted_at"],
            verified_at=row["verified_at"],
            settled_at=row["settled_at"],
            detail=row["detail"],
        ),
        plan=PlanId(row["plan"]),
        batch=BatchId(row["batch"]),
        case=CaseId(row["case_id"]) if row["case_id"] else None,
        holder=row["holder"],
        created_at=row["created_at"],
    )


async def given_entitlements(tx: Transaction, application: ApplicationName) -> frozenset[str]:
    """What was ever given in the application from here: managed from then on."""
    rows = await tx.fetch_all(
        "SELECT DISTINCT entitlement FROM operation WHERE application = %s AND verb = 'give' AND accepted_at IS"
        " NOT NULL"
        " AND entitlement IS NOT NULL",
        (application,),
    )
    return frozenset(row["entitlement"] for row in rows)


async def wake_approved(tx: Transaction, plan: PlanId, now: datetime) -> int:
    """Operations of the plan that waited for approval are due; how many."""
    return await tx.execute(
        "UPDATE operation SET wake_at = %s WHERE plan = %s AND state = 'waiting' AND wake_at IS NULL", (now, plan)
    )


async def effects_since(tx: Transaction, since: datetime) -> tuple[StoredOperation, ...]:
    """Operations that were begun or are pending since then: what brakes on plans count on top."""
    rows = await tx.fetch_all(
        "SELECT * FROM operation WHERE created_at > %s AND state NOT IN ('stopped', 'superseded', 'failed')", (since,)
    )
    return tuple(_stored(row) for row in rows)


async def sessions_open(tx: Transaction) -> frozenset[tuple[ApplicationName, NativeId]]:
    """Accounts whose sessions were to be ended and are not known to be."""
    rows = await tx.fetch_all(
        "SELECT DISTINCT application, native_id FROM operation WHERE verb = 'end_sessions' AND native_id IS NOT NULL"
        " AND state IN ('planned', 'retrying', 'acting', 'uncertain', 'failed', 'contradicted')"
    )
    return frozenset((ApplicationName(row["application"]), NativeId(row["native_id"])) for row in rows)


async def handed_over(tx: Transaction) -> Mapping[tuple[ApplicationName, NativeId], datetime]:
    """Accounts whose owned things were handed over, settled, and when that was last."""
    rows = await tx.fetch_all(
        "SELECT application, native_id, max(settled_at) AS at FROM operation WHERE verb = 'transfer'"
        " AND state = 'settled' AND native_id IS NOT NULL GROUP BY application, native_id"
    )
    return {(ApplicationName(row["application"]), NativeId(row["native_id"])): row["at"] for row in rows}


async def load_operations(tx: Transaction, wanted: Sequence[OperationId]) -> tuple[StoredOperation, ...]:
    """These operations as they stand; those that do not exist are left out."""
    rows = await tx.fetch_all(
        "SELECT * FROM operation WHERE id = ANY(%s) ORDER BY identity, priority, id", (list(wanted),)
    )
    return tuple(_stored(row) for row in rows)


async def last_attempt(
    tx: Transaction, application: ApplicationName, native_id: NativeId, verb: Verb, entitlement: str | None
) -> datetime | None:
    """When the account was last asked to do this; None where it never was."""
    row = await tx.fetch_one(
        "SELECT max(a.began_at) AS at FROM attempt a JOIN operation o ON o.id = a.operation"
        " WHERE o.application = %s AND o.native_id = %s AND o.verb = %s AND o.entitlement IS NOT DISTINCT FROM %s",
        (application, native_id, verb.value, entitlement),
    )
    return row["at"] if row else None


async def attempted_since(
    tx: Transaction, application: ApplicationName, since: datetime
) -> tuple[StoredOperation, ...]:
    """Operations of the application of which a request was sent since then."""
    rows = await tx.fetch_all(
        "SELECT o.* FROM operation o WHERE o.application = %s"
        " AND EXISTS (SELECT 1 FROM attempt a WHERE a.operation = o.id AND a.began_at > %s)",
        (application, since),
    )
    return tuple(_stored(row) for row in rows)


async def creates_in_flight(tx: Transaction, identities: Sequence[IdentityId]) -> tuple[StoredOperation, ...]:
    """Creates for these people that were sent and of which nothing is known yet."""
    rows = await tx.fetch_all(
        "SELECT * FROM operation WHERE identity = ANY(%s) AND verb = 'create' AND state IN ('acting', 'uncertain')",
        (list(identities),),
    )
    return tuple(_stored(row) for row in rows)
