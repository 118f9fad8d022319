"""The faces over HTTP put together: the SCIM service provider, and whether this process lives and is ready."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lastday.configuration.settings import ServerSettings
from lastday.execution.engine import Engine
from lastday.execution.pushing import PushWriter
from lastday.interfaces.scim.application import ScimApplication
from lastday.interfaces.scim.cache import CachedResources
from lastday.interfaces.scim.clients import TokenClients
from lastday.interfaces.scim.cursors import CursorSeal
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.profiles import load_profile
from lastday.interfaces.scim.quick_reads import QuickReads
from lastday.interfaces.scim.renewed import Renewed
from lastday.interfaces.scim.requests import MOUNTED_AT
from lastday.interfaces.scim.source_schemas import schemas_of
from lastday.interfaces.scim.views import EVERYTHING, Shows, Views
from lastday.interfaces.web import (
    Application,
    AtHand,
    Encryption,
    Faces,
    HttpServer,
    encryption_context,
    listening_socket,
    status_face,
)
from lastday.model.errors import StoreError
from lastday.model.ids import SourceName
from lastday.model.scim import ResourceType
from lastday.store.database import Database
from lastday.store.revisions import CURRENT, missing_from

logger = logging.getLogger(__name__)

_READY_S = 2.0
_CONNECTIONS = 12
"""Of the faces' own, so that no client waits behind a worker that is busy."""
_PATIENCE_S = 5.0
"""A client that waits longer for a connection than this is told that the database is away."""
_SEALS_CURSORS = b"lastday scim cursors"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedWeb:
    """The faces over HTTP, with their socket open already."""

    server: HttpServer
    address: str
    """Where clients reach the SCIM service provider."""

    async def serve(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set and what was begun is answered."""
        await self.server.serve(stop)


@asynccontextmanager
async def opened_web(engine: Engine, settings: ServerSettings, key: bytes) -> AsyncIterator[OpenedWeb]:
    """The faces of this process; afterwards every write is answered and nothing runs any more.

    `key` is the secret that all processes of an installation share. Raises InputError where the address cannot be had,
    and ConfigurationError for a certificate that cannot be used.
    """
    encryption = None
    if settings.certificate is not None and settings.private_key is not None:
        encryption = encryption_context(Encryption(certificate=settings.certificate, private_key=settings.private_key))
    with listening_socket(settings.host, settings.port) as listening:
        address = (settings.url or _as_it_listens(listening, encrypted=encryption is not None)) + MOUNTED_AT
        connections = Database.open(engine.database.url, max_size=_CONNECTIONS, patience_s=_PATIENCE_S)
        async with await connections as database, _service_provider(engine, database, address, key) as (scim, at_hand):
            ready = Renewed(partial(_is_ready, database))
            faces = Faces({MOUNTED_AT: scim, "/healthz": status_face(_lives), "/readyz": status_face(ready.get)})
            yield OpenedWeb(server=HttpServer(faces, listening, encryption, at_hand), address=address)


@asynccontextmanager
async def _service_provider(
    engine: Engine, database: Database, address: str, key: bytes
) -> AsyncIterator[tuple[Application, AtHand]]:
    pushed = (source for source in engine.configuration.sources.values() if source.is_pushed)
    schemas = {source.name: schemas_of(source) for source in pushed}

    def case_exact(source: SourceName, kind: ResourceType) -> frozenset[str]:
        return schemas[source].kind(kind).case_exact_paths

    def shows(source: SourceName, kind: ResourceType) -> Shows:
        return views.shows(EVERYTHING, schemas[source].kind(kind))

    views = Views()
    resources = CachedResources(database, address, case_exact)
    clients = TokenClients(database, engine.clock, schemas)
    writer = PushWriter(database, engine.clock, engine.stamp, committed=resources.committed)
    application = ScimApplication(
        resources=resources,
        writer=writer,
        clients=clients,
        schemas=schemas.__getitem__,
        profiles=load_profile,
        base_url=address,
        cursors=CursorSeal(HKDF(SHA256(), 32, salt=None, info=_SEALS_CURSORS).derive(key)),
        limits=ScimLimits(),
        clock=engine.clock,
    )
    async with _running([resources.listen, clients.listen, clients.note_use]):
        try:
            yield application, QuickReads(resources, clients, shows).at_hand
        finally:
            await writer.close()
            await clients.write_down_use()


@asynccontextmanager
async def _running(parts: Sequence[Callable[[], Coroutine[object, object, NoReturn]]]) -> AsyncIterator[None]:
    """The parts run meanwhile."""
    tasks = [asyncio.create_task(part()) for part in parts]
    for task in tasks:
        task.add_done_callback(_tell_of_fault)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_of_fault(task: "asyncio.Task[NoReturn]") -> None:
    """Without the part everything is right, only slower: what is kept is asked for after a second at the latest."""
    if not task.cancelled() and (fault := task.exception()) is not None:
        logger.error("a part of the server ended", exc_info=fault)


def _as_it_listens(listening: socket.socket, *, encrypted: bool) -> str:
    host, port = listening.getsockname()[:2]
    named = f"[{host}]" if ":" in host else host
    return f"{'https' if encrypted else 'http'}://{named}:{port}"


async def _lives() -> bool:
    return True


async def _is_ready(database: Database) -> bool:
    """The database answers and has every table."""
    with contextlib.suppress(StoreError, TimeoutError):
        async with asyncio.timeout(_READY_S), database.at_once() as tx:
            found = await tx.fetch_one(CURRENT)
            return found is not None and not missing_from(found["version_num"])
    return False
