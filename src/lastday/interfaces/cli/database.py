"""`migrate`, `stop`, `check`."""

import asyncio
from typing import Annotated

import typer

from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, JsonOption, services_of
from lastday.interfaces.cli.showing import err, hint, show, show_json
from lastday.model.errors import ExitCode
from lastday.model.finding import Severity
from lastday.policy.compiled import compile_policy
from lastday.policy.review import review_policy
from lastday.policy.trials import run_policy_tests


def add_to(app: typer.Typer) -> None:
    app.command("check")(check)
    app.command("migrate")(migrate)
    app.command("stop")(stop)


def check(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Validates the configuration and runs the policy's tests."""
    configuration = services_of(context).configuration(config)
    policy = compile_policy(configuration)
    findings = (*review_policy(policy), *run_policy_tests(policy))
    for finding in findings:
        err.print(f"{finding.severity.value}: {finding.detail} [{finding.code}]", markup=False)
        err.print(f"  --> {finding.subject}", markup=False)
    broken = [finding for finding in findings if finding.severity in (Severity.ERROR, Severity.CRITICAL)]
    if as_json:
        listed = [finding.as_json() for finding in findings]
        show_json({"schema": "lastday/check/1", "holds": not broken, "findings": list(listed)})
    if broken:
        return ExitCode.BAD_INPUT
    hint("next: lastday source list")
    if as_json:
        return ExitCode.DONE
    show(
        f"{config} holds: {len(configuration.sources)} sources, {len(configuration.applications)} applications,"
        f" {len(configuration.roles)} roles, {len(configuration.tests)} tests passed"
    )
    return ExitCode.DONE


def migrate(
    context: typer.Context,
    test: Annotated[bool, typer.Option("--test", help="A database on which LASTDAY_TEST_CLOCK counts.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,  # noqa: ARG001 - every command takes it
) -> int:
    """Brings the database to the tables this program needs."""
    done = asyncio.run(services_of(context).migrate(test_clock=test))
    if as_json:
        show_json({"schema": "lastday/migrate/1", "revisions": list(done), "test": test})
    else:
        show(f"migrated: {', '.join(done)}" if done else "the database is up to date")
    if test:
        hint("this is a test database: LASTDAY_TEST_CLOCK counts on it, and every entry says so")
    return ExitCode.DONE


def stop(
    context: typer.Context,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,  # noqa: ARG001 - every command takes it
) -> int:
    """Stops the embedded database."""
    stopped = asyncio.run(services_of(context).stop_database())
    if as_json:
        show_json({"schema": "lastday/stop/1", "stopped": stopped})
    else:
        show("the database is stopped" if stopped else "no embedded database was running")
    return ExitCode.DONE
