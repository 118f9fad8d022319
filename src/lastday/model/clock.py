"""Time is a port: every room that needs it is handed a Clock."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Where `now` comes from. The composition root picks the real one or the test clock."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...
