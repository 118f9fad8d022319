"""Keeps the redacted requests and answers of the operation at hand, for its evidence."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lastday.connectors.sdk.ports import Exchange

_at_hand: ContextVar[list[Exchange] | None] = ContextVar("exchanges_at_hand", default=None)


class ExchangeLog:
    """A request log that gives each exchange to whoever collects in the running task; with nobody it is dropped."""

    def note(self, exchange: Exchange) -> None:
        collected = _at_hand.get()
        if collected is not None:
            collected.append(exchange)


@contextmanager
def collected_exchanges() -> Iterator[list[Exchange]]:
    """Everything that connectors send and receive inside the block, in order."""
    collected: list[Exchange] = []
    token = _at_hand.set(collected)
    try:
        yield collected
    finally:
        _at_hand.reset(token)
