"""An answer from the database that may be used for a moment, so that not every request asks anew."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

LASTS_S = 1.0
"""Nothing that was asked longer ago counts: the bound on how far a process may be behind the others."""
RENEW_AFTER_S = 0.5
"""From this age on a new answer is fetched while the old one still serves, so that nobody has to wait for it."""

AnswerT = TypeVar("AnswerT")
_NEVER = float("-inf")


class Renewed(Generic[AnswerT]):
    """Asks once for all who want to know, and again when the answer has grown old.

    Nobody gets an answer that was asked for more than LASTS_S before they came.
    """

    __slots__ = ("_ask", "_asked_at", "_asking", "_asking_since", "_now", "answer")

    def __init__(
        self, ask: Callable[[], Coroutine[object, object, AnswerT]], now: Callable[[], float] = time.monotonic
    ) -> None:
        """What `ask` raises is raised to everybody who waits for it. `now` counts seconds and never goes back."""
        self._ask = ask
        self._now = now
        self.answer: AnswerT
        """The last one: to be used where `is_fresh` was just true."""
        self._asked_at = _NEVER
        self._asking: asyncio.Task[AnswerT] | None = None
        self._asking_since = _NEVER

    def is_fresh(self) -> bool:
        """Whether the answer at hand still counts. One that has grown old is renewed meanwhile."""
        now = self._now()
        age = now - self._asked_at
        if RENEW_AFTER_S < age <= LASTS_S and self._asking is None:
            self._asking = self._begin(now)
        return age <= LASTS_S

    async def get(self) -> AnswerT:
        """The answer. Raises what asking raises."""
        if self.is_fresh():
            return self.answer
        now = self._now()
        if self._asking is None or now - self._asking_since > LASTS_S:
            self._asking = self._begin(now)
        return await asyncio.shield(self._asking)

    def expire(self) -> None:
        """Something happened that the answer cannot know of: whoever comes now waits for one that is asked for now."""
        self._asked_at = _NEVER
        self._asking = None

    def _begin(self, now: float) -> "asyncio.Task[AnswerT]":
        def take(task: "asyncio.Task[AnswerT]") -> None:
            failed = task.cancelled() or task.exception() is not None
            if self._asking is task:
                self._asking = None
                if not failed:
                    self.answer, self._asked_at = task.result(), now

        asking = asyncio.create_task(self._ask())
        asking.add_done_callback(take)
        self._asking_since = now
        return asking
