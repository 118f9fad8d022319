"""What may be done in one place only: changing an application, writing the evidence log, asking for the time."""

import ast
import re
from collections.abc import Iterator

import pytest

from lastday.connectors.sdk.protocols import CAPABILITY_PROTOCOLS
from tests.house.sources import Source, calls, parsed, sources

CALLING = "execution/calling.py"
MUTATING = frozenset(
    {
        *("create_account", "update_account", "disable_account", "enable_account", "delete_account"),
        *("give_holding", "revoke_holding", "end_sessions", "transfer_owned"),
    }
)
EVIDENCE_TABLES = ("entry", "entry_personal", "tree_node", "checkpoint")
WRITES = re.compile(
    rf"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE(?:\s+TABLE)?|COPY|MERGE\s+INTO)\s+(?:ONLY\s+)?"
    rf"(?:{'|'.join(EVIDENCE_TABLES)})\b",
    re.IGNORECASE,
)
EVIDENCE_WRITER = "store/entries.py"


def _changes_an_application(source: Source) -> Iterator[str]:
    """Uses of a method that changes something: called, or passed on without a call."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and node.attr in MUTATING and not _is_an_enum(node):
            yield f"{source.name}:{node.lineno} {ast.unparse(node)}"


def _is_an_enum(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("Verb", "Capability")


def test_only_the_call_of_an_operation_changes_an_application():
    """No audit, no effect: whatever changes something goes through gateway, intent and read-back (I-4)."""
    outside = [s for s in sources() if s.room != "connectors" and s.name != CALLING]
    assert [use for source in outside for use in _changes_an_application(source)] == []


def test_the_one_place_that_changes_applications_knows_every_verb():
    """A method that nobody calls would be a capability that is promised and never used."""
    (calling,) = [s for s in sources() if s.name == CALLING]
    used = {use.rpartition(".")[2] for use in _changes_an_application(calling)}
    assert used == MUTATING


def test_the_list_of_changing_methods_is_that_of_the_protocols():
    """A new verb in the protocols must be added to the rule above."""
    reading = {"sign_in_refused", "count_sessions", "count_owned"}
    of_capabilities = {
        name for protocol in CAPABILITY_PROTOCOLS.values() for name in vars(protocol) if not name.startswith("_")
    }
    assert of_capabilities - reading == MUTATING


@pytest.mark.parametrize("text", ["await connector.delete_account(x)", "call = target.connector.disable_account"])
def test_a_change_beside_the_one_place_is_seen(text):
    """The rule above can fail."""
    assert list(_changes_an_application(parsed(f"async def f():\n    {text}\n")))


def test_only_one_module_writes_the_evidence_tables():
    """Entries are appended, numbered and erased in one place; nothing else can rewrite the log (I-13)."""
    writing = {s.name for s in sources() if WRITES.search(s.text)}
    assert writing == {EVIDENCE_WRITER}


def test_the_evidence_log_is_never_rewritten():
    """The only change of an entry is the number that the sequencer gives it, and only where it has none."""
    (writer,) = [s for s in sources() if s.name == EVIDENCE_WRITER]
    said = [line for line in writer.text.splitlines() if re.search(r"\b(UPDATE|DELETE FROM)\b", line)]
    assert [line for line in said if "SET number" not in line and "entry_personal" not in line] == []


def test_time_is_asked_of_the_clock_that_is_handed_down():
    """Time is a port: `datetime.now` stands in the composition root alone (design section 3)."""
    asking = re.compile(r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.time)$")
    found = [f"{s.name}:{line} {name}" for s in sources() for name, line in calls(s) if asking.search(name)]
    assert {place.partition(":")[0] for place in found} <= {"app.py"}, found


ANSWERS_FOR_EVERYTHING = "interfaces/scim/failures.py"
"""2026-11-24: a client gets 500 with the id of its request, and the log the kind of fault and its place."""


def test_rooms_never_swallow_every_error():
    """`except Exception` hides our own bugs as faults of others."""
    broad = [
        f"{s.name}:{node.lineno}"
        for s in sources()
        for node in ast.walk(s.tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and not any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    ]
    assert {place.partition(":")[0] for place in broad} <= {ANSWERS_FOR_EVERYTHING}, broad
