"""What a role owns and may do, in every database of the cluster, and handing it over without losing any of it.

REASSIGN OWNED moves objects, of one database at a time; default privileges and user mappings are not moved, and
privileges stay (REASSIGN OWNED, DROP OWNED). DROP OWNED takes those away, but would drop objects that are still owned:
it runs only in the same transaction as a check that none is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from lastday.connectors.postgresql.database import Session, Statement

_OWNED = "d.deptype = 'o' AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)"
_PLACES = f"""
SELECT COALESCE(b.datname, ''), COALESCE(b.datallowconn, true), count(*) FILTER (WHERE {_OWNED}), count(*)
FROM pg_shdepend d LEFT JOIN pg_database b ON b.oid = d.dbid
WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid::bigint = %s AND d.classid <> 'pg_auth_members'::regclass
GROUP BY 1, 2 ORDER BY 1
"""  # noqa: S608 - put together from constants
_STILL_OWNED = f"""
DO $check$ BEGIN
IF EXISTS (SELECT 1 FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = {{oid}}::oid
           AND {_OWNED} AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
THEN RAISE EXCEPTION 'objects are still owned' USING ERRCODE = 'dependent_objects_still_exist'; END IF;
END $check$
"""  # noqa: S608 - put together from constants; the oid comes in as a literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database in which the role owns or may do something; an empty name means what all databases share."""

    database: str
    open: bool
    """It allows connections."""
    owned: int
    everything: int
    """Owned things, privileges, default privileges and policies together."""


async def places_of(session: Session, oid: int) -> list[Place]:
    """Every place in which something hangs on the role. pg_shdepend is one for the whole cluster."""
    return [
        Place(database=row[0], open=row[1], owned=row[2], everything=row[3]) for row in await session.rows(_PLACES, oid)
    ]


def statements_to_hand_over(oid: int, name: str, successor: str) -> Sequence[Statement]:
    """What moves everything in the present database to the successor and takes the privileges away, together."""
    role, heir = sql.Identifier(name), sql.Identifier(successor)
    return [
        sql.SQL("REASSIGN OWNED BY {} TO {}").format(role, heir),
        sql.SQL(_STILL_OWNED).format(oid=sql.Literal(oid)),
        sql.SQL("DROP OWNED BY {}").format(role),
    ]
