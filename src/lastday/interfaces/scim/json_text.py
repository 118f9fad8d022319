"""Bytes of a request -> JSON that the rest may walk through without fear."""

import codecs
import json
import re
from collections.abc import Iterator, Mapping

import orjson

from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.model.canonical import JsonValue

_ESCAPES = re.compile(rb"\\u(?:003a|0000)", re.IGNORECASE)


def read_json(content: bytes, *, depth: int) -> JsonValue:
    """The value that `content` writes (RFC 8259), with at most `depth` objects and lists inside each other.

    Raises ScimError invalidSyntax for what is no JSON in UTF-8, for a name that stands twice in one object (readers
    would not agree which one counts) and for U+0000, which no database text can hold.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        value: JsonValue = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _unreadable(f"The body is no JSON: {error.msg}, at byte {error.pos + 1}.") from None
    if content.count(b"{") + content.count(b"[") > depth and any(level > depth for level, _ in _walk(value)):
        raise _unreadable(f"The body has more than {depth} objects and lists inside each other.")
    if _ESCAPES.search(content) is not None:
        _look_closely(content, value)
    # A colon can only be missing where the parser dropped what came first under a name that came again.
    elif orjson.dumps(value).count(b":") != content.count(b":"):
        raise _named_twice()
    return value


def _look_closely(content: bytes, value: JsonValue) -> None:
    json.loads(content, object_pairs_hook=_each_once)
    for _, found in _walk(value):
        names = found if isinstance(found, Mapping) else ()
        if (isinstance(found, str) and "\0" in found) or any("\0" in name for name in names):
            raise _unreadable("The body has the character U+0000 in a text.")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _named_twice()
    return found


def _walk(value: JsonValue) -> Iterator[tuple[int, JsonValue]]:
    """Every value in `value`, each with how many objects and lists are around and including it."""
    waiting: list[tuple[int, JsonValue]] = [(1, value)]
    while waiting:
        level, found = waiting.pop()
        inner = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else None
        yield level - (inner is None), found
        waiting += [(level + 1, part) for part in inner or ()]


def _named_twice() -> ScimError:
    return _unreadable("The body names something twice in one object.")


def _unreadable(detail: str) -> ScimError:
    return ScimError(status=400, detail=detail, scim_type=ScimType.INVALID_SYNTAX)
