"""`app`: the governed applications: what they are, what a reading shows, whether they can be reached."""

from typing import Annotated

import typer

from lastday.configuration.settings import ApplicationSettings, Configuration
from lastday.connectors.sdk.manifest import Manifest
from lastday.connectors.sdk.protocols import Connection
from lastday.connectors.sdk.reading import read_whole
from lastday.execution.engine import Engine
from lastday.execution.inventorying import read_application
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint, show, show_json, show_table
from lastday.model.account import ApplicationSnapshot
from lastday.model.canonical import JsonValue
from lastday.model.errors import ExitCode, InputError
from lastday.model.ids import ApplicationName
from lastday.store import accounts

application = typer.Typer(help="The governed applications.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The [app.NAME] of the configuration.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(application, name="app")


@application.command("list")
def list_applications(
    context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> int:
    """The configured applications, and what each last whole reading showed."""

    async def work(session: Session) -> list[dict[str, JsonValue]]:
        return [await _listed(session.engine, name) for name in session.engine.applications.names]

    found = with_session(context, config, work)
    if as_json:
        show_json({"schema": "lastday/apps/1", "apps": list(found)})
    else:
        columns = ("app", "connector", "mode", "owner", "accounts", "read_at")
        show_table(columns, [tuple(_cell(one[name]) for name in columns) for one in found])
    hint("next: lastday app test NAME")
    return ExitCode.DONE


async def _listed(engine: Engine, name: ApplicationName) -> dict[str, JsonValue]:
    settings = engine.applications.settings[name]
    async with engine.database.transaction() as tx:
        last = await accounts.last_snapshot(tx, name)
    return {
        "app": name,
        "connector": settings.connector,
        "mode": settings.mode.value,
        "owner": settings.owner,
        "accounts": last.accounts if last is not None else None,
        "read_at": last.taken_at.isoformat(timespec="seconds") if last is not None else None,
    }


def _cell(value: JsonValue) -> str:
    return "" if value is None else str(value)


@application.command("read")
def read(
    context: typer.Context, name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> int:
    """Reads an application whole into the inventory: whose is what, what belongs to nobody. Changes nothing there."""

    async def work(session: Session) -> dict[str, JsonValue]:
        found = await read_application(session.engine, _known(session.engine.configuration, name))
        return {
            "schema": "lastday/app-read/1",
            "app": name,
            "accounts": found.accounts,
            "on": found.on,
            "matched": found.matched,
            "ambiguous": found.ambiguous,
            "uncorrelated": found.uncorrelated,
            "protected": found.protected,
            "findings": [finding.as_json() for finding in found.findings],
        }

    report = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        counts = ("accounts", "on", "matched", "ambiguous", "uncorrelated", "protected")
        show(f"{name}: " + ", ".join(f"{report[count]} {count}" for count in counts))
    hint("next: lastday orphans")
    return ExitCode.DONE


@application.command("test")
def try_out(
    context: typer.Context, name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> int:
    """Connects, reads and counts, without writing; says what each verb really does there, and what survives it."""

    async def work(session: Session) -> dict[str, JsonValue]:
        engine = session.engine
        wanted = _known(engine.configuration, name)
        opened = await engine.applications.open(wanted)
        connection = await opened.connector.check_connection()
        snapshot = await read_whole(opened.connector, wanted, engine.clock)
        return _tested(opened.settings, opened.manifest, connection, snapshot)

    report = with_session(context, config, work)
    if as_json:
        show_json(report)
    else:
        _show_tested(report)
    hint(f"next: lastday app read {name}")
    return ExitCode.DONE


def _known(configuration: Configuration, name: str) -> ApplicationName:
    if name not in configuration.applications:
        known = ", ".join(sorted(configuration.applications)) or "none"
        raise InputError(f"there is no application {name}", code="I116", mend=f"Configured are: {known}.")
    return ApplicationName(name)


def _tested(
    settings: ApplicationSettings, manifest: Manifest, connection: Connection, snapshot: ApplicationSnapshot
) -> dict[str, JsonValue]:
    return {
        "schema": "lastday/app-test/1",
        "app": settings.name,
        "connector": manifest.id,
        "server": connection.server,
        "principal": connection.principal,
        "warnings": list(connection.warnings),
        "accounts": len(snapshot.accounts),
        "on": sum(1 for account in snapshot.accounts if account.enabled),
        "entitlements": len(snapshot.entitlements),
        "capabilities": sorted(capability.value for capability in manifest.capabilities),
        "verbs": dict(sorted(manifest.verbs.items())),
        "destroys": sorted(manifest.destroys),
        "losses": {verb: list(lost) for verb, lost in sorted(manifest.losses.items())},
        "hand_over_first": list(manifest.hand_over_first),
        "survives": list(manifest.survives),
        "least_privilege": list(manifest.least_privilege),
    }


def _show_tested(report: dict[str, JsonValue]) -> None:
    show(f"{report['app']}: reached {report['server']} as {report['principal'] or 'nobody in particular'}")
    show(f"  {report['accounts']} accounts, {report['on']} of them on, {report['entitlements']} entitlements")
    verbs = report["verbs"]
    for verb, what in verbs.items() if isinstance(verbs, dict) else ():
        show(f"  {verb:<14} {what}")
    for title in ("capabilities", "warnings", "destroys", "hand_over_first", "survives", "least_privilege"):
        listed = report[title]
        for line in listed if isinstance(listed, list) else ():
            show(f"  {title.replace('_', ' ')}: {line}")
