"""The connectors that the tests of this room know of, by the keys they understand."""

from pathlib import Path

from lastday.configuration.connector_keys import ConnectorKey, ConnectorKeys, KeyType

DATA = Path(__file__).parents[2] / "data"


def _keys(**types: str) -> ConnectorKeys:
    fields = {
        name: ConnectorKey(type=KeyType(kind.rstrip("!")), required=kind.endswith("!")) for name, kind in types.items()
    }
    return ConnectorKeys(fields=fields)


CONNECTORS = {
    "ldap": _keys(
        url="text!",
        starttls="boolean",
        bind_dn="text!",
        password="secret!",
        base_dn="text!",
        people="text",
        groups="text",
    ),
    "scim": _keys(url="text!", token="secret!", groups="boolean", page_size="integer"),
    "postgresql": _keys(dsn="secret!"),
    "csv": _keys(path="text!", columns="table!", tags="texts"),
}
