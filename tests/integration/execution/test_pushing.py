"""The writer on a real database: what a write does, and what follows from it."""

import asyncio
import json

import pytest

from lastday.execution import pushing
from lastday.execution.push_group import Committed
from lastday.model.errors import InputError, ValueTaken
from lastday.model.ids import ResourceId, SourceName
from lastday.model.scim import PushMethod, Written
from lastday.store.database import Database, DatabaseLost
from lastday.store.pushed import groups_holding, load_resources, sequence_of
from lastday.store.pushes import changed_after, pending_pushes, pushes_of_resource
from tests.integration.execution.pushes import (
    ENTERPRISE,
    GROUP,
    IDP,
    USER,
    after,
    body_of,
    change,
    client,
    delete,
    entries,
    group,
    last_standing,
    made,
    members_of,
    next_notice,
    post,
    put,
    read,
    there,
    user,
    writer,
)


class No(Exception):
    """What a change says that refuses."""


def refuse(_before):
    raise No


async def test_what_was_written_is_what_is_read(database: Database):
    """RFC 7644 section 3.3; the body keeps the order of its attributes, and every kind of JSON value."""
    body = user("ada", x={"z": [1, 2.5, None, "é😀\u2028"], "a": False}, displayName="Ada")
    push = writer(database)
    written = await made(push, body)
    stored = await there(database, written)
    assert stored == written
    assert json.dumps(stored.body) == json.dumps(body)
    assert (stored.version, stored.etag, stored.created_at) == (1, 'W/"1"', stored.modified_at)


async def test_a_change_makes_the_next_version(database: Database):
    """RFC 7643 section 3.1: `lastModified` moves, `id` and `created` do not."""
    push = writer(database)
    ada = await made(push, user("ada"))
    written = await push.write(put(ada, title="Countess"))
    assert written.before == ada
    assert after(written) == await there(database, ada)
    assert after(written).version == 2
    assert (after(written).id, after(written).ordinal, after(written).created_at) == (
        ada.id,
        ada.ordinal,
        ada.created_at,
    )
    assert after(written).modified_at > ada.modified_at


async def test_a_change_that_leaves_everything_changes_nothing(database: Database):
    """No version, no push and no entry, also where the keys came in another order (RFC 7644 section 3.5.2)."""
    push = writer(database)
    ada = await made(push, user("ada"))
    same = dict(reversed(list(ada.body.items())))
    written = await push.write(change(ada, lambda _: same))
    assert written == Written(before=ada, after=ada)
    assert not written.changed
    assert await there(database, ada) == ada
    assert len(await entries(database)) == 1
    async with database.transaction() as tx:
        assert await sequence_of(tx, IDP) == 1


async def test_json_tells_true_from_one(database: Database):
    push = writer(database)
    ada = await made(push, user("ada", level=1))
    written = await push.write(put(ada, level=True))
    assert (await body_of(database, ada))["level"] is True
    assert written.changed


async def test_what_a_change_raises_reaches_its_caller_and_harms_nobody_else(database: Database):
    """One bad write in a group of writes is refused alone."""
    push = writer(database)
    ada = await made(push, user("ada"))
    good, refused, other = await asyncio.gather(
        push.write(put(ada, title="Countess")),
        push.write(change(ada, refuse)),
        push.write(post(user("bob"))),
        return_exceptions=True,
    )
    assert isinstance(refused, No)
    assert after(good) == await there(database, ada)
    assert after(other) == await there(database, after(other))


async def test_a_new_resource_that_is_refused_leaves_nothing(database: Database):
    push = writer(database)
    write = post(user("ada"))
    with pytest.raises(No):
        await push.write(type(write)(**{name: getattr(write, name) for name in write.__slots__} | {"change": refuse}))
    async with database.transaction() as tx:
        assert await sequence_of(tx, IDP) == 0


async def test_a_change_sees_what_those_before_it_in_the_group_did(database: Database):
    """If-Match holds although nobody waits: the second of two writes at once sees version 2 (RFC 7644 section 3.14)."""
    push = writer(database)
    ada = await made(push, user("ada"))
    seen = []

    def count(before):
        seen.append(before.version)
        return {**before.body, "title": f"after {before.version}"}

    await asyncio.gather(*(push.write(change(ada, count)) for _ in range(5)))
    assert seen == [1, 2, 3, 4, 5]
    assert (await there(database, ada)).version == 6


