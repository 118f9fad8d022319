"""Whatever is sent: never a 500, and every refusal is an error of SCIM (RFC 7644 section 3.12)."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.interfaces.scim.calling import BULK_URN, PATCH_URN, SEARCH_URN, Called, Got, group, user

METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) | st.text(max_size=5)
SEGMENTS = st.sampled_from(
    [
        "Users",
        "Groups",
        "r1",
        "r2",
        ".search",
        "Bulk",
        "Me",
        "Schemas",
        "ResourceTypes",
        "ServiceProviderConfig",
        "scim",
        "v2",
    ]
) | st.text(max_size=8)
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts)) | st.text(max_size=30)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"accept",
                b"content-type",
                b"content-length",
                b"if-match",
                b"if-none-match",
                b"prefer",
                b"x-request-id",
                b"content-encoding",
                b"authorization",
            ]
        ),
        st.binary(max_size=20)
        | st.sampled_from([b"application/json", b"*/*", b"*", b'W/"1"', b"return=minimal", b"Bearer good"]),
    ),
    max_size=3,
)
PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"filter",
                b"count",
                b"startIndex",
                b"cursor",
                b"sortBy",
                b"sortOrder",
                b"attributes",
                b"excludedAttributes",
            ]
        ),
        st.binary(max_size=20)
        | st.sampled_from([b"", b"1", b"-1", b"userName", b"userName+eq+%22a%22", b"meta.created", b"%ff%fe"]),
    ),
    max_size=3,
).map(lambda pairs: b"&".join(name + b"=" + value for name, value in pairs))

NAMES = st.sampled_from(
    ["schemas", "userName", "USERNAME", "name", "emails", "members", "value", "type", "primary", "active", "id", "meta",
     "displayName", "externalId", "Operations", "op", "path", "method", "bulkId", "data", "filter", "sortBy", "count",
     "attributes", "password", "roles", "manager", "failOnErrors", "version", "cursor",
     "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
     "urn:lastday:params:scim:schemas:extension:person:2.0:User"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["add", "Replace", "remove", "active", "members", "emails[type eq \"work\"].value", "userName", "POST", "PATCH",
     "DELETE", "/Users", "/Users/r1", "/Groups/r2", "bulkId:a", "a", "True", "r1", "urn:x", "name.", "[",
     "members[value eq \"r1\"]",
     "urn:ietf:params:scim:schemas:core:2.0:User", PATCH_URN, "2026-11-24", "2026-11-24T25:00:00Z"]
) | st.text(max_size=10)  # fmt: skip
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)


async def _called() -> Called:
    called = Called()
    await called("POST", "/Users", user("ada", active=True, emails=[{"type": "work", "value": "a@x"}]))
    await called("POST", "/Groups", group("Readers", "r1"))
    return called


def _is_answer(got: Got, method: str) -> None:
    assert got.status < 500 or got.status == 501, got
    assert got.headers["x-request-id"]
    if got.status in (204, 304) or method == "HEAD":
        assert got.content == b""
        return
    document = json.loads(got.content)
    assert got.headers["content-type"] in ("application/scim+json", "application/json")
    assert int(got.headers["content-length"]) == len(got.content)
    if got.status >= 400:
        assert document["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        assert document["status"] == str(got.status)
        assert document["detail"]


@settings(max_examples=400, deadline=None)
@given(
    method=METHODS,
    path=PATHS,
    headers=HEADERS,
    query=PARAMETERS | st.binary(max_size=40),
    content=st.binary(max_size=60),
)
async def test_any_bytes_get_an_answer(method, path, headers, query, content):
    """Methods, paths, headers, parameters and bodies that nobody foresaw."""
    called = await _called()
    pairs = (
        headers
        if any(name == b"authorization" for name, _ in headers)
        else [*headers, (b"authorization", b"Bearer good")]
    )
    _is_answer(await called.send(method, path, pairs, query, [content]), method)


@settings(max_examples=400, deadline=None)
@given(
    where=st.sampled_from(
        [
            ("POST", "/Users"),
            ("POST", "/Groups"),
            ("PUT", "/Users/r1"),
            ("PUT", "/Groups/r2"),
            ("POST", "/.search"),
            ("POST", "/Users/.search"),
        ]
    ),
    body=JSONS,
    token=st.sampled_from(["good", "entra", "okta", "rippling"]),
)
async def test_any_json_gets_an_answer(where, body, token):
    """Bodies of resources and searches, under strict and lenient profiles."""
    called = await _called()
    called.clients.know_profiles()
    _is_answer(await called(where[0], where[1], json.dumps(body).encode(), token=token), where[0])


@settings(max_examples=400, deadline=None)
@given(
    path=st.sampled_from(["/Users/r1", "/Groups/r2"]),
    operations=st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "Add", "replace", "remove", "x"])}, optional={"path": TEXTS, "value": JSONS}
        ),
        max_size=3,
    ),
    token=st.sampled_from(["good", "entra", "okta"]),
)
async def test_any_patch_gets_an_answer(path, operations, token):
    """RFC 7644 section 3.5.2: paths and values that nobody foresaw."""
    called = await _called()
    called.clients.know_profiles()
    body = json.dumps({"schemas": [PATCH_URN], "Operations": operations}).encode()
    _is_answer(await called("PATCH", path, body, token=token), "PATCH")


@settings(max_examples=300, deadline=None)
@given(
    operations=st.lists(
        st.fixed_dictionaries(
            {"method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "GET"]), "path": TEXTS},
            optional={
                "bulkId": st.sampled_from("abc"),
                "data": JSONS | st.just(user("eva", title="bulkId:b")),
                "version": TEXTS,
            },
        )
        | JSONS,
        max_size=4,
    ),
    more=st.dictionaries(st.just("failOnErrors"), JSONS, max_size=1),
)
async def test_any_bulk_gets_an_answer(operations, more):
    """RFC 7644 section 3.7: and no operation ends as a failure of ours."""
    called = await _called()
    got = await called("POST", "/Bulk", json.dumps({"schemas": [BULK_URN], "Operations": operations, **more}).encode())
    _is_answer(got, "POST")
    if got.status == 200:
        assert all(int(one["status"]) < 500 for one in got.json["Operations"])


@settings(max_examples=300, deadline=None)
@given(
    text=st.lists(
        TEXTS | st.sampled_from(["eq", "(", ")", "not (", "pr", '"', " and ", " or ", "null", "1e400", "."]),
        max_size=12,
    ).map(" ".join)
)
async def test_any_filter_gets_an_answer(text):
    """RFC 7644 section 3.4.2.2: by GET and by POST the same."""
    called = await _called()
    got = await called("GET", "/Users", query={"filter": text})
    posted = await called("POST", "/Users/.search", {"schemas": [SEARCH_URN], "filter": text})
    _is_answer(got, "GET")
    assert (got.status, got.content) == (posted.status, posted.content) or "\0" in text
