"""Command lines that documents and messages show, and the command line they must fit."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import typer
from typer.core import TyperGroup

from lastday.app import Composition
from lastday.interfaces.cli.main import build
from tests.house.sources import ROOT

FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(lastday [^`\n]+)`")
ASSIGNMENT = re.compile(r"^\w+=\S*$")


@dataclass(frozen=True, slots=True)
class Shown:
    """A command line as it is shown somewhere; `whole` where a reader would paste it."""

    where: str
    text: str
    whole: bool


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def shown_in(page: Path) -> Iterator[Shown]:
    """Each `lastday ...` of the page: lines of code blocks, and mentions in the text."""
    text = page.read_text(encoding="utf-8")
    where = page.relative_to(ROOT).as_posix()
    for block in FENCE.findall(text):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            command = command_of(line)
            if command is not None:
                yield Shown(where, command, whole=True)
    for mention in INLINE.findall(FENCE.sub("", text)):
        yield Shown(where, mention, whole=False)


def command_of(line: str) -> str | None:
    """The line from `lastday` on, without prompt, variables before and comment after; None where there is none."""
    words = shlex.split(line.strip().removeprefix("$ "), comments=True) if "lastday" in line else []
    while words and ASSIGNMENT.match(words[0]):
        words = words[1:]
    return shlex.join(words) if words[:1] == ["lastday"] else None


Command: TypeAlias = Any
"""Typer carries a Click of its own, which it keeps private."""
USAGE: type[Exception] = typer.BadParameter.__mro__[1]
"""What Typer's own Click raises for a command line that does not fit."""


@cache
def command_line() -> Command:
    """The program's own command line."""
    return typer.main.get_command(build(Composition({})))


def fault_of(shown: Shown) -> str | None:
    """What the command line would say against it, without running anything; None where it fits."""
    words = shlex.split(shown.text)[1:]
    command, rest = _command(command_line(), words)
    if isinstance(command, TyperGroup):
        return None if not rest and not shown.whole else f"{' '.join(rest[:1]) or 'nothing'} is no command of it"
    return _parse(command, rest) if shown.whole else _unknown_options(command, rest)


def _command(command: Command, words: list[str]) -> tuple[Command, list[str]]:
    while isinstance(command, TyperGroup) and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def _parse(command: Command, words: list[str]) -> str | None:
    if words in (["--help"], ["-h"]):
        return None
    try:
        command.make_context("lastday", list(words))
    except USAGE as refused:
        return str(refused)
    return None


def _unknown_options(command: Command, words: list[str]) -> str | None:
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    known |= {"--help", "-h"}
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else None