async def test_a_write_to_what_is_not_there_does_nothing(database: Database):
    """The change is asked, so that it can say 404; ids come from the store only (RFC 7643 section 3.1)."""
    push = writer(database)
    ada = await made(push, user("ada"))
    await push.write(delete(ada))
    with pytest.raises(No):
        await push.write(change(ada, refuse))
    assert await push.write(change(ada, lambda _: user("ada"))) == Written(before=None, after=None)
    assert await push.write(delete(ada)) == Written(before=None, after=None)
    assert await read(database, ada) is None


async def test_sources_do_not_see_each_other(database: Database):
    """The same userName in two sources is two people; an id of the other source is nobody."""
    other = client(SourceName("hr"), name="rippling")
    push = writer(database)
    ada = await made(push, user("ada"))
    theirs = await made(push, user("ADA"), by=other)
    assert await push.write(change(ada, lambda _: user("eve"), by=other)) == Written(before=None, after=None)
    assert await there(database, ada) == ada
    assert await there(database, theirs) == theirs
    async with database.transaction() as tx:
        assert [await sequence_of(tx, source) for source in (IDP, other.source)] == [1, 1]


@pytest.mark.parametrize(
    ("first", "second"), [("Straße", "STRASSE"), ("ada", "ADA"), ("e\u0301va", "ÉVA"), ("ﬁ", "FI")]
)
async def test_a_user_name_is_nobody_elses_without_case(database: Database, first: str, second: str):
    """RFC 7643 section 4.1.1: userName is unique, caseExact false."""
    push = writer(database)
    await made(push, user(first))
    bob = await made(push, user("bob"))
    with pytest.raises(ValueTaken) as taken:
        await push.write(post(user(second)))
    assert taken.value.mend
    assert first not in str(taken.value)
    with pytest.raises(ValueTaken):
        await push.write(put(bob, userName=second))
    assert await there(database, bob) == bob


async def test_a_user_may_spell_their_own_name_anew(database: Database):
    push = writer(database)
    ada = await made(push, user("ada"))
    assert (await push.write(put(ada, userName="ADA"))).changed


async def test_a_name_is_free_again_when_its_user_is_gone_or_called_otherwise(database: Database):
    push = writer(database)
    ada = await made(push, user("ada"))
    await push.write(put(ada, userName="ada.old"))
    second = await made(push, user("ada"))
    await push.write(delete(second))
    assert (await made(push, user("ADA"))).id not in (ada.id, second.id)


async def test_names_may_be_exchanged_in_one_group(database: Database):
    """One statement for all cannot do this; then each write is made by itself."""
    push = writer(database)
    ada, bob = await made(push, user("ada")), await made(push, user("bob"))
    done = await asyncio.gather(
        push.write(put(ada, userName="nobody")),
        push.write(put(bob, userName="ada")),
        push.write(put(ada, userName="bob")),
    )
    assert [after(one).version for one in done] == [2, 2, 3]
    assert [(await body_of(database, one))["userName"] for one in (ada, bob)] == ["bob", "ada"]
    assert len(await entries(database)) == 5


@pytest.mark.parametrize(
    "body",
    [
        user("a\0da"),
        user("ada", title="x\0"),
        user("ada", **{"ti\0tle": "x"}),
        user("ada", title="\ud800"),
        user("ada", level=2**70),
        user("a" * 2001),
        user("ada", externalId="é" * 1001),
    ],
)
async def test_what_the_database_cannot_keep_is_refused_alone(database: Database, body):
    push = writer(database)
    refused, other = await asyncio.gather(push.write(post(body)), push.write(post(user("bob"))), return_exceptions=True)
    assert isinstance(refused, InputError)
    assert refused.code == "R111"
    assert await there(database, after(other)) == after(other)


async def test_odd_but_storable_values_are_kept(database: Database):
    """A backslash before u0000 is text like any other; a number beyond 64 bits may be a float."""
    push = writer(database)
    odd = user("ada", title="\\u0000", formula="\\\\u0000\\", big=1e300, tiny=5e-324, level=2**63)
    ada = await made(push, odd)
    assert dict(await body_of(database, ada)) == odd


