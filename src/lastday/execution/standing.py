"""How a person stands: what they should have now, and what is known to be there. Everything execution judges by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.execution.engine import Engine
from lastday.execution.people import load_people
from lastday.model.access import Adopted, Deny, DesiredAccess
from lastday.model.account import Account
from lastday.model.identity import Identity, last_left_at
from lastday.model.ids import ApplicationName, IdentityId
from lastday.planning.administrators import Administrator, administrators_among
from lastday.planning.profile import ApplicationProfile, profile_of
from lastday.policy.desired import desired_access
from lastday.store import accounts, decisions, operations
from lastday.store.database import Transaction

DISCONNECTED = frozenset[str]()
"""A connector without any capability to write belongs to an application that people change by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One person at one moment."""

    identity: Identity
    desired: DesiredAccess
    accounts: tuple[Account, ...]
    last_left_at: datetime | None


async def standing_of(
    engine: Engine, tx: Transaction, identity: IdentityId, application: ApplicationName | None = None
) -> Standing | None:
    """The person read again now, or None where nobody has this id; with the accounts in this application, or in all."""
    found = await standings(engine, tx, (identity,), application=application)
    return found[0] if found else None


async def standings(
    engine: Engine,
    tx: Transaction,
    ids: Sequence[IdentityId] | None,
    at: datetime | None = None,
    *,
    application: ApplicationName | None = None,
) -> tuple[Standing, ...]:
    """These people, or everybody, as they stand at `at` (now by default)."""
    now = at or engine.clock.now()
    people = await load_people(tx, ids)
    adopted = await decisions.load_adopted(tx, ids)
    denies = await decisions.load_denies(tx, now, ids)
    linked = await _linked_accounts(tx, ids, application)
    return tuple(
        Standing(
            identity=person,
            desired=wished(engine, person, now, adopted, denies),
            accounts=linked.get(person.id, ()),
            last_left_at=last_left_at(person.engagements, now),
        )
        for person in people
    )


def wished(
    engine: Engine, person: Identity, now: datetime, adopted: Sequence[Adopted] = (), denies: Sequence[Deny] = ()
) -> DesiredAccess:
    """What the policy in force says of the person."""
    mine = [a for a in adopted if a.identity == person.id]
    against = [d for d in denies if d.identity == person.id]
    return desired_access(person, engine.policy, now, adopted=mine, denies=against)


async def _linked_accounts(
    tx: Transaction, ids: Sequence[IdentityId] | None, application: ApplicationName | None
) -> Mapping[IdentityId, tuple[Account, ...]]:
    if ids is not None and len(ids) == 1:
        return {ids[0]: await accounts.load_accounts(tx, application=application, identity=ids[0])}
    grouped: dict[IdentityId, list[Account]] = {}
    for account in await accounts.load_accounts(tx, application=application):
        if account.identity is not None:
            grouped.setdefault(account.identity, []).append(account)
    return {identity: tuple(mine) for identity, mine in grouped.items()}


async def profiles(
    engine: Engine, tx: Transaction, names: Sequence[ApplicationName], here: Sequence[IdentityId]
) -> Mapping[ApplicationName, ApplicationProfile]:
    """What planning must know of each application; `here` are the people who are engaged now."""
    return {name: await profile_for(engine, tx, name, here) for name in names}


async def profile_for(
    engine: Engine, tx: Transaction, name: ApplicationName, here: Sequence[IdentityId] | None
) -> ApplicationProfile:
    """The application's profile, with what it was seen to have and what was given in it from here.

    `here` are the people who are engaged now; None leaves the administrators out, for whom all accounts are read.
    """
    settings = engine.applications.settings[name]
    manifest = engine.applications.manifest(name)
    writing = frozenset(capability.value for capability in manifest.capabilities)
    administrators: tuple[Administrator, ...] = ()
    if settings.admins and here is not None:
        known = await accounts.load_accounts(tx, application=name)
        administrators = administrators_among(known, settings.admins, frozenset(here))
    return profile_of(
        settings,
        tuple(engine.configuration.roles.values()),
        capabilities=writing,
        settle_s=manifest.settle_s,
        destroys=frozenset(manifest.destroys),
        disconnected=writing == DISCONNECTED,
        entitlements=await accounts.known_entitlements(tx, name) if settings.manage is not None else (),
        given=await operations.given_entitlements(tx, name),
        administrators=administrators,
    )
