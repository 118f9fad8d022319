"""Which addresses a connector may connect to: never those that turn a configured name into a way inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

DENIED = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host, RFC 1122
        "100.100.100.200/32",  # metadata of one cloud, inside the shared range
        "168.63.129.16/32",  # host agent of one cloud
        "169.254.0.0/16",  # link-local, with the metadata address of most clouds
        "192.0.0.0/24",  # protocol assignments, RFC 6890
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "::/96",  # unspecified and IPv4-compatible, RFC 4291; loopback is judged before
        "64:ff9b::/96",  # NAT64 wraps any IPv4 address, RFC 6052
        "64:ff9b:1::/48",  # the same, local, RFC 8215
        "100::/64",  # discard, RFC 6666
        "2001::/32",  # Teredo wraps IPv4, RFC 4380
        "2002::/16",  # 6to4 wraps IPv4, RFC 3056
        "fd00:ec2::/32",  # metadata of one cloud
        "fe80::/10",  # link-local
        "fec0::/10",  # site-local, deprecated by RFC 3879
        "ff00::/8",  # multicast
    )
)


def refusal_of(address: str, *, loopback: bool) -> str | None:
    """Why `address` must not be connected to, or None where it may be.

    `loopback` says that the configured url itself names this machine: then only this machine is allowed,
    otherwise never.

    >>> refusal_of("169.254.169.254", loopback=False)
    '169.254.169.254 is in 169.254.0.0/16'
    >>> refusal_of("::ffff:127.0.0.1", loopback=False)
    '127.0.0.1 is this machine'
    >>> refusal_of("10.1.2.3", loopback=False) is None
    True
    """
    try:
        found = _unmapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return f"{address} is not an address"
    if found.is_loopback != loopback:
        return f"{found} is {'not ' if loopback else ''}this machine"
    if loopback:
        return None
    network = next((net for net in DENIED if found.version == net.version and found in net), None)
    return f"{found} is in {network}" if network else None


def is_loopback_host(host: str) -> bool:
    """The host of a url names this machine literally: `localhost` or a loopback address.

    >>> is_loopback_host("LOCALHOST"), is_loopback_host("127.0.0.1"), is_loopback_host("2130706433")
    (True, True, False)
    """
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return _unmapped(ip_address(host)).is_loopback
    except ValueError:
        return False


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside `::ffff:a.b.c.d`: the kernel connects to that one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
