"""What HTTP asks of every request (RFC 6750, RFC 9110, RFC 7644 sections 2, 3.8 and 3.12)."""

import logging

import pytest

from lastday.interfaces.scim.limits import ScimLimits
from lastday.model.errors import DatabaseUnusable
from tests.unit.interfaces.scim.calling import Called, Got, user
from tests.unit.interfaces.scim.stored import BASE_URL, push_client

ERROR_URN = "urn:ietf:params:scim:api:messages:2.0:Error"


def _is_error(got: Got, status: int) -> bool:
    assert got.headers["content-type"] == "application/scim+json"
    return (got.status, got.json["status"], got.json["schemas"]) == (status, str(status), [ERROR_URN])


async def test_without_a_token_nobody_gets_anything():
    """RFC 6750 section 3: 401 with a challenge; RFC 7644 section 3.12: with a SCIM error, which Okta asks for."""
    called = Called()
    for method, path in (("GET", "/Users/x"), ("POST", "/Users"), ("GET", "/ServiceProviderConfig"), ("GET", "/nope")):
        got = await called(method, path, token=None)
        assert _is_error(got, 401)
        assert got.headers["www-authenticate"] == 'Bearer realm="lastday"'


@pytest.mark.parametrize(
    "header",
    [
        "Bearer bad",
        "Bearer",
        "Bearer ",
        "Basic Z29vZA==",
        "good",
        "Bearer good x",
        "Bearer gööd",
        "",
        "Bearer good,bad",
    ],
)
async def test_a_token_that_is_not_known_is_invalid(header):
    """RFC 6750 section 3.1: invalid_token."""
    got = await Called()("GET", "/Users", token=None, authorization=header)
    assert _is_error(got, 401)
    assert 'error="invalid_token"' in got.headers["www-authenticate"]


async def test_the_scheme_comes_in_any_case():
    """RFC 9110 section 11.1: the scheme is case-insensitive."""
    assert (await Called()("GET", "/Users", token=None, authorization="bEARER good")).status == 200


async def test_a_token_in_the_address_is_no_token():
    """RFC 6750 section 2.3 allows it and warns; addresses are logged everywhere, so it is not read."""
    assert (await Called()("GET", "/Users", token=None, query={"access_token": "good"})).status == 401


async def test_two_authorizations_are_none():
    """Who stands between could have looked at the other one."""
    called = Called()
    pairs = [(b"authorization", b"Bearer other"), (b"authorization", b"Bearer good")]
    for several in (pairs, pairs[::-1], pairs[1:] * 2):
        assert (await called.send("GET", "/Users", several, b"", [b""])).status == 401


async def test_a_header_that_comes_in_parts_is_one_list():
    """RFC 9110 section 5.2: several headers of one name are joined with commas."""
    called = Called()
    await called("POST", "/Users", user())
    good = (b"authorization", b"Bearer good")
    accepts = [good, (b"accept", b"application/json"), (b"accept", b"text/html")]
    assert (await called.send("GET", "/Users", accepts, b"", [b""])).headers["content-type"] == "application/json"
    tags = [good, (b"if-match", b'W/"1"'), (b"if-match", b'W/"9"')]
    assert (await called.send("GET", "/Users/r1", tags, b"", [b""])).status == 200


async def test_who_sends_too_much_is_told_when_to_come_back():
    """RFC 6585 section 4: 429 with Retry-After in whole seconds, never too early."""
    called = Called()
    called.clients.wait_s = 1.2
    got = await called("GET", "/Users")
    assert _is_error(got, 429)
    assert got.headers["retry-after"] == "2"


async def test_every_answer_names_its_request():
    """X-Request-Id: the client's own where it is a plain word, else a new one each time."""
    called = Called()
    assert (await called("GET", "/Users", x_request_id="c0ffee-1:2")).headers["x-request-id"] == "c0ffee-1:2"
    assert (await called("GET", "/Users", token=None, x_request_id="abc")).headers["x-request-id"] == "abc"
    for odd in ("", "a b", "x" * 65, "é", "a\r\nset-cookie: b", "-x"):
        made = (await called("GET", "/Users", x_request_id=odd)).headers["x-request-id"]
        assert made.startswith("req-")
    first, second = [(await called("GET", "/Users")).headers["x-request-id"] for _ in range(2)]
    assert first != second


