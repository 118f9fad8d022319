"""Many changes in one request (RFC 7644 section 3.7)."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.profiles import load_profile, profile_names
from tests.unit.interfaces.scim.calling import BULK_URN, SEARCH_URN, Called, Got, group, patch, user
from tests.unit.interfaces.scim.stored import BASE_URL

RESPONSE_URN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


def _post(bulk_id: str, data: object) -> dict[str, object]:
    kind = "Groups" if isinstance(data, dict) and "members" in data else "Users"
    return {"method": "POST", "path": f"/{kind}", "bulkId": bulk_id, "data": data}


async def _bulk(called: Called, *operations: object, **more: object) -> Got:
    return await called("POST", "/Bulk", {"schemas": [BULK_URN], "Operations": list(operations), **more})


def _statuses(got: Got) -> list[str]:
    assert got.status == 200, got
    return [one["status"] for one in got.json["Operations"]]


async def _members(called: Called, location: str) -> set[str]:
    got = await called("GET", location.removeprefix(BASE_URL))
    return {one["value"] for one in got.json.get("members", [])}


async def test_every_method_says_what_became_of_it():
    """RFC 7644 section 3.7.3: method, bulkId, location, version and status for each, the status as text."""
    called = Called()
    for name in ("old", "changed", "gone"):
        await called("POST", "/Users", user(name))
    got = await _bulk(
        called,
        _post("qwerty", user("new")),
        {"method": "PUT", "path": "/Users/r1", "version": 'W/"1"', "data": user("old", title="Boss")},
        {"method": "patch", "path": "/Users/r2", "data": patch({"op": "add", "path": "title", "value": "T"})},
        {"method": "DELETE", "path": "/Users/r3", "version": 'W/"1"'},
    )
    assert got.json["schemas"] == [RESPONSE_URN]
    at = f"{BASE_URL}/Users"
    assert got.json["Operations"] == [
        {"method": "POST", "bulkId": "qwerty", "status": "201", "location": f"{at}/r4", "version": 'W/"1"'},
        {"method": "PUT", "status": "200", "location": f"{at}/r1", "version": 'W/"2"'},
        {"method": "PATCH", "status": "200", "location": f"{at}/r2", "version": 'W/"2"'},
        {"method": "DELETE", "status": "204", "location": f"{at}/r3"},
    ]
    assert (await called("GET", "/Users/r1")).json["title"] == "Boss"
    assert (await called("GET", "/Users/r3")).status == 404


async def test_what_fails_says_why_and_leaves_the_rest_alone():
    """RFC 7644 section 3.7.3: the response of a failed operation is its error; the others are done."""
    called = Called()
    await called("POST", "/Users", user("ada"))
    got = await _bulk(
        called,
        _post("a", user("ada")),
        {"method": "PUT", "path": "/Users/r1", "version": 'W/"9"', "data": user("x")},
        {"method": "DELETE", "path": "/Users/nobody"},
        _post("b", user("eva")),
    )
    assert _statuses(got) == ["409", "412", "404", "201"]
    taken, stale, missing, _ = got.json["Operations"]
    assert "location" not in taken
    assert (taken["response"]["status"], taken["response"]["scimType"]) == ("409", "uniqueness")
    assert stale["location"] == f"{BASE_URL}/Users/r1"
    assert missing["response"]["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


@pytest.mark.parametrize(("limit", "done"), [(1, ["409"]), (2, ["409", "201", "409"]), (None, None), (9, None)])
async def test_the_rest_is_left_after_as_many_failures_as_the_client_bears(limit, done):
    """RFC 7644 section 3.7: failOnErrors."""
    called = Called()
    await called("POST", "/Users", user("ada"))
    more = {} if limit is None else {"failOnErrors": limit}
    operations = [_post("a", user("ada")), _post("b", user("b")), _post("c", user("ada")), _post("d", user("d"))]
    assert _statuses(await _bulk(called, *operations, **more)) == (done or ["409", "201", "409", "201"])


async def test_a_reference_becomes_the_id_of_what_was_made():
    """RFC 7644 section 3.7.2: a group made with the user of the same request as its member."""
    called = Called()
    got = await _bulk(called, _post("qwerty", user("ada")), _post("ytrewq", group("Tour", "bulkId:qwerty")))
    assert _statuses(got) == ["201", "201"]
    assert await _members(called, got.json["Operations"][1]["location"]) == {"r1"}


async def test_a_reference_may_come_before_what_it_refers_to():
    """RFC 7644 section 3.7.2: operations are done in the order that references need and told in the order sent."""
    called = Called()
    got = await _bulk(
        called,
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:team",
            "data": patch({"op": "add", "path": "members", "value": [{"value": "bulkId:eva"}]}),
        },
        _post("team", group("Tour", "bulkId:ada")),
        _post("ada", user("ada")),
        _post("eva", user("eva")),
    )
    assert _statuses(got) == ["200", "201", "201", "201"]
    assert [one.get("bulkId") for one in got.json["Operations"]] == [None, "team", "ada", "eva"]
    ids = {one["location"].rpartition("/")[2] for one in got.json["Operations"][2:]}
    assert await _members(called, got.json["Operations"][1]["location"]) == ids


async def test_a_manager_may_be_somebody_of_the_same_request():
    """RFC 7643 section 4.3, `manager.value`: references stand wherever an id may."""
    called = Called()
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    core = "urn:ietf:params:scim:schemas:core:2.0:User"
    body = user("eva", **{"schemas": [core, enterprise], enterprise: {"manager": {"value": "bulkId:boss"}}})
    got = await _bulk(called, _post("eva", body), _post("boss", user("boss")))
    assert _statuses(got) == ["201", "201"]
    assert (await called("GET", "/Users/r2")).json[enterprise]["manager"]["value"] == "r1"


async def test_groups_that_hold_each_other_are_made_and_then_joined():
    """RFC 7644 section 3.7.1: circular references are resolved."""
    called = Called()
    got = await _bulk(
        called,
        _post("a", group("A", "bulkId:b", "bulkId:u")),
        _post("b", group("B", "bulkId:c")),
        _post("c", group("C", "bulkId:a")),
        _post("u", user("ada")),
        _post("self", group("Self", "bulkId:self")),
    )
    assert _statuses(got) == ["201"] * 5
    where = {one["bulkId"]: one["location"] for one in got.json["Operations"]}
    ids = {name: location.rpartition("/")[2] for name, location in where.items()}
    assert await _members(called, where["a"]) == {ids["b"], ids["u"]}
    assert await _members(called, where["b"]) == {ids["c"]}
    assert await _members(called, where["c"]) == {ids["a"]}
    assert await _members(called, where["self"]) == {ids["self"]}
    read = await called("GET", where["a"].removeprefix(BASE_URL))
    assert got.json["Operations"][0]["version"] == read.headers["etag"]


async def test_what_refers_to_nothing_fails_alone():
    """A reference to no bulkId, or to an operation that failed, is that operation's failure."""
    called = Called()
    await called("POST", "/Users", user("ada"))
    got = await _bulk(
        called,
        _post("g", group("G", "bulkId:nobody")),
        _post("ada", user("ada")),
        _post("h", group("H", "bulkId:ada")),
        {"method": "DELETE", "path": "/Users/bulkId:ada"},
        _post("x", user("x")),
    )
    assert _statuses(got) == ["400", "409", "400", "400", "201"]
    assert got.json["Operations"][2]["response"]["scimType"] == "invalidValue"


