"""The same requests to our server and to scim2-server: every difference is on a list, with its clause (S-41).

scim2-server is the most exact of the others, and not always right; where the two differ, the RFC decides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.conformance import differential as generated
from tests.conformance.asking import Said

EXAMPLES = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A way in which the answers may differ."""

    name: str
    clause: str
    is_this: Callable[[generated.Request, Said, Said], bool]
    """Of a request, our answer and theirs."""


def _operations(request: generated.Request) -> list[dict[str, Any]]:
    return list(request.body["Operations"]) if request.method == "PATCH" else []


KNOWN: tuple[Difference, ...] = (
    Difference(
        name="a change is answered with the resource, not with nothing",
        clause="RFC 7644 section 3.5.2: 200 with the resource, or 204",
        is_this=lambda request, ours, theirs: request.method == "PATCH" and (ours.status, theirs.status) == (200, 204),
    ),
)
