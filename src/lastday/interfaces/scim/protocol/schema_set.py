"""Everything that one service provider speaks: users, groups and their extensions, those of the configuration too."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from lastday.interfaces.scim.protocol.schema import (
    LONGEST_TEXT,
    Attribute,
    AttributeType,
    CustomSchema,
    Extension,
    Mutability,
    ResourceKind,
    Returned,
    Schema,
    TextFormat,
    Uniqueness,
)
from lastday.model.errors import InputError
from lastday.model.scim import ResourceType

USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSet:
    """The kinds of resource with all their schemas."""

    kinds: Mapping[ResourceType, ResourceKind]

    @classmethod
    def of(cls, custom: Sequence[CustomSchema] = ()) -> "SchemaSet":
        """The schemas of RFC 7643, Lastday's own, and `custom`.

        Raises InputError where a custom schema takes the name of another one.
        """
        extensions: dict[ResourceType, list[Extension]] = {kind: [] for kind in ResourceType}
        for name in ("EnterpriseUser", "PersonUser"):
            extensions[ResourceType.USER].append(Extension(schema=_own_schema(name).as_extension()))
        for added in custom:
            extensions[added.type].append(_extension_of(added))
        _refuse_same_urn([extension.schema.urn for several in extensions.values() for extension in several])
        return cls(kinds={kind: _kind(kind, extensions[kind]) for kind in ResourceType})

    def kind(self, resource_type: ResourceType) -> ResourceKind:
        """The kind of resource that stands below `/Users` or `/Groups`."""
        return self.kinds[resource_type]

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """Every schema once: those of the kinds, then the extensions in their order."""
        cores = [kind.core for kind in self.kinds.values()]
        extensions = [extension.schema for kind in self.kinds.values() for extension in kind.extensions]
        return (*cores, *extensions)

    def case_exact_paths(self) -> frozenset[str]:
        """What filters over any kind compare with case."""
        return frozenset().union(*(kind.case_exact_paths for kind in self.kinds.values()))


def _kind(kind: ResourceType, extensions: Sequence[Extension]) -> ResourceKind:
    return ResourceKind(type=kind, core=_own_schema(kind.value).as_core(), extensions=tuple(extensions))


def _extension_of(custom: CustomSchema) -> Extension:
    schema = Schema(
        urn=custom.urn, name=custom.name, description=custom.description, attributes=tuple(custom.attributes)
    )
    return Extension(schema=schema.as_extension(), required=custom.required)


def _refuse_same_urn(urns: Sequence[str]) -> None:
    taken = {USER_SCHEMA.lower(), GROUP_SCHEMA.lower()}
    for urn in urns:
        if urn.lower() in taken:
            raise InputError(
                f"the SCIM schema {urn} is there twice",
                mend="Give the custom schema a URN of its own.",
                code="R102",
            )
        taken.add(urn.lower())


@cache
def _own_schema(name: str) -> Schema:
    """The schema in `schemas/NAME.json`, written as in RFC 7643 section 7."""
    text = (resources.files(__package__) / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    content: dict[str, Any] = json.loads(text)
    return Schema(
        urn=content["id"],
        name=content["name"],
        description=content["description"],
        attributes=tuple(_attribute_of(one) for one in content["attributes"]),
    )


def _attribute_of(content: Mapping[str, Any]) -> Attribute:
    return Attribute(
        name=content["name"],
        type=AttributeType(content.get("type", "string")),
        multi_valued=content.get("multiValued", False),
        required=content.get("required", False),
        case_exact=content.get("caseExact", False),
        mutability=Mutability(content.get("mutability", "readWrite")),
        returned=Returned(content.get("returned", "default")),
        uniqueness=Uniqueness(content.get("uniqueness", "none")),
        canonical_values=tuple(content.get("canonicalValues", ())),
        reference_types=tuple(content.get("referenceTypes", ())),
        description=content["description"],
        longest=content.get("longest", LONGEST_TEXT),
        format=TextFormat(content.get("format", "any")),
        sub_attributes=tuple(_attribute_of(sub) for sub in content.get("subAttributes", ())),
    )
