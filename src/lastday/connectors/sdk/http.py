"""The only way out over HTTP: one host, checked addresses, limits, budget, deadlines, and a redacted note of each call.

No redirect is followed, no proxy or cookie is used, certificates are always verified. Statuses that mean the same
everywhere become errors here; what is the application's own word (200, 400, 404, 409) is handed back as an `Answer`.
"""

import asyncio
import json
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TypeAlias
from urllib.parse import quote, urlencode

import httpx

from lastday.connectors.sdk.addresses import is_loopback_host, refusal_of
from lastday.connectors.sdk.answers import Answer, read_body, retry_after_s
from lastday.connectors.sdk.ports import Exchange, Ports, Secret
from lastday.connectors.sdk.redaction import Redaction
from lastday.model.canonical import JsonValue
from lastday.model.errors import (
    AnswerUnusable,
    ConfigurationError,
    ConnectorError,
    CredentialsRejected,
    NotSupported,
    PermissionMissing,
    RateLimited,
    Unreachable,
)
from lastday.model.ids import ApplicationName

if find_spec("sniffio") is None:  # httpcore tries to import it in every call, and each try walks the whole path
    sys.modules["sniffio"] = None  # type: ignore[assignment]  # None says at once that it is not there

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a host, as the system gives them."""

READING = frozenset({"GET", "HEAD"})


def limit_name(application: ApplicationName, limit: str) -> ApplicationName:
    """Under which a limit of an application is counted in the shared budget; no application can be called so."""
    return ApplicationName(f"{application}#{limit}")


class OutcomeUnknown(ConnectorError):
    """A change was sent and nothing tells whether it took effect; a connector answers OutcomeKind.UNKNOWN."""

    code = "A108"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds. `total_s` bounds one request from the first packet to the last byte, however slowly bytes drip."""

    total_s: float = 60.0
    connect_s: float = 10.0
    read_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `path` is a list of segments below the configured url, each quoted whole."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    body: JsonValue = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Beside those of the client, such as If-Match."""
    fresh: bool = False
    """On a new connection, which nobody else uses."""

    @property
    def changes(self) -> bool:
        return self.method not in READING

    @property
    def target(self) -> str:
        """Path and query below the configured url. Raises AnswerUnusable for a segment that would climb out of it."""
        if any(segment in ("", ".", "..") for segment in self.path):
            raise AnswerUnusable(f"{self.path!r} cannot be addressed", effect="Nothing was sent.")
        path = "".join("/" + quote(segment, safe="") for segment in self.path)
        return path + ("?" + urlencode(self.query, quote_via=quote) if self.query else "")


Shares: TypeAlias = Callable[[Call], Sequence[str]]
"""The names of the limits, beside the application's own rate, that a call counts in."""


@dataclass(slots=True)
class _Trail:
    """How far a request came: once its first byte is on the way, the other side may act on it."""

    sent: bool = False

    async def note(self, event: str, _info: Mapping[str, object]) -> None:
        if event.endswith("send_request_headers.started"):
            self.sent = True


