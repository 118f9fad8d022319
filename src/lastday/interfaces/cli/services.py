"""What the command line is handed by the composition root."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from lastday.configuration.settings import Configuration
from lastday.evidence.entries import Stamp
from lastday.evidence.sequencer import Sequencer
from lastday.evidence.spool import Spool
from lastday.execution.engine import Engine
from lastday.model.clock import Clock


class Session(Protocol):
    """An opened installation: the engine of execution and the sequencer of its evidence."""

    @property
    def engine(self) -> Engine: ...
    @property
    def sequencer(self) -> Sequencer: ...
    @property
    def home(self) -> Path: ...
    @property
    def test_clock(self) -> bool:
        """The clock is that of `LASTDAY_TEST_CLOCK`; said on every screen."""
        ...


class Web(Protocol):
    """The faces over HTTP, with their sockets open already."""

    @property
    def address(self) -> str:
        """Where clients reach the SCIM service provider."""
        ...

    async def serve(self, stop: asyncio.Event) -> None:
        """Returns when `stop` is set and what was begun is answered."""
        ...


class Services(Protocol):
    """Everything that a command may need, made when it is asked for."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The process environment."""
        ...

    @property
    def home(self) -> Path:
        """Where everything of this installation is kept."""
        ...

    @property
    def clock(self) -> Clock:
        """The real clock: for commands that need no database."""
        ...

    def configuration(self, path: Path) -> Configuration:
        """The configuration in `path`, checked. Raises ConfigurationProblems."""
        ...

    def open(self, path: Path) -> AbstractAsyncContextManager[Session]:
        """The installation that `path` configures: database running, migrated, pool open, connectors ready to open."""
        ...

    def web(self, engine: Engine) -> AbstractAsyncContextManager[Web | None]:
        """What answers over HTTP; None where the configuration has no [server]. Raises InputError where it cannot."""
        ...

    def spool(self) -> Spool:
        """Where an urgent order is kept while the database is away."""
        ...

    def stamp(self, configuration: Configuration) -> Stamp:
        """What entries say that were written without a database."""
        ...

    def keys_directory(self) -> Path:
        """Where the keys are that sign the evidence."""
        ...

    def elsewhere(self, environment: Mapping[str, str]) -> "Services":
        """The same program with another environment: another home, another database."""
        ...

    async def migrate(self, *, test_clock: bool) -> tuple[str, ...]:
        """The database has every table; the revisions that were missing."""
        ...

    async def stop_database(self) -> bool:
        """The embedded database is stopped; False where there was none."""
        ...
