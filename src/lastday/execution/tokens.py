"""Tokens of SCIM clients, made and revoked with an entry in the evidence log: who let whom push."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from lastday.evidence.entries import EntryDraft, EntryKind, Stamp, append
from lastday.model.canonical import JsonValue
from lastday.model.clock import Clock
from lastday.model.ids import TokenId
from lastday.store import scim_tokens
from lastday.store.database import Database, Transaction
from lastday.store.scim_tokens import NewToken, ScimToken, TokenOrder


async def make_token(database: Database, clock: Clock, stamp: Stamp, order: TokenOrder, *, by: str) -> NewToken:
    """The token is good from now on, and the log says who made it. Raises InputError as the store does."""
    now = clock.now()
    async with database.transaction() as tx:
        new = await scim_tokens.make_token(tx, order, now)
        await _note_made(tx, stamp, new.token, by=by, more={})
    return new


async def rotate_token(
    database: Database,
    clock: Clock,
    stamp: Stamp,
    token: TokenId,
    *,
    overlap: timedelta,
    expires_at: datetime | None = None,
    by: str,
) -> NewToken:
    """Another token for the same client; both are good during the overlap. Raises InputError as the store does."""
    now = clock.now()
    async with database.transaction() as tx:
        new = await scim_tokens.rotate_token(tx, token, now, overlap=overlap, expires_at=expires_at)
        more: Mapping[str, JsonValue] = {"replaces": token, "overlap_s": int(overlap.total_seconds())}
        await _note_made(tx, stamp, new.token, by=by, more=more)
    return new


async def revoke_token(database: Database, clock: Clock, stamp: Stamp, token: TokenId, *, by: str) -> ScimToken | None:
    """The token is good no more, and the log says who revoked it; None where there was nothing to revoke."""
    now = clock.now()
    async with database.transaction() as tx:
        revoked = await scim_tokens.revoke_token(tx, token, now)
        if revoked is not None:
            body = {**_described(revoked), "by": by}
            await append(tx, EntryDraft(kind=EntryKind.TOKEN_REVOKED, at=now, body=body), stamp)
    return revoked


async def _note_made(
    tx: Transaction, stamp: Stamp, token: ScimToken, *, by: str, more: Mapping[str, JsonValue]
) -> None:
    client = token.client
    body: dict[str, JsonValue] = {
        **_described(token),
        "profile": client.profile,
        "scopes": sorted(scope.value for scope in client.scopes),
        "requests_per_s": client.requests_per_s,
        "expires_at": None if token.expires_at is None else token.expires_at.isoformat(),
        "by": by,
        **more,
    }
    await append(tx, EntryDraft(kind=EntryKind.TOKEN_MADE, at=token.created_at, body=body), stamp)


def _described(token: ScimToken) -> dict[str, JsonValue]:
    return {"source": token.client.source, "token": token.id, "client": token.client.name}
