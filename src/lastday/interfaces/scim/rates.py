"""How often a client may ask: a token bucket for each of its tokens, in this process."""

import time
from collections.abc import Callable

from lastday.model.ids import TokenId
from lastday.model.scim import PushClient

BURST_S = 10.0
"""So many seconds of its rate may a client use at once after a pause: a directory sends its changes in bursts."""
_TIDY_ABOVE = 4096


class ClientRates:
    """What each client has left. Several processes count for themselves.

    A bucket is kept as one number, the moment at which it will be full again (GCRA, ITU-T I.371).
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        """`now` counts seconds and never goes back."""
        self._now = now
        self._full_at: dict[TokenId, float] = {}

    def seconds_to_wait(self, client: PushClient) -> float:
        """0 where the client may send now, which uses one request of its rate; else how long until it may."""
        now, each_s = self._now(), 1.0 / client.requests_per_s
        full_at = max(self._full_at.get(client.token, now), now)
        wait = full_at - now - max(BURST_S - each_s, 0.0)
        if wait > 0.0:
            return wait
        if len(self._full_at) >= _TIDY_ABOVE:
            self._forget_full(now)
        self._full_at[client.token] = full_at + each_s
        return 0.0

    def _forget_full(self, now: float) -> None:
        """A bucket that is full again is as good as one that was never used."""
        self._full_at = {token: full_at for token, full_at in self._full_at.items() if full_at > now}
