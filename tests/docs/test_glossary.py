"""docs/glossary.yml holds the words: all of the design's, and every public class of the vocabulary."""

import ast
from collections import Counter

import yaml

from lastday.model.account import AccountKind
from lastday.model.identity import Lifecycle
from lastday.model.operation import Milestone, Verb
from tests.docs.names import exists
from tests.house.sources import ROOT, sources

ENTRIES = yaml.safe_load((ROOT / "docs" / "glossary.yml").read_text(encoding="utf-8"))
TERMS = {entry["term"] for entry in ENTRIES}

WORDS_OF_THE_DESIGN = frozenset(
    {
        *("identity", "engagement"),
        *("lifecycle", "preboarding", "active", "suspended", "released", "ended"),
        "source",
        *("application", "connection", "connector"),
        *("account", "native id", "personal", "admin", "shared", "service", "break-glass", "guest"),
        *("entitlement", "credential", "possession"),
        *("holding", "via"),
        *("assignment", "reason", "birthright", "role", "request", "exception"),
        "deny",
        "adopted",
        *("excess", "missing", "drift"),
        *("correlation", "orphan"),
        *("aggregation", "reconciliation"),
        *("batch", "plan", "operation", "outcome", "verification"),
        *("case", "milestone", "access_gone", "entitlements_gone", "possessions_closed", "data_retired"),
        "finding",
        *("stopped", "preserved"),
        *("create", "update", "enable", "disable", "give", "revoke", "strip", "end_sessions", "rotate", "transfer"),
        *("wipe", "delete", "deprovision"),
        *("evidence", "entry", "checkpoint", "bundle", "witness"),
    }
)
"""The list of the design, section 2."""

NOT_A_WORD = {
    "model.errors": "errors are told by their code; docs/codes.md explains each",
}
"""Modules of the vocabulary whose classes are no words that people use, and why."""


def _public_classes() -> set[str]:
    return {
        f"{source.name.removesuffix('.py').replace('/', '.')}.{node.name}"
        for source in sources()
        if source.room == "model" and source.name.removesuffix(".py").replace("/", ".") not in NOT_A_WORD
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }


def test_every_word_of_the_design_is_explained():
    """Design section 2: docs/glossary.yml holds these words; a test asserts that it does."""
    assert sorted(WORDS_OF_THE_DESIGN - TERMS) == []


def test_every_public_class_of_the_vocabulary_belongs_to_a_word():
    """A class in the vocabulary is a word; one that nobody can explain is a word too many."""
    named = {name for entry in ENTRIES for name in entry.get("code", ())}
    assert sorted(_public_classes() - named) == []


def test_every_name_in_the_glossary_exists():
    """A word whose code is gone is explained wrongly."""
    assert [name for entry in ENTRIES for name in entry.get("code", ()) if not exists(name)] == []


def test_words_are_unique_and_whole():
    """Each word once, with an id for links and a sentence that ends."""
    ids = Counter(entry["id"] for entry in ENTRIES)
    assert [word for word, times in ids.items() if times > 1] == []
    assert len(TERMS) == len(ENTRIES)
    for entry in ENTRIES:
        assert set(entry) <= {"id", "term", "means", "also_called", "code"}, entry["id"]
        assert entry["means"].endswith("."), entry["id"]


def test_no_plain_name_means_two_things():
    """What the console says must lead back to one word."""
    plain = Counter(name for entry in ENTRIES for name in entry.get("also_called", ()))
    assert [name for name, times in plain.items() if times > 1] == []
    assert sorted(set(plain) & TERMS) == []


def test_every_verb_and_every_kind_of_account_is_a_word():
    """Closed sets are explained member by member where people meet them."""
    members = {member.value for kinds in (Verb, AccountKind, Lifecycle, Milestone) for member in kinds}
    assert sorted(members - TERMS) == []
