"""A small company whose applications really run: two SCIM servers, a PostgreSQL cluster and, where asked, slapd.

Everybody who is in has an account in each; the ledger's also hold a role and own a table. `go` lets people leave and
one more join. What became of them is asked at the servers by their own means.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.rows import dict_row

from lastday.execution.engine import Boundary
from lastday.store import embedded
from tests.servers.postgres import Postgres
from tests.servers.scim import ScimServer
from tests.servers.slapd import LASTDAY_DN, LASTDAY_PASSWORD, Slapd, group, person

COMMAND = [sys.executable, "-m", "tests.crash.crashing"]
ROOT = Path(__file__).parents[2]
RESTS = {"settled", "superseded", "confirmed_by_hand", "accepted_risk"}

CONFIGURATION = """
[company]
name = "Crash"
time_zone = "UTC"

[source.hr]
kind = "csv"
path = "people.csv"
key = "employee_id"
date = "YYYY-MM-DD"
[source.hr.map]
employeeNumber = "employee_id"
userName = "mail"
displayName = "name"
"name.givenName" = "given"
"name.familyName" = "family"
"emails.value" = "mail"
startDate = "start"
status = { column = "status", active = ["active"], ended = ["terminated"] }

[app.chat]
connector = "scim"
url = "@chat@"
token = { env = "SCIM_TOKEN" }
match = { proof = ["externalId = employeeNumber"] }
create = { userName = ["{userName}"] }
mode = "enforce"
settle = "1s"

[app.wiki]
connector = "scim"
url = "@wiki@"
token = { env = "SCIM_TOKEN" }
groups = false
match = { proof = ["externalId = employeeNumber"] }
create = { userName = ["{userName}"] }
mode = "enforce"
settle = "1s"

[app.ledger]
connector = "postgresql"
dsn = { env = "LEDGER_DSN" }
match = { proof = ["comment = employeeNumber"] }
create = { rolname = ["{name.givenName:ascii}"] }
mode = "enforce"
successor = "ledger_owner"
settle = "1s"
@directory@
[role.everyone]
when = 'lifecycle eq "active"'
give = ["chat:account", "chat:group/staff", "wiki:account", "ledger:role/books"@given@]

[leaver.standard]
limit = "15m"

[brakes]
surprise_leavers_floor = 1000
leavers_volume_percent = 100
group_percent = 100
group_floor = 1000
removals_floor = 1000
entitlement_removals_floor = 1000
new_accounts_floor = 1000
entitlement_growth_floor = 1000
"""

DIRECTORY = """
[app.directory]
connector = "ldap"
url = "@url@"
bind_dn = "@dn@"
password = { env = "LDAP_PASSWORD" }
base_dn = "dc=northwind,dc=example"
people = "ou=people"
groups = "ou=groups"
match = { proof = ["employeeNumber = employeeNumber"] }
create = { uid = ["{name.givenName:ascii}"] }
attributes = { displayName = "displayName", mail = "emails.value" }
mode = "enforce"
settle = "1s"
"""


_ROLE = """
SELECT r.rolcanlogin, coalesce(string_agg(g.rolname, ','), ''),
       (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid)
