"""Chat and tickets: two servers that speak SCIM, each its own process on its own port."""

import http.client
import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from lastday.interfaces.cli.demo.applications import Answer, Asked
from lastday.interfaces.cli.demo.company import Person, keep_secret
from lastday.interfaces.cli.demo.processes import (
    LOOPBACK,
    Interruptions,
    NotStarted,
    end,
    free_port,
    launch,
    wait_until_it_listens,
)

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_TIMEOUT_S = 20
NO_GROUPS: Mapping[str, str] = MappingProxyType({})


class ScimApplication:
    """scim2-server of the python-scim project, started and seeded over its own protocol."""

    def __init__(
        self, name: str, folder: Path, *, groups: Mapping[str, str] = NO_GROUPS, unowned: Sequence[Person] = ()
    ) -> None:
        """`groups` maps a group's name to the property of a person that puts them into it.

        `unowned` have an account although no HR file knows them.
        """
        self.name = name
        self.token = secrets.token_urlsafe(24)
        self.port = free_port()
        self._groups = groups
        self._unowned = unowned
        self._log = folder / "logs" / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        keep_secret(folder, name, self.token)

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/v2"

    @property
    def described(self) -> str:
        return f"SCIM server, {self.address}, process {self._process.pid if self._process else '-'}"

    def start(self, interruptions: Interruptions) -> None:
        """It takes requests. Raises NotStarted."""
        with interruptions.held():
            program = [sys.executable, "-P", "-m", "lastday.interfaces.cli.demo.scim_process", str(self.port)]
            self._process = launch(program, self._log)
            assert self._process.stdin is not None, "launch opened it"
            self._process.stdin.write(f"{self.token}\n".encode())
            self._process.stdin.flush()
        wait_until_it_listens(self.name, self._process, self.port, self._log)

    def seed(self, people: Sequence[Person]) -> None:
        """Accounts and groups exist, those that nobody owns among them."""
        ids = {person.number: self._make("Users", _user(person)) for person in (*people, *self._unowned)}
        for group, wanted in self._groups.items():
            members = [{"value": ids[p.number], "type": "User"} for p in people if getattr(p, wanted)]
            self._make("Groups", {"schemas": [f"{_CORE}Group"], "displayName": group, "members": members})

    def ask(self, person: Person) -> Asked:
        """GETs with the application's own token: the account by name, and every group."""
        found = self._get(f"/Users?filter={quote(f'userName eq {json.dumps(person.mail)}')}")
        accounts = found.get("Resources") or []
        groups = [
            str(group["displayName"])
            for group in self._get("/Groups").get("Resources") or []
            if any(member["value"] == account["id"] for member in group.get("members") or () for account in accounts)
        ]
        state = f"active: {json.dumps(accounts[0].get('active'))}" if accounts else "not there"
        answers = [Answer("GET /Users?filter=userName eq …", state)]
        if self._groups:
            answers.append(Answer("GET /Groups, member of", ", ".join(groups) or "none"))
        inside = bool(groups) or any(account.get("active") for account in accounts)
        return Asked(application=self.name, answers=tuple(answers), inside=inside)

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None

    def _make(self, kind: str, body: Mapping[str, object]) -> str:
        return str(self._request("POST", f"/{kind}", json.dumps(body))["id"])

    def _get(self, path: str) -> dict[str, Any]:
        return self._request("GET", path, None)

    def _request(self, method: str, path: str, body: str | None) -> dict[str, Any]:
        """Plain HTTP, without any code of Lastday between."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        try:
            connection.request(method, f"/v2{path}", body, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise NotStarted(f"{self.name} answered {answer.status} to {method} {path}: {content[:200]!r}")
        found: dict[str, Any] = json.loads(content)
        return found


def _user(person: Person) -> dict[str, object]:
    return {
        "schemas": [f"{_CORE}User"],
        "userName": person.mail,
        "externalId": person.number,
        "displayName": person.name,
        "active": True,
        "emails": [{"value": person.mail, "primary": True}],
    }
