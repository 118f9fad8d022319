"""Logs hold ids, never a person and never a secret (security notes: structured logging without personal data)."""

import ast
import logging
import re
from collections.abc import Iterator

import pytest

from tests.house.sources import Source, parsed, sources

LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
PERSONAL = re.compile(
    r"display_?name|given_?name|family_?name|full_?name|e?_?mails?\b|user_?name|employee_?number|person_?key|birth|phone"
    r"|password|passwd|secret|token\b|credential|dsn\b|payload|attributes|personal|content\b|row\b",
    re.IGNORECASE,
)
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def _log_calls(source: Source) -> Iterator[ast.Call]:
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and "log" in ast.unparse(node.func.value).lower()
        ):
            yield node


def _extra(call: ast.Call) -> Iterator[tuple[str, str]]:
    """Each key of `extra` with the expression of its value."""
    for keyword in call.keywords:
        if keyword.arg == "extra" and isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                yield ast.literal_eval(key) if key is not None else "**", ast.unparse(value)


def _offences(source: Source) -> list[str]:
    found = []
    for call in _log_calls(source):
        place = f"{source.name}:{call.lineno}"
        message = call.args[0] if call.args else None
        if not (isinstance(message, ast.Constant) and isinstance(message.value, str)) or len(call.args) > 1:
            found.append(f"{place} the message is not a constant")
        for key, value in _extra(call):
            if key == "**" or key in STANDARD or PERSONAL.search(key) or PERSONAL.search(value):
                found.append(f"{place} logs {key} = {value}")
    return found


def test_no_log_line_can_hold_a_person_or_a_secret():
    """Constant message, ids in `extra`: what a log shipper copies is never personal data."""
    assert [offence for source in sources() for offence in _offences(source)] == []


def test_there_are_log_lines_to_judge():
    """A rule over nothing proves nothing."""
    assert sum(1 for source in sources() for _ in _log_calls(source)) > 5


@pytest.mark.parametrize(
    "line",
    [
        'logger.info("gone: %s", person.display_name)',
        'logger.info(f"gone: {name}")',
        'logger.info("gone", extra={"who": identity.attributes.text("displayName")})',
        'logger.warning("refused", extra={"password": word})',
    ],
)
def test_a_line_that_tells_of_a_person_is_seen(line):
    """The rule above can fail."""
    assert _offences(parsed(line))


def test_nothing_prints():
    """Faces show, rooms return: `print` stands only in the verifier that travels alone."""
    printing = {
        s.name
        for s in sources()
        for node in ast.walk(s.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing <= {"evidence/verify.py"}
