"""Which identity ever held a mail address, a user name or a number, and until when."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from lastday.model.identity import Identity
from lastday.model.ids import IdentityId
from lastday.store.database import Transaction
from lastday.store.ranges import storable

REMEMBERED = ("employeenumber", "username", "emails", "emails.value")
"""What names one person at a time and may be given to another later; names of attributes in lower case."""


@dataclass(frozen=True, slots=True)
class HeldValue:
    """A person had this value of an attribute; both in lower case."""

    attribute: str
    value: str
    identity: IdentityId
    since: datetime
    until: datetime | None
    """When they ceased to; None: they have it to this day."""


_Held = dict[tuple[str, str, IdentityId], tuple[datetime, datetime | None]]


async def value_holders(
    tx: Transaction, attribute: str, values: Iterable[str], since: datetime
) -> Mapping[str, tuple[IdentityId, ...]]:
    """For each value as it was given, every identity that held it at or after `since`; none is an empty tuple.

    Values are compared without case. Only attributes of `REMEMBERED` have holders.
    """
    given = list(values)
    rows = await tx.fetch_all(
        "SELECT value_folded, array_agg(identity ORDER BY identity) AS holders FROM value_history"
        " WHERE attribute = %s AND value_folded = ANY(%s) AND (until IS NULL OR until >= %s) GROUP BY value_folded",
        (attribute.lower(), [folded(value) for value in given], since),
    )
    holders = {row["value_folded"]: tuple(row["holders"]) for row in rows}
    return {value: holders.get(folded(value), ()) for value in given}


async def values_of(tx: Transaction, identities: Sequence[IdentityId]) -> tuple[tuple[str, str], ...]:
    """Attribute (in lower case) and value (folded) of everything that these people are remembered to have held."""
    rows = await tx.fetch_all(
        "SELECT DISTINCT attribute, value_folded FROM value_history WHERE identity = ANY(%s)", (list(identities),)
    )
    return tuple((row["attribute"], row["value_folded"]) for row in rows)


async def load_held(tx: Transaction, attributes: Iterable[str]) -> tuple[HeldValue, ...]:
    """Everything that anybody ever held under these attributes, of those in `REMEMBERED`."""
    return tuple(
        await tx.fetch_all(
            "SELECT attribute, value_folded AS value, identity, since, until FROM value_history"
            " WHERE attribute = ANY(%s) ORDER BY attribute, value_folded, identity",
            ([attribute.lower() for attribute in attributes],),
            row=class_row(HeldValue),
        )
    )


async def remember_values(
    tx: Transaction, identities: Sequence[Identity], known_at: datetime, attributes: Collection[str] = REMEMBERED
) -> None:
    """What these identities hold now is remembered; what they held and hold no more ended at `known_at`."""
    names = sorted({name.lower() for name in (*REMEMBERED, *attributes)})
    held: _Held = {}
    for identity in identities:
        _add_held(held, identity, names, known_at)
    await _end_others(tx, [identity.id for identity in identities], held, known_at)
    await tx.execute(
        "INSERT INTO value_history (attribute, value_folded, identity, since, until)"
        " SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])"
        " ON CONFLICT (attribute, value_folded, identity) DO UPDATE"
        " SET since = least(value_history.since, excluded.since), until = excluded.until",
        (*_columns(held), [began for began, _ in held.values()], [ended for _, ended in held.values()]),
    )


async def _end_others(tx: Transaction, identities: Sequence[IdentityId], held: _Held, known_at: datetime) -> None:
    await tx.execute(
        "UPDATE value_history h SET until = %s WHERE identity = ANY(%s) AND (until IS NULL OR until > %s)"
        " AND NOT EXISTS (SELECT 1 FROM unnest(%s::text[], %s::text[], %s::text[]) AS n (attribute, value, identity)"
        " WHERE (n.attribute, n.value, n.identity) = (h.attribute, h.value_folded, h.identity))",
        (known_at, list(identities), known_at, *_columns(held)),
    )


def _columns(held: _Held) -> tuple[list[str], list[str], list[IdentityId]]:
    return [key[0] for key in held], [key[1] for key in held], [key[2] for key in held]


def _add_held(held: _Held, identity: Identity, names: Sequence[str], known_at: datetime) -> None:
    """A value is held as long as any engagement that names it runs."""
    for engagement in identity.engagements:
        began = min(engagement.starts_at or known_at, known_at)
        for attribute in names:
            for value in engagement.attributes.get(attribute, ()):
                key = (attribute, folded(str(value)), identity.id)
                first, last = held.get(key, (began, engagement.ends_at))
                ends = None if last is None or engagement.ends_at is None else max(last, engagement.ends_at)
                held[key] = (min(first, began), ends)


def folded(value: str) -> str:
    return storable(unicodedata.normalize("NFC", value).strip().casefold())


async def all_held(tx: Transaction) -> tuple[tuple[str, str, IdentityId, datetime | None], ...]:
    """Attribute, value, identity and end of everything that is remembered."""
    rows = await tx.fetch_all("SELECT attribute, value_folded, identity, until FROM value_history")
    return tuple((row["attribute"], row["value_folded"], row["identity"], row["until"]) for row in rows)
