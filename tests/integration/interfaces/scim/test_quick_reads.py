"""A read that is answered on the spot is answered as the application would answer it, or not at all."""

from dataclasses import dataclass
from itertools import product

import pytest

from lastday.interfaces.scim.application import ScimApplication
from lastday.interfaces.scim.cache import CachedResources
from lastday.interfaces.scim.clients import TokenClients
from lastday.interfaces.scim.cursors import CursorSeal
from lastday.interfaces.scim.limits import ScimLimits
from lastday.interfaces.scim.protocol.profiles import load_profile
from lastday.interfaces.scim.protocol.schema import Attribute, CustomSchema, Returned
from lastday.interfaces.scim.protocol.schema_set import SchemaSet
from lastday.interfaces.scim.quick_reads import QuickReads
from lastday.interfaces.scim.rates import ClientRates
from lastday.interfaces.scim.views import EVERYTHING, Views
from lastday.model.ids import SourceName
from lastday.model.scim import TokenScope
from lastday.store.scim_tokens import TokenOrder, make_token
from tests.integration.execution.pushes import GROUP, NOON, USER_SCHEMA, TickingClock, group, made, put, user, writer

IDP = SourceName("idp")
BASE_URL = "https://lastday.test/scim/v2"
URN = "urn:example:params:scim:schemas:extension:company:2.0:User"


@dataclass
class Provider:
    """One process's way to answer, whole and quick."""

    application: ScimApplication
    quick: QuickReads
    writer: object
    resources: CachedResources

    async def slow(self, url, headers):
        sent: list[dict[str, object]] = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        path, _, query = url.partition(b"?")
        scope = {
            "type": "http", "method": "GET", "path": path.decode(), "query_string": query, "headers": list(headers),
        }  # fmt: skip
        await self.application(scope, receive, send)
        return sent[0]["status"], sent[0]["headers"], sent[1]["body"]


def provider(database, schemas=None, now=None):
    schemas = schemas or SchemaSet.of()

    def case_exact(_source, kind):
        return schemas.kind(kind).case_exact_paths

    views, clock = Views(), TickingClock()
    resources = CachedResources(database, BASE_URL, case_exact)
    rates = ClientRates() if now is None else ClientRates(now)
    clients = TokenClients(database, clock, {IDP}, rates)
    pushing = writer(database, resources.committed)
    application = ScimApplication(
        resources=resources,
        writer=pushing,
        clients=clients,
        schemas=lambda _source: schemas,
        profiles=load_profile,
        base_url=BASE_URL,
        cursors=CursorSeal(b"k" * 32),
        limits=ScimLimits(),
        clock=clock,
    )
    quick = QuickReads(resources, clients, lambda _source, kind: views.shows(EVERYTHING, schemas.kind(kind)))
    return Provider(application, quick, pushing, resources)


async def token(database, name, scopes=frozenset(TokenScope), rate=1e6):
    order = TokenOrder(source=IDP, name=name, profile="strict", scopes=scopes, requests_per_s=rate)
    async with database.transaction() as tx:
        return (await make_token(tx, order, NOON)).secret.encode()


def head_of(answer):
    """Its headers, in their order, without the id of the request."""
    lines = answer.removesuffix(b"\r\n\r\n").split(b"\r\n")
    return [tuple(line.split(b": ", 1)) for line in lines if not line.startswith(b"x-request-id: req-")]


