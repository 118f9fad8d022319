"""What a connector is handed when it is opened: its settings, and ports to everything outside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lastday.model.clock import Clock
from lastday.model.ids import ApplicationName, NativeId


@dataclass(frozen=True, slots=True)
class Secret:
    """A credential that shows itself to nobody by accident."""

    _value: str = field(repr=False)

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """One connection: validated against the manifest, secrets resolved to `Secret`s."""

    application: ApplicationName
    values: Mapping[str, object]

    def text(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        return value.reveal() if isinstance(value, Secret) else str(value)


class Budget(Protocol):
    """The application's shared rate: every request to it takes one token first."""

    async def take(self, application: ApplicationName) -> None:
        """Waits until a request may be sent."""
        ...

    async def block(self, application: ApplicationName, seconds: float) -> None:
        """Nobody sends anything to the application for so long (Retry-After)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer, redacted, for the log and the evidence."""

    application: ApplicationName
    method: str
    target: str
    status: str
    request: str
    """Redacted; at most 16 KiB."""
    answer: str
    request_id: str | None
    elapsed_s: float


class RequestLog(Protocol):
    def note(self, exchange: Exchange) -> None:
        """Keeps the exchange for the operation at hand."""
        ...


class Escrow(Protocol):
    """Keeps, sealed, what a connector must put back later, such as an old password hash."""

    async def keep(self, application: ApplicationName, native_id: NativeId, kind: str, secret: str) -> None:
        """Durable when it returns. What is already kept under the same key stays: the first is the true old value."""
        ...

    async def look(self, application: ApplicationName, native_id: NativeId, kind: str) -> str | None:
        """What is kept, or None."""
        ...

    async def discard(self, application: ApplicationName, native_id: NativeId, kind: str) -> None:
        """Nothing is kept under this key any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    clock: Clock
    budget: Budget
    log: RequestLog
    escrow: Escrow
