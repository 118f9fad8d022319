"""Runs scim2-server, an application that is not ours, in a process of its own: `python -m ... PORT`, token on stdin.

Their program, their storage, their protocol. It ends when its standard input closes, so that nothing outlives a demo
that was killed.
"""

import os
import sys
import threading

from scim2_server.testserver import cli

WAITING = 128


def main() -> None:
    """Serves until the standard input ends."""
    token = sys.stdin.readline().strip()
    threading.Thread(target=_end_with_the_demo, daemon=True).start()
    cli.ThreadingWSGIServer.request_queue_size = WAITING  # five would make bursts wait a second for a retransmission
    sys.argv = ["scim2-server", "--port", sys.argv[1], f"--bearer-token={token}"]
    cli.main()


def _end_with_the_demo() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