async def test_each_change_has_one_entry_that_tells_of_no_person(database: Database):
    """Which client, which request, which attributes: never their values (design section 10, privacy)."""
    push = writer(database)
    ada = await made(push, user("ada", **{ENTERPRISE: {"department": "Engines"}}))
    body = {**ada.body, "active": False, "title": "Countess", ENTERPRISE: {"department": "Analysis"}}
    await push.write(change(ada, lambda _: body, request="r-7"))
    await push.write(delete(ada))
    posted, patched, deleted = await entries(database, ada.id)
    assert patched == {
        "source": "idp",
        "type": "User",
        "resource": ada.id,
        "version": 2,
        "method": "PATCH",
        "gone": False,
        "client": "entra-production",
        "token": "t-entra-production",
        "request": "r-7",
        "changed": ["active", "title", f"{ENTERPRISE}:department"],
        "active": False,
    }
    assert (posted["method"], posted["active"], posted["changed"][0]) == ("POST", True, "active")
    assert (deleted["method"], deleted["gone"], deleted["changed"], deleted["version"]) == ("DELETE", True, [], 3)
    assert "Countess" not in str(await entries(database))


async def test_each_change_waits_to_be_taken_in_with_its_client_and_request(database: Database):
    """S-42: the certificate names the client and the request."""
    push = writer(database)
    ada = await made(push, user("ada"))
    await push.write(change(ada, lambda _: user("ada", active=False), client(name="okta"), request="r-9"))
    async with database.transaction() as tx:
        first, second = await pending_pushes(tx, IDP, 10)
        assert await pushes_of_resource(tx, IDP, USER, ada.id) == (first, second)
    assert (first.sequence, first.method, first.version, first.resource) == (1, PushMethod.POST, 1, ada.id)
    assert (second.sequence, second.method, second.version) == (2, PushMethod.PATCH, 2)
    assert (second.client_name, second.request_id, second.gone, second.taken_at) == ("okta", "r-9", False, None)


async def test_a_deleted_user_is_gone_for_readers_and_stands_for_whoever_takes_it_in(database: Database):
    """RFC 7644 section 3.6."""
    push = writer(database)
    ada = await made(push, user("ada"))
    written = await push.write(delete(ada))
    assert written == Written(before=ada, after=None)
    assert await read(database, ada) is None
    standing = await last_standing(database, ada)
    assert standing.resource.body == ada.body
    assert standing.resource.version == 2
    assert standing.deleted_at is not None


async def test_a_group_shows_in_its_members(database: Database):
    """RFC 7643 section 4.1.2: `groups` is read-only and changes with the group, in the same transaction."""
    push = writer(database)
    ada, bob = await made(push, user("ada")), await made(push, user("bob"))
    crew = await made(push, group("Crew", ada.id), GROUP)
    shown = {"value": crew.id, "display": "Crew", "type": "direct"}
    assert (await body_of(database, ada))["groups"] == [shown]
    assert (await there(database, bob)) == bob
    await push.write(put(crew, members=[{"value": bob.id}]))
    assert "groups" not in (await body_of(database, ada))
    assert (await there(database, ada)).version == 3
    assert (await body_of(database, bob))["groups"] == [shown]
    async with database.transaction() as tx:
        assert await members_of(tx, crew.id) == [bob.id]
        assert await groups_holding(tx, IDP, [ada.id, bob.id]) == (crew.id,)
        methods = [one.method.value for one in await pushes_of_resource(tx, IDP, USER, ada.id)]
    assert methods == ["POST", "MEMBERSHIP", "MEMBERSHIP"]
    last = (await entries(database, crew.id))[-1]
    assert (last["added"], last["removed"], last["changed"]) == ([bob.id], [ada.id], ["members"])


async def test_a_group_with_another_name_is_so_named_in_all_its_members(database: Database):
    push = writer(database)
    people = [await made(push, user(f"u{number}")) for number in range(3)]
    first = await made(push, group("First", people[0].id), GROUP)
    crew = await made(push, group("Crew", *(one.id for one in people)), GROUP)
    await push.write(put(crew, displayName="Staff"))
    shown = [[one["display"] for one in (await body_of(database, person))["groups"]] for person in people]
    assert shown == [["First", "Staff"], ["Staff"], ["Staff"]]
    assert (await there(database, first)).version == 1


