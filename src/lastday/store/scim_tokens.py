"""The tokens by which SCIM clients show who they are. The secret is shown once and kept nowhere."""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from psycopg.errors import UniqueViolation

from lastday.model.errors import InputError
from lastday.model.ids import SourceName, TokenId
from lastday.model.scim import PushClient, TokenScope
from lastday.store.database import Row, Transaction
from lastday.store.ids import new_token_id

TOKENS_CHANGED = "lastday_scim_tokens"
"""The channel on which it is told that a token was made, revoked or given an end; the payload is its id."""

_PREFIX = "lastday_scim_"
"""So that scanners for secrets find a token that went where it should not be."""
_STORED = (
    "id, source, name, profile, scopes, requests_per_s, created_at, expires_at, revoked_at, replaced_by, last_used_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimToken:
    """A token without its secret."""

    client: PushClient
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: TokenId | None
    """The token that took over; this one is good until it expires."""
    last_used_at: datetime | None
    """The hour in which it was last used."""

    @property
    def id(self) -> TokenId:
        return self.client.token

    def is_good_at(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token that was just made, with the secret that nobody can find out later."""

    token: ScimToken
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """What a new token is to be."""

    source: SourceName
    name: str
    profile: str
    scopes: frozenset[TokenScope]
    requests_per_s: float
    expires_at: datetime | None = None


async def make_token(tx: Transaction, order: TokenOrder, at: datetime) -> NewToken:
    """The token is good once the transaction commits.

    Raises InputError where the source has a token of this name: certificates tell clients apart by name.
    """
    new = _new_token(order, at)
    await _insert(tx, new)
    return new


async def rotate_token(
    tx: Transaction, token: TokenId, at: datetime, *, overlap: timedelta, expires_at: datetime | None = None
) -> NewToken:
    """Another token for the same client. The old one is good for the overlap yet, never longer than it was to be.

    Raises InputError for a token that is unknown, not good any more, or has been replaced already.
    """
    old = await _replaceable(tx, token, at)
    order = TokenOrder(
        source=old.client.source,
        name=old.client.name,
        profile=old.client.profile,
        scopes=old.client.scopes,
        requests_per_s=old.client.requests_per_s,
        expires_at=expires_at,
    )
    new = _new_token(order, at)
    await tx.execute("SET CONSTRAINTS ALL DEFERRED")
    await tx.execute(
        "UPDATE scim_token SET replaced_by = %s, expires_at = least(expires_at, %s) WHERE id = %s",
        (new.token.id, at + overlap, token),
    )
    await _insert(tx, new)
    await tx.notify(TOKENS_CHANGED, token)
    return new


async def revoke_token(tx: Transaction, token: TokenId, at: datetime) -> ScimToken | None:
    """The token as it was, which is good no more from `at` on; None where there is none, or it was revoked before.

    One that expired can be revoked, too.
    """
    row = await tx.fetch_one(f"SELECT {_STORED} FROM scim_token WHERE id = %s FOR UPDATE", (token,))  # noqa: S608 - our own column list
    found = None if row is None else _token(row)
    if found is None or found.revoked_at is not None:
        return None
    await tx.execute("UPDATE scim_token SET revoked_at = %s WHERE id = %s", (at, token))
    await tx.notify(TOKENS_CHANGED, token)
    return found


async def find_by_secret(tx: Transaction, secret: str) -> ScimToken | None:
    """The token with this secret, good or not; None for a secret that no token has."""
    row = await tx.fetch_one(f"SELECT {_STORED} FROM scim_token WHERE hash = %s", (hash_of(secret),))  # noqa: S608 - our own column list
    return None if row is None else _token(row)


async def list_tokens(tx: Transaction, source: SourceName | None = None) -> tuple[ScimToken, ...]:
    """Every token that ever was, of this source or of all, by source and name, the oldest first."""
    rows = await tx.fetch_all(
        f"SELECT {_STORED} FROM scim_token WHERE %(source)s::text IS NULL OR source = %(source)s"  # noqa: S608 - our own column list
        " ORDER BY source, name, created_at, id",
        {"source": source},
    )
    return tuple(_token(row) for row in rows)


async def note_used(tx: Transaction, tokens: Collection[TokenId], at: datetime) -> int:
    """These tokens were used in the hour of `at`; how many of them had not been used in it before."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return await tx.execute(
        "UPDATE scim_token SET last_used_at = %(hour)s"
        " WHERE id = ANY(%(tokens)s) AND (last_used_at IS NULL OR last_used_at < %(hour)s)",
        {"hour": hour, "tokens": sorted(tokens)},
    )


def hash_of(secret: str) -> bytes:
    """SHA-256: the secret is 256 random bits, so there is nothing to guess that a slow hash would make dearer."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _new_token(order: TokenOrder, at: datetime) -> NewToken:
    client = PushClient(
        token=new_token_id(),
        name=order.name,
        source=order.source,
        profile=order.profile,
        scopes=order.scopes,
        requests_per_s=order.requests_per_s,
    )
    token = ScimToken(
        client=client,
        created_at=at,
        expires_at=order.expires_at,
        revoked_at=None,
        replaced_by=None,
        last_used_at=None,
    )
    return NewToken(token=token, secret=_PREFIX + secrets.token_hex(32))


async def _insert(tx: Transaction, new: NewToken) -> None:
    client = new.token.client
    try:
        await tx.execute(
            "INSERT INTO scim_token (id, source, name, profile, scopes, hash, requests_per_s, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                client.token,
                client.source,
                client.name,
                client.profile,
                sorted(scope.value for scope in client.scopes),
                hash_of(new.secret),
                client.requests_per_s,
                new.token.created_at,
                new.token.expires_at,
            ),
        )
    except UniqueViolation as error:
        raise InputError(
            f"source {client.source} has a token named {client.name} already",
            effect="no token was made",
            mend="rotate or revoke it, or give another name",
            code="R120",
        ) from error
    await tx.notify(TOKENS_CHANGED, client.token)


async def _replaceable(tx: Transaction, token: TokenId, at: datetime) -> ScimToken:
    row = await tx.fetch_one(f"SELECT {_STORED} FROM scim_token WHERE id = %s FOR UPDATE", (token,))  # noqa: S608 - our own column list
    found = None if row is None else _token(row)
    if found is not None and found.is_good_at(at) and found.replaced_by is None:
        return found
    raise InputError(
        f"there is no token {token} that could be replaced",
        effect="no token was made",
        mend="see the list of tokens: one that is revoked, expired or replaced stays so; make a new one",
        code="R121",
    )


def _token(row: Row) -> ScimToken:
    client = PushClient(
        token=row["id"],
        name=row["name"],
        source=row["source"],
        profile=row["profile"],
        scopes=frozenset(TokenScope(scope) for scope in row["scopes"]),
        requests_per_s=row["requests_per_s"],
    )
    return ScimToken(
        client=client,
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        replaced_by=row["replaced_by"],
        last_used_at=row["last_used_at"],
    )
