"""Ports for a connector under test that remember what they were asked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from lastday.connectors.sdk.ports import ConnectorSettings, Exchange, Ports, Secret
from lastday.model.ids import ApplicationName, NativeId

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
CHAT = ApplicationName("chat")


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class CountingBudget:
    names: list[ApplicationName] = field(default_factory=list)
    """Whose tokens were taken, in order."""
    blocked: list[float] = field(default_factory=list)

    @property
    def taken(self) -> int:
        return len(self.names)

    async def take(self, application: ApplicationName) -> None:
        self.names.append(application)

    async def block(self, application: ApplicationName, seconds: float) -> None:
        self.blocked.append(seconds)


@dataclass
class KeptLog:
    exchanges: list[Exchange] = field(default_factory=list)

    def note(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    @property
    def text(self) -> str:
        return "\n".join(repr(exchange) for exchange in self.exchanges)


@dataclass
class MemoryEscrow:
    kept: dict[tuple[str, str, str], str] = field(default_factory=dict)

    async def keep(self, application: ApplicationName, native_id: NativeId, kind: str, secret: str) -> None:
        self.kept.setdefault((application, native_id, kind), secret)

    async def look(self, application: ApplicationName, native_id: NativeId, kind: str) -> str | None:
        return self.kept.get((application, native_id, kind))

    async def discard(self, application: ApplicationName, native_id: NativeId, kind: str) -> None:
        self.kept.pop((application, native_id, kind), None)


@dataclass
class TestPorts:
    """The ports, and what went through them."""

    __test__ = False

    budget: CountingBudget = field(default_factory=CountingBudget)
    log: KeptLog = field(default_factory=KeptLog)
    escrow: MemoryEscrow = field(default_factory=MemoryEscrow)

    @property
    def ports(self) -> Ports:
        return Ports(clock=FixedClock(), budget=self.budget, log=self.log, escrow=self.escrow)


def settings(application: ApplicationName = CHAT, **values: object) -> ConnectorSettings:
    """Settings as the composition root hands them over: `token` and `password` become secrets."""
    hidden = {key: Secret(str(value)) if key in ("token", "password") else value for key, value in values.items()}
    return ConnectorSettings(application=application, values=hidden)