@pytest.mark.parametrize("prefix", ["/scim/v2", ""])
@pytest.mark.parametrize("root_path", ["/scim/v2", ""])
async def test_it_does_not_matter_who_takes_the_prefix_off(prefix, root_path):
    """ASGI leaves open whether a mounted application sees its own prefix in the path."""
    called = Called()
    await called("POST", "/Users", user())
    assert (await called("GET", f"{prefix}/Users/r1", root_path=root_path)).status == 200
    assert (await called("GET", f"{prefix}/Users/", root_path=root_path)).json["totalResults"] == 1
    assert (await called("GET", f"{prefix}/", root_path=root_path)).json["totalResults"] == 1
    assert (await called("GET", prefix, root_path=root_path)).json["totalResults"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/nope",
        "/users",
        "/Users/r1/name",
        "/Users//r1",
        "/Users/a\0b",
        "/Users/.search/x",
        "/a/.search",
        "/Bulk/x",
        "/ServiceProviderConfig/x",
        "/Schemas/x/y",
        "/Schemas/urn:x",
        "/ResourceTypes/Nope",
        "/../Users",
        "/v2/Users",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_not_there_is_not_found(path, method):
    """RFC 7644 section 3.12: 404, whatever the method."""
    called = Called()
    await called("POST", "/Users", user())
    got = await called(method, path, None if method == "GET" else {})
    assert got.status == 404 or (
        method == "POST" and got.status == 405 and path.startswith(("/Schemas", "/Res", "/Ser", "/Users/a"))
    )


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/Users", "GET, HEAD, POST"),
        ("/Groups", "GET, HEAD, POST"),
        ("/Users/x", "DELETE, GET, HEAD, PATCH, PUT"),
        ("/", "GET, HEAD"),
        ("/.search", "POST"),
        ("/Users/.search", "POST"),
        ("/Bulk", "POST"),
        ("/Schemas", "GET, HEAD"),
        ("/Schemas/x", "GET, HEAD"),
        ("/ResourceTypes", "GET, HEAD"),
        ("/ServiceProviderConfig", "GET, HEAD"),
    ],
)
async def test_other_methods_are_told_what_is_allowed(path, allowed):
    """RFC 9110 section 15.5.6: 405 with Allow, for every method that is not in it."""
    called = Called()
    methods = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"}
    for method in methods - set(allowed.split(", ")):
        got = await called(method, path, {})
        assert _is_error(got, 405)
        assert got.headers["allow"] == allowed


async def test_nobody_is_behind_a_token():
    """RFC 7644 section 3.11: whoever has no /Me answers 501."""
    for path in ("/Me", "/Me/x"):
        assert _is_error(await Called()("GET", path), 501)


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/scim+json", "application/scim+json"),
        ("application/scim+json; charset=utf-8", "application/scim+json"),
        ("APPLICATION/SCIM+JSON", "application/scim+json"),
        ("application/json", "application/json"),
        ("text/html, application/json;q=0.9", "application/json"),
        ("application/json, application/scim+json", "application/scim+json"),
        ("text/html, */*;q=0.1", "application/scim+json"),
        ("application/*", "application/scim+json"),
        ("", "application/scim+json"),
    ],
)
async def test_a_client_gets_the_type_that_it_takes(accept, media_type):
    """RFC 7644 section 3.8."""
    assert (await Called()("GET", "/Users", accept=accept)).headers["content-type"] == media_type


@pytest.mark.parametrize("accept", ["text/html", "application/xml, text/plain", "application/jsonp", ";;,"])
async def test_a_client_that_takes_neither_type_is_told_so(accept):
    """RFC 9110 section 15.5.7: 406."""
    assert _is_error(await Called()("GET", "/Users", accept=accept), 406)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/json",
        "application/json; charset=UTF-8",
        'Application/JSON;charset="utf-8"',
        "",
    ],
)
async def test_json_is_taken_under_both_names(content_type):
    """RFC 7644 section 3.8; a body without a type is JSON."""
    got = await Called()("POST", "/Users", user(), content_type=content_type)
    assert got.status == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/json; charset=iso-8859-1"},
        {"content_type": "application/json", "content_encoding": "gzip"},
        {"content_type": "json"},
    ],
)
async def test_what_is_no_json_in_utf_8_is_not_taken(headers):
    """RFC 9110 section 15.5.16: 415."""
    called = Called()
    for method, path in (
        ("POST", "/Users"),
        ("PUT", "/Users/x"),
        ("PATCH", "/Users/x"),
        ("POST", "/Bulk"),
        ("POST", "/.search"),
    ):
        assert _is_error(await called(method, path, user(), **headers), 415)


@pytest.mark.parametrize("announced", ["1001", "9" * 5_000, "5", "x", "-1", ""])
async def test_a_body_that_is_too_large_is_not_read_to_its_end(announced):
    """RFC 7644 section 3.12: 413, whatever the length says, and however it comes in parts."""
    called = Called(limits=ScimLimits(body_bytes=1_000))
    pairs = [(b"authorization", b"Bearer good"), (b"content-length", announced.encode())]
    assert _is_error(await called.send("POST", "/Users", pairs, b"", [b" " * 100] * 11), 413)
    assert _is_error(await called.send("POST", "/Users", pairs, b"", [b" " * 1_001, b"" * 9]), 413)


