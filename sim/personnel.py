"""What is true in the personnel office, and what follows from it; written apart from all that Lastday decides."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from lastday.lifecycle.normalise import EndBasis, NormalisedRow
from lastday.model.attributes import Attributes
from lastday.model.identity import EngagementStatus, IdentityKind
from sim.company import HR, SHOULD_HOLD


class Presence(StrEnum):
    """What is to be true of somebody's access."""

    HERE = "here"
    ON_LEAVE = "on leave"
    COMING = "coming"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One row of the personnel office."""

    number: str
    person: str
    given: str
    family: str
    mail: str
    department: str
    starts_at: datetime
    ends_at: datetime | None = None
    on_leave: bool = False

    def lives_at(self, now: datetime) -> bool:
        return self.starts_at <= now and (self.ends_at is None or self.ends_at > now)


@dataclass(slots=True)
class Personnel:
    """All jobs that were ever known; a job that is over stays on file."""

    jobs: dict[str, Job] = field(default_factory=dict)

    def set(self, job: Job) -> None:
        self.jobs[job.number] = job

    def jobs_of(self, person: str) -> tuple[Job, ...]:
        return tuple(job for _, job in sorted(self.jobs.items()) if job.person == person)

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(sorted({job.person for job in self.jobs.values()}))

    def end_all(self, person: str, at: datetime) -> None:
        """Every job of the person that goes on beyond `at` ends then; one that begins later never begins."""
        for job in self.jobs_of(person):
            if job.ends_at is None or job.ends_at > at:
                self.set(replace(job, ends_at=max(at, job.starts_at)))

    def presence(self, person: str, now: datetime) -> Presence:
        jobs = self.jobs_of(person)
        living = [job for job in jobs if job.lives_at(now)]
        if living:
            return Presence.ON_LEAVE if all(job.on_leave for job in living) else Presence.HERE
        over = any(job.ends_at is not None and job.ends_at <= now for job in jobs)
        return Presence.GONE if over else Presence.COMING

    def should_hold(self, person: str, version: int, now: datetime) -> frozenset[str]:
        """What somebody who is here holds today, nothing more and nothing less of what is managed."""
        if self.presence(person, now) is not Presence.HERE:
            return frozenset()
        departments = {job.department for job in self.jobs_of(person) if job.lives_at(now)}
        return frozenset().union(*(SHOULD_HOLD[version][department] for department in departments))


def rows_of(jobs: Iterable[Job]) -> tuple[NormalisedRow, ...]:
    """The rows of a file, in the order of `jobs`."""
    return tuple(_row(line, job) for line, job in enumerate(jobs, 2))


def _row(line: int, job: Job) -> NormalisedRow:
    named = {
        "employeeNumber": job.number,
        "name.givenName": job.given,
        "name.familyName": job.family,
        "emails.value": job.mail,
        "department": job.department,
    }
    return NormalisedRow(
        line=line,
        source=HR,
        key=job.number,
        person_key=job.person,
        kind=IdentityKind.EMPLOYEE,
        attributes=Attributes.of(named),
        status=EngagementStatus.SUSPENDED if job.on_leave else EngagementStatus.ACTIVE,
        starts_at=job.starts_at,
        ends_at=job.ends_at,
        end_basis=EndBasis.NONE if job.ends_at is None else EndBasis.MOMENT,
    )


def in_order(jobs: Sequence[Job], turn: int) -> tuple[Job, ...]:
    """The same jobs in another order; `turn` 0 is the order of numbers."""
    ordered = sorted(jobs, key=lambda job: job.number)
    if not ordered:
        return ()
    shift = turn % len(ordered)
    turned = (*ordered[shift:], *ordered[:shift])
    return turned if turn % 2 == 0 else turned[::-1]
