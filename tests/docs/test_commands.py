"""Every command that is shown exists and takes what it is given (design section 12: commands in the docs are run)."""

import re

import pytest

from tests.docs.commands import INLINE, Shown, fault_of, pages, shown_in
from tests.house.sources import ROOT, sources, texts

SHOWN = sorted({shown for page in pages() for shown in shown_in(page)}, key=lambda shown: (shown.where, shown.text))
TARGET = re.compile(r"\bmake ([a-z][\w-]*)\b")

NOT_YET: dict[str, str] = {}
"""Commands that messages of the program name and that are not built: with date. None may be added."""


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: f"{shown.where}: {shown.text}")
def test_a_command_in_the_documents_is_one_that_the_program_takes(shown):
    """Whoever copies a line gets no "no such option"."""
    assert fault_of(shown) is None


def test_there_are_commands_to_judge():
    """A rule over nothing proves nothing."""
    assert sum(1 for shown in SHOWN if shown.whole) >= 8


@pytest.mark.parametrize("text", ["lastday plam", "lastday plan --exit", "lastday apply", "lastday apply p-1 --soon"])
def test_a_wrong_command_is_seen(text):
    """The rule above can fail."""
    assert fault_of(Shown("here", text, whole=True)) is not None


def test_messages_of_the_program_name_only_commands_that_exist():
    """A message that says "run this" is a promise."""
    named = {
        (source.name, mention.replace("{}", "X"))
        for source in sources()
        for text, _ in texts(source)
        for mention in INLINE.findall(text)
    }
    wrong = sorted(
        f"{where}: {mention}: {fault_of(Shown(where, mention, whole=False))}"
        for where, mention in named
        if mention not in NOT_YET and fault_of(Shown(where, mention, whole=False)) is not None
    )
    assert wrong == []


def test_make_targets_in_the_documents_exist():
    """The two commands of the first screen above all."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    named = {
        target
        for page in pages()
        for code in re.findall(r"`{1,3}([^`]+)`{1,3}", page.read_text(encoding="utf-8"))
        for target in TARGET.findall(code)
    }
    assert named - targets == set()
    assert {"demo", "test", "docs"} <= targets


def test_links_between_pages_lead_somewhere():
    """A link to a file of the repository that is not there."""
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in pages()
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []
