"""One row of a feed as an engagement in our words, or the reason why it cannot be taken."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from lastday.configuration.settings import CompanySettings, SourceSettings
from lastday.connectors.sdk.delimited import Row
from lastday.lifecycle.moments import OPEN_YEAR, local_instant, read_date, read_moment, read_zone
from lastday.lifecycle.text import MAX_TEXT, harmless, lost_letters
from lastday.model.attributes import Attributes
from lastday.model.finding import Finding, RejectedRow, Severity
from lastday.model.identity import EngagementStatus, IdentityKind
from lastday.model.ids import SourceName

KINDS = {
    "employee": IdentityKind.EMPLOYEE,
    "contractor": IdentityKind.CONTRACTOR,
    "contingent": IdentityKind.CONTRACTOR,
    "freelancer": IdentityKind.CONTRACTOR,
    "vendor": IdentityKind.VENDOR,
    "partner": IdentityKind.VENDOR,
    "intern": IdentityKind.INTERN,
    "trainee": IdentityKind.INTERN,
    "service": IdentityKind.SERVICE,
    "bot": IdentityKind.BOT,
}
SHOWN_VALUE = 60
NO_LINE = 0
"""The line of a row that stands in no file: a client pushed it."""
_RECKONED = frozenset({"endsat", "startsat", "lifecycle", "engagements"})
"""Attribute names that are derived here; what the source wrote under them is read, not stored."""


class EndBasis(StrEnum):
    """What the end of an engagement rests on."""

    NONE = "none"
    MOMENT = "moment"
    DATE = "date"
    RECEIPT = "receipt"
    """The status says ended and no date says when: the moment the file came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisedRow:
    """A row that was understood."""

    line: int
    source: SourceName
    key: str
    person_key: str | None
    kind: IdentityKind
    attributes: Attributes
    status: EngagementStatus
    starts_at: datetime | None
    ends_at: datetime | None
    end_basis: EndBasis
    lost: tuple[str, ...] = ()
    """Attributes with a `?` that may stand for a letter the file's encoding lacks."""
    findings: tuple[Finding, ...] = ()


class _Unreadable(Exception):
    def __init__(self, column: str, value: str, why: str, mend: str) -> None:
        super().__init__(why)
        self.column, self.value, self.why, self.mend = column, value, why, mend


def normalise(
    row: Row,
    settings: SourceSettings,
    company: CompanySettings,
    received_at: datetime,
    *,
    suspect_letters: bool = False,
) -> NormalisedRow | RejectedRow:
    """The row in our words. Columns that nothing maps are not looked at and not kept.

    `ends_at` is the exact moment where the row has one, else the end date at `end_of_day` in the person's zone, else
    `received_at` where the status says ended. `suspect_letters` is what the snapshot says of the file's encoding.
    """
    reader = _RowReader(row, settings, company)
    try:
        return reader.read(received_at, suspect_letters=suspect_letters)
    except _Unreadable as err:
        shown = harmless(err.value).text[:SHOWN_VALUE]
        key = harmless(row.cells.get(settings.key, "")).text or None
        return RejectedRow(row=row.line, column=err.column, value=shown, why=err.why, mend=err.mend, key=key)


