"""Whom a few rows of a source may concern, found without reading everybody."""

from collections.abc import Iterable

from psycopg.rows import scalar_row

from lastday.model.identity import Identity
from lastday.model.ids import ResourceId, SourceName
from lastday.store.database import Transaction
from lastday.store.held_values import folded
from lastday.store.identities import load_identities


async def concerned_identities(
    tx: Transaction,
    source: SourceName,
    *,
    keys: Iterable[str],
    person_keys: Iterable[str] = (),
    resources: Iterable[ResourceId] = (),
    held: Iterable[str] = (),
) -> tuple[Identity, ...]:
    """Everybody with one of these engagement keys in the source, one of these person keys in any source, an engagement
    of one of these resources, or one of these user names or addresses, whole, in the order of their ids.
    """
    ids = await tx.fetch_all(
        "SELECT identity FROM engagement WHERE source = %(source)s AND key = ANY(%(keys)s)"
        " UNION SELECT id FROM identity WHERE person_key = ANY(%(person_keys)s)"
        " UNION SELECT e.identity FROM engagement e JOIN engagement_version v ON v.engagement = e.id"
        "  WHERE %(resources)s::text[] <> '{}' AND e.source = %(source)s AND upper_inf(v.known)"
        "  AND v.attributes ->> 'id' = ANY(%(resources)s)"
        " UNION SELECT identity FROM value_history"
        "  WHERE attribute IN ('username', 'emails.value') AND value_folded = ANY(%(held)s) AND until IS NULL",
        {
            "source": source,
            "keys": list(keys),
            "person_keys": list(person_keys),
            "resources": list(resources),
            "held": [folded(value) for value in held],
        },
        row=scalar_row,
    )
    return await load_identities(tx, ids)
