"""An answer that a connector's code stumbles over is that application's affair, never everybody's."""

from collections.abc import Iterator
from contextlib import contextmanager

from lastday.model.errors import AnswerUnusable
from lastday.model.ids import ApplicationName

STUMBLES = (LookupError, ValueError, TypeError, AttributeError)
"""What code raises that meets data of another shape than it was written for."""


@contextmanager
def told_plainly(application: ApplicationName) -> Iterator[None]:
    """Whatever the block stumbles over is AnswerUnusable: nothing is concluded, and other applications go on."""
    try:
        yield
    except STUMBLES as err:
        raise AnswerUnusable(
            f"{application} gave an answer that its connector cannot read: {type(err).__name__}: {err}",
            effect="Nothing is concluded from it.",
            mend="Tell the makers of the connector; the other applications go on.",
        ) from err
