"""The servers that are compared, each running, seeded and with its processes known."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.scim_load import children_of
from bench.scim_work import Place, Work, seed
from lastday.store import embedded, schema
from tests.servers.foreign import DjangoScim, ForeignServer, Scimmy
from tests.servers.lastday_server import LastdayServer

OURS = "lastday"
BARE = "bare ASGI"
SERVER = "server"
DATABASE = "database"
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """A server that holds the users."""

    name: str
    place: Place
    watched: Callable[[], Mapping[str, Sequence[int]]]
    """Its processes now, those of its database apart."""
    works: Sequence[Work] = tuple(Work)
    another: Callable[[], LastdayServer] | None = None
    """A second process at the same data, to be started, which has nothing at hand yet."""


class _UnderUvicorn(ForeignServer):
    def __init__(self, name: str, prefix: str, users: int) -> None:
        super().__init__()
        self._asked = (name, str(self.port), self.token, str(users))
        self._prefix = prefix

    @property
    def command(self) -> Sequence[str]:
        return (sys.executable, "-m", "bench.scim_peers", *self._asked)

    @property
    def place(self) -> Path:
        return _ROOT

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self._prefix}"


@contextmanager
def running(name: str, users: int) -> Iterator[Contestant]:
    """The server with the users in it; gone afterwards. Raises ServerMissing, RuntimeError."""
    with ExitStack() as stack:
        yield _ours(stack, users) if name == OURS else _foreign(stack, name, users)


def _foreign(stack: ExitStack, name: str, users: int) -> Contestant:
    server = stack.enter_context(FOREIGN[name](users))
    place = Place(url=server.url, token=server.token)
    if name == BARE:
        place.ids = [str(number) for number in range(users)]
    else:
        seed(place, users)
    works = (Work.GET,) if name == BARE else tuple(Work)
    return Contestant(name=name, place=place, works=works, watched=lambda: {SERVER: children_of(server.pid)})


def _ours(stack: ExitStack, users: int) -> Contestant:
    """The real command on a PostgreSQL that waits for its disk: what is answered is durable and in evidence."""
    home = Path(tempfile.mkdtemp(prefix="ld-", dir="/tmp"))
    home.chmod(0o711)
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    database = asyncio.run(embedded.ensure_running(home, {}))
    stack.callback(lambda: asyncio.run(embedded.stop(home)))
    asyncio.run(schema.migrate(database, test_clock=True))
    server = stack.enter_context(LastdayServer(database))
    place = Place(url=server.url, token=server.token())
    seed(place, users)

    def watched() -> Mapping[str, Sequence[int]]:
        postmaster = int((home / "pg/postmaster.pid").read_text().split("\n", 1)[0])
        return {SERVER: [server.pid], DATABASE: children_of(postmaster)}

    return Contestant(name=OURS, place=place, watched=watched, another=server.beside)


FOREIGN: dict[str, Callable[[int], ForeignServer]] = {
    BARE: lambda users: _UnderUvicorn("bare", "", users),
    "scim2-server": lambda users: _UnderUvicorn("scim2-server", "/v2", users),
    "django-scim2": lambda _users: DjangoScim(),
    "scimmy-routers": lambda _users: Scimmy(),
}
NAMES = (OURS, *FOREIGN)
