"""T-7: a configured name never becomes a way inside, however the address is written."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.sdk.addresses import DENIED, is_loopback_host, refusal_of

FORBIDDEN = [
    "127.0.0.1",
    "127.255.255.254",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "0.0.0.0",  # noqa: S104 -- an address that must be refused, not one to listen on
    "0.1.2.3",
    "::",
    "::7f00:1",
    "169.254.169.254",
    "169.254.0.1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "fec0::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
    "2001::1",
    "224.0.0.1",
    "239.255.255.250",
    "ff02::1",
    "ff05::2",
    "240.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "192.0.0.8",
    "100::1",
    "not-an-address",
    "2130706433",
    "0x7f000001",
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_way_inside_is_refused(address):
    """T-7."""
    assert refusal_of(address, loopback=False) is not None


@pytest.mark.parametrize(
    "address", ["10.0.0.5", "192.168.1.9", "172.16.0.1", "93.184.216.34", "2606:4700::1", "fd12::1"]
)
def test_a_company_or_public_address_is_allowed(address):
    assert refusal_of(address, loopback=False) is None


@pytest.mark.parametrize("address", ["10.0.0.5", "169.254.169.254", "::", "2606:4700::1"])
def test_a_url_of_this_machine_leads_nowhere_else(address):
    assert refusal_of(address, loopback=True) is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.8.9.1", "::ffff:127.0.0.1"])
def test_a_url_of_this_machine_leads_here(address):
    assert refusal_of(address, loopback=True) is None


@given(st.sampled_from([net for net in DENIED if net.version == 4]), st.integers(min_value=0))
def test_every_denied_address_is_denied_in_its_mapped_form_too(network, offset):
    """T-7: the kernel connects `::ffff:a.b.c.d` to a.b.c.d."""
    address = ip_address(int(network.network_address) + offset % network.num_addresses)
    assert refusal_of(str(address), loopback=False)
    assert refusal_of(f"::ffff:{address}", loopback=False)


@given(st.ip_addresses(v=6, network=str(ip_network("2002::/16"))))
def test_6to4_is_never_allowed(address):
    assert refusal_of(str(address), loopback=False)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "127.1", "localhost.example", "example.com", "127.0.0.1.nip.io"]
)
def test_only_a_literal_name_of_this_machine_counts_as_one(host):
    assert not is_loopback_host(host)
