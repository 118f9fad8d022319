"""`lastday serve` as its own process over a real socket: what was answered stands, whatever happens to the process."""

import json
import signal
import socket
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager
from urllib.parse import quote, urlsplit

import httpx
import pytest

from lastday.interfaces.web import listening_socket
from lastday.model.scim import TokenScope
from tests.conformance.asking import SCIM_JSON, Asking
from tests.servers.lastday_server import LastdayServer
from tests.servers.postgres import Postgres

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SECOND = 1.0


@pytest.fixture
def server(database_url):
    with LastdayServer(database_url) as running:
        yield running


@contextmanager
def asking(server, **token):
    client = Asking(url=server.url, token=server.token(**token))
    try:
        yield client
    finally:
        client.close()


@pytest.fixture
def ask(server):
    with asking(server) as client:
        yield client


def user(name, **more):
    return {"schemas": [USER], "userName": name, **more}


def patch(**attributes):
    operations = [{"op": "replace", "path": name, "value": value} for name, value in attributes.items()]
    return {"schemas": [PATCH], "Operations": operations}


# ---------- one process


def test_a_user_is_made_read_changed_and_taken_away(ask):
    """RFC 7644 sections 3.3 to 3.6, and entity tags (section 3.14)."""
    made = ask("POST", "/Users", user("ada@example.com", title="Clerk"))
    assert (made.status, made.headers["etag"]) == (201, 'W/"1"')
    path = f"/Users/{made.body['id']}"
    assert made.headers["location"] == made.body["meta"]["location"] == ask.url + path

    read = ask("GET", path)
    assert (read.status, read.body, read.headers["etag"]) == (200, made.body, 'W/"1"')
    assert ask("GET", path, If_None_Match='W/"1"').status == 304

    changed = ask("PATCH", path, patch(title="Director"), If_Match='W/"1"')
    assert (changed.status, changed.body["title"], changed.headers["etag"]) == (200, "Director", 'W/"2"')
    assert ask("PATCH", path, patch(title="Clerk"), If_Match='W/"1"').status == 412
    assert ask("GET", path, If_None_Match='W/"1"').body == changed.body

    replaced = ask("PUT", path, user("ada@example.com", displayName="Ada"))
    assert "title" not in replaced.body
    assert ask("GET", path).body == replaced.body

    assert ask("DELETE", path).status == 204
    assert ask("GET", path).status == ask("DELETE", path).status == 404


def test_everybody_is_listed_and_found(ask):
    """RFC 7644 section 3.4.2; again after each change, which is where an old answer would show."""
    for number in range(7):
        assert ask("POST", "/Users", user(f"user-{number}")).status == 201
        assert ask("GET", "/Users").body["totalResults"] == number + 1
    page = ask("GET", "/Users?startIndex=3&count=2").body
    assert [each["userName"] for each in page["Resources"]] == ["user-2", "user-3"]
    by_name = "/Users?filter=" + quote('userName eq "USER-4"')
    [found] = ask("GET", by_name).body["Resources"]
    assert found["userName"] == "user-4"
    ask("PATCH", f"/Users/{found['id']}", patch(userName="renamed"))
    assert ask("GET", by_name).body["totalResults"] == 0


def test_a_member_shows_its_group_at_once_and_no_longer_when_it_is_gone(ask):
    """RFC 7643 section 4.1.2: `groups` follows from what was written to another resource."""
    ada = ask("POST", "/Users", user("ada")).body["id"]
    assert "groups" not in ask("GET", f"/Users/{ada}").body
    staff = ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Staff", "members": [{"value": ada}]}).body
    assert [each["display"] for each in ask("GET", f"/Users/{ada}").body["groups"]] == ["Staff"]
    ask("PATCH", f"/Groups/{staff['id']}", patch(displayName="All"))
    assert [each["display"] for each in ask("GET", f"/Users/{ada}").body["groups"]] == ["All"]
    assert ask("DELETE", f"/Groups/{staff['id']}").status == 204
    assert "groups" not in ask("GET", f"/Users/{ada}").body


def test_no_source_sees_what_another_pushed(database_url):
    two = LastdayServer(database_url, sources=("idp", "hr"))
    with two as server, asking(server, source="idp") as idp, asking(server, source="hr") as hr:
        ada = idp("POST", "/Users", user("ada")).body
        for _ in range(2):
            assert idp("GET", f"/Users/{ada['id']}").body == ada
            assert hr("GET", f"/Users/{ada['id']}").status == 404
            assert hr("GET", "/Users").body["totalResults"] == 0
        assert hr("POST", "/Users", user("ada")).status == 201


