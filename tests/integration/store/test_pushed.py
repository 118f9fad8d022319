"""Repositories of what SCIM clients pushed: looking for it, and taking it in."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lastday.filters.ast import AttributePath, Compare, CompareOperator
from lastday.filters.parser import parse
from lastday.filters.predicate import compile_predicate
from lastday.filters.sql import sort_key
from lastday.model.ids import BatchId, ResourceId, SourceName, TokenId
from lastday.model.scim import Body, PushedResource, PushMethod, ResourceType
from lastday.store.database import Database, Transaction
from lastday.store.pushed import (
    Position,
    Search,
    Standing,
    count_resources,
    load_resource,
    load_resources,
    load_standing,
    searchable,
)
from lastday.store.pushed_changes import insert_resources, save_pushes, take_sources, update_resources
from lastday.store.pushed_search import position_of, search
from lastday.store.pushes import (
    Push,
    PushNotice,
    mark_taken,
    pending_pushes,
    pushes_of_batch,
    pushes_of_resource,
    sources_with_pending,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
IDP, HR = SourceName("idp"), SourceName("hr")
USER, GROUP = ResourceType.USER, ResourceType.GROUP
EXACT = frozenset({"id", "externalid", "meta.version"})


def resource(
    ordinal: int, body: Body, *, source: SourceName = IDP, kind: ResourceType = USER, version: int = 1
) -> PushedResource:
    return PushedResource(
        source=source,
        type=kind,
        id=ResourceId(f"{kind.value}-{ordinal}" if source == IDP else f"{source}-{ordinal}"),
        ordinal=ordinal,
        version=version,
        created_at=NOON + timedelta(seconds=ordinal),
        modified_at=NOON + timedelta(seconds=ordinal, microseconds=7),
        body=body,
    )


def standing(*resources: PushedResource, deleted_at: datetime | None = None) -> list[Standing]:
    return [Standing(resource=one, deleted_at=deleted_at) for one in resources]


def notice(sequence: int) -> PushNotice:
    return PushNotice(source=IDP, since=0, sequence=sequence, ids=None)


def push(sequence: int, of: PushedResource, *, gone: bool = False, request: str = "r-1") -> Push:
    return Push(
        source=of.source,
        sequence=sequence,
        type=of.type,
        resource=of.id,
        version=of.version,
        method=PushMethod.DELETE if gone else PushMethod.PUT,
        active=True,
        gone=gone,
        client=TokenId("t-1"),
        client_name="entra",
        request_id=request,
        at=NOON,
    )


async def test_resources_come_in_the_order_of_their_creation(database: Database):
    people = [resource(number, {"userName": f"u{number}"}) for number in (3, 1, 2)]
    async with database.transaction() as tx:
        insert_resources(tx, standing(*people, resource(4, {"displayName": "Crew"}, kind=GROUP)))
        insert_resources(tx, standing(resource(1, {"userName": "u1"}, source=HR)))
        insert_resources(tx, standing(resource(9, {"userName": "gone"}), deleted_at=NOON))
    async with database.transaction() as tx:
        assert await load_resources(tx, IDP, USER) == sorted(people, key=lambda one: one.ordinal)
        assert await load_resources(tx, IDP, USER, [people[0].id, ResourceId("nobody")]) == [people[0]]
        assert await load_resources(tx, IDP, USER, []) == []
        assert await load_resource(tx, IDP, GROUP, people[0].id) is None
        assert await load_resource(tx, IDP, USER, ResourceId("User-9")) is None
        assert [one.deleted_at for one in await load_standing(tx, IDP, USER)] == [None, None, None, NOON]
        assert [await count_resources(tx, IDP, kind) for kind in ResourceType] == [3, 1]


async def test_what_was_taken_away_lets_go_of_its_body_when_it_is_taken_in(database: Database):
    """Design section 10, privacy: nothing but the id stays. Taking in what came before does not do it."""
    ada, bob = resource(1, {"userName": "ada"}), resource(2, {"userName": "bob"})
    async with database.transaction() as tx:
        insert_resources(tx, standing(ada, deleted_at=NOON))
        insert_resources(tx, standing(bob))
        save_pushes(tx, [push(1, ada), push(2, bob), push(3, ada, gone=True, request="r-3")], [notice(3)])
    async with database.transaction() as tx:
        await mark_taken(tx, IDP, [1, 2], BatchId("b-1"), NOON)
        [gone] = await load_standing(tx, IDP, USER, [ada.id])
        assert gone.resource.body == {"userName": "ada"}
        assert [one.sequence for one in await pending_pushes(tx, IDP, 10)] == [3]
        assert await sources_with_pending(tx) == (IDP,)
    async with database.transaction() as tx:
        await mark_taken(tx, IDP, [3], BatchId("b-2"), NOON)
        [gone] = await load_standing(tx, IDP, USER, [ada.id])
        assert (gone.resource.body, gone.resource.id, gone.deleted_at) == ({}, ada.id, NOON)
        assert await load_resource(tx, IDP, USER, bob.id) == bob
        assert await pending_pushes(tx, IDP, 10) == ()
        assert await sources_with_pending(tx) == ()
        kept = await tx.fetch_one("SELECT user_name, comparable FROM pushed_resource WHERE id = %s", (ada.id,))
        assert kept == {"user_name": None, "comparable": {}}
        row = await tx.fetch_one(
            "SELECT pushed_resource::text AS everything FROM pushed_resource WHERE id = %s", (ada.id,)
        )
        assert row is not None
        assert "ada" not in row["everything"]


async def test_a_batch_names_the_changes_behind_it(database: Database):
    """S-42: which client, in which request. What is taken in once stays with its batch."""
    ada = resource(1, {"userName": "ada"})
    async with database.transaction() as tx:
        insert_resources(tx, standing(ada))
        save_pushes(tx, [push(number, ada, request=f"r-{number}") for number in (1, 2, 3)], [])
        await mark_taken(tx, IDP, [1, 3], BatchId("b-1"), NOON)
        await mark_taken(tx, IDP, [1, 2], None, NOON + timedelta(hours=1))
    async with database.transaction() as tx:
        behind = await pushes_of_batch(tx, BatchId("b-1"))
        history = await pushes_of_resource(tx, IDP, USER, ada.id)
    assert [(one.client_name, one.request_id, one.taken_at) for one in behind] == [
        ("entra", "r-1", NOON),
        ("entra", "r-3", NOON),
    ]
    assert [(one.sequence, one.taken_in) for one in history] == [(1, "b-1"), (2, None), (3, "b-1")]
    assert history[1].taken_at == NOON + timedelta(hours=1)


async def test_how_the_sources_stand_is_read_under_their_locks(database: Database):
    """What another process committed while we waited for the lock is seen."""
    ada = resource(1, {"userName": "Ada"})
    async with database.transaction() as first:
        await take_sources(first, [IDP], [], [])

        async def second_comer():
            async with database.transaction() as tx:
                return await take_sources(tx, [HR, IDP], [(IDP, USER, ada.id)], [(IDP, "ada"), (HR, "ada")])

        waiting = asyncio.create_task(second_comer())
        while not await _somebody_waits(first):
            await asyncio.sleep(0.01)
        insert_resources(first, standing(ada))
        save_pushes(first, [], [notice(1)])
    found = await waiting
    assert found.sequences == {IDP: 1}
    assert found.resources == {(IDP, USER, ada.id): ada}
    assert found.holders == {(IDP, "ada"): ada.id}


async def _somebody_waits(tx: Transaction) -> bool:
    row = await tx.fetch_one("SELECT count(*) AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    return row is not None and row["waiting"] > 0


async def test_numbers_of_any_size_can_be_compared(database: Database):
    """A float beyond 64 bits is a whole number in the comparable form."""
    big = resource(1, {"userName": "ada", "level": 1e300})
    async with database.transaction() as tx:
        insert_resources(tx, standing(big))
        level = AttributePath(attribute="level")
        wanted = Search(type=USER, filter=Compare(path=level, operator=CompareOperator.GT, value=1e299))
        assert await search(tx, IDP, wanted, case_exact=EXACT) == (1, [big])


PEOPLE = [
    resource(1, {"userName": "Straße", "externalId": "E-1", "title": "Engineer", "active": True, "level": 3}),
    resource(2, {"userName": "bob", "externalId": "e-1", "title": "engineer", "active": False}),
    resource(3, {"userName": "Eve", "emails": [{"value": "Eve@Example.com", "type": "work"}], "level": 20}),
    resource(4, {"userName": "ada", "emails": [{"value": "a@x"}, {"value": "B@x", "primary": True}], "title": ""}),
    resource(5, {"userName": "\U0010ffff", "title": "Zoë", "name": {"familyName": "Ångström"}}),
    resource(6, {"userName": "zz", "title": "ZOË", "name": {"familyName": "angstrom"}, "level": -1.5}),
]
FILTERS = [
    None, 'userName eq "STRASSE"', 'userName sw "s"', 'externalId eq "E-1"', 'externalId eq "e-1"', 'id eq "User-3"',
    'title eq "ENGINEER"', "title pr", "not (title pr)", 'emails.value co "x"', 'emails[type eq "work"]',
    "active eq true", "level gt 2", 'meta.created ge "2026-11-20T12:00:03Z"', 'meta.version eq "W/\\"1\\""',
    'meta.resourceType eq "user"', 'userName gt "c" or level lt 0',
]  # fmt: skip
PATHS = [None, "userName", "externalId", "id", "title", "emails", "name.familyName", "level", "active", "meta.created"]
searches = st.builds(
    lambda text, by, descending, number: Search(
        type=USER,
        filter=None if text is None else parse(text),
        sort_by=None if by is None else path_of(by),
        descending=descending,
        count=number,
    ),
    st.sampled_from(FILTERS),
    st.sampled_from(PATHS),
    st.booleans(),
    st.integers(1, 4),
)
exact_sets = st.sampled_from([EXACT, frozenset(), frozenset({"username", "title", "emails.value"})])


def path_of(text: str) -> AttributePath:
    attribute, _, sub = text.partition(".")
    return AttributePath(attribute=attribute, sub=sub or None)


def expected(wanted: Search, exact: frozenset[str]) -> list[PushedResource]:
    """The resources that the predicate means, in the order of the sort keys."""
    holds = (lambda *_: True) if wanted.filter is None else compile_predicate(wanted.filter, case_exact=exact)
    found = [one for one in PEOPLE if holds(searchable(one), None)]
    if wanted.sort_by is None:
        return found
    keys = {one.id: sort_key(searchable(one), wanted.sort_by, case_exact=exact) for one in found}
    with_key = [one for one in found if keys[one.id] is not None]
    with_key.sort(key=lambda one: keys[one.id] or "", reverse=wanted.descending)
    without = [one for one in found if keys[one.id] is None]
    return [*without, *with_key] if wanted.descending else [*with_key, *without]


async def pages_of(
    database: Database, wanted: Search, exact: frozenset[str]
) -> tuple[list[ResourceId], list[ResourceId], set[int]]:
    """What all pages by index hold, and all by cursor, and every total that was told."""
    totals: set[int] = set()
    by_index: list[ResourceId] = []
    by_cursor: list[ResourceId] = []
    async with database.transaction() as tx:
        for start in range(1, len(PEOPLE) + 3, wanted.count):
            total, page = await search(tx, IDP, replace(wanted, start=start), case_exact=exact)
            totals.add(total)
            by_index += [one.id for one in page]
        after: Position | None = None
        while len(by_cursor) <= 2 * len(PEOPLE):
            total, page = await search(tx, IDP, replace(wanted, after=after), case_exact=exact)
            totals.add(total)
            by_cursor += [one.id for one in page]
            if not page:
                break
            after = position_of(wanted, page[-1], case_exact=exact)
    return by_index, by_cursor, totals


async def fill(database: Database) -> None:
    """The people of the source, and what must not be found: a group, somebody deleted, another source's."""
    async with database.transaction() as tx:
        insert_resources(tx, standing(*PEOPLE, resource(7, {"displayName": "Straße"}, kind=GROUP)))
        insert_resources(tx, standing(resource(8, {"userName": "sam", "title": "Engineer"}), deleted_at=NOON))
        for other in (HR, SourceName("zoo")):
            insert_resources(tx, standing(resource(1, {"userName": "Straße", "title": "Engineer"}, source=other)))