async def test_a_group_may_be_larger_than_what_is_written_at_once(database: Database):
    """RFC 7643 section 4.2 knows no largest group."""
    push = writer(database)
    people = [after(one) for one in await asyncio.gather(*(push.write(post(user(f"u{n}"))) for n in range(1100)))]
    crew = await made(push, group("Crew", *(one.id for one in people)), GROUP)
    await push.write(put(crew, displayName="Staff"))
    async with database.transaction() as tx:
        found = await load_resources(tx, IDP, USER)
    assert [one.version for one in found] == [3] * 1100
    assert {json.dumps(one.body["groups"]) for one in found} == {
        json.dumps([{"value": crew.id, "display": "Staff", "type": "direct"}])
    }


async def test_only_a_change_of_a_group_changes_whose_it_is(database: Database):
    """A client that writes `groups`, or leaves it out of a PUT, changes nothing by it."""
    push = writer(database)
    ada = await made(push, user("ada", groups=[{"value": "made-up"}]))
    assert "groups" not in (await body_of(database, ada))
    crew = await made(push, group("Crew", ada.id), GROUP)
    await push.write(change(ada, lambda _: user("ada", title="Countess")))
    assert [one["value"] for one in (await body_of(database, ada))["groups"]] == [crew.id]


async def test_who_is_gone_is_in_no_group_any_more(database: Database):
    """Each group that they were in has a new version without them."""
    push = writer(database)
    ada, bob = await made(push, user("ada")), await made(push, user("bob"))
    both = await made(push, group("Both", ada.id, bob.id), GROUP)
    alone = await made(push, group("Alone", ada.id), GROUP)
    written = await push.write(delete(await there(database, ada)))
    assert written.after is None
    assert (await body_of(database, both))["members"] == [{"value": bob.id}]
    assert "members" not in (await body_of(database, alone))
    assert (await there(database, both)).version == 2
    assert sorted((await entries(database, ada.id))[-1]["left"]) == sorted([both.id, alone.id])
    async with database.transaction() as tx:
        assert await members_of(tx, both.id) == [bob.id]
        assert await groups_holding(tx, IDP, [ada.id]) == ()


async def test_a_deleted_group_leaves_its_members_and_the_groups_around_it(database: Database):
    push = writer(database)
    ada = await made(push, user("ada"))
    inner = await made(push, group("Inner", ada.id), GROUP)
    outer = await made(push, group("Outer", inner.id, ada.id), GROUP)
    assert [one["value"] for one in (await body_of(database, ada))["groups"]] == [inner.id, outer.id]
    await push.write(delete(inner))
    assert [one["value"] for one in (await body_of(database, ada))["groups"]] == [outer.id]
    assert (await body_of(database, outer))["members"] == [{"value": ada.id}]
    async with database.transaction() as tx:
        assert await members_of(tx, inner.id) == []


async def test_everything_may_happen_in_one_group_of_writes(database: Database):
    """Members come and go while their group is renamed and one of them is deleted, all at once."""
    push = writer(database)
    ada, bob = await made(push, user("ada")), await made(push, user("bob"))
    crew = await made(push, group("Crew"), GROUP)
    await asyncio.gather(
        push.write(put(crew, members=[{"value": ada.id}, {"value": bob.id}])),
        push.write(put(ada, title="Countess")),
        push.write(put(crew, displayName="Staff")),
        push.write(delete(bob)),
    )
    stored = await body_of(database, ada)
    assert (stored["title"], stored["groups"][0]["display"]) == ("Countess", "Staff")
    assert (await there(database, ada)).version == 4
    assert (await body_of(database, crew))["members"] == [{"value": ada.id}]
    assert await read(database, bob) is None
    async with database.transaction() as tx:
        assert [one.sequence for one in await pending_pushes(tx, IDP, 99)] == list(range(1, 13))


async def test_a_member_that_nobody_is_stays_as_the_client_wrote_it(database: Database):
    push = writer(database)
    crew = await made(push, group("Crew", "nobody"), GROUP)
    assert (await body_of(database, crew))["members"] == [{"value": "nobody"}]


