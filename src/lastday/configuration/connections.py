"""The keys of an application that belong to its connector, and what holds for every address among them."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from lastday.configuration.connector_keys import ConnectorKeys, KeyType
from lastday.configuration.table import Table
from lastday.model.errors import ConfigurationError

_ADDRESS_KEYS = ("url", "uri")
_PLAIN_SCHEMES = {"http": "https", "ldap": "ldaps", "ws": "wss", "ftp": "ftps"}
_PATH_KEYS = ("path", "file")
IN_CLEAR = "P114"


def read_connection(table: Table, keys: ConnectorKeys) -> Mapping[str, object]:
    """The connector's own keys; mistakes are noted.

    Secrets are references, relative paths (`path`, `..._file`) begin at the configuration, an address without
    encryption is refused unless it stays on this machine.
    """
    found: dict[str, object] = {}
    for name, key in keys.fields.items():
        value = _read_key(table, name, key.type, required=key.required)
        if value is not None:
            found[name] = value
    for name, value in found.items():
        if isinstance(value, str) and name.rpartition("_")[2] in _ADDRESS_KEYS:
            _check_address(table, name, value, starttls=found.get("starttls") is True)
    _check_together(table, keys, found)
    return found


def _check_together(table: Table, keys: ConnectorKeys, found: Mapping[str, object]) -> None:
    try:
        keys.refuse_unfit(found)
    except ConfigurationError as unfit:
        table.problems.add(unfit.what, table.place, "P107", mend=unfit.mend)


def _read_key(table: Table, name: str, kind: KeyType, *, required: bool) -> object:
    match kind:
        case KeyType.TEXT:
            text = table.text(name, required=required)
            is_path = text is not None and name.rpartition("_")[2] in _PATH_KEYS
            return str(table.document.path.parent / Path(text)) if is_path and text else text
        case KeyType.SECRET:
            return table.secret(name, required=required)
        case KeyType.BOOLEAN:
            return table.boolean(name, required=required)
        case KeyType.INTEGER:
            return table.integer(name, required=required)
        case KeyType.TEXTS:
            texts = table.texts(name, required=required)
            return tuple(text for _, text in texts) if name in table else None
        case KeyType.TABLE:
            return table.content(name, required=required)


def _check_address(table: Table, name: str, address: str, *, starttls: bool) -> None:
    parts = _split(address)
    if parts is None or not parts.scheme or (not parts.hostname and parts.scheme != "ldapi"):
        table.wrong(name, f"{name} is no address", mend="Write scheme://host:port/path.")
        return
    if parts.password is not None or parts.username is not None:
        table.wrong(name, f"{name} carries a user name or password", code="P104", mend="Use the keys for secrets.")
        return
    secure = _PLAIN_SCHEMES.get(parts.scheme)
    if secure is None or is_loopback(parts.hostname or "") or (starttls and parts.scheme == "ldap"):
        return
    also = " or set starttls = true" if parts.scheme == "ldap" else ""
    what = f"{parts.scheme}:// sends everything in clear to {parts.hostname}"
    table.wrong(name, what, code=IN_CLEAR, mend=f"Use {secure}://{also}; in clear only to this machine.")


def is_loopback(host: str) -> bool:
    """`host` is this machine by its very name; no other name is looked up.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("127.0.0.1.example.org")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return None
    return parts
