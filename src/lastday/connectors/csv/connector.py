"""Reads the export of an application without an interface. It changes nothing: people do, the next file shows it."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from lastday.connectors.csv.columns import Columns, columns_of
from lastday.connectors.sdk.delimited import DelimitedFile, Row, read_delimited
from lastday.connectors.sdk.ports import ConnectorSettings
from lastday.connectors.sdk.protocols import Connection, Page
from lastday.model.account import ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes
from lastday.model.errors import AnswerUnusable, ConfigurationError, FeedError, ListingIncomplete, Unreachable
from lastday.model.ids import ApplicationName, Digest, NativeId

_BETWEEN_VALUES = re.compile(r"[;,]")


class CsvConnector:
    """One export. Each reading opens the file anew."""

    def __init__(self, application: ApplicationName, path: Path, columns: Columns) -> None:
        self.last_digest: Digest | None = None
        """SHA-256 of the file as it was last read whole: what a confirmation by hand is checked against."""
        self._application = application
        self._path = path
        self._columns = columns

    @classmethod
    def opened(cls, settings: ConnectorSettings) -> "CsvConnector":
        """A connector by its settings. Raises ConfigurationError where one is missing or unfit."""
        path = settings.text("path")
        if not path:
            raise ConfigurationError(f"{settings.application} needs a path", where=f"app.{settings.application}.path")
        return cls(settings.application, Path(path), columns_of(settings.values.get("columns"), settings.application))

    async def check_connection(self) -> Connection:
        """Reads the file once; there is no account of ours in it."""
        read = await asyncio.to_thread(self._read)
        warnings = ["the file's encoding cannot hold every letter"] if read.suspect_letters else []
        warnings += [] if read.ends_with_newline else ["the last line has no end: the file may be cut"]
        return Connection(principal="", server=f"file {self._path.name}", warnings=tuple(warnings))

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        """All accounts of the file on one page."""
        if cursor is not None:
            raise ListingIncomplete(f"{self._path.name} has only one page", mend="Read it from the start.")
        accounts = await self._accounts()
        return Page(items=accounts, next_cursor=None, stated_total=len(accounts))

    async def list_entitlements(self) -> Sequence[str]:
        """Everything that anybody in the file has, as `column/value`."""
        return sorted({holding.entitlement for account in await self._accounts() for holding in account.holdings})

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        """The account as the file shows it now; None where a whole file does not have it."""
        return next((found for found in await self._accounts() if found.native_id == native_id), None)

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        """The accounts whose attribute has the value, case apart. Raises AnswerUnusable for one that is not mapped."""
        known = {"native_id", "username", "active", *self._columns.attributes}
        if attribute not in known:
            raise AnswerUnusable(
                f"{self._application} has no column for {attribute}", mend=f"Mapped are {', '.join(sorted(known))}."
            )
        wanted = value.casefold()
        return [
            account
            for account in await self._accounts()
            if wanted in {str(item).casefold() for item in account.attributes.get(attribute, ())}
        ]

    async def close(self) -> None:
        """Nothing is held open."""

    async def _accounts(self) -> tuple[ObservedAccount, ...]:
        """Every account of the file. Raises Unreachable without a file, ListingIncomplete for one that is not whole."""
        read = await asyncio.to_thread(self._read)
        accounts: dict[NativeId, ObservedAccount] = {}
        for row in read.rows:
            account = self._account(row, len(read.columns))
            if account.native_id in accounts:
                raise self._unfit(f"the id {account.native_id} stands twice", row.line)
            accounts[account.native_id] = account
        self.last_digest = read.digest
        return tuple(accounts.values())

    def _read(self) -> DelimitedFile:
        try:
            read = read_delimited(self._path.read_bytes(), name=self._path.name)
        except OSError as err:
            raise Unreachable(f"{self._path} cannot be read: {err.strerror}", mend="Put the export there.") from err
        except FeedError as err:
            raise ListingIncomplete(err.what, mend=err.mend, where=err.where) from err
        missing = [name for name in self._columns.needed if name not in read.columns]
        if missing:
            raise self._unfit(f"the column {', '.join(missing)} is not there", 1)
        doubled = [name for name in self._columns.needed if read.columns.count(name) > 1]
        if doubled:
            raise self._unfit(f"the column {', '.join(doubled)} is there twice", 1)
        return read

    def _account(self, row: Row, width: int) -> ObservedAccount:
        if row.width != width:
            raise self._unfit(f"the row has {row.width} cells where the heading has {width}", row.line)
        columns = self._columns
        native_id = row.cells[columns.native_id]
        if not native_id:
            raise self._unfit(f"the row has no {columns.native_id}", row.line)
        username = row.cells[columns.username] or native_id
        enabled = self._enabled(row)
        named = {name: row.cells[column] for name, column in columns.attributes.items()}
        return ObservedAccount(
            native_id=NativeId(native_id),
            username=username,
            enabled=enabled,
            attributes=Attributes.of({**named, "native_id": native_id, "username": username, "active": enabled}),
            holdings=tuple(sorted({held for column in columns.entitlements for held in _holdings(column, row)})),
            last_used=_instant(row.cells[columns.last_used]) if columns.last_used else None,
        )

    def _enabled(self, row: Row) -> bool:
        active = self._columns.active
        if active is None:
            return True
        said = row.cells[active.column].casefold()
        if active.false_values and said not in active.true_values | active.false_values:
            raise self._unfit(f"{said!r} in {active.column} is neither active nor not", row.line)
        return said in active.true_values

    def _unfit(self, why: str, line: int) -> ListingIncomplete:
        return ListingIncomplete(
            f"{self._path.name} is not whole: {why}",
            effect="The last whole reading stays; nothing is concluded from this file.",
            mend="Export it again.",
            where=f"{self._path}:{line}",
        )


def _holdings(column: str, row: Row) -> Sequence[ObservedHolding]:
    values = (value.strip() for value in _BETWEEN_VALUES.split(row.cells[column]))
    return [ObservedHolding(f"{column}/{value}") for value in values if value]


def _instant(text: str) -> datetime | None:
    """A moment in ISO form, UTC where it names no zone; anything else is no statement about use."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
