"""What a client sees of a resource (RFC 7644 section 3.9; `returned` of RFC 7643 section 7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from lastday.interfaces.scim.protocol.errors import invalid_value
from lastday.interfaces.scim.protocol.schema import COMMON_ATTRIBUTES, Attribute, ResourceKind, Returned
from lastday.model.canonical import JsonValue
from lastday.model.scim import PushedResource

Document: TypeAlias = dict[str, JsonValue]


def document_of(resource: PushedResource, base_url: str) -> Document:
    """The whole resource with `id` and `meta`. `base_url` ends without a slash."""
    head: Document = {"schemas": resource.body["schemas"], "id": resource.id}
    meta: Document = {
        "resourceType": resource.type.value,
        "created": written_moment(resource.created_at),
        "lastModified": written_moment(resource.modified_at),
        "location": f"{base_url}/{resource.type.endpoint}/{resource.id}",
        "version": resource.etag,
    }
    return {**head, **resource.body, "meta": meta}


def written_moment(moment: datetime) -> str:
    """RFC 7643 section 2.3.5, in UTC and to the microsecond, so that a filter by what was shown finds what was meant.

    >>> written_moment(datetime(2026, 11, 30, 17, tzinfo=UTC))
    '2026-11-30T17:00:00Z'
    """
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is shown of a resource, an extension or a complex value."""

    whole: frozenset[str]
    """Names that are shown with all that they hold."""
    parts: Mapping[str, "Choice"]
    """Names that are shown in part."""


def choice_of(kind: ResourceKind, attributes: Sequence[str] = (), excluded: Sequence[str] = ()) -> Choice:
    """What is shown, for `shown_of`, to a client that asks for `attributes` only, or for all but `excluded`.

    What is always returned is shown whatever is asked for; names that no schema knows are passed over.
    Raises ScimError 400 invalidValue where both are given.
    """
    if attributes and excluded:
        raise invalid_value("attributes and excludedAttributes exclude each other")
    asked = _Asked(named=frozenset(_plain(name, kind) for name in attributes or excluded), only=bool(attributes))
    core = asked.choice((*COMMON_ATTRIBUTES, *kind.core.attributes), chosen=False)
    parts = dict(core.parts)
    for extension in kind.extensions:
        inside = asked.choice(extension.schema.attributes, chosen=extension.schema.urn.lower() in asked.named)
        if inside.whole or inside.parts:
            parts[extension.schema.urn] = inside
    return Choice(whole=core.whole, parts=parts)


def shown_of(document: Mapping[str, JsonValue], choice: Choice) -> Document:
    """The part of `document` that is chosen, in its order."""
    found: Document = {}
    for name, value in document.items():
        if name in choice.whole:
            found[name] = value
        elif name in choice.parts:
            part = _part_of(value, choice.parts[name])
            if part:
                found[name] = part
    return found


def _part_of(value: JsonValue, choice: Choice) -> JsonValue:
    if isinstance(value, Mapping):
        return shown_of(value, choice)
    if isinstance(value, list):
        parts = (shown_of(one, choice) for one in value if isinstance(one, Mapping))
        return [part for part in parts if part]
    return None


def _plain(name: str, kind: ResourceKind) -> str:
    """The name in lower case, without the URN of the kind's own schema (RFC 7644 section 3.10)."""
    return name.strip().lower().removeprefix(f"{kind.core.urn.lower()}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    named: frozenset[str]
    """Paths in lower case."""
    only: bool
    """Nothing but what is named, or all but that."""

    def choice(self, attributes: Iterable[Attribute], *, chosen: bool) -> Choice:
        """`chosen`: what these stand in is named itself."""
        whole: set[str] = set()
        parts: dict[str, Choice] = {}
        for attribute in attributes:
            if attribute.returned is Returned.NEVER:
                continue
            inside = self._inside(attribute, chosen=chosen)
            if inside is None:
                whole.add(attribute.name)
            elif inside.whole or inside.parts:
                parts[attribute.name] = inside
        return Choice(whole=frozenset(whole), parts=parts)

    def _inside(self, attribute: Attribute, *, chosen: bool) -> Choice | None:
        """None: all of it."""
        named = chosen or attribute.path.lower() in self.named
        if not attribute.sub_attributes:
            return None if self._is_shown(attribute, named=named) else NOTHING
        inside = self.choice(attribute.sub_attributes, chosen=named)
        if attribute.returned is Returned.ALWAYS:
            return None
        if attribute.returned is Returned.REQUEST and not (self.only and (named or inside.whole)):
            return NOTHING
        return None if len(inside.whole) == len(attribute.sub_attributes) else inside

    def _is_shown(self, attribute: Attribute, *, named: bool) -> bool:
        if attribute.returned is Returned.ALWAYS:
            return True
        if attribute.returned is Returned.REQUEST:
            return self.only and named
        return named if self.only else not named


NOTHING = Choice(whole=frozenset(), parts={})
