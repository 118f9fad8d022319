"""Which attributes of a resource a client wants to see (RFC 7644 section 3.9)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from lastday.interfaces.scim.ports import Rendered
from lastday.interfaces.scim.protocol.errors import invalid_value
from lastday.interfaces.scim.protocol.projection import choice_of, shown_of
from lastday.interfaces.scim.protocol.schema import Attribute, ResourceKind, Returned
from lastday.model.canonical import JsonValue

Shows: TypeAlias = Callable[[Rendered], bytes]
"""The bytes of a resource as the client wants to see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Only these attributes, or all but these."""

    attributes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return not self.attributes and not self.excluded


EVERYTHING = View()


class Views:
    """Shows resources. Knows of which kinds all stored bytes may be shown to a client that names no attributes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[ResourceKind, bool]] = {}

    def shows(self, view: View, kind: ResourceKind) -> Shows:
        """What turns any resource of the kind into the bytes for a client that asks for `view`."""
        if view.whole and not self._holds_back(kind):
            return _as_stored
        choice = choice_of(kind, view.attributes, view.excluded)
        return lambda rendered: orjson.dumps(shown_of(orjson.loads(rendered.content), choice))

    def _holds_back(self, kind: ResourceKind) -> bool:
        """Something of the kind is shown on request only. Kinds live as long as their configuration: few of them."""
        known = self._known.get(id(kind))
        if known is None:
            extensions = (extension.schema.attributes for extension in kind.extensions)
            known = kind, any(map(_on_request, (kind.core.attributes, *extensions)))
            self._known[id(kind)] = known
        return known[1]


def _on_request(attributes: Iterable[Attribute]) -> bool:
    return any(one.returned is Returned.REQUEST or _on_request(one.sub_attributes) for one in attributes)


def _as_stored(rendered: Rendered) -> bytes:
    return rendered.content


def read_view(fields: Mapping[str, JsonValue]) -> View:
    """`attributes` and `excludedAttributes`, under lower-case names. Raises ScimError where both are there."""
    view = View(attributes=_names(fields, "attributes"), excluded=_names(fields, "excludedattributes"))
    if view.attributes and view.excluded:
        raise invalid_value("`attributes` and `excludedAttributes` exclude each other.")
    return view


def _names(fields: Mapping[str, JsonValue], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if isinstance(value, str):
        value = value.split(",")
    if value is None:
        return ()
    if not isinstance(value, Sequence):
        raise invalid_value(f"`{name}` is a list of names.")
    return tuple(each.strip() for each in value if isinstance(each, str) and each.strip())
