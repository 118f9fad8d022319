"""SCIM servers of other projects, each in its own process and from its own environment `.foreign/` (`make foreign`).

    with DjangoScim() as server:
        server.url, server.token

Their applications, storages and protocols are theirs; the files beside this one only set them up. A child ends when
the pipe to its parent closes, so that no crash of a test leaves it behind.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.servers.ports import free_port

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
FOREIGN = ROOT / ".foreign"
LOOPBACK = "127.0.0.1"
STARTS_WITHIN_S = 60.0
TOKEN = "foreign-token"


class ServerMissing(Exception):
    """The server is not on this machine: the test fails, it does not skip."""


class ForeignServer(ABC):
    """One server as a child process. A context manager; `stop` is safe to call twice."""

    def __init__(self, *, token: str = TOKEN, port: int | None = None) -> None:
        self.token = token
        self.port = port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="lastday-foreign-")
        self._complaints = Path(self._folder.name) / "stderr"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def command(self) -> Sequence[str]:
        """What starts the server."""

    @property
    def place(self) -> Path:
        """The folder that it is started in."""
        return Path(self._folder.name)

    @property
    @abstractmethod
    def url(self) -> str:
        """What stands before `/Users`."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> Self:
        """The server takes connections. Raises ServerMissing where `make foreign` was not run."""
        command = self.command
        if not Path(command[0]).exists():
            raise ServerMissing(f"{command[0]} is not here: make foreign")
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=complaints, stderr=complaints, cwd=self.place, env=self._env()
            )
        self._await_connections()
        return self

    def stop(self) -> None:
        """The process has ended."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()

    def complaints(self) -> str:
        """What it has written so far."""
        return self._complaints.read_text(errors="replace")

    def settings(self) -> Mapping[str, str]:
        """What the server reads from its environment, beside the port, the folder and the token."""
        return {}

    def _env(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
        own = {"FOREIGN_PORT": str(self.port), "FOREIGN_TOKEN": self.token, "FOREIGN_FOLDER": self._folder.name}
        return {**kept, **own, **self.settings()}

    def _await_connections(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            time.sleep(0.05)
        said = self.complaints()
        self.stop()
        raise RuntimeError(f"{type(self).__name__} did not start: {said[-2000:]}")


class DjangoScim(ForeignServer):
    """django-scim2 with the models that its documentation asks for, on gunicorn and SQLite."""

    @property
    def command(self) -> Sequence[str]:
        site = HERE / "django_site"
        return (str(FOREIGN / "venv/bin/gunicorn"), "--config", str(site / "gunicorn.conf.py"), "site_wsgi:application")

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/scim/v2"


class Canaille(ForeignServer):
    """Canaille, a Flask identity provider with a SCIM server, holding everything in memory."""

    @property
    def command(self) -> Sequence[str]:
        return (str(FOREIGN / "venv/bin/python"), "-P", str(HERE / "canaille_site.py"))

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/scim/v2"


class Scimmy(ForeignServer):
    """scimmy-routers on Express, holding everything in memory."""

    @property
    def command(self) -> Sequence[str]:
        node = shutil.which("node")
        if node is None or not (FOREIGN / "scimmy/node_modules").is_dir():
            raise ServerMissing("node or scimmy is not here: make system foreign")
        return (node, "--preserve-symlinks-main", str(FOREIGN / "scimmy/server.mjs"))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/scim/v2"
