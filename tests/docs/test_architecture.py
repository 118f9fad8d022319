"""docs/architecture.md speaks only of what is there: modules, functions, tables, boundaries, floors, commands."""

import configparser
import re
from functools import cache

import pytest

from lastday.execution.engine import Boundary
from lastday.execution.machine import Step
from lastday.model.operation import OperationState
from tests.docs.names import exists
from tests.house.sources import ROOT, SRC

PAGE = ROOT / "docs" / "architecture.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROOMS = sorted(p.name for p in SRC.iterdir() if p.is_dir() and p.name != "__pycache__")
NAMED = re.compile(rf"`((?:{'|'.join(ROOMS)}|app)(?:\.\w+)+)`")
NAMES = sorted(set(NAMED.findall(TEXT)))
MIGRATIONS = SRC / "store" / "migrations" / "sql"


@pytest.mark.parametrize("name", NAMES)
def test_every_name_in_the_page_exists(name):
    """The way of one leaver is told with the names in the code (design section 4)."""
    assert exists(name), f"lastday.{name} is not there: mend docs/architecture.md"


def test_a_name_that_is_not_there_is_seen():
    """The rule above can fail."""
    assert not exists("execution.intake.read_sauce")
    assert not exists("execution.no_such_module.read_source")


def test_the_page_follows_the_leaver_through_every_room():
    """A way that leaves a room out is not the whole way."""
    assert {"lifecycle", "execution", "planning", "inventory", "policy", "connectors", "evidence"} <= {
        name.partition(".")[0] for name in NAMES
    }
    assert len(NAMES) > 50


def test_the_floors_are_those_that_are_enforced():
    """The drawing shows the order that import-linter holds, top to bottom."""
    linter = configparser.ConfigParser()
    linter.read(ROOT / ".importlinter")
    enforced = linter["importlinter:contract:floors"]["layers"].split("\n")
    floors = [_rooms(line) for line in enforced if line.strip() and "(" not in line]
    drawing = TEXT.partition("## Floors and rooms")[2].partition("| room |")[0]
    drawn = [_rooms(line[:42]) for line in drawing.splitlines() if line.startswith("    ")]
    built = [floor for floor in floors if any((SRC / room).exists() or (SRC / f"{room}.py").exists() for room in floor)]
    assert [sorted(floor) for floor in drawn] == [sorted(floor) for floor in built]


def _rooms(line: str) -> list[str]:
    return [room.strip() for room in line.split("|") if room.strip()]


@cache
def _tables() -> frozenset[str]:
    return frozenset(
        name.lower()
        for path in MIGRATIONS.glob("*.sql")
        for name in re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", path.read_text(encoding="utf-8"))
    )


def test_every_table_is_in_the_page_and_no_other():
    """Where state lives is told whole."""
    section = TEXT.partition("## Where state lives")[2].partition("## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert told - _tables() == set()
    assert {name for name in _tables() if not name.startswith("procrastinate_")} - told == set()


def test_every_boundary_of_the_crash_tests_is_in_the_page():
    """The eight boundaries (design section 4)."""
    section = TEXT.partition("## Where it may crash")[2]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [boundary.value for boundary in Boundary]


def test_every_state_of_an_operation_is_in_the_drawing():
    """A state that the drawing leaves out would be a surprise to whoever is on duty."""
    drawing = TEXT.partition("## The life of an operation")[2].partition("`execution.machine` holds")[0]
    missing = {state.value for state in OperationState if not re.search(rf"\b{state.value}\b", drawing)}
    assert missing == {OperationState.ACCEPTED_RISK.value}, "nothing in the machine leads to accepted_risk yet"


def test_every_step_of_a_script_is_in_the_page():
    """What the shell can do at all is a closed list."""
    steps = {step.__name__ for step in Step.__args__}
    assert {name.rpartition(".")[2] for name in NAMES if name.startswith("execution.machine.")} >= steps
