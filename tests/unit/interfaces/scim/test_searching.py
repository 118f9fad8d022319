"""Lists: filters, order, pages by index and by cursor (RFC 7644 sections 3.4.2 and 3.4.3, RFC 9865)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.profiles import load_profile, profile_names
from tests.unit.interfaces.scim.calling import BULK_URN, SEARCH_URN, Called, Got, group, user
from tests.unit.interfaces.scim.stored import push_client

LIST_URN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


async def _with_users(*names: str, **changes: Any) -> Called:
    called = Called(**changes)
    for name in names:
        assert (await called("POST", "/Users", user(name))).status == 201
    return called


def _names(got: Got) -> list[str]:
    assert got.status == 200, got
    return [one.get("userName") or one["displayName"] for one in got.json["Resources"]]


async def test_a_list_says_how_many_there_are_and_where_it_begins():
    """RFC 7644 section 3.4.2."""
    called = await _with_users("a", "b", "c")
    got = await called("GET", "/Users", query={"startIndex": 2, "count": 1})
    assert got.json["schemas"] == [LIST_URN]
    assert {name: got.json[name] for name in ("totalResults", "itemsPerPage", "startIndex")} == {
        "totalResults": 3,
        "itemsPerPage": 1,
        "startIndex": 2,
    }
    assert _names(got) == ["b"]


async def test_a_probe_for_somebody_who_is_not_there_finds_an_empty_list():
    """Entra ID tests a connection with a random user name and wants 200; an empty list is there, not absent."""
    called = await _with_users("a")
    got = await called("GET", "/Users", query={"filter": 'userName eq "2a9f6b0c-not-there"'})
    assert (got.status, got.json["totalResults"], got.json["Resources"]) == (200, 0, [])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"startIndex": 0}, ["a", "b", "c"]),
        ({"startIndex": -5, "count": 2}, ["a", "b"]),
        ({"startIndex": 4}, []),
        ({"startIndex": 10**15}, []),
        ({"count": 0}, []),
        ({"count": -1}, []),
        ({"count": 10**12}, ["a", "b", "c"]),
        ({"startindex": "2", "COUNT": "1"}, ["b"]),
    ],
)
async def test_pages_by_index_begin_at_one_and_are_never_negative(query, names):
    """RFC 7644 table 6: startIndex below 1 is 1, count below 0 is 0. Names of parameters come in any case."""
    called = await _with_users("a", "b", "c")
    got = await called("GET", "/Users", query=query)
    assert _names(got) == names
    assert got.json["totalResults"] == 3


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("text", ["", "x", "1.5", "1e3", "--1", "9" * 30, "٣x"])
async def test_a_page_that_is_no_number_is_refused(name, text):
    """RFC 7644 table 9: invalidValue."""
    got = await Called()("GET", "/Users", query={name: text})
    assert (got.status, got.scim_type) == (400, "invalidValue")


async def test_a_page_holds_no_more_than_it_may():
    """RFC 7643 section 5: filter.maxResults bounds every page; without count there is a page of the usual size."""
    limits = ScimLimits(page=3, default_page=2)
    called = await _with_users("a", "b", "c", "d", limits=limits)
    assert len(_names(await called("GET", "/Users"))) == 2
    assert len(_names(await called("GET", "/Users", query={"count": 100}))) == 3


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"sortBy": "userName"}, ["ada", "Eva", "zoe"]),
        ({"sortBy": "userName", "sortOrder": "descending"}, ["zoe", "Eva", "ada"]),
        ({"sortBy": "userName", "sortOrder": "ascending"}, ["ada", "Eva", "zoe"]),
        ({"sortOrder": "descending"}, ["zoe", "ada", "Eva"]),
        ({"sortBy": "title"}, ["zoe", "ada", "Eva"]),
    ],
)
async def test_lists_are_sorted_as_asked(query, names):
    """RFC 7644 section 3.4.2.3: without case where the attribute is so; sortOrder means nothing without sortBy."""
    called = await _with_users("zoe", "ada", "Eva")
    assert _names(await called("GET", "/Users", query=query)) == names


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ({"filter": "userName"}, "invalidFilter"),
        ({"filter": 'userName eq "a" and'}, "invalidFilter"),
        ({"filter": "(" * 5000}, "invalidFilter"),
        ({"filter": " or ".join(['a eq "b"'] * 400)}, "invalidFilter"),
        ({"filter": 'a eq "' + "x" * 9000 + '"'}, "invalidFilter"),
        ({"filter": 'password sw "a"'}, "invalidFilter"),
        ({"filter": "active eq true or not (urn:ietf:params:scim:schemas:core:2.0:User:PASSWORD pr)"}, "invalidFilter"),
        ({"filter": 'name[password pr] or password[value sw "a"]'}, "invalidFilter"),
        ({"filter": "userName gt true"}, "invalidFilter"),
        ({"sortBy": "password"}, "invalidFilter"),
        ({"sortBy": "a b"}, "invalidPath"),
        ({"sortBy": "1"}, "invalidPath"),
        ({"sortBy": "a", "sortOrder": "up"}, "invalidValue"),
        ({"cursor": "", "startIndex": 1}, "invalidValue"),
    ],
)
async def test_what_cannot_be_searched_for_is_refused(query, scim_type):
    """RFC 7644 table 9; a password is never searched by: whoever may ask how it begins can read it."""
    called = await _with_users("a")
    got = await called("GET", "/Users", query=query)
    assert (got.status, got.scim_type) == (400, scim_type)
    posted = await called("POST", "/Users/.search", {"schemas": [SEARCH_URN], **query})
    assert (posted.status, posted.scim_type) == (400, scim_type)


async def test_an_attribute_that_nobody_declared_has_no_value():
    """RFC 7644 section 3.4.2.1: a comparison with it is false."""
    called = await _with_users("a")
    assert _names(await called("GET", "/Users", query={"filter": 'shoeSize eq "46"'})) == []
    assert _names(await called("GET", "/Users", query={"filter": 'not (shoeSize eq "46")'})) == ["a"]


async def test_a_search_by_post_is_the_search_by_get():
    """RFC 7644 section 3.4.3: the same parameters in the body, lists as lists."""
    called = await _with_users("ada", "eva", "zoe")
    query = {"filter": 'userName co "a"', "sortBy": "userName", "sortOrder": "descending", "count": 1, "startIndex": 2}
    got = await called("GET", "/Users", query={**query, "attributes": "userName,name.givenName"})
    body = {"schemas": [SEARCH_URN], **query, "attributes": ["userName", "name.givenName"]}
    posted = await called("POST", "/Users/.search", body)
    assert _names(got) == ["ada"]
    assert set(got.json["Resources"][0]) == {"schemas", "id", "userName"}
    assert posted.json == got.json
    assert (await called("POST", "/Users/.search", [])).scim_type == "invalidSyntax"
    assert (await called("GET", "/Users/.search")).headers["allow"] == "POST"


@pytest.mark.parametrize("schemas", [None, [], SEARCH_URN, [BULK_URN], [None]])
async def test_a_search_request_says_that_it_is_one(schemas):
    """RFC 7644 section 3.4.3, RFC 7643 section 3; the URN in any case, and beside others."""
    called = await _with_users("ada")
    got = await called("POST", "/Users/.search", {"schemas": schemas})
    assert (got.status, got.scim_type) == (400, "invalidSyntax")
    assert _names(await called("POST", "/Users/.search", {"SCHEMAS": ["urn:x", SEARCH_URN.upper()]})) == ["ada"]


@pytest.mark.parametrize("name", profile_names())
async def test_a_profile_may_take_a_search_request_without_schemas(name):
    """Where the profile says `schemas_optional`; another message's URN is refused there too."""
    called = Called()
    called.clients.know_profiles()
    got = await called("POST", "/.search", {}, token=name)
    assert got.status == (200 if load_profile(name).schemas_optional else 400)
    assert (await called("POST", "/.search", {"schemas": [BULK_URN]}, token=name)).scim_type == "invalidSyntax"


