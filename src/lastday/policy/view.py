"""A person as a condition sees them: nested like a SCIM resource, one engagement at hand, all of them within reach."""

from collections.abc import Sequence
from datetime import datetime

from lastday.filters.predicate import Resource
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.identity import Engagement, Identity

MULTI_VALUED = frozenset(
    {"emails", "phonenumbers", "ims", "photos", "addresses", "groups", "entitlements", "roles", "x509certificates"}
)
"""Attributes with a list of complex values (RFC 7643 section 4.1.2), in lower case."""


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


def nested_attributes(attributes: Attributes) -> Resource:
    """Attributes with dotted names as complex values (RFC 7643 section 2.3.8).

    >>> nested_attributes(Attributes.of({"name.givenName": "Ada", "emails.value": ("a@x", "b@x")}))
    {'emails': [{'value': 'a@x'}, {'value': 'b@x'}], 'name': {'givenName': 'Ada'}}
    """
    view: dict[str, object] = {}
    spelling: dict[str, str] = {}
    members: dict[str, dict[str, tuple[AttributeValue, ...]]] = {}
    for dotted, values in attributes.items():
        name, dot, sub = dotted.partition(".")
        name = spelling.setdefault(name.lower(), name)
        members.setdefault(name, {})[sub if dot else "value"] = values
    for name, subs in members.items():
        view[name] = _complex_value(name, subs)
    return view


def _complex_value(name: str, subs: dict[str, tuple[AttributeValue, ...]]) -> object:
    if name.lower() in MULTI_VALUED:
        longest = max(map(len, subs.values()))
        return [{sub: values[i] for sub, values in subs.items() if i < len(values)} for i in range(longest)]
    if set(subs) == {"value"}:
        return _plain(subs["value"])
    return {sub: _plain(values) for sub, values in subs.items()}


def _plain(values: Sequence[AttributeValue]) -> object:
    return values[0] if len(values) == 1 else list(values)
