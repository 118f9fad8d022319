"""A few people by name: each application is asked for them, instead of being read whole (design section 4, step 8)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lastday.connectors.sdk.plainly import told_plainly
from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.inventory.aggregation import TakenIn
from lastday.inventory.refreshing import Looked, Sought, look_for, take_in_looked, values_of
from lastday.model.errors import ConnectorError, NotSupported
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName, IdentityId, NativeId, SnapshotId
from lastday.store import accounts, held_values
from lastday.store.database import Transaction

FEW = 10
"""More people than this are found faster by reading applications whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLook:
    """What applications showed of a few people. Those that cannot be asked so are in neither; they are read whole."""

    looked: Mapping[ApplicationName, Looked]
    faults: Mapping[ApplicationName, ConnectorError]
    snapshots: Mapping[ApplicationName, SnapshotId]


NOTHING = NamedLook(looked={}, faults={}, snapshots={})


async def look_at(engine: Engine, only: Sequence[IdentityId] | None) -> NamedLook:
    """Every application that was read whole before is asked for these people, where they are few."""
    if only is None or len(only) > FEW:
        return NOTHING
    async with engine.database.at_once() as tx:
        people = await load_people(tx, only)
        snapshots = await accounts.last_snapshots(tx)
        held = await held_values.values_of(tx, only)
        theirs = [await accounts.load_accounts(tx, identity=identity) for identity in only]
    linked: dict[ApplicationName, list[NativeId]] = {}
    for account in (account for some in theirs for account in some if account.exists):
        linked.setdefault(account.application, []).append(account.native_id)
    names = [name for name in engine.applications.names if name in snapshots]
    wanted = {name: _sought(engine, name, people, held, linked.get(name, ())) for name in names}
    results = await asyncio.gather(*(_look(engine, name, sought) for name, sought in wanted.items()))
    found = dict(zip(wanted, results, strict=True))
    return NamedLook(
        looked={name: result for name, result in found.items() if isinstance(result, Looked)},
        faults={
            name: result
            for name, result in found.items()
            if isinstance(result, ConnectorError) and not isinstance(result, NotSupported)
        },
        snapshots=snapshots,
    )


def _sought(
    engine: Engine,
    name: ApplicationName,
    people: Sequence[Identity],
    held: Sequence[tuple[str, str]],
    linked: Sequence[NativeId],
) -> Sought:
    settings = engine.applications.settings[name]
    return Sought(linked=tuple(linked), values=values_of(settings, people, held))


async def _look(engine: Engine, name: ApplicationName, sought: Sought) -> Looked | ConnectorError:
    try:
        with told_plainly(name):
            opened = await engine.applications.open(name)
            return await look_for(opened.connector, await opened.principal(), name, sought, engine.clock)
    except ConnectorError as fault:
        return fault


async def take_in_named(engine: Engine, tx: Transaction, look: NamedLook) -> Mapping[ApplicationName, TakenIn]:
    """The inventory shows what was seen of the people; their plan is made from it and from the last whole readings."""
    everybody = await load_people(tx) if any(looked.strangers for looked in look.looked.values()) else ()
    now = engine.clock.now()
    for name, looked in sorted(look.looked.items()):
        await take_in_looked(tx, looked, engine.applications.settings[name], everybody, now)
    return {name: TakenIn(snapshot=look.snapshots[name], accounts=(), first_time=False) for name in look.looked}