class _RowReader:
    """Reads one row; collects what a person should know of it."""

    def __init__(self, row: Row, settings: SourceSettings, company: CompanySettings) -> None:
        self._row = row
        self._settings = settings
        self._company = company
        self._findings: list[Finding] = []
        self._named = {name.lower(): column for name, column in settings.columns.items()}

    def read(self, received_at: datetime, *, suspect_letters: bool) -> NormalisedRow:
        key = self._key()
        zone = self._zone()
        status = self._status()
        start_text, starts_at = self._day("startDate", time(0), zone)
        end_text, day_end = self._day("endDate", self._settings.end_of_day, zone)
        ends_at, basis = self._end(day_end, status, zone, received_at)
        attributes = self._attributes({"startdate": start_text, "enddate": end_text})
        person = self._settings.person_key
        return NormalisedRow(
            line=self._row.line,
            source=self._settings.name,
            key=key,
            person_key=None if person is None else harmless(self._cell(person)).text or None,
            kind=self._kind(attributes.text("userType")),
            attributes=attributes,
            status=status,
            starts_at=starts_at,
            ends_at=ends_at,
            end_basis=basis,
            lost=_lost(attributes) if suspect_letters else (),
            findings=tuple(self._findings),
        )

    def _cell(self, column: str) -> str:
        return self._row.cells.get(column, "").strip()

    def _mapped(self, attribute: str) -> tuple[str | None, str]:
        """The column of an attribute and what stands in it; (None, "") where nothing maps it."""
        column = self._named.get(attribute.lower())
        return (None, "") if column is None else (column, self._cell(column))

    def _key(self) -> str:
        column = self._settings.key
        clean = harmless(self._cell(column))
        if not clean.text:
            raise _Unreadable(column, self._cell(column), "the key is empty", "Give the row its key in the source.")
        if clean.acting or clean.shortened:
            mend = f"A key has at most {MAX_TEXT} characters and no control characters."
            raise _Unreadable(column, self._cell(column), "the key is not a plain word", mend)
        return clean.text

    def _zone(self) -> ZoneInfo:
        column, text = self._mapped("timezone")
        if column is None or not text:
            return self._company.time_zone
        try:
            return read_zone(text)
        except ValueError as err:
            raise _Unreadable(column, text, f"{err}", "Write a zone such as Europe/Berlin.") from err

    def _status(self) -> EngagementStatus:
        mapping = self._settings.status
        if mapping is None:
            return EngagementStatus.ACTIVE
        text = self._cell(mapping.column)
        known = {_folded(value): status for value, status in mapping.values.items()}
        if (status := known.get(_folded(text))) is not None:
            return status
        mend = f"Map the value in [source.{self._settings.name}.map] status, or mend it in the source."
        raise _Unreadable(mapping.column, text, "is a status that nothing maps", mend)

    def _day(self, attribute: str, clock: time, zone: ZoneInfo) -> tuple[str | None, datetime | None]:
        """The date of the attribute as YYYY-MM-DD and the instant at which `clock` shows on it."""
        column, text = self._mapped(attribute)
        if column is None or not text:
            return None, None
        try:
            day = read_date(text, self._settings.date_format)
        except ValueError as err:
            mend = f"Write a date that exists as {self._settings.date_format}."
            raise _Unreadable(column, text, f"{err}", mend) from err
        if day.year == OPEN_YEAR and attribute == "startDate":
            raise _Unreadable(column, text, "is no date on which anybody begins", "Write the true first day.")
        return (None, None) if day.year == OPEN_YEAR else (day.isoformat(), local_instant(day, clock, zone))

    def _end(
        self, day_end: datetime | None, status: EngagementStatus, zone: ZoneInfo, received_at: datetime
    ) -> tuple[datetime | None, EndBasis]:
        column, text = self._mapped("endsAt")
        if column is not None and text:
            try:
                return read_moment(text, zone), EndBasis.MOMENT
            except ValueError as err:
                raise _Unreadable(column, text, f"{err}", "Write it such as 2026-11-23T15:00:00.") from err
        if day_end is not None:
            return day_end, EndBasis.DATE
        if status is EngagementStatus.ENDED:
            return received_at, EndBasis.RECEIPT
        return None, EndBasis.NONE

    def _attributes(self, reckoned: dict[str, str | None]) -> Attributes:
        """The mapped attributes, harmless; dates in one form whatever the source writes."""
        values: dict[str, str | None] = {}
        for name, column in self._settings.columns.items():
            low = name.lower()
            if low in _RECKONED:
                continue
            values[name] = reckoned[low] if low in reckoned else self._harmless(column)
        return Attributes.of(values)

    def _harmless(self, column: str) -> str:
        clean = harmless(self._cell(column))
        if clean.acting:
            self._tell("S131", Severity.WARNING, column, "held line breaks, control or direction characters; taken out")
        if clean.shortened:
            self._tell("S132", Severity.WARNING, column, f"was longer than {MAX_TEXT} characters; the rest is cut off")
        if clean.code:
            self._tell("S133", Severity.INFO, column, "looks like a formula, markup or a query; kept as plain text")
        return clean.text

    def _kind(self, worker: str | None) -> IdentityKind:
        word = "" if worker is None else re.split(r"[^a-z]+", worker.casefold().strip())[0]
        kind = KINDS.get(word)
        if kind is None and worker:
            self._tell(
                "S139", Severity.INFO, self._named["usertype"], "is a kind of worker that is not known; employee"
            )
        return kind or IdentityKind.EMPLOYEE

    def _tell(self, code: str, severity: Severity, column: str, what: str) -> None:
        subject = f"{self._settings.name}/{harmless(self._cell(self._settings.key)).text}"
        finding = Finding(
            code=code,
            severity=severity,
            subject=subject,
            detail=f"{place_words(self._row.line, column)}: the value {what}",
            mend="Mend the value in the source.",
        )
        if finding not in self._findings:
            self._findings.append(finding)


def place_words(line: int, column: str | None = None) -> str:
    """Where something stands, as findings say it.

    >>> place_words(7, "mail"), place_words(NO_LINE, "emails.value"), place_words(7)
    ('line 7, column mail', 'attribute emails.value', 'line 7')
    """
    if line == NO_LINE:
        return "the resource" if column is None else f"attribute {column}"
    return f"line {line}" if column is None else f"line {line}, column {column}"


def _lost(attributes: Attributes) -> tuple[str, ...]:
    return tuple(name for name, values in attributes.items() if any(lost_letters(str(value)) for value in values))


def _folded(text: str) -> str:
    return text.strip().casefold()
