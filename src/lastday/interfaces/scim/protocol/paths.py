"""Attribute paths of PATCH: what they write, and what they mean in one kind of resource (RFC 7644 figures 1 and 7)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from lastday.filters.ast import Filter
from lastday.filters.parser import Limits, parse
from lastday.interfaces.scim.protocol.errors import invalid_filter, invalid_path
from lastday.interfaces.scim.protocol.schema import Attribute, ResourceKind, Schema
from lastday.interfaces.scim.protocol.values import shown
from lastday.model.errors import FilterError

LONGEST_PATH = 2048
"""Characters."""
_FILTER_LIMITS = Limits(length=1024, depth=8, nodes=50)
_ATTRIBUTE = r"[A-Za-z$][A-Za-z0-9_$-]*"
_HEAD = re.compile(rf"(?:(?P<schema>[^\s\[\]\"]+):)?(?P<attribute>{_ATTRIBUTE})(?:\.(?P<sub>{_ATTRIBUTE}))?", re.ASCII)
_URN = re.compile(r"(?:urn:|https?:)[^\s\[\]\"]+", re.ASCII | re.IGNORECASE)
_CONDITION = re.compile(r'\[((?:[^\[\]"]|"(?:[^"\\]|\\.)*")*)\]', re.DOTALL)
_TAIL = re.compile(rf"\.({_ATTRIBUTE})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchPath:
    """`urn:...:User:emails[type eq "work"].value`, taken apart; nothing says yet that there is such an attribute."""

    text: str
    head: str
    """What stands before the bracket."""
    schema: str | None
    attribute: str
    filter: Filter | None = None
    sub: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path means in a kind of resource."""

    extension: Schema | None = None
    """The extension in whose object it stands; None: at the top."""
    attribute: Attribute | None = None
    """None: the extension as a whole."""
    filter: Filter | None = None
    sub: Attribute | None = None


@lru_cache(maxsize=512)
def parse_path(text: str) -> PatchPath:
    """The path that `text` writes. Raises ScimError 400 invalidPath, invalidFilter for what stands in brackets.

    >>> parse_path('addresses[type eq "work"].streetAddress').sub
    'streetAddress'
    """
    if len(text) > LONGEST_PATH:
        raise invalid_path(f"a path has at most {LONGEST_PATH} characters")
    opened = text.find("[")
    head = text if opened < 0 else text[:opened]
    match = _HEAD.fullmatch(head)
    if match is None:
        return _whole_schema(text)
    schema, attribute, sub = match["schema"], match["attribute"], match["sub"]
    if opened < 0:
        return PatchPath(text=text, head=head, schema=schema, attribute=attribute, sub=sub)
    if sub is not None:
        raise invalid_path(f"{shown(text)}: only an attribute has values to choose from, not a sub-attribute")
    condition, tail = _bracketed(text, opened)
    return PatchPath(text=text, head=head, schema=schema, attribute=attribute, filter=condition, sub=tail)


def _whole_schema(text: str) -> PatchPath:
    """A URN whose last part is no attribute name may still be that of an extension."""
    if _URN.fullmatch(text) is None:
        raise invalid_path(f"{shown(text)} is no attribute path")
    schema, _, last = text.rpartition(":")
    return PatchPath(text=text, head=text, schema=schema, attribute=last)


def _bracketed(text: str, opened: int) -> tuple[Filter, str | None]:
    match = _CONDITION.match(text, opened)
    if match is None:
        raise invalid_path(f"{shown(text)}: the bracket does not end")
    tail = _TAIL.fullmatch(text, match.end())
    if tail is None and match.end() != len(text):
        raise invalid_path(f"{shown(text)}: after the bracket only a sub-attribute may stand")
    try:
        condition = parse(match[1], limits=_FILTER_LIMITS)
    except FilterError as error:
        raise invalid_filter(f"the filter in {shown(text)}: {error.what}") from None
    return condition, None if tail is None else tail[1]


def resolve(path: PatchPath, kind: ResourceKind) -> Target | None:
    """What the path means; None where no schema of the kind knows the attribute. Raises ScimError 400 invalidPath."""
    if path.schema is None or kind.is_core(path.schema):
        extension, attribute = None, kind.attribute(path.attribute)
    else:
        whole = kind.extension(path.head)
        if whole is not None:
            return _whole_extension(path, whole)
        extension = kind.extension(path.schema)
        attribute = None if extension is None else _in_schema(extension, path.attribute)
    if attribute is None:
        return None
    return _within(path, extension, attribute)


def _in_schema(schema: Schema, name: str) -> Attribute | None:
    return schema.by_name.get(name) or schema.by_name.get(name.lower())


def _whole_extension(path: PatchPath, extension: Schema) -> Target:
    if path.filter is not None or path.sub is not None:
        raise invalid_path(f"{shown(path.text)}: an extension has no values to choose from")
    return Target(extension=extension)


def _within(path: PatchPath, extension: Schema | None, attribute: Attribute) -> Target | None:
    if path.filter is not None and not attribute.multi_valued:
        raise invalid_path(f"{attribute.path} has one value: there is nothing to choose from")
    sub = None
    if path.sub is not None:
        sub = attribute.subs.get(path.sub) or attribute.subs.get(path.sub.lower())
        if sub is None:
            return None
    return Target(extension=extension, attribute=attribute, filter=path.filter, sub=sub)
