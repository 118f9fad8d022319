"""What real clients send that the standards do not foresee: one table of facts for each, and no code of their own."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from lastday.model.errors import InputError


class UnknownAttributes(StrEnum):
    """What becomes of attributes and schemas that nobody declared."""

    REFUSE = "refuse"
    IGNORE = "ignore"


class PatchAnswer(StrEnum):
    """How a PATCH that worked is answered (RFC 7644 section 3.5.2 allows both)."""

    BODY = "body"
    """200 with the resource."""
    NOTHING = "204"
    """204 without a body, unless the request names `attributes`."""


class PostExisting(StrEnum):
    """How a POST is answered whose resource is there already."""

    CONFLICT = "conflict"
    """409 with scimType uniqueness (RFC 7644 section 3.3)."""
    SAME_RESOURCE = "same-resource"
    """200 with the resource that stands, where both externalId and userName (displayName of a group) are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How the requests of one kind of client are read, and how they are answered."""

    name: str
    ops_any_case: bool
    """`Add`, `Replace` and `Remove` are operations of PATCH too."""
    booleans_as_text: bool
    """`"True"` and `"False"`, in any case, are booleans where the attribute is boolean, in value filters too."""
    dotted_keys_without_path: bool
    """PATCH without `path`: keys may be paths, such as `name.givenName` and `urn:...:User:department`."""
    bare_references: bool
    """A text stands for a complex value with that `value`: `"manager": "id"`, `"members": ["id"]`."""
    create_missing_element: bool
    """`phoneNumbers[type eq "mobile"].value` without such an element makes one."""
    nulls_as_absent: bool
    """PATCH: an `add` of null changes nothing instead of being refused, and so do members that are null in a value
    without a `path`; elsewhere null is absent for everybody."""
    empty_text_as_absent: bool
    """An empty text means that there is no value."""
    empty_operations: bool
    """PATCH without operations changes nothing."""
    schemas_optional: bool
    """A message without its `schemas` is taken."""
    single_value_as_list: bool
    """POST and PUT: one value stands for a list of one, where the attribute is multi-valued."""
    ignore_read_only_in_patch: bool
    """PATCH without `path`: read-only attributes in the value are left out instead of being refused."""
    unknown_attributes: UnknownAttributes
    ignored_schemas: frozenset[str]
    """URNs, in lower case, that may stand in `schemas` and mean nothing here."""
    content_types: frozenset[str]
    """Media types of requests, without parameters."""
    user_patch_answer: PatchAnswer
    group_patch_answer: PatchAnswer
    post_existing: PostExisting

    def ignores_schema(self, urn: str) -> bool:
        """The URN is passed over: it is on the list, or everything unknown is."""
        return self.unknown_attributes is UnknownAttributes.IGNORE or urn.lower() in self.ignored_schemas


class Confidence(StrEnum):
    """How well a fact is known."""

    SPECIFIED = "specified"
    """The standard says so."""
    DOCUMENTED = "documented"
    """The client's maker says so."""
    OBSERVED = "observed"
    """It was seen in what the client sends."""
    REPORTED = "reported"
    """Somebody else says so."""
    ASSUMED = "assumed"
    """Harmless if wrong: taken so that nothing fails that need not."""


_FOLDER = resources.files("lastday.interfaces.scim") / "profiles"
_FACT_KEYS = frozenset({"is", "why", "source", "checked_on", "confidence"})


@cache
def profile_names() -> tuple[str, ...]:
    """The names of all profiles, sorted."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


@cache
def load_profile(name: str) -> Profile:
    """The profile with this name. Raises InputError, with the names that there are, where there is none."""
    if name not in profile_names():
        raise InputError(
            f"there is no SCIM profile {name!r}", mend=f"Write one of: {', '.join(profile_names())}.", code="R101"
        )
    facts = profile_facts(name)
    return profile_of(name, {key: fact["is"] for key, fact in facts.items()})


def profile_facts(name: str) -> Mapping[str, Mapping[str, Any]]:
    """Each fact of a profile with `is`, `why`, `source`, `checked_on`, `confidence`; what a file leaves out is strict.

    Raises ValueError where a file of ours is not written like that.
    """
    facts = {**(_facts_in("strict")), **_facts_in(name)}
    for key, fact in facts.items():
        if set(fact) != _FACT_KEYS:
            raise ValueError(f"profile {name}, {key}: a fact has exactly {', '.join(sorted(_FACT_KEYS))}")
        Confidence(fact["confidence"])
    return facts


def _facts_in(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((_FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def profile_of(name: str, values: Mapping[str, Any]) -> Profile:
    """A profile of plain values. Raises ValueError where one is missing, unknown or of another type."""
    wanted = {field.name: field.type for field in fields(Profile) if field.name != "name"}
    if set(values) != set(wanted):
        odd = sorted(set(values) ^ set(wanted))
        raise ValueError(f"profile {name}: missing or unknown: {', '.join(odd)}")
    return Profile(name=name, **{key: _READ[kind](values[key]) for key, kind in wanted.items()})


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def _lowered(value: Any) -> frozenset[str]:
    return frozenset(text.lower() for text in value)


_READ: Mapping[Any, Any] = {
    bool: _boolean,
    frozenset[str]: _lowered,
    UnknownAttributes: UnknownAttributes,
    PatchAnswer: PatchAnswer,
    PostExisting: PostExisting,
}
