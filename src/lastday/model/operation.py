"""One change in one application, from proposal to proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.canonical import JsonValue
from lastday.model.ids import AccountId, ApplicationName, IdentityId, NativeId, OperationId


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    ENABLE = "enable"
    DISABLE = "disable"
    GIVE = "give"
    REVOKE = "revoke"
    END_SESSIONS = "end_sessions"
    ROTATE = "rotate"
    TRANSFER = "transfer"
    WIPE = "wipe"
    DELETE = "delete"

    @property
    def removes(self) -> bool:
        """Takes access or data away: settles by a second read, and beats everything that gives."""
        return self in _REMOVING

    @property
    def destroys(self) -> bool:
        """Cannot be undone by us."""
        return self in (Verb.DELETE, Verb.WIPE)


_REMOVING = frozenset(
    {Verb.DISABLE, Verb.REVOKE, Verb.END_SESSIONS, Verb.ROTATE, Verb.TRANSFER, Verb.WIPE, Verb.DELETE}
)


class Because(StrEnum):
    """Why an operation is proposed; a closed list, each with its own test."""

    JOINED = "joined"
    ROLE_GAINED = "role_gained"
    ROLE_LOST = "role_lost"
    LEFT = "left"
    CONTRACT_ENDED = "contract_ended"
    ON_LEAVE = "on_leave"
    CAME_BACK = "came_back"
    KEEP_TIME_OVER = "keep_time_over"
    ATTRIBUTE_CHANGED = "attribute_changed"
    DENIED = "denied"
    NO_REASON = "no_reason"
    ENDED_BEFORE_REHIRE = "ended_before_rehire"


class OperationState(StrEnum):
    PLANNED = "planned"
    WAITING = "waiting"
    """For approval, or for its hour."""
    STOPPED = "stopped"
    ACTING = "acting"
    UNCERTAIN = "uncertain"
    """Sent, no answer: read before anything else."""
    RETRYING = "retrying"
    ACCEPTED = "accepted"
    VERIFIED = "verified"
    SETTLED = "settled"
    CONTRADICTED = "contradicted"
    MANUAL = "manual"
    CONFIRMED_BY_HAND = "confirmed_by_hand"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    ACCEPTED_RISK = "accepted_risk"

    @property
    def counts_for_milestones(self) -> bool:
        return self in (
            OperationState.SETTLED,
            OperationState.CONFIRMED_BY_HAND,
            OperationState.ACCEPTED_RISK,
            OperationState.SUPERSEDED,
        )

    @property
    def rests(self) -> bool:
        """Nothing happens any more without a person, an hour or the next sweep."""
        return self.counts_for_milestones or self in (
            OperationState.STOPPED,
            OperationState.MANUAL,
            OperationState.CONTRADICTED,
            OperationState.FAILED,
        )


class Milestone(StrEnum):
    ACCESS_GONE = "access_gone"
    ENTITLEMENTS_GONE = "entitlements_gone"
    POSSESSIONS_CLOSED = "possessions_closed"
    DATA_RETIRED = "data_retired"


class OutcomeKind(StrEnum):
    DONE = "done"
    ALREADY_DONE = "already_done"
    ABSENT = "absent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the application said. It proves nothing; the read-back does."""

    kind: OutcomeKind
    detail: str = ""
    native_id: NativeId | None = None
    """The id the application gave, after a create."""
    request_id: str | None = None
    """The application's own log record id, where it has one."""
    pre_image: Attributes = NO_ATTRIBUTES
    """What was there before, as far as it is needed to undo; never a secret in clear."""


