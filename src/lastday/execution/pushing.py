"""Makes what SCIM clients push durable: many writes in one transaction, and none answered before it is committed."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lastday.evidence.entries import Stamp
from lastday.execution.push_group import Asked, Committed, PushGroup, Refused, asked_for
from lastday.model.clock import Clock
from lastday.model.errors import EvidenceError, InputError, StoreError
from lastday.model.scim import Write, Written
from lastday.store.database import Database, DatabaseLost

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 64
"""Writes in one transaction: more would make the first ones wait for the last."""
GATHERS_S = 0.002
"""So long after an answer may others wait for those who were answered and ask again: a commit takes longer."""

_Outcome: TypeAlias = Written | BaseException


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    asked: Asked
    answer: "asyncio.Future[Written]" = field(repr=False)


def _nobody(_committed: Committed) -> None:
    """Nobody in this process wants to hear of commits."""


class PushWriter:
    """The Writer port of the service provider.

    While one transaction is on its way, the writes that come meanwhile gather for the next one. Clients that were
    answered mostly ask again at once: for a moment the next one waits for as many of them as there were. So clients
    that push side by side share transactions, and one that pushes alone waits for nobody.
    """

    def __init__(
        self, database: Database, clock: Clock, stamp: Stamp, *, committed: Callable[[Committed], None] = _nobody
    ) -> None:
        """`committed` is called after each commit and before the answers to the writes in it; it must not raise."""
        self._database = database
        self._clock = clock
        self._stamp = stamp
        self._committed = committed
        self._waiting: deque[_Waiting] = deque()
        self._working: asyncio.Task[None] | None = None
        self._expected = 0
        self._answered_at = 0.0
        self._all_came: asyncio.Event | None = None
        self._closed = False

    async def write(self, write: Write) -> Written:
        """What the write did: durable, with its entry in the evidence log, and everything that follows from it.

        Raises what the change raises; ValueTaken where the userName is another user's; InputError for what cannot be
        stored; DatabaseBusy where nothing was done, and DatabaseLost where nobody knows whether it was.
        """
        asked = asked_for(write)
        if self._closed:
            raise _stopping()
        waiting = _Waiting(asked=asked, answer=asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._all_came is not None and len(self._waiting) >= self._expected:
            self._all_came.set()
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await waiting.answer

    async def close(self) -> None:
        """What was asked for is answered; nothing more is taken."""
        self._closed = True
        if self._working is not None:
            await self._working

    async def _work(self) -> None:
        while self._waiting:
            await self._gather()
            group = [self._waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(self._waiting)))]
            try:
                await self._settle([one for one in group if not one.answer.done()])
            finally:
                _answer(group, [_stopping()] * len(group))
                self._expected = min(len(group) + len(self._waiting), MOST_AT_ONCE)
                self._answered_at = asyncio.get_running_loop().time()

    async def _gather(self) -> None:
        """As many wait as did last time, or it is no longer worth waiting for them."""
        until = self._answered_at + GATHERS_S
        if self._closed or len(self._waiting) >= self._expected or asyncio.get_running_loop().time() >= until:
            return
        self._all_came = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._all_came.wait()
        self._all_came = None

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        """Each of the group has its answer, also where the answer is an error of our own."""
        [outcomes] = await asyncio.gather(self._together([one.asked for one in group]), return_exceptions=True)
        if isinstance(outcomes, list):
            _answer(group, outcomes)
        elif isinstance(outcomes, StoreError) or len(group) == 1:
            _answer(group, [outcomes] * len(group))
        else:
            logger.warning("writes not made together, now one by one", extra={"error": type(outcomes).__name__})
            for one in group:
                await self._settle([one])

    async def _together(self, asked: Sequence[Asked]) -> list[_Outcome]:
        if not asked:
            return []
        async with self._database.transaction() as tx:
            group = await PushGroup.begin(tx, asked, self._clock.now(), self._stamp)
            outcomes = [await _outcome(group, one) for one in asked]
            committed = await group.save()
            await tx.commit()
        for one in committed:
            self._committed(one)
        return outcomes


async def _outcome(group: PushGroup, asked: Asked) -> _Outcome:
    try:
        return await group.apply(asked)
    except Refused as refused:
        return refused.__cause__ or refused
    except (InputError, EvidenceError) as error:
        return error


def _answer(group: Sequence[_Waiting], outcomes: Sequence[_Outcome]) -> None:
    for one, outcome in zip(group, outcomes, strict=True):
        if one.answer.done():
            continue
        if isinstance(outcome, Written):
            one.answer.set_result(outcome)
        else:
            one.answer.set_exception(outcome)


def _stopping() -> DatabaseLost:
    return DatabaseLost(
        "this process stops",
        effect="whether the change was made is not known",
        mend="read the resource, then try again",
    )
