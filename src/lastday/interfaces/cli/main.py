"""The command `lastday`: its commands, and how each ending becomes an exit code."""

import sys
from collections.abc import Sequence
from typing import NoReturn

import typer

from lastday.configuration.problems import ConfigurationProblem, ConfigurationProblems, render
from lastday.interfaces.cli import (
    access,
    applications,
    audit,
    cases,
    database,
    decide,
    doctor,
    evidence,
    found,
    orders,
    planning,
    serving,
    sources,
    starting,
    tokens,
)
from lastday.interfaces.cli.demo import command as demo
from lastday.interfaces.cli.services import Services
from lastday.interfaces.cli.showing import err, harmless, show_error
from lastday.model.errors import ConfigurationError, ExitCode, InputError, LastdayError

PARTS = (
    starting,
    tokens,
    database,
    doctor,
    serving,
    sources,
    applications,
    planning,
    decide,
    orders,
    access,
    cases,
    found,
    evidence,
    demo,
)


def build(services: Services) -> typer.Typer:
    """The command line over these services."""
    app = typer.Typer(
        name="lastday",
        help="People who leave are out, and it can be proved.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"obj": services, "help_option_names": ["-h", "--help"]},
    )
    for part in PARTS:
        part.add_to(app)
    app.command("audit")(audit.command)
    return app


def run(services: Services) -> NoReturn:
    """Runs the command of this process and ends it with the exit code of design section 10."""
    sys.exit(ended(services, sys.argv[1:]))


def ended(services: Services, arguments: Sequence[str]) -> int:
    """Runs the command that the arguments name; the exit code it ends with."""
    try:
        result = build(services)(args=list(arguments), prog_name="lastday", standalone_mode=False)
    except ConfigurationProblems as problems:
        _show_problems(problems)
        return problems.exit_code
    except LastdayError as error:
        show_error(error)
        return error.exit_code
    except typer.TyperException as misused:
        return _show_misuse(misused)
    except typer.Exit as done:
        return done.exit_code
    except typer.Abort:
        return ExitCode.DETACHED
    except KeyboardInterrupt:
        err.print("detached")
        return ExitCode.DETACHED
    return result if isinstance(result, int) else ExitCode.DONE


def _show_misuse(misused: typer.TyperException) -> int:
    """What was wrong with options and arguments; without any, the help was asked for and is shown already."""
    message = misused.format_message()
    if message:
        show_error(InputError(message, effect="Nothing was done.", mend="The command with --help says what it takes."))
    return ExitCode.BAD_INPUT


def _show_problems(problems: ConfigurationProblems) -> None:
    """Every mistake with its place, its line and a caret."""
    for problem in problems.problems:
        err.print(harmless(render(problem, _text_of(problem))), markup=False)


def _text_of(problem: ConfigurationError) -> str:
    """The file that the mistake stands in, however it is encoded."""
    if not isinstance(problem, ConfigurationProblem):
        return ""
    return problem.place.position.file.read_text(encoding="utf-8", errors="replace")
