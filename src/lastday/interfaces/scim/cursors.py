"""Cursors that nobody can read, alter or use for another question (RFC 9865)."""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import datetime

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lastday.interfaces.scim.protocol.errors import ScimError, ScimType
from lastday.store.pushed import Position

_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a page begins, after what, and how many resources it holds at most."""

    after: Position | None
    """None: at the beginning, to which no cursor leads."""
    count: int


class CursorSeal:
    """AES-GCM with one key for all processes: 16, 24 or 32 bytes.

    What a cursor belongs to (source, type, filter, order) is not in it: it is part of what is authenticated, so that
    a cursor opens for the same question of the same source only.
    """

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, after: Position, count: int, *, belongs_to: bytes, expires_at: datetime) -> str:
        """The cursor that leads to the page of `count` resources after a position, until it expires."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = orjson.dumps([after.ordinal, after.sort_key, count, int(expires_at.timestamp())])
        return urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, plain, belongs_to)).rstrip(b"=").decode("ascii")

    def open(self, cursor: str, *, belongs_to: bytes, now: datetime) -> Page:
        """The page to which the cursor leads. Raises ScimError invalidCursor or expiredCursor."""
        ordinal, sort_key, count, expires = orjson.loads(self._plain(cursor, belongs_to))
        if now.timestamp() >= expires:
            raise ScimError(status=400, detail="The cursor is too old. Begin again.", scim_type=ScimType.EXPIRED_CURSOR)
        return Page(after=Position(ordinal=ordinal, sort_key=sort_key), count=count)

    def _plain(self, cursor: str, belongs_to: bytes) -> bytes:
        try:
            sealed = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], belongs_to)
        except (InvalidTag, NotBase64, ValueError):
            detail = "The cursor was not given for this search. Begin again without one."
            raise ScimError(status=400, detail=detail, scim_type=ScimType.INVALID_CURSOR) from None
