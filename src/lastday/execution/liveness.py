"""How soon a silent worker counts as lost. Real time: it tells of machines, not of the world of the test clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Liveness:
    """A worker beats every `beat_s`; one that is silent for `stalled_s` is lost and its work is taken over."""

    beat_s: float = 2.0
    fresh_s: float = 6.0
    """A worker that has beaten within this time is at work: `apply --wait` only watches it."""
    stalled_s: float = 15.0

    def __post_init__(self) -> None:
        assert self.beat_s < self.fresh_s <= self.stalled_s, "a worker between two beats is neither idle nor lost"
