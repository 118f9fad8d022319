"""`demo`: one command, nothing to answer, no root needed."""

import asyncio
import signal
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from lastday.interfaces.cli.context import services_of
from lastday.interfaces.cli.demo import company, place
from lastday.interfaces.cli.demo.applications import RunningApplication
from lastday.interfaces.cli.demo.directory import Directory, Installed
from lastday.interfaces.cli.demo.ledger import Ledger
from lastday.interfaces.cli.demo.processes import Interruptions, NotStarted
from lastday.interfaces.cli.demo.scim import ScimApplication
from lastday.interfaces.cli.demo.story import Ended, Story
from lastday.interfaces.cli.demo.telling import heading, near, tell
from lastday.interfaces.cli.services import Services
from lastday.interfaces.cli.showing import hint
from lastday.model.errors import ExitCode, InputError
from lastday.store import embedded

_OURS = ("LASTDAY_", "DATABASE_URL")
"""Variables that would lead the demo to a real installation."""


def add_to(app: typer.Typer) -> None:
    app.command("demo")(demo)


def demo(
    context: typer.Context,
    folder: Annotated[Path | None, typer.Option("--folder", help="Where the demo lives.  [default: demo]")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Start over: bundles of earlier runs go too.")] = False,
    stay: Annotated[bool, typer.Option("--stay", help="Keep the company running until Ctrl-C.")] = False,
) -> int:
    """Runs a small company with real applications, and somebody leaves it while you watch.

    Every run founds the company anew in its folder; bundles of earlier runs stay. Nothing else is touched, and
    nothing runs any more when it ends.
    """
    if find_spec("scim2_server") is None:
        raise InputError(
            "the demo's SCIM applications are not installed", code="D204", mend="pip install 'lastday[demo]'"
        )
    where = (folder if folder is not None else place.default_folder()).absolute()
    with Interruptions() as interruptions, place.claimed(where):
        try:
            tell(f"The demo lives in {near(where)} and touches nothing else. Ctrl-C ends it at any moment.")
            return _run(services_of(context), where, interruptions, reset=reset, stay=stay)
        except KeyboardInterrupt:
            tell(f"stopped; nothing runs any more. {near(where)} stays; the next run starts over.")
            return ExitCode.DETACHED


def _run(services: Services, folder: Path, interruptions: Interruptions, *, reset: bool, stay: bool) -> int:
    environment = _environment(services.environment, folder)
    mine = services.elsewhere(environment)
    people = company.everybody()
    with ExitStack() as stack:
        stack.callback(lambda: asyncio.run(_stop_databases(folder)))
        try:
            asyncio.run(_stop_databases(folder))
            place.clear(folder, bundles_too=reset)
            heading(f"1. Halden Instruments starts: {len(people)} people, each application in a process of its own")
            applications = _started(stack, folder, environment, interruptions, people)
            config = company.write_configuration(folder, {one.name: one.address for one in applications})
            story = Story(services=mine, config=config, folder=folder, people=people, applications=applications)
            ended = interruptions.run(story.tell())
            _say_what_next(folder, ended)
            if stay:
                _stay(applications)
        finally:
            interruptions.ignore()
    tell("Nothing runs any more.")
    return ExitCode.DONE if ended.gone and ended.holds else ExitCode.NOT_VERIFIED_IN_TIME


def _environment(given: Mapping[str, str], folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if not name.startswith(_OURS)}
    return kept | {"LASTDAY_HOME": str(folder / "home")}


def _started(
    stack: ExitStack,
    folder: Path,
    environment: Mapping[str, str],
    interruptions: Interruptions,
    people: tuple[company.Person, ...],
) -> tuple[RunningApplication, ...]:
    """Every application runs and knows its people; each is stopped with the stack."""
    here = tuple(person for person in people if person.number not in company.NEWCOMERS)
    chat = ScimApplication("chat", folder, unowned=(company.FORMER,))
    tickets = ScimApplication("tickets", folder, groups={"agents": "serves", "approvers": "has_books"})
    ledger = Ledger(folder, environment)
    for application in (chat, tickets, ledger):
        stack.callback(application.stop)
        application.start(interruptions)
        _introduced(application, here)
    ledger.open_session(next(person for person in people if person.number == company.LEAVER))
    directory = _directory(stack, folder, interruptions, here)
    return (*((directory,) if directory is not None else ()), chat, tickets, ledger)


def _introduced(application: RunningApplication, people: tuple[company.Person, ...]) -> None:
    application.seed(people)
    tell(f"{application.name:<10} {application.described}")


def _directory(
    stack: ExitStack, folder: Path, interruptions: Interruptions, people: tuple[company.Person, ...]
) -> Directory | None:
    """The directory, where OpenLDAP is installed and may run here."""
    installed = Installed.found()
    if installed is None:
        tell("directory  left out: OpenLDAP (slapd) is not installed here")
        return None
    directory = Directory(folder, installed)
    stack.callback(directory.stop)
    try:
        directory.start(interruptions)
    except NotStarted as fault:
        tell(f"directory  left out: {fault.what}")
        return None
    _introduced(directory, people)
    return directory


async def _stop_databases(folder: Path) -> None:
    for name in ("home", "ledger"):
        if (folder / name).exists():
            await embedded.stop(folder / name)


def _say_what_next(folder: Path, ended: Ended) -> None:
    heading("Look further")
    home, config = f"LASTDAY_HOME={near(folder / 'home')}", f"-c {near(folder / 'lastday.toml')}"
    tell(
        f"the certificate    {near(folder / place.BUNDLES / 'report.html')}\n"
        f"the policy         {near(folder / 'lastday.toml')}\n"
        f"the cases          {home} lastday case list --all {config}\n"
        f"the whole log      {home} lastday evidence check {config}\n"
        f"the bundle         lastday verify {near(ended.bundle.path)} --key {ended.bundle.fingerprint}\n"
        f"what they logged   {near(folder / 'logs')}\n"
        f"keep it running    lastday demo --stay\n"
        f"start over         lastday demo --reset"
    )


def _stay(applications: tuple[RunningApplication, ...]) -> None:
    heading("The company goes on; Ctrl-C ends it")
    for application in applications:
        tell(f"{application.name:<10} {application.described}")
    hint("waiting for Ctrl-C")
    with suppress(KeyboardInterrupt):
        signal.pause()