async def test_a_body_may_come_in_parts():
    """ASGI: `more_body`."""
    parts = [b'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],', b"", b'"userName":"ada"}']
    assert (await Called().send("POST", "/Users", [(b"authorization", b"Bearer good")], b"", parts)).status == 201


async def test_to_a_client_that_hung_up_nothing_is_sent_and_nothing_is_done():
    """A body that broke off is no request."""
    called = Called()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/Users",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer good")],
    }
    sent = await called.send_scope(scope, {"type": "http.request", "body": b'{"a', "more_body": True})
    assert sent == []
    assert called.stored.kept == {}


async def test_what_is_no_http_is_left_to_whoever_mounted_this():
    """Neither lifespan nor websockets are ours."""
    with pytest.raises(ValueError, match="lifespan"):
        await Called().send_scope({"type": "lifespan"})


@pytest.mark.parametrize("failure", [RuntimeError("ada@example.com"), KeyError("ada@example.com"), RecursionError()])
async def test_a_failure_of_ours_is_logged_once_and_tells_of_nobody(caplog, monkeypatch, failure):
    """500 with the request's id; the log has the id, the kind of failure and where it was, and no message."""
    called = Called()

    async def failing(*_arguments):
        raise failure

    monkeypatch.setattr(called.stored, "read", failing)
    with caplog.at_level(logging.DEBUG):
        got = await called("GET", "/Users/x", x_request_id="r-1")
    assert _is_error(got, 500)
    assert "r-1" in got.json["detail"]
    [record] = caplog.records
    assert (record.request_id, record.failure) == ("r-1", type(failure).__name__)
    assert any("failing" in frame for frame in record.frames)
    assert "ada@example.com" not in str(vars(record)) + str(got)


async def test_without_a_database_a_client_is_asked_to_come_back(caplog, monkeypatch):
    """RFC 9110 section 15.6.4: 503 with Retry-After; nothing was changed."""
    called = Called(limits=ScimLimits(unavailable_wait_s=7))
    called.stored.away = True
    for method, path, body in (("GET", "/Users/x", None), ("GET", "/Users", None), ("POST", "/Users", user())):
        got = await called(method, path, body)
        assert _is_error(got, 503)
        assert got.headers["retry-after"] == "7"
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3

    async def failing(_token):
        raise DatabaseUnusable("gone")

    monkeypatch.setattr(called.clients, "authenticate", failing)
    assert _is_error(await called("GET", "/Users"), 503)


async def test_discovery_says_what_is_there():
    """RFC 7644 section 4: three endpoints, lists and single ones, by id in any case."""
    called = Called()
    config = await called("GET", "/ServiceProviderConfig")
    assert config.json["filter"] == {"supported": True, "maxResults": called.limits.page}
    assert config.json["pagination"]["cursorTimeout"] == called.limits.cursor_lifetime_s
    for path in ("/Schemas", "/ResourceTypes"):
        listed = (await called("GET", path)).json
        assert listed["totalResults"] == listed["itemsPerPage"] == len(listed["Resources"]) >= 2
        for one in listed["Resources"]:
            assert one["meta"]["location"] == f"{BASE_URL}{path}/{one['id']}"
            assert (await called("GET", f"{path}/{one['id']}")).json == one
            assert (await called("GET", f"{path}/{one['id'].upper()}")).json == one


async def test_discovery_cannot_be_filtered():
    """RFC 7644 section 4: 403 for a filter, so that nobody takes a list for a filtered one."""
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        assert _is_error(await Called()("GET", path, query={"filter": "id pr"}), 403)


async def test_a_client_that_sends_again_gets_what_it_made():
    """Rippling sends a POST again after a failure: 200 with the same resource; strict clients get 409."""
    called = Called()
    called.clients.by_token["rippling"] = push_client(profile="rippling")
    made = await called("POST", "/Users", user(externalId="e1"), token="rippling")
    again = await called("POST", "/Users", user(externalId="e1"), token="rippling")
    assert (made.status, again.status) == (201, 200)
    assert again.json == made.json
    assert again.headers["location"] == made.headers["location"]
    other = await called("POST", "/Users", user(externalId="e2"), token="rippling")
    assert (other.status, other.scim_type) == (409, "uniqueness")
    assert (await called("POST", "/Users", user(externalId="e1"))).status == 409


@pytest.mark.parametrize(
    "query", ["&".join(f"a{n}=1" for n in range(40)), "count=1&count=2", "count=1&COUNT=2", "filter=%00"]
)
async def test_parameters_that_nobody_can_read_alike_are_refused(query):
    """Twice the same parameter, too many of them, or U+0000: 400."""
    got = await Called()("GET", "/Users", query=query)
    assert _is_error(got, 400)
