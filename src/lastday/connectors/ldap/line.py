"""Where a directory is, and that the line to it is protected: TLS, or loopback."""

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import ldap3

from lastday.connectors.sdk.addresses import is_loopback_host
from lastday.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int
    tls: bool
    starttls: bool
    ca_file: str | None

    @classmethod
    def of(cls, url: str, *, starttls: bool, ca_file: str | None) -> "Address":
        """The address that `url` writes. Raises ConfigurationError where the line would be open outside loopback."""
        parsed = urlsplit(url)
        if parsed.scheme not in ("ldap", "ldaps") or not parsed.hostname:
            raise ConfigurationError(f"{url!r} is not an ldap:// or ldaps:// address", mend="Write ldaps://host:636.")
        tls = parsed.scheme == "ldaps"
        if not (tls or starttls or is_loopback_host(parsed.hostname)):
            raise ConfigurationError(
                f"{url} would send the password in clear",
                effect="The directory is not contacted.",
                mend="Use ldaps:// or starttls = true; plain ldap:// is for loopback only.",
            )
        port = parsed.port or (636 if tls else 389)
        return cls(host=parsed.hostname, port=port, tls=tls, starttls=starttls and not tls, ca_file=ca_file)

    def __str__(self) -> str:
        return f"{'ldaps' if self.tls else 'ldap'}://{self.host}:{self.port}"


class CheckedTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS whose certificate and host name the standard library checks; ldap3's own check leaves sockets behind."""

    def __init__(self, ca_file: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._ca_file = ca_file

    def wrap_socket(self, connection: "ldap3.Connection", do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 - ldap3's signature
        context = ssl.create_default_context(cafile=self._ca_file)
        connection.socket = context.wrap_socket(
            connection.socket, do_handshake_on_connect=do_handshake, server_hostname=connection.server.host
        )
