"""Profiles are data: every fact has a source, and strict is what the standards say."""

from dataclasses import fields
from datetime import date

import pytest

from lastday.interfaces.scim.protocol.profiles import (
    PatchAnswer,
    PostExisting,
    Profile,
    load_profile,
    profile_facts,
    profile_names,
    profile_of,
)
from lastday.model.errors import InputError

NAMES = ("entra", "google", "jumpcloud", "okta", "onelogin", "ping", "rippling", "strict")


def test_there_is_a_profile_for_each_client():
    """Issue: strict and the seven clients."""
    assert profile_names() == NAMES
    assert all(load_profile(name).name == name for name in NAMES)


@pytest.mark.parametrize("name", ["", "Entra", "../strict", "strict.toml", "nosuch"])
def test_an_unknown_profile_is_refused_with_those_that_there_are(name):
    """R101."""
    with pytest.raises(InputError) as refusal:
        load_profile(name)
    assert refusal.value.code == "R101"
    assert all(known in refusal.value.mend for known in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_fact_says_where_it_comes_from(name):
    """A fact without a source cannot be looked up again."""
    facts = profile_facts(name)
    assert set(facts) == {field.name for field in fields(Profile)} - {"name"}
    for fact in facts.values():
        assert fact["why"].endswith(".")
        assert fact["source"]
        assert isinstance(fact["checked_on"], date)


def test_strict_lets_nothing_pass():
    """Every leniency is off."""
    strict = load_profile("strict")
    assert {field.name for field in fields(Profile) if getattr(strict, field.name) is True} == set()
    assert strict.ignored_schemas == frozenset()
    assert strict.content_types == {"application/scim+json", "application/json"}


def test_answers_differ_where_clients_want_it():
    """Field notes: Entra ID wants 204 for groups; Rippling sends a POST again."""
    assert {name for name in NAMES if load_profile(name).group_patch_answer is PatchAnswer.NOTHING} == {"entra"}
    same = {name for name in NAMES if load_profile(name).post_existing is PostExisting.SAME_RESOURCE}
    assert same == {"rippling"}


def test_a_file_of_ours_that_is_wrong_is_noticed():
    """A key that is misspelled would silently be strict."""
    good = {key: fact["is"] for key, fact in profile_facts("strict").items()}
    with pytest.raises(ValueError, match="bare_refs"):
        profile_of("x", {**good, "bare_refs": True})
    with pytest.raises(ValueError, match="ops_any_case"):
        profile_of("x", {key: value for key, value in good.items() if key != "ops_any_case"})
    with pytest.raises(TypeError):
        profile_of("x", {**good, "ops_any_case": "yes"})
    with pytest.raises(ValueError, match="maybe"):
        profile_of("x", {**good, "unknown_attributes": "maybe"})
