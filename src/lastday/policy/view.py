"""A person as a condition sees them: nested like a SCIM resource, one engagement at hand, all of them within reach."""

from datetime import datetime

from lastday.filters.nesting import nested_attributes
from lastday.filters.predicate import Resource
from lastday.model.identity import Engagement, Identity


def identity_view(identity: Identity, engagement: Engagement, now: datetime) -> Resource:
    """What a bare attribute means for `engagement` of `identity` at `now`.

    The attributes of the engagement, with `startsAt`, `endsAt` and `endReason`; `lifecycle` of the whole person;
    `engagements`, each with its own attributes, lifecycle, startsAt and endsAt.

    Raises ValueError where the engagement is not one of this person.
    """
    position = identity.engagements.index(engagement)
    return identity_views(identity, now)[position]


def identity_views(identity: Identity, now: datetime) -> tuple[Resource, ...]:
    """The view for each engagement of `identity`, in their order."""
    each = tuple(engagement_view(engagement, now) for engagement in identity.engagements)
    person: Resource = {"lifecycle": identity.lifecycle_at(now).value, "engagements": each}
    return tuple({**view, **person} for view in each)


def engagement_view(engagement: Engagement, now: datetime) -> Resource:
    """One engagement by itself. What the source says of instants and lifecycle gives way to what was derived."""
    derived = {"lifecycle", "engagements", "startsat", "endsat"}
    nested = nested_attributes(engagement.attributes)
    view = {name: value for name, value in nested.items() if name.lower() not in derived}
    view["lifecycle"] = engagement.lifecycle_at(now).value
    view |= {"startsAt": engagement.starts_at} if engagement.starts_at is not None else {}
    view |= {"endsAt": engagement.ends_at} if engagement.ends_at is not None else {}
    return view
