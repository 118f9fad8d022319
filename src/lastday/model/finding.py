"""Something that a person should see."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lastday.model.canonical import JsonValue


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found, about what, and what to do.

    Codes: P policy, S source, A application, B brake, E evidence, X execution.
    """

    code: str
    severity: Severity
    subject: str
    """An id: `application/native id`, `source/row`, an identity id; never a name."""
    detail: str
    """What happened and what it means, in one or two sentences."""
    mend: str = ""
    """What a person does about it."""
    owner: str | None = None
    deadline: datetime | None = None

    def as_json(self) -> dict[str, JsonValue]:
        return {
            "code": self.code,
            "severity": self.severity.value,
            "subject": self.subject,
            "detail": self.detail,
            "mend": self.mend,
            "owner": self.owner,
            "deadline": self.deadline.isoformat() if self.deadline else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A row of a feed that could not be taken; its last good version stays."""

    row: int
    """Line of the file, the heading is line 1."""
    column: str | None
    value: str
    why: str
    mend: str
    key: str | None = None
    """The engagement key, where the row still told it."""
