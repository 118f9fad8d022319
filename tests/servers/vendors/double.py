"""A vendor's SCIM service in another process, as the vendor's profile says, with a log of requests and of violations.

    with VendorDouble("slack", users=[{"userName": "ada"}], groups={"vpn": ["ada"]}) as double:
        double.url, double.ids["ada"], double.requests(), double.violations()

One child serves all doubles of a test run. It ends when the pipe to its parent closes, so that no crash of a test
leaves it behind.
"""

import atexit
import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

LOOPBACK = "127.0.0.1"
TOKEN = "vendor-token"
ROOT = Path(__file__).resolve().parents[3]
BASE = "/scim"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the vendor saw it."""

    method: str
    path: str
    query: str
    body: Any
    status: int
    limit: str
    """The rule of the profile that it broke, or empty."""
    after_s: int = 0
    """Retry-After of the answer."""
    at: float = 0.0
    """In seconds of the machine's monotonic clock."""

    @property
    def writes(self) -> bool:
        return self.method not in ("GET", "HEAD")


class _Host:
    """The process in which all doubles of this test run live: each has its own port and nothing in common."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._complaints = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.servers.vendors.double"],
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def tell(self, order: Mapping[str, object]) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with self._lock:
            stdin.write(json.dumps(order) + "\n")
            stdin.flush()
            line = stdout.readline()
        if not line:
            self._complaints.seek(0)
            raise RuntimeError(f"the doubles ended: {self._complaints.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        self._process.wait(timeout=30)
        self._complaints.close()


_HOSTS: list[_Host] = []


def _host() -> _Host:
    if not _HOSTS or not _HOSTS[-1].runs:
        _HOSTS.append(_Host())
        atexit.register(_HOSTS[-1].stop)
    return _HOSTS[-1]


class VendorDouble:
    """A running double. Ended by `stop` or the end of the `with` block."""

    def __init__(
        self,
        vendor: str,
        *,
        users: Sequence[Mapping[str, object]] = (),
        groups: Mapping[str, Sequence[str]] | None = None,
        traits: Mapping[str, Sequence[str]] | None = None,
        latency_ms: float = 0,
        profile: Path | None = None,
    ) -> None:
        """`users` are SCIM User bodies; `groups` maps displayName to userNames, `traits` userName to traits.

        `profile` is a file to be read instead of the vendor's own.
        """
        self.vendor, self.token = vendor, TOKEN
        self._host = _host()
        seed = {"users": list(users), "groups": dict(groups or {}), "traits": dict(traits or {})}
        file = str(profile) if profile else None
        answer = self._host.tell({"do": "start", "vendor": vendor, "latency_ms": latency_ms, "profile": file, **seed})
        self.port = int(answer["port"])
        self.url = f"http://{LOOPBACK}:{self.port}{BASE}"
        self.ids: dict[str, str] = answer["ids"]
        """userName and `group/displayName` -> id."""

    def requests(self) -> list[Request]:
        """Every request since the start or the last `forget`."""
        return [Request(**entry) for entry in self._tell("requests")["requests"]]

    def writes(self) -> list[Request]:
        return [request for request in self.requests() if request.writes]

    def violations(self) -> list[Request]:
        """The requests that broke a rule of the profile."""
        return [request for request in self.requests() if request.limit]

    def forget(self) -> None:
        self._tell("forget")

    def use_up(self, bucket: str, seconds: float = 2.0) -> None:
        """Another client of the same customer has used the bucket up for so long."""
        self._tell("use_up", bucket=bucket, seconds=seconds)

    def users(self) -> dict[str, dict[str, Any]]:
        """All users as they are stored, by id."""
        found: dict[str, dict[str, Any]] = self._tell("state")["users"]
        return found

    def members(self, group: str) -> set[str]:
        """The ids in the group with this displayName."""
        groups = self._tell("state")["groups"].values()
        return {one["value"] for found in groups if found["displayName"] == group for one in found["members"]}

    def stop(self) -> None:
        self._tell("stop")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _tell(self, do: str, **more: object) -> dict[str, Any]:
        return self._host.tell({"do": do, "port": self.port, **more})


# What follows runs in the child.


class _Vendor:
    """The service, its meters and its log, one request at a time where state is touched."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        from lastday.connectors.scim.vendor_profile import FOLDER, VendorProfile, read_profile
        from tests.servers.vendors.meters import Meters
        from tests.servers.vendors.quirks import service_of

        path = Path(order["profile"]) if order["profile"] else FOLDER / f"{order['vendor']}.toml"
        profile = read_profile(path)
        assert isinstance(profile, VendorProfile)
        self.profile = profile.model_copy(update={"name": order["vendor"]})
        self.service = service_of(self.profile)
        self.meters = Meters(profile.rates)
        self.latency_s = order["latency_ms"] / 1000
        self.log: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    def seed(self, order: Mapping[str, Any]) -> dict[str, str]:
        ids: dict[str, str] = {}
        for user in order["users"]:
            traits = order["traits"].get(user["userName"], ("made_by_scim",))
            ids[user["userName"]] = self.service.seed_user(user, traits)
        for name, members in order["groups"].items():
            ids[f"group/{name}"] = self.service.seed_group(name, [ids[member] for member in members])
        return ids

    def answer(
        self, method: str, target: str, headers: Mapping[str, str], raw: bytes
    ) -> tuple[int, bytes, dict[str, str]]:
        from tests.servers.vendors.service import Answer, Asked, Refusal

        url = urlsplit(target)
        path = "/".join(unquote(part) for part in url.path.removeprefix(BASE).split("/"))
        body = json.loads(raw) if raw else None
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        asked = Asked(method=method, path=path, query=query, headers=headers, body=body, body_bytes=len(raw))
        limit = ""
        try:
            answer = self._counted(asked)
        except Refusal as refusal:
            answer, limit = refusal.answer(), refusal.limit
        self._note(asked, url.query, answer, limit)
        assert isinstance(answer, Answer)
        return answer.status, b"" if answer.body is None else json.dumps(answer.body).encode(), answer.headers

    def _counted(self, asked: Any) -> Any:
        from tests.servers.vendors.meters import Throttled
        from tests.servers.vendors.service import Refusal

        name, _, value = self.profile.auth.header.partition(": ")
        if asked.headers.get(name.lower()) != value.replace("{token}", TOKEN):
            raise Refusal(401, "the token is not known")
        try:
            with self.lock:
                held = self.meters.enter(asked.method, asked.path, asked.body_bytes)
        except Throttled as throttled:
            status = self.profile.rates.statuses[0]
            limit = f"rate: {throttled.bucket}" if throttled.ours else ""
            raise Refusal(status, "too many requests", limit=limit, after_s=throttled.after_s) from throttled
        try:
            time.sleep(self.latency_s)
            with self.lock:
                return self.service.answer(asked)
        finally:
            with self.lock:
                self.meters.leave(held)

    def _note(self, asked: Any, query: str, answer: Any, limit: str) -> None:
        after_s = int(answer.headers.get("Retry-After", 0))
        entry = {"method": asked.method, "path": asked.path, "query": query, "body": asked.body, "limit": limit}
        with self.lock:
            self.log.append({**entry, "status": answer.status, "after_s": after_s, "at": time.monotonic()})

    def obey(self, order: Mapping[str, Any]) -> dict[str, Any]:
        with self.lock:
            match order["do"]:
                case "requests":
                    return {"requests": self.log}
                case "forget":
                    self.log.clear()
                case "use_up":
                    self.meters.drain(order["bucket"], order["seconds"])
                case "state":
                    return {"users": self.service.users, "groups": self.service.groups}
        return {}


def _handler(vendor: _Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 65536
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body, more = vendor.answer(self.command, self.path, headers, raw)
            self.send_response(status)
            for name, value in {"Content-Type": "application/scim+json", **more}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library looks for these names

        def log_message(self, format: str, *args: object) -> None:
            """The log is kept by the vendor."""

    return Handler


class _Doubles:
    """Every running double, by its port."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[_Vendor, ThreadingHTTPServer]] = {}

    def obey(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if order["do"] == "start":
            return self._start(order)
        vendor, server = self._running[order["port"]]
        if order["do"] == "stop":
            server.shutdown()
            server.server_close()
            del self._running[order["port"]]
            return {}
        return vendor.obey(order)

    def _start(self, order: Mapping[str, Any]) -> dict[str, Any]:
        vendor = _Vendor(order)
        ids = vendor.seed(order)
        server = ThreadingHTTPServer((LOOPBACK, 0), _handler(vendor))
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self._running[server.server_port] = (vendor, server)
        return {"port": server.server_port, "ids": ids}


def main() -> None:
    """Serves until the standard input ends; each line of it is an order, each gets one line back."""
    doubles = _Doubles()
    for line in itertools.takewhile(bool, iter(sys.stdin.readline, "")):
        print(json.dumps(doubles.obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
