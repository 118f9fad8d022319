"""What must be done by one process among all that share a database is done by whoever holds a lock."""

import logging

import psycopg

from lastday.store.database import lock_key

logger = logging.getLogger(__name__)

_CONNECT_S = 10


class Leadership:
    """A named lock on a connection of its own: a process that dies, or loses the connection, leads no longer."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._key = lock_key(name)
        self._connection: psycopg.AsyncConnection | None = None

    async def held(self) -> bool:
        """Whether this process leads now; it does from now on where nobody else does."""
        try:
            if self._connection is None:
                return await self._try()
            await self._connection.execute("SELECT 1")
        except psycopg.Error:
            logger.warning("leadership lost with its connection")
            await self.close()
            return False
        return True

    async def _try(self) -> bool:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=_CONNECT_S, application_name="lastday leader"
        )
        cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", (self._key,))
        row = await cursor.fetchone()
        if row is None or not row[0]:
            await connection.close()
            return False
        self._connection = connection
        return True

    async def close(self) -> None:
        """Somebody else may lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
