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
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

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
    begun: dict[str, float] = field(default_factory=dict)
    """When each instant was first given to a command: from there the test clock ticks on over all commands."""

    def clock(self, at: str) -> str:
        """The instant, and what has gone by since it was first given: no later command is earlier than one before."""
        start = self.begun.setdefault(at, time.monotonic())
        return (datetime.fromisoformat(at) + timedelta(seconds=time.monotonic() - start)).isoformat()

    def lastday(self, *arguments: str, at: str | None = None, check: bool = True, **variables: str) -> Finished:
        """The command, run in its own process; `at` is where the test clock starts."""
        environment = {**self.environment, **variables}
        if at is not None:
            environment["LASTDAY_TEST_CLOCK"] = self.clock(at)
        done = subprocess.run(
            [sys.executable, "-m", "lastday", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=150, check=False,
        )  # fmt: skip
        finished = Finished(done.returncode, done.stdout, done.stderr)
        assert not check or done.returncode == 0, (
            f"{arguments}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr}"
        )
        return finished

    def edit(self, replaced: Mapping[str, str]) -> None:
        """Somebody changes the configuration: each text once, by another."""
        path = self.folder / "lastday.toml"
        text = path.read_text(encoding="utf-8")
        for old, new in replaced.items():
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the configuration"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def deliver(self, name: str) -> None:
        """HR puts this file where the source is."""
        shutil.copy(HR / name, self.folder / "people.csv")

    def deliver_rows(self, rows: Sequence[Mapping[str, str]]) -> None:
        """HR puts a file with these rows where the source is."""
        with (self.folder / "people.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def load_first(self) -> None:
        """The first file is accepted and settled: everything is as it should be on 20 November."""
        self.deliver("people-2026-11-20.csv")
        self.lastday("source", "read", "hr", "--accept", at=FIRST_LOAD)
        self.settle(at=FIRST_LOAD)

    def cases(self, *, at: str) -> list[dict[str, Any]]:
        """All cases there ever were, as `case list --json` shows them."""
        found: list[dict[str, Any]] = self.lastday("case", "list", "--all", "--json", at=at).json["cases"]
        return found

    def settle(self, *, at: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
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
        return next((u for u in self.chat.resources("Users") if u.get("externalId") == number), None)

    def ledger_roles(self) -> dict[str, dict[str, Any]]:
        """Number -> role of the ledger, with what it holds."""
        rows = self.ledger.psql(
            "SELECT shobj_description(r.oid, 'pg_authid'), r.rolname, r.rolcanlogin,"
            " coalesce(string_agg(g.rolname, ',' ORDER BY g.rolname), '') FROM pg_roles r"
            " LEFT JOIN pg_auth_members m ON m.member = r.oid LEFT JOIN pg_roles g ON g.oid = m.roleid"
            " WHERE shobj_description(r.oid, 'pg_authid') IS NOT NULL GROUP BY 1, 2, 3"
        )
        return {
            row[0]: {"name": row[1], "login": row[2] == "t", "roles": sorted(filter(None, row[3].split(",")))}
            for row in rows
        }

    def step(self, rows: Sequence[Mapping[str, str]], *, at: str) -> "Picture":
        """A file with these rows is read and carried out; what all servers hold then."""
        self.deliver_rows(rows)
        self.lastday("source", "read", "hr", at=at)
        self.settle(at=at)
        return self.picture()

    def picture(self) -> "Picture":
        """Everything that all servers hold now."""
        entries = self.directory.search("(objectClass=*)", "*", "+")
        memberships: dict[str, set[str]] = {}
        for entry in entries:
            for member in entry["member"]:
                memberships.setdefault(member, set()).add(entry["cn"][0])
        people = [entry for entry in entries if entry["uid"]]
        return Picture(
            directory={entry.dn: entry for entry in people},
            groups={entry.dn: frozenset(memberships.get(entry.dn, ())) for entry in people},
            chat={user["id"]: user for user in self.chat.resources("Users")},
            ledger=self.ledger_roles(),
            design=(self.folder / "accounts-design.csv").read_bytes(),
        )

    def writes(self) -> int:
        """How many changes all servers saw since the start, made by us."""
        return (
            len(self.directory.writes(by=LASTDAY_DN)) + len(self.chat.writes()) + len(self.ledger.writes(by="lastday"))
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """What all servers held at one moment, by native id (of the ledger: by employee number)."""

    directory: dict[str, Entry]
    groups: dict[str, frozenset[str]]
    chat: dict[str, dict[str, Any]]
    ledger: dict[str, dict[str, Any]]
    design: bytes

    def entry(self, number: str) -> Entry | None:
        """The one entry with this employee number; an AssertionError where there are several."""
        found = [entry for entry in self.directory.values() if number in entry["employeeNumber"]]
        assert len(found) <= 1, f"{number} has {[entry.dn for entry in found]}"
        return found[0] if found else None

    def in_directory(self, number: str) -> tuple[bool, frozenset[str]]:
        """Whether this person's entry can be used, and its groups; (False, none) where there is none."""
        entry = self.entry(number)
        if entry is None:
            return False, frozenset()
        return not entry["pwdAccountLockedTime"], self.groups[entry.dn]

    def in_chat(self, number: str) -> dict[str, Any] | None:
        found = [user for user in self.chat.values() if user.get("externalId") == number]
        assert len(found) <= 1, f"{number} has {[user['userName'] for user in found]}"
        return found[0] if found else None

    def without(self, numbers: Collection[str]) -> str:
        """A digest of every account of everybody else, operational attributes and versions included."""
        rest = {
            "directory": {
                dn: [sorted(entry.attributes.items()), sorted(self.groups[dn])]
                for dn, entry in self.directory.items()
                if not set(entry["employeeNumber"]) & set(numbers)
            },
            "chat": {key: user for key, user in self.chat.items() if user.get("externalId") not in numbers},
            "ledger": {number: str(role) for number, role in self.ledger.items() if number not in numbers},
        }
        return json.dumps(rest, sort_keys=True, default=str)


def open_northwind(
    stack: ExitStack,
    *,
    rows: Sequence[Mapping[str, str]] | None = None,
    edit: Mapping[str, str] | None = None,
) -> Northwind:
    """A running world, closed with `stack`. Everybody of the first HR file, or of `rows`, has the accounts that the
    policy gives. `edit` replaces text of the configuration.
    """
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
    world.edit(edit or {})
    stack.callback(lambda: world.lastday("stop", check=False))
    world.lastday("migrate", "--test")
    return world


def uid_of(row: Mapping[str, str]) -> str:
    """The user name that the company gave: the local part of the mail."""
    return row["work_email"].partition("@")[0]


def small_company(*numbers: str, size: int = 24) -> list[dict[str, str]]:
    """`size` people of the first file who stay and have no end date, and these; cheap where numbers do not matter."""
    everybody = people_of("people-2026-11-20.csv")
    staying = {row["employee_id"] for row in people_of("people-2026-11-23.csv") if row["status"] == "active"}
    plain = [r for r in everybody if r["employee_id"] in staying and not r["end_date"] and r["status"] == "active"]
    spread = plain[:: len(plain) // size][:size]
    named = [row for row in everybody if row["employee_id"] in numbers]
    return [*named, *(row for row in spread if row not in named)]


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
            name = uid_of(row)
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
        .replace('owner      = "group:it"', 'owner      = "group:it"\nsettle     = "2s"')
    )
