"""Which kinds of connector there are: every folder beside the SDK that has a manifest, and installed plug-ins."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import TypeAlias

import lastday.connectors
from lastday.connectors.sdk.manifest import Manifest, read_manifest
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import Connector, capabilities_of
from lastday.model.errors import ManifestError

ENTRY_POINT_GROUP = "lastday.connectors"

OpenConnector: TypeAlias = Callable[[ConnectorSettings, Ports], Awaitable[Connector]]
Describe: TypeAlias = Callable[[Manifest, Mapping[str, object]], Manifest]
"""What the manifest says of one connection, by the keys of its `[app.NAME]`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorKind:
    """One kind of connector: what it says of itself, its class, and how one is opened."""

    id: str
    manifest: Manifest
    connector_class: type[Connector]
    open: OpenConnector
    describe: Describe | None = None
    """Where what a verb does depends on the application behind it."""

    def manifest_of(self, connection: Mapping[str, object]) -> Manifest:
        """What holds for one connection. Raises ConfigurationError where its keys name nothing that is known."""
        return self.manifest if self.describe is None else self.describe(self.manifest, connection)


def catalogue() -> Mapping[str, ConnectorKind]:
    """Every kind of connector by its id.

    Raises ManifestError where a folder contradicts itself, cannot be loaded, or two kinds have the same id.
    """
    kinds: dict[str, ConnectorKind] = {}
    for package in _packages():
        kind = kind_of(package)
        if kind.id in kinds:
            raise ManifestError(f"there are two connectors with the id {kind.id!r}", where=_folder(package).as_posix())
        kinds[kind.id] = kind
    return MappingProxyType(kinds)


def kind_of(package: ModuleType) -> ConnectorKind:
    """The kind that a connector's package describes: its manifest, `CONNECTOR_CLASS`, `open_connector`, `describe`.

    Raises ManifestError where one is missing or the manifest claims other capabilities than the class has.
    """
    where = _folder(package)
    manifest = read_manifest(where)
    found: type[Connector] | None = getattr(package, "CONNECTOR_CLASS", None)
    opener: OpenConnector | None = getattr(package, "open_connector", None)
    if found is None or opener is None:
        raise ManifestError(f"{package.__name__} has no CONNECTOR_CLASS or no open_connector", where=where.as_posix())
    differing = manifest.capabilities ^ capabilities_of(found)
    if differing:
        raise ManifestError(
            f"manifest and class of {manifest.id} differ in {', '.join(sorted(differing))}", where=where.as_posix()
        )
    describe: Describe | None = getattr(package, "describe", None)
    return ConnectorKind(id=manifest.id, manifest=manifest, connector_class=found, open=opener, describe=describe)


def _packages() -> Iterator[ModuleType]:
    root = lastday.connectors
    for found in sorted(pkgutil.iter_modules(root.__path__), key=lambda found: found.name):
        if found.ispkg and any((Path(path) / found.name / "manifest.toml").is_file() for path in root.__path__):
            yield importlib.import_module(f"{root.__name__}.{found.name}")
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        loaded = point.load()
        if not isinstance(loaded, ModuleType):
            raise ManifestError(f"the entry point {point.name} does not name a package", where=point.value)
        yield loaded


def _folder(package: ModuleType) -> Path:
    return Path(package.__path__[0]) if hasattr(package, "__path__") else Path(str(package.__file__)).parent
