# mypy: disable-error-code="import-not-found, misc"
# What it imports is installed in .foreign/ only.
"""Canaille with one client that holds a token, and nobody else."""

import datetime
import os
import sys
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

ISSUED = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
FOR_EVER_S = 1_000_000_000
PORT = int(os.environ["FOREIGN_PORT"])
QUIET = {
    "version": 1,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"canaille": {"level": "WARNING", "handlers": ["stderr"]}},
}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code="-", size="-"):
        """Nothing is written: the tests ask the server itself."""


def _application():
    return create_app(
        {
            "SECRET_KEY": "only on loopback",
            "SERVER_NAME": f"localhost:{PORT}",
            "PREFERRED_URL_SCHEME": "http",
            "TESTING": True,
            "CANAILLE": {"DATABASE": "memory", "LOGGING": QUIET},
            "CANAILLE_OIDC": {},
            "CANAILLE_SCIM": {},
        }
    )


def _seed():
    client = models.Client(client_id="lastday", client_name="Lastday", scope=[], client_id_issued_at=ISSUED)
    Backend.instance.save(client)
    token = models.Token(
        token_id="1",
        access_token=os.environ["FOREIGN_TOKEN"],
        client=client,
        subject=None,
        type="access_token",
        scope=[],
        issue_date=ISSUED,
        lifetime=FOR_EVER_S,
        audience=[client],
    )
    Backend.instance.save(token)


def main():
    """Serves until the standard input ends."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    application = _application()
    with application.app_context():
        _seed()
    server = make_server("127.0.0.1", PORT, application, server_class=_Server, handler_class=_Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