def test_pages_by_index_and_by_cursor_hold_what_the_predicate_means(database_url: str):
    """RFC 7644 sections 3.4.2.2 to 3.4.2.4 and RFC 9865: nothing twice, nothing left out, in order, with the total."""
    with asyncio.Runner() as runner:
        database = runner.run(Database.open(database_url, max_size=2))
        runner.run(fill(database))

        @settings(max_examples=200, deadline=None)
        @given(wanted=searches, exact=exact_sets)
        @example(wanted=Search(type=USER, sort_by=path_of("title"), descending=True, count=1), exact=EXACT)
        @example(wanted=Search(type=USER, sort_by=path_of("title"), count=1), exact=EXACT)
        def hold(wanted: Search, exact: frozenset[str]) -> None:
            by_index, by_cursor, totals = runner.run(pages_of(database, wanted, exact))
            ids = [one.id for one in expected(wanted, exact)]
            assert (by_index, by_cursor, totals) == (ids, ids, {len(ids)})

        try:
            hold()
        finally:
            runner.run(database.close())


async def test_a_cursor_goes_on_whatever_came_and_went(database: Database):
    """RFC 9865 section 2: what was there all the time comes once."""
    people = [resource(number, {"userName": f"u{number}"}) for number in (2, 3, 4, 5)]
    wanted = Search(type=USER, count=2)
    async with database.transaction() as tx:
        insert_resources(tx, standing(*people))
        _, first = await search(tx, IDP, wanted, case_exact=EXACT)
        after = position_of(wanted, first[-1], case_exact=EXACT)
        update_resources(tx, standing(*people[:2], deleted_at=NOON))
        insert_resources(tx, standing(resource(1, {"userName": "u1"})))
        total, second = await search(tx, IDP, replace(wanted, after=after), case_exact=EXACT)
    assert [one.ordinal for one in first] == [2, 3]
    assert [one.ordinal for one in second] == [4, 5]
    assert total == 3


