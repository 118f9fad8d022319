"""The one way out over HTTP: what is sent, what is refused, what a missing answer means (T-7, field notes 5.3)."""

import contextlib
import gzip
import socket
import ssl

import pytest

from lastday.connectors.sdk.http import Call, Deadlines, HttpClient, OutcomeUnknown
from lastday.connectors.sdk.ports import Secret
from lastday.model.errors import (
    AnswerUnusable,
    ConfigurationError,
    CredentialsRejected,
    NotSupported,
    PermissionMissing,
    RateLimited,
    Unreachable,
)
from tests.servers.connector_ports import CHAT, TestPorts
from tests.servers.http_faults import Reply, ScriptedServer

READ = Call(method="GET", path=("Users",))
WRITE = Call(method="PATCH", path=("Users", "1"), body={"active": False})


@pytest.fixture
def told():
    return TestPorts()


@contextlib.asynccontextmanager
async def client_of(url, told, **more):
    client = HttpClient(CHAT, url, told.ports, **{"headers": {"Authorization": "Bearer s3cr3t"}, **more})
    try:
        yield client
    finally:
        await client.close()


def resolving_to(*addresses):
    async def resolve(_host, _port):
        return addresses

    return resolve


@pytest.mark.parametrize(
    ("status", "on_read", "on_write"),
    [
        (401, CredentialsRejected, CredentialsRejected),
        (403, PermissionMissing, PermissionMissing),
        (429, RateLimited, RateLimited),
        (500, Unreachable, OutcomeUnknown),
        (502, Unreachable, OutcomeUnknown),
        (503, Unreachable, Unreachable),
        (504, Unreachable, OutcomeUnknown),
        (501, NotSupported, NotSupported),
        (302, AnswerUnusable, AnswerUnusable),
        (307, AnswerUnusable, AnswerUnusable),
    ],
)
async def test_each_status_means_one_thing(told, status, on_read, on_write):
    async with ScriptedServer(lambda _: Reply(status=status)) as server, client_of(server.url, told) as client:
        for call, error in ((READ, on_read), (WRITE, on_write)):
            with pytest.raises(error) as caught:
                await client.send(call)
            assert type(caught.value) is error


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 409, 412])
async def test_the_applications_own_word_is_handed_back(told, status):
    reply = Reply(status=status, headers={"X-Request-Id": "r7"})
    async with ScriptedServer(lambda _: reply) as server, client_of(server.url, told) as client:
        answer = await client.send(WRITE)
    assert (answer.status, answer.request_id) == (status, "r7")
    assert told.log.exchanges[0].request_id == "r7"


async def test_a_redirect_is_never_followed(told):
    """T-7: the other server sees nothing, least of all the token."""
    async with ScriptedServer(lambda _: Reply()) as other:
        away = Reply(status=302, headers={"Location": other.url})
        async with ScriptedServer(lambda _: away) as server, client_of(server.url, told) as client:
            with pytest.raises(AnswerUnusable, match="redirect"):
                await client.send(READ)
        assert other.connections == 0


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "127.0.0.1", "::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::1"]
)
async def test_a_name_that_leads_inside_is_refused_before_a_connection(told, address):
    """T-7: DNS rebinding; one bad address among good ones is enough."""
    async with ScriptedServer(lambda _: Reply()) as server:
        port = server.url.split(":")[2].split("/")[0]
        url = f"https://chat.example:{port}/v2"
        async with client_of(url, told, resolver=resolving_to("93.184.216.34", address)) as client:
            with pytest.raises(Unreachable) as caught:
                await client.send(WRITE)
        assert caught.value.code == "A110"
        assert server.connections == 0


async def test_localhost_that_leads_elsewhere_is_refused(told):
    async with client_of("http://localhost:1/v2", told, resolver=resolving_to("10.0.0.1")) as client:
        with pytest.raises(Unreachable) as caught:
            await client.send(READ)
    assert caught.value.code == "A110"


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.example/v2",
        "http://2130706433/v2",
        "http://10.0.0.1/v2",
        "http://127.0.0.1.nip.io/v2",
        "ftp://chat.example",
        "file:///etc/passwd",
        "gopher://127.0.0.1",
        "https://user:pass@chat.example",
        "https://chat.example/?x=1",
        "https://",
        "chat.example",
        "",
        "http://[::1",
    ],
)
def test_an_unfit_url_is_refused_when_it_is_configured(told, url):
    with pytest.raises(ConfigurationError):
        HttpClient(CHAT, url, told.ports, headers={})


