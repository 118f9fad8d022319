"""What is known of vendors' SCIM, and how a wrong file is refused."""

import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.scim.vendor_profile import (
    FOLDER,
    Bucket,
    VendorProfile,
    load_vendor,
    read_profile,
    vendors,
    vendors_without_scim,
)
from lastday.connectors.scim.vendor_terms import Confidence, DisableVerb, PagingMode, Shown
from lastday.connectors.sdk.catalogue import catalogue
from lastday.model.errors import ConfigurationError, ManifestError

NAMED_IN_THE_ISSUE = {
    "slack",
    "github_emu",
    "github_organisation",
    "aws_identity_center",
    "atlassian",
    "salesforce",
    "zoom",
    "pagerduty",
    "figma",
    "notion",
    "databricks",
    "snowflake",
    "tableau_cloud",
    "1password",
    "miro",
    "canva",
    "jfrog",
    "dropbox",
    "okta",
    "entra",
}
GROUPS = [name for name in VendorProfile.model_fields if name not in ("name", "title", "takes_scim", "plan")]
SLACK = (FOLDER / "slack.toml").read_text(encoding="utf-8")


def written(folder, text):
    path = folder / "made_up.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder, text):
    with pytest.raises(ManifestError) as caught:
        read_profile(written(folder, text))
    assert caught.value.where == str(folder / "made_up.toml")
    assert "made_up" in caught.value.what
    return caught.value.what


def test_every_vendor_of_the_issue_is_described():
    """S-42: a profile for each; Adobe and Google Workspace take no SCIM from us, and say what they take."""
    assert set(vendors()) == NAMED_IN_THE_ISSUE
    assert {vendor.name for vendor in vendors_without_scim()} == {"adobe", "google_workspace"}
    assert all(vendor.instead and vendor.source for vendor in vendors_without_scim())


@pytest.mark.parametrize("name", sorted(NAMED_IN_THE_ISSUE))
def test_every_group_of_facts_says_where_when_and_how_sure(name):
    """A number without a source is a rumour; a fact nobody confirmed is called that."""
    profile = load_vendor(name)
    for group in GROUPS:
        facts = getattr(profile, group)
        assert facts.checked_on >= date(2026, 11, 24), group
        assert facts.source.startswith("https://") or facts.confidence is Confidence.UNCONFIRMED, group


@pytest.mark.parametrize("name", sorted(NAMED_IN_THE_ISSUE))
def test_a_profile_tells_who_owns_the_token_and_what_kills_it(name):
    """A token that dies with its owner takes the whole connector along."""
    auth = load_vendor(name).auth
    assert auth.token_of
    assert auth.dies_when
    assert auth.header.count("{token}") == 1


def test_rates_are_written_only_where_the_vendor_states_them():
    """Nobody's number is invented: a bucket stands only under documented rates."""
    rates = {name: load_vendor(name).rates for name in vendors()}
    with_buckets = {name for name, found in rates.items() if found.buckets}
    assert with_buckets == {"slack", "miro", "github_emu", "snowflake"}
    assert all(rates[name].confidence is Confidence.DOCUMENTED for name in with_buckets)


@pytest.mark.parametrize(
    ("name", "verb", "reversible", "shown"),
    [
        ("pagerduty", "disable", False, Shown.NOT_FOUND),
        ("github_organisation", "disable", False, Shown.NOT_FOUND),
        ("notion", "disable", False, Shown.NOT_FOUND),
        ("github_emu", "disable", True, Shown.INACTIVE),
        ("slack", "disable", True, Shown.INACTIVE),
        ("figma", "disable", True, Shown.INACTIVE),
        ("atlassian", "delete", False, Shown.NOT_FOUND),
        ("slack", "delete", True, Shown.INACTIVE),
        ("salesforce", "delete", True, Shown.INACTIVE),
    ],
)
def test_deactivate_is_not_one_verb(name, verb, reversible, shown):
    """What the plan shows of it, and what the read-back must show, differ from vendor to vendor."""
    manifest = catalogue()["scim"].manifest_of({"vendor": name, "url": "https://vendor.example"})
    profile = load_vendor(name)
    read_back = profile.read_back.after_disable if verb == "disable" else profile.read_back.after_delete
    assert (verb not in manifest.destroys) is reversible
    assert read_back is shown
    assert reversible or manifest.losses[verb]


def test_canva_and_1password_have_no_delete():
    """There active=false is all there is."""
    assert [name for name in vendors() if not load_vendor(name).delete.exists] == ["1password", "canva"]


def test_what_identity_center_refuses_is_known():
    """100 members per request, none readable, pages by cursor (RFC 9865), no replace and no remove-all."""
    aws = load_vendor("aws_identity_center")
    assert aws.groups.max_members_per_patch == aws.groups.max_members_on_create == 100
    groups = aws.groups
    assert (groups.members_readable, groups.replace_members_allowed, groups.remove_all_allowed) == (False,) * 3
    assert aws.groups.member_filter == 'id eq "{group}" and members eq "{user}"'
    assert aws.paging.mode is PagingMode.CURSOR
    assert aws.address.placeholders == ("region", "tenant")


