"""Northwind Robotics for tests: the settings of its HR source, and a feed taken in from bytes to people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from lastday.configuration.settings import (
    AbsenceRule,
    BrakeSettings,
    CompanySettings,
    Position,
    SourceSettings,
    StatusMapping,
)
from lastday.lifecycle.checks import check_feed, is_stopped
from lastday.lifecycle.feed import feed_history, read_feed
from lastday.lifecycle.intake import Absence, Intake, MergeContext, merge_feed
from lastday.lifecycle.normalise import NormalisedRow, normalise
from lastday.model.change import Change, ChangeKind
from lastday.model.finding import Finding, RejectedRow
from lastday.model.identity import EngagementStatus, Identity
from lastday.model.ids import SourceName

HR = Path(__file__).parents[2] / "data" / "hr"
HERE = Position(Path("northwind.toml"), 1, 1)
COMPANY = CompanySettings(name="Northwind Robotics", time_zone=ZoneInfo("Europe/Berlin"))
BRAKES = BrakeSettings()
COLUMNS = {
    "employeeNumber": "employee_id",
    "userName": "work_email",
    "displayName": "full_name",
    "name.givenName": "given_name",
    "name.familyName": "family_name",
    "emails.value": "work_email",
    "title": "job_title",
    "department": "department",
    "costCenter": "cost_center",
    "manager": "manager_id",
    "userType": "worker_type",
    "organization": "company",
    "location": "site",
    "country": "country",
    "timezone": "time_zone",
    "startDate": "start_date",
    "endDate": "end_date",
    "endsAt": "last_working_moment",
    "endReason": "termination_reason",
}
STATUS = StatusMapping(
    column="status",
    values={
        "active": EngagementStatus.ACTIVE,
        "on_leave": EngagementStatus.SUSPENDED,
        "garden_leave": EngagementStatus.RELEASED,
        "terminated": EngagementStatus.ENDED,
    },
)
SETTINGS = SourceSettings(
    name=SourceName("hr"),
    kind="csv",
    path=Path("people.csv"),
    key="employee_id",
    person_key="person_key",
    date_format="YYYY-MM-DD",
    end_of_day=time(17, 0),
    absent_after=AbsenceRule(),
    columns=COLUMNS,
    status=STATUS,
    position=HERE,
)
HEADING = (*dict.fromkeys(COLUMNS.values()), "status", "person_key")
FIRST = datetime.fromisoformat("2026-11-20T06:00:00+00:00")
SECOND = datetime.fromisoformat("2026-11-24T06:00:00+00:00")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass
class Company:
    """What a caller of this room keeps between feeds: people, absences, headings, when it last acted."""

    people: dict[str, Identity]
    absences: Mapping[str, Absence]
    columns: tuple[str, ...] = ()
    newline: bool = False

    @classmethod
    def empty(cls) -> "Company":
        return cls({}, {})

    def read(self, content: bytes, at: datetime, settings: SourceSettings = SETTINGS, *, first: bool = False) -> "Read":
        """One feed from bytes to people; a stopped one changes nothing."""
        snapshot = read_feed(content, settings, at)
        rows, rejected = normalised(snapshot.rows, at, settings, suspect_letters=snapshot.suspect_letters)
        history = feed_history(
            self.people.values(), settings.name, at, columns=self.columns, ended_with_newline=self.newline
        )
        findings = check_feed(snapshot, history, settings, BRAKES, rejected)
        before = dict(self.people)
        if is_stopped(findings):
            return Read(before, None, findings, rows, rejected)
        context = MergeContext(
            source=settings.name,
            received_at=at,
            rule=settings.absent_after,
            absences=self.absences,
            first_import=first,
        )
        intake = merge_feed(tuple(self.people.values()), rows, rejected, context)
        self.people |= {identity.id: identity for identity in intake.changed}
        self.absences = intake.new_absences
        self.columns, self.newline = snapshot.columns, snapshot.ends_with_newline
        return Read(before, intake, findings, rows, rejected)

    def of(self, key: str) -> Identity:
        """The person who has the engagement with that key."""
        return next(p for p in self.people.values() if any(e.key == key for e in p.engagements))

    def number(self, change: Change) -> str:
        """The key of the engagement that a change speaks of."""
        return next(e.key for e in self.people[change.identity].engagements if e.id == change.engagement)


@dataclass
class Read:
    before: dict[str, Identity]
    intake: Intake | None
    findings: tuple[Finding, ...]
    rows: Sequence[NormalisedRow]
    rejected: Sequence[RejectedRow]

    @property
    def stopped_by(self) -> set[str]:
        return {finding.code for finding in self.findings if finding.severity in ("error", "critical")}


def normalised(rows, at, settings=SETTINGS, *, suspect_letters=False):
    """The rows that were understood, and those that were not."""
    read = [normalise(row, settings, COMPANY, at, suspect_letters=suspect_letters) for row in rows]
    good = [row for row in read if isinstance(row, NormalisedRow)]
    return good, [row for row in read if isinstance(row, RejectedRow)]


def loaded_company() -> Company:
    """Both sample files read at their hours."""
    company = first_load()
    company.read((HR / "people-2026-11-23.csv").read_bytes(), SECOND)
    return company


def first_load() -> Company:
    company = Company.empty()
    company.read((HR / "people-2026-11-20.csv").read_bytes(), FIRST, first=True)
    return company


def person_row(key: str, **cells: str) -> dict[str, str]:
    """A row of somebody who works in Berlin; `cells` say what is different."""
    row = dict.fromkeys(HEADING, "") | {
        "employee_id": key,
        "full_name": f"Person {key}",
        "given_name": "Person",
        "family_name": key,
        "work_email": f"{key.lower()}@northwind.example",
        "job_title": "Accountant",
        "department": "Finance",
        "cost_center": "CC2000",
        "worker_type": "employee",
        "company": "Northwind Robotics",
        "site": "Berlin",
        "time_zone": "Europe/Berlin",
        "start_date": "2020-01-01",
        "status": "active",
        "person_key": f"p-{key}",
    }
    return row | cells


def job_of_ada(key: str, **cells: str) -> dict[str, str]:
    """One of the engagements of the same person."""
    ada = {"full_name": "Ada Okonkwo", "family_name": "Okonkwo", "work_email": "ada@northwind.example"}
    return person_row(key, **{**ada, "person_key": "ada", **cells})


def file_of(*rows: Mapping[str, str], last: str = "person_key") -> bytes:
    """A file with these rows; `last` is the column that stands last."""
    heading = (*(column for column in HEADING if column != last), last)
    lines = [",".join(heading), *(",".join(row[column] for column in heading) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


LEFT, JOINED = ChangeKind.LEFT, ChangeKind.JOINED
