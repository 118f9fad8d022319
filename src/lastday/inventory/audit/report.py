"""The answer of an audit: a verdict for every account, what is unused, and the same as JSON and as rows for CSV."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.inventory.audit.table import Guess
from lastday.model.canonical import JsonValue

SCHEMA = "lastday/audit/1"


class Verdict(StrEnum):
    OK = "ok"
    STILL_IN = "still_in"
    UNOWNED = "unowned"
    AMBIGUOUS = "ambiguous"
    NOT_PERSONAL = "not_personal"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One account and what is concluded about it."""

    application: str
    native_id: str
    username: str
    enabled: bool
    verdict: Verdict
    employee_number: str | None
    """Only where the link is certain enough to act on."""
    confidence: float
    why: str
    person: str
    """The name of the owner; empty where nobody is linked."""
    candidates: tuple[str, ...]
    left_at: datetime | None
    last_used: datetime | None
    plan: str
    unused_days: int | None
    """Days without use where they are more than the limit; -1 for never used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileGuesses:
    """How one file was understood."""

    file: str
    guesses: tuple[Guess, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    at: datetime
    people: int
    accounts: tuple[Judged, ...]
    files: Mapping[str, FileGuesses]
    """`people` and each application -> how its file was understood."""

    def with_verdict(self, verdict: Verdict) -> tuple[Judged, ...]:
        """The accounts judged so."""
        return tuple(one for one in self.accounts if one.verdict is verdict)

    @property
    def unused(self) -> tuple[Judged, ...]:
        """Accounts that could be used and are not, longest first."""
        idle = (one for one in self.accounts if one.unused_days is not None)
        return tuple(sorted(idle, key=lambda one: (one.unused_days != -1, -(one.unused_days or 0), _identity(one))))

    @property
    def counts(self) -> dict[str, int]:
        """How many accounts have each verdict."""
        counted = Counter(one.verdict.value for one in self.accounts)
        return {verdict.value: counted[verdict.value] for verdict in Verdict}

    @property
    def seats(self) -> dict[tuple[str, str], int]:
        """Unused accounts for each application and plan."""
        return dict(sorted(Counter((one.application, one.plan) for one in self.unused).items()))


def _identity(one: Judged) -> tuple[str, str, str]:
    return one.application, one.native_id, one.username


def instant(moment: datetime | None) -> str | None:
    """An instant as text.

    >>> instant(None) is None
    True
    """
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def as_json(report: AuditReport) -> dict[str, JsonValue]:
    """The report in the schema `lastday/audit/1`."""
    return {
        "schema": SCHEMA,
        "at": instant(report.at),
        "people": report.people,
        "accounts": [_account(one) for one in report.accounts],
        "counts": {**report.counts, "accounts": len(report.accounts), "unused": len(report.unused)},
        "unused": [_unused(one) for one in report.unused],
        "seats": [
            {"application": application, "plan": plan, "unused": count}
            for (application, plan), count in report.seats.items()
        ],
        "guesses": {name: _file(file) for name, file in sorted(report.files.items())},
    }


def _account(one: Judged) -> dict[str, JsonValue]:
    return {
        "application": one.application,
        "native_id": one.native_id,
        "username": one.username,
        "enabled": one.enabled,
        "verdict": one.verdict.value,
        "employee_number": one.employee_number,
        "confidence": one.confidence,
        "why": one.why,
        "candidates": list(one.candidates),
    }


def _unused(one: Judged) -> dict[str, JsonValue]:
    return {
        "application": one.application,
        "native_id": one.native_id,
        "username": one.username,
        "verdict": one.verdict.value,
        "last_used": instant(one.last_used),
        "days": None if one.unused_days == -1 else one.unused_days,
        "plan": one.plan,
    }


def _file(file: FileGuesses) -> dict[str, JsonValue]:
    return {
        "file": file.file,
        "columns": [
            {"field": one.field, "column": one.column, "confidence": one.confidence, "because": one.because}
            for one in file.guesses
        ],
        "remarks": list(file.remarks),
    }


HEADINGS = ("application", "native_id", "username", "enabled", "verdict", "employee_number", "person", "left_at",
            "last_used", "plan", "confidence", "why")  # fmt: skip


def csv_files(report: AuditReport) -> dict[str, tuple[Sequence[str], ...]]:
    """File name -> heading and rows, every cell harmless in a spreadsheet."""
    return {
        "still-in.csv": _rows(report.with_verdict(Verdict.STILL_IN)),
        "unowned.csv": _rows(report.with_verdict(Verdict.UNOWNED)),
        "ambiguous.csv": _rows(report.with_verdict(Verdict.AMBIGUOUS)),
        "unused.csv": _rows(report.unused),
        "all.csv": _rows(report.accounts),
    }


def _rows(accounts: Sequence[Judged]) -> tuple[Sequence[str], ...]:
    return (HEADINGS, *(tuple(map(unharmful, _cells(one))) for one in accounts))


def _cells(one: Judged) -> tuple[str, ...]:
    return (
        one.application,
        one.native_id,
        one.username,
        "yes" if one.enabled else "no",
        one.verdict.value,
        one.employee_number or "",
        one.person,
        instant(one.left_at) or "",
        instant(one.last_used) or "",
        one.plan,
        f"{one.confidence:.3f}",
        one.why,
    )


def unharmful(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection): a quote before what could begin one.

    >>> unharmful("=HYPERLINK(1)"), unharmful("＝1+1"), unharmful(" @x"), unharmful("Ada")
    ("'=HYPERLINK(1)", "'＝1+1", "' @x", 'Ada')
    """
    bare = cell.lstrip(" \u00a0\u3000\ufeff\u200b")
    begins = bare[:1] or cell[:1]
    return f"'{cell}" if begins and begins in "=+-@\t\r\n|%＝＋－＠﹢﹣﹦﹫−" else cell
