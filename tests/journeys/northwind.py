"""Northwind Robotics on real servers: slapd, a SCIM server that is not ours, PostgreSQL, and `lastday` as a command.

The world is asked by its own means (ldapsearch, psql, GETs), never through our connectors.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lastday.policy.names import ascii_fold
from tests.servers.postgres import Postgres
from tests.servers.scim import ScimServer
from tests.servers.slapd import LASTDAY_DN, LASTDAY_PASSWORD, Entry, Slapd, group, person

HR = Path(__file__).parents[1] / "data" / "hr"
FIRST_LOAD = "2026-11-20T06:00:00Z"
SECOND_LOAD = "2026-11-24T06:00:00Z"
TOKENS = {"DANA_TOKEN": "dana-knows-this", "TOM_TOKEN": "tom-knows-that"}


def people_of(name: str) -> list[dict[str, str]]:
    """The rows of one of our HR files."""
    with (HR / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Northwind:
    """The company's servers, seeded from an HR file, and an installation of Lastday that governs them."""

    folder: Path
    directory: Slapd
    chat: ScimServer
    ledger: Postgres
    environment: dict[str, str] = field(default_factory=dict)

    def lastday(self, *arguments: str, at: str | None = None, check: bool = True, **variables: str) -> Finished:
        """The command, run in its own process; `at` is where the test clock starts."""
        environment = {**self.environment, **variables}
        if at is not None:
            environment["LASTDAY_TEST_CLOCK"] = at
        done = subprocess.run(
            [sys.executable, "-m", "lastday", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
        finished = Finished(done.returncode, done.stdout, done.stderr)
        assert not check or done.returncode == 0, (
            f"{arguments}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr}"
        )
        return finished

    def deliver(self, name: str) -> None:
        """HR puts this file where the source is."""
        shutil.copy(HR / name, self.folder / "people.csv")

    def load_first(self) -> None:
        """The first file is accepted and settled: everything is as it should be on 20 November."""
        self.deliver("people-2026-11-20.csv")
        self.lastday("source", "read", "hr", "--accept", at=FIRST_LOAD)
        self.settle(at=FIRST_LOAD)

    def settle(self, *, at: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Plan and result of one round; what waits for approval is approved by Dana."""
        plan = self.lastday("plan", "--json", at=at).json
        if any(o["approval"] and not o["stopped"] for o in plan["operations"]):
            self.lastday("approve", plan["plan"], "--user", "dana", at=at, LASTDAY_TOKEN=TOKENS["DANA_TOKEN"])
        done = self.lastday("apply", plan["plan"], "--wait", "--json", at=at, check=False)
        assert done.code in (0, 4, 6), f"{done.code}\n{done.err}"
        return plan, done.json

    # What the servers themselves say -------------------------------------------------------------------------------

    def entry(self, number: str) -> Entry | None:
        found = self.directory.search(f"(employeeNumber={number})", "*", "+")
        return found[0] if found else None

    def groups_of(self, dn: str) -> set[str]:
        return {entry["cn"][0] for entry in self.directory.search(f"(member={dn})", "cn")}

    def chat_user(self, number: str) -> dict[str, Any] | None:
        return next((u for u in self.chat.resources("Users") if u.get("external_id") == number), None)

    def ledger_roles(self) -> dict[str, dict[str, Any]]:
        """Number -> role of the ledger, with what it holds."""
        rows = self.ledger.psql(
            "SELECT shobj_description(r.oid, 'pg_authid'), r.rolname, r.rolcanlogin,"
            " coalesce(string_agg(g.rolname, ',' ORDER BY g.rolname), '') FROM pg_roles r"
            " LEFT JOIN pg_auth_members m ON m.member = r.oid LEFT JOIN pg_roles g ON g.oid = m.roleid"
            " WHERE shobj_description(r.oid, 'pg_authid') IS NOT NULL GROUP BY 1, 2, 3"
        )
        return {
            row[0]: {"name": row[1], "login": row[2] == "t", "roles": set(filter(None, row[3].split(",")))}
            for row in rows
        }

    def writes(self) -> int:
        """How many changes all servers saw since the start, made by us."""
        return (
            len(self.directory.writes(by=LASTDAY_DN)) + len(self.chat.writes()) + len(self.ledger.writes(by="lastday"))
        )


def open_northwind(stack: ExitStack, *, rows: Sequence[Mapping[str, str]] | None = None) -> Northwind:
    """A running world, closed with `stack`. Everybody of the first HR file has the accounts that the policy gives."""
    people = list(rows if rows is not None else people_of("people-2026-11-20.csv"))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="northwind-")))
    folder.chmod(0o755)
    directory = stack.enter_context(Slapd(bulk_ldif="", ldif=_directory(people)))
    chat = stack.enter_context(ScimServer(users=[_chat_user(row) for row in people]))
    ledger = stack.enter_context(Postgres())
    ledger.psql(_ledger(people))
    shutil.copy(HR / "accounts-design.csv", folder / "accounts-design.csv")
    world = Northwind(folder, directory, chat, ledger)
    world.environment = {
        **{k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV")},
        **TOKENS,
        "LASTDAY_HOME": str(folder / "home"),
        "LDAP_PASSWORD": LASTDAY_PASSWORD,
        "CHAT_TOKEN": chat.token,
        "LEDGER_DSN": ledger.dsn_of("lastday"),
    }
    (folder / "lastday.toml").write_text(_configuration(directory, chat), encoding="utf-8")
    stack.callback(lambda: world.lastday("stop", check=False))
    world.lastday("migrate", "--test")
    return world


def uid_of(row: Mapping[str, str]) -> str:
    """The user name that the company gave: the local part of the mail."""
    return row["work_email"].partition("@")[0]


def wished_groups(row: Mapping[str, str]) -> set[str]:
    """Which groups of the directory the policy gives, worked out here in the test's own words."""
    groups = {"all-staff"}
    if row["department"] == "Engineering" and row["worker_type"] != "contractor":
        groups |= {"engineering", "vpn"}
    if row["department"] == "Finance" and "Accountant" in row["job_title"]:
        groups.add("finance")
    if row["department"] == "People" and "Payroll" in row["job_title"]:
        groups.add("payroll")
    return groups


def ledger_role(row: Mapping[str, str]) -> str | None:
    groups = wished_groups(row)
    return "ledger_rw" if "finance" in groups else "payroll_rw" if "payroll" in groups else None


def _directory(people: Sequence[Mapping[str, str]]) -> str:
    entries: list[str] = []
    members: dict[str, list[str]] = {name: [] for name in ("all-staff", "engineering", "vpn", "finance", "payroll")}
    for row in people:
        uid = uid_of(row)
        entries.append(
            person(uid, row["employee_id"], name=row["full_name"], password=f"secret-{row['employee_id']}",
                   title=row["job_title"], departmentNumber=row["cost_center"])
        )  # fmt: skip
        for name in wished_groups(row) if row["status"] == "active" else ("all-staff",):
            members[name].append(uid)
    entries.append(person("breakglass1", "", name="Break Glass", password="glass").replace("employeeNumber:: \n", ""))
    lastday_group = group("directory-admins", ["breakglass1"])
    return "".join([*entries, *(group(name, uids or [LASTDAY_DN]) for name, uids in members.items()), lastday_group])


def _chat_user(row: Mapping[str, str]) -> dict[str, object]:
    return {
        "userName": row["work_email"],
        "externalId": row["employee_id"],
        "displayName": row["full_name"],
        "active": True,
        "emails": [{"value": row["work_email"], "primary": True}],
    }


def _ledger(people: Sequence[Mapping[str, str]]) -> str:
    lines = [
        "CREATE ROLE lastday SUPERUSER LOGIN;",
        "CREATE ROLE ledger_rw NOLOGIN; CREATE ROLE payroll_rw NOLOGIN; CREATE ROLE ledger_owner NOLOGIN;",
        "CREATE DATABASE books; CREATE DATABASE archive;",
    ]
    for row in people:
        role = ledger_role(row)
        if role is not None:
            name = ascii_fold(uid_of(row)).replace("-", "_") if False else uid_of(row)
            lines.append(f'CREATE ROLE "{name}" LOGIN; COMMENT ON ROLE "{name}" IS \'{row["employee_id"]}\';')
            lines.append(f'GRANT {role} TO "{name}";')
    return "\n".join(lines)


def _configuration(directory: Slapd, chat: ScimServer) -> str:
    text = (Path(__file__).parents[1] / "data" / "northwind.toml").read_text(encoding="utf-8")
    text = text.replace("ldap://127.0.0.1:1389", directory.url).replace("http://127.0.0.1:8801/v2", chat.url)
    text = text.replace("cn=lastday,dc=northwind,dc=example", LASTDAY_DN)
    return (
        text.replace('successor = "ledger_owner"', 'successor = "ledger_owner"\nsettle    = "2s"\nkeep_for  = "30d"')
        .replace('settle    = "5s"', 'settle    = "2s"')
        .replace('owner     = "group:it"', 'owner     = "group:it"\nsettle    = "2s"')
    )