async def test_the_root_lists_every_kind_in_one_order():
    """RFC 7644 section 3.4.2.1: a search at the root is over all kinds of resource."""
    called = await _with_users("b", "d")
    await called("POST", "/Groups", group("c"))
    await called("POST", "/Groups", group("a"))
    assert _names(await called("GET", "/")) == ["b", "d", "c", "a"]
    assert _names(await called("GET", "/", query={"startIndex": 2, "count": 2})) == ["d", "c"]
    either = {"schemas": [SEARCH_URN], "filter": 'displayName eq "a" or userName eq "b"'}
    assert _names(await called("POST", "/.search", either)) == ["b", "a"]
    kind = await called("GET", "", query={"filter": 'meta.resourceType eq "Group"'})
    assert (_names(kind), kind.json["totalResults"]) == (["c", "a"], 2)
    assert _names(await called("GET", "/", query={"sortBy": "displayName"})) == ["a", "c", "b", "d"]
    turned = {"sortBy": "displayName", "sortOrder": "descending"}
    assert _names(await called("GET", "/", query=turned)) == ["b", "d", "c", "a"]
    assert (await called("GET", "/", query={"count": 0})).json["totalResults"] == 4


async def test_the_root_is_paged_by_index_only_so_far():
    """RFC 7644 table 9, tooMany: whoever wants more takes a cursor."""
    called = await _with_users("a", limits=ScimLimits(merged=10))
    got = await called("GET", "/", query={"startIndex": 10, "count": 2})
    assert (got.status, got.scim_type) == (400, "tooMany")
    assert (await called("GET", "/", query={"startIndex": 9, "count": 2})).status == 200


