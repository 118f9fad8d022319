"""An identity provider pushes its people over SCIM; who is switched off there is out here, with nobody typing.

Issue acceptance: a leaver pushed by `active=false`, also as the text that Entra sends, is out of three applications,
verified, and the certificate names the client and the request (S-16, S-41, S-42).
"""

import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.asking import Asking, Said
from tests.journeys.northwind import Northwind, Picture, open_northwind, people_of

pytestmark = [pytest.mark.timeout(400)]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SOURCE = """[source.hr]
kind       = "scim"
person_key = "externalId"

[server]
listen = "127.0.0.1:0"

# ---------- who decides
"""
SWITCHED_OFF_AS_TEXT = {"schemas": [PATCH], "Operations": [{"op": "Replace", "path": "active", "value": "False"}]}
SWITCHED_OFF = {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]}
PATIENCE_S = 90


def accountants() -> list[dict[str, str]]:
    """People with an account in all three applications, and so many colleagues that no brake holds three leavers."""
    here = [row for row in people_of("people-2026-11-20.csv") if row["status"] == "active" and not row["end_date"]]
    booking = [r for r in here if r["department"] == "Finance" and "Accountant" in r["job_title"]]
    return [*booking[:4], *(row for row in here if row["department"] == "Engineering")][:26]


def as_entra_sends(row: Mapping[str, str]) -> dict[str, Any]:
    """One person as Entra ID creates them: capital letters, roles and meta included."""
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": row["employee_id"],
        "userName": row["work_email"],
        "active": True,
        "displayName": row["full_name"],
        "title": row["job_title"],
        "userType": row["worker_type"],
        "emails": [{"primary": True, "type": "work", "value": row["work_email"]}],
        "meta": {"resourceType": "User"},
        "name": {"givenName": row["given_name"], "familyName": row["family_name"]},
        "roles": [],
        ENTERPRISE: {
            "employeeNumber": row["employee_id"],
            "department": row["department"],
            "costCenter": row["cost_center"],
            "organization": row["company"],
        },
    }


@dataclass
class Scene:
    """What was pushed, what the applications held before, and how it ended."""

    world: Northwind
    rows: list[dict[str, str]]
    entra: Asking
    okta: Asking
    before: Picture
    ids: dict[str, str] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)

    @property
    def leavers(self) -> list[str]:
        """Employee numbers: switched off as text, as a boolean, and deleted."""
        return [row["employee_id"] for row in self.rows[:3]]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        rows = accountants()
        world = open_northwind(stack, rows=rows)
        _receive_by_scim(world.folder / "lastday.toml")
        url = _served(stack, world)
        entra = _client(stack, world, url, "entra", "entra-production")
        okta = _client(stack, world, url, "okta", "okta-preview")
        made = Scene(world=world, rows=rows, entra=entra, okta=okta, before=world.picture())
        for row in rows:
            said = entra("POST", "/Users", as_entra_sends(row))
            assert said.status == 201, said.body
            made.ids[row["employee_id"]] = said.body["id"]
        world.lastday("source", "read", "hr", "--accept")
        world.settle(at=None)
        made.before = world.picture()
        first, second, third = made.leavers
        made.said[first] = entra("PATCH", f"/Users/{made.ids[first]}", SWITCHED_OFF_AS_TEXT)
        made.said[second] = okta("PATCH", f"/Users/{made.ids[second]}", SWITCHED_OFF)
        made.said[third] = entra("DELETE", f"/Users/{made.ids[third]}")
        yield made


def _receive_by_scim(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    start, end = text.index("[source.hr]"), text.index("# ---------- who decides")
    path.write_text(text[:start] + SOURCE + text[end:].replace("# ---------- who decides\n", "", 1), encoding="utf-8")


def _served(stack: ExitStack, world: Northwind) -> str:
    """`lastday serve` in its own process; the address it says it listens at."""
    said = world.folder / "serve.log"
    with said.open("wb") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "lastday", "serve"],
            cwd=world.folder, env=world.environment, stdout=subprocess.DEVNULL, stderr=complaints,
        )  # fmt: skip
    stack.callback(process.wait, 30)
    stack.callback(process.terminate)
    found = _eventually(lambda: re.search(r"listening on (\S+)", said.read_text()), "the server listens")
    return str(found[1])


def _client(stack: ExitStack, world: Northwind, url: str, profile: str, name: str) -> Asking:
    made = world.lastday("token", "new", "scim", "--source", "hr", "--profile", profile, "--name", name)
    asking = Asking(url=url, token=made.out.splitlines()[-1])
    stack.callback(asking.close)
    return asking


def _eventually(look: Callable[[], Any], what: str) -> Any:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not in {PATIENCE_S} s: {what}")


def is_out(picture: Picture, number: str) -> bool:
    """Nothing of this person works any more at any of the three."""
    chat = picture.in_chat(number)
    role = picture.ledger.get(number)
    return (
        picture.in_directory(number) == (False, frozenset())
        and (chat is None or chat["active"] is False)
        and (role is None or (not role["login"] and not role["roles"]))
    )


def case_of(scene: Scene, number: str) -> dict[str, Any]:
    found = [
        c
        for c in scene.world.lastday("case", "list", "--all", "--json").json["cases"]
        if c["employee_number"] == number
    ]
    assert len(found) == 1, found
    return dict(found[0])


def test_whoever_is_here_works_in_all_three_applications_before(scene):
    for number in scene.leavers:
        usable, groups = scene.before.in_directory(number)
        assert usable
        assert groups == {"all-staff", "finance"}
        assert scene.before.in_chat(number)["active"] is True
        assert scene.before.ledger[number]["roles"] == ["ledger_rw"]


@pytest.mark.parametrize("which", [0, 1, 2], ids=["the text False of Entra", "a boolean of Okta", "DELETE"])
def test_who_is_switched_off_at_the_provider_is_out_of_three_applications(scene, which):
    number = scene.leavers[which]
    assert scene.said[number].status in (200, 204)
    _eventually(lambda: is_out(scene.world.picture(), number), f"{number} is out of all three")


def test_nobody_else_was_touched(scene):
    _eventually(lambda: all(is_out(scene.world.picture(), number) for number in scene.leavers), "all three are out")
    assert scene.world.picture().without(scene.leavers) == scene.before.without(scene.leavers)


@pytest.mark.parametrize("which", [0, 1, 2], ids=["the text False of Entra", "a boolean of Okta", "DELETE"])
def test_the_certificate_names_the_client_and_the_request(scene, which):
    number = scene.leavers[which]
    _eventually(lambda: "entitlements_gone" in case_of(scene, number)["milestones"], "all is settled")
    out = scene.world.folder / f"{number}.zip"
    scene.world.lastday("evidence", "bundle", case_of(scene, number)["case"], "--out", str(out))
    with zipfile.ZipFile(out) as bundle:
        page = bundle.read("report.html").decode()
    assert ("okta-preview" if which == 1 else "entra-production") in page
    assert scene.said[number].headers["x-request-id"] in page
    key = scene.world.lastday("evidence", "fingerprint").out.strip()
    assert scene.world.lastday("verify", str(out), "--key", key).code == 0