@pytest.mark.parametrize(
    "operation",
    [
        {"method": "GET", "path": "/Users/r1"},
        {"method": "POST", "path": "/Users", "data": user("b")},
        {"method": "POST", "path": "/Users/r1", "bulkId": "a", "data": user("b")},
        {"method": "DELETE", "path": "/Users"},
        {"method": "POST", "path": "/Bulk", "bulkId": "a", "data": {}},
        {"method": "POST", "path": "/ServiceProviderConfig", "bulkId": "a", "data": {}},
        {"method": "PUT", "path": "/Users/r1/x", "data": user("b")},
        {"method": "POST", "path": "/Users", "bulkId": "a"},
        {"method": "PATCH", "path": "/Users/r1", "data": "x"},
        {"path": "/Users"},
        {},
    ],
)
async def test_an_operation_that_makes_no_sense_fails_alone(operation):
    """RFC 7644 section 3.7: POST, PUT, PATCH and DELETE, on endpoints and resources; a POST has a bulkId."""
    called = Called()
    await called("POST", "/Users", user("ada"))
    assert _statuses(await _bulk(called, operation, _post("z", user("z")))) == ["400", "201"]


@pytest.mark.parametrize(
    ("document", "scim_type"),
    [
        ([], "invalidSyntax"),
        ({}, "invalidSyntax"),
        ({"Operations": {}}, "invalidSyntax"),
        ({"Operations": ["x"]}, "invalidSyntax"),
        ({"Operations": [{"method": 1}]}, "invalidSyntax"),
        ({"Operations": [], "failOnErrors": 0}, "invalidValue"),
        ({"Operations": [], "failOnErrors": True}, "invalidValue"),
        ({"Operations": [_post("a", user("a")), _post("a", user("b"))]}, "invalidValue"),
    ],
)
async def test_a_bulk_request_that_is_none_does_nothing(document, scim_type):
    """RFC 7644 section 3.12; bulkIds are unique (section 3.7)."""
    called = Called()
    whole = {"schemas": [BULK_URN], **document} if isinstance(document, dict) else document
    got = await called("POST", "/Bulk", whole)
    assert (got.status, got.scim_type) == (400, scim_type)
    assert called.stored.kept == {}


