"""The composition root: the only place that wires rooms together. Everything outside comes in here as a port."""

import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lastday import __version__
from lastday.configuration.connector_keys import ConnectorKey, ConnectorKeys, KeyType
from lastday.configuration.load import load_configuration
from lastday.configuration.secrets import resolve_secret
from lastday.configuration.settings import Configuration, SecretReference
from lastday.connectors.sdk.catalogue import ConnectorKind, catalogue
from lastday.connectors.sdk.http import limit_name
from lastday.connectors.sdk.manifest import Manifest
from lastday.connectors.sdk.ports import ConnectorSettings, Ports, Secret
from lastday.evidence.checkpoints import FileCopies, origin_of
from lastday.evidence.entries import Stamp
from lastday.evidence.keys import KeyRing, keys_directory
from lastday.evidence.sequencer import Sequencer
from lastday.evidence.spool import Spool
from lastday.execution.applications import Applications
from lastday.execution.engine import Boundary, Engine
from lastday.execution.exchanges import ExchangeLog
from lastday.execution.liveness import Liveness
from lastday.execution.spooled import take_in_spooled
from lastday.interfaces.cli.main import run
from lastday.model.clock import Clock
from lastday.model.errors import ConfigurationError, CredentialsRejected, DatabaseUnusable, InputError
from lastday.model.ids import ApplicationName
from lastday.policy.compiled import compile_policy
from lastday.store import embedded, schema
from lastday.store.budgets import Rate, SharedBudget
from lastday.store.database import Database
from lastday.store.escrow import SealedEscrow
from lastday.store.ids import new_id
from lastday.store.jobs import JobQueue
from lastday.store.key_file import load_or_make_key

if TYPE_CHECKING:
    from lastday.interfaces.serving import OpenedWeb

TEST_CLOCK = "LASTDAY_TEST_CLOCK"
DATABASE_URL = "DATABASE_URL"
POOL = 24
CURSOR_KEY = "cursor.key"
TOOL = f"lastday {__version__}"


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the port's one source


class TestClock:
    """Starts at an instant and ticks on: for databases made with `migrate --test` only."""

    __test__ = False

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._begun = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._begun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """An opened installation."""

    engine: Engine
    sequencer: Sequencer
    home: Path
    test_clock: bool


def _nothing(_boundary: Boundary, _subject: str) -> None:
    """Only tests put something at a boundary."""


