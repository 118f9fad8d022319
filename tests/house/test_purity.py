"""Pure rooms and the machine do no I/O and read neither clock nor chance (design section 3)."""

import pytest

from tests.house.sources import Source, calls, imports, parsed, sources

FORBIDDEN_MODULES = (
    *("os", "io", "sys", "socket", "subprocess", "shutil", "tempfile", "pathlib", "signal", "threading", "asyncio"),
    *("time", "random", "secrets", "uuid", "logging", "urllib", "http", "ssl", "selectors", "multiprocessing"),
    *("httpx", "psycopg", "psycopg_pool", "procrastinate", "ldap3", "sqlalchemy", "alembic", "typer", "rich"),
)
FORBIDDEN_CALLS = frozenset(
    {"open", "print", "input", "exec", "eval", "compile", "__import__", "globals", "id", "hash"}
)
FORBIDDEN_ENDINGS = (".now", ".today", ".utcnow", ".fromtimestamp", ".read_text", ".write_text", ".read_bytes")


def _offences(source: Source) -> list[str]:
    roots = {module.rstrip(".") for module in FORBIDDEN_MODULES}
    found = [
        f"{source.name}:{line} imports {name}" for name, line in imports(source) if name.partition(".")[0] in roots
    ]
    found += [f"{source.name}:{line} calls {name}" for name, line in calls(source) if name in FORBIDDEN_CALLS]
    return found + [
        f"{source.name}:{line} calls {name}" for name, line in calls(source) if name.endswith(FORBIDDEN_ENDINGS)
    ]


def test_pure_rooms_import_and_call_nothing_of_the_outside():
    """Invariant of the design: same input, same answer; what is proven of them by properties holds everywhere."""
    assert [offence for source in sources() if source.is_pure for offence in _offences(source)] == []


def test_pure_rooms_have_no_coroutines():
    """A coroutine waits for something, and here there is nothing to wait for."""
    waiting = ("async def ", "await ")
    assert [s.name for s in sources() if s.is_pure and any(word in s.text for word in waiting)] == []


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "from pathlib import Path",
        "import random as r",
        "x = open('f')",
        "when = datetime.now(UTC)",
        "print(1)",
    ],
)
def test_an_impure_line_is_seen(text):
    """The rule above can fail."""
    assert _offences(parsed(text, "planning/made_up.py"))


def test_every_pure_room_is_there():
    """A room that was renamed would silently be free of every rule."""
    seen = {source.room for source in sources() if source.is_pure}
    assert seen == {"model", "filters", "policy", "planning", "execution"}
