"""One canonical form (RFC 8785) for everything that is hashed, signed or compared."""

import hashlib
from collections.abc import Mapping, Sequence

import rfc8785

from lastday.model.ids import Digest

JsonValue = None | bool | int | float | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


def canonical_bytes(value: JsonValue) -> bytes:
    """The RFC 8785 bytes of `value`; equal values give equal bytes.

    >>> canonical_bytes({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    return rfc8785.dumps(value)


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
