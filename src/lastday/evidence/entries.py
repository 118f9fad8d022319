"""Writes entries: durable with the caller's transaction, numbered afterwards by the sequencer."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import rfc8785

from lastday.evidence.tree import leaf_hash
from lastday.model.canonical import JsonValue, canonical_bytes
from lastday.model.errors import EvidenceError
from lastday.model.ids import BatchId, CaseId, Digest, EntryId, IdentityId, OperationId, PlanId
from lastday.store import entries as log
from lastday.store.database import Transaction
from lastday.store.entries import NewEntry
from lastday.store.ids import new_id


class EntryKind(StrEnum):
    FEED_ACCEPTED = "feed_accepted"
    FEED_STOPPED = "feed_stopped"
    POLICY_ACTIVATED = "policy_activated"
    BATCH_OPENED = "batch_opened"
    BATCH_STOPPED = "batch_stopped"
    BATCH_RELEASED = "batch_released"
    PLAN_MADE = "plan_made"
    PLAN_APPROVED = "plan_approved"
    INTENT = "intent"
    OUTCOME = "outcome"
    VERIFICATION = "verification"
    SETTLEMENT = "settlement"
    HAND_CONFIRMATION = "hand_confirmation"
    DECISION = "decision"
    CASE_OPENED = "case_opened"
    CASE_CLOSED = "case_closed"
    PERSONAL_ERASED = "personal_erased"
    KEY_ROTATED = "key_rotated"
    BUNDLE_CLOSED = "bundle_closed"
    RESOURCE_PUSHED = "resource_pushed"
    TOKEN_MADE = "token_made"  # noqa: S105 - the name of a kind
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 - the name of a kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What wrote an entry; goes into each one."""

    tool: str
    policy: Digest
    test_clock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An entry to be written. Whatever tells of a person beyond an id goes into `personal`, never into `body`."""

    kind: EntryKind
    at: datetime
    body: Mapping[str, JsonValue]
    case: CaseId | None = None
    operation: OperationId | None = None
    batch: BatchId | None = None
    plan: PlanId | None = None
    identity: IdentityId | None = None
    personal: Mapping[str, JsonValue] | None = None


async def append(tx: Transaction, draft: EntryDraft, stamp: Stamp) -> EntryId:
    """The entry is durable when, and only if, `tx` commits. Raises EvidenceError for what cannot be written down."""
    new = prepared(draft, stamp)
    await log.add_entry(tx, new)
    return new.id


async def append_all(tx: Transaction, entries: Sequence[NewEntry]) -> None:
    """As `append`, for entries that were `prepared` before."""
    await log.add_entries(tx, entries)


async def erase(tx: Transaction, identity: IdentityId, at: datetime, stamp: Stamp) -> int:
    """The personal data behind the person's entries is gone, and that it went is in the log; how many were erased.

    Proofs still verify: leaves hold a salted commitment only, and the salt goes with the data (I14).
    """
    erased = await log.erase_personal(tx, identity)
    draft = EntryDraft(kind=EntryKind.PERSONAL_ERASED, at=at, body={"entries": erased}, identity=identity)
    await append(tx, draft, stamp)
    return erased


def prepared(draft: EntryDraft, stamp: Stamp, *, spooled: bool = False) -> NewEntry:
    """The entry as it will stand in the log, with an id, its leaf and a fresh salt. Raises EvidenceError."""
    entry = EntryId(new_id("e"))
    try:
        personal = None if draft.personal is None else canonical_bytes(draft.personal)
        salt = None if personal is None else secrets.token_bytes(32)
        seal = None if personal is None or salt is None else commitment(salt, personal)
        content = canonical_bytes(_content(entry, draft, stamp, seal, spooled=spooled))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise EvidenceError(
            f"a {draft.kind} entry cannot be written down: {error}",
            code="E101",
            effect="Nothing was done: without evidence there is no effect.",
        ) from error
    return NewEntry(
        id=entry,
        kind=draft.kind,
        at=draft.at,
        content=content,
        leaf=leaf_hash(content),
        case=draft.case,
        operation=draft.operation,
        batch=draft.batch,
        plan=draft.plan,
        identity=draft.identity,
        salt=salt,
        personal=personal,
    )


def commitment(salt: bytes, personal: bytes) -> str:
    """What the leaf says of personal data: HMAC-SHA256 over its canonical bytes, the salt being the key, in hex."""
    return hmac.new(salt, personal, hashlib.sha256).hexdigest()


def _content(
    entry: EntryId, draft: EntryDraft, stamp: Stamp, seal: str | None, *, spooled: bool
) -> dict[str, JsonValue]:
    return {
        "id": entry,
        "kind": draft.kind.value,
        "at": draft.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "body": draft.body,
        "case": draft.case,
        "operation": draft.operation,
        "batch": draft.batch,
        "plan": draft.plan,
        "identity": draft.identity,
        "personal": seal,
        "spooled": spooled,
        "stamp": {"tool": stamp.tool, "policy": stamp.policy, "test_clock": stamp.test_clock},
    }
