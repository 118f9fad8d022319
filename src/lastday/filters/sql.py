"""Tree -> condition in SQL on the comparable form of a resource, true of the same resources as the predicate.

Literals and names are parameters, never text. Every condition is true or false and never NULL, so that `not` means
what it means in the predicate, and no cast can fail.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lastday.filters.ast import (
    And,
    AttributePath,
    Compare,
    CompareOperator,
    Filter,
    Literal,
    Not,
    Now,
    Or,
    Present,
    ValuePath,
)
from lastday.filters.chains import operands_of
from lastday.filters.comparable import (
    EXACT,
    INSTANT,
    NUMBER,
    TEXT,
    TRUTH,
    VOID,
    Node,
    exact_number,
    microseconds,
    storable,
)
from lastday.filters.literals import fold, instant_of, objection
from lastday.filters.sorting import column_text, sort_key, sort_sql
from lastday.filters.sqltext import (
    SIGNS,
    SqlCondition,
    SqlTarget,
    column_test,
    joined,
    json_parameter,
    nodes_at,
    sql,
    text_parameter,
    text_test,
)
from lastday.filters.text import paths, write
from lastday.filters.values import VALUE
from lastday.model.canonical import JsonValue
from lastday.model.errors import FilterError

__all__ = ["SqlCondition", "SqlTarget", "column_text", "sort_key", "sort_sql", "to_sql"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """What a part of a filter is asked of: the whole resource, or one value of `path[...]`."""

    document: str
    target: SqlTarget | None
    """None inside brackets: no column stands for a part of a value."""
    exact: frozenset[str]
    now: datetime | None
    prefix: str = ""
    depth: int = 0

    @property
    def node(self) -> str:
        """SQL for the value that a condition looks at."""
        return f"v{self.depth}"

    def is_exact(self, path: AttributePath) -> bool:
        return self.prefix + path.local_name in self.exact

    def nodes(self, path: AttributePath) -> SqlCondition:
        return nodes_at(path, self.document, of_value=self.depth > 0)

    def text(self, path: AttributePath) -> str:
        """SQL for the text of the value, or NULL where it is none."""
        folded = f"({self.node} ->> '{TEXT}')"
        return f"coalesce({self.node} ->> '{EXACT}', {folded})" if self.is_exact(path) else folded

    def inside(self, path: AttributePath) -> "_Scope":
        return _Scope(
            document=self.node,
            target=None,
            exact=self.exact,
            now=self.now,
            prefix=path.local_name + ".",
            depth=self.depth + 1,
        )


def to_sql(
    node: Filter, target: SqlTarget, *, case_exact: frozenset[str] = frozenset(), now: datetime | None = None
) -> SqlCondition:
    """The condition that is true of exactly the rows whose resource satisfies `compile_predicate(node)` at `now`.

    `case_exact` as for the predicate, the same for which the columns of `target` were filled.
    Raises FilterError where the predicate does, and for a name or text that cannot be stored; ValueError where the
    filter speaks of now and `now` is None or has no zone.

    >>> to_sql(Compare(path=AttributePath(attribute="userName"), operator=CompareOperator.EQ, value="Ada"),
    ...        SqlTarget(document="comparable", columns={"username": "user_name"}))
    SqlCondition(text='(user_name IS NOT NULL AND user_name = %s::text)', parameters=('ada',))
    """
    if not all(storable(path.text) for path in paths(node)):
        raise FilterError("a name that no attribute has", text=write(node), position=0, mend="Name an attribute.")
    exact = frozenset(path.lower() for path in case_exact)
    return _condition(node, _Scope(document=target.document, target=target, exact=exact, now=now))


def _condition(node: Filter, scope: _Scope) -> SqlCondition:
    match node:
        case Present():
            return _present(node.path, scope)
        case Compare():
            return _comparison(node, scope)
        case ValuePath():
            return _some_value(node, scope)
        case Not():
            return sql("NOT {}", _condition(node.operand, scope))
        case And():
            return joined("AND", [_condition(part, scope) for part in operands_of(And, node)])
        case Or():
            return joined("OR", [_condition(part, scope) for part in operands_of(Or, node)])


def _comparison(node: Compare, scope: _Scope) -> SqlCondition:
    wrong = objection(node.operator, node.value)
    if wrong is not None:
        raise FilterError(wrong.what, text=write(node), position=0, mend=wrong.mend)
    if node.value is None:
        present = _present(node.path, scope)
        return present if node.operator is CompareOperator.NE else sql("NOT {}", present)
    if isinstance(node.value, str):
        return _text_comparison(node, node.value, scope)
    if node.operator is CompareOperator.EQ:
        return _contains(node.path, _equal_facets(node.value, scope.now), scope)
    facet, number = _plain_facet(node.value, scope.now)
    test = sql(f"{scope.node} -> '{facet}' {SIGNS[node.operator]} {{}}", json_parameter(number))
    return _some(node.path, test, scope)


def _plain_facet(value: float | Now, now: datetime | None) -> tuple[str, int | float]:
    """The facet that a literal which is no text compares with, and what it is in it."""
    if isinstance(value, Now):
        if now is None:
            raise ValueError("this filter speaks of now and was given no moment")
        return INSTANT, microseconds(now + timedelta(seconds=value.offset_s))
    return (TRUTH, value) if isinstance(value, bool) else (NUMBER, exact_number(value))


def _text_comparison(node: Compare, value: str, scope: _Scope) -> SqlCondition:
    if not storable(value.replace("\0", "")):
        raise FilterError("half of a character pair in the text", text=write(node), position=0, mend="Write both.")
    path, operator = node.path, node.operator
    wanted = value if scope.is_exact(path) else fold(value)
    moment = instant_of(value)
    if moment is not None and operator in SIGNS:
        return _moment_comparison(node, wanted, moment, scope)
    column = None if scope.target is None else scope.target.column(path)
    if column is not None:
        return column_test(column, operator, wanted)
    if operator is CompareOperator.EQ:
        return _equal_text(path, wanted, scope)
    return _some(path, text_test(scope.text(path), operator, wanted), scope)


def _moment_comparison(node: Compare, wanted: str, moment: datetime, scope: _Scope) -> SqlCondition:
    """Moments as instants; text that writes none as text, which is never equal to text that does."""
    instant = microseconds(moment)
    if node.operator is CompareOperator.EQ:
        return _contains(node.path, {INSTANT: instant}, scope)
    as_instant = sql(f"{scope.node} -> '{INSTANT}' {SIGNS[node.operator]} {{}}", json_parameter(instant))
    as_text = text_test(scope.text(node.path), node.operator, wanted)
    test = sql(f"CASE WHEN {scope.node} ? '{INSTANT}' THEN {{}} ELSE {{}} END", as_instant, as_text)
    return _some(node.path, test, scope)


def _equal_text(path: AttributePath, wanted: str, scope: _Scope) -> SqlCondition:
    """By the index first; what is exactly equal is also equal without case."""
    if "\0" in wanted:
        return sql("FALSE")
    exact = scope.is_exact(path)
    found = _contains(path, {TEXT: fold(wanted) if exact else wanted}, scope)
    if not exact:
        return found
    return joined("AND", [found, _some(path, text_test(scope.text(path), CompareOperator.EQ, wanted), scope)])


def _some_value(node: ValuePath, scope: _Scope) -> SqlCondition:
    inner = _condition(node.inner, scope.inside(node.path))
    found = _some(node.path, sql(f"NOT {scope.node} ? '{VOID}' AND {{}}", inner), scope)
    hints = [_contains(node.path, hint, scope) for hint in _hints(node.inner, scope.now)]
    return joined("AND", [joined("OR", hints), found]) if hints and not scope.depth else found


def _hints(inner: Filter, now: datetime | None) -> list[Node]:
    """What an index can look for: every value that satisfies `inner` has all of one of these; empty: no idea."""
    equal = [part for part in operands_of(And, inner) if isinstance(part, Compare) and _is_findable(part)]
    own = [part for part in equal if part.path.local_name == VALUE]
    hint: Node = {}
    for part in equal:
        facets, name = _equal_facets(part.value, now), part.path.attribute.lower()
        if name != VALUE:
            hint[name] = [facets if part.path.sub is None else {part.path.sub.lower(): [facets]}]
    if own:
        facets = _equal_facets(own[0].value, now)
        return [{**hint, **facets}, {**hint, VALUE: [facets]}]
    return [hint] if hint else []


def _is_findable(part: Compare) -> bool:
    value = part.value
    unstorable = value is None or (isinstance(value, str) and "\0" in value)
    return part.operator is CompareOperator.EQ and part.path.schema is None and not unstorable


def _equal_facets(value: Literal, now: datetime | None) -> Node:
    """What a node has that equals `value`, which is not null."""
    if isinstance(value, str):
        moment = instant_of(value)
        return {TEXT: fold(value)} if moment is None else {INSTANT: microseconds(moment)}
    assert value is not None
    facet, number = _plain_facet(value, now)
    return {facet: number}


def _present(path: AttributePath, scope: _Scope) -> SqlCondition:
    return _some(path, sql(f"NOT {scope.node} ? '{VOID}'"), scope)


def _some(path: AttributePath, test: SqlCondition, scope: _Scope) -> SqlCondition:
    """One of the nodes at `path` passes `test`."""
    nodes = sql("jsonb_array_elements({})", scope.nodes(path))
    if path.sub is None:
        return sql(f"EXISTS (SELECT FROM {{}} AS n({scope.node}) WHERE {{}})", nodes, test)
    outer = f"o{scope.depth}"
    nodes = sql(f"{{}} AS o({outer}), jsonb_array_elements({outer} -> {{}})", nodes, text_parameter(path.sub.lower()))
    return sql(f"EXISTS (SELECT FROM {{}} AS n({scope.node}) WHERE {{}})", nodes, test)


def _contains(path: AttributePath, facets: Node, scope: _Scope) -> SqlCondition:
    """One of the nodes at `path` has all these facets."""
    nodes: JsonValue = [facets] if path.sub is None else [{path.sub.lower(): [facets]}]
    name, document = path.attribute.lower(), scope.document
    if scope.depth and name == VALUE:
        return sql("{} @> {}", scope.nodes(path), json_parameter(nodes))
    at_top = sql(f"{document} @> {{}}", json_parameter({name: nodes}))
    if path.schema is None:
        return at_top
    schema = path.schema.lower()
    outside = sql(f"NOT {document} ? {{}}", text_parameter(schema))
    inside = sql(f"{document} @> {{}}", json_parameter({schema: {name: nodes}}))
    return sql("({} AND {} OR {})", outside, at_top, inside)