def test_an_unknown_vendor_is_named_with_those_there_are():
    """The message is read by whoever wrote `vendor = "slak"`."""
    with pytest.raises(ConfigurationError) as caught:
        load_vendor("slak")
    assert "slak" in caught.value.what
    assert "slack" in caught.value.mend


def test_a_vendor_without_scim_is_refused_with_its_other_interface():
    """Adobe: SCIM from Entra and Google alone."""
    with pytest.raises(ConfigurationError) as caught:
        load_vendor("adobe")
    assert "User Management API" in caught.value.mend


def test_an_unknown_key_is_named_with_its_place(tmp_path):
    """Strict: a misspelt key would otherwise be a fact that nobody reads."""
    said = refused(tmp_path, SLACK.replace("[disable]\n", "[disable]\nreversable = true\n"))
    assert "disable.reversable" in said


def test_a_missing_group_is_named(tmp_path):
    """No group of facts can be left out."""
    said = refused(tmp_path, SLACK.replace("[delete]\nexists = true", "[somewhere]\nexists = true"))
    assert "delete" in said
    assert "somewhere" in said


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("max = 1000", 'max = "1000"', "paging.max"),
        ("max = 1000", "max = 0", "paging.max"),
        ("deletes = false", 'deletes = "no"', "disable.deletes"),
        ('verb = "patch"', 'verb = "post"', "disable.verb"),
        ("checked_on = 2026-11-24", 'checked_on = "lately"', "address.checked_on"),
        ('confidence = "documented"', 'confidence = "sure"', "address.confidence"),
        ('base_url = "https://api.slack.com/scim/v2"', 'base_url = "http://slack"', "address.base_url"),
        ("requests = 600", "", "rates.buckets.0"),
        ('source = "https://docs.slack.dev/reference/scim-api"', "", "address"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(tmp_path, old, new, key):
    """Numbers, switches and words are taken as they are written, never guessed at."""
    assert old in SLACK
    assert f"{key}:" in refused(tmp_path, SLACK.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('form = "no_path"\n', "", "form stands with verb patch"),
        ("reversible = true\ndeletes = false", "reversible = true\ndeletes = true", "cannot be reversible"),
        ("reversible = true\ndeletes = false", "reversible = false\ndeletes = true", "not shown as inactive"),
        ('after_delete = "inactive"\n', "", "after_delete stands with delete.exists"),
        ("exists = true\nreversible = true", "exists = false\nreversible = true", "delete"),
    ],
)
def test_a_profile_that_contradicts_itself_is_refused(tmp_path, old, new, said):
    """What deletes cannot be undone, and cannot be read back as inactive."""
    assert old in SLACK
    assert said in refused(tmp_path, SLACK.replace(old, new, 1))


def test_text_that_is_no_toml_is_refused(tmp_path):
    """The place of the mistake comes with it."""
    assert "cannot be read" in refused(tmp_path, "title = ")


def test_the_bucket_of_a_request_is_found_by_method_path_and_length():
    """Slack counts a PATCH of a user twice, with all writes and with updates of users."""
    rates = load_vendor("slack").rates
    assert [b.name for b in rates.buckets_of("PATCH", "/Users/U1")] == ["writes", "update user"]
    assert [b.name for b in rates.buckets_of("GET", "/Users")] == ["reads"]
    miro = load_vendor("miro").rates
    assert [b.requests for b in miro.buckets_of("PATCH", "/Groups/1", 500)] == [100]
    assert [b.requests for b in miro.buckets_of("PATCH", "/Groups/1", 501)] == [5, 100]


@given(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE"]), st.text(alphabet="/abcU1{}", max_size=12))
def test_a_bucket_for_every_path_takes_every_path(method, path):
    """`* /**` leaves nothing out; a pattern with a method takes that method alone."""
    bucket = {"name": "b", "window_s": 1, "requests": 1}
    everything = Bucket.model_validate({**bucket, "applies_to": ["* /**"]})
    posts = Bucket.model_validate({**bucket, "applies_to": ["POST /**"]})
    assert everything.takes(method, path)
    assert posts.takes(method, path) is (method == "POST")


@pytest.mark.parametrize("name", sorted(NAMED_IN_THE_ISSUE))
def test_a_profile_survives_being_written_down_and_read_again(name):
    """The file holds nothing that the profile drops: every key is a field."""
    content = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    profile = load_vendor(name)
    for group, facts in content.items():
        held = getattr(profile, group)
        for key in facts if isinstance(facts, dict) else ():
            assert hasattr(held, key), f"{group}.{key}"


def test_a_put_disable_needs_no_form():
    """Figma describes a whole record with active=false."""
    figma = load_vendor("figma")
    assert figma.disable.verb is DisableVerb.PUT
    assert figma.disable.form is None
