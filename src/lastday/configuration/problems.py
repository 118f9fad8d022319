"""Everything that is wrong with a configuration, told at once, each with its place and how it is shown."""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lastday.configuration.settings import Position
from lastday.model.errors import ConfigurationError, ExitCode, LastdayError

NOTHING_CHANGED = "nothing was changed"
_WIDEST = 160
_SECRET_LINE = re.compile(r"""(?:password|passwd|secret|token|dsn)[\w-]*["']?\s*=\s*(?=[^\s{])""", re.IGNORECASE)
_WRITTEN_OUT = "P104"
_UNKNOWN_KEY = "P102"


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the file: where it begins, how long it is on its line, and the section it stands in."""

    position: Position
    length: int
    section: str


class ConfigurationProblem(ConfigurationError):
    """One mistake with its place."""

    def __init__(self, what: str, *, place: Place, code: str, suggestion: str | None = None, mend: str = "") -> None:
        told = f"Did you mean {suggestion}?" if suggestion else mend
        super().__init__(what, effect=NOTHING_CHANGED, mend=told, code=code, where=str(place.position))
        self.place = place
        self.suggestion = suggestion


class ConfigurationProblems(LastdayError):
    """The configuration has these mistakes, in the order of the file; nothing of it is used."""

    code = "P100"
    exit_code = ExitCode.BAD_INPUT

    def __init__(self, problems: Iterable[ConfigurationError]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        what = first.what if len(self.problems) == 1 else f"the configuration has {len(self.problems)} mistakes"
        super().__init__(what, effect=NOTHING_CHANGED, mend=first.mend, where=first.where)
        self.code = first.code if len(self.problems) == 1 else self.code

    def __iter__(self) -> Iterator[ConfigurationError]:
        return iter(self.problems)


class Collector:
    """Takes mistakes as they are met, so that reading never stops at the first."""

    def __init__(self) -> None:
        self._problems: list[ConfigurationProblem] = []

    def add(self, what: str, place: Place, code: str, *, suggestion: str | None = None, mend: str = "") -> None:
        self._problems.append(ConfigurationProblem(what, place=place, code=code, suggestion=suggestion, mend=mend))

    def raise_if_any(self) -> None:
        """Nothing was wrong. Raises ConfigurationProblems with everything that was, in the order of the file."""
        if self._problems:
            order = sorted(self._problems, key=lambda p: (p.place.position.line, p.place.position.column))
            raise ConfigurationProblems(order)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be; None where nothing is near.

    >>> nearest("departmnet", ["title", "department"])
    'department'
    """
    spelled = {candidate.lower(): candidate for candidate in known}
    found = difflib.get_close_matches(name[:100].lower(), spelled, n=1, cutoff=0.65)
    return spelled[found[0]] if found else None


def render(problem: ConfigurationError, text: str) -> str:
    """The mistake as a person sees it: what, where, the line with a caret, how to mend. `text` is the file's."""
    heading = f"error: {_shown(problem.what)}  [{problem.code}]"
    if not isinstance(problem, ConfigurationProblem):
        tail = [f"  --> {problem.where}"] if problem.where else []
        return "\n".join([heading, *tail, *_footer(problem)])
    place = problem.place
    inside = f"  in {_shown(place.section)}" if place.section else ""
    lines = [heading, f"  --> {place.position}{inside}", *_excerpt(problem, text)]
    return "\n".join([*lines, *_footer(problem)])


def _footer(problem: ConfigurationError) -> list[str]:
    suggested = isinstance(problem, ConfigurationProblem) and problem.suggestion
    mend = [] if suggested or not problem.mend else [_shown(problem.mend)]
    return [f"   = {line}" for line in (*mend, NOTHING_CHANGED)]


def _excerpt(problem: ConfigurationProblem, text: str) -> list[str]:
    place = problem.place
    line = _without_secrets(problem, _line_of(text, place.position.line))
    column = place.position.column - 1
    cut = max(0, column - _WIDEST // 2)
    shown = _shown(line[cut : cut + _WIDEST])
    gutter = str(place.position.line)
    before = "".join("\t" if letter == "\t" else " " for letter in shown[: column - cut])
    carets = "^" * max(1, min(place.length, len(shown) - (column - cut)))
    hint = f" did you mean {_shown(problem.suggestion)}?" if problem.suggestion else ""
    return [f"{gutter} | {shown}", f"{' ' * len(gutter)} | {before}{carets}{hint}"]


def _line_of(text: str, number: int) -> str:
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    return lines[number - 1] if number <= len(lines) else ""


def _without_secrets(problem: ConfigurationProblem, line: str) -> str:
    """The line as it may be shown: what could be a secret is dots, also behind a key that nobody knows."""
    start = problem.place.position.column - 1
    if problem.code == _WRITTEN_OUT:
        return line[:start] + "\u00b7" * (len(line) - start)
    if problem.code == _UNKNOWN_KEY:
        end = start + problem.place.length
        return line[:end] + (" = ..." if line[end:].lstrip().startswith("=") else line[end:])
    secret = _SECRET_LINE.search(line)
    return line if secret is None else line[: secret.end()] + "\u00b7" * (len(line) - secret.end())


def _shown(text: str) -> str:
    """Harmless on a terminal: whatever does not print is a dot."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "·" for letter in text)
