"""What a client is told of a failure, whatever it was, and what the log is told."""

import logging
import traceback
from pathlib import PurePath

from lastday.interfaces.scim.answers import Refused
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.model.errors import StoreError

logger = logging.getLogger(__name__)


def refusal_of(failure: Exception, *, request_id: str, limits: ScimLimits) -> ScimError:
    """`failure` as an error of SCIM. What is not the client's is logged, once and without what the client sent."""
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