async def _walk(called: Called, path: str, query: dict[str, Any]) -> list[str]:
    """Every name, page by page, following the cursors."""
    cursor: str | None = ""
    names: list[str] = []
    while cursor is not None:
        got = await called("GET", path, query={**query, "cursor": cursor})
        assert "startIndex" not in got.json
        names += _names(got)
        cursor = got.json.get("nextCursor")
    return names


@pytest.mark.parametrize("path", ["/Users", "/"])
@pytest.mark.parametrize("order", [{}, {"sortBy": "userName"}, {"sortBy": "title", "sortOrder": "descending"}])
async def test_cursors_lead_through_everything_once(path, order):
    """RFC 9865 section 2: an empty cursor begins, nextCursor leads on and is absent at the end."""
    called = await _with_users("c", "a", "b", "e", "d")
    assert sorted(await _walk(called, path, {"count": 2, **order})) == ["a", "b", "c", "d", "e"]
    assert sorted(await _walk(called, path, {"count": 5, **order})) == ["a", "b", "c", "d", "e"]


_STEPS = st.lists(st.tuples(st.sampled_from(["make", "take", "turn"]), st.integers(0, 30)), max_size=30)


@settings(max_examples=60, deadline=None)
@given(before=st.integers(1, 12), count=st.integers(1, 4), steps=_STEPS, descending=st.booleans(), both=st.booleans())
async def test_what_stays_is_seen_exactly_once_whatever_comes_and_goes(before, count, steps, descending, both):
    """RFC 9865 section 1 (S-42): between two pages others make and take away; nothing that stays is lost or twice."""
    called = Called()
    paths = {}
    for number in range(before):
        name = f"n{(number * 7) % 13:02}"
        kind = ("/Groups", group(name)) if both and number % 2 else ("/Users", user(name, displayName=name))
        made = await called("POST", *kind)
        paths[name] = f"{kind[0]}/{made.json['id']}"
    stays, waiting = set(paths), list(steps)
    seen: list[str] = []
    cursor: str | None = ""
    order = {"sortBy": "displayName", "sortOrder": "descending" if descending else "ascending", "count": count}
    while cursor is not None:
        got = await called("GET", "/" if both else "/Users", query={**order, "cursor": cursor})
        seen += [one["displayName"] for one in got.json["Resources"]]
        cursor = got.json.get("nextCursor")
        step, number = waiting.pop() if waiting else ("turn", 0)
        if step == "make":
            name = f"m{len(waiting):02}"
            await called("POST", "/Users", user(name, displayName=f"n{number:02}x{name}"))
        if step == "take" and paths:
            name = sorted(paths)[number % len(paths)]
            await called("DELETE", paths.pop(name))
            stays.discard(name)
    assert {name: seen.count(name) for name in stays} == dict.fromkeys(stays, 1)
    assert len(seen) == len(set(seen))