async def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of `host` in the order of the system's resolver. Raises OSError where there is none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class HttpClient:
    """Speaks to one application at one url."""

    def __init__(
        self,
        application: ApplicationName,
        url: str,
        ports: Ports,
        *,
        headers: Mapping[str, str],
        secrets: Sequence[Secret] = (),
        deadlines: Deadlines | None = None,
        ca_file: str | None = None,
        resolver: Resolver = system_addresses,
        shares: Shares | None = None,
    ) -> None:
        """Raises ConfigurationError for a url that is not https, or not http on this machine."""
        self._application = application
        self._url = _checked_url(url, application)
        self._loopback = is_loopback_host(self._url.host)
        self._ports = ports
        self._headers = {
            "Accept-Encoding": "gzip",
            "User-Agent": "lastday",
            "Host": self._url.netloc.decode(),
            **headers,
        }
        self._redaction = Redaction([secret.reveal() for secret in secrets])
        self._deadlines = deadlines or Deadlines()
        self._tls = _tls(self._url, ca_file)
        self._resolver = resolver
        self._shares = shares
        self._shared: httpx.AsyncHTTPTransport | None = None

    async def send(self, call: Call) -> Answer:
        """The application's answer to `call`, read whole, with a status that is the application's own word.

        Raises OutcomeUnknown where a change was sent and no usable answer tells of it, Unreachable, RateLimited
        (the budget is blocked for as long as the application asks), CredentialsRejected (401), PermissionMissing
        (403), NotSupported (501) and AnswerUnusable (a redirect, a body over its limits).
        """
        call.target  # noqa: B018  -- refuses an unaddressable path before a token is spent
        for name in self._shares(call) if self._shares else ():
            await self._ports.budget.take(limit_name(self._application, name))
        await self._ports.budget.take(self._application)
        trail, begun = _Trail(), asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._deadlines.total_s):
                answer = await self._exchange(call, trail)
        except (httpx.TransportError, TimeoutError, OSError, AnswerUnusable) as err:
            self._note(call, None, f"no answer: {type(err).__name__}", begun)
            raise self._failure(call, trail, err) from err
        self._note(call, answer, str(answer.status), begun)
        await self._judge(call, answer)
        return answer

    async def close(self) -> None:
        """No connection is open any more."""
        if self._shared is not None:
            await self._shared.aclose()
            self._shared = None

    async def _exchange(self, call: Call, trail: _Trail) -> Answer:
        """The answer from the first address that can be connected to."""
        failure: httpx.TransportError | None = None
        for address in await self._addresses():
            try:
                return await self._ask(address, call, trail)
            except (httpx.ConnectError, httpx.ConnectTimeout) as err:
                failure = err
        raise failure or Unreachable(f"{self._url.host} has no address")

    async def _addresses(self) -> Sequence[str]:
        """The checked addresses; just these are connected to, so a second answer of the resolver changes nothing."""
        host, port = self._url.host, self._url.port or (443 if self._url.scheme == "https" else 80)
        addresses = await self._resolver(host, port)
        for address in addresses:
            refused = refusal_of(address, loopback=self._loopback)
            if refused:
                raise Unreachable(
                    f"{host} leads to an address that is never connected to: {refused}",
                    effect="Nothing was sent.",
                    mend="Correct the url of the application or the name server's answer.",
                    code="A110",
                )
        return addresses

    async def _ask(self, address: str, call: Call, trail: _Trail) -> Answer:
        transport = self._new_transport() if call.fresh else self._shared_transport()
        try:
            response = await transport.handle_async_request(self._request(address, call, trail))
            try:
                content = await read_body(response.aiter_raw(), response.headers.get("content-encoding", "").lower())
            finally:
                await response.aclose()
        finally:
            if call.fresh:
                await transport.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(status=response.status_code, headers=headers, content=content)

    def _request(self, address: str, call: Call, trail: _Trail) -> httpx.Request:
        limits = self._deadlines
        raw = self._url.raw_path.rstrip(b"/") + call.target.encode("ascii")
        return httpx.Request(
            call.method,
            self._url.copy_with(host=address, raw_path=raw),
            headers=self._headers_of(call),
            content=encoded(call.body),
            extensions={
                "timeout": {
                    "connect": limits.connect_s,
                    "read": limits.read_s,
                    "write": limits.read_s,
                    "pool": limits.total_s,
                },
                "sni_hostname": self._url.host,
                "trace": trail.note,
            },
        )

    def _headers_of(self, call: Call) -> dict[str, str]:
        own = {name: value for name, value in self._headers.items() if call.body is not None or name != "Content-Type"}
        return {**own, **call.headers}

    def _shared_transport(self) -> httpx.AsyncHTTPTransport:
        self._shared = self._shared or self._new_transport()
        return self._shared

    def _new_transport(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=32, max_keepalive_connections=16, keepalive_expiry=4.0)
        return httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, http2=False, limits=limits, retries=0)

    def _failure(self, call: Call, trail: _Trail, err: Exception) -> ConnectorError:
        """What no usable answer means: for a change that was on its way, that nobody knows."""
        what = self._redaction.text(f"{call.method} {call.target}: {type(err).__name__} {err}".strip())
        if call.changes and trail.sent:
            return OutcomeUnknown(what, effect="The change may have taken effect.", mend="It is read back first.")
        if isinstance(err, AnswerUnusable):
            return err
        return Unreachable(what, effect="Nothing was concluded.", mend="It is tried again later.")

    def _note(self, call: Call, answer: Answer | None, status: str, begun: float) -> None:
        shown = f"{self._url.raw_path.decode().rstrip('/')}{call.target}"
        self._ports.log.note(
            Exchange(
                application=self._application,
                method=call.method,
                target=self._redaction.text(shown),
                status=status,
                request=self._redaction.message(self._headers_of(call), encoded(call.body) or b""),
                answer=self._redaction.message(answer.headers, answer.content) if answer else "",
                request_id=answer.request_id if answer else None,
                elapsed_s=asyncio.get_running_loop().time() - begun,
            )
        )

    async def _judge(self, call: Call, answer: Answer) -> None:
        status, what = answer.status, f"{call.method} {call.target} was answered {answer.status}"
        what = self._redaction.text(what)
        if status == 401:
            raise CredentialsRejected(what, effect="Nothing was done.", mend="Renew the token of the application.")
        if status == 403 and not _is_throttled(answer):
            raise PermissionMissing(what, effect="Nothing was done.", mend="Give Lastday's account this right.")
        if status == 429 or _is_throttled(answer):
            seconds = retry_after_s(answer.headers, self._ports.clock.now())
            await self._ports.budget.block(self._application, seconds)
            raise RateLimited(what, retry_after_s=seconds, effect=f"Nothing is sent for {seconds:g} s.")
        if status == 501:
            raise NotSupported(what, effect="Nothing was done.")
        if 300 <= status < 400:
            where = self._redaction.text(answer.headers.get("location", "nowhere")[:200])
            raise AnswerUnusable(f"{what}: a redirect to {where}, which is not followed", mend="Correct the url.")
        if status == 503:  # RFC 9110 section 15.6.4: not handled
            raise Unreachable(what, effect="Nothing was done.", mend="It is tried again later.")
        if status >= 500:
            raise self._server_fault(call, what)

    def _server_fault(self, call: Call, what: str) -> ConnectorError:
        """A server or gateway that broke while it worked may have done the work."""
        if call.changes:
            return OutcomeUnknown(what, effect="The change may have taken effect.", mend="It is read back first.")
        return Unreachable(what, effect="Nothing was concluded.", mend="It is tried again later.")


