"""What Okta asks of a SCIM server before it is listed, restated: twelve requests with fifty-two claims (S-41).

Where the published collection lies beside the project, it is run as well, by the interpreter in okta_collection.py.
"""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.asking import Asking
from tests.conformance.okta_collection import run_collection

PUBLISHED = Path(__file__).parents[3] / "shared" / "scim" / "okta" / "Okta-SCIM-20-SPEC-Test.json"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"


def new_user(name: str) -> dict[str, Any]:
    return {
        "schemas": [USER],
        "userName": f"{name}@okta.example",
        "name": {"givenName": "Ada", "familyName": name},
        "emails": [{"primary": True, "value": f"{name}@okta.example", "type": "work"}],
        "displayName": f"Ada {name}",
        "active": True,
    }


@pytest.fixture
def seeded(okta: Asking) -> Mapping[str, Any]:
    """One person whom the server knows."""
    said = okta("POST", "/Users", new_user(secrets.token_hex(6)))
    assert said.status == 201, said.body
    return dict(said.body)


def test_the_first_page_of_one_user_is_a_list_with_counts_and_a_whole_user(okta, seeded):
    said = okta("GET", "/Users?count=1&startIndex=1")
    assert said.status == 200
    assert said.body["Resources"]
    assert LIST in said.body["schemas"]
    assert all(type(said.body[count]) is int for count in ("itemsPerPage", "startIndex", "totalResults"))
    first = said.body["Resources"][0]
    assert first["id"]
    assert first["userName"]


def test_a_user_is_read_whole_by_its_id(okta, seeded):
    said = okta("GET", f"/Users/{seeded['id']}")
    assert said.status == 200
    assert said.body["id"] == seeded["id"]
    assert said.body["name"] == seeded["name"]
    assert said.body["userName"] == seeded["userName"]
    assert said.body["active"] is True
    assert said.body["emails"][0]["value"] == seeded["emails"][0]["value"]


def test_a_name_that_nobody_has_is_an_empty_list(okta):
    said = okta("GET", "/Users?filter=userName%20eq%20%22abcdefgh%40atko.com%22")
    assert said.status == 200
    assert LIST in said.body["schemas"]
    assert said.body["totalResults"] == 0


def test_an_id_that_nobody_has_is_a_404_in_the_form_of_scim(okta):
    said = okta("GET", "/Users/00919288221112222")
    assert said.status == 404
    assert said.body["detail"]
    assert said.body["status"] == "404"
    assert ERROR in said.body["schemas"]


def test_a_new_user_comes_back_as_it_was_sent_with_an_id(okta):
    wanted = new_user(secrets.token_hex(6))
    said = okta("POST", "/Users", wanted)
    assert said.status == 201
    assert said.body["id"]
    assert said.body["active"] is True
    assert said.body["name"] == wanted["name"]
    assert said.body["userName"] == wanted["userName"]
    assert USER in said.body["schemas"]
    read = okta("GET", f"/Users/{said.body['id']}")
    assert read.status == 200
    assert (read.body["userName"], read.body["name"]) == (wanted["userName"], wanted["name"])


def test_the_same_user_again_is_a_409(okta, seeded):
    again = {name: value for name, value in seeded.items() if name not in ("id", "meta")}
    assert okta("POST", "/Users", again).status == 409


def test_a_user_name_is_found_in_capitals(okta, seeded):
    """RFC 7643 section 4.1.1: userName is not case exact."""
    said = okta("GET", f"/Users?filter=userName%20eq%20%22{seeded['userName'].upper()}%22")
    assert said.status == 200
    assert [user["id"] for user in said.body["Resources"]] == [seeded["id"]]


def test_groups_are_a_list(okta):
    said = okta("GET", "/Groups")
    assert said.status == 200
    assert said.body["totalResults"] == 0 or isinstance(said.body["Resources"], list)


def test_without_a_token_the_answer_is_a_401_in_the_form_of_scim(anonymous):
    said = anonymous("GET", "/Users?filter=userName%20eq%20%22X%22")
    assert said.status == 401
    assert said.body["detail"]
    assert said.body["status"] == "401"
    assert ERROR in said.body["schemas"]
    assert said.headers["www-authenticate"].startswith("Bearer")


if PUBLISHED.exists():  # it has no licence to be copied here; the tests above say the same

    def test_the_published_collection_holds_in_each_of_its_assertions(okta, anonymous, seeded):
        name = secrets.token_hex(6)
        known = {
            "InvalidUserEmail": "abcdefgh@atko.example",
            "UserIdThatDoesNotExist": "010101001010101011001010101011",
            "randomEmail": f"{name}@atko.example",
            "randomUsername": f"{name}@atko.example",
            "randomUsernameCaps": f"{name}@ATKO.example".upper(),
            "randomGivenName": "Runscope",
            "randomFamilyName": f"Okta{name}",
        }
        steps = json.loads(PUBLISHED.read_text(encoding="utf-8"))["steps"]
        checked = run_collection(steps, okta, anonymous, known)
        assert [one for one in checked if not one.holds] == []
        assert len(checked) == 52
