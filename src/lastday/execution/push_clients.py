"""The clients of pushed sources: their tokens, each of which begins and ends in the evidence."""

from datetime import datetime, timedelta

from lastday.evidence.entries import EntryDraft, EntryKind, append
from lastday.execution.engine import Engine
from lastday.model.canonical import JsonValue
from lastday.model.errors import InputError
from lastday.model.ids import TokenId
from lastday.store import scim_tokens
from lastday.store.database import Transaction
from lastday.store.scim_tokens import NewToken, ScimToken, TokenOrder

_BY = "the shell"
"""Clients are managed nowhere else."""


async def make_token(engine: Engine, order: TokenOrder) -> NewToken:
    """The client may call. Raises InputError where the source has a client of this name."""
    async with engine.database.transaction() as tx:
        new = await scim_tokens.make_token(tx, order, engine.clock.now())
        await _prove(engine, tx, EntryKind.TOKEN_MADE, new.token)
        return new


async def rotate_token(engine: Engine, token: TokenId, *, overlap: timedelta, expires_at: datetime | None) -> NewToken:
    """The client has another token; the old one is good for the overlap yet. Raises InputError where it cannot be."""
    async with engine.database.transaction() as tx:
        new = await scim_tokens.rotate_token(tx, token, engine.clock.now(), overlap=overlap, expires_at=expires_at)
        await _prove(
            engine, tx, EntryKind.TOKEN_MADE, new.token, replaces=token, overlap_s=int(overlap.total_seconds())
        )
        return new


async def revoke_token(engine: Engine, token: TokenId) -> ScimToken:
    """The token is good no more. Raises InputError where there is none, or it was revoked before."""
    async with engine.database.transaction() as tx:
        old = await scim_tokens.revoke_token(tx, token, engine.clock.now())
        if old is None:
            raise InputError(
                f"there is no token {token} that could be revoked",
                effect="Nothing was changed.",
                mend="See `lastday token list`.",
                code="R122",
            )
        await _prove(engine, tx, EntryKind.TOKEN_REVOKED, old)
        return old


async def _prove(engine: Engine, tx: Transaction, kind: EntryKind, token: ScimToken, **more: JsonValue) -> None:
    client = token.client
    body: dict[str, JsonValue] = {
        "token": token.id,
        "source": client.source,
        "client": client.name,
        "profile": client.profile,
        "scopes": sorted(scope.value for scope in client.scopes),
        "requests_per_s": client.requests_per_s,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
        "by": _BY,
        **more,
    }
    await append(tx, EntryDraft(kind=kind, at=engine.clock.now(), body=body), engine.stamp)
