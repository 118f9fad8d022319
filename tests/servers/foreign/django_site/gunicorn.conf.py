"""How gunicorn serves the site: one process, as the other servers are measured."""

import os
import signal
import sys
import threading
from pathlib import Path

bind = f"127.0.0.1:{os.environ['FOREIGN_PORT']}"
chdir = str(Path(__file__).resolve().parent)
worker_class = "gthread"
threads = 4
workers = 1
keepalive = 30
graceful_timeout = 2
control_socket_disable = True


def when_ready(_):
    """The server ends with the pipe to its parent."""
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()


def _end_with_the_pipe():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
