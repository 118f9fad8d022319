"""Looks for pushed resources: filters, order and pages in SQL (RFC 7644 section 3.4.2, RFC 9865)."""

from psycopg.rows import scalar_row, tuple_row

from lastday.filters.sql import SqlCondition, SqlTarget, sort_key, sort_sql, to_sql
from lastday.model.ids import SourceName
from lastday.model.scim import PushedResource
from lastday.store.database import Transaction
from lastday.store.pushed import COLUMNS, Position, Search, resource_of, searchable

_COLUMNS = {"username": "user_name", "externalid": "external_id", "id": "id"}
_EXACT_COLUMNS = frozenset({"externalid", "id"})
"""Those that hold the text as it was written."""
_EVERYTHING = SqlCondition(text="TRUE")


async def search(
    tx: Transaction, source: SourceName, search: Search, *, case_exact: frozenset[str]
) -> tuple[int, list[PushedResource]]:
    """How many resources of the source the search means in all, and its page of them.

    What has no sort value stands last, in descending order first; equal ones stand in the order of their creation.
    Raises FilterError as `to_sql` does.
    """
    target = _target(case_exact)
    where = _meant(source, search, target, case_exact)
    found = await _page(tx, search, where, _sorted_by(search, target, case_exact)) if search.count > 0 else []
    skipped = max(search.start, 1) - 1
    if search.after is None and len(found) < search.count and (found or not skipped):
        return skipped + len(found), found
    return await _total(tx, where), found


def position_of(search: Search, last: PushedResource, *, case_exact: frozenset[str]) -> Position:
    """The end of a page of this search, whose last resource this is."""
    if search.sort_by is None:
        return Position(ordinal=last.ordinal)
    columns = _target(case_exact).columns
    key = sort_key(searchable(last), search.sort_by, case_exact=case_exact, columns=columns)
    return Position(ordinal=last.ordinal, sort_key=key)


def _meant(source: SourceName, search: Search, target: SqlTarget, case_exact: frozenset[str]) -> SqlCondition:
    """FROM what and WHERE. A filter stands behind a fence: only it says which index serves, and not the source's."""
    place = f"source = %s AND type = '{search.type.value}' AND deleted_at IS NULL"
    if search.filter is None:
        return SqlCondition(text=f"FROM pushed_resource WHERE {place}", parameters=(source,))
    wanted = to_sql(search.filter, target, case_exact=case_exact)
    return SqlCondition(
        text=f"FROM (SELECT * FROM pushed_resource WHERE {wanted.text} OFFSET 0) AS fit WHERE {place}",  # noqa: S608 - from to_sql and our own names; values are parameters
        parameters=(*wanted.parameters, source),
    )


def _target(case_exact: frozenset[str]) -> SqlTarget:
    """Only with the columns that hold their text as this comparison wants it."""
    exact = {path.lower() for path in case_exact}
    fit = {path: column for path, column in _COLUMNS.items() if (path in _EXACT_COLUMNS) == (path in exact)}
    return SqlTarget(document="comparable", columns=fit)


def _sorted_by(search: Search, target: SqlTarget, case_exact: frozenset[str]) -> SqlCondition:
    if search.sort_by is None:
        return SqlCondition(text="NULL::text")
    return sort_sql(search.sort_by, target, case_exact=case_exact)


async def _page(tx: Transaction, search: Search, where: SqlCondition, key: SqlCondition) -> list[PushedResource]:
    after, offset = _after(search), 0 if search.after is not None else max(search.start, 1) - 1
    order = "ordinal" if search.sort_by is None else _order(search)
    rows = await tx.fetch_all(
        f"SELECT {COLUMNS} FROM (SELECT *, {key.text} AS sort_key {where.text}) AS found"  # noqa: S608 - from to_sql and our own names; values are parameters
        f" WHERE {after.text} ORDER BY {order} LIMIT %s OFFSET %s",
        (*key.parameters, *where.parameters, *after.parameters, search.count, offset),
        row=tuple_row,
    )
    return [resource_of(row) for row in rows]


def _order(search: Search) -> str:
    return "sort_key DESC NULLS FIRST, ordinal" if search.descending else "sort_key ASC NULLS LAST, ordinal"


def _after(search: Search) -> SqlCondition:
    """What stands behind the position in the order of `_order`."""
    position = search.after
    if position is None:
        return _EVERYTHING
    if search.sort_by is None:
        return SqlCondition(text="ordinal > %s", parameters=(position.ordinal,))
    if position.sort_key is None:
        rest = "sort_key IS NOT NULL" if search.descending else "FALSE"
        return SqlCondition(text=f"(sort_key IS NULL AND ordinal > %s OR {rest})", parameters=(position.ordinal,))
    key = str(position.sort_key)
    beyond = "sort_key < %s" if search.descending else "(sort_key > %s OR sort_key IS NULL)"
    return SqlCondition(text=f"({beyond} OR sort_key = %s AND ordinal > %s)", parameters=(key, key, position.ordinal))


async def _total(tx: Transaction, where: SqlCondition) -> int:
    found = await tx.fetch_one(
        f"SELECT count(*) {where.text}",
        where.parameters,
        row=scalar_row,
    )
    return found or 0