async def test_a_count_of_nothing_tells_the_total(database: Database):
    """RFC 7644 section 3.4.2.4: `count` 0 asks for totalResults alone."""
    async with database.transaction() as tx:
        insert_resources(tx, standing(*PEOPLE))
        assert await search(tx, IDP, Search(type=USER, count=0), case_exact=EXACT) == (6, [])
        assert await search(tx, IDP, Search(type=USER, start=100), case_exact=EXACT) == (6, [])


async def test_equality_of_names_is_answered_by_an_index(database: Database):
    """A look-up by userName or externalId must not read everybody."""
    async with database.transaction() as tx:
        insert_resources(
            tx, standing(*(resource(n, {"userName": f"u{n}", "externalId": f"e{n}"}) for n in range(3000)))
        )
    async with database.at_once() as tx:
        await tx.execute("ANALYZE pushed_resource")
    async with database.transaction() as tx:
        before = await _rows_read(tx)
        for text in ('userName eq "U7"', 'externalId eq "e7"', 'id eq "User-7"'):
            total, found = await search(tx, IDP, Search(type=USER, filter=parse(text)), case_exact=EXACT)
            assert (total, [one.ordinal for one in found]) == (1, [7])
        assert await _rows_read(tx) - before <= 3


async def _rows_read(tx: Transaction) -> int:
    """Rows of the table that were read in this transaction, by whichever way."""
    row = await tx.fetch_one(
        "SELECT seq_tup_read + idx_tup_fetch AS read FROM pg_stat_xact_user_tables WHERE relname = 'pushed_resource'"
    )
    return 0 if row is None else int(row["read"] or 0)
