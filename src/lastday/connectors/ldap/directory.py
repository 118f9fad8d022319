"""The narrow door to ldap3: sessions that read whole answers or raise, and writes that say what was answered.

ldap3 is synchronous. Its calls run in a bounded pool of threads with socket timeouts; past the deadline the
connection is dropped and the call counts as unanswered. Every request takes a token of the budget first and is noted,
redacted, afterwards.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import NotRequired, TypedDict, TypeVar
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException

from lastday.connectors.sdk.ports import Exchange, Ports
from lastday.model.errors import (
    AnswerUnusable,
    ConfigurationError,
    CredentialsRejected,
    ListingIncomplete,
    PermissionMissing,
    Unreachable,
)
from lastday.model.ids import ApplicationName

PAGED_RESULTS = "1.2.840.113556.1.4.319"
ACCOUNT_USABILITY = "1.3.6.1.4.1.42.2.27.9.5.8"
"""The server's own judgement whether an entry can be signed in to; only where a password policy applies to it."""
PAGE_SIZE = 500
GIVING_UP_S = 2
SECRET_ATTRIBUTES = frozenset({"userpassword", "unicodepwd", "sambantpassword", "sambalmpassword"})

_BROKEN = (LDAPException, OSError, ValueError, IndexError, KeyError, TypeError, AttributeError)
"""What ldap3 raises on a lost line or on bytes that are no LDAP."""
_CUT_SHORT = frozenset({3, 4, 11})  # timeLimitExceeded, sizeLimitExceeded, adminLimitExceeded
_AGAIN_LATER = frozenset({51, 52})  # busy, unavailable
ResultT = TypeVar("ResultT")


