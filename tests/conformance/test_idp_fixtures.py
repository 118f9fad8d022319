"""Requests as Entra ID and Okta were recorded to send them, over a real socket: each does what its sender means (S-41).

The recordings are data of elimity-com/scim (see the notice beside them). Ids in them stand for resources that the
tests make first.
"""

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.asking import Asking, Said

RECORDED = Path(__file__).parents[1] / "data" / "idp-fixtures"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def recorded(name: str, **known: str) -> dict[str, Any]:
    """A recorded request; ids that it mentions are replaced by those that `known` gives."""
    text = (RECORDED / f"{name}.json").read_text(encoding="utf-8")
    for old, new in known.items():
        text = text.replace(old.removeprefix("id_").replace("_", "-"), new)
    return dict(json.loads(text))


def send(asking: Asking, request: dict[str, Any]) -> Said:
    return asking(request["method"], request["path"], request.get("request"))


@pytest.fixture
def name() -> str:
    return f"n{secrets.token_hex(5)}"


def made(asking: Asking, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
    said = asking("POST", f"/{endpoint}", body)
    assert said.status == 201, said.body
    return dict(said.body)


def person(asking: Asking, name: str) -> dict[str, Any]:
    emails = [{"primary": True, "type": "work", "value": f"{name}@old.example"}]
    names = {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "givenName"}
    body = {"schemas": [USER], "userName": name, "active": True, "emails": emails, "name": names}
    return made(asking, "Users", body)


def team(asking: Asking, name: str, *members: str) -> dict[str, Any]:
    return made(asking, "Groups", {"schemas": [GROUP], "displayName": name, "members": [{"value": m} for m in members]})


def members_of(asking: Asking, group: str) -> list[str]:
    return sorted(member["value"] for member in asking("GET", f"/Groups/{group}").body.get("members", []))


class TestEntra:
    def test_a_user_is_made_whole_without_its_empty_roles(self, entra):
        request = recorded("azuread/create_user")
        request["request"]["userName"] += secrets.token_hex(4)
        said = send(entra, request)
        assert said.status == 201
        read = entra("GET", f"/Users/{said.body['id']}").body
        wanted = request["request"]
        for attribute in ("externalId", "userName", "active", "emails", "name"):
            assert read[attribute] == wanted[attribute]
        assert not read.get("roles")

    def test_a_group_is_made_and_found_by_its_name(self, entra, name):
        request = recorded("azuread/create_group")
        request["request"]["displayName"] = name
        said = send(entra, request)
        assert said.status == 201
        assert said.body["externalId"] == request["request"]["externalId"]
        query = recorded("azuread/get_group_dn")
        query["path"] = query["path"].replace("displayName%22", f"{name}%22").replace("%22displayName", f"%22{name}")
        assert [group["id"] for group in send(entra, query).body["Resources"]] == [said.body["id"]]

    def test_a_group_is_read_by_its_id(self, entra, name):
        group = team(entra, name)
        said = entra("GET", recorded("azuread/get_group")["path"].replace("40734ae655284ad3abcc", group["id"]))
        assert (said.status, said.body["displayName"]) == (200, name)

    def test_the_test_of_the_connection_finds_nobody_and_is_well(self, entra):
        said = send(entra, recorded("azuread/get_user_query_0"))
        assert (said.status, said.body["totalResults"]) == (200, 0)
        assert said.body.get("Resources", []) == []

    def test_a_user_is_found_by_name_and_read_by_id(self, entra, name):
        user = person(entra, name)
        query = recorded("azuread/get_user_query_resp")
        said = entra("GET", query["path"].replace("Test_User_dfeef4c5-5681-4387-b016-bdf221e82081", name))
        assert [found["id"] for found in said.body["Resources"]] == [user["id"]]
        by_id = recorded("azuread/get_user_resp")["path"].replace("5d48a0a8e9f04aa38008", user["id"])
        assert entra("GET", by_id).body["userName"] == name

    def test_mail_names_and_active_are_changed_and_nothing_else(self, entra, name):
        user = person(entra, name)
        request = recorded("azuread/update_user")
        request["path"] = f"/Users/{user['id']}"
        request["request"]["Operations"][2]["value"] = f"{name}@new.example"
        assert send(entra, request).status in (200, 204)
        read = entra("GET", f"/Users/{user['id']}").body
        assert read["emails"] == [{"primary": True, "type": "work", "value": "updatedEmail@microsoft.com"}]
        assert read["name"]["familyName"] == "updatedFamilyName"
        assert read["name"]["givenName"] == "givenName"
        assert read["userName"] == f"{name}@new.example"
        assert read["active"] is False

    def test_a_member_that_was_removed_by_value_takes_nobody_along(self, entra, name):
        stays, goes = person(entra, name), person(entra, f"{name}x")
        group = team(entra, name, stays["id"])
        request = recorded("azuread/update_group", f648f8d5ea4e4cd38e9c=goes["id"])
        request["path"] = f"/Groups/{group['id']}"
        assert send(entra, request).status == 204
        assert members_of(entra, group["id"]) == [stays["id"]]
        said = entra("GET", f"/Groups/{group['id']}?excludedAttributes=members")
        assert said.body["displayName"] == request["request"]["Operations"][0]["value"]
        assert "members" not in said.body


class TestOkta:
    def test_a_user_is_made_and_its_password_shown_to_nobody(self, okta, name):
        request = recorded("okta/create_user")
        request["request"]["userName"] = name
        said = send(okta, request)
        assert said.status == 201
        assert "password" not in said.body
        assert request["request"]["password"] not in json.dumps(okta("GET", f"/Users/{said.body['id']}").body)

    def test_whether_a_user_exists_is_asked_first(self, okta):
        said = send(okta, recorded("okta/user_exists"))
        assert (said.status, said.body["totalResults"], said.body["startIndex"]) == (200, 0, 1)

    def test_a_user_is_read_and_replaced_whole(self, okta, name):
        user = person(okta, name)
        path = f"/Users/{user['id']}"
        assert okta("GET", path).body["userName"] == name
        request = recorded("okta/update_user")
        request["path"], request["request"]["id"], request["request"]["userName"] = path, user["id"], name
        said = send(okta, request)
        assert said.status == 200
        assert okta("GET", path).body["name"] == request["request"]["name"]

    def test_a_user_is_switched_off_without_a_path(self, okta, name):
        user = person(okta, name)
        request = recorded("okta/update_user_patch")
        request["path"] = f"/Users/{user['id']}"
        assert send(okta, request).status == 200
        assert okta("GET", f"/Users/{user['id']}").body["active"] is False

    def test_a_group_is_made_read_and_renamed(self, okta, name):
        request = recorded("okta/create_group")
        request["request"]["displayName"] = name
        group = send(okta, request)
        assert group.status == 201
        path = f"/Groups/{group.body['id']}"
        assert okta("GET", path).body["displayName"] == name
        renaming = recorded("okta/update_group_name")
        renaming["path"], renaming["request"]["Operations"][0]["value"]["id"] = path, group.body["id"]
        assert send(okta, renaming).status == 200
        assert okta("GET", path).body["displayName"] == "Test SCIMv2"

    def test_members_are_removed_added_and_replaced_in_one_request(self, okta, name):
        one, two, other = (person(okta, f"{name}{n}") for n in (1, 2, 3))
        group = team(okta, name, two["id"], other["id"])
        request = recorded(
            "okta/update_group_membership",
            id_23a35c27_23d3_4c03_b4c5_6443c09e7173=one["id"],
            id_89bb1940_b905_4575_9e7f_6f887cfb368e=two["id"],
        )
        request["path"] = f"/Groups/{group['id']}"
        assert send(okta, request).status == 200
        assert members_of(okta, group["id"]) == sorted([one["id"], two["id"]])
