"""Everything that is known of one case, gathered for its certificate and its bundle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from lastday.configuration.settings import Configuration
from lastday.execution.engine import Engine
from lastday.execution.people import load_person
from lastday.model.batch import Batch, CauseKind
from lastday.model.canonical import JsonValue
from lastday.model.case import Case
from lastday.model.change import Change
from lastday.model.errors import EvidenceError, InputError
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName, CaseId, Digest, EntryId, PlanId
from lastday.model.operation import OperationState, Verification
from lastday.reports.feed_row import FeedRow, feed_row_of
from lastday.store import accounts, batches, cases, entries, operations, plans, policies, proofs
from lastday.store.database import Transaction
from lastday.store.operations import StoredOperation
from lastday.store.proofs import NotedEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenOperation:
    """One operation with what proves it."""

    stored: StoredOperation
    account: str
    """How the application calls the account; its native id where no name was ever seen, else a dash."""
    observations: tuple[Verification, ...] = ()
    entries: tuple[NotedEntry, ...] = ()
    confirmed: str = ""
    """What a person said who did it by hand: who, what they saw, the hash of their file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """One case as a reader may know it. The reason for which somebody left is not in it."""

    company: str
    case: Case
    person: Identity
    batch: Batch
    change: Change | None
    """What happened to the person; None for a batch that was made without one."""
    row: FeedRow | None
    """The row of a source that speaks of the engagement in question."""
    plans: tuple[tuple[PlanId, Digest], ...]
    urgent: bool
    """The leaver profile is stricter than the default one; its name could give the reason away."""
    operations: tuple[ProvenOperation, ...]
    survives: Mapping[ApplicationName, tuple[str, ...]]
    """What a removal in each application is known to leave behind."""
    policy_text: str
    exchanges: tuple[Mapping[str, JsonValue], ...]


async def load_case_file(engine: Engine, tx: Transaction, case_id: CaseId) -> CaseFile:
    """The case as it stands. Raises InputError where there is none of this id."""
    found = await cases.load_cases(tx, (case_id,))
    if not found:
        raise InputError(f"there is no case {case_id}", code="I104", mend="See `lastday case list --all`.")
    case = found[0]
    person, batch = await load_person(tx, case.identity), await batches.load_batch(tx, case.batch)
    if person is None or batch is None:
        raise EvidenceError(f"case {case_id} names a person or a batch that is not stored", code="E121")
    stored = await operations.operations_of_case(tx, case_id)
    change = _change_of(case, batch)
    made_by = await _policy(tx, case_id, stored)
    return CaseFile(
        company=engine.configuration.company.name,
        case=case,
        person=person,
        batch=batch,
        change=change,
        row=await feed_row_of(engine.configuration, tx, person, change, batch, engine.clock.now()),
        plans=await _plans(tx, stored),
        urgent=_is_urgent(case, engine.configuration),
        operations=await _proven(tx, stored),
        survives={name: engine.applications.manifest(name).survives for name in engine.applications.names},
        policy_text=made_by,
        exchanges=await _exchanges(tx, stored),
    )


def cause_words(batch: Batch) -> str:
    """What opened the case, and its reference."""
    words = {
        CauseKind.FIRST_LOAD: "first load of a source",
        CauseKind.FEED: "feed",
        CauseKind.DUE: "an instant that came, known from the source before",
        CauseKind.POLICY: "a change of policy",
        CauseKind.NAMED_ORDER: "an order by name",
        CauseKind.EMERGENCY: "an emergency order by name",
        CauseKind.SWEEP: "a sweep",
    }
    return f"{words[batch.cause.kind]} ({batch.cause.by}), {batch.cause.reference}"


def _change_of(case: Case, batch: Batch) -> Change | None:
    mine = [change for change in batch.changes if change.identity == case.identity]
    exact = [change for change in mine if change.at == case.effective_at]
    return next(iter((*exact, *mine)), None)


def _is_urgent(case: Case, configuration: Configuration) -> bool:
    """A profile counts as urgent where its limit is shorter than the default's."""
    default = next((profile.limit for profile in configuration.leavers if profile.when is None), None)
    if case.limit_s is None or default is None:
        return False
    return timedelta(seconds=case.limit_s) < default


async def _plans(tx: Transaction, stored: Sequence[StoredOperation]) -> tuple[tuple[PlanId, Digest], ...]:
    made = [await plans.load_plan(tx, plan) for plan in sorted({one.plan for one in stored})]
    return tuple((plan.id, plan.hash) for plan in made if plan is not None)


async def _policy(tx: Transaction, case: CaseId, stored: Sequence[StoredOperation]) -> str:
    """The text of the policy under which the last plan of the case was made; without a plan, of the one in force."""
    if stored:
        plan = await plans.load_plan(tx, max(stored, key=lambda one: one.created_at).plan)
        version = await policies.load_policy(tx, Digest(plan.content["policy"])) if plan is not None else None
    else:
        version = await policies.active_policy(tx)
    if version is None:
        raise EvidenceError(f"the policy under which case {case} was decided is not stored", code="E122")
    return version.text


async def _proven(tx: Transaction, stored: Sequence[StoredOperation]) -> tuple[ProvenOperation, ...]:
    wanted = [one.operation.id for one in stored]
    seen = await proofs.observations_of(tx, wanted)
    noted = await proofs.noted_entries(tx, wanted)
    known = {(a.application, a.native_id): a.observed.username for a in await accounts.load_accounts(tx)}
    result = []
    for one in stored:
        o = one.operation
        name = known.get((o.application, o.native_id), o.native_id) if o.native_id is not None else None
        mine = noted.get(o.id, ())
        result.append(
            ProvenOperation(
                stored=one,
                account=name or "–",
                observations=seen.get(o.id, ()),
                entries=mine,
                confirmed=await _confirmation(tx, one, mine),
            )
        )
    return tuple(result)


async def _confirmation(tx: Transaction, stored: StoredOperation, noted: Sequence[NotedEntry]) -> str:
    if stored.life.state is not OperationState.CONFIRMED_BY_HAND:
        return ""
    said = [one.entry for one in noted if one.kind == "hand_confirmation"]
    return await _said(tx, said[-1]) if said else ""


async def _said(tx: Transaction, entry: EntryId) -> str:
    found = await entries.load_entry(tx, entry)
    return "" if found is None else str(json.loads(found.content)["body"].get("detail", ""))


async def _exchanges(tx: Transaction, stored: Sequence[StoredOperation]) -> tuple[Mapping[str, JsonValue], ...]:
    kept = ("operation", "method", "target", "status", "request", "answer", "request_id")
    rows = await operations.exchanges_of(tx, [one.operation.id for one in stored])
    return tuple({"at": row["at"].isoformat(), **{name: row[name] for name in kept}} for row in rows)
