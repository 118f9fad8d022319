"""What is kept of a request and its answer: whole as far as it fits, without any credential."""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

MAX_KEPT = 16 * 1024
HIDDEN = "***"
_CREDENTIAL_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"})
_CREDENTIAL_FIELD = re.compile(
    r'("(?:password|passwd|secret|client_secret|token|access_token|refresh_token|api_key)"\s*:\s*)"(?:[^"\\]|\\.)*"?',
    re.IGNORECASE,
)


class Redaction:
    """Replaces the configured secrets, however they are written, and fields that are credentials by name."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in (secret, quote(secret, safe=""), _in_json(secret))}
        self._forms = sorted(forms, key=len, reverse=True)

    def text(self, text: str) -> str:
        """`text` without credentials, at most 16 KiB of it. Cutting comes last: half a secret is one too."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        text = _CREDENTIAL_FIELD.sub(rf'\1"{HIDDEN}"', text)
        encoded = text.encode("utf-8", errors="replace")
        return text if len(encoded) <= MAX_KEPT else encoded[:MAX_KEPT].decode("utf-8", errors="ignore")

    def message(self, headers: Mapping[str, str], body: bytes) -> str:
        """Headers and body as one text, without credentials."""
        lines = [
            f"{name}: {HIDDEN if name.lower() in _CREDENTIAL_HEADERS else value}" for name, value in headers.items()
        ]
        return self.text("\n".join(lines) + "\n\n" + body.decode("utf-8", errors="replace"))


def _in_json(secret: str) -> str:
    return json.dumps(secret)[1:-1]