def _is_throttled(answer: Answer) -> bool:
    """A 403 or 503 that says when to come again asks for patience, not for more rights (RFC 9110 section 10.2.3)."""
    none_left = answer.headers.get("x-ratelimit-remaining") == "0"
    return answer.status in (403, 503) and ("retry-after" in answer.headers or (answer.status == 403 and none_left))


def encoded(body: JsonValue) -> bytes | None:
    """The body as it is sent; None where there is none."""
    return None if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _checked_url(text: str, application: ApplicationName) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as err:
        raise ConfigurationError(
            f"the url of {application} cannot be read: {err}", where=f"app.{application}.url"
        ) from err
    wrong = None
    if url.scheme not in ("http", "https") or not url.host:
        wrong = "must begin with https://"
    elif url.scheme == "http" and not is_loopback_host(url.host):
        wrong = "would send the token readable over the network"
    elif url.userinfo or url.query or url.fragment:
        wrong = "carries more than scheme, host, port and path"
    if wrong:
        raise ConfigurationError(
            f"the url of {application} {wrong}",
            where=f"app.{application}.url",
            mend="Write https://host/path; http:// is taken for this machine only.",
        )
    return url


def _tls(url: httpx.URL, ca_file: str | None) -> ssl.SSLContext:
    """Verifies always: against the bundled and the system's roots, and the company's own where one is named."""
    if url.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no roots: refuses everything, and costs nothing to make
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