class Change(StrEnum):
    ADD = "MODIFY_ADD"
    DELETE = "MODIFY_DELETE"
    REPLACE = "MODIFY_REPLACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modification:
    attribute: str
    change: Change
    values: tuple[bytes, ...] = ()

    def redacted(self) -> str:
        hidden = self.attribute.lower() in SECRET_ATTRIBUTES
        shown = "***" if hidden else ", ".join(value.decode(errors="replace") for value in self.values)
        return f"{self.change.name.lower()} {self.attribute}: {shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it was read; attribute names in lower case."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]
    usable: bool | None = None
    """What the server says of signing in (account usability control); None where no policy applies or it is mute."""

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value.decode(errors="replace") for value in self.attributes.get(name.lower(), ()))

    def text(self, name: str) -> str | None:
        return next(iter(self.texts(name)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    entries: tuple[Entry, ...]
    cookie: bytes
    """Empty on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered to a write (RFC 4511 section 4.1.9)."""

    code: int
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


class NotAnswered(Exception):
    """A request was sent, or may have been, and no answer came: what became of it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    host: str
    port: int
    tls: bool
    starttls: bool
    ca_file: str | None

    @classmethod
    def of(cls, url: str, *, starttls: bool, ca_file: str | None) -> "Address":
        """The address that `url` writes. Raises ConfigurationError where the line would be open outside loopback."""
        parsed = urlsplit(url)
        if parsed.scheme not in ("ldap", "ldaps") or not parsed.hostname:
            raise ConfigurationError(f"{url!r} is not an ldap:// or ldaps:// address", mend="Write ldaps://host:636.")
        tls = parsed.scheme == "ldaps"
        if not (tls or starttls or _is_loopback(parsed.hostname)):
            raise ConfigurationError(
                f"{url} would send the password in clear",
                effect="The directory is not contacted.",
                mend="Use ldaps:// or starttls = true; plain ldap:// is for loopback only.",
            )
        port = parsed.port or (636 if tls else 389)
        return cls(host=parsed.hostname, port=port, tls=tls, starttls=starttls and not tls, ca_file=ca_file)

    def __str__(self) -> str:
        return f"{'ldaps' if self.tls else 'ldap'}://{self.host}:{self.port}"


class _CheckedTls(ldap3.Tls):  # type: ignore[misc]  # ldap3 has no types
    """TLS whose certificate and host name the standard library checks; ldap3's own check leaves sockets behind."""

    def __init__(self, ca_file: str | None) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._ca_file = ca_file

    def wrap_socket(self, connection: "ldap3.Connection", do_handshake: bool = False) -> None:  # noqa: FBT001, FBT002 - ldap3's signature
        context = ssl.create_default_context(cafile=self._ca_file)
        connection.socket = context.wrap_socket(
            connection.socket, do_handshake_on_connect=do_handshake, server_hostname=connection.server.host
        )


class Session:
    """One bound connection. Reads are whole or raise; writes return the Answer or raise NotAnswered."""

    def __init__(self, directory: "Directory", connection: "ldap3.Connection") -> None:
        self._directory = directory
        self._connection = connection

    async def search(
        self, base: str, text: str, attributes: Sequence[str], *, one: bool = False, controls: bool = False
    ) -> tuple[Entry, ...]:
        """Every entry under `base` (the entry itself with `one`) that matches. Raises ListingIncomplete."""
        if one:
            return (await self._page(base, text, attributes, b"", one=True, controls=controls)).entries
        found: list[Entry] = []
        cookie, seen = b"", set[bytes]()
        while True:
            page = await self.search_page(base, text, attributes, cookie, controls=controls)
            found.extend(page.entries)
            if not page.cookie:
                return tuple(found)
            if page.cookie in seen:
                raise ListingIncomplete("the directory gave the same page twice", where=base)
            cookie = page.cookie
            seen.add(cookie)

    async def search_page(
        self, base: str, text: str, attributes: Sequence[str], cookie: bytes, *, controls: bool = False
    ) -> EntryPage:
        """One page (RFC 2696). Raises ListingIncomplete where the server cut it short or dropped the paging."""
        return await self._page(base, text, attributes, cookie, one=False, controls=controls)

    async def _page(
        self, base: str, text: str, attributes: Sequence[str], cookie: bytes, *, one: bool, controls: bool
    ) -> EntryPage:
        def ask() -> tuple[_Result, list[_Response]]:
            self._connection.search(
                base,
                text,
                search_scope=ldap3.BASE if one else ldap3.SUBTREE,
                attributes=list(attributes),
                controls=[(ACCOUNT_USABILITY, False, None)] if controls else None,
                **({} if one else {"paged_size": PAGE_SIZE, "paged_cookie": cookie, "paged_criticality": True}),
            )
            return self._connection.result, self._connection.response or []

        try:
            result, response = await self._directory.call("SEARCH", base, text, self._connection, ask, _told_search)
        except NotAnswered as err:
            raise Unreachable(f"the directory did not answer a search: {err}", where=base) from err
        if one and result["result"] == 32:  # noSuchObject: said about the very entry that was asked for
            return EntryPage(entries=(), cookie=b"")
        _refuse_unless_whole(result, response, base)
        return EntryPage(
            entries=tuple(_entry(item) for item in response if item["type"] == "searchResEntry"),
            cookie=b"" if one else _next_cookie(result, base),
        )

    async def modify(self, dn: str, changes: Sequence[Modification]) -> Answer:
        """All changes were made in one step, or none. Raises NotAnswered."""
        sent: dict[str, list[tuple[str, list[bytes]]]] = {}
        for change in changes:
            sent.setdefault(change.attribute, []).append((change.change.value, list(change.values)))
        told = "; ".join(change.redacted() for change in changes)
        return await self._write("MODIFY", dn, told, lambda: self._connection.modify(dn, sent))

    async def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, tuple[bytes, ...]]) -> Answer:
        """The entry exists. Raises NotAnswered."""
        told = "; ".join(
            Modification(attribute=name, change=Change.ADD, values=v).redacted() for name, v in attributes.items()
        )
        values = {name: list(given) for name, given in attributes.items()}
        return await self._write("ADD", dn, told, lambda: self._connection.add(dn, list(classes), values))

    async def rename(self, dn: str, relative: str) -> Answer:
        """The entry is called `relative` where it stands, its old name is no value any more. Raises NotAnswered."""
        return await self._write("MODIFYDN", dn, relative, lambda: self._connection.modify_dn(dn, relative))

    async def delete(self, dn: str) -> Answer:
        """The entry is gone. Raises NotAnswered."""
        return await self._write("DELETE", dn, "", lambda: self._connection.delete(dn))

    async def who_am_i(self) -> str | None:
        """The name the server knows us by (RFC 4532), None where it does not say."""

        def ask() -> str | None:
            try:
                told: str | None = self._connection.extend.standard.who_am_i()
            except LDAPException:
                return None
            return told

        try:
            return await self._directory.call("WHOAMI", "", "", self._connection, ask, str)
        except NotAnswered as err:
            raise Unreachable("the directory did not say who we are") from err

    async def _write(self, method: str, dn: str, told: str, send: Callable[[], object]) -> Answer:
        def act() -> _Result:
            send()
            result: _Result = self._connection.result
            return result

        result = await self._directory.call(method, dn, told, self._connection, act, _told_result)
        answer = Answer(code=result["result"], name=result["description"], message=result["message"] or "")
        if answer.code == 50:
            raise PermissionMissing(f"{method} was refused: {answer}", where=dn, mend=_GRANT_MORE)
        if answer.code in _AGAIN_LATER:
            raise Unreachable(f"the directory is {answer.name}", where=dn)
        return answer


