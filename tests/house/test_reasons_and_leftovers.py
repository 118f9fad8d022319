"""What silences a check says why; nothing unfinished is left behind."""

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.sources import ROOT, sources

SILENCED = re.compile(r"#\s*(?:noqa|type:\s*ignore)\b")
NOQA_WITH_REASON = re.compile(r"#\s*noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*\s+(?:-|--|#)\s*\S.{4,}")
IGNORE_WITH_REASON = re.compile(r"#\s*type:\s*ignore\[[\w, -]+\]\s+(?:-|--|#)\s*\S.{4,}")
LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|WIP)\b")
HERE = Path(__file__).name


def _files() -> Iterator[Path]:
    for folder in ("src", "tests", "bench", "sim"):
        yield from (p for p in sorted((ROOT / folder).rglob("*.py")) if p.name != HERE)


def _comments(text: str) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _has_reason(comment: str) -> bool:
    pattern = IGNORE_WITH_REASON if "type:" in comment else NOQA_WITH_REASON
    return SILENCED.search(comment) is None or pattern.search(comment) is not None


def test_whoever_silences_a_check_names_it_and_says_why():
    """House rule: never a bare `noqa` or `type: ignore`."""
    bare = [
        f"{path.relative_to(ROOT)}:{line} {comment}"
        for path in _files()
        for line, comment in _comments(path.read_text(encoding="utf-8"))
        if not _has_reason(comment)
    ]
    assert bare == []


@pytest.mark.parametrize("comment", ["# noqa", "# noqa: S608", "# type: ignore", "# type: ignore[misc]"])
def test_a_silence_without_a_reason_is_seen(comment):
    """The rule above can fail."""
    assert not _has_reason(comment)


def test_nothing_unfinished_is_left_in_the_program():
    """No TODO, no stub: what is missing is said in README, not hidden in the code."""
    left = [
        f"{path.relative_to(ROOT)}:{line} {comment}"
        for path in _files()
        for line, comment in _comments(path.read_text(encoding="utf-8"))
        if LEFTOVER.search(comment)
    ]
    stubs = [s.name for s in sources() if re.search(r"raise NotImplementedError", s.text)]
    assert left + stubs == []


def test_no_test_is_skipped():
    """A missing real server fails; it never skips silently (design section 12)."""
    skipping = re.compile(r"pytest\.(?:skip|mark\.skip|mark\.skipif|mark\.xfail|xfail|importorskip)\b")
    found = [str(p.relative_to(ROOT)) for p in _files() if skipping.search(p.read_text())]
    assert found == []
