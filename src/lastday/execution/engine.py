"""What every part of execution works with, handed down from the composition root."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from lastday.configuration.settings import Configuration
from lastday.evidence.entries import Stamp
from lastday.execution.applications import Applications
from lastday.execution.liveness import Liveness
from lastday.model.clock import Clock
from lastday.model.ids import OperationId
from lastday.policy.compiled import CompiledPolicy
from lastday.store.database import Database
from lastday.store.jobs import JobQueue


class Boundary(StrEnum):
    """The eight places at which a crash test ends the process (design section 4)."""

    AFTER_PLAN = "after_plan"
    AFTER_INTENT = "after_intent"
    BEFORE_CALL = "before_call"
    AFTER_EFFECT = "after_effect"
    BEFORE_OUTCOME_COMMIT = "before_outcome_commit"
    AFTER_COMMIT = "after_commit"
    AFTER_VERIFY = "after_verify"
    BEFORE_SETTLE = "before_settle"


def _nothing(_boundary: Boundary, _subject: str) -> None:
    """Outside tests nothing happens at a boundary."""


async def _nobody() -> None:
    """A database of somebody else is kept by somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The ports of execution. `worker` names this process among all that share the database."""

    database: Database
    jobs: JobQueue
    configuration: Configuration
    policy: CompiledPolicy
    applications: Applications
    clock: Clock
    stamp: Stamp
    worker: str
    reached: Callable[[Boundary, str], None] = _nothing
    keep_database: Callable[[], Awaitable[None]] = _nobody
    """Runs beside the work, for ever, where the database is ours: one that died is started again."""
    liveness: Liveness = field(default_factory=Liveness)
    running: set[OperationId] = field(default_factory=set)
    """What this process is carrying on at this moment; anything else that it holds was left by a fault."""
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with each operation that this process moved, for whoever waits for it here."""
