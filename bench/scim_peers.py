"""`python -m bench.scim_peers NAME PORT TOKEN USERS`: an application that is not ours under uvicorn as ours runs.

It ends when its standard input does.
"""

import asyncio
import os
import signal
import sys
import threading
from typing import Any

import orjson
import uvicorn
import uvloop

from bench.scim_work import user
from lastday.interfaces.asgi import Receive, Scope, Send
from lastday.interfaces.web import Application

LOOPBACK = "127.0.0.1"


def main() -> None:
    """Serves until the standard input ends."""
    name, port, token, users = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    application = bare(token, users) if name == "bare" else scim2_server(token)
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    config = uvicorn.Config(
        application, host=LOOPBACK, port=port, loop="none", http="httptools", ws="none", lifespan="off",
        log_config=None, access_log=False, proxy_headers=False, server_header=False, timeout_keep_alive=75,
    )  # fmt: skip
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


def bare(token: str, users: int) -> Application:
    """What any answer costs: the token compared, a user's bytes found in a dict and sent. Its ids are 0, 1, ..."""
    contents = {f"/Users/{number}": orjson.dumps({**user(number), "id": str(number)}) for number in range(users)}
    wanted = b"Bearer " + token.encode()

    async def application(scope: Scope, _receive: Receive, send: Send) -> None:
        known = dict(scope["headers"]).get(b"authorization") == wanted
        content = contents.get(scope["path"]) if known else None
        headers = [(b"content-type", b"application/scim+json"), (b"content-length", b"%d" % len(content or b""))]
        status = 401 if not known else 404 if content is None else 200
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content or b""})

    return application


def scim2_server(token: str) -> Any:
    """scim2-server of the python-scim project with its storage in memory, as its own test server is put together."""
    from scim2_models import ScimProvider, UnauthorizedException
    from scim2_server.applications.asgi import ASGIApplication
    from scim2_server.memory import AsyncInMemoryStorage
    from scim2_server.requests import ScimRequest
    from scim2_server.utils import (
        load_default_resource_types,
        load_default_schemas,
        load_default_service_provider_config,
    )

    class BearerToken(ASGIApplication):
        def check_auth(self, request: ScimRequest) -> None:
            if request.header("Authorization") != f"Bearer {token}":
                raise UnauthorizedException

    provider = ScimProvider.from_discovery(
        load_default_schemas().values(),
        load_default_resource_types().values(),
        config=load_default_service_provider_config(),
    )
    return BearerToken(AsyncInMemoryStorage(), provider)


def _end_with_the_pipe() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