FROM pg_roles r LEFT JOIN pg_auth_members m ON m.member = r.oid LEFT JOIN pg_roles g ON g.oid = m.roleid
WHERE shobj_description(r.oid, 'pg_authid') = :'who' GROUP BY r.oid, r.rolcanlogin
"""


@dataclass(frozen=True)
class Finished:
    """A command that ended; killed ones have the code -9."""

    code: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Crashing:
    """The company, and the commands that are killed on the way."""

    folder: Path
    chat: ScimServer
    wiki: ScimServer
    ledger: Postgres
    directory: Slapd | None
    here: list[int]
    gone: list[int] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=count)
    environment: dict[str, str] = field(default_factory=dict)
    begun: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def database(self) -> str:
        """The URL of Lastday's own database."""
        data = self.home / "pg"
        return f"postgresql://lastday@/lastday?host={quote(str(data), safe='')}&port=5432"

    # Commands ------------------------------------------------------------------------------------------------------

    def begin(self, *arguments: str, at: Boundary | None = None, on: int = 1) -> "subprocess.Popen[str]":
        """The command, running; it kills itself on the n-th arrival `at` the boundary."""
        environment = dict(self.environment)
        if at is not None:
            environment |= {"CRASH_AT": at.value, "CRASH_ON": str(on)}
        process = subprocess.Popen(
            [*COMMAND, *arguments, "-c", str(self.folder / "lastday.toml")],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=_hear_ctrl_c,
        )  # fmt: skip
        self.begun.append(process)
        return process

    def close(self) -> None:
        """No command and no server of the database lives; a worker left alone would start the server again."""
        for process in self.begun:
            if process.poll() is None:
                process.kill()
                process.communicate()
        asyncio.run(embedded.stop(self.home))

    def run(self, *arguments: str, at: Boundary | None = None, on: int = 1, codes: Sequence[int] = (0,)) -> Finished:
        """The command ended, with one of these codes, or killed where a boundary is given."""
        process = self.begin(*arguments, at=at, on=on)
        done = ended(process)
        if at is None:
            assert done.code in codes, f"{arguments}: {done.code}\n{done.out[-2000:]}\n{done.err[-4000:]}"
        return done

    def feed(self) -> None:
        """HR's file says who is in."""
        lines = ["employee_id,name,given,family,mail,start,status"]
        lines += [_row(number, "active") for number in self.here] + [_row(number, "terminated") for number in self.gone]
        (self.folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def go(self, leavers: int, joiners: int = 0) -> tuple[list[int], list[int]]:
        """So many leave and so many join, by HR's word, which is read; who."""
        leaving = [self.here.pop(0) for _ in range(leavers)]
        joining = [next(self.numbers) for _ in range(joiners)]
        self.gone += leaving
        self.here += joining
        self.feed()
        self.run("source", "read", "hr", "--json")
        return leaving, joining

    def plan(self, at: Boundary | None = None, on: int = 1) -> Finished:
        return self.run("plan", "--json", at=at, on=on)

    # What the servers say ------------------------------------------------------------------------------------------

    def assert_out(self, number: int) -> None:
        """Each server says so itself: no sign-in, no membership, no session, nothing owned."""
        assert not _user_of(self.chat, number)["active"]
        assert not _user_of(self.wiki, number)["active"]
        assert _user_of(self.chat, number)["id"] not in self.chat_members()
        login, roles, owned = self.ledger_role(number)
        assert (login, roles, owned) == (False, set(), 0)
        if self.directory is not None:
            assert not self.directory.can_bind(f"uid=p{number},ou=people,dc=northwind,dc=example", f"secret-{number}")
            assert not self.directory.search(f"(member=uid=p{number},ou=people,dc=northwind,dc=example)", "cn")

    def assert_in(self, number: int) -> None:
        assert _user_of(self.chat, number)["active"]
        assert _user_of(self.wiki, number)["active"]
        assert _user_of(self.chat, number)["id"] in self.chat_members()
        login, roles, _ = self.ledger_role(number)
        assert (login, roles) == (True, {"books"})

    def chat_members(self) -> set[str]:
        (staff,) = self.chat.resources("Groups")
        return {member["value"] for member in staff.get("members") or ()}

    def ledger_role(self, number: int) -> tuple[bool, set[str], int]:
        """May it log in, what it holds, how much it owns."""
        rows = self.ledger.psql(f"\\set who E{number}\n{_ROLE}")
        assert len(rows) == 1, f"one role, not {len(rows)}"
        return rows[0][0] == "t", set(filter(None, rows[0][1].split(","))), int(rows[0][2])

    # What the database says ----------------------------------------------------------------------------------------

    def rows(self, query: str, *parameters: object) -> list[dict[str, Any]]:
        with psycopg.connect(self.database, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def assert_converged(self) -> None:
        """Every operation rests, each effect has one outcome and one intent for each attempt; no lane is stuck."""
        found = self.rows(
            "SELECT o.id, o.state, o.verb, o.attempts, o.holder,"
            " (SELECT count(*) FROM attempt a WHERE a.operation = o.id) AS tried,"
            " (SELECT array_agg(e.kind) FROM operation_entry e WHERE e.operation = o.id) AS entries FROM operation o"
        )
        unrested = [row for row in found if row["state"] not in RESTS]
        assert not unrested, unrested
        for row in found:
            _assert_evidence(row)
        assert self.rows("SELECT id FROM procrastinate_jobs WHERE status = 'doing'") == []
        assert self.rows("SELECT id FROM case_file WHERE state NOT IN ('complete', 'superseded')") == []


def _assert_evidence(row: Mapping[str, Any]) -> None:
    kinds = Counter(row["entries"] or ())
    assert kinds["intent"] == row["attempts"] == row["tried"], row
    if row["state"] == "settled":
        assert kinds["outcome"] == 1, row
        assert kinds["intent"] >= 1, row
        assert kinds["verification"] >= 1, row
        assert kinds["settlement"] <= 1, row


def _hear_ctrl_c() -> None:
    """As under a terminal: a shell that puts the tests into the background has its children ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ended(process: "subprocess.Popen[str]", seconds: float = 180) -> Finished:
    """The process has ended; one that does not within the time is killed and told of.

    A worker that was stopped inside a transaction holds its locks for 60 s at most, and a call that hangs ends after as
    long: both may come one after the other.
    """
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it does not end: {process.args!r}\n{out[-2000:]}\n{err[-4000:]}") from None
    return Finished(process.returncode, out, err)


def _row(number: int, status: str) -> str:
    return f"E{number},P{number} Test,P{number},Test,p{number}@northwind.example,2024-01-01,{status}"


def _user_of(server: ScimServer, number: int) -> dict[str, Any]:
    found = [user for user in server.resources("Users") if user.get("externalId") == f"E{number}"]
    assert len(found) == 1, f"one account of E{number}, not {len(found)}"
    return found[0]


def open_crashing(stack: ExitStack, *, people: int, directory: bool = False) -> Crashing:
    """The company with everybody in, read, planned and settled; closed with `stack`."""
    numbers = list(range(100, 100 + people))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crash-", dir="/tmp")))
    folder.chmod(0o755)
    names = [f"p{number}@northwind.example" for number in numbers]
    chat = stack.enter_context(ScimServer(users=[_user(n) for n in numbers], groups={"staff": names}))
    wiki = stack.enter_context(ScimServer(users=[_user(n) for n in numbers]))
    ledger = stack.enter_context(Postgres())
    ledger.psql("CREATE ROLE lastday SUPERUSER LOGIN; CREATE ROLE books NOLOGIN; CREATE ROLE ledger_owner NOLOGIN;")
    ledger.psql("".join(_role(number) for number in numbers))
    slapd = stack.enter_context(Slapd(ldif=_entries(numbers))) if directory else None
    world = Crashing(folder, chat, wiki, ledger, slapd, here=numbers, numbers=count(100 + people))
    world.environment = {
        **{k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "LASTDAY_LOG")},
        "LASTDAY_HOME": str(world.home),
        "SCIM_TOKEN": chat.token,
        "LEDGER_DSN": ledger.dsn_of("lastday"),
        "LDAP_PASSWORD": LASTDAY_PASSWORD,
    }
    (folder / "lastday.toml").write_text(_configuration(world), encoding="utf-8")
    world.feed()
    stack.callback(world.close)
    world.run("source", "read", "hr", "--accept")
    world.run("apply", world.plan().json["plan"], "--wait")
    return world


def _configuration(world: Crashing) -> str:
    text = CONFIGURATION.replace("@chat@", world.chat.url).replace("@wiki@", world.wiki.url)
    if world.directory is None:
        return text.replace("@directory@", "").replace("@given@", "")
    directory = DIRECTORY.replace("@url@", world.directory.url).replace("@dn@", LASTDAY_DN)
    return text.replace("@directory@", directory).replace("@given@", ', "directory:account", "directory:group/staff"')


def _user(number: int) -> dict[str, object]:
    mail = f"p{number}@northwind.example"
    return {
        "userName": mail,
        "externalId": f"E{number}",
        "displayName": f"P{number} Test",
        "active": True,
        "emails": [{"value": mail, "primary": True}],
    }


def _role(number: int) -> str:
    return (
        f"CREATE ROLE p{number} LOGIN; COMMENT ON ROLE p{number} IS 'E{number}'; GRANT books TO p{number};"
        f" CREATE TABLE of_p{number} (id int); ALTER TABLE of_p{number} OWNER TO p{number};\n"
    )


def _entries(numbers: Sequence[int]) -> str:
    people = [person(f"p{n}", f"E{n}", name=f"P{n} Test", password=f"secret-{n}") for n in numbers]
    return "".join([*people, group("staff", [f"p{n}" for n in numbers])])