def test_attributes_of_the_companys_own_are_spoken(database_url):
    """From `[source.NAME.extension."urn:..."]`: declared, kept, and shown as they say (RFC 7643 section 7)."""
    urn = "urn:example:params:scim:schemas:extension:company:2.0:User"
    more = f"""[source.idp.extension."{urn}"]
badge = {{ type = "string", caseExact = true }}
secret = {{ type = "string", returned = "request" }}
"""
    with LastdayServer(database_url, more=more) as server, asking(server) as ask:
        declared = ask("GET", f"/Schemas/{urn}").body
        assert [each["name"] for each in declared["attributes"]] == ["badge", "secret"]
        body = {**user("ada"), "schemas": [USER, urn], urn: {"badge": "B7", "secret": "s"}}
        path = f"/Users/{ask('POST', '/Users', body).body['id']}"
        assert ask("GET", path).body[urn] == {"badge": "B7"}
        assert ask("GET", f"{path}?attributes={urn}:secret").body[urn] == {"secret": "s"}
        for badge, total in (("B7", 1), ("b7", 0)):
            asked = quote(f'{urn}:badge eq "{badge}"')
            assert ask("GET", f"/Users?filter={asked}").body["totalResults"] == total


def test_it_says_that_it_lives_and_is_ready_and_knows_nothing_else(server):
    root = server.url.removesuffix("/scim/v2")
    assert httpx.get(f"{root}/healthz").json() == httpx.get(f"{root}/readyz").json() == {"status": "ok"}
    assert httpx.get(f"{root}/").status_code == httpx.get(f"{root}/api/v1").status_code == 404
    assert httpx.get(f"{server.url}/Users").status_code == 401


# ---------- tokens


def test_a_revoked_token_is_refused_within_a_second(server, ask):
    assert ask("GET", "/Users").status == 200
    assert ask.token is not None
    server.revoke(ask.token)
    time.sleep(SECOND)
    assert ask("GET", "/Users").status == 401


def test_a_client_beyond_its_rate_is_told_to_wait(server):
    """RFC 6585 section 4."""
    with asking(server, requests_per_s=0.2) as ask:
        statuses = [ask("GET", "/Users") for _ in range(3)]
    assert [each.status for each in statuses] == [200, 200, 429]
    assert 1 <= int(statuses[-1].headers["retry-after"]) <= 5


def test_whoever_may_only_read_writes_nothing(server):
    with asking(server, scopes=frozenset({TokenScope.READ})) as ask:
        assert ask("POST", "/Users", user("ada")).status == 403
        assert ask("GET", "/Users").body["totalResults"] == 0


# ---------- several processes, and their ends


def test_what_one_process_answered_another_shows_within_a_second(server):
    """Both keep what they read; and each shows its own writes at once."""
    with server.beside() as other, asking(server) as here, asking(other) as there:
        made = here("POST", "/Users", user("ada"))
        path = f"/Users/{made.body['id']}"
        for writer, reader in ((here, there), (there, here)):
            time.sleep(SECOND)
            assert reader("GET", path).body["meta"]["version"] == writer("GET", path).body["meta"]["version"]
            written = writer("PATCH", path, patch(title=writer.url))
            assert writer("GET", path).body["title"] == writer.url == written.body["title"]
            time.sleep(SECOND)
            assert reader("GET", path).body["title"] == writer.url
            assert reader("GET", "/Users").body["Resources"][0]["title"] == writer.url


def test_a_restart_keeps_everything(server):
    with asking(server) as ask:
        people = [ask("POST", "/Users", user(f"user-{number}")).body for number in range(5)]
        changed = ask("PATCH", f"/Users/{people[0]['id']}", patch(title="Director"))
    assert server.end(signal.SIGTERM) == 0
    server.start()
    with asking(server) as ask:
        again = ask("GET", f"/Users/{people[0]['id']}")
        assert (again.body["title"], again.headers["etag"]) == ("Director", changed.headers["etag"])
        listed = ask("GET", "/Users").body["Resources"]
        assert [each["id"] for each in listed] == [each["id"] for each in people]


