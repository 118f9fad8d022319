"""The proposal: immutable, content-addressed, the same object that is shown, approved and carried out."""

from dataclasses import dataclass, field
from datetime import datetime

from lastday.model.canonical import JsonValue, digest
from lastday.model.finding import Finding
from lastday.model.ids import ApplicationName, BatchId, Digest, IdentityId, PlanId, SnapshotId
from lastday.model.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeFrom:
    """What a plan was made from; a plan made from something older is another plan."""

    batch: BatchId
    policy: Digest
    snapshots: tuple[tuple[ApplicationName, SnapshotId], ...]
    identities: tuple[tuple[IdentityId, Digest], ...]
    """Each person with the digest of the engagements that were looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOperation:
    """Looked at and found right; listed so that silence is never ambiguous."""

    identity: IdentityId
    application: ApplicationName
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All operations that close the gap between desired and actual access for the people of a batch."""

    made_from: MadeFrom
    made_at: datetime
    operations: tuple[Operation, ...]
    no_operations: tuple[NoOperation, ...] = ()
    drift: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()
    unreadable: tuple[ApplicationName, ...] = ()
    """Applications that could not be read whole: nothing is concluded about them."""
    hash: Digest = field(init=False)
    id: PlanId = field(init=False)

    def __post_init__(self) -> None:
        hashed = digest(self.content())
        object.__setattr__(self, "hash", hashed)
        object.__setattr__(self, "id", PlanId(f"p-{hashed[:12]}"))

    @property
    def complete(self) -> bool:
        """Every application gave a whole reading."""
        return not self.unreadable

    @property
    def applyable(self) -> bool:
        """Something in it may go."""
        return any(operation.stopped is None for operation in self.operations)

    def content(self) -> dict[str, JsonValue]:
        """What the hash binds: the operations and what they were made from; not the moment of making."""
        return {
            "batch": self.made_from.batch,
            "policy": self.made_from.policy,
            "snapshots": [[name, snapshot] for name, snapshot in self.made_from.snapshots],
            "identities": [[identity, version] for identity, version in self.made_from.identities],
            "operations": [operation.as_json() for operation in self.operations],
        }
