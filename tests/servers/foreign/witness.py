"""Asks a foreign SCIM server in its own words, without anything of ours between."""

from typing import Any

import httpx

from tests.servers.foreign import ForeignServer

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Witness:
    """Makes what a test needs, and sees what really is there."""

    def __init__(self, server: ForeignServer) -> None:
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/scim+json"}
        self._client = httpx.Client(base_url=server.url, headers=headers, timeout=30)

    def make_user(self, name: str, **more: object) -> str:
        """The id of a new user."""
        names = {"formatted": name.title(), "givenName": name.title(), "familyName": "Example"}
        body = {"schemas": [USER], "userName": name, "name": names, "active": True, **more}
        return str(self._made("/Users", body)["id"])

    def make_group(self, name: str, *members: str, **more: object) -> str:
        """The id of a new group with these users."""
        base = str(self._client.base_url).rstrip("/")
        listed = [{"value": member, "$ref": f"{base}/Users/{member}"} for member in members]
        return str(self._made("/Groups", {"schemas": [GROUP], "displayName": name, "members": listed, **more})["id"])

    def user(self, native_id: str) -> dict[str, Any] | None:
        """The user as the server shows it; None after its 404."""
        answer = self._client.get(f"/Users/{native_id}")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def members(self, group: str) -> list[str]:
        """What the server calls the members of the group."""
        answer = self._client.get(f"/Groups/{group}")
        answer.raise_for_status()
        return [str(member["value"]) for member in answer.json().get("members") or []]

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """The server's answer to any request."""
        return self._client.request(method, path, json=body)

    def close(self) -> None:
        self._client.close()

    def _made(self, path: str, body: object) -> dict[str, Any]:
        answer = self._client.post(path, json=body)
        if answer.status_code != 201:
            raise AssertionError(f"{path} was answered {answer.status_code}: {answer.text[:500]}")
        found: dict[str, Any] = answer.json()
        return found