def test_every_201_stands_with_its_evidence_after_kill_9(server):
    """S-41: durable and in the log before the answer; eight clients at once, so that writes share transactions."""
    answered: list[tuple[str, str]] = []

    def push(number):
        client = Asking(url=server.url, token=token)
        for each in range(10_000):
            try:
                made = client("POST", "/Users", user(f"user-{number}-{each}"), X_Request_Id=f"req-{number}-{each}")
            except httpx.HTTPError:
                return
            assert made.status == 201
            answered.append((made.body["id"], f"req-{number}-{each}"))

    token = server.token()
    clients = [threading.Thread(target=push, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    while len(answered) < 60:
        time.sleep(0.01)
    server.kill()
    for client in clients:
        client.join()
    server.start()
    proven = server.in_database(entries_of_pushes)
    with asking(server) as ask:
        for identifier, request in answered:
            assert ask("GET", f"/Users/{identifier}").status == 200
            assert (identifier, request) in proven


async def entries_of_pushes(tx):
    rows = await tx.fetch_all("SELECT content FROM entry WHERE kind = 'resource_pushed'")
    bodies = [json.loads(bytes(row["content"]))["body"] for row in rows]
    return {(body["resource"], body["request"]) for body in bodies}


def test_a_request_under_way_is_answered_when_it_is_told_to_end(server):
    """SIGTERM between the head and the body of a request."""
    with connected(server) as stream:
        body = json.dumps(user("ada")).encode()
        stream.sendall(head(server, "POST", "/Users", len(body)) + body[:10])
        time.sleep(0.3)
        ending = threading.Thread(target=lambda: codes.append(server.end(signal.SIGTERM)))
        codes: list[int] = []
        ending.start()
        time.sleep(0.5)
        stream.sendall(body[10:])
        assert stream.recv(65_536).startswith(b"HTTP/1.1 201 ")
        ending.join()
    assert codes == [0]


def head(server, method, path, length):
    lines = [
        f"{method} /scim/v2{path} HTTP/1.1",
        "Host: lastday",
        f"Authorization: Bearer {server.token()}",
        f"Content-Type: {SCIM_JSON}",
        f"Content-Length: {length}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@contextmanager
def connected(server):
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as stream:
        yield stream


def test_half_requests_keep_nobody_waiting(server, ask):
    """Slow loris: heads and bodies that do not go on, of clients with and without a token."""
    with ExitStack() as stack:
        for number in range(120):
            stream = stack.enter_context(connected(server))
            whole = head(server, "POST", "/Users", 100)
            stream.sendall(whole[: 40 if number % 2 else None] + b'{"sch'[: 5 * (number % 2 == 0)])
        for number in range(20):
            assert ask("POST", "/Users", user(f"user-{number}")).status == 201
        assert ask("GET", "/Users").body["totalResults"] == 20


def test_it_outlives_its_database_and_answers_503_meanwhile():
    """RFC 7644 section 3.12. Nothing is answered from memory once it cannot be known whether that is true."""
    with Postgres(version=18, settings=("fsync = off",)) as postgres:
        postgres.psql("CREATE DATABASE lastday")
        url = f"postgresql:///lastday?host={postgres.folder}/socket&port={postgres.port}&user=postgres"
        with LastdayServer(url, migrate=True) as server, asking(server) as ask:
            made = ask("POST", "/Users", user("ada"))
            path, root = f"/Users/{made.body['id']}", server.url.removesuffix("/scim/v2")
            assert ask("GET", path).status == 200
            postgres.stop(keep=True)
            time.sleep(SECOND)
            assert ask("GET", path).status == ask("POST", "/Users", user("bob")).status == 503
            assert (httpx.get(f"{root}/readyz").status_code, httpx.get(f"{root}/healthz").status_code) == (503, 200)
            postgres.start()
            deadline = time.monotonic() + 40
            while httpx.get(f"{root}/readyz").status_code != 200:
                assert time.monotonic() < deadline, server.said()
            assert ask("GET", path).body == made.body
            assert ask("POST", "/Users", user("bob")).status == 201


# ---------- where it listens


def test_a_port_that_is_taken_ends_it_with_a_code(database_url):
    with listening_socket("127.0.0.1", 0) as taken:
        refused = LastdayServer(database_url, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(AssertionError, match=r"(?s)ended with 2.*I140"), refused:
            pass


def test_it_speaks_tls_where_it_has_a_certificate(database_url, certificate):
    lines = f'certificate = "{certificate.certificate}"\nprivate_key = "{certificate.private_key}"\n'
    with LastdayServer(database_url, server=lines) as server:
        assert server.url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(certificate.certificate))
        trusting.check_hostname = False
        headers = {"Authorization": f"Bearer {server.token()}"}
        with httpx.Client(verify=trusting, headers=headers) as client:
            assert client.get(f"{server.url}/Users").json()["totalResults"] == 0


def test_locations_name_the_address_by_which_clients_reach_it(database_url):
    """Behind a proxy: `url` stands in them, whatever the request says."""
    with LastdayServer(database_url, server='url = "https://scim.example.com/lastday"\n') as server:
        assert server.url == "https://scim.example.com/lastday/scim/v2"
        reached = f"http://127.0.0.1:{server.port}/scim/v2"
        ask = Asking(url=reached, token=server.token(), headers={"Host": "evil.example"})
        made = ask("POST", "/Users", user("ada"))
        ask.close()
        assert made.headers["location"] == f"{server.url}/Users/{made.body['id']}"
