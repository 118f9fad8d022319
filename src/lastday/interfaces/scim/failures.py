"""What a client is told of a failure, whatever it was, and what the log is told."""

import logging
import traceback
from collections.abc import Awaitable
from pathlib import PurePath
from typing import TypeVar

from lastday.interfaces.scim.answers import Refused
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.requests import ClientGone
from lastday.model.errors import StoreError

logger = logging.getLogger(__name__)

DoneT = TypeVar("DoneT")


async def done_or_refused(work: Awaitable[DoneT], *, request_id: str, limits: ScimLimits) -> DoneT | ScimError:
    """What `work` gives, or what the client is told instead, whatever went wrong.

    What is not the client's fault is logged, once and without what the client sent. Raises ClientGone only.
    """
    try:
        return await work
    except ClientGone:
        raise
    except Exception as failure:  # noqa: BLE001 - the one border at which faults of ours become answers
        return _refusal(failure, request_id, limits)


def _refusal(failure: Exception, request_id: str, limits: ScimLimits) -> ScimError:
    if isinstance(failure, ScimError):
        return failure
    told = {"request_id": request_id, "failure": type(failure).__name__, "frames": _frames(failure)}
    if isinstance(failure, StoreError):
        logger.warning("a SCIM request met no database", extra=told)
        wait = b"%d" % limits.unavailable_wait_s
        return Refused(503, "The database is away. Try again.", headers=((b"retry-after", wait),))
    logger.error("a SCIM request failed", extra=told)
    return ScimError(500, f"This is our fault. The log knows more of request {request_id}.")


def _frames(failure: Exception) -> list[str]:
    """Where it happened, without the message: that may hold what the client sent."""
    frames = traceback.extract_tb(failure.__traceback__)
    return [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
