"""The same requests to our server and to scim2-server: every difference is on a list, with its clause (S-41).

scim2-server is the most exact of the others, and not always right; where the two differ, the RFC decides.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conformance import differential as generated
from tests.conformance.asking import Asking, Said
from tests.conformance.differential import PATCH, Request
from tests.servers.lastday_server import LastdayServer
from tests.servers.scim import ScimServer

EXAMPLES = 150
LEAVER = {"displayName": "Ada", "active": False, generated.ENTERPRISE: {"department": "Books"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A way in which the answers may differ, and a request that shows it."""

    clause: str
    is_this: Callable[[Request, Any, Any], bool]
    """Of a request, our answer and theirs, as far as they are compared."""
    shown_by: Request


def _compares_unequal(request: Request, ours: Any, theirs: Any) -> bool:
    return request.method == "GET" and " ne " in unquote(request.path)


def _lacks_schemas(request: Request, ours: Any, theirs: Any) -> bool:
    return (
        request.method == "POST" and "schemas" not in request.body and (ours["status"], theirs["status"]) == (400, 201)
    )


def _is_no_patch(request: Request, ours: Any, theirs: Any) -> bool:
    if request.method != "PATCH" or (ours["status"], theirs["status"]) != (400, 400):
        return False
    operations = request.body["Operations"]
    types = (ours["body"].get("scimType"), theirs["body"].get("scimType"))
    unheard = any(operation["op"] not in ("add", "replace", "remove") for operation in operations)
    return (unheard or not operations) and types == ("invalidSyntax", "invalidValue")


def _shows_a_part(request: Request, ours: Any, theirs: Any) -> bool:
    without = [{k: v for k, v in (answer["body"] or {}).items() if k != "schemas"} for answer in (ours, theirs)]
    return request.method == "GET" and "ttributes=" in request.path and without[0] == without[1]


def _fails_more_than_once(request: Request, ours: Any, theirs: Any) -> bool:
    several = request.method == "PATCH" and len(request.body["Operations"]) > 1
    if not several or (ours["status"], theirs["status"]) != (400, 400):
        return False
    return bool(ours["body"].get("scimType") != theirs["body"].get("scimType"))


KNOWN = {
    "`ne` is false where there is no value": Difference(
        clause="RFC 7644 table 3: `ne` compares a value; without one there is nothing to compare (ADR 0006)",
        is_this=_compares_unequal,
        shown_by=Request(method="GET", path="/Users?filter=title%20ne%20%22x%22"),
    ),
    "a resource without schemas is refused": Difference(
        clause='RFC 7643 section 3: "schemas" is REQUIRED',
        is_this=_lacks_schemas,
        shown_by=Request(method="POST", path="/Users", body={"userName": "schemaless"}),
    ),
    "no operation, or one that is none, is a wrong message and not a wrong value": Difference(
        clause="RFC 7644 section 3.12, table 9: invalidSyntax is of the message, invalidValue of an attribute",
        is_this=_is_no_patch,
        shown_by=Request(method="PATCH", path="/Users/{id}", body={"schemas": [PATCH], "Operations": []}),
    ),
    "`schemas` says what the resource has, whatever part is shown": Difference(
        clause="RFC 7643 section 3: schemas names the namespaces of the resource; always returned",
        is_this=_shows_a_part,
        shown_by=Request(method="GET", path="/Users/{id}?attributes=displayName"),
    ),
    "of several operations that fail the first is answered": Difference(
        clause="RFC 7644 section 3.5.2: operations are applied in their order; scim2-server looks at values first",
        is_this=_fails_more_than_once,
        shown_by=Request(
            method="PATCH",
            path="/Users/{id}",
            body={
                "schemas": [PATCH],
                "Operations": [
                    {"op": "replace", "path": 'emails[type eq "work"].value', "value": "new@b.example"},
                    {"op": "replace", "path": "userName", "value": None},
                ],
            },
        ),
    ),
}


@pytest.fixture(scope="module")
def ours() -> Iterator[Asking]:
    """A server of its own: lists must show nobody whom other tests made."""
    with LastdayServer() as running:
        asking = Asking(url=running.url, token=running.token("strict"))
        yield asking
        asking.close()


@pytest.fixture(scope="module")
def theirs() -> Iterator[Asking]:
    with ScimServer() as running:
        asking = Asking(url=running.url, token=running.token)
        yield asking
        asking.close()


@dataclass(frozen=True, slots=True)
class Both:
    """The same user at both servers."""

    ours: Asking
    theirs: Asking
    our_id: str
    their_id: str

    def answers_to(self, request: Request) -> tuple[Any, Any]:
        """What both say; after a change that both made, what both have then."""
        ours, theirs = request.sent_to(self.ours, self.our_id), request.sent_to(self.theirs, self.their_id)
        _forget(self.ours, ours)
        _forget(self.theirs, theirs)
        if request.method in ("PATCH", "PUT") and ours.status < 300 and theirs.status < 300:
            ours, theirs = self.ours("GET", f"/Users/{self.our_id}"), self.theirs("GET", f"/Users/{self.their_id}")
        return generated.comparable(ours), generated.comparable(theirs)


def _forget(asking: Asking, said: Said) -> None:
    """What a request made is gone before the next."""
    if said.status == 201:
        asking("DELETE", f"/Users/{said.body['id']}")


@contextmanager
def user_at_both(ours: Asking, theirs: Asking, attributes: dict[str, Any]) -> Iterator[Both]:
    body = generated.new_user(attributes)
    mine, other = ours("POST", "/Users", body), theirs("POST", "/Users", body)
    assert generated.comparable(mine) == generated.comparable(other)
    assert mine.status == 201
    try:
        yield Both(ours, theirs, mine.body["id"], other.body["id"])
    finally:
        _forget(ours, mine)
        _forget(theirs, other)


@pytest.mark.real("scim2-server")
def test_every_difference_is_known(ours, theirs):
    @settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(generated.attributes, generated.stories)
    def told(attributes: dict[str, Any], story: list[Request]) -> None:
        with user_at_both(ours, theirs, attributes) as both:
            for request in story:
                mine, other = both.answers_to(request)
                if mine != other:
                    assert any(known.is_this(request, mine, other) for known in KNOWN.values()), (request, mine, other)
                    if request.method != "GET":
                        return  # the two are no longer the same

    told()


@pytest.mark.real("scim2-server")
@pytest.mark.parametrize("name", KNOWN)
def test_a_known_difference_is_there(ours, theirs, name):
    """A difference that went away leaves the list."""
    with user_at_both(ours, theirs, LEAVER) as both:
        mine, other = both.answers_to(KNOWN[name].shown_by)
    assert mine != other
    assert KNOWN[name].is_this(KNOWN[name].shown_by, mine, other)
