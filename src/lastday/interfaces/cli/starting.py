"""`init`: how an installation begins."""

import sys
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from lastday.connectors.sdk.delimited import read_delimited
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption
from lastday.interfaces.cli.first_file import first_configuration
from lastday.interfaces.cli.showing import hint, show
from lastday.model.errors import ExitCode, FeedError, InputError


def add_to(app: typer.Typer) -> None:
    app.command("init")(init)


def init(
    company: Annotated[str | None, typer.Option("--company", help="The company's name.")] = None,
    people: Annotated[Path | None, typer.Option("--people", help="The file that HR delivers.")] = None,
    time_zone: Annotated[str | None, typer.Option("--time-zone", help="Where HR gives no zone: Europe/Berlin.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Who decides first: a short name.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Writes a first configuration from four answers. Never over one that is there."""
    if config.exists():
        raise InputError(
            f"{config} is there already", code="I130", effect="Nothing was written.", mend="Name another with -c."
        )
    name = _answer(company, "--company", "Name of the company")
    feed = Path(_answer(str(people) if people else None, "--people", "File that HR delivers"))
    zone = _zone(_answer(time_zone, "--time-zone", "Time zone of the company"))
    decider = plain_name(_answer(user, "--user", "Who decides first (a short name)"))
    _write(config, first_configuration(name, feed, _columns(feed), zone, decider, beside=config.parent))
    show(f"{config} is written")
    hint(f"next: lastday token new {decider}, then lastday check")
    return ExitCode.DONE


def _answer(given: str | None, option: str, question: str) -> str:
    """What was given, or what is typed in. Raises InputError where nobody can be asked."""
    if given is None and not sys.stdin.isatty():
        raise InputError(f"{option} is missing, and nobody can be asked", code="I131", mend=f"Give {option}.")
    answer = given if given is not None else str(typer.prompt(question, err=True))
    if not answer.strip() or not answer.isprintable():
        raise InputError(f"{option} {answer!r} is no name", code="I131", mend="Write it without control characters.")
    return answer.strip()


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as err:
        raise InputError(f"there is no time zone {text!r}", code="I132", mend="For example Europe/Berlin.") from err


def plain_name(text: str) -> str:
    """The short name of a [user.NAME]. Raises InputError where it is none."""
    if not (text.isascii() and text.replace("-", "").isalnum() and text[0].isalpha()):
        raise InputError(f"{text!r} is no short name", code="I133", mend="Letters, digits and hyphens: dana.")
    return text.lower()


def _columns(feed: Path) -> tuple[str, ...]:
    """The headings of the file. Raises InputError where it cannot be read."""
    try:
        return read_delimited(feed.read_bytes(), name=feed.name).columns
    except OSError as err:
        raise InputError(f"the file cannot be read: {err.strerror}", code="I134", where=str(feed)) from err
    except FeedError as err:
        raise InputError(f"the file is no table: {err.what}", code="I134", where=str(feed), mend=err.mend) from err


def _write(config: Path, text: str) -> None:
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as err:
        raise InputError(f"it cannot be written: {err.strerror}", code="I135", where=str(config)) from err
