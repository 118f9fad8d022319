"""The values that a SCIM resource has at an attribute path, the primary one first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from lastday.configuration.scim_paths import USER, ScimPath, scim_path
from lastday.filters.predicate import compile_predicate
from lastday.filters.values import elements, member
from lastday.model.attributes import AttributeValue

_Reader: TypeAlias = Callable[[Mapping[str, object]], tuple[AttributeValue, ...]]


def values_at(resource: Mapping[str, object], path: str) -> tuple[AttributeValue, ...]:
    """Every value at `path`, in the order of the resource, but the primary one first; of a complex one its `value`.

    Raises FilterError where `path` is none.

    >>> values_at({"emails": [{"value": "a"}, {"value": "b", "primary": True}]}, "emails.value")
    ('b', 'a')
    """
    return _reader(path)(resource)


def text_of(values: Sequence[AttributeValue]) -> str:
    """The first value as text, truth as JSON writes it; empty where there is none."""
    if not values:
        return ""
    first = values[0]
    return str(first).lower() if isinstance(first, bool) else str(first)


@lru_cache(maxsize=1024)
def _reader(text: str) -> _Reader:
    """A function from a resource to its values at the path: the path is looked at once."""
    path = scim_path(text)
    is_meant = _condition(path)
    attribute, inner = path.path.attribute, path.path.sub or "value"

    def read(resource: Mapping[str, object]) -> tuple[AttributeValue, ...]:
        found = [one for one in elements(_at(_holder(resource, path.path.schema), attribute)) if is_meant(one)]
        found.sort(key=_is_secondary)
        parts = (_at(one, inner) if isinstance(one, Mapping) else one for one in found)
        return tuple(value for part in parts for value in _scalars(part))

    return read


def _condition(path: ScimPath) -> Callable[[object], bool]:
    if path.condition is None:
        return lambda _: True
    holds = compile_predicate(path.condition)
    return lambda one: holds(one if isinstance(one, Mapping) else {"value": one}, None)


def _holder(resource: Mapping[str, object], schema: str | None) -> Mapping[str, object]:
    """The object of the schema: attributes of the core stand in the resource itself."""
    if schema is None or schema.lower() == USER.lower():
        return resource
    inner = _at(resource, schema)
    return inner if isinstance(inner, Mapping) else {}


def _at(holder: Mapping[str, object], name: str) -> object:
    """The value under the name, in whatever case it is spelled; first as it is spelled here, as nearly all are."""
    return holder[name] if name in holder else member(holder, name.lower())


def _is_secondary(element: object) -> bool:
    return not (isinstance(element, Mapping) and _at(element, "primary") is True)


def _scalars(value: object) -> Iterator[AttributeValue]:
    for one in elements(value):
        if isinstance(one, float):
            yield int(one) if one.is_integer() else str(one)
        elif isinstance(one, (str, bool, int)) and one != "":
            yield one
