"""The program's own source, parsed once, for the rules that no linter knows."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "lastday"
PURE_ROOMS = ("model", "filters", "policy", "planning")
PURE_MODULES = ("execution/machine.py",)


@dataclass(frozen=True, slots=True)
class Source:
    """One module: its name below `src/lastday` (`execution/machine.py`), its text and its tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.partition("/")[0]

    @property
    def is_pure(self) -> bool:
        return self.room in PURE_ROOMS or self.name in PURE_MODULES

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


@cache
def sources() -> tuple[Source, ...]:
    """Every module of the program."""
    found = [
        (path.relative_to(SRC).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(SRC.rglob("*.py"))
        if "__pycache__" not in path.parts
    ]
    return tuple(Source(name=name, text=text, tree=ast.parse(text, name)) for name, text in found)


def parsed(text: str, name: str = "execution/made_up.py") -> Source:
    """A module that only a test knows: to see that a rule can be broken."""
    return Source(name=name, text=text, tree=ast.parse(text))


def functions(source: Source) -> Iterator[tuple[str, int, int]]:
    """Each function: its name, where it begins, and how many lines it has."""
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1


def calls(source: Source) -> Iterator[tuple[str, int]]:
    """Each call as it is written (`asyncio.sleep`, `self.clock.now`), with its line."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name:
                yield name, node.lineno


def imports(source: Source) -> Iterator[tuple[str, int]]:
    """Each module that is imported (`from a.b import c` gives `a.b.c`), with its line."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of such an expression; of another only its last attribute, with a leading dot."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return ""


def texts(source: Source) -> Iterator[tuple[str, int]]:
    """Each literal text, f-strings with `{}` for what is put in, with its line."""
    inside: set[int] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            yield "".join(_part(part) for part in node.values), node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value, node.lineno


def _part(part: ast.expr) -> str:
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"
