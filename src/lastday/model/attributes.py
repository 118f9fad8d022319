"""Attributes of a person or an account: names of SCIM (RFC 7643), any case, one or several values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lastday.model.canonical import JsonValue

AttributeValue: TypeAlias = str | bool | int


@dataclass(frozen=True, slots=True)
class Attributes(Mapping[str, tuple[AttributeValue, ...]]):
    """An immutable map from attribute name to its values; a name without a value is absent.

    Names compare without case (RFC 7643 section 2.1) and keep the spelling they came with.
    Sub-attributes are written with a dot: `name.givenName`, `emails.value`.

    >>> a = Attributes.of({"userName": "ada", "emails.value": ("a@x.example", "b@x.example"), "title": None})
    >>> a.one("USERNAME"), a["emails.value"], "title" in a
    ('ada', ('a@x.example', 'b@x.example'), False)
    """

    pairs: tuple[tuple[str, tuple[AttributeValue, ...]], ...] = ()
    _index: dict[str, tuple[AttributeValue, ...]] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.pairs, key=lambda pair: pair[0].lower()))
        object.__setattr__(self, "pairs", ordered)
        object.__setattr__(self, "_index", {name.lower(): values for name, values in ordered})

    @classmethod
    def of(cls, values: Mapping[str, "AttributeValue | Iterable[AttributeValue] | None"]) -> "Attributes":
        """Attributes from plain values; None, the empty string and an empty list mean absent."""
        pairs = ((name, _as_tuple(value)) for name, value in values.items())
        return cls(tuple((name, present) for name, present in pairs if present))

    def __getitem__(self, name: str) -> tuple[AttributeValue, ...]:
        return self._index[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._index

    def one(self, name: str) -> AttributeValue | None:
        """The first value, or None where the attribute is absent."""
        values = self._index.get(name.lower(), ())
        return values[0] if values else None

    def text(self, name: str) -> str | None:
        """The first value as text, or None where the attribute is absent."""
        value = self.one(name)
        return None if value is None else str(value)

    def merged(self, other: "Attributes") -> "Attributes":
        """These attributes with those of `other` on top."""
        mine = {name.lower(): (name, values) for name, values in self.pairs}
        mine.update({name.lower(): (name, values) for name, values in other.pairs})
        return Attributes(tuple(mine.values()))

    def without(self, *names: str) -> "Attributes":
        """These attributes less those named."""
        gone = {name.lower() for name in names}
        return Attributes(tuple(pair for pair in self.pairs if pair[0].lower() not in gone))

    def differing(self, other: "Attributes") -> tuple[str, ...]:
        """The names whose values are not the same in both, sorted."""
        names = {name.lower(): name for name in (*other, *self)}
        return tuple(sorted(name for low, name in names.items() if self._index.get(low) != other._index.get(low)))

    def as_json(self) -> Mapping[str, JsonValue]:
        """A JSON object: a single value as it is, several as a list."""
        return {name: values[0] if len(values) == 1 else list(values) for name, values in self.pairs}

    @classmethod
    def from_json(cls, value: Mapping[str, JsonValue]) -> "Attributes":
        """The inverse of `as_json`."""
        return cls.of({name: _from_json(item) for name, item in value.items()})


NO_ATTRIBUTES = Attributes()


def _as_tuple(value: "AttributeValue | Iterable[AttributeValue] | None") -> tuple[AttributeValue, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, (str, bool, int)):
        return (value,)
    return tuple(item for item in value if item != "")


def _from_json(value: JsonValue) -> "AttributeValue | tuple[AttributeValue, ...] | None":
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (float, Mapping)):
        raise TypeError(f"not an attribute value: {value!r}")
    return tuple(item for item in value if isinstance(item, (str, bool, int)))
