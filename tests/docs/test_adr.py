"""Decisions are one page each, in one form, and speak of what is there."""

import re

import pytest

from tests.docs.names import exists
from tests.docs.test_architecture import NAMED
from tests.house.sources import ROOT

PAGES = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
SECTIONS = ["Context", "Decision", "Example", "Consequences", "Rejected", "Revisit when"]
ONE_PAGE = 60
STATUS = re.compile(r"^Status: (?:proposed|accepted|superseded by \d{4}), \d{4}-\d{2}-\d{2}$", re.MULTILINE)


def test_there_are_decisions_numbered_without_a_gap():
    """A number is never used again and none is missing."""
    assert [page.name[:4] for page in PAGES] == [f"{number:04}" for number in range(1, len(PAGES) + 1)]
    assert len(PAGES) >= 8


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_has_its_form_on_one_page(page):
    """Status, Context, Decision in one sentence first, Example, Consequences, Rejected, Revisit when."""
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]} ")
    assert STATUS.search(text)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert len(text.splitlines()) <= ONE_PAGE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_says_itself_in_one_sentence_first(page):
    """Whoever reads only one sentence of the page reads the decision."""
    body = page.read_text(encoding="utf-8").partition("## Decision\n")[2]
    sentence = re.match(r"\*\*([^*]+)\*\*", body)
    assert sentence is not None
    assert re.findall(r"[.!?](?:\s|$)", sentence[1]) == ["."]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_says_what_gets_worse(page):
    """A decision without a price was not one."""
    consequences = page.read_text(encoding="utf-8").partition("## Consequences")[2].partition("\n## ")[0]
    assert "Worse:" in consequences


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_decision_names_only_what_exists(page):
    """Names in the code are looked up."""
    assert [name for name in NAMED.findall(page.read_text(encoding="utf-8")) if not exists(name)] == []


def test_the_list_of_decisions_is_whole():
    """Each page is in the list, under its own heading."""
    listed = re.findall(r"^- \[([^\]]+)\]\(([^)]+)\)$", (PAGES[0].parent / "README.md").read_text(), re.MULTILINE)
    assert listed == [(page.read_text(encoding="utf-8").splitlines()[0][2:], page.name) for page in PAGES]
