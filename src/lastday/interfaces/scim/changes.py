"""One change that a client asks for, in a request of its own or as part of a bulk request: the same for both."""

from dataclasses import dataclass, field

from lastday.interfaces.scim.preconditions import matches
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.interfaces.scim.protocol.patch import apply_patch
from lastday.interfaces.scim.protocol.profiles import PostExisting, Profile
from lastday.interfaces.scim.protocol.schema import ResourceKind
from lastday.interfaces.scim.protocol.validation import new_body
from lastday.interfaces.scim.provider import Provider
from lastday.interfaces.scim.sent_again import made_before
from lastday.model.canonical import JsonValue
from lastday.model.errors import InputError, ValueTaken
from lastday.model.ids import ResourceId
from lastday.model.scim import (
    Body,
    Change,
    PushClient,
    PushedResource,
    PushMethod,
    ResourceType,
    Write,
    Written,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client asks for, and under which conditions."""

    client: PushClient
    request_id: str
    method: PushMethod
    type: ResourceType
    id: ResourceId | None = None
    """None where something new is asked for."""
    data: JsonValue = field(default=None, repr=False)
    if_match: str | None = None
    if_none_match: str | None = None


async def carry_out(provider: Provider, asked: Asked) -> Written:
    """The change stands. Raises ScimError where it is refused, StoreError where it cannot be kept.

    Whoever calls this has made sure that the client may write.

    Conditions are looked at where the change is made, so that they hold whatever others do at the same time.
    """
    kind = provider.schemas(asked.client.source).kind(asked.type)
    profile = provider.profiles(asked.client.profile)
    if asked.method is not PushMethod.POST:
        return await _write(provider, asked, lambda current: _changed(asked, kind, profile, current))
    body = new_body(asked.data, kind, profile)
    if profile.post_existing is PostExisting.SAME_RESOURCE:
        same = await made_before(provider, asked.client.source, asked.type, body)
        if same is not None:
            return Written(before=same, after=same)
    return await _write(provider, asked, lambda _current: body)


async def _write(provider: Provider, asked: Asked, change: Change) -> Written:
    write = Write(
        client=asked.client,
        type=asked.type,
        id=asked.id,
        method=asked.method,
        request_id=asked.request_id,
        change=change,
    )
    try:
        return await provider.writer.write(write)
    except ValueTaken as taken:
        raise ScimError(409, taken.what, ScimType.UNIQUENESS) from None
    except InputError as refused:
        raise ScimError(400, refused.what, ScimType.INVALID_VALUE) from None


def _changed(asked: Asked, kind: ResourceKind, profile: Profile, current: PushedResource | None) -> Body | None:
    standing = _as_expected(asked, current)
    if asked.method is PushMethod.DELETE:
        return None
    if asked.method is PushMethod.PUT:
        return new_body(asked.data, kind, profile, before=standing.body)
    return apply_patch(standing.body, asked.data, kind, profile)


def _as_expected(asked: Asked, current: PushedResource | None) -> PushedResource:
    """What is there. Raises ScimError: 412 where it is not as the client expects (nor there), else 404 for nothing."""
    if asked.if_match is not None and not matches(asked.if_match, current):
        raise ScimError(412, "The resource is not as `If-Match` says.")
    if current is None:
        raise ScimError(404, f"There is no {asked.type.value} with this id.")
    if asked.if_none_match is not None and matches(asked.if_none_match, current):
        raise ScimError(412, "The resource is as `If-None-Match` says that it must not be.")
    return current
