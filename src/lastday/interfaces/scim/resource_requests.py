"""Requests to one resource, or for a new one (RFC 7644 sections 3.3 to 3.6)."""

from http import HTTPStatus

from lastday.interfaces.scim.access import permit
from lastday.interfaces.scim.answers import Answer, Header, etag_header
from lastday.interfaces.scim.changes import Asked, carry_out
from lastday.interfaces.scim.preconditions import matches
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.protocol.profiles import PatchAnswer, Profile
from lastday.interfaces.scim.provider import Provider
from lastday.interfaces.scim.requests import Request, prefers_minimal
from lastday.interfaces.scim.views import EVERYTHING, read_view
from lastday.model.canonical import JsonValue
from lastday.model.ids import ResourceId
from lastday.model.scim import PushClient, PushedResource, PushMethod, ResourceType, TokenScope

_APPLIED: Header = (b"preference-applied", b"return=minimal")


async def read(provider: Provider, client: PushClient, request: Request, kind: ResourceType) -> Answer:
    """The resource, or 304 where the client has it as it stands. Raises ScimError 404 and 412."""
    permit(client, TokenScope.READ)
    view = read_view(request.parameters()) if request.query else EVERYTHING
    found = await provider.resources.read(client.source, kind, ResourceId(request.path[1]))
    if found is None:
        raise ScimError(404, f"There is no {kind.value} with this id.")
    wanted = request.header(b"if-match")
    if wanted is not None and not matches(wanted, found.resource):
        raise ScimError(412, "The resource is not as `If-Match` says.")
    known = request.header(b"if-none-match")
    if known is not None and matches(known, found.resource):
        return Answer(status=HTTPStatus.NOT_MODIFIED, headers=(etag_header(found.resource),))
    shows = provider.shows(client, kind, view)
    return Answer(content=shows(found), headers=(etag_header(found.resource),))


async def create(
    provider: Provider, client: PushClient, request: Request, kind: ResourceType, data: JsonValue
) -> Answer:
    """201 with the new resource and where it is; 200 where this client sends again what it made before."""
    view = read_view(request.parameters())
    asked = Asked(client=client, request_id=request.request_id, method=PushMethod.POST, type=kind, data=data)
    written = await carry_out(provider, asked)
    made = written.after
    assert made is not None, "what is new is there"
    location = (b"location", provider.location(made).encode())
    content = provider.shows(client, kind, view)(provider.resources.rendered(made))
    status = HTTPStatus.CREATED if written.before is None else HTTPStatus.OK
    return Answer(status=status, content=content, headers=(location, etag_header(made)))


async def change(
    provider: Provider, client: PushClient, request: Request, kind: ResourceType, data: JsonValue
) -> Answer:
    """200 with the resource as it stands after PUT or PATCH; 204 where the client wants no more than that of a PATCH.

    Whoever names attributes gets them (RFC 7644 section 3.5.2).
    """
    view = read_view(request.parameters())
    changed = (await carry_out(provider, _asked(client, request, kind, data))).after
    assert changed is not None, "what was changed is there"
    if request.method == PushMethod.PATCH and view.whole:
        if prefers_minimal(request.headers):
            return _without_content(changed, _APPLIED)
        if _answers_nothing(provider.profiles(client.profile), kind):
            return _without_content(changed)
    content = provider.shows(client, kind, view)(provider.resources.rendered(changed))
    return Answer(content=content, headers=(etag_header(changed),))


async def delete(provider: Provider, client: PushClient, request: Request, kind: ResourceType) -> Answer:
    """204: the resource is gone."""
    await carry_out(provider, _asked(client, request, kind, None))
    return Answer(status=HTTPStatus.NO_CONTENT)


def _answers_nothing(profile: Profile, kind: ResourceType) -> bool:
    answer = profile.user_patch_answer if kind is ResourceType.USER else profile.group_patch_answer
    return answer is PatchAnswer.NOTHING


def _asked(client: PushClient, request: Request, kind: ResourceType, data: JsonValue) -> Asked:
    return Asked(
        client=client,
        request_id=request.request_id,
        method=PushMethod(request.method),
        type=kind,
        id=ResourceId(request.path[1]),
        data=data,
        if_match=request.header(b"if-match"),
        if_none_match=request.header(b"if-none-match"),
    )


def _without_content(resource: PushedResource, *headers: Header) -> Answer:
    return Answer(status=HTTPStatus.NO_CONTENT, headers=(*headers, etag_header(resource)))
