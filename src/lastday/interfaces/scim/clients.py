"""Who calls: a client is whoever holds a token that is good."""

import asyncio
import logging
from collections.abc import Container
from typing import NoReturn

from lastday.interfaces.scim.bounded import BoundedCache
from lastday.interfaces.scim.rates import ClientRates
from lastday.interfaces.scim.renewed import Renewed
from lastday.model.clock import Clock
from lastday.model.errors import StoreError
from lastday.model.ids import SourceName, TokenId
from lastday.model.scim import PushClient
from lastday.store.database import Database
from lastday.store.scim_tokens import TOKENS_CHANGED, ScimToken, find_by_secret, hash_of, note_used

logger = logging.getLogger(__name__)

NOTED_EVERY_S = 60.0
_MOST_SECRETS = 4_096
_MOST_LOOKUPS = 4
"""At once: whoever sends made-up tokens must not take the connections of those who have true ones."""


class TokenClients:
    """The Clients of the service provider, by the tokens in the database.

    A token that is revoked is refused at once where the notification comes, and after a second at the latest: what was
    looked up counts no longer. It expires to the moment. Nothing here compares secrets: what a client sends is hashed,
    and the hash is looked up.
    """

    def __init__(
        self, database: Database, clock: Clock, sources: Container[SourceName], rates: ClientRates | None = None
    ) -> None:
        """`sources` are those that are pushed. A token of any other is as good as unknown."""
        self._sources = sources
        self._database = database
        self._clock = clock
        self._rates = rates or ClientRates()
        self._known: BoundedCache[bytes, Renewed[ScimToken | None]] = BoundedCache(_MOST_SECRETS)
        self._used: set[TokenId] = set()
        self._lookups = asyncio.Semaphore(_MOST_LOOKUPS)

    async def authenticate(self, token: str) -> PushClient | None:
        """Whose token it is; None for one that is unknown, expired or revoked. Raises StoreError."""
        secret = hash_of(token)
        known = self._known.get(secret)
        if known is None:
            known = Renewed(lambda: self._look_up(token))
            self._known.put(secret, known, 1)
        return self._good(known.answer if known.is_fresh() else await known.get())

    def at_hand(self, token: str) -> PushClient | None:
        """Whose token it is, where that is known without asking; None says nothing."""
        known = self._known.get(hash_of(token))
        return None if known is None or not known.is_fresh() else self._good(known.answer)

    def seconds_to_wait(self, client: PushClient) -> float:
        """0 where the client may send now, which uses one request of its rate; else how long until it may."""
        return self._rates.seconds_to_wait(client)

    async def listen(self) -> NoReturn:
        """For ever: what is known of tokens is looked up anew as soon as one is made, revoked or given an end."""
        async for _ in self._database.listen(TOKENS_CHANGED):
            for known in self._known.values():
                known.expire()
        raise AssertionError("listening has no end")

    async def note_use(self) -> NoReturn:
        """For ever: once a minute it is written down which tokens were used."""
        while True:
            await asyncio.sleep(NOTED_EVERY_S)
            await self.write_down_use()

    async def write_down_use(self) -> None:
        """Tokens that were used since the last time say so. Where the database is away, another time."""
        used, self._used = self._used, set()
        if not used:
            return
        try:
            async with self._database.transaction() as tx:
                await note_used(tx, used, self._clock.now())
        except StoreError as fault:
            self._used |= used
            logger.warning("use of tokens not written down yet", extra={"cause": fault.code})

    def _good(self, found: ScimToken | None) -> PushClient | None:
        if found is None or not found.is_good_at(self._clock.now()) or found.client.source not in self._sources:
            return None
        self._used.add(found.client.token)
        return found.client

    async def _look_up(self, token: str) -> ScimToken | None:
        async with self._lookups, self._database.at_once() as tx:
            return await find_by_secret(tx, token)