async def test_the_next_address_is_tried_when_one_does_not_answer(told):
    async with ScriptedServer(lambda _: Reply()) as server:
        async with client_of(server.url, told, resolver=resolving_to("127.0.0.2", "127.0.0.1")) as client:
            assert (await client.send(WRITE)).status == 200
        assert len(server.asked) == 1


async def test_an_unreachable_application_had_nothing_done(told):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with client_of(f"http://127.0.0.1:{taken.getsockname()[1]}", told) as client:
            with pytest.raises(Unreachable):
                await client.send(WRITE)


async def test_an_unknown_name_is_unreachable(told):
    async def nowhere(_host, _port):
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    async with client_of("https://chat.example", told, resolver=nowhere) as client:
        with pytest.raises(Unreachable):
            await client.send(WRITE)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(silent=True),
        Reply(hang_up=True),
        Reply(body=b"x" * 100, stated_length=200),
        Reply(body=b"x" * 50, drip_s=0.1),
        Reply(body=gzip.compress(b"\0" * 50_000_000, mtime=0), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["silent", "hang up", "cut", "one byte at a time", "bomb"],
)
async def test_without_a_whole_answer_a_read_concludes_nothing_and_a_change_is_unknown(told, reply):
    """Field notes 5.3: timeout after the effect, reset mid-body, slow bytes: the deadline is over the whole request."""
    limits = Deadlines(total_s=0.4)
    async with ScriptedServer(lambda _: reply) as server, client_of(server.url, told, deadlines=limits) as client:
        with pytest.raises((Unreachable, AnswerUnusable)):
            await client.send(READ)
        with pytest.raises(OutcomeUnknown):
            await client.send(WRITE)
    assert [exchange.status[:9] for exchange in told.log.exchanges] == ["no answer"] * 2


async def test_a_self_signed_certificate_is_refused(told, tmp_path):
    """TLS is always verified; there is no switch."""
    context = _self_signed(tmp_path)
    async with _tls_server(context) as port, client_of(f"https://localhost:{port}", told) as client:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await client.send(WRITE)


async def test_the_companys_own_authority_is_accepted_for_its_names_only(told, tmp_path):
    context = _self_signed(tmp_path)
    authority = str(tmp_path / "cert.pem")
    async with _tls_server(context) as port:
        async with client_of(f"https://localhost:{port}", told, ca_file=authority) as client:
            assert (await client.send(READ)).status == 200
        async with client_of(f"https://127.0.0.1:{port}", told, ca_file=authority) as client:
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                await client.send(READ)


async def test_a_fresh_call_opens_its_own_connection_and_others_share_one(told):
    async with ScriptedServer(lambda _: Reply(body=b"{}")) as server, client_of(server.url, told) as client:
        for fresh in (False, False, True, True, False):
            await client.send(Call(method="GET", path=("Users",), fresh=fresh))
        assert [asked.connection for asked in server.asked] == [1, 1, 2, 3, 1]


async def test_every_request_takes_one_token_first(told):
    async with ScriptedServer(lambda _: Reply(hang_up=True)) as server, client_of(server.url, told) as client:
        for _ in range(3):
            with pytest.raises(Unreachable):
                await client.send(READ)
    assert told.budget.taken == 3


@pytest.mark.parametrize("status", [429, 503])
async def test_the_applications_wish_to_be_left_alone_blocks_the_budget(told, status):
    reply = Reply(status=status, headers={"Retry-After": "12"})
    async with ScriptedServer(lambda _: reply) as server, client_of(server.url, told) as client:
        with pytest.raises(RateLimited) as caught:
            await client.send(WRITE)
    assert caught.value.retry_after_s == 12
    assert told.budget.blocked == [12]


