"""By what resources stand in order: the same text from Python and from SQL (RFC 7644 section 3.4.2.3)."""

from collections.abc import Container, Mapping

from lastday.filters.ast import AttributePath
from lastday.filters.comparable import EXACT, ORDER, TEXT, TRUTH, Node, node_of
from lastday.filters.sqltext import SqlCondition, SqlTarget, nodes_at, sql, text_parameter
from lastday.filters.values import elements, member

_PRIMARY = f'$[*] ? (@."primary"[*]."{TRUTH}" == true)'


def sort_sql(path: AttributePath, target: SqlTarget, *, case_exact: frozenset[str] = frozenset()) -> SqlCondition:
    """The expression, a text or NULL in COLLATE "C", by which rows are sorted: what `sort_key` gives for each."""
    column = target.column(path)
    if column is not None:
        return sql(f'({column} COLLATE "C")')
    nodes = nodes_at(path, target.document)
    node = sql(f"coalesce(jsonb_path_query_first({{}}, '{_PRIMARY}'), {{}} -> 0)", nodes, nodes)
    if path.sub is not None:
        node = sql("{} -> {} -> 0", node, text_parameter(path.sub.lower()))
    facets = ", ".join(f"s.n ->> '{facet}'" for facet in _facets(path, case_exact))
    return sql(f'(SELECT coalesce({facets}) COLLATE "C" FROM (SELECT {{}} AS n) AS s)', node)  # noqa: S608 - our own names


def sort_key(
    resource: Mapping[str, object],
    path: AttributePath,
    *,
    case_exact: frozenset[str] = frozenset(),
    columns: Container[str] = (),
) -> str | None:
    """Text by whose code points resources stand in order at `path`; None where it has no value, or only a complex one.

    Of several values the primary one counts, else the first (RFC 7644 section 3.4.2.3). Text comes without case unless
    the path is in `case_exact`, moments and numbers in their own order. `columns` are the paths for which the target
    has a column.
    """
    if path.schema is None and path.local_name in columns:
        return column_text(resource, path, case_exact=case_exact)
    node = _deciding_node(resource, path)
    found = next((node[facet] for facet in _facets(path, case_exact) if facet in node), None)
    if isinstance(found, bool):
        return "true" if found else "false"
    return found if isinstance(found, str) else None


def column_text(
    resource: Mapping[str, object], path: AttributePath, *, case_exact: frozenset[str] = frozenset()
) -> str | None:
    """What a column of a target holds: the text at `path` without case, or as it is where the path is case-exact."""
    node = _deciding_node(resource, path)
    exact = _is_exact(path, case_exact) and EXACT in node
    text = node.get(EXACT if exact else TEXT)
    return text if isinstance(text, str) else None


def _deciding_node(resource: Mapping[str, object], path: AttributePath) -> Node:
    extension = None if path.schema is None else member(resource, path.schema.lower())
    whole = extension if isinstance(extension, Mapping) else resource
    values = elements(member(whole, path.attribute.lower()))
    chosen = next(filter(_is_primary, values), values[0] if values else None)
    if path.sub is not None and chosen is not None:
        inner = elements(member(chosen, path.sub.lower())) if isinstance(chosen, Mapping) else ()
        chosen = inner[0] if inner else None
    return {} if chosen is None else node_of(chosen)


def _is_primary(value: object) -> bool:
    marks = elements(member(value, "primary")) if isinstance(value, Mapping) else ()
    return any(node_of(mark).get(TRUTH) is True for mark in marks)


def _facets(path: AttributePath, case_exact: frozenset[str]) -> tuple[str, ...]:
    return (ORDER, EXACT, TEXT, TRUTH) if _is_exact(path, case_exact) else (ORDER, TEXT, TRUTH)


def _is_exact(path: AttributePath, case_exact: frozenset[str]) -> bool:
    return path.local_name in {name.lower() for name in case_exact}
