"""An application in memory with every capability, and what was asked of it. It answers as told: honestly, or not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from lastday.connectors.sdk.catalogue import ConnectorKind
from lastday.connectors.sdk.manifest import Manifest
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import AccountDraft, Capability, Connection, Page
from lastday.model.account import ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes
from lastday.model.errors import Unreachable
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

DONE = Outcome(kind=OutcomeKind.DONE)


@dataclass
class World:
    """What is in the application, and every change that was asked for."""

    accounts: dict[str, ObservedAccount] = field(default_factory=dict)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    """Verb, native id, entitlement."""
    down: bool = False
    stumble: Callable[[], None] | None = None
    """What the connector's own code does with an answer it did not expect."""

    def add(self, native_id, username, *holdings, enabled=True, **attributes):
        self.accounts[native_id] = ObservedAccount(
            native_id=NativeId(native_id),
            username=username,
            enabled=enabled,
            attributes=Attributes.of({"userName": username, **attributes}),
            holdings=tuple(ObservedHolding(name) for name in sorted(holdings)),
        )

    def of(self, number):
        """The account that carries this number."""
        return next((a for a in self.accounts.values() if a.attributes.text("externalId") == number), None)

    def touched(self, number):
        """The verbs asked for on the account with this number."""
        account = self.of(number)
        return [verb for verb, native_id, _ in self.writes if account and native_id == account.native_id]


@dataclass
class MemoryConnector:
    world: World

    async def check_connection(self) -> Connection:
        self._reach()
        return Connection(principal="lastday", server="memory")

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        self._reach()
        return Page(items=tuple(self.world.accounts.values()), next_cursor=None, stated_total=len(self.world.accounts))

    async def list_entitlements(self) -> Sequence[str]:
        self._reach()
        return sorted({h.entitlement for a in self.world.accounts.values() for h in a.holdings})

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        self._reach()
        return self.world.accounts.get(native_id)

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        self._reach()
        return [a for a in self.world.accounts.values() if value in a.attributes.get(attribute, ())]

    async def close(self) -> None:
        pass

    async def create_account(self, draft: AccountDraft) -> Outcome:
        native_id = f"m{len(self.world.accounts) + 1}"
        self._note("create", native_id)
        values = draft.attributes.merged(Attributes.of({"userName": draft.username}))
        self.world.accounts[native_id] = ObservedAccount(
            native_id=NativeId(native_id), username=draft.username, enabled=True, attributes=values
        )
        return replace(DONE, native_id=NativeId(native_id))

    async def update_account(self, native_id: NativeId, values: Attributes, cleared: Sequence[str]) -> Outcome:
        attributes = self._changed("update", native_id).attributes.merged(values).without(*cleared)
        return self._put(replace(self.world.accounts[native_id], attributes=attributes))

    async def disable_account(self, native_id: NativeId) -> Outcome:
        return self._put(replace(self._changed("disable", native_id), enabled=False))

    async def enable_account(self, native_id: NativeId) -> Outcome:
        return self._put(replace(self._changed("enable", native_id), enabled=True))

    async def delete_account(self, native_id: NativeId) -> Outcome:
        self._changed("delete", native_id)
        del self.world.accounts[native_id]
        return DONE

    async def give_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        account = self._changed("give", native_id, entitlement)
        return self._put(replace(account, holdings=(*account.holdings, ObservedHolding(entitlement))))

    async def revoke_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        account = self._changed("revoke", native_id, entitlement)
        return self._put(replace(account, holdings=tuple(h for h in account.holdings if h.entitlement != entitlement)))

    async def end_sessions(self, native_id: NativeId) -> Outcome:
        self._note("end_sessions", native_id)
        return DONE

    async def count_sessions(self, native_id: NativeId) -> int:
        return 0

    def _reach(self) -> None:
        if self.world.down:
            raise Unreachable("the application is away")
        if self.world.stumble is not None:
            self.world.stumble()

    def _note(self, verb: str, native_id: str, entitlement: str = "") -> None:
        self._reach()
        self.world.writes.append((verb, native_id, entitlement))

    def _changed(self, verb: str, native_id: str, entitlement: str = "") -> ObservedAccount:
        self._note(verb, native_id, entitlement)
        return self.world.accounts[native_id]

    def _put(self, account: ObservedAccount) -> Outcome:
        self.world.accounts[account.native_id] = account
        return DONE


MANIFEST = Manifest(
    id="memory",
    title="An application in memory",
    config={},
    capabilities=frozenset(
        {
            Capability.CREATES_ACCOUNTS,
            Capability.UPDATES_ACCOUNTS,
            Capability.DISABLES_ACCOUNTS,
            Capability.DELETES_ACCOUNTS,
            Capability.GIVES_HOLDINGS,
            Capability.REVOKES_HOLDINGS,
            Capability.ENDS_SESSIONS,
        }
    ),
    settle_s=0,
    requests_per_s=10_000,
    parallel=8,
    verbs={"disable": "Switches it off in memory."},
    survives=("Nothing.",),
    least_privilege=("None.",),
)


def kind_over(world: World) -> ConnectorKind:
    """A kind of connector whose every connection shows this world."""

    async def opened(_settings: ConnectorSettings, _ports: Ports) -> MemoryConnector:
        return MemoryConnector(world)

    return ConnectorKind(id="memory", manifest=MANIFEST, connector_class=MemoryConnector, open=opened)
