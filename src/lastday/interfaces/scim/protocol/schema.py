"""The schemas that are spoken here, as tables that are compiled once (RFC 7643).

Names compare without case. Every lookup table holds a name as it is spelled and in lower case: the spelling of the
schema is nearly always what comes, so it is tried first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lastday.model.scim import ResourceType

LONGEST_TEXT = 32_768
"""Characters in one value, where the schema does not say less."""


class AttributeType(StrEnum):
    """RFC 7643 section 2.3."""

    STRING = "string"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BINARY = "binary"
    REFERENCE = "reference"
    COMPLEX = "complex"


class Mutability(StrEnum):
    """RFC 7643 section 7."""

    READ_ONLY = "readOnly"
    READ_WRITE = "readWrite"
    IMMUTABLE = "immutable"
    WRITE_ONLY = "writeOnly"


class Returned(StrEnum):
    """RFC 7643 section 7."""

    ALWAYS = "always"
    NEVER = "never"
    DEFAULT = "default"
    REQUEST = "request"


class Uniqueness(StrEnum):
    """RFC 7643 section 7."""

    NONE = "none"
    SERVER = "server"
    GLOBAL = "global"


class TextFormat(StrEnum):
    """What a text must be beyond text; SCIM itself has no type for a date."""

    ANY = "any"
    DATE_OR_MOMENT = "dateOrMoment"
    """`2026-11-30`, or a dateTime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute or sub-attribute; the defaults are those of RFC 7643 section 2.2."""

    name: str
    type: AttributeType = AttributeType.STRING
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = Mutability.READ_WRITE
    returned: Returned = Returned.DEFAULT
    uniqueness: Uniqueness = Uniqueness.NONE
    canonical_values: tuple[str, ...] = ()
    """Suggestions: other values are taken too."""
    reference_types: tuple[str, ...] = ()
    description: str = ""
    longest: int = LONGEST_TEXT
    """Characters; values that are looked up by an index are shorter."""
    format: TextFormat = TextFormat.ANY
    sub_attributes: tuple["Attribute", ...] = ()
    path: str = ""
    """How a client names it, with URN for extensions; known once the attribute stands in a resource."""
    subs: Mapping[str, "Attribute"] = field(init=False, repr=False, compare=False)
    is_keyed: bool = field(init=False, repr=False, compare=False)
    """Its elements are known by their `value` alone: required, immutable, compared with case, and none is primary."""

    def __post_init__(self) -> None:
        subs = by_name(self.sub_attributes)
        value = subs.get("value")
        keyed = value is not None and value.required and value.case_exact and value.mutability is Mutability.IMMUTABLE
        object.__setattr__(self, "subs", subs)
        object.__setattr__(self, "is_keyed", self.multi_valued and keyed and "primary" not in subs)

    def within(self, prefix: str) -> "Attribute":
        """The attribute and its sub-attributes with their paths, which begin with `prefix`."""
        path = prefix + self.name
        inner = tuple(sub.within(f"{path}.") for sub in self.sub_attributes)
        return replace(self, path=path, sub_attributes=inner)


def by_name(attributes: Iterable[Attribute]) -> dict[str, Attribute]:
    """The attributes by their names, as spelled and in lower case."""
    found: dict[str, Attribute] = {}
    for attribute in attributes:
        found[attribute.name.lower()] = found[attribute.name] = attribute
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A named set of attributes (RFC 7643 section 7)."""

    urn: str
    name: str
    description: str = ""
    attributes: tuple[Attribute, ...]
    by_name: Mapping[str, Attribute] = field(init=False, repr=False, compare=False)
    required: tuple[Attribute, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", by_name(self.attributes))
        object.__setattr__(self, "required", tuple(one for one in self.attributes if _client_must_give(one)))

    def as_core(self) -> "Schema":
        """The schema with paths that need no URN."""
        return replace(self, attributes=tuple(attribute.within("") for attribute in self.attributes))

    def as_extension(self) -> "Schema":
        """The schema with paths that begin with its URN (RFC 7644 section 3.10)."""
        return replace(self, attributes=tuple(attribute.within(f"{self.urn}:") for attribute in self.attributes))


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSchema:
    """An extension that the configuration adds; `attributes` need neither path nor position."""

    urn: str
    name: str
    attributes: tuple[Attribute, ...]
    description: str = ""
    type: ResourceType = ResourceType.USER
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A schema that a kind of resource may or must have besides its own."""

    schema: Schema
    required: bool = False


COMMON_ATTRIBUTES = (
    Attribute(
        name="schemas",
        type=AttributeType.REFERENCE,
        multi_valued=True,
        required=True,
        case_exact=True,
        returned=Returned.ALWAYS,
        path="schemas",
    ),
    Attribute(
        name="id",
        required=True,
        case_exact=True,
        mutability=Mutability.READ_ONLY,
        returned=Returned.ALWAYS,
        uniqueness=Uniqueness.SERVER,
        path="id",
    ),
    Attribute(name="externalId", case_exact=True, longest=400, path="externalId"),
    Attribute(
        name="meta",
        type=AttributeType.COMPLEX,
        mutability=Mutability.READ_ONLY,
        sub_attributes=(
            Attribute(name="resourceType", case_exact=True, mutability=Mutability.READ_ONLY),
            Attribute(name="created", type=AttributeType.DATE_TIME, mutability=Mutability.READ_ONLY),
            Attribute(name="lastModified", type=AttributeType.DATE_TIME, mutability=Mutability.READ_ONLY),
            Attribute(name="location", type=AttributeType.REFERENCE, case_exact=True, mutability=Mutability.READ_ONLY),
            Attribute(name="version", case_exact=True, mutability=Mutability.READ_ONLY),
        ),
    ).within(""),
)
"""What every resource has (RFC 7643 section 3.1). `/Schemas` does not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """A kind of resource: its own schema and its extensions (RFC 7643 section 6)."""

    type: ResourceType
    core: Schema
    extensions: tuple[Extension, ...] = ()
    attributes: Mapping[str, Attribute] = field(init=False, repr=False, compare=False)
    """By name: the common ones and those of the own schema."""
    extension_schemas: Mapping[str, Schema] = field(init=False, repr=False, compare=False)
    """By URN."""
    case_exact_paths: frozenset[str] = field(init=False, repr=False, compare=False)
    """What a filter compares with case, as `compile_predicate` and `to_sql` take it."""
    read_only: tuple[Attribute, ...] = field(init=False, repr=False, compare=False)
    """Those of the own schema that a body may hold and no client may write."""

    def __post_init__(self) -> None:
        schemas = [extension.schema for extension in self.extensions]
        every = (*COMMON_ATTRIBUTES, *self.core.attributes)
        exact = _exact_paths(every).union(*(_exact_paths(schema.attributes) for schema in schemas))
        by_urn = {schema.urn.lower(): schema for schema in schemas} | {schema.urn: schema for schema in schemas}
        written_by_us = tuple(one for one in self.core.attributes if one.mutability is Mutability.READ_ONLY)
        object.__setattr__(self, "attributes", by_name(every))
        object.__setattr__(self, "extension_schemas", by_urn)
        object.__setattr__(self, "case_exact_paths", frozenset(exact))
        object.__setattr__(self, "read_only", written_by_us)

    @property
    def required(self) -> tuple[Attribute, ...]:
        """Those of the own schema that a client must give."""
        return self.core.required

    def extension(self, urn: str) -> Schema | None:
        """The extension with this URN, in any case."""
        return self.extension_schemas.get(urn) or self.extension_schemas.get(urn.lower())

    def attribute(self, name: str) -> Attribute | None:
        """The attribute with this name outside the extensions, in any case."""
        return self.attributes.get(name) or self.attributes.get(name.lower())

    def is_core(self, urn: str) -> bool:
        """`urn` is the name of the kind's own schema, in any case."""
        return urn.lower() == self.core.urn.lower()


def _client_must_give(attribute: Attribute) -> bool:
    """What is never kept cannot be missed."""
    kept = (Mutability.READ_WRITE, Mutability.IMMUTABLE)
    return attribute.required and attribute.mutability in kept


def _exact_paths(attributes: Iterable[Attribute]) -> set[str]:
    """Local names in lower case; of a complex attribute its `value` counts where it is named alone."""
    found = set()
    for attribute in attributes:
        name = attribute.name.lower()
        if attribute.case_exact and not attribute.sub_attributes:
            found.add(name)
        for sub in attribute.sub_attributes:
            if sub.case_exact:
                found.add(f"{name}.{sub.name.lower()}")
                if sub.name == "value":
                    found.add(name)
    return found
