"""The HTTP server on a real socket: what a client may hold on to, and what it may not."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, suppress

import pytest

from lastday.interfaces import web
from lastday.interfaces.web import Encryption, Faces, HttpServer, encryption_context, listening_socket, status_face
from lastday.model.errors import ConfigurationError, InputError


async def echo(scope, receive, send):
    """Answers with the body that it was sent."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(application=echo, encryption=None):
    listening = listening_socket("127.0.0.1", 0)
    stop = asyncio.Event()
    task = asyncio.create_task(HttpServer(application, listening, encryption).serve(stop))
    try:
        yield listening.getsockname()[1], stop
    finally:
        stop.set()
        await task


@asynccontextmanager
async def connected(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def exchange(reader, writer, content, path="/", headers=b""):
    writer.write(
        b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n%s\r\n%s"
        % (path.encode(), len(content), headers, content)
    )
    return await answered(reader)


async def answered(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return int(head.split(b" ")[1]), await reader.readexactly(length)


async def test_a_connection_serves_many_requests():
    async with serving() as (port, _), connected(port) as (reader, writer):
        for size in (0, 1, 70_000, 900_000):
            assert await exchange(reader, writer, b"x" * size) == (200, b"x" * size)


async def test_half_a_head_costs_its_client_the_connection_and_nobody_else_waits(monkeypatch):
    """Slow loris: a hundred connections that never finish their request."""
    monkeypatch.setattr(web, "REQUEST_S", 0.5)
    async with serving() as (port, _), asyncio.TaskGroup() as group:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        for _, writer in slow:
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx-drip: ")
        async with connected(port) as (reader, writer):
            assert await exchange(reader, writer, b"quick") == (200, b"quick")
        ends = [group.create_task(reader.read()) for reader, _ in slow]
        async with asyncio.timeout(20):
            assert set(await asyncio.gather(*ends)) == {b""}
        for _, writer in slow:
            writer.close()


@pytest.mark.parametrize(
    "sent",
    [b"", b"\r\n\r\n", b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf"],
    ids=["nothing", "empty lines", "half a body"],
)
async def test_whoever_sends_no_whole_request_is_hung_up_on(monkeypatch, sent):
    monkeypatch.setattr(web, "REQUEST_S", 0.3)
    async with serving() as (port, _), connected(port) as (reader, writer):
        writer.write(sent)
        async with asyncio.timeout(20):
            assert await reader.read() == b""


async def test_a_drip_after_a_whole_request_is_hung_up_on_too(monkeypatch):
    monkeypatch.setattr(web, "REQUEST_S", 0.3)
    async with serving() as (port, _), connected(port) as (reader, writer):
        assert await exchange(reader, writer, b"whole") == (200, b"whole")
        writer.write(b"GET / HT")
        async with asyncio.timeout(20):
            assert await reader.read() == b""


async def test_a_request_that_came_whole_may_be_worked_on_for_longer(monkeypatch):
    monkeypatch.setattr(web, "REQUEST_S", 0.2)

    async def slow(scope, receive, send):
        await asyncio.sleep(0.6)
        await echo(scope, receive, send)

    async with serving(slow) as (port, _), connected(port) as (reader, writer):
        assert await exchange(reader, writer, b"worth waiting") == (200, b"worth waiting")


async def test_a_head_without_end_is_refused():
    """Neither one endless header nor endlessly many are kept in memory."""
    for piece in (b"x" * 8192, b"x-many: 1\r\n" * 800):
        async with serving() as (port, _), connected(port) as (reader, writer):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\nx-long: ")
            async with asyncio.timeout(20):
                answer = await _drip(reader, writer, piece)
            assert answer.startswith(b"HTTP/1.1 400 ")


async def _drip(reader, writer, piece):
    answer = asyncio.create_task(reader.read())
    while not answer.done():
        writer.write(piece)
        await asyncio.sleep(0.005)
    return answer.result()


async def test_an_answer_that_nobody_fetches_is_thrown_away(monkeypatch):
    """A client that asks for much and reads nothing holds neither a task nor memory for ever."""
    monkeypatch.setattr(web, "FETCHED_S", 0.3)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def endless(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        begun.set()
        for _ in range(10_000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)
            if scope["gone"]():
                break
        ended.set()

    async def watched(scope, receive, send):
        waiting = asyncio.create_task(_until_gone(receive))
        await endless({**scope, "gone": waiting.done}, receive, send)
        waiting.cancel()

    async with serving(watched) as (port, _), connected(port) as (reader, writer):
        reader._transport.pause_reading()
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(20):
            await begun.wait()
            await ended.wait()


async def _until_gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_what_was_begun_is_answered_when_the_server_stops():
    release, begun = asyncio.Event(), asyncio.Event()

    async def held(scope, receive, send):
        begun.set()
        await release.wait()
        await echo(scope, receive, send)

    async with serving(held) as (port, stop), connected(port) as (reader, writer):
        answer = asyncio.create_task(exchange(reader, writer, b"begun"))
        await begun.wait()
        stop.set()
        await asyncio.sleep(0.4)
        release.set()
        assert await answer == (200, b"begun")
        assert await reader.read() == b""
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_is_taken_is_named():
    with listening_socket("127.0.0.1", 0) as taken, pytest.raises(InputError) as refused:
        listening_socket("127.0.0.1", taken.getsockname()[1])
    assert refused.value.code == "I140"
    assert str(taken) not in str(refused.value)


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_named(host):
    with pytest.raises(InputError, match=host):
        listening_socket(host, 0)


async def test_each_face_answers_below_its_path_only():
    async def works():
        return True

    async def broken():
        return False

    faces = Faces({"/scim/v2": echo, "/readyz": status_face(broken), "/healthz": status_face(works)})
    async with serving(faces) as (port, _), connected(port) as (reader, writer):
        assert await exchange(reader, writer, b"1", "/scim/v2") == (200, b"1")
        assert await exchange(reader, writer, b"2", "/scim/v2/Users?filter=x") == (200, b"2")
        for path in ("/", "/scim", "/scim/v20", "/scim/v1", "/SCIM/v2", "/healthz2"):
            status, body = await exchange(reader, writer, b"3", path)
            assert (status, b'"status": 404' in body) == (404, True), path
        assert (await exchange(reader, writer, b"", "/healthz"))[0] == 405
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert await answered(reader) == (200, b'{"status": "ok"}')
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await answered(reader))[0] == 503


async def test_it_speaks_tls_with_the_certificate_it_is_given(certificate):
    encryption = encryption_context(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate.certificate))
    async with serving(encryption=encryption) as (port, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="localhost")
        assert await exchange(reader, writer, b"sealed") == (200, b"sealed")
        writer.close()
    assert encryption.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_certificate_that_cannot_be_used_is_named(tmp_path, certificate):
    other = tmp_path / "other.pem"
    other.write_text("nothing of the kind")
    for files in (
        Encryption(certificate=other, private_key=certificate.private_key),
        Encryption(certificate=certificate.certificate, private_key=other),
        Encryption(certificate=certificate.certificate, private_key=tmp_path / "absent"),
    ):
        with pytest.raises(ConfigurationError) as refused:
            encryption_context(files)
        assert refused.value.code == "P160"


def test_listening_twice_on_any_port_gives_two_ports():
    with listening_socket("127.0.0.1", 0) as one, listening_socket("localhost", 0) as other:
        assert one.getsockname() != other.getsockname()
        assert one.family is socket.AF_INET


# ---------- answers


def answering(*messages):
    async def application(scope, receive, send):
        for message in messages:
            await send(message)

    return application


def start(status=200, *headers):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(content, *, more=False):
    return {"type": "http.response.body", "body": content, "more_body": more}


async def raw(application, sent):
    async with serving(application) as (port, _), connected(port) as (reader, writer):
        writer.write(sent)
        async with asyncio.timeout(20):
            return await reader.read()


GET = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


async def test_an_answer_in_pieces_is_sent_in_chunks():
    """RFC 9112 section 7.1."""
    got = await raw(answering(start(), body(b"one", more=True), body(b"two")), GET)
    assert got.startswith(b"HTTP/1.1 200 OK\r\n")
    assert got.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_an_answer_without_a_length_is_sent_in_chunks_on_a_kept_connection():
    async with serving(answering(start(), body(b"whole"))) as (port, _), connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"transfer-encoding: chunked" in head
            assert await reader.readuntil(b"0\r\n\r\n") == b"5\r\nwhole\r\n0\r\n\r\n"


async def test_a_fault_between_head_and_body_becomes_a_500_that_is_whole():
    async def faulty(scope, receive, send):
        await send(start(200, (b"content-length", b"5")))
        raise RuntimeError("nobody expects this")

    assert (await raw(faulty, GET)).startswith(b"HTTP/1.1 500 ")
    assert (await raw(answering(start()), GET)).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb"])
async def test_no_header_becomes_two(value):
    """RFC 9112 section 11.1: response splitting."""
    split = answering(start(200, (b"x-mine", value), (b"content-length", b"0")), body(b""))
    assert await raw(split, GET) == await raw(split, GET.replace(b"connection: close\r\n", b"")) == b""


async def test_a_length_that_is_not_the_bodys_is_never_sent_as_a_whole_answer():
    got = await raw(answering(start(200, (b"content-length", b"50")), body(b"short")), GET)
    assert not got.startswith(b"HTTP/1.1 200") or len(got.partition(b"\r\n\r\n")[2]) < 50


async def test_head_has_the_length_and_no_body():
    application = answering(start(200, (b"content-length", b"5")), body(b"whole"))
    async with serving(application) as (port, _), connected(port) as (reader, writer):
        writer.write(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n" + GET)
        head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    assert b"content-length: 5" in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest.endswith(b"\r\n\r\nwhole")


@pytest.mark.parametrize("sent", [GET, b"GET / HTTP/1.0\r\nhost: x\r\n\r\n"], ids=["close", "HTTP/1.0"])
async def test_a_connection_is_closed_where_the_client_wants_it(sent):
    got = await raw(answering(start(200, (b"content-length", b"5")), body(b"whole")), sent)
    assert b"connection: close" in got
    assert got.endswith(b"\r\n\r\nwhole")


async def test_requests_that_come_together_are_answered_one_after_the_other():
    """RFC 9112 section 9.3.2, also where the first takes longest."""

    async def slow(scope, receive, send):
        await asyncio.sleep(0.3 if scope["path"] == "/1" else 0)
        content = scope["path"].encode()
        await send(start(200, (b"content-length", str(len(content)).encode())))
        await send(body(content))

    async with serving(slow) as (port, _), connected(port) as (reader, writer):
        writer.write(b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % number for number in (1, 2, 3)))
        assert [(await answered(reader))[1] for _ in range(3)] == [b"/1", b"/2", b"/3"]


async def test_a_path_is_decoded_and_a_query_is_not():
    async def tells(scope, receive, send):
        content = f"{scope['path']}|{scope['raw_path'].decode()}|{scope['query_string'].decode()}".encode()
        await send(start(200, (b"content-length", str(len(content)).encode())))
        await send(body(content))

    asked = "/a%20b/%C3%A4?filter=x%20eq%20%22y%22"
    async with serving(tells) as (port, _), connected(port) as (reader, writer):
        _, content = await exchange(reader, writer, b"", asked)
    assert content.decode() == "/a b/ä|/a%20b/%C3%A4|filter=x%20eq%20%22y%22"


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n"]
)
async def test_what_is_no_http_is_refused(sent):
    assert (await raw(echo, sent)).startswith(b"HTTP/1.1 400 ")


async def test_beyond_the_most_connections_requests_are_refused_and_then_connections(monkeypatch):
    monkeypatch.setattr(web, "MOST_CONNECTIONS", 5)
    monkeypatch.setattr(web, "_TOLD_SO", 3)
    async with serving() as (port, _):
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        assert (await exchange(*opened[0], b"in"))[0] == 200
        opened += [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(20):
            with suppress(ConnectionError):
                assert await reader.read() == b""
            assert (await _answer_to_get(*opened[-1])).startswith(b"HTTP/1.1 503 ")
        for _, each in [*opened, (reader, writer)]:
            each.close()


async def _answer_to_get(reader, writer):
    writer.write(GET)
    return await reader.read()


# ---------- answers at hand


@asynccontextmanager
async def serving_at_hand(asked=None):
    """`/quick` can be answered on the spot, and everything by the application, which says that it was it."""

    def at_hand(url, headers):
        if asked is not None:
            asked.append(url)
        return (b"content-length: 5\r\n\r\n", b"quick") if url == b"/quick" else None

    async def application(scope, receive, send):
        content = b"asked " + scope["path"].encode()
        await send(start(200, (b"content-length", str(len(content)).encode())))
        await send(body(content))

    listening = listening_socket("127.0.0.1", 0)
    stop = asyncio.Event()
    task = asyncio.create_task(HttpServer(application, listening, None, at_hand).serve(stop))
    try:
        yield listening.getsockname()[1], stop
    finally:
        stop.set()
        await task


async def test_what_is_at_hand_and_what_is_not_are_answered_in_their_order():
    """Also where they come together, and where the one before is still being answered."""
    slow = b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nslow"
    quick = b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n"
    async with serving_at_hand() as (port, _), connected(port) as (reader, writer):
        for together in ([quick], [quick, quick], [slow, quick, slow, quick], [quick, slow, slow, quick, quick]):
            writer.write(b"".join(together))
            got = [(await answered(reader))[1] for _ in together]
            ways = ([b"asked /slow"] if each is slow else [b"quick", b"asked /quick"] for each in together)
            assert all(each in way for each, way in zip(got, ways, strict=True)), got
        writer.write(quick)
        assert (await answered(reader))[1] == b"quick"


async def test_only_a_get_is_answered_on_the_spot():
    async with serving_at_hand() as (port, _), connected(port) as (reader, writer):
        for method in (b"POST", b"DELETE", b"OPTIONS", b"PUT"):
            writer.write(method + b" /quick HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            assert (await answered(reader))[1] == b"asked /quick"


async def test_very_many_requests_in_one_piece_are_all_answered():
    """The last of a packet is cut somewhere in its head."""
    sent = b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n"
    async with serving_at_hand() as (port, _), connected(port) as (reader, writer):
        writer.write(sent * 20_000)
        async with asyncio.timeout(60):
            for _ in range(20_000):
                assert (await answered(reader))[0] == 200


@pytest.mark.parametrize("sent", [b"GET /quick HTTP/1.1\r\nconnection: close\r\n\r\n", b"GET /quick HTTP/1.0\r\n\r\n"])
async def test_where_the_connection_is_to_be_closed_the_answer_says_so(sent):
    """RFC 9112 section 9.6."""
    async with serving_at_hand() as (port, _), connected(port) as (reader, writer):
        writer.write(sent)
        async with asyncio.timeout(20):
            assert b"connection: close" in await reader.read()


async def test_an_answer_on_the_spot_has_a_date_and_keeps_the_connection_for_its_time_only(monkeypatch):
    monkeypatch.setattr(web, "KEEP_ALIVE_S", 1)
    async with serving_at_hand() as (port, _), connected(port) as (reader, writer):
        writer.write(b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: ")
        async with asyncio.timeout(20):
            assert await reader.read() == b"quick"


async def test_a_server_that_stops_lets_go_of_connections_that_were_answered_on_the_spot():
    async with serving_at_hand() as (port, stop), connected(port) as (reader, writer):
        writer.write(b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await answered(reader))[1] == b"quick"
        stop.set()
        async with asyncio.timeout(20):
            assert await reader.read() == b""


async def test_what_is_at_hand_waits_for_a_client_that_fetches_nothing():
    """Answers are not piled up in memory for it."""
    asked: list[bytes] = []
    many = b"GET /quick HTTP/1.1\r\nhost: x\r\n\r\n" * 200_000
    async with serving_at_hand(asked) as (port, _), connected(port) as (reader, writer):
        reader._transport.pause_reading()
        writer.write(many)
        before = -1
        while len(asked) != before:
            before = len(asked)
            await asyncio.sleep(0.5)
        assert 0 < len(asked) < 190_000
        writer.transport.abort()
