"""Reads the users that changes touched, and everybody whom they may be."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lastday.configuration.scim_paths import ENTERPRISE, scim_path
from lastday.configuration.settings import CompanySettings, SourceSettings
from lastday.filters.ast import AttributePath, Compare, CompareOperator
from lastday.lifecycle.normalise import NormalisedRow
from lastday.lifecycle.pushed import RESOURCE_ID, key_of, manager_of, number_of
from lastday.lifecycle.pushed_rows import Pushed, rows_of_pushed
from lastday.lifecycle.scim_values import text_of, values_at
from lastday.model.finding import RejectedRow
from lastday.model.identity import Identity
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushedResource, ResourceType
from lastday.store.concerned import concerned_identities
from lastday.store.database import Transaction
from lastday.store.identities import load_identities
from lastday.store.pushed import Search, load_resources, load_standing
from lastday.store.pushed_search import search
from lastday.store.pushes import Push

_EXACT = frozenset({"id"})
_MANAGER = AttributePath(schema=ENTERPRISE, attribute="manager", sub="value")
_MOST_FOUND = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedReading:
    """Users as rows, and whoever is known already that the rows may be about."""

    known: tuple[Identity, ...]
    rows: tuple[NormalisedRow, ...]
    rejected: tuple[RejectedRow, ...]
    versions: tuple[tuple[ResourceId, int], ...]
    """Every user that was read, in which version."""

    @property
    def users(self) -> int:
        return len(self.versions)

    @property
    def keys(self) -> frozenset[str]:
        """By what findings call the users that were read: their engagement keys, and their ids."""
        keys = (*(row.key for row in self.rows), *(row.key for row in self.rejected if row.key))
        return frozenset({*keys, *(resource for resource, _ in self.versions)})


async def read_all(tx: Transaction, settings: SourceSettings, waiting: Sequence[Push] = ()) -> tuple[Pushed, ...]:
    """Every user of the source that is there; `waiting` are the changes that nobody has taken in."""
    said = _said_last(waiting)
    everybody = await load_resources(tx, settings.name, ResourceType.USER)
    return tuple(Pushed(resource=one, said_active=said.get(one.id)) for one in everybody)


def _said_last(waiting: Sequence[Push]) -> dict[ResourceId, bool]:
    """What each resource said last of its switch; the changes come in their order."""
    return {push.resource: push.active for push in waiting if push.active is not None}


async def read_changed(
    tx: Transaction,
    settings: SourceSettings,
    company: CompanySettings,
    waiting: Sequence[Push],
    now: datetime,
    *,
    everything: Sequence[Pushed] | None = None,
) -> PushedReading:
    """The users that these changes touched, or `everything`, as rows.

    Changes of groups need no reading of their own: each user whom one touches has a change, too.
    """
    if everything is not None:
        pushed, known = tuple(everything), await load_identities(tx)
    else:
        pushed = await _touched(tx, settings.name, waiting)
        pushed = (*pushed, *await _heirs(tx, settings, pushed))
        known = await _known(tx, settings, pushed)
        reports = await _reports(tx, settings, pushed, known)
        if reports:
            pushed = (*pushed, *reports)
            known = await _known(tx, settings, pushed)
    managers = await _managers(tx, settings, pushed)
    others = await _others(tx, settings, pushed, known)
    found = rows_of_pushed(pushed, known, managers, settings, company, now, others=others)
    return PushedReading(
        known=known,
        rows=found.rows,
        rejected=found.rejected,
        versions=tuple((one.resource.id, one.resource.version) for one in pushed),
    )


async def _touched(tx: Transaction, source: SourceName, waiting: Sequence[Push]) -> tuple[Pushed, ...]:
    """The users of these changes, also those that are gone."""
    ids = {push.resource for push in waiting if push.type is ResourceType.USER}
    standing = await load_standing(tx, source, ResourceType.USER, sorted(ids)) if ids else []
    said = _said_last(waiting)
    return tuple(
        Pushed(resource=one.resource, gone_at=one.deleted_at, said_active=said.get(one.resource.id)) for one in standing
    )


async def _known(tx: Transaction, settings: SourceSettings, pushed: Sequence[Pushed]) -> tuple[Identity, ...]:
    """Whoever has the key, the person key, the user name or an address of one of these users."""
    resources = [one.resource for one in pushed]
    own_key = settings.key.lower() == RESOURCE_ID
    return await concerned_identities(
        tx,
        settings.name,
        keys={key for one in resources if (key := key_of(one, settings))},
        person_keys=_texts(resources, settings.person_key),
        resources=() if own_key else [one.id for one in resources],
        held={*_texts(resources, "userName"), *_texts(resources, "emails.value")},
    )


def _texts(resources: Iterable[PushedResource], path: str | None) -> set[str]:
    if path is None:
        return set()
    return {text for one in resources if (text := text_of(values_at({**one.body, "id": one.id}, path)))}


async def _heirs(tx: Transaction, settings: SourceSettings, pushed: Sequence[Pushed]) -> tuple[Pushed, ...]:
    """The users who claimed the key of one who is gone, and may have it now."""
    path = scim_path(settings.key)
    if settings.key.lower() == RESOURCE_ID or path.condition is not None:
        return ()
    read = {one.resource.id for one in pushed}
    keys = {key for one in pushed if one.gone_at is not None and (key := key_of(one.resource, settings))}
    found = {
        heir.id: heir
        for key in sorted(keys)
        for heir in await _with(tx, settings.name, path.path, key)
        if heir.id not in read and key_of(heir, settings) == key
    }
    return tuple(Pushed(resource=heir) for heir in found.values())


async def _others(
    tx: Transaction, settings: SourceSettings, pushed: Sequence[Pushed], known: Sequence[Identity]
) -> frozenset[ResourceId]:
    """The users besides these who came in with the engagements of whoever is known, and are still there."""
    if settings.key.lower() == RESOURCE_ID:
        return frozenset()
    came = {
        ResourceId(resource)
        for person in known
        for e in person.engagements
        if e.source == settings.name and (resource := e.attributes.text(RESOURCE_ID))
    }
    wanted = sorted(came - {one.resource.id for one in pushed})
    found = await load_resources(tx, settings.name, ResourceType.USER, wanted) if wanted else []
    return frozenset(one.id for one in found)


async def _reports(
    tx: Transaction, settings: SourceSettings, pushed: Sequence[Pushed], known: Sequence[Identity]
) -> tuple[Pushed, ...]:
    """The other users whose manager has another number than when they were read: it stands in their rows."""
    read = {one.resource.id for one in pushed}
    found = [
        report
        for manager in _renumbered(settings, pushed, known)
        for report in await _with(tx, settings.name, _MANAGER, manager)
        if report.id not in read
    ]
    return tuple(Pushed(resource=report) for report in found)


def _renumbered(settings: SourceSettings, pushed: Sequence[Pushed], known: Sequence[Identity]) -> list[ResourceId]:
    before = {
        e.attributes.text(RESOURCE_ID) or e.key: e.attributes.text("employeeNumber")
        for person in known
        for e in person.engagements
        if e.source == settings.name
    }
    if "employeenumber" not in {name.lower() for name in settings.columns}:
        return []
    here = [one.resource for one in pushed if one.gone_at is None]
    return [one.id for one in here if one.id in before and before[one.id] != number_of(one, settings)]


async def _with(tx: Transaction, source: SourceName, path: AttributePath, text: str) -> list[PushedResource]:
    """The users who have this text there."""
    said = Compare(path=path, operator=CompareOperator.EQ, value=text)
    wanted = Search(type=ResourceType.USER, filter=said, count=_MOST_FOUND)
    _, found = await search(tx, source, wanted, case_exact=_EXACT)
    return found


async def _managers(tx: Transaction, settings: SourceSettings, pushed: Collection[Pushed]) -> Mapping[str, str]:
    """By resource id the employee numbers of those whom these users name as manager."""
    numbers = {one.resource.id: number_of(one.resource, settings) for one in pushed if one.gone_at is None}
    named = {manager for one in pushed if (manager := manager_of(one.resource))} - set(numbers)
    others = await load_resources(tx, settings.name, ResourceType.USER, [ResourceId(one) for one in sorted(named)])
    numbers |= {one.id: number_of(one, settings) for one in others}
    return {resource: number for resource, number in numbers.items() if number}
