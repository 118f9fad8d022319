"""What commands share: the option for the configuration file, and running a coroutine with an opened installation."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar

import typer

from lastday.configuration.settings import UserSettings
from lastday.execution.decisions import authenticate
from lastday.interfaces.cli.services import Services, Session
from lastday.interfaces.cli.showing import hint
from lastday.model.errors import InputError

ResultT = TypeVar("ResultT")

ConfigOption: TypeAlias = Annotated[
    Path, typer.Option("-c", "--config", help="The configuration file.", show_default=True)
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]
UserOption: TypeAlias = Annotated[str, typer.Option("--user", help="Who decides: a [user.NAME] of the configuration.")]
DEFAULT_CONFIG = Path("lastday.toml")
TOKEN = "LASTDAY_TOKEN"  # noqa: S105 - the name of a variable, not a token


def services_of(context: typer.Context) -> Services:
    """The services that the composition root handed to the command line."""
    services: Services = context.obj
    return services


def with_session(
    context: typer.Context,
    config: Path,
    work: Callable[[Session], Awaitable[ResultT]],
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> ResultT:
    """What `work` returns with the installation of `config` opened for it."""

    async def opened() -> ResultT:
        async with services_of(context).open(config) as session:
            if session.test_clock:
                hint(f"TEST CLOCK: it is {session.engine.clock.now().isoformat(timespec='seconds')}")
            return await work(session)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(opened())


def deciding_user(context: typer.Context, config: Path, name: str) -> UserSettings:
    """The user called `name`, proven by their token in LASTDAY_TOKEN or typed in. Needs no database."""
    services = services_of(context)
    configuration = services.configuration(config)
    token = services.environment.get(TOKEN) or _typed_token(name)
    user = authenticate(configuration, services.environment, name=name, token=token)
    hint(f"decided by {name}, asserted at the shell")
    return user


def _typed_token(name: str) -> str:
    if not sys.stdin.isatty():
        raise InputError(
            f"there is no token for {name}",
            code="D114",
            effect="Nothing was decided.",
            mend=f"Set {TOKEN}, or run it at a terminal and type it.",
        )
    token: str = typer.prompt(f"token of {name}", hide_input=True, err=True)
    return token
