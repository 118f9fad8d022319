"""Errors, grouped by what the caller does about them.

LastdayError(what, effect, mend, code, where)
├─ InputError                    the caller's input or files: say what, where, how to mend; exit 2
│   ├─ ConfigurationError        settings, with file:line:column
│   ├─ FilterError               a SCIM filter, with the position in it
│   ├─ FeedError                 a feed that cannot be taken; the last good one stays
│   ├─ ManifestError             a connector's folder contradicts itself
│   └─ ValueTaken                a pushed value that must be unique is somebody else's
├─ HeldError                     a person must decide first; exit 4
│   ├─ FirstLoadNotAccepted
│   ├─ FeedStopped
│   ├─ PlanStale                 the world moved on: plan again
│   └─ NotReleased
├─ DecisionRefused               who decides may not: self-approval, wrong token, wrong role; exit 2
├─ ConnectorError                an application or source; exit 5
│   ├─ Unreachable               retry later
│   ├─ RateLimited               retry after `retry_after_s`
│   ├─ CredentialsRejected       stop, tell the owner
│   ├─ PermissionMissing         stop, tell the owner
│   ├─ ListingIncomplete         conclude nothing
│   ├─ AnswerUnusable            the application broke its own protocol; conclude nothing
│   └─ NotSupported              no interface for it: a person does it
├─ GatewayRefused                the last check before an effect said no (protected, last administrator, batch)
├─ OrderNotCarriedOut            an urgent order met no database: written down, not done; exit 5
├─ StoreError                    the database; exit 1
│   └─ DatabaseUnusable          wrong version, wrong owner, unreachable path: named; exit 2
└─ EvidenceError                 evidence does not hold, or cannot be written: stop; exit 7
"""

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    OUR_BUG = 1
    BAD_INPUT = 2
    CHANGES_PENDING = 3
    HELD = 4
    REFUSED_OR_UNREACHABLE = 5
    NOT_VERIFIED_IN_TIME = 6
    EVIDENCE_BROKEN = 7
    DETACHED = 130


class LastdayError(Exception):
    """Something that a person must be told: what happened, what the effect is, what to do next."""

    code = "X100"
    exit_code = ExitCode.OUR_BUG

    def __init__(
        self, what: str, *, effect: str = "", mend: str = "", code: str | None = None, where: str | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.effect = effect
        self.mend = mend
        self.where = where
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        parts = [f"{self.what} [{self.code}]"]
        parts += [f"  --> {self.where}"] if self.where else []
        parts += [f"  = {self.effect}"] if self.effect else []
        parts += [f"  = {self.mend}"] if self.mend else []
        return "\n".join(parts)


class InputError(LastdayError):
    code = "I100"
    exit_code = ExitCode.BAD_INPUT


class ConfigurationError(InputError):
    code = "P100"


class FilterError(InputError):
    """A filter that cannot be read; `position` counts characters from 0."""

    code = "P101"

    def __init__(self, what: str, *, text: str, position: int, mend: str = "", code: str | None = None) -> None:
        super().__init__(what, mend=mend, code=code, where=f"character {position + 1} of {text[:200]!r}")
        self.text = text
        self.position = position


class FeedError(InputError):
    code = "S100"


class ManifestError(InputError):
    code = "C100"


class ValueTaken(InputError):
    code = "R110"


class HeldError(LastdayError):
    code = "B100"
    exit_code = ExitCode.HELD


class FirstLoadNotAccepted(HeldError):
    code = "S120"


class FeedStopped(HeldError):
    code = "S121"


class PlanStale(HeldError):
    code = "X110"


class NotReleased(HeldError):
    code = "B110"


class DecisionRefused(LastdayError):
    code = "D100"
    exit_code = ExitCode.BAD_INPUT


class ConnectorError(LastdayError):
    code = "A100"
    exit_code = ExitCode.REFUSED_OR_UNREACHABLE


class Unreachable(ConnectorError):
    code = "A101"


class RateLimited(ConnectorError):
    code = "A102"

    def __init__(self, what: str, *, retry_after_s: float, effect: str = "", mend: str = "") -> None:
        super().__init__(what, effect=effect, mend=mend)
        self.retry_after_s = retry_after_s


class CredentialsRejected(ConnectorError):
    code = "A103"


class PermissionMissing(ConnectorError):
    code = "A104"


class ListingIncomplete(ConnectorError):
    code = "A105"


class AnswerUnusable(ConnectorError):
    code = "A106"


class NotSupported(ConnectorError):
    code = "A107"


class GatewayRefused(LastdayError):
    code = "X120"
    exit_code = ExitCode.HELD


class StoreError(LastdayError):
    code = "T100"


class DatabaseUnusable(StoreError):
    code = "T101"
    exit_code = ExitCode.BAD_INPUT


class OrderNotCarriedOut(LastdayError):
    code = "X150"
    exit_code = ExitCode.REFUSED_OR_UNREACHABLE


class EvidenceError(LastdayError):
    code = "E100"
    exit_code = ExitCode.EVIDENCE_BROKEN