class Directory:
    """One directory server with our credentials; opens sessions and tries sign-ins."""

    def __init__(
        self,
        *,
        application: ApplicationName,
        address: Address,
        bind_dn: str,
        password: str,
        timeout_s: int,
        ports: Ports,
    ) -> None:
        self.address = address
        self.bind_dn = bind_dn
        self._application = application
        self._password = password
        self._timeout_s = timeout_s
        self._ports = ports
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix=f"ldap-{application}")

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A new connection, bound as ourselves. Raises Unreachable, CredentialsRejected."""
        session = await self.open_session()
        try:
            yield session
        finally:
            await self.close_session(session)

    async def open_session(self) -> Session:
        """The same for a caller that lets it go by `close_session`."""
        connection = self._connection(self.bind_dn, self._password)
        code, said = await self._bind(connection, self.bind_dn)
        if code != 0:
            _drop(connection)
            raise _bind_error(code, said, str(self.address))
        return Session(self, connection)

    async def close_session(self, session: Session) -> None:
        """The connection is closed; what was asked on it and not answered is given up."""
        _drop(session._connection)

    async def try_sign_in(self, dn: str, password: str) -> bool | None:
        """A bind as `dn` got in (True) or was refused as invalidCredentials (False); None on any other answer."""
        connection = self._connection(dn, password)
        try:
            code, _ = await self._bind(connection, dn)
        finally:
            _drop(connection)
        return {0: True, 49: False}.get(code)

    async def close(self) -> None:
        """No thread of ours is left."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _connection(self, user: str, password: str) -> "ldap3.Connection":
        server = ldap3.Server(
            self.address.host,
            port=self.address.port,
            use_ssl=self.address.tls,
            tls=_CheckedTls(self.address.ca_file),
            get_info=ldap3.NONE,
            connect_timeout=self._timeout_s,
        )
        return ldap3.Connection(
            server,
            user=user,
            password=password,
            authentication=ldap3.SIMPLE,
            client_strategy=ldap3.SYNC,
            auto_referrals=False,
            auto_range=False,
            check_names=False,
            auto_escape=False,
            auto_encode=False,
            receive_timeout=self._timeout_s,
        )

    async def _bind(self, connection: "ldap3.Connection", user: str) -> tuple[int, str]:
        def bind() -> _Result:
            connection.open(read_server_info=False)
            if self.address.starttls and not connection.start_tls(read_server_info=False):
                raise ssl.SSLError("the server refused StartTLS")
            connection.bind(read_server_info=False)
            result: _Result = connection.result
            return result

        try:
            result = await self.call("BIND", user, "simple ***", connection, bind, _told_result)
        except NotAnswered as err:
            raise Unreachable(
                f"{self.address} cannot be reached: {err}",
                effect="Nothing is concluded about its accounts.",
                mend="Check address, certificate and network.",
                where=str(self.address),
            ) from err
        return result["result"], result["message"] or result["description"]

    async def call(
        self,
        method: str,
        target: str,
        request: str,
        connection: "ldap3.Connection",
        work: Callable[[], ResultT],
        told: Callable[[ResultT], str],
    ) -> ResultT:
        """`work` was done in a thread, inside the deadline, and noted. Raises NotAnswered, the connection dropped."""
        await self._ports.budget.take(self._application)
        started = time.perf_counter()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        status = "cancelled"
        answer = ""
        try:
            done, _ = await asyncio.wait({future}, timeout=self._timeout_s + 1)
            if not done:
                status = "no answer"
                raise NotAnswered(f"no answer within {self._timeout_s} s")
            try:
                result = future.result()
            except _BROKEN as err:
                status = "no answer"
                raise NotAnswered(_reason(err)) from err
            status, _, answer = told(result).partition(" ")
            return result
        finally:
            if status in ("cancelled", "no answer"):
                await _give_up(connection, future)
            self._note(method, target, status, request, answer, time.perf_counter() - started)

    def _note(self, method: str, target: str, status: str, request: str, answer: str, elapsed_s: float) -> None:
        self._ports.log.note(
            Exchange(
                application=self._application,
                method=method,
                target=target,
                status=status,
                request=request[:16_384],
                answer=answer[:16_384],
                request_id=None,
                elapsed_s=elapsed_s,
            )
        )


