"""What every part of execution works with, handed down from the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lastday.configuration.settings import Configuration
from lastday.evidence.entries import Stamp
from lastday.execution.applications import Applications
from lastday.model.clock import Clock
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