async def test_listeners_hear_what_changed(database: Database):
    """Who knew the sequence before knows what they missed."""
    push = writer(database)
    heard = database.listen("lastday_pushed")
    assert await anext(heard) == ""
    ada = await made(push, user("ada"))
    first = await next_notice(heard)
    crew = await made(push, group("Crew", ada.id), GROUP)
    second = await next_notice(heard)
    await heard.aclose()
    assert (first.source, first.since, first.sequence, first.ids) == (IDP, 0, 1, frozenset({ada.id}))
    assert (second.since, second.sequence, second.ids) == (1, 3, frozenset({ada.id, crew.id}))


async def test_a_notice_of_very_many_names_none_of_them(database: Database):
    """A payload of PostgreSQL holds 8000 bytes; the table says which they were."""
    push = writer(database)
    people = [after(one) for one in await asyncio.gather(*(push.write(post(user(f"u{n}"))) for n in range(200)))]
    heard = database.listen("lastday_pushed")
    assert await anext(heard) == ""
    crew = await made(push, group("Crew", *(one.id for one in people)), GROUP)
    told = await next_notice(heard)
    await heard.aclose()
    assert (told.since, told.sequence, told.ids) == (200, 401, None)
    async with database.transaction() as tx:
        changed = await changed_after(tx, IDP, 200)
    assert sorted(changed) == sorted([*(one.id for one in people), crew.id])


async def test_this_process_hears_of_a_commit_before_the_answer(database: Database):
    """For a cache that shows a client what it just wrote."""
    heard: list[Committed] = []
    push = writer(database, heard.append)
    ada = await made(push, user("ada"))
    assert [(one.since, one.sequence, [s.resource for s in one.standing]) for one in heard] == [(0, 1, [ada])]
    crew = await made(push, group("Crew", ada.id), GROUP)
    await push.write(delete(crew))
    last = {one.resource.id: one for one in heard[-1].standing}
    assert last[crew.id].deleted_at is not None
    assert last[ada.id].resource == await there(database, ada)
    assert (heard[-1].since, heard[-1].sequence) == (3, 5)


async def test_close_answers_everybody_and_then_takes_nothing(database: Database):
    push = writer(database)
    asked = [asyncio.create_task(push.write(post(user(f"u{number}")))) for number in range(100)]
    await asyncio.sleep(0)
    await push.close()
    assert all(task.done() and task.result().changed for task in asked)
    with pytest.raises(DatabaseLost):
        await push.write(post(user("late")))


async def test_a_caller_that_gave_up_harms_nobody(database: Database):
    push = writer(database)
    gone, stays = (asyncio.create_task(push.write(post(user(name)))) for name in ("ada", "bob"))
    await asyncio.sleep(0)
    gone.cancel()
    written = await stays
    assert await there(database, after(written)) == after(written)


async def test_ids_are_unlike_each_other(database: Database):
    """RFC 7643 section 3.1: never reused, and not to be guessed."""
    push = writer(database)
    ids = [after(one).id for one in await asyncio.gather(*(push.write(post(user(f"u{n}"))) for n in range(100)))]
    assert len(set(ids)) == 100
    assert len({ResourceId(one[:8]) for one in ids}) > 95


async def test_clients_that_push_side_by_side_share_transactions(database: Database):
    """Each asks again a little later than the one before it; nobody's write has a commit of its own for long."""
    heard: list[Committed] = []
    push = writer(database, heard.append)

    async def one_after_the_other(client_number: int) -> None:
        for number in range(20):
            for _ in range(client_number):
                await asyncio.sleep(0)
            await push.write(post(user(f"u{client_number}-{number}")))

    await asyncio.gather(*map(one_after_the_other, range(4)))
    assert sum(len(one.standing) for one in heard) == 80
    assert len(heard) < 30


async def test_who_pushes_alone_waits_for_nobody(database: Database, monkeypatch: pytest.MonkeyPatch):
    """It would wait for an hour."""
    monkeypatch.setattr(pushing, "GATHERS_S", 3600.0)
    push = writer(database)
    async with asyncio.timeout(30):
        for number in range(3):
            await push.write(post(user(f"u{number}")))


async def test_who_is_left_alone_waits_for_the_others_a_moment_only(database: Database):
    push = writer(database)
    await asyncio.gather(*(push.write(post(user(f"u{number}"))) for number in range(4)))
    assert (await push.write(post(user("alone")))).changed
