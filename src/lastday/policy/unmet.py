"""Which part of a condition is not true, and what was found instead."""

from collections.abc import Iterable
from datetime import datetime

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Filter, Not, Or, Present
from lastday.filters.chains import operands_of
from lastday.filters.predicate import Resource, compile_predicate, values_at
from lastday.filters.text import paths, write, write_literal


def unmet(condition: Filter, view: Resource, now: datetime) -> tuple[str, ...]:
    """A sentence for each part of `condition` that `view` fails; none where it is satisfied.

    >>> from datetime import UTC
    >>> from lastday.filters.parser import parse
    >>> rule = parse('department eq "Finance" and title co "Accountant"')
    >>> unmet(rule, {"department": "Sales", "title": "Accountant"}, datetime(2026, 1, 5, tzinfo=UTC))
    ('department is Sales, the rule wants Finance',)
    """
    if compile_predicate(condition)(view, now):
        return ()
    match condition:
        case And():
            parts = (unmet(part, view, now) for part in operands_of(And, condition))
            return tuple(dict.fromkeys(sentence for part in parts for sentence in part))
        case Or():
            ways = (" and ".join(unmet(part, view, now)) for part in operands_of(Or, condition))
            return (f"none of these is met: {'; '.join(ways)}",)
        case Not():
            return (f"the rule excludes `{write(condition.operand)}`, and {_found(condition.operand, view)}",)
        case Present():
            return (f"{condition.path.text} is not known",)
        case Compare():
            return (f"{_named(condition.path, view)}, the rule wants {_wanted(condition)}",)
        case _:
            return (f"no value of {condition.path.text} satisfies `{write(condition.inner)}`",)


def facts(condition: Filter, view: Resource) -> tuple[str, ...]:
    """What the attributes that `condition` speaks of are: `department = Finance`."""
    return tuple(
        f"{path.text} = {shown}" for path in _plain_paths(condition) if (shown := _shown(values_at(path, view)))
    )


def _found(condition: Filter, view: Resource) -> str:
    return " and ".join(_named(path, view) for path in _plain_paths(condition)) or "that is so"


def _named(path: AttributePath, view: Resource) -> str:
    shown = _shown(values_at(path, view))
    return f"{path.text} is {shown}" if shown else f"{path.text} is not known"


def _wanted(condition: Compare) -> str:
    if condition.operator is CompareOperator.EQ and isinstance(condition.value, str):
        return condition.value
    return f"`{condition.operator} {write_literal(condition.value)}`"


def _plain_paths(condition: Filter) -> Iterable[AttributePath]:
    """The attributes of the engagement at hand; what stands in brackets is told by the condition itself."""
    return (path for path in paths(condition) if path.attribute.lower() != "engagements")


def _shown(values: Iterable[object]) -> str:
    return ", ".join(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)
