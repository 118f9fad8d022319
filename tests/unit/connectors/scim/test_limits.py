"""A vendor's rates as limits of the shared budget: never more than the vendor allows (issue 3, point 4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.scim.limits import OUR_PART, limits_of, limits_of_calls
from lastday.connectors.scim.vendor_profile import Bucket, load_vendor, vendors
from lastday.connectors.sdk.http import Call, encoded


def limit_of(bucket):
    slack = load_vendor("slack")
    rates = slack.rates.model_copy(update={"buckets": (bucket,)})
    (found,) = limits_of(slack.model_copy(update={"rates": rates}))
    return found


@given(st.integers(1, 5000), st.integers(1, 3600), st.booleans())
def test_no_window_has_more_requests_than_the_vendor_allows(requests, window, shared):
    """A token bucket lets through at most its burst and what is refilled meanwhile."""
    bucket = Bucket(name="x", applies_to=("* /**",), requests=requests, window_s=window, shared=shared)
    found = limit_of(bucket)
    allowed = requests * (OUR_PART if shared else 1)
    assert found.burst + found.per_second * window <= max(allowed, 1) * 1.5
    if allowed >= 2:
        assert found.burst + found.per_second * window <= allowed * 1.000001


def test_a_stated_burst_is_kept_and_others_get_their_part():
    """Slack: 600 writes a minute with a burst of 180, counted over all clients of the organisation."""
    writes = next(limit for limit in limits_of(load_vendor("slack")) if limit.name == "writes")
    assert (writes.per_second, writes.burst) == (5.0, 90.0)


def test_a_bucket_about_how_many_at_once_is_no_rate():
    assert [limit.name for limit in limits_of(load_vendor("snowflake")) if "concurrent" in limit.name] == []


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (Call(method="PATCH", path=("Users", "7"), body={}), {"writes", "update user"}),
        (Call(method="GET", path=("Users", "7")), {"reads", "read user"}),
        (Call(method="GET", path=("Users",)), {"reads"}),
        (Call(method="PATCH", path=("Groups", "7"), body={}), {"writes", "update group"}),
        (Call(method="DELETE", path=("Users", "7")), {"writes", "delete user"}),
    ],
)
def test_a_call_counts_in_every_limit_that_the_vendor_names_for_it(call, names):
    shares = limits_of_calls(load_vendor("slack"))
    assert shares is not None
    assert set(shares(call)) == names


def test_where_no_rate_is_known_no_limit_is_asked():
    assert limits_of_calls(None) is None
    assert limits_of_calls(load_vendor("pagerduty")) is None


@pytest.mark.parametrize("vendor", vendors())
def test_every_limit_that_a_call_counts_in_has_a_rate(vendor):
    profile = load_vendor(vendor)
    shares = limits_of_calls(profile)
    named = {limit.name for limit in limits_of(profile)}
    calls = [
        Call(method=m, path=p) for m in ("GET", "POST", "PUT", "PATCH", "DELETE") for p in (("Users",), ("Users", "7"))
    ]
    assert {name for call in calls for name in (shares(call) if shares else ())} <= named


@pytest.mark.parametrize(("size", "is_large"), [(500, False), (501, True)])
def test_a_body_is_as_long_as_what_is_sent_of_it(size, is_large):
    """Miro counts what is longer than 500 bytes on its own: JSON without blanks, letters as UTF-8."""
    shares = limits_of_calls(load_vendor("miro"))
    assert shares is not None
    body = {"a": "é" * 100 + "x" * (size - 208)}
    assert len(encoded(body) or b"") == size
    names = shares(Call(method="PATCH", path=("Groups", "7"), body=body))
    assert (len(names) == 2) is is_large
