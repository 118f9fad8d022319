"""One server for each test process, as `lastday serve` runs it, and one client for each profile."""

from collections.abc import Callable, Iterator

import pytest

from tests.conformance.asking import Asking
from tests.servers.lastday_server import LastdayServer


@pytest.fixture(scope="session")
def server() -> Iterator[LastdayServer]:
    with LastdayServer() as running:
        yield running


@pytest.fixture(scope="session")
def client_of(server: LastdayServer) -> Iterator[Callable[[str], Asking]]:
    """A client with a token of this profile."""
    made: dict[str, Asking] = {}

    def client(profile: str) -> Asking:
        if profile not in made:
            made[profile] = Asking(url=server.url, token=server.token(profile))
        return made[profile]

    yield client
    for asking in made.values():
        asking.close()


@pytest.fixture
def strict(client_of: Callable[[str], Asking]) -> Asking:
    return client_of("strict")


@pytest.fixture
def entra(client_of: Callable[[str], Asking]) -> Asking:
    return client_of("entra")


@pytest.fixture
def okta(client_of: Callable[[str], Asking]) -> Asking:
    return client_of("okta")


@pytest.fixture(scope="session")
def anonymous(server: LastdayServer) -> Iterator[Asking]:
    asking = Asking(url=server.url, token=None)
    yield asking
    asking.close()
