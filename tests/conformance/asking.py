"""Asks a SCIM server over a real socket, as any client would."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

SCIM_JSON = "application/scim+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the server answered."""

    status: int
    headers: httpx.Headers
    body: Any
    elapsed_ms: float


@dataclass(slots=True, kw_only=True)
class Asking:
    """One client with one token."""

    url: str
    token: str | None
    headers: dict[str, str] = field(default_factory=dict)
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20, trust_env=False))

    def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Said:
        """The answer to `method path`; header names are written with underscores."""
        sent = {"Accept": SCIM_JSON, "Content-Type": SCIM_JSON, **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        content = None if body is None else json.dumps(body).encode()
        answer = self._client.request(method, self.url + path, headers=sent, content=content)
        return Said(
            status=answer.status_code,
            headers=answer.headers,
            body=json.loads(answer.content) if answer.content else None,
            elapsed_ms=answer.elapsed.total_seconds() * 1000,
        )

    def close(self) -> None:
        self._client.close()
