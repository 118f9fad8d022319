"""Reading applications into the inventory: whole, or not at all; then whose is what."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from lastday.configuration.settings import ApplicationSettings
from lastday.connectors.sdk.plainly import told_plainly
from lastday.connectors.sdk.protocols import Connector
from lastday.connectors.sdk.reading import read_whole
from lastday.inventory.correlation import LinkDecision, ValueHeld, ValueHistory, correlate
from lastday.inventory.orphans import orphans
from lastday.inventory.protection import mark_protected, protection_of
from lastday.model.account import Account, ApplicationSnapshot, Correlation
from lastday.model.clock import Clock
from lastday.model.errors import ConnectorError
from lastday.model.finding import Finding
from lastday.model.identity import Identity
from lastday.model.ids import AccountId, ApplicationName, IdentityId, SnapshotId
from lastday.store import accounts, findings, held_values
from lastday.store.accounts import Link, Standing
from lastday.store.database import Transaction


class Opened(Protocol):
    """An application that can be read."""

    @property
    def connector(self) -> Connector: ...

    async def principal(self) -> str:
        """The name under which the application knows us."""
        ...


OpenApplication: TypeAlias = Callable[[ApplicationName], Awaitable[Opened]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An application read whole, and the name under which it knows us."""

    snapshot: ApplicationSnapshot
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    whole: Mapping[ApplicationName, Reading]
    faults: Mapping[ApplicationName, ConnectorError]
    """Applications that could not be read whole: nothing is concluded about them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """An application as the inventory knows it after a reading."""

    snapshot: SnapshotId
    accounts: tuple[Account, ...]
    first_time: bool
    """Nobody was linked here before this reading: what it shows was there before us."""


async def read_applications(
    names: Sequence[ApplicationName], open_application: OpenApplication, clock: Clock
) -> Readings:
    """All named applications, read side by side; one that fails is a fault and yields nothing."""

    async def read(name: ApplicationName) -> Reading | ConnectorError:
        try:
            with told_plainly(name):
                opened = await open_application(name)
                principal = await opened.principal()
                return Reading(snapshot=await read_whole(opened.connector, name, clock), principal=principal)
        except ConnectorError as fault:
            return fault

    results = dict(zip(names, await asyncio.gather(*(read(name) for name in names)), strict=True))
    return Readings(
        whole={name: result for name, result in results.items() if isinstance(result, Reading)},
        faults={name: result for name, result in results.items() if isinstance(result, ConnectorError)},
    )


async def take_in(
    tx: Transaction, reading: Reading, settings: ApplicationSettings, people: Sequence[Identity], now: datetime
) -> TakenIn:
    """The reading is what the inventory shows; new accounts are correlated; doubt and orphans are findings."""
    application = reading.snapshot.application
    first_time = not await accounts.was_ever_linked(tx, application)
    gone = await _gone_but_owned(tx, application)
    snapshot = await accounts.apply_snapshot(tx, reading.snapshot, now)
    await _let_go_of_returned(tx, application, gone, now)
    await mark_standings(tx, application, settings, reading.principal)
    decisions = await correlate_application(tx, settings, people, now)
    linked = await accounts.load_accounts(tx, application=application)
    await _note_findings(tx, application, decisions, orphans(linked, people, now), now)
    return TakenIn(snapshot=snapshot, accounts=linked, first_time=first_time)


async def _gone_but_owned(tx: Transaction, application: ApplicationName) -> frozenset[AccountId]:
    known = await accounts.load_accounts(tx, application=application)
    return frozenset(account.id for account in known if not account.exists and account.identity is not None)


async def _let_go_of_returned(
    tx: Transaction, application: ApplicationName, gone: Set[AccountId], now: datetime
) -> None:
    """An account that comes back under an id that had gone may be another's: whose it is is judged anew."""
    if not gone:
        return
    back = [a for a in await accounts.load_accounts(tx, application=application) if a.exists and a.id in gone]
    how = "the id had gone and came back"
    links = [Link(account=a.id, correlation=Correlation.UNCORRELATED, identity=None, how=how) for a in back]
    await accounts.set_links(tx, links, now)


async def mark_standings(
    tx: Transaction, application: ApplicationName, settings: ApplicationSettings, principal: str | None
) -> None:
    """Every account of the application is protected or not, as configuration and our own principal say now."""
    known = await accounts.load_accounts(tx, application=application)
    marked = mark_protected(known, protection_of(settings.protect, principal))
    changed = [a for a, b in zip(marked, known, strict=True) if a.protected != b.protected]
    await accounts.set_standings(tx, [Standing(account=a.id, kind=a.kind, protected=a.protected) for a in changed])


async def correlate_application(
    tx: Transaction, settings: ApplicationSettings, people: Sequence[Identity], now: datetime
) -> tuple[LinkDecision, ...]:
    """Every account of the application without an owner is judged; certain ones are linked from now on."""
    known = await accounts.load_accounts(tx, application=settings.name)
    decisions = correlate(known, people, settings, await _value_history(tx), now)
    links = [Link(account=d.account, correlation=d.correlation, identity=d.identity, how=d.why) for d in decisions]
    await accounts.set_links(tx, links, now)
    return decisions


async def perhaps_owned(
    tx: Transaction, settings: ApplicationSettings, people: Sequence[Identity], now: datetime
) -> frozenset[IdentityId]:
    """Whom an account that is on and linked to nobody may belong to: in doubt, or protected and never linked."""
    known = await accounts.load_accounts(tx, application=settings.name)
    open_ones = [a for a in known if a.exists and a.identity is None and a.observed.enabled]
    doubtful = [a for a in open_ones if a.protected or a.correlation is Correlation.AMBIGUOUS]
    if not doubtful:
        return frozenset()
    protected = {a.id for a in doubtful if a.protected}
    history = await _value_history(tx)
    decisions = correlate([replace(a, protected=False) for a in doubtful], people, settings, history, now)
    sure = {d.identity for d in decisions if d.identity is not None}
    return frozenset(sure | {who for d in decisions if d.account not in protected for who in d.candidates})


async def _value_history(tx: Transaction) -> ValueHistory:
    held = await held_values.all_held(tx)
    return ValueHistory(held=tuple(ValueHeld(attribute=a, value=v, identity=i, until=u) for a, v, i, u in held))


async def _note_findings(
    tx: Transaction,
    application: ApplicationName,
    decisions: Sequence[LinkDecision],
    orphaned: Sequence[Finding],
    now: datetime,
) -> None:
    """Findings about accounts of this application are exactly those found now."""
    found = {(f.code, f.subject): f for f in (*orphaned, *(d.finding for d in decisions if d.finding is not None))}
    for stored in await findings.open_findings(tx):
        about = stored.finding.code.startswith("A20") and stored.finding.subject.startswith(f"{application}/")
        if about and (stored.finding.code, stored.finding.subject) not in found:
            await findings.close_findings(tx, stored.finding.code, stored.finding.subject, now)
    for finding in found.values():
        await findings.open_finding(tx, finding, now)