class VerificationKind(StrEnum):
    CONFIRMED = "confirmed"
    NOT_YET = "not_yet"
    CONTRADICTED = "contradicted"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a separate fresh read showed."""

    kind: VerificationKind
    detail: str
    observed_at: datetime
    probes: tuple[str, ...] = ()
    """Each kind of proof that was taken: `read by id`, `search by userName`, `bind refused`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One proposed change; immutable, its life is kept beside it."""

    id: OperationId
    identity: IdentityId
    application: ApplicationName
    account: AccountId | None
    native_id: NativeId | None
    verb: Verb
    entitlement: str | None
    """The name inside the application (`group/vpn`); None where the verb acts on the account."""
    because: Because
    detail: str
    """The because as a sentence, with the role, rule or date behind it."""
    payload: Attributes = NO_ATTRIBUTES
    """For create and update: the values to set; for transfer `successor`."""
    cleared: tuple[str, ...] = ()
    """For update: attributes that shall have no value."""
    name_candidates: tuple[str, ...] = ()
    """For create: names to try in order, already expanded; the first free one is taken."""
    after: tuple[OperationId, ...] = ()
    """Hard edges: these must be settled (or need nothing) before this one may destroy."""
    due_at: datetime | None = None
    """Not before this instant; None means now."""
    priority: int = 50
    """Lower goes first: 10 sign-in, 20 sessions and credentials, 30 privileged, 40 memberships, 60 possessions,
    80 giving, 90 deletion."""
    reversible: bool = True
    manual: bool = False
    """The application has no interface for it: a person does it, with owner and deadline."""
    approval: str | None = None
    """Which approval rule it waits for; None means it needs none."""
    stopped: str | None = None
    """The code of the brake or rule that stops it; None means it may go."""

    @property
    def destroys(self) -> bool:
        """What it takes cannot be given back: by its verb, or in this application."""
        return self.verb.destroys or (self.verb.removes and not self.reversible)

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "id": self.id,
            "identity": self.identity,
            "application": self.application,
            "account": self.account,
            "native_id": self.native_id,
            "verb": self.verb.value,
            "entitlement": self.entitlement,
            "because": self.because.value,
            "detail": self.detail,
            "payload": self.payload.as_json(),
            "cleared": list(self.cleared),
            "name_candidates": list(self.name_candidates),
            "after": list(self.after),
            "due_at": self.due_at.isoformat() if self.due_at else None,
            "priority": self.priority,
            "reversible": self.reversible,
            "manual": self.manual,
            "approval": self.approval,
            "stopped": self.stopped,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Where an operation stands. Kept beside the operation, which never changes."""

    state: OperationState = OperationState.PLANNED
    wake_at: datetime | None = None
    """Not before this instant; None means nothing is due."""
    attempts: int = 0
    """Calls that were begun."""
    failures: int = 0
    """Calls in a row that came to nothing: refused, unreachable."""
    contradictions: int = 0
    """Reads that showed the opposite of what the application had said."""
    reads: int = 0
    """Reads in a row that showed nothing final."""
    candidate: int = 0
    """For create: which of the names is tried."""
    concluded: bool = False
    """The one outcome entry has been written."""
    accepted_at: datetime | None = None
    verified_at: datetime | None = None
    settled_at: datetime | None = None
    detail: str = ""


def operation_from_json(value: Mapping[str, Any]) -> Operation:
    """The operation that `Operation.as_json` wrote."""
    return Operation(
        id=OperationId(value["id"]),
        identity=IdentityId(value["identity"]),
        application=ApplicationName(value["application"]),
        account=AccountId(value["account"]) if value["account"] else None,
        native_id=NativeId(value["native_id"]) if value["native_id"] else None,
        verb=Verb(value["verb"]),
        entitlement=value["entitlement"],
        because=Because(value["because"]),
        detail=value["detail"],
        payload=Attributes.from_json(value["payload"]),
        cleared=tuple(value["cleared"]),
        name_candidates=tuple(value["name_candidates"]),
        after=tuple(OperationId(item) for item in value["after"]),
        due_at=datetime.fromisoformat(value["due_at"]) if value["due_at"] else None,
        priority=value["priority"],
        reversible=value["reversible"],
        manual=value["manual"],
        approval=value["approval"],
        stopped=value["stopped"],
    )
