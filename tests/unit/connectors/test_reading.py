"""Design section 1.3: a reading is whole or it is an error; whichever way the pages come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.sdk.protocols import Connection, Page
from lastday.connectors.sdk.reading import read_whole
from lastday.model.account import ObservedAccount
from lastday.model.errors import ListingIncomplete, RateLimited, Unreachable
from lastday.model.ids import NativeId
from tests.servers.connector_ports import CHAT, NOW, FixedClock


def account(number):
    return ObservedAccount(native_id=NativeId(f"n{number}"), username=f"u{number}", enabled=True)


class Paged:
    """An application whose pages are given; an exception among them is raised."""

    def __init__(self, pages, *, entitlements=("group/b", "group/a", "group/b")):
        self.pages = pages
        self.entitlements = entitlements

    async def check_connection(self):
        return Connection(principal="p", server="s")

    async def list_accounts(self, cursor):
        page = self.pages[0 if cursor is None else int(cursor)]
        if isinstance(page, Exception):
            raise page
        return page

    async def list_entitlements(self):
        if isinstance(self.entitlements, Exception):
            raise self.entitlements
        return self.entitlements

    async def read_account(self, native_id):
        return None

    async def find_accounts(self, attribute, value):
        return []

    async def close(self):
        pass


def pages_of(numbers, size, *, total):
    starts = range(0, max(len(numbers), 1), size)
    last = len(starts) - 1
    return [
        Page(
            items=[account(number) for number in numbers[start : start + size]],
            next_cursor=None if index == last else str(index + 1),
            stated_total=total,
        )
        for index, start in enumerate(starts)
    ]


async def read(pages, **more):
    return await read_whole(Paged(pages, **more), CHAT, FixedClock())


@given(st.sets(st.integers(0, 99)), st.integers(1, 7), st.booleans())
async def test_a_whole_listing_is_a_snapshot_of_exactly_what_came(numbers, size, states_total):
    pages = pages_of(sorted(numbers), size, total=len(numbers) if states_total else None)
    snapshot = await read(pages)
    assert {found.native_id for found in snapshot.accounts} == {f"n{number}" for number in numbers}
    assert snapshot.completeness.accounts == len(numbers)
    assert snapshot.completeness.pages == len(pages)
    assert snapshot.completeness.stated_total == (len(numbers) if states_total else None)
    assert snapshot.taken_at == NOW
    assert snapshot.entitlements == ("group/a", "group/b")


@given(st.lists(st.integers(0, 99), min_size=1, unique=True), st.integers(1, 7), st.data())
async def test_a_listing_with_one_account_less_than_stated_is_refused(numbers, size, data):
    pages = pages_of(numbers, size, total=len(numbers))
    at = data.draw(st.integers(0, len(pages) - 1))
    pages[at] = Page(items=pages[at].items[1:], next_cursor=pages[at].next_cursor, stated_total=pages[at].stated_total)
    with pytest.raises(ListingIncomplete):
        await read(pages)


@given(st.lists(st.integers(0, 99), min_size=1, unique=True), st.integers(1, 7), st.data())
async def test_a_fault_on_any_page_is_no_snapshot(numbers, size, data):
    pages = pages_of(numbers, size, total=None)
    fault = data.draw(st.sampled_from([Unreachable("gone"), RateLimited("slow", retry_after_s=1)]))
    pages[data.draw(st.integers(0, len(pages) - 1))] = fault
    with pytest.raises(ListingIncomplete) as caught:
        await read(pages)
    assert caught.value.__cause__ is fault


@given(st.lists(st.integers(0, 99), min_size=2, unique=True), st.data())
async def test_an_account_that_comes_twice_is_refused(numbers, data):
    """Pages that shifted while they were read: what comes twice stands for something that did not come."""
    twice = [*numbers, data.draw(st.sampled_from(numbers))]
    with pytest.raises(ListingIncomplete, match="again"):
        await read(pages_of(twice, 2, total=None))


async def test_pages_in_a_circle_are_refused():
    pages = [
        Page(items=[account(1)], next_cursor="1"),
        Page(items=[account(2)], next_cursor="2"),
        Page(items=[account(3)], next_cursor="1"),
    ]
    with pytest.raises(ListingIncomplete, match="leads back"):
        await read(pages)


async def test_a_circle_of_empty_pages_is_refused():
    with pytest.raises(ListingIncomplete):
        await read([Page(items=[], next_cursor="0")])


async def test_a_listing_without_end_is_refused():
    class Endless(Paged):
        async def list_accounts(self, cursor):
            number = int(cursor or 0)
            return Page(items=[account(number)], next_cursor=str(number + 1))

    with pytest.raises(ListingIncomplete, match="more than 50 pages"):
        await read_whole(Endless([]), CHAT, FixedClock(), max_pages=50)


async def test_a_total_that_changes_on_the_way_is_refused():
    pages = [
        Page(items=[account(1)], next_cursor="1", stated_total=3),
        Page(items=[account(2)], next_cursor=None, stated_total=2),
    ]
    with pytest.raises(ListingIncomplete, match="changed from 3 to 2"):
        await read(pages)


async def test_entitlements_that_cannot_be_read_are_no_snapshot():
    with pytest.raises(ListingIncomplete):
        await read([Page(items=[], next_cursor=None)], entitlements=Unreachable("gone"))
