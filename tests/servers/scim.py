"""scim2-server of the python-scim project in its own process, with a log of requests as witness, and with faults.

    with ScimServer(token="t", users=[{"userName": "ada"}]) as server:
        server.url, server.ids["ada"], server.requests()

The application, its storage and its protocol are theirs. Around it stands only: latency, faults, the log.
The child ends when the pipe to its parent closes, so that no crash of a test leaves it behind.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

LOOPBACK = "127.0.0.1"
HANGS_S = 300.0
TOKEN = "scim-token"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    status: int
    began: float = 0.0
    """In seconds of the machine's monotonic clock."""
    ended: float = 0.0

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong. `kind`:

    `lies`           a write is answered 200 and not done
    `unavailable`    503
    `bad_gateway`    502 with a web page
    `rate_limited`   429 with Retry-After
    `hangs`          no answer, nothing done
    `hangs_after`    done, no answer
    `breaks_page_2`  a listing is cut inside its second page
    """

    kind: str
    method: str | None = None
    """Only this method; None: any."""
    path: str = ""
    """Only where the path contains this."""
    times: int | None = None
    """Only so often; None: until it is mended."""
    retry_after: str = "1"

    def as_json(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in ("kind", "method", "path", "times", "retry_after")}


class ScimServer:
    """A running scim2-server. Ended by `stop` or the end of the `with` block."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        latency_ms: float = 0,
        users: Sequence[Mapping[str, object]] = (),
        groups: Mapping[str, Sequence[str]] | None = None,
        port: int = 0,
    ) -> None:
        """`users` are SCIM User bodies without schemas; `groups` maps displayName to userNames."""
        self.token = token
        self._folder = tempfile.TemporaryDirectory(prefix="lastday-scim-")
        self._log = Path(self._folder.name) / "requests.jsonl"
        self._log.touch()
        seed = {"token": token, "latency_ms": latency_ms, "users": list(users), "groups": dict(groups or {})}
        with (Path(self._folder.name) / "stderr").open("wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(Path(__file__).resolve()), str(port), str(self._log)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )
        try:
            answer = self._tell({"do": "start", **seed})
        except (RuntimeError, OSError):
            self.stop()
            raise
        self.port = int(answer["port"])
        self.ids: dict[str, str] = answer["ids"]
        """userName and `group/displayName` -> id."""
        self.url = f"http://{LOOPBACK}:{self.port}/v2"

    def requests(self) -> list[Request]:
        """Every request since the start or the last `forget`, seeding left out."""
        return [Request(**json.loads(line)) for line in self._log.read_text().splitlines()]

    def writes(self) -> list[Request]:
        """The requests that could have changed something."""
        return [request for request in self.requests() if request.writes]

    def forget(self) -> None:
        """`requests` begins anew."""
        self._tell({"do": "forget"})

    def break_with(self, *faults: Fault) -> None:
        """From now on these faults, and no others."""
        self._tell({"do": "faults", "faults": [fault.as_json() for fault in faults]})

    def mend(self) -> None:
        """No faults."""
        self.break_with()

    def set_latency(self, milliseconds: float) -> None:
        self._tell({"do": "latency", "latency_ms": milliseconds})

    def resources(self, kind: str) -> list[dict[str, Any]]:
        """All `Users` or `Groups` as the storage has them, without a request."""
        found: list[dict[str, Any]] = self._tell({"do": "resources", "kind": kind})["resources"]
        return found

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """The process has ended."""
        if self._process.stdin is not None and not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _tell(self, order: Mapping[str, object]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(order) + "\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            said = (Path(self._folder.name) / "stderr").read_text(errors="replace")
            raise RuntimeError(f"the SCIM server ended: {said[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


# What follows runs in the child.


@dataclass(slots=True)
class _Switchboard:
    """Faults and latency, changed while the server runs."""

    latency_s: float = 0.0
    faults: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def due(self, environ: Environ) -> dict[str, Any] | None:
        with self.lock:
            for fault in self.faults:
                if _applies(fault, environ):
                    if fault["times"] is not None:
                        fault["times"] -= 1
                    return fault
        return None


def _applies(fault: Mapping[str, Any], environ: Environ) -> bool:
    if fault["times"] == 0 or fault["path"] not in environ.get("PATH_INFO", ""):
        return False
    if fault["kind"] == "breaks_page_2":
        query = environ.get("QUERY_STRING", "")
        return "startIndex=" in query and "startIndex=1&" not in f"{query}&"
    if fault["kind"] == "lies" and environ["REQUEST_METHOD"] == "GET":
        return False
    return fault["method"] in (None, environ["REQUEST_METHOD"])


class _Wrapper:
    """Latency, faults and the log around their application."""

    def __init__(self, application: Callable[..., Iterable[bytes]], board: _Switchboard, log: Path) -> None:
        self.application = application
        self.board = board
        self.path = log
        self.lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        began = time.monotonic()
        if self.board.latency_s:
            time.sleep(self.board.latency_s)
        fault = self.board.due(environ)
        status, headers, body = self._answer(environ, fault)
        self._note(environ, status, began)
        if fault and fault["kind"] in ("hangs", "hangs_after"):
            time.sleep(HANGS_S)
        start_response(status, headers)
        return [body]

    def _answer(self, environ: Environ, fault: Mapping[str, Any] | None) -> tuple[str, list[tuple[str, str]], bytes]:
        kind = fault["kind"] if fault else None
        page = [("Content-Type", "text/html")]
        if kind == "unavailable" or kind == "hangs":
            return "503 Service Unavailable", page, b"<h1>down</h1>"
        if kind == "bad_gateway":
            return "502 Bad Gateway", page, b"<html><h1>502</h1></html>"
        if fault and kind == "rate_limited":
            return "429 Too Many Requests", [*page, ("Retry-After", fault["retry_after"])], b""
        if kind == "lies":
            return self._lie(environ)
        status, headers, body = call(self.application, environ)
        if kind == "breaks_page_2":
            return status, headers, body[: len(body) // 2]
        return status, headers, body

    def _lie(self, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
        """What a server says that did the work, without the work."""
        if environ["REQUEST_METHOD"] == "DELETE":
            return "204 No Content", [], b""
        shown = {**environ, "REQUEST_METHOD": "GET", "CONTENT_LENGTH": "0", "wsgi.input": BytesIO()}
        return call(self.application, shown)

    def _note(self, environ: Environ, status: str, began: float) -> None:
        entry = {
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("PATH_INFO", ""),
            "query": environ.get("QUERY_STRING", ""),
            "status": int(status[:3]),
            "began": began,
            "ended": time.monotonic(),
        }
        with self.lock, self.path.open("a") as log:
            log.write(json.dumps(entry) + "\n")

    def forget(self) -> None:
        with self.lock:
            self.path.write_text("")


def call(application: Callable[..., Iterable[bytes]], environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Status, headers and whole body of a WSGI application's answer."""
    said: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> None:
        said.extend((status, headers))

    body = b"".join(application(environ, start_response))
    return said[0], said[1], body


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 256

    def server_bind(self) -> None:
        """Without the look-up of our own name that HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = LOOPBACK, self.server_address[1]
        self.setup_environ()


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """The log is kept by the wrapper."""


def _application(token: str) -> Any:
    from scim2_models import ScimProvider
    from scim2_server.memory import InMemoryStorage
    from scim2_server.testserver.application import BearerTokenApplication
    from scim2_server.utils import (
        load_default_resource_types,
        load_default_schemas,
        load_default_service_provider_config,
    )

    provider = ScimProvider.from_discovery(
        load_default_schemas().values(),
        load_default_resource_types().values(),
        config=load_default_service_provider_config(),
    )
    return BearerTokenApplication(InMemoryStorage(), provider, bearer_tokens=[token])


def _post(application: Any, token: str, endpoint: str, body: Mapping[str, object]) -> str:
    """The id of a resource made over their own protocol, without the network."""
    content = json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/v2/{endpoint}",
        "QUERY_STRING": "",
        "SERVER_NAME": LOOPBACK,
        "SERVER_PORT": "80",
        "wsgi.url_scheme": "http",
        "CONTENT_TYPE": "application/scim+json",
        "CONTENT_LENGTH": str(len(content)),
        "HTTP_AUTHORIZATION": f"Bearer {token}",
        "wsgi.input": BytesIO(content),
    }
    status, _, answer = call(application, environ)
    if not status.startswith("201"):
        raise RuntimeError(f"{endpoint} could not be seeded: {status} {answer.decode()}")
    return str(json.loads(answer)["id"])


def _seed(application: Any, order: Mapping[str, Any]) -> dict[str, str]:
    core, enterprise = (
        "urn:ietf:params:scim:schemas:core:2.0:",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    )
    ids: dict[str, str] = {}
    for user in order["users"]:
        schemas = [f"{core}User", *([enterprise] if enterprise in user else [])]
        ids[user["userName"]] = _post(application, order["token"], "Users", {"schemas": schemas, **user})
    for name, members in order["groups"].items():
        body = {
            "schemas": [f"{core}Group"],
            "displayName": name,
            "members": [{"value": ids[member], "type": "User"} for member in members],
        }
        ids[f"group/{name}"] = _post(application, order["token"], "Groups", body)
    return ids


def _resources(application: Any, kind: str) -> list[dict[str, Any]]:
    return [found.model_dump() for found in application.storage.resources if found.meta.resource_type == kind[:-1]]


def _faults(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [dict(fault) for fault in order["faults"]]


def _obey(order: Mapping[str, Any], application: Any, wrapper: _Wrapper) -> dict[str, Any]:
    match order["do"]:
        case "forget":
            wrapper.forget()
        case "faults":
            wrapper.board.faults = _faults(order)
        case "latency":
            wrapper.board.latency_s = order["latency_ms"] / 1000
        case "resources":
            return {"resources": _resources(application, order["kind"])}
    return {}


def main() -> None:
    """Serves until the standard input ends; each line of it is an order, each gets one line back."""
    port, log = int(sys.argv[1]), Path(sys.argv[2])
    order = json.loads(sys.stdin.readline())
    application = _application(order["token"])
    ids = _seed(application, order)
    wrapper = _Wrapper(application, _Switchboard(latency_s=order["latency_ms"] / 1000), log)
    server = _Server((LOOPBACK, port), _Handler)
    server.set_app(wrapper)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"port": server.server_port, "ids": ids}), flush=True)
    for line in itertools.takewhile(bool, iter(sys.stdin.readline, "")):
        print(json.dumps(_obey(json.loads(line), application, wrapper)), flush=True)


if __name__ == "__main__":
    main()
