"""`doctor`: whether everything that Lastday stands on is as it should be."""

import asyncio
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import typer

from lastday.evidence.checkpoints import FileCopies
from lastday.evidence.keys import public_keys
from lastday.evidence.log_check import verify_log
from lastday.execution.engine import Engine
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, services_of
from lastday.interfaces.cli.services import Services, Session
from lastday.interfaces.cli.showing import hint, show, show_json
from lastday.model.canonical import JsonValue
from lastday.model.errors import ConnectorError, EvidenceError, ExitCode, LastdayError
from lastday.model.ids import ApplicationName
from lastday.store.health import server_health

CLOCKS_AGREE = timedelta(seconds=5)
FREE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    what: str
    fine: bool
    detail: str
    mend: str = ""

    def as_json(self) -> dict[str, JsonValue]:
        return {"what": self.what, "fine": self.fine, "detail": self.detail, "mend": self.mend}


def add_to(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Looks at database, clock, keys, disk, sources, applications and evidence; ends with 5 where one is not right."""
    services = services_of(context)
    configuration = services.configuration(config)
    checks = [Check("configuration", fine=True, detail=f"{config} holds")]
    sources = sorted(configuration.sources.items())
    checks += [_source(name, settings.path) for name, settings in sources if settings.path is not None]
    checks += asyncio.run(_opened(services, config))
    checks += [*_keys(services.keys_directory()), _disk(services.home)]
    if as_json:
        show_json({"schema": "lastday/doctor/1", "checks": [check.as_json() for check in checks]})
    else:
        for check in checks:
            show(f"{'ok  ' if check.fine else 'BAD '} {check.what:<24} {check.detail}")
    wrong = [check for check in checks if not check.fine]
    for check in wrong:
        hint(f"{check.what}: {check.mend}")
    hint(f"{len(wrong)} of {len(checks)} are not right" if wrong else "next: lastday plan")
    return ExitCode.REFUSED_OR_UNREACHABLE if wrong else ExitCode.DONE


def _source(name: str, path: Path) -> Check:
    try:
        with path.open("rb") as file:
            found = bool(file.read(1))
    except OSError as err:
        return Check(f"source {name}", fine=False, detail=f"{path}: {err.strerror}", mend="Put the file there.")
    detail = str(path) if found else f"{path} is empty"
    return Check(f"source {name}", fine=found, detail=detail, mend="" if found else "Let it be delivered whole.")


async def _opened(services: Services, config: Path) -> list[Check]:
    """Everything that needs the database; where that is away, only that is told."""
    try:
        async with services.open(config) as session:
            return [
                *await _database(services, session.engine),
                *await asyncio.gather(*(_application(session.engine, n) for n in session.engine.applications.names)),
                await _evidence(session),
            ]
    except LastdayError as fault:
        return [_failed("database", fault)]


def _failed(what: str, fault: LastdayError) -> Check:
    return Check(what, fine=False, detail=f"{fault.what} [{fault.code}]", mend=fault.mend or "See the message.")


async def _database(services: Services, engine: Engine) -> list[Check]:
    async with engine.database.transaction() as tx:
        before = services.clock.now()
        health = await server_health(tx)
    apart = abs(health.at - before)
    used = f"{health.bytes_used >> 20} MiB"
    return [
        Check(
            "database",
            fine=True,
            detail=f"PostgreSQL {health.version}, {used}, {health.unfinished} operations under way",
        ),
        Check(
            "clock",
            fine=apart <= CLOCKS_AGREE,
            detail=f"{apart.total_seconds():.1f} s apart from the database's",
            mend="Let both hosts keep time by NTP.",
        ),
    ]


async def _application(engine: Engine, name: ApplicationName) -> Check:
    try:
        opened = await engine.applications.open(name)
        connection = await opened.connector.check_connection()
    except ConnectorError as fault:
        return _failed(f"app {name}", fault)
    warnings = "; ".join(connection.warnings)
    return Check(
        f"app {name}",
        fine=not warnings,
        detail=f"{connection.server} as {connection.principal or 'nobody'}{f': {warnings}' if warnings else ''}",
        mend=f"`lastday app test {name}` says what it needs." if warnings else "",
    )


async def _evidence(session: Session) -> Check:
    copies = [copy for kept in session.sequencer.copies if isinstance(kept, FileCopies) for copy in kept.all()]
    try:
        async with session.engine.database.transaction() as tx:
            keys = await public_keys(tx, session.sequencer.keys)
            verdict = await verify_log(tx, keys, copies)
    except EvidenceError as fault:
        return _failed("evidence", fault)
    first = f": {verdict.problems[0]}" if verdict.problems else ""
    return Check(
        "evidence",
        fine=verdict.holds,
        detail=f"{verdict.entries} entries, {verdict.waiting} to be numbered{first}",
        mend="`lastday evidence check` lists every place." if first else "",
    )


def _keys(directory: Path) -> Iterator[Check]:
    """Nobody but their owner reads the keys."""
    if not directory.is_dir():
        yield Check("keys", fine=False, detail=f"{directory} is not there", mend="It is made with the first entry.")
        return
    mend = f"chmod 700 {directory}; chmod 600 {directory}/*"
    for path in (directory, *sorted(path for path in directory.iterdir() if path.is_file())):
        mode = stat.S_IMODE(path.stat().st_mode)
        fine = not mode & 0o077
        yield Check(f"keys {path.name}", fine=fine, detail=f"mode {mode:04o}", mend="" if fine else mend)


def _disk(home: Path, usage: Callable[[Path], object] = shutil.disk_usage) -> Check:
    free = int(getattr(usage(home if home.exists() else Path("/")), "free", 0))
    return Check("disk", fine=free >= FREE_BYTES, detail=f"{free >> 20} MiB free at {home}", mend="Make room.")
