"""The users that every server holds, and what every server is asked."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from bench.scim_load import Asked

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
PAGE = 100
_STEP = 37
"""Neither 2 nor 5 divides it: steps of it come by every one of 500 users before any comes again."""
_AS_CLIENTS_DO = {"Accept": "application/scim+json", "Accept-Encoding": "gzip", "User-Agent": "bench/1"}
_DEPARTMENTS = ("Robotics", "Finance", "People", "Field Service", "Research")


class Work(StrEnum):
    GET = "GET by id"
    FILTER = "filter userName eq"
    EXTERNAL = "filter externalId eq"
    LIST = "list 100"
    PATCH = "PATCH active"
    CREATE = "POST create"


@dataclass(slots=True, kw_only=True)
class Place:
    """Where a server is, who is in it, and how far it has been asked."""

    url: str
    token: str
    ids: list[str] = field(default_factory=list)
    """Of user 0, user 1 and so on."""
    made: int = 0
    patched: int = 0

    headers: Mapping[str, str] = field(default_factory=lambda: dict(_AS_CLIENTS_DO))

    def asked(self, method: str, path: str, body: object = None) -> Asked:
        content = b"" if body is None else json.dumps(body).encode()
        return Asked.of(method, self.url + path, token=self.token, body=content, headers=self.headers)


Questions: TypeAlias = Callable[[Place], Iterator[Asked]]


def user_name(number: int) -> str:
    return f"person.{number:05d}@northwind.example"


def external_id(number: int) -> str:
    return f"hr-{number:06d}"


def user(number: int) -> dict[str, Any]:
    """A user whose representation is about 1 KB."""
    given, family, home = f"Ada{number}", f"Lovelace{number}", f"ada{number}@home.example"
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": external_id(number),
        "userName": user_name(number),
        "name": {"formatted": f"Ms. {given} B. {family}", "familyName": family, "givenName": given},
        "displayName": f"{given} {family}",
        "title": "Senior Engineer",
        "userType": "Employee",
        "preferredLanguage": "en-GB",
        "locale": "en-GB",
        "timezone": "Europe/Berlin",
        "active": True,
        "emails": [{"value": user_name(number), "type": "work", "primary": True}, {"value": home, "type": "home"}],
        "phoneNumbers": [{"value": f"tel:+49-30-{number:07d}", "type": "work"}],
        "addresses": [
            {
                "type": "work",
                "streetAddress": f"{number} Harbour Street",
                "locality": "Berlin",
                "postalCode": "10115",
                "country": "DE",
            }
        ],
        ENTERPRISE: {
            "employeeNumber": f"{number:06d}",
            "costCenter": "4130",
            "organization": "Northwind Robotics",
            "department": _DEPARTMENTS[number % len(_DEPARTMENTS)],
        },
    }


def seed(place: Place, users: int) -> None:
    """The users are there. Raises RuntimeError where the server refuses one."""
    with client_of(place) as client:
        for number in range(users):
            answer = client.post("/Users", json=user(number))
            if answer.status_code != 201:
                raise RuntimeError(f"{place.url}: user {number} was answered {answer.status_code}: {answer.text[:300]}")
            place.ids.append(str(answer.json()["id"]))
    place.made = users


def client_of(place: Place) -> httpx.Client:
    headers = {"Authorization": f"Bearer {place.token}", "Content-Type": "application/scim+json"}
    return httpx.Client(base_url=place.url, headers=headers, timeout=60)


def _every_user(place: Place) -> Iterator[int]:
    return (at * _STEP % len(place.ids) for at in itertools.count())


def _gets(place: Place) -> Iterator[Asked]:
    ready = [place.asked("GET", f"/Users/{one}") for one in place.ids]
    return (ready[number] for number in _every_user(place))


def _filters(place: Place, path_of: Callable[[int], str]) -> Iterator[Asked]:
    ready = [place.asked("GET", path_of(number)) for number in range(len(place.ids))]
    return (ready[number] for number in _every_user(place))


def by_name(number: int) -> str:
    return "/Users?filter=" + quote(f'userName eq "{user_name(number)}"')


def by_external_id(number: int) -> str:
    return "/Users?filter=" + quote(f'externalId eq "{external_id(number)}"')


def page_from(start: int) -> str:
    return f"/Users?startIndex={start}&count={PAGE}"


def _lists(place: Place) -> Iterator[Asked]:
    starts = range(1, max(len(place.ids) - PAGE + 1, 1) + 1, PAGE)
    return itertools.cycle([place.asked("GET", page_from(start)) for start in starts])


def _patches(place: Place) -> Iterator[Asked]:
    """Each of them changes something: off all round, then on all round."""
    while True:
        number, place.patched = place.patched * _STEP % len(place.ids), place.patched + 1
        active = (place.patched - 1) // len(place.ids) % 2 == 1
        yield place.asked("PATCH", f"/Users/{place.ids[number]}", switched(active=active))


def switched(*, active: bool) -> dict[str, Any]:
    return {"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "active", "value": active}]}


def _creates(place: Place) -> Iterator[Asked]:
    while True:
        place.made += 1
        yield place.asked("POST", "/Users", user(place.made))


QUESTIONS: dict[Work, Questions] = {
    Work.GET: _gets,
    Work.FILTER: lambda place: _filters(place, by_name),
    Work.EXTERNAL: lambda place: _filters(place, by_external_id),
    Work.LIST: _lists,
    Work.PATCH: _patches,
    Work.CREATE: _creates,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What one request showed."""

    wrong: str = ""
    """In a few words; empty where it had the right effect."""
    in_part: bool = False
    """It does less than it was asked for, which can be measured all the same."""


