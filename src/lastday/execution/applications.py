"""The governed applications, opened when they are first needed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from lastday.configuration.settings import ApplicationSettings
from lastday.connectors.sdk.catalogue import ConnectorKind
from lastday.connectors.sdk.manifest import Manifest
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import Connector
from lastday.execution.machine import Terms
from lastday.model.ids import ApplicationName


@dataclass(slots=True, kw_only=True)
class Application:
    """One connection: how it is configured, what its connector can do, and the connector itself."""

    name: ApplicationName
    settings: ApplicationSettings
    manifest: Manifest
    connector: Connector
    _principal: str | None = None

    async def principal(self) -> str:
        """The name under which the application knows us; asked once. Raises ConnectorError."""
        if self._principal is None:
            self._principal = (await self.connector.check_connection()).principal
        return self._principal


def terms_of(settings: ApplicationSettings, manifest: Manifest) -> Terms:
    """How patient to be: the configuration's settle time before the manifest's."""
    settle = settings.settle if settings.settle is not None else timedelta(seconds=manifest.settle_s)
    return Terms(settle=settle, read_lag=timedelta(seconds=manifest.read_lag_s))


@dataclass(slots=True, kw_only=True)
class Applications:
    """Opens each application once per process, and closes them all."""

    settings: Mapping[ApplicationName, ApplicationSettings]
    connect: Callable[[ApplicationName], ConnectorSettings]
    """Where and as whom to connect, secrets resolved. Raises CredentialsRejected where one cannot be had."""
    kinds: Mapping[str, ConnectorKind]
    ports: Ports
    _manifests: dict[ApplicationName, Manifest] = field(default_factory=dict)
    _open: dict[ApplicationName, Application] = field(default_factory=dict)
    _opening: dict[ApplicationName, asyncio.Lock] = field(default_factory=dict)

    @property
    def names(self) -> tuple[ApplicationName, ...]:
        return tuple(sorted(self.settings))

    def lanes(self) -> dict[ApplicationName, int]:
        """How many accounts of each application are worked on at once."""
        return {name: self.manifest(name).parallel for name in self.names}

    def manifest(self, name: ApplicationName) -> Manifest:
        """What holds for this connection. Raises ConfigurationError where its keys name nothing that is known."""
        if name not in self._manifests:
            settings = self.settings[name]
            self._manifests[name] = self.kinds[settings.connector].manifest_of(settings.connection)
        return self._manifests[name]

    def terms(self, name: ApplicationName) -> Terms:
        return terms_of(self.settings[name], self.manifest(name))

    async def open(self, name: ApplicationName) -> Application:
        """The application, ready. Raises ConnectorError where it cannot be opened."""
        async with self._opening.setdefault(name, asyncio.Lock()):
            if name not in self._open:
                kind = self.kinds[self.settings[name].connector]
                connector = await kind.open(self.connect(name), self.ports)
                self._open[name] = Application(
                    name=name,
                    settings=self.settings[name],
                    manifest=self.manifest(name),
                    connector=connector,
                )
            return self._open[name]

    async def close(self) -> None:
        """All connections are let go."""
        for application in tuple(self._open.values()):
            await application.connector.close()
        self._open.clear()
