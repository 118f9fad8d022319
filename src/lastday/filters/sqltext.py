"""What conditions in SQL are made of: text with parameters, where a resource stands in it, and tests of one text."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from lastday.filters.ast import AttributePath, CompareOperator
from lastday.filters.values import VALUE
from lastday.model.canonical import JsonValue

SqlParameter: TypeAlias = str | int

SIGNS = {
    CompareOperator.EQ: "=",
    CompareOperator.NE: "<>",
    CompareOperator.GT: ">",
    CompareOperator.GE: ">=",
    CompareOperator.LT: "<",
    CompareOperator.LE: "<=",
}
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlCondition:
    """Text with `%s` for each of the parameters, in their order."""

    text: str
    parameters: tuple[SqlParameter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlTarget:
    """Where the comparable form stands.

    `document` is a jsonb column of what `comparable` gives; a GIN index on it with jsonb_path_ops finds `eq`.
    `columns` names, by path in lower case, text columns that hold what `column_text` gives; only for attributes with
    at most one value, which is text. Raises ValueError for what is no column's name.
    """

    document: str
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (self.document, *self.columns.values()):
            if not _COLUMN.fullmatch(name):
                raise ValueError(f"no name of a column: {name}")

    def column(self, path: AttributePath) -> str | None:
        """The column that alone decides about text at `path`; None with a schema, which may be an extension's."""
        return self.columns.get(path.local_name) if path.schema is None else None


def sql(template: str, *parts: SqlCondition) -> SqlCondition:
    """`template` with the parts in place of each `{}`, and their parameters in the same order.

    >>> sql("NOT {}", sql("a = {}", text_parameter("x")))
    SqlCondition(text='NOT a = %s::text', parameters=('x',))
    """
    return SqlCondition(
        text=template.format(*(part.text for part in parts)),
        parameters=tuple(parameter for part in parts for parameter in part.parameters),
    )


def joined(word: str, parts: Sequence[SqlCondition]) -> SqlCondition:
    """The parts in parentheses with `word`, AND or OR, between them."""
    return sql("(" + f" {word} ".join(["{}"] * len(parts)) + ")", *parts)


def text_parameter(value: str) -> SqlCondition:
    return SqlCondition(text="%s::text", parameters=(value,))


def json_parameter(value: JsonValue) -> SqlCondition:
    return SqlCondition(text="%s::jsonb", parameters=(json.dumps(value),))


def nodes_at(path: AttributePath, document: str, *, of_value: bool = False) -> SqlCondition:
    """The nodes of the attribute of `path`, without its sub-attribute, as an array or NULL.

    `document` is SQL for the resource; with `of_value` for a value of it, which may be simple: its own `value`.
    """
    whole = sql(document)
    if path.schema is not None:
        whole = sql(f"coalesce({document} -> {{}}, {document})", text_parameter(path.schema.lower()))
    name = path.attribute.lower()
    nodes = sql("{} -> {}", whole, text_parameter(name))
    if of_value and name == VALUE:
        return sql(f"coalesce({{}}, jsonb_build_array({document}))", nodes)
    return nodes


def column_test(column: str, operator: CompareOperator, wanted: str) -> SqlCondition:
    """As `text_test`, never NULL. `=` keeps the collation of the column, so that its index serves."""
    if operator is CompareOperator.EQ and "\0" not in wanted:
        return sql(f"({column} IS NOT NULL AND {column} = {{}})", text_parameter(wanted))
    return sql(f"({column} IS NOT NULL AND {{}})", text_test(column, operator, wanted))


def text_test(text: str, operator: CompareOperator, wanted: str) -> SqlCondition:
    """`text` is SQL for a text or NULL. Code points are compared, which in UTF-8 is COLLATE "C"."""
    if "\0" in wanted:
        return _test_beyond_storable(text, operator, wanted)
    ordered = f'{text} COLLATE "C"'
    match operator:
        case CompareOperator.CO:
            return sql(f"strpos({ordered}, {{}}) > 0", text_parameter(wanted))
        case CompareOperator.SW:
            return sql(f"{ordered} ^@ {{}}", text_parameter(wanted))
        case CompareOperator.EW:
            length = SqlCondition(text="%s::int", parameters=(len(wanted),))
            return sql(f"right({ordered}, {{}}) = {{}}", length, text_parameter(wanted))
        case _:
            return sql(f"{ordered} {SIGNS[operator]} {{}}", text_parameter(wanted))


def _test_beyond_storable(text: str, operator: CompareOperator, wanted: str) -> SqlCondition:
    """No stored text holds U+0000: it differs from `wanted`, and comes after it where it comes after its beginning."""
    beginning = text_parameter(wanted.partition("\0")[0])
    if operator is CompareOperator.NE:
        return sql(f"{text} IS NOT NULL")
    if operator in (CompareOperator.LT, CompareOperator.LE):
        return sql(f'{text} COLLATE "C" <= {{}}', beginning)
    if operator in (CompareOperator.GT, CompareOperator.GE):
        return sql(f'{text} COLLATE "C" > {{}}', beginning)
    return sql("FALSE")
