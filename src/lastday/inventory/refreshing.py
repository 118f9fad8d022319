"""Looking for a few people in an application without reading it whole: their accounts by id, any others by search.

"No account" is a finding of its own here: the application answered every search and none of them found anything.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.configuration.settings import ApplicationSettings
from lastday.connectors.sdk.protocols import Connector
from lastday.inventory.aggregation import correlate_application, mark_standings
from lastday.model.account import ObservedAccount
from lastday.model.clock import Clock
from lastday.model.errors import NotSupported
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName, NativeId
from lastday.store import accounts
from lastday.store.database import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for in one application."""

    linked: tuple[NativeId, ...]
    """The people's accounts that are known."""
    values: tuple[tuple[str, str], ...]
    """Attribute of the application and value, by which any other account of theirs would be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What an application showed of the people; exactly `absent` of what was known is not there."""

    application: ApplicationName
    found: tuple[ObservedAccount, ...]
    absent: tuple[NativeId, ...]
    strangers: bool
    """Something was found that was not known as theirs."""
    principal: str
    at: datetime


def values_of(
    settings: ApplicationSettings, people: Sequence[Identity], held: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Every attribute and value of a match line under which an account of these people could stand.

    `held` are attributes (in lower case) and values that the people had at any time. Empty where one of the people has
    no value at all: of them the application can only be read whole.
    """
    lines = {(line.account_attribute, line.identity_attribute) for line in settings.match}
    each = [
        {(mine, str(v)) for mine, theirs in lines for e in person.engagements for v in e.attributes.get(theirs, ())}
        for person in people
    ]
    if not all(each):
        return ()
    now = set[tuple[str, str]]().union(*each)
    shown = {(mine, value.casefold()) for mine, value in now}
    once = {(mine, v) for mine, theirs in lines for name, v in held if name == theirs.lower()}
    return tuple(sorted(now | {(mine, v) for mine, v in once if (mine, v.casefold()) not in shown}))


async def look_for(
    connector: Connector, principal: str, application: ApplicationName, sought: Sought, clock: Clock
) -> Looked:
    """What the application shows of the people now. Raises ConnectorError; NotSupported where nothing can be asked."""
    if not sought.values:
        raise NotSupported(f"nothing of these people can be looked for in {application}")
    at = clock.now()
    by_id, by_value = await asyncio.gather(
        asyncio.gather(*(connector.read_account(native_id) for native_id in sought.linked)),
        asyncio.gather(*(connector.find_accounts(attribute, value) for attribute, value in sought.values)),
    )
    found = {account.native_id: account for accounts_ in by_value for account in accounts_}
    found |= {account.native_id: account for account in by_id if account is not None}
    return Looked(
        application=application,
        found=tuple(found[native_id] for native_id in sorted(found)),
        absent=tuple(native_id for native_id in sought.linked if native_id not in found),
        strangers=bool(found.keys() - set(sought.linked)),
        principal=principal,
        at=at,
    )


async def take_in_looked(
    tx: Transaction, looked: Looked, settings: ApplicationSettings, people: Sequence[Identity], now: datetime
) -> None:
    """The inventory shows what was seen; what nobody knew is correlated, among all `people`."""
    for account in looked.found:
        await accounts.apply_read(tx, looked.application, account.native_id, account, looked.at)
    for native_id in looked.absent:
        await accounts.apply_read(tx, looked.application, native_id, None, looked.at)
    if looked.strangers:
        await mark_standings(tx, looked.application, settings, looked.principal)
        await correlate_application(tx, settings, people, now)
