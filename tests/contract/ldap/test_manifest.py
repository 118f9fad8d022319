"""The manifest says what the class is; names and filters are escaped so that they read back as they were."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from ldap3.utils.dn import parse_dn

import lastday.connectors.ldap as package
from lastday.connectors.ldap import names
from lastday.connectors.ldap.connector import LdapConnector
from lastday.connectors.sdk.catalogue import kind_of
from lastday.connectors.sdk.manifest import read_manifest
from lastday.connectors.sdk.protocols import Capability, Connector, capabilities_of
from tests.contract.ldap.conftest import directory_settings
from tests.servers.connector_ports import TestPorts

FOLDER = Path(package.__file__).parent
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


async def test_the_manifest_lists_exactly_what_the_class_can_do():
    """Design section 8: manifest == class."""
    connector = LdapConnector(directory_settings(1), TestPorts().ports)
    manifest = read_manifest(FOLDER)
    assert isinstance(connector, Connector)
    assert capabilities_of(connector) == manifest.capabilities
    assert kind_of(package).connector_class is LdapConnector
    assert Capability.ENDS_SESSIONS not in manifest.capabilities
    assert set(directory_settings(1).values) <= set(manifest.config)
    await connector.close()


@given(VALUES)
def test_a_name_that_was_written_reads_back(value):
    """RFC 4514: escaping loses nothing and adds no part."""
    name = names.child(names.rdn("uid", value), "ou=people,dc=x")
    assert len(names.parts_of(name)) == 3
    assert names.first_value(name) == ("uid", value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20))
def test_another_library_reads_the_same_number_of_parts(value):
    assert len(parse_dn(names.child(names.rdn("uid", value), "ou=people,dc=x"))) == 3


@given(VALUES)
def test_a_value_in_a_filter_is_never_syntax(value):
    """RFC 4515: what is left are ASCII letters, digits and escapes."""
    text = names.escaped_in_filter(value)
    assert not set(text) & set("()*&|!=<>~ \x00")
    plain = bytearray()
    i = 0
    while i < len(text):
        plain += bytes.fromhex(text[i + 1 : i + 3]) if text[i] == "\\" else text[i].encode()
        i += 3 if text[i] == "\\" else 1
    assert plain.decode() == value


@given(VALUES, VALUES)
def test_two_names_compare_as_their_values_do(one, other):
    same = names.folded(one) == names.folded(other)
    assert (names.comparable(names.rdn("cn", one)) == names.comparable(names.rdn("CN", other))) == same
