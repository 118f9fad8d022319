"""One canonical form (RFC 8785) for everything that is hashed, signed or compared."""

import hashlib
from collections.abc import Mapping, Sequence

import orjson
import rfc8785

from lastday.model.ids import Digest

_EXACT = 2**53 - 1
"""Up to here a reader that has only floating numbers reads whole numbers as they are (RFC 7493 section 2.2)."""

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


def canonical_bytes(value: JsonValue) -> bytes:
    """The RFC 8785 bytes of `value`; equal values give equal bytes.

    >>> canonical_bytes({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    if _is_plain(value):
        try:
            return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
        except TypeError:  # half of a character pair, or too deep: the other one says what is wrong, or can do it
            pass
    return rfc8785.dumps(value)


def _is_plain(value: object) -> bool:
    """Whether every writer that sorts names gives the bytes of RFC 8785: there is no fraction, no whole number that
    not everybody can read, and no name that is sorted otherwise in UTF-16 than in UTF-8.
    """
    kind = type(value)
    if kind is dict:
        members: dict[object, object] = value  # type: ignore[assignment]  # as was just seen
        return all(type(name) is str and name.isascii() for name in members) and all(map(_is_plain, members.values()))
    if kind is list:
        return all(map(_is_plain, value))  # type: ignore[call-overload]  # as was just seen
    return kind is str or value is None or kind is bool or (kind is int and abs(value) <= _EXACT)  # type: ignore[arg-type]  # as was just seen


def digest(value: JsonValue) -> Digest:
    """SHA-256, in hex, of the canonical bytes of `value`."""
    return digest_bytes(canonical_bytes(value))


def digest_bytes(content: bytes) -> Digest:
    """SHA-256 of `content` in hex."""
    return Digest(hashlib.sha256(content).hexdigest())


def short_id(prefix: str, *parts: str) -> str:
    """An id that follows from its parts, so that doing the same thing twice gives the same id.

    >>> short_id("p", "a", "b") == short_id("p", "a", "b")
    True
    >>> short_id("p", "ab") == short_id("p", "a", "b")
    False
    """
    return f"{prefix}-{digest(list(parts))[:16]}"
