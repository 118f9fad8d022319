"""What `doctor` asks the database itself."""

from dataclasses import dataclass
from datetime import datetime

from lastday.store.database import Transaction


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """The server as it says of itself; `at` is its own real clock."""

    version: str
    at: datetime
    bytes_used: int
    unfinished: int
    """Operations that do not rest."""


async def server_health(tx: Transaction) -> ServerHealth:
    """How the server is at this moment."""
    row = await tx.fetch_one(
        "SELECT current_setting('server_version') AS version, clock_timestamp() AS at,"
        " pg_database_size(current_database()) AS used, (SELECT count(*) FROM operation WHERE state IN"
        " ('planned', 'retrying', 'acting', 'uncertain', 'accepted', 'verified')) AS unfinished"
    )
    assert row is not None, "a query without a table always has a row"
    return ServerHealth(row["version"], row["at"], int(row["used"]), int(row["unfinished"]))
