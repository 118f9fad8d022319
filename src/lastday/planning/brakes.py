"""Brakes: judged on a batch, together with what was done in the window, before any effect. They count surprise.

All figures are integers. The base is the people engaged just before. 0 in a setting means that nothing passes.
What trips is the tripping set (cause x population), with zero effects of it; expected and named leavers pass.

Monotone: one more leaver never turns a hold into a go (I-8), as every count only grows and the base is given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import isqrt
from typing import TypeAlias

from lastday.configuration.settings import BrakeSettings
from lastday.model.batch import Brake, Tripped
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.identity import Engagement, Identity
from lastday.model.ids import IdentityId
from lastday.model.plan import Plan
from lastday.planning.plan_brakes import CountedEffect, holds_operation
from lastday.planning.shares import allowed_share, exceeds_share

DAY = timedelta(hours=24)
WEEK = timedelta(days=7)
Population: TypeAlias = tuple[str, str]
"""A dimension and its value: `("site", "Lisbon")`."""

_DIMENSIONS = (("employer", "organization"), ("site", "location"), ("worker type", "userType"), ("team", "manager"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedLeaver:
    """A leaver that a brake let pass (or that was released) before now."""

    identity: IdentityId
    at: datetime
    """When it was counted, which is not when the person left."""
    surprise: Surprise
    populations: tuple[Population, ...] = ()
    """Needed only where the person is not in the base any more; see `populations_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeHistory:
    """What already counted: leavers of the last 7 days, other effects of the last 24 hours, pending ones included."""

    leavers: tuple[CountedLeaver, ...] = ()
    effects: tuple[CountedEffect, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """Two people said beforehand that these people leave: expected, also for the volume brake."""

    identities: frozenset[IdentityId]
    since: datetime
    until: datetime
    approved: bool


NO_ANNOUNCEMENTS: tuple[Announcement, ...] = ()


def surprise_limit(base: int, floor: int) -> int:
    """How many surprise leavers may pass in 24 hours: max(floor, ceil(sqrt(base) / 2)); 0 where the floor is 0.

    >>> surprise_limit(420, 3), surprise_limit(10, 3), surprise_limit(10_000, 3), surprise_limit(420, 0)
    (11, 3, 50, 0)
    """
    quarter = -(-base // 4)
    root = isqrt(quarter - 1) + 1 if quarter > 0 else 0
    return max(floor, root) if floor > 0 else 0


def populations_of(identity: Identity, now: datetime) -> tuple[Population, ...]:
    """The populations of the engagement that speaks for the person: source, employer, site, worker type, team."""
    if not identity.engagements:
        return ()
    engagement = identity.leading_engagement(now)
    named = [(dimension, _folded(engagement, attribute)) for dimension, attribute in _DIMENSIONS]
    return (("source", str(engagement.source)), *((name, value) for name, value in named if value))


def _folded(engagement: Engagement, attribute: str) -> str:
    return (engagement.attributes.text(attribute) or "").strip().casefold()


def check_brakes(
    changes: Sequence[Change],
    people: Sequence[Identity],
    history: BrakeHistory,
    settings: BrakeSettings,
    now: datetime,
    announcements: Sequence[Announcement] = NO_ANNOUNCEMENTS,
) -> tuple[Tripped, ...]:
    """The brakes on leavers that hold, for the changes of a batch that are due at `now`; empty means go.

    `people` are all who were engaged just before, those of the batch included. A change that takes effect later is
    judged when it is due. Named and announced leavers are never surprise, and never count for the volume.
    """
    leaving = _leavers(changes, now, announcements)
    count = _Count(leaving=leaving, past=history.leavers, base=len(people), settings=settings, now=now)
    groups = _Groups.of(people, history, now)
    return (*_day(count), *_week(count), *_of_groups(count, groups), *_volume(count))


_WORST_FIRST = (Surprise.SURPRISE, Surprise.EXPECTED, Surprise.ANNOUNCED, Surprise.NAMED)


def _leavers(
    changes: Sequence[Change], now: datetime, announcements: Sequence[Announcement]
) -> Mapping[IdentityId, Surprise]:
    """Who leaves in this batch; of two views of the same person the worse counts."""
    found: dict[IdentityId, Surprise] = {}
    for change in changes:
        if change.kind is ChangeKind.LEFT and change.at <= now:
            views = (_view(change, now, announcements), found.get(change.identity, Surprise.NAMED))
            found[change.identity] = min(views, key=_WORST_FIRST.index)
    return found


def _view(change: Change, now: datetime, announcements: Sequence[Announcement]) -> Surprise:
    announced = any(
        one.approved and one.since <= now <= one.until and change.identity in one.identities for one in announcements
    )
    return Surprise.ANNOUNCED if announced and change.surprise is not Surprise.NAMED else change.surprise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    leaving: Mapping[IdentityId, Surprise]
    past: tuple[CountedLeaver, ...]
    base: int
    settings: BrakeSettings
    now: datetime

    @property
    def surprising(self) -> tuple[IdentityId, ...]:
        return tuple(sorted(who for who, view in self.leaving.items() if view is Surprise.SURPRISE))

    @property
    def voluminous(self) -> tuple[IdentityId, ...]:
        """Everybody but the named and the announced."""
        counting = (Surprise.SURPRISE, Surprise.EXPECTED)
        return tuple(sorted(who for who, view in self.leaving.items() if view in counting))

    def with_past(self, identities: Iterable[IdentityId], window: timedelta, *views: Surprise) -> set[IdentityId]:
        """`identities` and those who already counted in the window; a person counts once."""
        since = self.now - window
        return {*identities, *(one.identity for one in self.past if one.at > since and one.surprise in views)}

    def tripped(self, brake: Brake, identities: Iterable[IdentityId], counted: int, limit: int, why: str) -> Tripped:
        return Tripped(
            brake=brake,
            identities=tuple(sorted(identities)),
            counted=counted,
            limit=limit,
            base=self.base,
            detail=f"{why} Nothing was done for them. Look at the feed; release those who really left, "
            "by name and by two people.",
        )


def _day(count: _Count) -> tuple[Tripped, ...]:
    limit = surprise_limit(count.base, count.settings.surprise_leavers_floor)
    return _surprise(count, Brake.SURPRISE_LEAVERS_DAY, DAY, limit, "24 hours")


def _week(count: _Count) -> tuple[Tripped, ...]:
    limit = 2 * surprise_limit(count.base, count.settings.surprise_leavers_floor)
    return _surprise(count, Brake.SURPRISE_LEAVERS_WEEK, WEEK, limit, "7 days")


def _surprise(count: _Count, brake: Brake, window: timedelta, limit: int, words: str) -> tuple[Tripped, ...]:
    surprising = count.surprising
    counted = len(count.with_past(surprising, window, Surprise.SURPRISE))
    if not surprising or counted <= limit:
        return ()
    why = f"{counted} people of {count.base} left by surprise in {words}; {limit} may pass."
    return (count.tripped(brake, surprising, counted, limit, why),)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Groups:
    """Who belongs to which population, and how large each one is."""

    of_person: Mapping[IdentityId, tuple[Population, ...]]
    sizes: Mapping[Population, int]

    @classmethod
    def of(cls, people: Sequence[Identity], history: BrakeHistory, now: datetime) -> "_Groups":
        known = {one.identity: one.populations for one in history.leavers}
        engaged = {identity.id: populations_of(identity, now) for identity in people}
        sizes: dict[Population, int] = {}
        for populations in engaged.values():
            for population in populations:
                sizes[population] = sizes.get(population, 0) + 1
        return cls(of_person={**known, **engaged}, sizes=sizes)

    def members(self, identities: Iterable[IdentityId]) -> dict[Population, list[IdentityId]]:
        found: dict[Population, list[IdentityId]] = {}
        for identity in identities:
            for population in self.of_person.get(identity, ()):
                found.setdefault(population, []).append(identity)
        return found


def _of_groups(count: _Count, groups: _Groups) -> tuple[Tripped, ...]:
    """A hold for each source, employer, site, worker type or team of which too many leave by surprise."""
    now_leaving = groups.members(count.surprising)
    lately = groups.members(count.with_past(count.surprising, DAY, Surprise.SURPRISE))
    percent, floor = count.settings.group_percent, count.settings.group_floor
    held = []
    for population, identities in sorted(now_leaving.items()):
        counted, size = len(lately[population]), groups.sizes.get(population, 0)
        if exceeds_share(counted, size, percent, floor):
            why = f"{counted} of the {size} people of {population[0]} {population[1]!r} left by surprise in 24 hours."
            limit = allowed_share(size, percent, floor)
            held.append(replace(count.tripped(Brake.LEAVERS_OF_ONE_GROUP, identities, counted, limit, why), base=size))
    return tuple(held)


def _volume(count: _Count) -> tuple[Tripped, ...]:
    """Everything counts, expected too, but for the named and the announced."""
    leaving, percent = count.voluminous, count.settings.leavers_volume_percent
    counted = len(count.with_past(leaving, DAY, Surprise.SURPRISE, Surprise.EXPECTED))
    if not leaving or counted * 100 <= percent * count.base:
        return ()
    why = f"{counted} people of {count.base} left in 24 hours, more than {percent} %, without an announcement."
    limit = percent * count.base // 100
    return (count.tripped(Brake.LEAVERS_VOLUME, leaving, counted, limit, why),)


def apply_stops(plan: Plan, tripped: Sequence[Tripped]) -> Plan:
    """The same plan, in which the operations of each tripping set carry the brake's code; what was stopped stays so.

    A brake on leavers stops everything of its people; one on removals or giving only what it counted.
    """
    operations = tuple(
        operation
        if operation.stopped is not None
        else replace(operation, stopped=next((t.brake.value for t in tripped if holds_operation(t, operation)), None))
        for operation in plan.operations
    )
    return replace(plan, operations=operations)


def stopped_people(tripped: Sequence[Tripped]) -> dict[IdentityId, str]:
    """For `build_plan`: the people whom a brake on leavers holds, with its code, and nobody else."""
    found: dict[IdentityId, str] = {}
    for one in tripped:
        if one.application is None:
            for identity in one.identities:
                found.setdefault(identity, one.brake.value)
    return found
