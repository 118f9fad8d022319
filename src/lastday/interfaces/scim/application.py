"""The service provider as an ASGI 3 application without a framework, to be mounted at `/scim/v2` (RFC 7644)."""

from collections.abc import Callable

from lastday.interfaces.asgi import Receive, Scope, Send
from lastday.interfaces.scim.access import authenticate
from lastday.interfaces.scim.answers import Answer, error_answer, send_answer
from lastday.interfaces.scim.cursors import CursorSeal
from lastday.interfaces.scim.failures import done_or_refused
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.ports import Clients, Resources, Writer
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.protocol.profiles import Profile
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.interfaces.scim.provider import Provider
from lastday.interfaces.scim.requests import (
    SCIM_JSON,
    ClientGone,
    Request,
    accepted_type,
    headers_of,
    request_id_of,
    request_of,
)
from lastday.interfaces.scim.routes import Routes
from lastday.model.clock import Clock
from lastday.model.ids import SourceName


class ScimApplication:
    """Answers SCIM requests. Every answer, whatever happens, is SCIM and carries `X-Request-Id`."""

    def __init__(
        self,
        *,
        resources: Resources,
        writer: Writer,
        clients: Clients,
        schemas: Callable[[SourceName], SchemaSet],
        profiles: Callable[[str], Profile],
        base_url: str,
        cursors: CursorSeal,
        limits: ScimLimits,
        clock: Clock,
    ) -> None:
        """`base_url` is where clients reach `/scim/v2`, with that path; it stands in every `meta.location`."""
        self._limits = limits
        self._clients = clients
        self._routes = Routes(
            Provider(
                resources=resources,
                writer=writer,
                clients=clients,
                schemas=schemas,
                profiles=profiles,
                base_url=base_url.rstrip("/"),
                cursors=cursors,
                limits=limits,
                clock=clock,
            )
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of HTTP. Raises ValueError for anything else: who mounts this keeps the rest to itself."""
        if scope["type"] != "http":
            raise ValueError(f"{scope['type']} is not spoken here")
        headers = headers_of(scope["headers"])
        request_id = request_id_of(headers)
        media_type = accepted_type(headers)
        work = self._work(request_of(scope, headers, request_id), receive, acceptable=media_type is not None)
        try:
            done = await done_or_refused(work, request_id=request_id, limits=self._limits)
        except ClientGone:
            return
        answer = error_answer(done) if isinstance(done, ScimError) else done
        bodiless = scope["method"] == "HEAD"
        await send_answer(send, answer, media_type=media_type or SCIM_JSON, request_id=request_id, bodiless=bodiless)

    async def _work(self, request: Request, receive: Receive, *, acceptable: bool) -> Answer:
        client = await authenticate(self._clients, request.headers)
        if not acceptable:
            raise ScimError(406, "An answer is application/scim+json or application/json.")
        return await self._routes.answer(client, request, receive)