async def test_it_is_answered_to_the_byte_or_left_to_the_application(database):
    """Every address with every token and every header that could matter, with the resources in memory."""
    one = provider(database)
    ada = await made(one.writer, user("ada", title="ä"))
    staff = await made(one.writer, group("staff", ada.id), GROUP)
    may, only_writes = await token(database, "may"), await token(database, "w", frozenset({TokenScope.WRITE}))
    urls = [
        *(f"/scim/v2/{kind}/{one.id}".encode() for kind in ("Users", "Groups", "users") for one in (ada, staff)),
        f"/scim/v2/Users/{ada.id}/".encode(),
        f"/scim/v2/Users/{ada.id}?attributes=userName".encode(),
        f"/scim/v2/Users/{ada.id}?".encode(),
        f"/scim/v2//Users/{ada.id}".encode(),
        b"/scim/v2/Users/" + b"x" * 36,
        b"/scim/v2/Users",
        b"/scim/v2/Users/.search",
    ]
    tokens = [
        [(b"authorization", b"Bearer " + may)],
        [(b"authorization", b"bearer  " + may)],
        [(b"authorization", b"Bearer " + only_writes)],
        [(b"authorization", b"Bearer " + may[:-1])],
        [(b"authorization", b"Bearer " + may), (b"authorization", b"Bearer " + may)],
        [(b"authorization", b"Basic " + may)],
        [],
    ]
    others = [
        (b"accept", b"application/scim+json"),
        (b"accept", b"application/json"),
        (b"accept", b"text/html"),
        (b"accept", b""),
        (b"if-none-match", b'W/"1"'),
        (b"if-none-match", b'W/"2"'),
        (b"if-match", b'W/"1"'),
        (b"if-match", b"*"),
        (b"x-request-id", b"mine"),
        (b"content-type", b"application/json"),
        (b"user-agent", b"Okta SCIM Client 1.0.0"),
        (b"prefer", b"return=minimal"),
        (b"content-length", b"5"),
        (b"x-unheard-of", b"?"),
    ]
    at_once = 0
    for url, authorization, other in product(urls, tokens, [None, *others]):
        headers = [(b"host", b"lastday.test"), *authorization, *([] if other is None else [other])]
        status, expected, body = await one.slow(url, headers)
        answer = one.quick.at_hand(url, headers)
        if answer is None:
            continue
        at_once += 1
        wanted = [pair for pair in expected if pair[0] != b"x-request-id"]
        assert (200, wanted, body) == (status, head_of(answer[0]), answer[1]), (url, headers)
        assert len(head_of(answer[0])) == len(expected) - 1
    assert at_once == 2 * 4, "both resources by their own address: plainly, by what it accepts, and with idle headers"


async def test_an_attribute_that_is_shown_on_request_only_is_not_shown(database):
    extension = CustomSchema(urn=URN, name="company", attributes=(Attribute(name="pin", returned=Returned.REQUEST),))
    one = provider(database, SchemaSet.of([extension]))
    ada = await made(one.writer, {**user("ada"), "schemas": [USER_SCHEMA, URN], URN: {"pin": "1234"}})
    headers = [(b"authorization", b"Bearer " + await token(database, "may"))]
    url = f"/scim/v2/Users/{ada.id}".encode()
    _, _, body = await one.slow(url, headers)
    found = one.quick.at_hand(url, headers)
    assert found is not None
    assert found[1] == body
    assert b"1234" not in body


async def test_nothing_is_answered_on_the_spot_before_it_is_known_to_be_true(database):
    """Neither a resource nor a token that was not looked up within the last second; after a write what was written."""
    other = provider(database)
    ada = await made(other.writer, user("ada"))
    one = provider(database)
    headers = [(b"authorization", b"Bearer " + await token(database, "may"))]
    url = f"/scim/v2/Users/{ada.id}".encode()
    assert one.quick.at_hand(url, headers) is None
    await one.slow(url, headers)
    assert one.quick.at_hand(url, headers) is not None
    written = await one.writer.write(put(ada, title="new"))
    found = one.quick.at_hand(url, headers)
    assert found is not None
    assert found[1] == one.resources.rendered(written.after).content
    one.resources._sources[IDP].checked.expire()
    assert one.quick.at_hand(url, headers) is None


@pytest.mark.parametrize("way", ["slow", "quick"])
async def test_a_rate_is_used_up_by_either_way(database, way):
    """Exactly once for each answer; beyond it the application says 429."""
    one = provider(database, now=lambda: 1000.0)
    ada = await made(one.writer, user("ada"))
    headers = [(b"authorization", b"Bearer " + await token(database, "slow", rate=0.5))]
    url = f"/scim/v2/Users/{ada.id}".encode()
    answered = 0
    for _ in range(10):
        found = one.quick.at_hand(url, headers) if way == "quick" and answered else None
        answered += found is not None or (await one.slow(url, headers))[0] == 200
    assert answered == 5
    assert one.quick.at_hand(url, headers) is None
    assert (await one.slow(url, headers))[0] == 429
