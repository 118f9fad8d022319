"""Halden Instruments: who works there, who has which access on the first day, and what HR delivers."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from string import Template
from zoneinfo import ZoneInfo

LEAVER = "H1007"
NEWCOMERS = ("H1038", "H1039")
"""People who have no account anywhere yet: the first plan gives them theirs."""


@dataclass(frozen=True, slots=True)
class Person:
    """One row of the HR file."""

    row: dict[str, str]

    @property
    def number(self) -> str:
        return self.row["employee_id"]

    @property
    def name(self) -> str:
        return self.row["full_name"]

    @property
    def mail(self) -> str:
        return self.row["work_email"]

    @property
    def uid(self) -> str:
        """The sign-in name that the company gave: the local part of the mail."""
        return self.mail.partition("@")[0]

    @property
    def has_books(self) -> bool:
        return self.row["department"] == "Finance" and "Accountant" in self.row["job_title"]

    @property
    def has_engineering(self) -> bool:
        return self.row["department"] == "Engineering" and self.row["worker_type"] != "contractor"

    @property
    def serves(self) -> bool:
        return self.row["department"] == "Support"


FORMER = Person({"employee_id": "H0712", "full_name": "Marek Dvořák", "work_email": "marek.dvorak@halden.example"})
"""Left long ago, is in no HR file, and still has an account: nothing that nobody owns is ever touched."""


def everybody() -> tuple[Person, ...]:
    """The company on the first day."""
    text = (resources.files(__package__) / "people.csv").read_text(encoding="utf-8")
    return tuple(Person(row) for row in csv.DictReader(io.StringIO(text)))


def deliver(folder: Path, people: Sequence[Person]) -> Path:
    """HR's file is where the source is; whole or not at all."""
    path, draft = folder / "people.csv", folder / ".people.csv.new"
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(people[0].row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(person.row for person in people)
    return draft.replace(path)


def with_leaver(people: Sequence[Person], at: datetime) -> tuple[Person, ...]:
    """The same company after HR noted that the leaver's last moment is `at`."""
    return tuple(_leaving(person, at) if person.number == LEAVER else person for person in people)


def _leaving(person: Person, at: datetime) -> Person:
    local = at.astimezone(ZoneInfo(person.row["time_zone"]))
    end = {"status": "terminated", "end_date": f"{local:%Y-%m-%d}", "last_working_moment": f"{local:%Y-%m-%dT%H:%M:%S}"}
    return Person(person.row | end)


def write_configuration(folder: Path, addresses: dict[str, str]) -> Path:
    """`lastday.toml` for these applications; the directory is in it only where it has an address."""
    parts = ["company.toml", *(["directory.toml"] if "directory" in addresses else [])]
    texts = [(resources.files(__package__) / name).read_text(encoding="utf-8") for name in parts]
    path = folder / "lastday.toml"
    path.write_text("".join(Template(text).substitute(addresses) for text in texts), encoding="utf-8")
    return path


def keep_secret(folder: Path, name: str, secret: str) -> None:
    """The secret is in a file that only its owner may read, where the configuration names it."""
    place = folder / "secrets"
    place.mkdir(mode=0o700, exist_ok=True)
    path = place / name
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8")
