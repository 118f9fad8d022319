"""A connector's own description, read from `manifest.toml` beside its code."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lastday.connectors.sdk.protocols import Capability
from lastday.model.errors import ManifestError


class ConfigField(BaseModel):
    """One key of `[app.NAME]` that this connector understands beside those every application has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    """`text`, `secret`, `boolean`, `integer`, `texts` or `table`."""
    required: bool = False
    help: str


class Limit(BaseModel):
    """A rate that some requests have beside the application's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    per_second: float = Field(gt=0)
    burst: float = Field(ge=1)


class Manifest(BaseModel):
    """What a connector is, what it needs and what each verb really does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    title: str
    config: dict[str, ConfigField]
    capabilities: frozenset[Capability]
    settle_s: float = Field(ge=0)
    """Longest life of a lost request plus the lag of reads: the second read-back comes no earlier."""
    read_lag_s: float = Field(ge=0, default=0)
    """How long a read may still show the old state after a success."""
    requests_per_s: float = Field(gt=0)
    limits: tuple[Limit, ...] = ()
    parallel: int = Field(ge=1)
    """Lanes: how many accounts are worked on at once."""
    verbs: dict[str, str]
    """For each verb in a sentence what it really does."""
    destroys: frozenset[str] = frozenset()
    """Verbs that cannot be undone."""
    losses: dict[str, tuple[str, ...]] = {}
    """For each verb that takes more than access, what it takes with it."""
    hand_over_first: tuple[str, ...] = ()
    """What must have a new owner before a leaver's operations, as this connector cannot give it one."""
    survives: tuple[str, ...] = ()
    """What stays alive after a leaver's operations, said plainly."""
    least_privilege: tuple[str, ...]
    quality: str = "bronze"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the connector in `folder`. Raises ManifestError naming the key that is wrong."""
    path = folder / "manifest.toml"
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        return Manifest.model_validate(content)
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as err:
        raise ManifestError(f"the manifest of connector {folder.name} cannot be used: {err}", where=str(path)) from err