def tried(place: Place, work: Work) -> Trial:
    """Whether the server can do this work."""
    with client_of(place) as client:
        return _TRIALS[work](client, place)


def _try_get(client: httpx.Client, place: Place) -> Trial:
    answer = client.get(f"/Users/{place.ids[0]}")
    return Trial(_unlike(answer, 200) or ("" if answer.json()["userName"] == user_name(0) else "another user"))


def _try_filter(client: httpx.Client, place: Place, path_of: Callable[[int], str]) -> Trial:
    answer = client.get(path_of(1))
    if wrong := _unlike(answer, 200):
        return Trial(wrong)
    found = [str(one["id"]) for one in answer.json().get("Resources", [])]
    return Trial("" if found == place.ids[1:2] else f"finds {len(found)} users")


def _try_list(client: httpx.Client, place: Place) -> Trial:
    answer = client.get(page_from(1))
    if wrong := _unlike(answer, 200):
        return Trial(wrong)
    found, wanted = len(answer.json().get("Resources", [])), min(PAGE, len(place.ids))
    return Trial() if found == wanted else Trial(f"answers {found} of {wanted}", in_part=found > 0)


def _try_patch(client: httpx.Client, place: Place) -> Trial:
    path = f"/Users/{place.ids[0]}"
    for active in (False, True):
        if wrong := _unlike(client.patch(path, json=switched(active=active)), 200, 204):
            return Trial(wrong)
        if client.get(path).json()["active"] is not active:
            return Trial("has no effect")
    return Trial()


def _try_create(client: httpx.Client, place: Place) -> Trial:
    place.made += 1
    answer = client.post("/Users", json=user(place.made))
    return Trial(_unlike(answer, 201) or _unlike(client.get(f"/Users/{answer.json()['id']}"), 200))


_TRIALS: dict[Work, Callable[[httpx.Client, Place], Trial]] = {
    Work.GET: _try_get,
    Work.FILTER: lambda client, place: _try_filter(client, place, by_name),
    Work.EXTERNAL: lambda client, place: _try_filter(client, place, by_external_id),
    Work.LIST: _try_list,
    Work.PATCH: _try_patch,
    Work.CREATE: _try_create,
}


def _unlike(answer: httpx.Response, *statuses: int) -> str:
    return "" if answer.status_code in statuses else f"answers {answer.status_code}"
