"""What findings about an operation call it, and when they are over."""

from datetime import datetime

from lastday.model.operation import Operation
from lastday.store import findings
from lastday.store.database import Transaction


def finding_subject(operation: Operation) -> str:
    """The same for every operation that wants the same."""
    return _subject(operation, operation.native_id or operation.identity)


async def close_about(tx: Transaction, operation: Operation, now: datetime) -> None:
    """Nothing is open about the operation any more, under the id it has or had before one was known."""
    names = {operation.native_id or operation.identity, operation.identity}
    await findings.close_about(tx, [_subject(operation, about) for about in sorted(names)], now)


def _subject(operation: Operation, about: str) -> str:
    what = operation.verb.value if operation.entitlement is None else f"{operation.verb.value}/{operation.entitlement}"
    return f"{operation.application}/{about}/{what}"
