"""How a connection's keys and its vendor's profile become one dialect, one address and one header."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.scim.dialect import (
    Dialect,
    Paging,
    address_of,
    authorisation_of,
    dialect_of,
    vendor_of,
)
from lastday.connectors.scim.vendor_profile import load_vendor, vendors
from lastday.connectors.scim.vendor_terms import DisableVerb, RemoveForm
from lastday.model.errors import ConfigurationError

AWS = {"vendor": "aws_identity_center"}


def test_without_a_vendor_the_standard_is_spoken():
    assert dialect_of({}) == Dialect()


@pytest.mark.parametrize("vendor", vendors())
def test_every_profile_is_a_dialect(vendor):
    """Nothing in a profile is left unread that changes what is sent."""
    profile, found = load_vendor(vendor), dialect_of({"vendor": vendor})
    assert found.disable_verb is profile.disable.verb
    assert found.disable_form is profile.disable.form
    assert found.disable_deletes is profile.disable.deletes
    assert found.has_delete is profile.delete.exists
    assert found.groups.exist is profile.groups.exist
    assert found.groups.members_readable is profile.groups.members_readable
    assert found.paging.value == profile.paging.mode.value
    assert found.searchable == {name.lower(): name for name in profile.filter.users}
    assert found.page_size <= (profile.paging.max or found.page_size)


@pytest.mark.parametrize(
    ("keys", "name", "value"),
    [
        ({"paging": "whole"}, "paging", Paging.WHOLE),
        ({"put_only": True}, "put_only", True),
        ({"page_size": 7}, "page_size", 7),
        ({"page_size": 0}, "page_size", 100),
        ({**AWS, "page_size": 500}, "page_size", 100),
        ({**AWS, "paging": "index"}, "paging", Paging.INDEX),
        ({"vendor": "figma"}, "disable_verb", DisableVerb.PUT),
    ],
)
def test_a_key_of_the_connection_goes_before_the_profile(keys, name, value):
    assert getattr(dialect_of(keys), name) == value


def test_keys_about_groups_are_read():
    assert dialect_of({"groups": False}).groups.exist is False
    assert dialect_of({"remove_members": "value_list"}).groups.remove_form is RemoveForm.VALUE_LIST
    assert dialect_of({"vendor": "pagerduty", "groups": True}).groups.exist is False


@pytest.mark.parametrize(
    "keys",
    [{"paging": "pages"}, {"remove_members": "all"}, {"paging": True}, {"vendor": "nobody"}, {"vendor": "adobe"}],
)
def test_a_word_that_is_not_known_is_refused(keys):
    with pytest.raises(ConfigurationError):
        dialect_of(keys)


def address(**values):
    return address_of(values, vendor_of(values))


def test_the_vendors_address_gets_its_blanks_filled():
    found = address(**AWS, address={"region": "eu-west-1", "tenant": "ab-12"})
    assert found == "https://scim.eu-west-1.amazonaws.com/ab-12/scim/v2"
    assert address(vendor="slack") == "https://api.slack.com/scim/v2"
    assert address(vendor="slack", url="https://proxy.example/slack") == "https://proxy.example/slack"


@pytest.mark.parametrize(
    "keys", [{}, AWS, {**AWS, "address": {"region": "eu-west-1"}}, {**AWS, "address": "eu-west-1"}]
)
def test_an_address_with_blanks_is_refused(keys):
    with pytest.raises(ConfigurationError):
        address(**keys)


PLAIN = frozenset(string.ascii_letters + string.digits + ".-_")


@given(st.text(max_size=20))
def test_what_fills_a_blank_never_leads_elsewhere(text):
    """A slash, an at sign or a dot at the front would change host or path."""
    fits = bool(text) and set(text) <= PLAIN and text[0].isalnum()
    try:
        found = address(**AWS, address={"region": text, "tenant": "ab"})
    except ConfigurationError:
        assert not fits
    else:
        assert fits
        assert found == f"https://scim.{text}.amazonaws.com/ab/scim/v2"


def test_the_token_goes_in_the_header_that_the_vendor_reads():
    assert authorisation_of("t:1", None) == ("Authorization", "Bearer t:1")
    assert authorisation_of("t", load_vendor("pagerduty")) == ("Authorization", "Token token=t")
