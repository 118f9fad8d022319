"""`python -m bench scim`: it runs end to end; what it measures is nobody's business here."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.scim_work import Work

ROOT = Path(__file__).resolve().parents[3]
WORKS = {work.value for work in Work}


def ran(*arguments: str) -> tuple[dict[str, Any], list[str]]:
    """The object that it printed, and the lines beside it."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "scim", "--quick", *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found, done.stderr.splitlines()


def test_our_server_and_a_bare_answer_are_measured():
    """Issue 3 point 5: every work at ours, the database's share beside it and nothing failing; the ratio comes last."""
    found, lines = ran("--only", "lastday,bare ASGI")
    ours = found["results"]["lastday"]
    assert set(ours) == WORKS
    assert all(cell["requests"] > 0 and "database_cpu_us" in cell and "failed" not in cell for cell in ours.values())
    assert found["results"]["lastday, the whole way"].keys() == {"GET by id"}
    assert set(found["results"]["lastday, nothing at hand"]) == WORKS - {"PATCH active", "POST create"}
    assert found["cannot_or_in_part"].keys() == {"bare ASGI"}
    assert found["results"]["bare ASGI"].keys() == {"GET by id"}
    assert lines[-2].startswith("lastday / bare ASGI GET: ")
    assert lines[-1].startswith("load average ")


@pytest.mark.nightly
def test_every_peer_does_every_work_or_says_what_it_cannot():
    """Issue 3 point 5: scim2-server, django-scim2 and scimmy-routers beside ours."""
    found, _ = ran("--only", "lastday,scim2-server,django-scim2,scimmy-routers")
    for name in ("scim2-server", "django-scim2", "scimmy-routers"):
        cells, cannot = found["results"].get(name, {}), found["cannot_or_in_part"].get(name, {})
        assert cells.keys() | cannot.keys() == WORKS
        assert all("failed" not in cell for cell in cells.values())
    assert found["cannot_or_in_part"] == {
        "scimmy-routers": {"list 100": "answers 20 of 30"},
        "django-scim2": {"filter externalId eq": "finds 0 users"},
    }