@pytest.mark.parametrize("headers", [{"Retry-After": "12"}, {"X-RateLimit-Remaining": "0", "Retry-After": "12"}])
async def test_a_403_that_says_when_to_come_again_asks_for_patience(told, headers):
    """GitHub answers 403 to who is too fast; RFC 9110 section 10.2.3. Without those headers it is a missing right."""
    reply = Reply(status=403, headers=headers)
    async with ScriptedServer(lambda _: reply) as server, client_of(server.url, told) as client:
        with pytest.raises(RateLimited):
            await client.send(READ)
    assert told.budget.blocked == [12]


async def test_a_call_takes_a_token_of_each_limit_that_it_counts_in(told):
    """Limits of single endpoints lie in the same shared budget, under names that no application can have."""

    def limits(call):
        return ("writes", "users") if call.changes else ("reads",)

    async with (
        ScriptedServer(lambda _: Reply(status=204)) as server,
        client_of(server.url, told, shares=limits) as client,
    ):
        await client.send(WRITE)
        await client.send(READ)
    assert told.budget.names == ["chat#writes", "chat#users", "chat", "chat#reads", "chat"]


async def test_a_call_may_carry_headers_of_its_own(told):
    """If-Match, RFC 7644 section 3.14."""
    call = Call(method="PUT", path=("Users", "1"), body={}, headers={"If-Match": 'W/"7"'})
    async with ScriptedServer(lambda _: Reply(status=204)) as server, client_of(server.url, told) as client:
        await client.send(call)
    assert server.asked[0].headers["if-match"] == 'W/"7"'
    assert server.asked[0].headers["authorization"] == "Bearer s3cr3t"


async def test_no_note_and_no_error_shows_a_secret(told):
    """The server gives the token back in every way it can."""
    echo = Reply(
        status=302,
        body=b'{"echo": "s3cr3t", "token": "other"}',
        headers={"Location": "https://x.example/?t=s3cr3t", "Set-Cookie": "a=b"},
    )
    secrets = [Secret("s3cr3t")]
    call = Call(method="POST", path=("s3cr3t",), query={"t": "s3cr3t"}, body={"x": "s3cr3t"})
    async with ScriptedServer(lambda _: echo) as server, client_of(server.url, told, secrets=secrets) as client:
        with pytest.raises(AnswerUnusable) as caught:
            await client.send(call)
    assert "s3cr3t" not in told.log.text + str(caught.value)
    assert "other" not in told.log.text


async def test_no_cookie_is_kept(told):
    reply = Reply(headers={"Set-Cookie": "session=1; Path=/"})
    async with ScriptedServer(lambda _: reply) as server, client_of(server.url, told) as client:
        await client.send(READ)
        await client.send(READ)
        assert all("cookie" not in asked.headers for asked in server.asked)


async def test_no_proxy_of_the_environment_is_used(told, monkeypatch):
    """T-7: a proxy would connect where we must not."""
    async with ScriptedServer(lambda _: Reply()) as proxy, ScriptedServer(lambda _: Reply()) as server:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        async with client_of(server.url, told) as client:
            await client.send(READ)
        assert (proxy.connections, server.connections) == (0, 1)


@pytest.mark.parametrize("segment", ["..", ".", ""])
async def test_a_segment_that_would_climb_is_not_sent(told, segment):
    async with ScriptedServer(lambda _: Reply()) as server, client_of(server.url, told) as client:
        with pytest.raises(AnswerUnusable):
            await client.send(Call(method="DELETE", path=("Users", segment)))
        assert server.asked == []
    assert told.budget.taken == 0


@pytest.mark.parametrize("segment", ["a/b", "a?b", "a#b", "%2e%2e", "a b", "é", "..%2f..", "\r\nX: y"])
async def test_a_segment_stays_one_segment(told, segment):
    async with ScriptedServer(lambda _: Reply()) as server, client_of(server.url, told) as client:
        await client.send(Call(method="GET", path=("Users", segment)))
        assert server.asked[0].path.count("/") == 3
        assert server.asked[0].path.startswith("/v2/Users/")
        assert "x" not in server.asked[0].headers


def _self_signed(folder):
    from datetime import UTC, datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@contextlib.asynccontextmanager
async def _tls_server(context):
    import asyncio

    async def answer(reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
