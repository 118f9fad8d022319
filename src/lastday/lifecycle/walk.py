"""What happens to a person between two moments: transitions with their true instants, and what changed of the job."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lastday.lifecycle.compare import attribute_changes, job_of
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.identity import (
    Engagement,
    EngagementStatus,
    Identity,
    IdentityKind,
    Lifecycle,
    last_left_at,
    lifecycle_of,
)

__all__ = ["EXPECTED_AFTER", "attribute_changes", "changes_between", "next_instant", "walk_engagements"]

EXPECTED_AFTER = timedelta(hours=72)
"""An end that stood unchanged in accepted feeds for so long before it takes effect surprises nobody."""

_LIVING = (Lifecycle.ACTIVE, Lifecycle.SUSPENDED, Lifecycle.RELEASED)
_BY_STATE = {
    Lifecycle.SUSPENDED: ChangeKind.SUSPENDED,
    Lifecycle.RELEASED: ChangeKind.RELEASED,
    Lifecycle.ENDED: ChangeKind.LEFT,
}
_SUDDEN = (ChangeKind.LEFT, ChangeKind.SUSPENDED, ChangeKind.RELEASED)


def changes_between(before: Identity | None, after: Identity, since: datetime, now: datetime) -> tuple[Change, ...]:
    """All that happened to the person in (since, now], and what the new data says differently of `since`.

    `before` is the person as we last acted on at `since`, None for somebody new. Where only the clock moved, `before`
    and `after` are the same. Somebody who joins or leaves is not told to have moved as well.
    """
    seen = None if before is None else before.lifecycle_at(since)
    acted_on = None if before is None else before.engagements
    walked = walk_engagements(seen, after.engagements, since, now, acted_on=acted_on)
    crossed = any(change.kind in (ChangeKind.JOINED, ChangeKind.LEFT) for change in walked)
    if before is None or crossed:
        return walked
    return (*walked, *attribute_changes(before, after, now, since=since))


def walk_engagements(
    seen: Lifecycle | None,
    engagements: Sequence[Engagement],
    since: datetime,
    now: datetime,
    *,
    acted_on: Sequence[Engagement] | None = None,
) -> tuple[Change, ...]:
    """The transitions of lifecycle in (since, now], after an immediate one where the data disagrees with `seen`.

    `seen` is the lifecycle that was last acted on, at `since`; None for somebody never seen. `acted_on` are the
    engagements as they were known then: they tell a withdrawn end (*returned*) from a rehire, and a gap before
    `since` that nobody knew of, which is a leave and a rehire although one file tells both. Without them, gaps before
    `since` are taken as known. The instant of an immediate change is the true one, which may lie before `since`; where
    the data has no instant for it (leave of absence, a withdrawn end), it is `now`.
    A gap inside the data is a leave and a joining; engagements that touch or overlap are neither.
    """
    if not engagements:
        return ()
    walk = _Walk(tuple(engagements), since, now, tuple(acted_on) if acted_on is not None else None)
    return tuple(walk.changes(seen))


def next_instant(identity: Identity, now: datetime) -> datetime | None:
    """The next instant after `now` at which an engagement begins or ends by itself; None where none is known."""
    coming = (instant for engagement in identity.engagements for instant in engagement.instants if instant > now)
    return min(coming, default=None)


@dataclass(frozen=True, slots=True)
class _Walk:
    engagements: tuple[Engagement, ...]
    since: datetime
    now: datetime
    acted_on: tuple[Engagement, ...] | None

    def changes(self, seen: Lifecycle | None) -> Iterator[Change]:
        state = lifecycle_of(self.engagements, self.since)
        if (gap := self._unknown_gap(seen, state)) is not None:
            yield self._change(ChangeKind.LEFT, gap, Lifecycle.ENDED)
            seen = Lifecycle.ENDED
        if state is not seen and (kind := self._kind(seen, state)) is not None:
            yield self._change(kind, self._true_instant(kind, seen), state)
        for instant in self._instants():
            following = lifecycle_of(self.engagements, instant)
            if following is not state and (kind := self._kind(state, following)) is not None:
                yield self._change(kind, instant, following)
            state = following

    def _instants(self) -> list[datetime]:
        every = {instant for e in self.engagements for instant in e.instants}
        return sorted(instant for instant in every if self.since < instant <= self.now)

    def _kind(self, before: Lifecycle | None, after: Lifecycle) -> ChangeKind | None:
        """What it is called to come from one lifecycle into another; None where it is nothing to act on."""
        if after is Lifecycle.PREBOARDING:
            return ChangeKind.LEFT if before in _LIVING else None
        if after is not Lifecycle.ACTIVE:
            return _BY_STATE[after]
        if before in (Lifecycle.SUSPENDED, Lifecycle.RELEASED):
            return ChangeKind.RETURNED
        return ChangeKind.RETURNED if before is Lifecycle.ENDED and self._withdrawn() else ChangeKind.JOINED

    def _unknown_gap(self, seen: Lifecycle | None, state: Lifecycle) -> datetime | None:
        """The instant of a leave before `since` that was not known then, of somebody who is back meanwhile."""
        gap = last_left_at(self.engagements, self.since)
        if gap is None or self.acted_on is None or seen not in _LIVING or state not in _LIVING:
            return None
        known = last_left_at(self.acted_on, self.since)
        unknown = lifecycle_of(self.acted_on, gap) in _LIVING and (known is None or known < gap)
        return gap if unknown else None

    def _withdrawn(self) -> bool:
        """The leave that was acted on did not happen after all: nothing was over at its instant."""
        left_at = None if self.acted_on is None else last_left_at(self.acted_on, self.since)
        if left_at is None:
            return last_left_at(self.engagements, self.now) is None
        return lifecycle_of(self.engagements, left_at) in _LIVING

    def _true_instant(self, kind: ChangeKind, seen: Lifecycle | None) -> datetime:
        """Since when the data says so, for a change that came to light later."""
        if kind is ChangeKind.LEFT:
            return last_left_at(self.engagements, self.since) or self.now
        if kind is ChangeKind.JOINED or seen not in _LIVING:
            return self.now if kind is ChangeKind.RETURNED else self._living_since(self.since)
        return self.now

    def _living_since(self, instant: datetime) -> datetime:
        """When the stretch without a gap began that `instant` lies in."""
        gap = last_left_at(self.engagements, instant)
        starts = [e.starts_at for e in self.engagements if e.starts_at is not None and e.starts_at <= instant]
        return min((start for start in starts if gap is None or start > gap), default=instant)

    def _change(self, kind: ChangeKind, at: datetime, state: Lifecycle) -> Change:
        ended = self._last_ended(at) if kind is ChangeKind.LEFT and state is Lifecycle.ENDED else None
        engagement = ended or _leading(self.engagements, at)
        return Change(
            identity=engagement.identity,
            kind=kind,
            at=at,
            engagement=engagement.id,
            surprise=_surprise(kind, ended),
            detail=_detail(kind, engagement, ended),
            contract_ended=ended is not None and _foreseen(ended) and ended.status is not EngagementStatus.ENDED,
        )

    def _last_ended(self, at: datetime) -> Engagement | None:
        ended = [e for e in self.engagements if e.ends_at is not None and e.ends_at <= at]
        return max(ended, key=lambda e: (e.ends_at, e.key), default=None)


def _surprise(kind: ChangeKind, ended: Engagement | None) -> Surprise:
    """What takes access away unannounced is a surprise; what takes nothing is not."""
    if ended is not None:
        return Surprise.EXPECTED if _announced(ended) else Surprise.SURPRISE
    return Surprise.SURPRISE if kind in _SUDDEN else Surprise.EXPECTED


def _announced(ended: Engagement) -> bool:
    if ended.end_accepted:
        return True
    known, end = ended.end_known_since, ended.ends_at
    return known is not None and end is not None and known <= end - EXPECTED_AFTER


def _foreseen(ended: Engagement) -> bool:
    """The end was told before it came."""
    known, end = ended.end_known_since, ended.ends_at
    return ended.end_accepted or (known is not None and end is not None and known <= end)


def _leading(engagements: Sequence[Engagement], at: datetime) -> Engagement:
    person = engagements[0].identity
    whole = Identity(id=person, kind=IdentityKind.EMPLOYEE, person_key=None, engagements=tuple(engagements))
    return whole.leading_engagement(at)


def _detail(kind: ChangeKind, engagement: Engagement, ended: Engagement | None) -> str:
    job = job_of(engagement.attributes)
    if ended is not None and ended.ends_at is not None:
        cause = "ended" if ended.status is EngagementStatus.ENDED else "contract end; the source still says active"
        return f"{job}: {cause}, {ended.ends_at:%Y-%m-%dT%H:%MZ}"
    if kind is ChangeKind.LEFT:
        return f"{job}: the start was moved to a later day"
    return f"{job}: {kind.value}"
