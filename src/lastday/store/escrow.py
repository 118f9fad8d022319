"""Secrets that must be put back later (an old password hash), sealed with a key that is not in the database."""

import asyncio
import secrets
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg.rows import scalar_row

from lastday.model.canonical import canonical_bytes
from lastday.model.errors import StoreError
from lastday.model.ids import ApplicationName, NativeId
from lastday.store.database import Database
from lastday.store.key_file import KeyFileUnusable, load_or_make_key

_NONCE_BYTES = 12
_KEY_NAME_BYTES = 8


class EscrowUnreadable(StoreError):
    """What was sealed cannot be opened, or the key is not safe to use."""

    code = "T120"


class SealedEscrow:
    """AES-256-GCM, bound to application, account and kind, so that nothing opens in another's place.

    The key is `keys/escrow.key` in the home, 0600, made at the first use. A sealed value names its key.
    """

    def __init__(self, database: Database, home: Path) -> None:
        self._database = database
        self._key_file = home / "keys" / "escrow.key"

    async def keep(self, application: ApplicationName, native_id: NativeId, kind: str, secret: str) -> None:
        """Durable when it returns. What is already kept under the same key stays: the first is the true old value."""
        key = await asyncio.to_thread(_key, self._key_file)
        sealed = _seal(key, secret, application, native_id, kind)
        async with self._database.transaction() as tx:
            await tx.execute(
                "INSERT INTO escrow (application, native_id, kind, sealed) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (application, native_id, kind, sealed),
            )

    async def look(self, application: ApplicationName, native_id: NativeId, kind: str) -> str | None:
        """What is kept, or None. Raises EscrowUnreadable where it was sealed with another key or tampered with."""
        async with self._database.transaction() as tx:
            sealed = await tx.fetch_one(
                "SELECT sealed FROM escrow WHERE application = %s AND native_id = %s AND kind = %s",
                (application, native_id, kind),
                row=scalar_row,
            )
        if sealed is None:
            return None
        key = await asyncio.to_thread(_key, self._key_file)
        return _unseal(key, bytes(sealed), application, native_id, kind)

    async def discard(self, application: ApplicationName, native_id: NativeId, kind: str) -> None:
        """Nothing is kept under this key any more."""
        async with self._database.transaction() as tx:
            await tx.execute(
                "DELETE FROM escrow WHERE application = %s AND native_id = %s AND kind = %s",
                (application, native_id, kind),
            )


def _seal(key: bytes, secret: str, *place: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _key_name(key) + nonce + AESGCM(key).encrypt(nonce, secret.encode(), canonical_bytes(place))


def _unseal(key: bytes, sealed: bytes, *place: str) -> str:
    name, rest = sealed[:_KEY_NAME_BYTES], sealed[_KEY_NAME_BYTES:]
    if name != _key_name(key):
        raise EscrowUnreadable(
            "a kept secret was sealed with another key",
            effect="it cannot be put back",
            mend="bring keys/escrow.key from the host that kept it; every host needs the same one",
        )
    try:
        return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], canonical_bytes(place)).decode()
    except InvalidTag as error:
        raise EscrowUnreadable(
            "a kept secret was changed in the database", effect="it is not put back", mend="see who wrote there"
        ) from error


def _key_name(key: bytes) -> bytes:
    return sha256(b"lastday escrow key" + key).digest()[:_KEY_NAME_BYTES]


def _key(path: Path) -> bytes:
    try:
        return load_or_make_key(path)
    except KeyFileUnusable as fault:
        raise EscrowUnreadable(
            fault.what, effect="no secret is kept or put back", mend=fault.mend, where=fault.where
        ) from fault