async def test_a_cursor_belongs_to_its_question_and_source():
    """RFC 9865 section 2.3: another filter, order, kind of resource or source makes it invalid; attributes do not."""
    called = await _with_users("a", "b", "c")
    called.clients.by_token["other"] = push_client("other")
    asked = {"filter": "userName pr", "sortBy": "userName", "count": 1}
    cursor = (await called("GET", "/Users", query={**asked, "cursor": ""})).json["nextCursor"]
    for query in (
        {**asked, "filter": "id pr"},
        {**asked, "sortBy": "id"},
        {**asked, "sortOrder": "descending"},
        {"count": 1},
    ):
        refused = await called("GET", "/Users", query={**query, "cursor": cursor})
        assert (refused.status, refused.scim_type) == (400, "invalidCursor")
    for path, token in (("/Groups", "good"), ("/", "good"), ("/Users", "other")):
        refused = await called("GET", path, query={**asked, "cursor": cursor}, token=token)
        assert (refused.status, refused.scim_type) == (400, "invalidCursor")
    shown = await called("GET", "/Users", query={**asked, "cursor": cursor, "attributes": "userName"})
    assert _names(shown) == ["b"]
    posted = await called("POST", "/Users/.search", {"schemas": [SEARCH_URN], **asked, "cursor": cursor})
    assert _names(posted) == ["b"]


async def test_a_cursor_says_nothing_and_cannot_be_altered():
    """RFC 9865 section 5: every altered character makes it invalid; the sort value is not in it to be read."""
    called = await _with_users("secret-name", "z")
    query = {"sortBy": "userName", "count": 1}
    cursor = (await called("GET", "/Users", query={**query, "cursor": ""})).json["nextCursor"]
    again = (await called("GET", "/Users", query={**query, "cursor": ""})).json["nextCursor"]
    assert cursor != again
    assert "secret" not in cursor
    altered = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor) - 1)]
    for one in (*altered, cursor[:-4], "x", "é", "=" * 7, cursor + "AAAA", "A" * 5000):
        got = await called("GET", "/Users", query={**query, "cursor": one})
        assert (got.status, got.scim_type) == (400, "invalidCursor")


async def test_a_cursor_of_another_key_is_invalid():
    """A cursor that another installation gave opens nothing here."""
    called = await _with_users("a", "b")
    cursor = (await called("GET", "/Users", query={"cursor": "", "count": 1})).json["nextCursor"]
    other = Called(key=b"k" * 32)
    assert (await other("GET", "/Users", query={"cursor": cursor})).scim_type == "invalidCursor"


async def test_a_cursor_grows_old():
    """RFC 9865 section 2.3: expiredCursor, after cursorTimeout."""
    called = await _with_users("a", "b", "c", limits=ScimLimits(cursor_lifetime_s=60))
    cursor = (await called("GET", "/Users", query={"cursor": "", "count": 1})).json["nextCursor"]
    called.clock.pass_by(59)
    assert _names(await called("GET", "/Users", query={"cursor": cursor})) == ["b"]
    called.clock.pass_by(1)
    got = await called("GET", "/Users", query={"cursor": cursor})
    assert (got.status, got.scim_type) == (400, "expiredCursor")


async def test_the_size_of_a_page_stays_that_of_the_first():
    """RFC 9865 section 2.3, invalidCount: no number, or another one than at first; without one it is the first's."""
    called = await _with_users("a", "b", "c", "d")
    cursor = (await called("GET", "/Users", query={"cursor": "", "count": 2})).json["nextCursor"]
    for count in ("3", "x", "0"):
        got = await called("GET", "/Users", query={"cursor": cursor, "count": count})
        assert (got.status, got.scim_type) == (400, "invalidCount")
    assert _names(await called("GET", "/Users", query={"cursor": cursor, "count": 2})) == ["c", "d"]
    assert _names(await called("GET", "/Users", query={"cursor": cursor})) == ["c", "d"]


async def test_a_page_of_nothing_leads_nowhere():
    """RFC 9865 section 2.1: count 0 asks how many there are, so there is no nextCursor to follow for ever."""
    called = await _with_users("a")
    got = await called("GET", "/Users", query={"cursor": "", "count": 0})
    assert (got.json["totalResults"], got.json["Resources"], "nextCursor" in got.json) == (1, [], False)
