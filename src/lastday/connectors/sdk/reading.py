"""A whole reading of an application, or an error: a part of a listing never becomes a snapshot."""

from collections.abc import Sequence
from typing import NoReturn

from lastday.connectors.sdk.protocols import Connector, Page
from lastday.model.account import ApplicationSnapshot, Completeness, ObservedAccount
from lastday.model.clock import Clock
from lastday.model.errors import ConnectorError, ListingIncomplete
from lastday.model.ids import ApplicationName, NativeId

MAX_PAGES = 100_000


async def read_whole(
    connector: Connector, application: ApplicationName, clock: Clock, *, max_pages: int = MAX_PAGES
) -> ApplicationSnapshot:
    """The snapshot of `application`, taken as of the moment the reading began.

    Raises ListingIncomplete on a cursor or a native id that comes again, a stated total that differs from what came
    or changes on the way, more pages than `max_pages`, and any fault of the application while it is read, with that
    fault as its cause. Design section 1, rule 3: unknown is not empty.
    """
    taken_at = clock.now()
    walk = _Walk(application, max_pages)
    try:
        cursor: str | None = None
        while True:
            page = await connector.list_accounts(cursor)
            walk.add(page)
            cursor = page.next_cursor
            if cursor is None:
                break
        entitlements = await connector.list_entitlements()
    except ListingIncomplete:
        raise
    except ConnectorError as err:
        raise _incomplete(application, f"page {walk.pages + 1} could not be read: {err.what}") from err
    return ApplicationSnapshot(
        application=application,
        taken_at=taken_at,
        accounts=tuple(walk.accounts.values()),
        entitlements=tuple(sorted(set(entitlements))),
        completeness=walk.completeness(),
    )


class _Walk:
    """What came so far, and whether it can still be whole."""

    def __init__(self, application: ApplicationName, max_pages: int) -> None:
        self.accounts: dict[NativeId, ObservedAccount] = {}
        self.pages = 0
        self._application = application
        self._max_pages = max_pages
        self._cursors: set[str] = set()
        self._total: int | None = None

    def add(self, page: Page[ObservedAccount]) -> None:
        self.pages += 1
        self._take_total(page.stated_total)
        self._take_accounts(page.items)
        if page.next_cursor is not None:
            self._take_cursor(page.next_cursor)

    def completeness(self) -> Completeness:
        if self._total is not None and self._total != len(self.accounts):
            self._refuse(f"it states {self._total} accounts and gave {len(self.accounts)}")
        return Completeness(accounts=len(self.accounts), pages=self.pages, stated_total=self._total)

    def _take_total(self, total: int | None) -> None:
        if total is None:
            return
        if self._total is not None and self._total != total:
            self._refuse(f"its stated total changed from {self._total} to {total} on page {self.pages}")
        self._total = total

    def _take_accounts(self, items: Sequence[ObservedAccount]) -> None:
        for account in items:
            if account.native_id in self.accounts:
                self._refuse(f"account {account.native_id} came again on page {self.pages}")
            self.accounts[account.native_id] = account

    def _take_cursor(self, cursor: str) -> None:
        if cursor in self._cursors:
            self._refuse(f"page {self.pages} leads back to a page that was read before")
        if self.pages >= self._max_pages:
            self._refuse(f"it has more than {self._max_pages} pages")
        self._cursors.add(cursor)

    def _refuse(self, why: str) -> NoReturn:
        raise _incomplete(self._application, why)


def _incomplete(application: ApplicationName, why: str) -> ListingIncomplete:
    return ListingIncomplete(
        f"the listing of {application} is not whole: {why}",
        effect="The last whole reading stays; nothing is concluded from this one.",
        mend="It is read again at the next turn.",
    )
