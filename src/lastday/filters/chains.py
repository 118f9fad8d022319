"""Chains of `and` and `or` as balanced trees: a thousand conditions in a row stay ten levels deep."""

from collections.abc import Sequence

from lastday.filters.ast import And, Filter, Or


def balanced(kind: type[And] | type[Or], operands: Sequence[Filter]) -> Filter:
    """One tree of `kind` over `operands`, in their order and of the least depth. There must be at least one."""
    if len(operands) == 1:
        return operands[0]
    middle = (len(operands) + 1) // 2
    return kind(left=balanced(kind, operands[:middle]), right=balanced(kind, operands[middle:]))


def operands_of(kind: type[And] | type[Or], node: Filter) -> tuple[Filter, ...]:
    """The operands of the chain of `kind` that begins at `node`, from left to right; `node` alone where it is none."""
    found: list[Filter] = []
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, kind):
            waiting += (current.right, current.left)
        else:
            found.append(current)
    return tuple(found)


def is_chain(node: And | Or) -> bool:
    """`node` has the shape that the parser gives to its operands when they stand in a row without parentheses."""
    kind = type(node)
    return balanced(kind, operands_of(kind, node)) == node
