"""Rates as vendors count them: a bucket that fills again while time passes."""

import math
import time

from lastday.connectors.scim.vendor_profile import Bucket, Rates

SLACK_S = 0.05
"""How much earlier than allowed a request may come without being called a violation: clocks differ."""
GRACE_S = 0.5
"""So long after a 429 a request may come that was on its way when the 429 was."""


class _Level:
    """So many requests are left now."""

    def __init__(self, bucket: Bucket, now: float) -> None:
        requests, window_s = bucket.requests or 0, bucket.window_s or 1
        self._capacity = float(bucket.burst or requests)
        self._per_s = requests / window_s
        self._left = self._capacity
        self._seen = now

    def take(self, now: float, count: float = 1.0) -> float:
        """Takes `count`; in how many seconds that would have been allowed, 0 for at once. Nothing is taken if not."""
        self._left = min(self._capacity, self._left + (now - self._seen) * self._per_s)
        self._seen = now
        if self._left >= count:
            self._left -= count
            return 0.0
        return (count - self._left) / self._per_s

    def drain(self, now: float, seconds: float) -> None:
        """Nothing is left for so long."""
        self._left, self._seen = 1.0 - self._per_s * seconds, now


class Throttled(Exception):
    """Too many requests; `ours` where the client under test alone sent too many."""

    def __init__(self, bucket: str, after_s: int, *, ours: bool) -> None:
        super().__init__(bucket)
        self.bucket, self.after_s, self.ours = bucket, after_s, ours


class Meters:
    """Every bucket of one vendor, once for this client alone and once with everybody else's requests."""

    def __init__(self, rates: Rates) -> None:
        now = time.monotonic()
        self._rates = rates
        self._ours = {b.name: _Level(b, now) for b in rates.buckets if b.requests}
        self._all = {b.name: _Level(b, now) for b in rates.buckets if b.requests}
        self._refused: dict[str, tuple[float, float]] = {}
        """When a request was refused, and from when on one may come."""
        self._under_way: dict[str, int] = {}

    def drain(self, name: str, seconds: float) -> None:
        """Other clients of the same customer have used the bucket up for so long."""
        self._all[name].drain(time.monotonic(), seconds)

    def enter(self, method: str, path: str, body_bytes: int) -> list[str]:
        """Counts a request in; the names to give back to `leave`. Raises Throttled."""
        now = time.monotonic()
        buckets = self._rates.buckets_of(method, path, body_bytes)
        for bucket in buckets:
            if bucket.requests:
                self._count(bucket.name, now)
        gauges = [bucket for bucket in buckets if bucket.concurrent]
        for bucket in gauges:
            if self._under_way.get(bucket.name, 0) >= (bucket.concurrent or 0):
                raise Throttled(bucket.name, 1, ours=True)
        for bucket in gauges:
            self._under_way[bucket.name] = self._under_way.get(bucket.name, 0) + 1
        return [bucket.name for bucket in gauges]

    def leave(self, names: list[str]) -> None:
        for name in names:
            self._under_way[name] -= 1

    def _count(self, name: str, now: float) -> None:
        told, until = self._refused.get(name, (now, now))
        early = now > told + GRACE_S and now < until - SLACK_S
        ours, everybody = self._ours[name].take(now), self._all[name].take(now)
        if early or ours > SLACK_S or everybody > 0:
            after_s = max(1, math.ceil(max(ours, everybody, until - now)))
            self._refused[name] = (now if now >= until else told, max(until, now + after_s))
            raise Throttled(name, after_s, ours=ours > SLACK_S or early)
