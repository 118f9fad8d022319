"""Ports for servers that tests start, and start again on the same one."""

import secrets
import socket

_FIRST, _BEHIND = 15000, 32000
"""Below what Linux gives to outgoing connections: those would take the port while its server is down."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens now, and which no outgoing connection gets by chance."""
    while True:
        port = _FIRST + secrets.randbelow(_BEHIND - _FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
