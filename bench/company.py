"""A company for measurements: people in one HR file, accounts in applications that really run, all read and settled.

The applications are those of the tests: scim2-server of the python-scim project, each in its own process, and a
PostgreSQL cluster. Lastday runs in this process, over its own embedded database, as `serve` would.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from lastday.app import Composition, Session
from lastday.execution.applying import apply_plan
from lastday.execution.intake import read_source
from lastday.execution.rounds import make_plan
from lastday.execution.worker import Worker
from lastday.model.ids import IdentityId, OperationId, SourceName, UserName
from lastday.store import embedded, identities
from tests.servers.postgres import Postgres
from tests.servers.scim import TOKEN, ScimServer

HR = SourceName("hr")
NO_LIMIT = 1e6
CONFIGURATION = """
[company]
name = "Bench"
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
[leaver.standard]
limit = "15m"
[brakes]
surprise_leavers_floor = 100000
leavers_volume_percent = 100
group_percent = 100
group_floor = 100000
removals_floor = 100000
entitlement_removals_floor = 100000
new_accounts_floor = 100000
entitlement_growth_floor = 100000
"""
SCIM = """
[app.{name}]
connector = "scim"
url = "{url}"
token = {{ env = "SCIM_TOKEN" }}
match = {{ proof = ["externalId = employeeNumber"] }}
create = {{ userName = ["{{userName}}"] }}
mode = "enforce"
settle = "1s"
"""
LEDGER = """
[app.ledger]
connector = "postgresql"
dsn = { env = "LEDGER_DSN" }
match = { proof = ["comment = employeeNumber"] }
create = { rolname = ["{name.givenName:ascii}"] }
mode = "enforce"
settle = "1s"
"""


@dataclass(slots=True)
class Company:
    """The folder, the servers and who is in."""

    folder: Path
    scim: Mapping[str, ScimServer]
    ledger: Postgres | None
    people: int

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def feed(self, gone: Sequence[int] = ()) -> None:
        """HR's file: everybody is in but these."""
        lines = ["employee_id,name,given,family,mail,start,status"]
        for number in range(self.people):
            status = "terminated" if number in gone else "active"
            lines.append(f"E{number},P{number} Test,P{number},Test,p{number}@bench.example,2024-01-01,{status}")
        (self.folder / "people.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def open_company(stack: ExitStack, *, people: int, scim: int, ledger: bool, latency_ms: float = 0) -> Company:
    """The servers run, everybody has an account and a membership in each; closed with `stack`."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp")))
    folder.chmod(0o755)
    users = [_user(number) for number in range(people)]
    names = [str(user["userName"]) for user in users]
    servers = {
        f"app{number:02}": stack.enter_context(ScimServer(users=users, groups={"staff": names}, latency_ms=latency_ms))
        for number in range(scim)
    }
    cluster = stack.enter_context(Postgres(settings=("log_statement = none",))) if ledger else None
    if cluster is not None:
        cluster.psql(
            "CREATE ROLE lastday SUPERUSER LOGIN; CREATE ROLE books NOLOGIN;" + "".join(map(_role, range(people)))
        )
    company = Company(folder, servers, cluster, people)
    (folder / "lastday.toml").write_text(_configuration(company), encoding="utf-8")
    company.feed()
    stack.callback(lambda: asyncio.run(embedded.stop(company.home)))
    return company


@asynccontextmanager
async def opened(company: Company, *, limits: bool = True) -> AsyncIterator[Session]:
    """Lastday over the company, everybody read, planned and settled, and a worker at work as under `serve`.

    Without `limits` no application's rate holds it back.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "LASTDAY_HOME": str(company.home),
        "SCIM_TOKEN": TOKEN,
        "LEDGER_DSN": company.ledger.dsn_of("lastday") if company.ledger else "",
    }
    composition = Composition(environment)
    if not limits:
        composition.kinds = {
            name: replace(kind, manifest=kind.manifest.model_copy(update={"requests_per_s": NO_LIMIT}))
            for name, kind in composition.kinds.items()
        }
    async with composition.open(company.folder / "lastday.toml") as session:
        await read_source(session.engine, HR, accepted_by=UserName("bench"))
        first = await make_plan(session.engine, "bench")
        assert not first.plan.operations, "everybody has what the policy says"
        await apply_plan(session.engine, first.plan.id, "bench")
        stop = asyncio.Event()
        worker = asyncio.create_task(
            Worker(engine=session.engine, sequencer=session.sequencer, concurrency=32).run(stop)
        )
        try:
            await asyncio.sleep(1)
            yield session
        finally:
            stop.set()
            await worker


async def planned_and_applied(session: Session, gone: Sequence[int]) -> tuple[OperationId, ...]:
    """HR's new file is read, the leavers are planned by name and the plan is applied; its operations."""
    await read_source(session.engine, HR)
    async with session.engine.database.transaction() as tx:
        found = [await identities.find_by_employee_number(tx, f"E{number}") for number in gone]
    only: list[IdentityId] = [people[0].id for people in found]
    proposed = await make_plan(session.engine, "bench", only)
    return await apply_plan(session.engine, proposed.plan.id, "bench")


def remove(company: Company) -> None:
    """Nothing of it is left."""
    shutil.rmtree(company.folder, ignore_errors=True)


def _configuration(company: Company) -> str:
    apps = "".join(SCIM.format(name=name, url=server.url) for name, server in company.scim.items())
    given = [f'"{name}:account", "{name}:group/staff"' for name in company.scim]
    if company.ledger is not None:
        apps += LEDGER
        given.append('"ledger:account", "ledger:role/books"')
    role = f"[role.everyone]\nwhen = 'lifecycle eq \"active\"'\ngive = [{', '.join(given)}]\n"
    return CONFIGURATION + apps + role


def _user(number: int) -> dict[str, object]:
    mail = f"p{number}@bench.example"
    return {
        "userName": mail,
        "externalId": f"E{number}",
        "displayName": f"P{number} Test",
        "active": True,
        "emails": [{"value": mail, "primary": True}],
    }


def _role(number: int) -> str:
    return f"CREATE ROLE p{number} LOGIN; COMMENT ON ROLE p{number} IS 'E{number}'; GRANT books TO p{number};\n"
