"""The narrow door to ldap3: sessions that read whole answers or raise, and writes that say what was answered.

ldap3 is synchronous. Its calls run in a bounded pool of threads with socket timeouts; past the deadline the
connection is dropped and the call counts as unanswered. Every request takes a token of the budget first and is noted,
redacted, afterwards.
"""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import ldap3
from ldap3.core.exceptions import LDAPException

from lastday.connectors.ldap.answers import (
    ACCOUNT_USABILITY,
    AGAIN_LATER,
    GRANT_MORE,
    Answer,
    Change,
    Entry,
    EntryPage,
    Modification,
    Response,
    Result,
    entry_in,
    next_cookie,
    refuse_unless_whole,
)
from lastday.connectors.ldap.line import Address, CheckedTls
from lastday.connectors.sdk.ports import Exchange, Ports
from lastday.model.errors import (
    CredentialsRejected,
    ListingIncomplete,
    PermissionMissing,
    Unreachable,
)
from lastday.model.ids import ApplicationName

PAGE_SIZE = 500
GIVING_UP_S = 2

_BROKEN = (LDAPException, OSError, ValueError, IndexError, KeyError, TypeError, AttributeError)
"""What ldap3 raises on a lost line or on bytes that are no LDAP."""
ResultT = TypeVar("ResultT")


class NotAnswered(Exception):
    """A request was sent, or may have been, and no answer came: what became of it is unknown."""


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
        def ask() -> tuple[Result, list[Response]]:
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
        refuse_unless_whole(result, response, base)
        return EntryPage(
            entries=tuple(entry_in(item) for item in response if item["type"] == "searchResEntry"),
            cookie=b"" if one else next_cookie(result, base),
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
        def act() -> Result:
            send()
            result: Result = self._connection.result
            return result

        result = await self._directory.call(method, dn, told, self._connection, act, _told_result)
        answer = Answer(code=result["result"], name=result["description"], message=result["message"] or "")
        if answer.code == 50:
            raise PermissionMissing(f"{method} was refused: {answer}", where=dn, mend=GRANT_MORE)
        if answer.code in AGAIN_LATER:
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
            tls=CheckedTls(self.address.ca_file),
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
        def bind() -> Result:
            connection.open(read_server_info=False)
            if self.address.starttls and not connection.start_tls(read_server_info=False):
                raise ssl.SSLError("the server refused StartTLS")
            connection.bind(read_server_info=False)
            result: Result = connection.result
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


def _told_search(found: tuple[Result, list[Response]]) -> str:
    return f"{found[0]['description']} {len(found[1])} entries"


def _told_result(result: Result) -> str:
    return f"{result['description']} {result['message'] or ''}"


def _bind_error(code: int, said: str, where: str) -> CredentialsRejected | PermissionMissing | Unreachable:
    if code in AGAIN_LATER:
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
