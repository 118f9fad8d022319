"""A small company: an HR file, one application in memory and one that people change by hand; and its command line."""

import asyncio
import csv
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lastday.app import Composition
from lastday.interfaces.cli.main import ended
from tests.integration.execution.memory import World, kind_over

MONDAY = "2026-11-23T06:00:00+00:00"
TUESDAY = "2026-11-24T06:00:00+00:00"
COLUMNS = ("employee_id", "full_name", "mail", "department", "status", "start_date", "end_date", "person_key")
TOKENS = {"DANA_TOKEN": "dana-knows", "TOM_TOKEN": "tom-knows", "IDA_TOKEN": "ida-knows"}

CONFIGURATION = """
[company]
name      = "Small Company"
time_zone = "UTC"

[source.hr]
kind         = "csv"
path         = "people.csv"
key          = "employee_id"
person_key   = "person_key"
date         = "YYYY-MM-DD"
end_of_day   = "17:00"
absent_after = { files = 2, hours = 12 }

[source.hr.map]
employeeNumber = "employee_id"
displayName    = "full_name"
userName       = "mail"
"emails.value" = "mail"
department     = "department"
startDate      = "start_date"
endDate        = "end_date"
status         = { column = "status", active = ["active"], suspended = ["on_leave"], ended = ["terminated"] }

[user.dana]
name  = "Dana Wolff"
roles = ["admin", "approver"]
token = { env = "DANA_TOKEN" }

[user.tom]
name  = "Tom Okafor"
roles = ["approver"]
token = { env = "TOM_TOKEN" }

[user.ida]
name  = "Ida Lund"
roles = ["auditor"]
token = { env = "IDA_TOKEN" }

[app.chat]
connector = "memory"
match     = { proof = ["externalId = employeeNumber"] }
create    = { userName = ["{userName}"] }
mode      = "enforce"
owner     = "group:it"
protect   = ['userName sw "breakglass"']

[app.design]
connector = "csv"
path      = "design.csv"
columns   = { native_id = "id", username = "login", number = "number", active = { column = "enabled", true = ["yes"] } }
match     = { proof = ["number = employeeNumber"] }
mode      = "enforce"
owner     = "group:design"
deadline  = "4h"

[role.everyone]
when = 'lifecycle eq "active"'
give = ["chat:account", "chat:group/all"]

[role.engineer]
when = 'department eq "Engineering"'
give = ["chat:group/engineers"]

[leaver.standard]
limit = "15m"
"""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass
class Company:
    """Twelve people by default, E1 to E12; the odd ones are engineers. All have their account in chat."""

    folder: Path
    url: str
    chat: World = field(default_factory=World)
    people: list[dict[str, str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "lastday.toml"

    def compose(self, at: str = MONDAY, **variables: str) -> Composition:
        environment = {"DATABASE_URL": self.url, "LASTDAY_HOME": str(self.folder / "home"), **TOKENS}
        composition = Composition({**environment, "LASTDAY_TEST_CLOCK": at, **variables})
        composition.kinds = {**composition.kinds, "memory": kind_over(self.chat)}
        return composition

    def lastday(self, *arguments: str, at: str = MONDAY, token: str | None = None, code: int | None = 0) -> Result:
        """The command, in this process; `code` is how it must end, None where any end will do."""
        variables = {} if token is None else {"LASTDAY_TOKEN": token}
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            ended_with = ended(self.compose(at, **variables), [*arguments, "-c", str(self.config)])
        result = Result(int(ended_with), out.getvalue(), err.getvalue())
        assert code is None or result.code == code, f"{arguments}: {result.code}\n{result.out}\n{result.err}"
        return result

    def as_user(self, name: str, *arguments: str, at: str = MONDAY, code: int | None = 0) -> Result:
        """The command with `--user NAME` and that user's token."""
        token = TOKENS[f"{name.upper()}_TOKEN"]
        return self.lastday(*arguments, "--user", name, at=at, token=token, code=code)

    def in_session(self, work, at: str = MONDAY):
        """What `work(session)` returns, with the installation opened."""

        async def opened():
            async with self.compose(at).open(self.config) as session:
                return await work(session)

        return asyncio.run(opened())

    def deliver(self, **changes: dict[str, str]) -> None:
        """HR delivers the file again; `E3={"status": "terminated"}` changes somebody."""
        for number, values in changes.items():
            next(row for row in self.people if row["employee_id"] == number).update(values)
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.people)
        (self.folder / "people.csv").write_text(text.getvalue(), encoding="utf-8")

    def export_design(self, *rows: tuple[str, str, str]) -> None:
        """The other application's export: id, number of the owner, `yes` or `no`."""
        lines = [f"{native_id},login-{native_id},{number},{enabled}" for native_id, number, enabled in rows]
        text = "\n".join(["id,login,number,enabled", *lines]) + "\n"
        (self.folder / "design.csv").write_text(text, encoding="utf-8")

    def hire(self, number: int) -> None:
        key = f"E{number}"
        department = "Engineering" if number % 2 else "Sales"
        self.people.append(
            {"employee_id": key, "full_name": f"Person {number}", "mail": f"p{number}@small.example",
             "department": department, "status": "active", "start_date": "2020-01-01", "end_date": "",
             "person_key": f"k{number}"}
        )  # fmt: skip
        groups = ["group/all", "group/engineers"] if number % 2 else ["group/all"]
        self.chat.add(f"c{number}", f"p{number}@small.example", *groups, externalId=key)

    def settle(self, *, at: str = MONDAY, code: int | None = 0) -> dict[str, Any]:
        """One plan over everybody is made and carried out; its result."""
        plan = self.lastday("plan", "--json", at=at).json["plan"]
        return self.lastday("apply", plan, "--wait", "--json", at=at, code=code).json

    def identity(self, number: str) -> str:
        """The id of the person with this number."""
        found: str = self.lastday("explain", number, "--json").json["identity"]
        return found


def found_company(folder: Path, url: str, people: int = 12) -> Company:
    """The company on its first day with Lastday: loaded, planned, and as it should be."""
    company = Company(folder, url)
    for number in range(1, people + 1):
        company.hire(number)
    company.config.write_text(CONFIGURATION, encoding="utf-8")
    company.export_design()
    company.deliver()
    company.lastday("source", "read", "hr", "--accept")
    company.settle()
    company.chat.writes.clear()
    return company