class Composition:
    """Makes what the faces ask for, from the environment and a configuration file."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.clock: Clock = SystemClock()
        self.kinds: Mapping[str, ConnectorKind] = catalogue()
        self.reached: Callable[[Boundary, str], None] = _nothing
        self.liveness = Liveness()

    @property
    def home(self) -> Path:
        return embedded.default_home(self.environment)

    def configuration(self, path: Path) -> Configuration:
        """The configuration in `path`, checked. Raises ConfigurationProblems."""
        return load_configuration(path, {name: _keys(kind) for name, kind in self.kinds.items()})

    def elsewhere(self, environment: Mapping[str, str]) -> "Composition":
        """The same program with another environment: another home, another database."""
        return Composition(environment)

    def spool(self) -> Spool:
        """Where an urgent order is kept while the database is away."""
        return Spool(self.home / "spool")

    def stamp(self, configuration: Configuration) -> Stamp:
        """What entries say that were written without a database: the real clock, this program, this policy."""
        return Stamp(tool=TOOL, policy=configuration.policy_digest, test_clock=False)

    def keys_directory(self) -> Path:
        """Where the keys are that sign the evidence."""
        return keys_directory(self.home, self.environment)

    async def migrate(self, *, test_clock: bool) -> tuple[str, ...]:
        """The database has every table; the revisions that were missing."""
        return await schema.migrate(await self._database_url(), test_clock=test_clock)

    async def stop_database(self) -> bool:
        """The embedded database is stopped; False where there was none to stop."""
        return DATABASE_URL not in self.environment and await embedded.stop(self.home)

    @asynccontextmanager
    async def open(self, path: Path) -> AsyncIterator[Session]:
        """The installation that `path` configures. Everything is closed again afterwards."""
        configuration = self.configuration(path)
        url = await self._ready_database()
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(await Database.open(url, max_size=POOL))
            jobs = await stack.enter_async_context(await JobQueue.open(url, beat_s=self.liveness.beat_s))
            async with database.transaction() as tx:
                installation = await schema.read_installation(tx)
            clock = self._clock(test_database=installation.test_clock)
            applications = self._applications(configuration, database, clock)
            stack.push_async_callback(applications.close)
            engine = Engine(
                database=database,
                jobs=jobs,
                configuration=configuration,
                policy=compile_policy(configuration),
                applications=applications,
                clock=clock,
                stamp=Stamp(
                    tool=TOOL,
                    policy=configuration.policy_digest,
                    test_clock=isinstance(clock, TestClock),
                ),
                worker=new_id("w"),
                reached=self.reached,
                keep_database=self._keep_database,
                liveness=self.liveness,
            )
            await take_in_spooled(engine, self.spool())
            sequencer = self._sequencer(database, origin_of(installation.instance_id))
            yield Session(engine=engine, sequencer=sequencer, home=self.home, test_clock=isinstance(clock, TestClock))

    @asynccontextmanager
    async def web(self, engine: Engine) -> AsyncIterator["OpenedWeb | None"]:
        """The faces over HTTP, listening; None where [server] is absent. Raises InputError where they cannot."""
        settings = engine.configuration.server
        if settings is None:
            yield None
            return
        from lastday.interfaces.serving import opened_web  # here, as it is slow to import and other commands need none

        key = load_or_make_key(self.keys_directory() / CURSOR_KEY)
        async with opened_web(engine, settings, key) as web:
            yield web

    async def _database_url(self) -> str:
        given = self.environment.get(DATABASE_URL)
        return given or await embedded.ensure_running(self.home, self.environment)

    async def _keep_database(self) -> None:
        """For ever: our own server is started again when it died. One of somebody else is left to them."""
        if DATABASE_URL not in self.environment:
            await embedded.keep_running(self.home, self.environment)

    async def _ready_database(self) -> str:
        """The embedded database is migrated by itself; another one only by `lastday migrate`."""
        url = await self._database_url()
        missing = await schema.pending(url)
        if missing and DATABASE_URL in self.environment:
            raise DatabaseUnusable(
                f"the database lacks the revisions {', '.join(missing)}",
                effect="Nothing was done.",
                mend="Run `lastday migrate`.",
                code="T102",
            )
        if missing:
            await schema.migrate(url)
        return url

    def _clock(self, *, test_database: bool) -> Clock:
        wanted = self.environment.get(TEST_CLOCK)
        if wanted is None or not test_database:
            return SystemClock()
        return TestClock(_instant(wanted))

    def _applications(self, configuration: Configuration, database: Database, clock: Clock) -> Applications:
        rates = {
            limited: rate
            for name, settings in configuration.applications.items()
            for limited, rate in _rates(name, self.kinds[settings.connector].manifest_of(settings.connection))
        }
        ports = Ports(
            clock=clock,
            budget=SharedBudget(database, rates),
            log=ExchangeLog(),
            escrow=SealedEscrow(database, self.home),
        )

        def connect(name: ApplicationName) -> ConnectorSettings:
            values = configuration.applications[name].connection
            return ConnectorSettings(
                application=name, values={key: self._revealed(name, value) for key, value in values.items()}
            )

        return Applications(settings=configuration.applications, connect=connect, kinds=self.kinds, ports=ports)

    def _revealed(self, name: ApplicationName, value: object) -> object:
        if not isinstance(value, SecretReference):
            return value
        try:
            return Secret(resolve_secret(value, self.environment))
        except ConfigurationError as err:
            raise CredentialsRejected(
                f"the credential of {name} cannot be had: {err.what}", effect="It is not opened.", mend=err.mend
            ) from err

    def _sequencer(self, database: Database, origin: str) -> Sequencer:
        keys = KeyRing(keys_directory(self.home, self.environment))
        copies = (FileCopies.of(self.home / "checkpoints", origin),)
        return Sequencer(database=database, keys=keys, origin=origin, copies=copies)


def _rates(name: ApplicationName, manifest: Manifest) -> Iterator[tuple[ApplicationName, Rate]]:
    """The application's own rate, and those of its limits."""
    yield name, Rate(per_second=manifest.requests_per_s, burst=max(manifest.requests_per_s, 1.0))
    for limit in manifest.limits:
        yield limit_name(name, limit.name), Rate(per_second=limit.per_second, burst=limit.burst)


def _keys(kind: ConnectorKind) -> ConnectorKeys:
    fields = {
        name: ConnectorKey(type=KeyType(field.type), required=field.required)
        for name, field in kind.manifest.config.items()
    }
    return ConnectorKeys(
        fields=fields,
        capabilities=frozenset(c.value for c in kind.manifest.capabilities),
        refuse_unfit=kind.manifest_of,
    )


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as err:
        raise InputError(f"{TEST_CLOCK}={text!r} is no instant", mend="Write it as 2026-11-24T06:00:00Z.") from err
    if instant.tzinfo is None:
        raise InputError(f"{TEST_CLOCK}={text!r} has no zone", mend="Write it as 2026-11-24T06:00:00Z.")
    return instant.astimezone(UTC)


def calm_collector() -> None:
    """What is loaded now is never looked through for garbage again, and what is young less often.

    A worker makes many short-lived objects over a large heap of modules: the collector's default costs it a fifth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def main() -> None:
    """The entry point of the command `lastday`; ends the process with the exit code."""
    logging.basicConfig(
        level=os.environ.get("LASTDAY_LOG", "ERROR").upper(), format="%(levelname)s %(name)s %(message)s"
    )
    calm_collector()
    run(Composition(dict(os.environ)))
