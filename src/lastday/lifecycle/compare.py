"""What changed of a person's place, names and other attributes between two versions."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from lastday.model.attributes import Attributes
from lastday.model.change import Change, ChangeKind, Surprise
from lastday.model.identity import Engagement, Identity, Lifecycle

PLACE = ("department", "title", "location", "organization", "userType")
"""Attributes that say where somebody stands: a change of one is a move.

A new manager alone is none, because managers leave and are replaced, nor is a new cost centre alone, because books are
re-numbered: both are told as amended, and access that depends on them follows all the same.
"""
NAMES = frozenset({"username", "displayname", "nickname", "emails"})
"""What a person is called, in lower case; everything under `name` and `emails` counts too."""
OF_TIME = frozenset({"startdate", "enddate", "endreason"})
"""Attributes that speak when an engagement begins or ends, not before: the walk tells of them."""


def attribute_changes(
    before: Identity, after: Identity, now: datetime, *, since: datetime | None = None
) -> tuple[Change, ...]:
    """What of the person reads differently now.

    MOVED where the jobs that are lived at `now` stand elsewhere than those at `since`, RENAMED where names or
    addresses differ, AMENDED where nothing but other attributes does. Nothing for somebody who has left; only AMENDED
    for somebody who has not begun.

    `since` is when `before` was acted on; without it, `now`.
    """
    began = since or now
    states = (before.lifecycle_at(began), after.lifecycle_at(now))
    if Lifecycle.ENDED in states:
        return ()
    old, new = _speaking(before, began), _speaking(after, now)
    leading = after.leading_engagement(now)
    if Lifecycle.PREBOARDING in states:
        return () if _contents(old) == _contents(new) else (_amended(leading, now, "changed before the first day"),)
    found: list[Change] = []
    at = _began_between(new, old, began, now)
    if _places(old) != _places(new):
        found.append(_change(leading, ChangeKind.MOVED, at, _move(old, new), Surprise.SURPRISE))
    names, others = _differing(before.leading_engagement(began), leading)
    if names:
        detail = f"names or addresses changed: {', '.join(names)}"
        found.append(_change(leading, ChangeKind.RENAMED, at, detail, Surprise.EXPECTED))
    if not found and (others or _contents(old) != _contents(new)):
        detail = f"changed: {', '.join(others)}" if others else "another engagement changed"
        found.append(_amended(leading, at, detail))
    return tuple(found)


def job_of(attributes: Attributes) -> str:
    """`Finance/AP Clerk`; what is not known is left out."""
    parts = (attributes.text("department"), attributes.text("title"))
    return "/".join(part for part in parts if part) or "engagement"


def _speaking(identity: Identity, at: datetime) -> tuple[Engagement, ...]:
    """The living engagements, or the one that is to come."""
    return identity.live_engagements(at) or (identity.leading_engagement(at),)


def _place(engagement: Engagement) -> tuple[str, ...]:
    return tuple(engagement.attributes.text(name) or "" for name in PLACE)


def _places(engagements: Sequence[Engagement]) -> list[tuple[str, ...]]:
    return sorted(_place(engagement) for engagement in engagements)


def _contents(engagements: Sequence[Engagement]) -> list[tuple[object, ...]]:
    return sorted(tuple(pair for pair in e.attributes.pairs if pair[0].lower() not in OF_TIME) for e in engagements)


def _move(old: Sequence[Engagement], new: Sequence[Engagement]) -> str:
    """`Finance/AP Clerk -> Finance/Accountant`, or the other words of the place that changed."""
    before, after = _jobs(old), _jobs(new)
    if before != after:
        return f"{before} -> {after}"
    return "; ".join(_words(old, new))


def _words(old: Sequence[Engagement], new: Sequence[Engagement]) -> Iterator[str]:
    for position, name in enumerate(PLACE):
        before = " + ".join(sorted({_place(engagement)[position] for engagement in old}))
        after = " + ".join(sorted({_place(engagement)[position] for engagement in new}))
        if before != after:
            yield f"{name} {before} -> {after}"
    if len(old) != len(new):
        yield f"{len(old)} engagements -> {len(new)}"


def _jobs(engagements: Sequence[Engagement]) -> str:
    return " + ".join(sorted({job_of(engagement.attributes) for engagement in engagements}))


def _began_between(new: Sequence[Engagement], old: Sequence[Engagement], since: datetime, now: datetime) -> datetime:
    """When the difference took effect: the last begin or end of an engagement that is new or over; else `now`."""
    was, stays = {e.id for e in old}, {e.id for e in new}
    begun = [e.starts_at for e in new if e.id not in was and e.starts_at is not None]
    ended = [e.ends_at for e in old if e.id not in stays and e.ends_at is not None]
    return max((instant for instant in (*begun, *ended) if since < instant <= now), default=now)


def _differing(old: Engagement, new: Engagement) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the attributes that differ: those that name the person, and the others."""
    differing = [n for n in old.attributes.differing(new.attributes) if n.lower() not in OF_TIME]
    names = tuple(name for name in differing if _is_name(name))
    return names, tuple(name for name in differing if not _is_name(name))


def _is_name(attribute: str) -> bool:
    low = attribute.lower()
    return low in NAMES or low.startswith(("name.", "emails."))


def _amended(engagement: Engagement, at: datetime, detail: str) -> Change:
    return _change(engagement, ChangeKind.AMENDED, at, detail, Surprise.EXPECTED)


def _change(engagement: Engagement, kind: ChangeKind, at: datetime, detail: str, surprise: Surprise) -> Change:
    return Change(
        identity=engagement.identity,
        kind=kind,
        at=at,
        engagement=engagement.id,
        surprise=surprise,
        detail=detail,
    )
