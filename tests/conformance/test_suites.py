"""Suites of other projects against our server, over a real socket, whole: scim2-tester and scim-sanity (S-41)."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server, filling

SANITY = Path(sys.executable).with_name("scim-sanity")
GROUP_CHANGES = {"PATCH /Groups/{id}", "PATCH /Groups/{id} add member", "PATCH /Groups/{id} remove members"}


DAYS = {"start_date", "end_date"}


@pytest.fixture
def tester_that_knows_moments(monkeypatch):
    """scim2-tester fills what it cannot guess with a random word, dateTimes (RFC 7643 section 2.3.5) among them.

    No attribute of the core that a client may write is one; some of our own extension are. Two others there are days,
    for which SCIM has no type: a schema can only call them text.
    """
    without = filling.get_random_example_value

    def example(path):
        binding = path.resolve()
        if binding is not None and binding.target_type is datetime:
            return datetime(2027, 1, 31, 17, tzinfo=UTC)
        if binding is not None and binding.target_field_name in DAYS:
            return "2027-01-31"
        return without(path)

    monkeypatch.setattr(filling, "get_random_example_value", example)


@pytest.mark.real("scim2-tester")
@pytest.mark.usefixtures("tester_that_knows_moments")
def test_every_check_of_scim2_tester_passes(server):
    headers = {"Authorization": f"Bearer {server.token('strict')}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=30) as client:
        results = check_server(SyncSCIMClient(client))
    assert [(r.title, r.reason) for r in results if r.status is not Status.SUCCESS] == []
    assert len(results) > 120


def probed(server, profile):
    """The verdicts of scim-sanity, by the name of the check."""
    done = subprocess.run(
        [SANITY, "probe", server.url, "--token", server.token(profile), "--i-accept-side-effects", "--json-output"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return json.loads(done.stdout)["results"]


@pytest.mark.real("scim-sanity")
def test_every_probe_of_scim_sanity_passes(server):
    """Its three probes of a draft for agents do not apply, as it says itself."""
    verdicts = probed(server, "strict")
    assert Counter(verdict["status"] for verdict in verdicts) == {"pass": 28, "skip": 3}


@pytest.mark.real("scim-sanity")
def test_under_the_profile_of_entra_it_misses_only_the_body_that_entra_does_not_want(server):
    """Entra wants 204 for a change of a group; RFC 7644 section 3.5.2 allows both, scim-sanity only 200."""
    failed = {verdict["name"] for verdict in probed(server, "entra") if verdict["status"] not in ("pass", "skip")}
    assert failed == GROUP_CHANGES
