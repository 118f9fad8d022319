"""Which attributes a search speaks of, and that none of them is a secret."""

from collections.abc import Iterator, Sequence

from lastday.filters.ast import And, AttributePath, Filter, Not, Or, ValuePath
from lastday.interfaces.scim.protocol.errors import invalid_filter
from lastday.interfaces.scim.protocol.schema import Attribute, ResourceKind, Returned
from lastday.interfaces.scim.search_request import SearchRequest


def refuse_secrets(asked: SearchRequest, kinds: Sequence[ResourceKind]) -> None:
    """Raises ScimError invalidFilter where the search looks at what is never returned, such as a password.

    Whoever may ask whether a value begins with "a" can read it. Attributes that nobody declared have no value, so
    that comparisons with them are false (RFC 7644 section 3.4.2.1).
    """
    paths = [] if asked.filter is None else list(paths_in(asked.filter))
    paths += [] if asked.sort_by is None else [asked.sort_by]
    for path in paths:
        for kind in kinds:
            attribute = _attribute(kind, path)
            if attribute is not None and attribute.returned is Returned.NEVER:
                raise invalid_filter(f"`{attribute.path}` cannot be searched by.")


def paths_in(node: Filter) -> Iterator[AttributePath]:
    """Every path in the filter; those inside brackets with the attribute before the bracket."""
    waiting: list[tuple[Filter, AttributePath | None]] = [(node, None)]
    while waiting:
        current, outer = waiting.pop()
        match current:
            case And() | Or():
                waiting += ((current.left, outer), (current.right, outer))
            case Not():
                waiting.append((current.operand, outer))
            case ValuePath():
                yield current.path
                waiting.append((current.inner, current.path))
            case _ if outer is not None:
                yield AttributePath(schema=outer.schema, attribute=outer.attribute, sub=current.path.attribute)
            case _:
                yield current.path


def _attribute(kind: ResourceKind, path: AttributePath) -> Attribute | None:
    extension = None if path.schema is None else kind.extension(path.schema)
    # As the predicate does: a path with a schema that the resource has no object of looks at the top.
    attribute = extension.by_name.get(path.attribute.lower()) if extension is not None else None
    attribute = attribute or kind.attribute(path.attribute)
    if attribute is None or path.sub is None or attribute.returned is Returned.NEVER:
        return attribute
    return attribute.subs.get(path.sub.lower())
