"""Tree -> text, and what a filter speaks of."""

import json
from dataclasses import replace

from lastday.filters.ast import And, AttributePath, Compare, Filter, Literal, Not, Now, Or, Present, ValuePath
from lastday.filters.chains import is_chain, operands_of

_UNITS = (("w", 604_800), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def write(node: Filter) -> str:
    """The text that parses to this same tree, with no more parentheses than that needs.

    >>> from lastday.filters.parser import parse
    >>> write(parse('(a pr) AND (b EQ 1 or c pr)'))
    'a pr and (b eq 1 or c pr)'
    """
    match node:
        case Present():
            return f"{node.path.text} pr"
        case Compare():
            return f"{node.path.text} {node.operator} {write_literal(node.value)}"
        case ValuePath():
            return f"{node.path.text}[{write(node.inner)}]"
        case Not():
            return f"not ({write(node.operand)})"
        case And() | Or():
            return _written_chain(node)


def write_literal(value: Literal) -> str:
    """A literal as the filter language writes it."""
    if not isinstance(value, Now):
        return json.dumps(value, ensure_ascii=False)
    if value.offset_s == 0:
        return "now"
    distance = abs(value.offset_s)
    unit, seconds = next((unit, seconds) for unit, seconds in _UNITS if distance % seconds == 0)
    return f"now{'-' if value.offset_s < 0 else '+'}{distance // seconds}{unit}"


def paths(node: Filter) -> tuple[AttributePath, ...]:
    """The attributes that a filter speaks of, in their order, each once.

    What stands in brackets is named through them: `engagements[department pr]` gives `engagements` and
    `engagements.department`.
    """
    return tuple(dict.fromkeys(_all_paths(node)))


def _all_paths(node: Filter) -> tuple[AttributePath, ...]:
    match node:
        case Present() | Compare():
            return (node.path,)
        case Not():
            return _all_paths(node.operand)
        case And() | Or():
            return (*_all_paths(node.left), *_all_paths(node.right))
        case ValuePath():
            inner = (_inside(node.path, path) for path in _all_paths(node.inner))
            return (node.path, *inner)


def _inside(outer: AttributePath, inner: AttributePath) -> AttributePath:
    parts = (part for part in (outer.sub, inner.attribute, inner.sub) if part is not None)
    return replace(outer, sub=".".join(parts), position=inner.position)


def _written_chain(node: And | Or) -> str:
    """Operands in a row where the parser builds the same tree from them, else with parentheses around each chain."""
    kind = type(node)
    operands = operands_of(kind, node) if is_chain(node) else (node.left, node.right)
    joiner = " and " if kind is And else " or "
    return joiner.join(_written_operand(kind, operand) for operand in operands)


def _written_operand(kind: type[And] | type[Or], operand: Filter) -> str:
    binds_tighter = kind is Or and isinstance(operand, And)
    text = write(operand)
    return f"({text})" if isinstance(operand, (And, Or)) and not binds_tighter else text