_GRANT_MORE = "Give our account the rights listed in the connector's manifest under least_privilege."


class _Result(TypedDict):
    """The part of ldap3's result that is used."""

    result: int
    description: str
    message: str
    controls: NotRequired[object]


class _Response(TypedDict):
    """The part of one of ldap3's responses that is used."""

    type: str
    dn: str
    raw_attributes: Mapping[str, list[bytes]]
    controls: NotRequired[object]


def _told_search(found: tuple[_Result, list[_Response]]) -> str:
    return f"{found[0]['description']} {len(found[1])} entries"


def _told_result(result: _Result) -> str:
    return f"{result['description']} {result['message'] or ''}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _refuse_unless_whole(result: _Result, response: list[_Response], base: str) -> None:
    code, name = result["result"], result["description"]
    if code in _CUT_SHORT:
        raise ListingIncomplete(
            f"the directory cut its answer short: {name}",
            effect="Nothing is concluded from what was read.",
            mend="Lift the limit for our account (slapd.conf: limits ... size.prtotal=unlimited).",
            where=base,
        )
    if code == 50:
        raise PermissionMissing(f"reading was refused: {name}", where=base, mend=_GRANT_MORE)
    if code in _AGAIN_LATER:
        raise Unreachable(f"the directory is {name}", where=base)
    if code != 0:
        raise AnswerUnusable(f"the directory answered {name}: {result['message']}", where=base)
    if any(item["type"] == "searchResRef" for item in response):
        raise ListingIncomplete("part of the tree stands on another server (referral)", where=base)


def _next_cookie(result: _Result, base: str) -> bytes:
    """The cookie of the next page. A server that says nothing about paging has not promised that this was all."""
    controls = result.get("controls")
    paging = controls.get(PAGED_RESULTS) if isinstance(controls, Mapping) else None
    value = paging.get("value") if isinstance(paging, Mapping) else None
    if not isinstance(value, Mapping):
        raise ListingIncomplete("the directory dropped the paging control", where=base)
    cookie = value.get("cookie")
    return cookie if isinstance(cookie, bytes) else b""


def _entry(item: _Response) -> Entry:
    attributes = {name.lower(): tuple(values) for name, values in item["raw_attributes"].items() if values}
    return Entry(dn=item["dn"], attributes=attributes, usable=_usable(item))


def _usable(item: _Response) -> bool | None:
    """The account usability of an entry: the first tag is [0] where it is available and [1] where it is not."""
    controls = item.get("controls")
    control = controls.get(ACCOUNT_USABILITY) if isinstance(controls, Mapping) else None
    value = control.get("value") if isinstance(control, Mapping) else None
    if not isinstance(value, bytes) or not value:
        return None
    return {0x80: True, 0xA1: False}.get(value[0])


def _bind_error(code: int, said: str, where: str) -> CredentialsRejected | PermissionMissing | Unreachable:
    if code in _AGAIN_LATER:
        return Unreachable(f"the directory cannot serve us: {said}", where=where)
    if code in (8, 13):  # strongerAuthRequired, confidentialityRequired
        return PermissionMissing(f"the directory wants a protected line: {said}", where=where, mend="Use ldaps://.")
    return CredentialsRejected(
        f"the directory rejected our bind: {said}",
        effect="Nothing is read or changed there.",
        mend="Check bind_dn and password.",
        where=where,
    )


def _drop(connection: "ldap3.Connection") -> None:
    """The socket is closed. Only when no thread works on it: its descriptor may be another connection's next."""
    _wake(connection)
    if connection.socket is not None:
        with contextlib.suppress(OSError):
            connection.socket.close()


def _wake(connection: "ldap3.Connection") -> None:
    """A thread that waits on the socket goes on, with an error."""
    if connection.socket is not None:
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)


async def _give_up(connection: "ldap3.Connection", future: "asyncio.Future[ResultT]") -> None:
    """Nobody works on the connection any more, now or as soon as a slow thread ends, and it is closed."""

    def drop(done: "asyncio.Future[ResultT]") -> None:
        if not done.cancelled():
            done.exception()  # taken, so that nobody hears of it twice
        _drop(connection)

    future.add_done_callback(drop)
    _wake(connection)
    await asyncio.wait({future}, timeout=GIVING_UP_S)


def _reason(err: BaseException) -> str:
    return str(err)[:300] or type(err).__name__
