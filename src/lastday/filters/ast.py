"""The tree of a filter. Attribute names keep their spelling and compare without case."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias


class CompareOperator(StrEnum):
    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


@dataclass(frozen=True, slots=True)
class Now:
    """`now`, `now+7d`, `now-12h`: only in policy. `offset_s` is in seconds."""

    offset_s: int = 0


Literal: TypeAlias = str | bool | int | float | Now | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributePath:
    """`urn:...:User:name.familyName` -> schema, attribute, sub-attribute.

    `position` counts characters from 0 and is no part of equality: a filter written anew is the same filter.
    """

    schema: str | None = None
    attribute: str
    sub: str | None = None
    position: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        """The path as written, without position."""
        name = self.attribute if self.sub is None else f"{self.attribute}.{self.sub}"
        return name if self.schema is None else f"{self.schema}:{name}"

    @property
    def local_name(self) -> str:
        """Attribute and sub-attribute without schema, in lower case."""
        return (self.attribute if self.sub is None else f"{self.attribute}.{self.sub}").lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    path: AttributePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    path: AttributePath
    operator: CompareOperator
    value: Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuePath:
    """`emails[type eq "work" and value co "@x"]`: one value satisfies the whole inner filter."""

    path: AttributePath
    inner: "Filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class And:
    left: "Filter"
    right: "Filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Or:
    left: "Filter"
    right: "Filter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    operand: "Filter"


Filter: TypeAlias = Present | Compare | ValuePath | And | Or | Not
