"""What the configuration must know of a connector: the keys it understands. Filled from the manifests by app.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class KeyType(StrEnum):
    TEXT = "text"
    SECRET = "secret"  # noqa: S105 - the name of a type of key, not a secret
    BOOLEAN = "boolean"
    INTEGER = "integer"
    TEXTS = "texts"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorKey:
    type: KeyType
    required: bool = False


def _fits(_connection: Mapping[str, object]) -> None:
    """Any keys go together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorKeys:
    """The keys of `[app.NAME]` that belong to one connector, and what it can do (`creates_accounts`)."""

    fields: Mapping[str, ConnectorKey]
    capabilities: frozenset[str] = frozenset()
    refuse_unfit: Callable[[Mapping[str, object]], object] = _fits
    """Raises ConfigurationError where the keys of one connection do not go together or name what is not known."""