@pytest.mark.parametrize("schemas", [None, [], BULK_URN, [SEARCH_URN], [None]])
async def test_a_bulk_request_says_that_it_is_one(schemas):
    """RFC 7644 section 3.7, RFC 7643 section 3; the URN in any case, and beside others."""
    called = Called()
    operations = [_post("a", user("a"))]
    got = await called("POST", "/Bulk", {"schemas": schemas, "Operations": operations})
    assert (got.status, got.scim_type) == (400, "invalidSyntax")
    assert called.stored.kept == {}
    known = {"SCHEMAS": ["urn:x", BULK_URN.upper()], "Operations": operations}
    assert _statuses(await called("POST", "/Bulk", known)) == ["201"]


@pytest.mark.parametrize("name", profile_names())
async def test_a_profile_may_take_a_bulk_request_without_schemas(name):
    """Where the profile says `schemas_optional`; another message's URN is refused there too."""
    called = Called()
    called.clients.know_profiles()
    got = await called("POST", "/Bulk", {"Operations": []}, token=name)
    assert got.status == (200 if load_profile(name).schemas_optional else 400)
    other = {"schemas": [SEARCH_URN], "Operations": []}
    assert (await called("POST", "/Bulk", other, token=name)).scim_type == "invalidSyntax"


async def test_a_bulk_request_that_is_too_large_does_nothing():
    """RFC 7644 section 3.7.4: 413 beyond maxOperations and beyond maxPayloadSize, as announced."""
    called = Called(limits=ScimLimits(bulk_operations=2, body_bytes=2_000))
    told = (await called("GET", "/ServiceProviderConfig")).json["bulk"]
    assert told == {"supported": True, "maxOperations": 2, "maxPayloadSize": 2_000}
    too_many = await _bulk(called, *(_post(name, user(name)) for name in "abc"))
    assert (too_many.status, too_many.json["status"]) == (413, "413")
    too_long = await _bulk(called, _post("a", user("a", title="x" * 2_000)))
    assert too_long.status == 413
    assert called.stored.kept == {}


async def test_without_a_database_every_operation_says_so():
    """A failure of ours is told for the operation that met it, as 503."""
    called = Called()
    called.stored.away = True
    assert _statuses(await _bulk(called, _post("a", user("a")), _post("b", user("b")))) == ["503", "503"]


@settings(max_examples=60, deadline=None)
@given(
    links=st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7), max_size=4), max_size=8),
    order=st.permutations(range(8)),
)
def test_whoever_refers_to_whom_everybody_is_made_and_joined(links, order):
    """RFC 7644 sections 3.7.1 and 3.7.2: any graph of references, in any order, ends as it was written down."""

    async def check() -> None:
        called = Called()
        posts = [_post(f"g{n}", group(f"G{n}", *(f"bulkId:g{m}" for m in links.get(n, ())))) for n in order]
        got = await _bulk(called, *posts)
        assert _statuses(got) == ["201"] * 8
        where = {one["bulkId"]: one["location"] for one in got.json["Operations"]}
        for number in range(8):
            wanted = {where[f"g{m}"].rpartition("/")[2] for m in links.get(number, ())}
            assert await _members(called, where[f"g{number}"]) == wanted

    asyncio.run(check())
