"""The PostgreSQL connector: login roles of a cluster, and the roles they are in. The manifest says what verbs do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from psycopg import sql

from lastday.connectors.postgresql import grants, ownership, roles
from lastday.connectors.postgresql.database import NotAnswered, Refused, Server, Session, Statement
from lastday.connectors.postgresql.roles import LOGIN_OFF, PREFIX, Role
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import AccountDraft, Connection, Page
from lastday.model.account import ObservedAccount
from lastday.model.attributes import Attributes
from lastday.model.errors import ConfigurationError, ListingIncomplete, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

DONE = Outcome(kind=OutcomeKind.DONE)
ALREADY_DONE = Outcome(kind=OutcomeKind.ALREADY_DONE)
ABSENT = Outcome(kind=OutcomeKind.ABSENT, detail="no role has this oid")
NAME_BYTES = 63
"""Longer names are cut by the server without an error (NAMEDATALEN - 1)."""
ENDING_LOOKS = 50
ENDING_PAUSE_S = 0.1
_SEARCHABLE = frozenset({"rolname", "username", "comment"})
_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE usesysid::bigint = %s AND pid <> pg_backend_pid()"
_TERMINATE = "SELECT pg_terminate_backend(pid) FROM ({}) AS s"


class PostgresqlConnector:
    """Has everything but a probe of the sign-in: the server asks for the password before it says that login is off."""

    def __init__(self, settings: ConnectorSettings, ports: Ports) -> None:
        dsn = settings.text("dsn")
        where = f"[app.{settings.application}]"
        if not dsn:
            raise ConfigurationError(f"app {settings.application} needs dsn", where=where)
        self._server = Server(
            application=settings.application,
            dsn=dsn,
            timeout_s=int(settings.text("timeout_s") or 10),
            ports=ports,
        )

    async def close(self) -> None:
        """Nothing is kept open between calls."""

    # ---------- reading

    async def check_connection(self) -> Connection:
        async with self._server.session() as session:
            [[name, version, able, signals]] = await session.rows(
                "SELECT session_user, current_setting('server_version'), r.rolsuper OR r.rolcreaterole,"
                " r.rolsuper OR pg_has_role('pg_signal_backend', 'USAGE') FROM pg_roles r WHERE rolname = session_user"
            )
        warnings = [] if able else [f"{name} has no CREATEROLE: roles can be read but not changed."]
        warnings += [] if signals else [f"{name} is not in pg_signal_backend: sessions of others cannot be ended."]
        warnings += [] if self._server.verified else ["sslmode is not verify-full: who answers is not checked."]
        return Connection(principal=name, server=f"PostgreSQL {version}", warnings=tuple(warnings))

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        """All in one page: one statement is one moment, whole or an error."""
        if cursor is not None:
            raise ListingIncomplete("there is no second page here: begin again")
        async with self._server.session() as session:
            found = [role.as_account() for role in await roles.read_accounts(session)]
        return Page(items=found, next_cursor=None, stated_total=len(found))

    async def list_entitlements(self) -> Sequence[str]:
        async with self._server.session() as session:
            return await roles.read_entitlements(session)

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        async with self._server.session() as session:
            role = await roles.read_role(session, native_id)
            return None if role is None else role.as_account()

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        if attribute.lower() not in _SEARCHABLE:
            raise NotSupported(f"roles cannot be searched by {attribute}", mend="Use rolname or comment.")
        if "\x00" in value:
            return ()
        async with self._server.session() as session:
            return tuple(role.as_account() for role in await roles.find_roles(session, attribute, value))

    async def count_sessions(self, native_id: NativeId) -> int:
        async with self._server.session() as session:
            return len(await session.rows(_SESSIONS, roles.oid_of(native_id)))

    async def count_owned(self, native_id: NativeId) -> int:
        async with self._server.session() as session:
            return sum(place.owned for place in await ownership.places_of(session, roles.oid_of(native_id)))

    # ---------- writing

    async def create_account(self, draft: AccountDraft) -> Outcome:
        name, comment = draft.username, draft.attributes.text("comment")
        if not name or "\x00" in name or len(name.encode()) > NAME_BYTES:
            return _refused(f"a role's name has 1 to {NAME_BYTES} bytes")
        async with self._server.session() as session:
            mine = await roles.find_roles(session, "comment", comment) if comment else []
            if len(mine) == 1:
                return Outcome(kind=OutcomeKind.ALREADY_DONE, native_id=NativeId(str(mine[0].oid)))
            if mine:
                return _refused(f"ambiguous: {len(mine)} roles have this comment")
            if await roles.role_exists(session, name):
                return _refused("taken")
            statements = [sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name))]
            outcome = await _written(session, [*statements, *_comment(name, comment)])
            if outcome.kind is not OutcomeKind.DONE:
                return outcome
            made = await roles.find_roles(session, "rolname", name)
        if len(made) != 1:
            return Outcome(kind=OutcomeKind.UNKNOWN, detail="created, but not to be read")
        return Outcome(kind=OutcomeKind.DONE, native_id=NativeId(str(made[0].oid)))

    async def update_account(self, native_id: NativeId, values: Attributes, cleared: Sequence[str]) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            unknown = {name.lower() for name in (*values, *cleared)} - {"rolname", "comment"}
            if unknown or "rolname" in {name.lower() for name in cleared}:
                return _refused(f"a role has no {', '.join(sorted(unknown)) or 'empty name'} that can be set here")
            statements = _changes(role, values, cleared)
            return await _written(session, statements) if statements else ALREADY_DONE

        return await self._on_role(native_id, act)

    async def disable_account(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            if not role.can_login:
                return ALREADY_DONE
            statements = [sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(role.name))]
            if role.comment is None:
                statements += _comment(role.name, LOGIN_OFF)
            return await _written(session, statements)

        return await self._on_role(native_id, act)

    async def enable_account(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            name = sql.Identifier(role.name)
            statements: list[Statement] = []
            if not role.can_login:
                statements.append(sql.SQL("ALTER ROLE {} LOGIN").format(name))
            if not role.still_valid:
                statements.append(sql.SQL("ALTER ROLE {} VALID UNTIL 'infinity'").format(name))
            if role.comment == LOGIN_OFF:
                statements += _comment(role.name, None)
            return await _written(session, statements) if statements else ALREADY_DONE

        return await self._on_role(native_id, act)

    async def give_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            wanted = entitlement.removeprefix(PREFIX)
            if not entitlement.startswith(PREFIX) or not await roles.role_exists(session, wanted):
                return _refused(f"there is no {entitlement}")
            if wanted in role.direct:
                return ALREADY_DONE
            grant = sql.SQL("GRANT {} TO {}").format(sql.Identifier(wanted), sql.Identifier(role.name))
            return await _written(session, [grant])

        return await self._on_role(native_id, act)

    async def revoke_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            name = entitlement.removeprefix(PREFIX)
            statements = await grants.statements_to_revoke(session, name, role.name)
            if statements:
                return await _written(session, statements)
            return _refused("held through another role: remove that one") if name in role.through else ALREADY_DONE

        return await self._on_role(native_id, act)

    async def end_sessions(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            count = len(await session.rows(_SESSIONS, role.oid))
            if not count:
                return ALREADY_DONE
            for _ in range(ENDING_LOOKS):
                await session.write([sql.SQL(_TERMINATE.format(_SESSIONS.replace("%s", "{}"))).format(role.oid)])
                if not await session.rows(_SESSIONS, role.oid):
                    return Outcome(kind=OutcomeKind.DONE, detail=f"{count} sessions ended")
                await asyncio.sleep(ENDING_PAUSE_S)
            return _refused("sessions are still open: new ones come, or one does not end")

        return await self._on_role(native_id, act)

    async def transfer_owned(self, native_id: NativeId, successor: str) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            if successor == role.name or not await roles.role_exists(session, successor):
                return _refused(f"{successor} is no other role that could own something")
            places = await ownership.places_of(session, role.oid)
            closed = [place.database for place in places if not place.open]
            if closed:
                return _refused(f"these databases allow no connection: {', '.join(closed)}")
            if not places:
                return ALREADY_DONE
            kept = await grants.statements_to_hand_over(session, role.name)
            if kept:
                await session.write(kept)
            return await self._hand_over(role, successor, places)

        return await self._on_role(native_id, act)

    async def _hand_over(self, role: Role, successor: str, places: list[ownership.Place]) -> Outcome:
        """Database by database; what all share is handed over in whichever comes first."""
        named: list[str | None] = [place.database for place in places if place.database]
        for database in named or [None]:
            async with self._server.session(database) as session:
                await session.write(ownership.statements_to_hand_over(role.oid, role.name, successor))
        return Outcome(kind=OutcomeKind.DONE, detail=f"{sum(p.owned for p in places)} owned, {len(places)} places")

    async def delete_account(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, role: Role) -> Outcome:
            open_now = len(await session.rows(_SESSIONS, role.oid))
            if open_now:
                return _refused(f"{open_now} sessions are open: they would go on without the role")
            statements = await grants.statements_to_hand_over(session, role.name)
            drop = sql.SQL("DROP ROLE {}").format(sql.Identifier(role.name))
            return await _written(session, [*statements, drop])

        return await self._on_role(native_id, act)

    # ---------- shared by the above

    async def _on_role(self, native_id: NativeId, act: Callable[[Session, Role], Awaitable[Outcome]]) -> Outcome:
        """What `act` says of the role as it is now, under its present name; our own and the first superuser never."""
        async with self._server.session() as session:
            role = await roles.read_role(session, native_id)
            if role is None:
                return ABSENT
            [[ourselves]] = await session.rows("SELECT session_user")
            if role.name == ourselves or role.oid == roles.BOOTSTRAP_OID:
                return _refused("this is the role that Lastday itself uses, or the cluster's first superuser")
            try:
                return await act(session, role)
            except NotAnswered as err:
                return Outcome(kind=OutcomeKind.UNKNOWN, detail=str(err))
            except Refused as err:
                return _refused(str(err))


async def _written(session: Session, statements: Sequence[Statement]) -> Outcome:
    """The statements' outcome. A name that came into use meanwhile is `taken`."""
    try:
        await session.write(statements)
    except NotAnswered as err:
        return Outcome(kind=OutcomeKind.UNKNOWN, detail=str(err))
    except Refused as err:
        if err.state in ("42710", "23505"):  # duplicate_object, unique_violation of a race
            return _refused("taken")
        return ABSENT if err.state == "42704" and len(statements) == 1 else _refused(str(err))
    return DONE


def _changes(role: Role, values: Attributes, cleared: Sequence[str]) -> list[Statement]:
    statements: list[Statement] = []
    comment = None if "comment" in {name.lower() for name in cleared} else values.text("comment")
    if ("comment" in values or (comment is None and cleared)) and comment != role.comment:
        statements += _comment(role.name, comment)
    name = values.text("rolname")
    if name is not None and name != role.name:
        statements.append(sql.SQL("ALTER ROLE {} RENAME TO {}").format(*map(sql.Identifier, (role.name, name))))
    return statements


def _comment(name: str, comment: str | None) -> list[Statement]:
    return [sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(name), sql.Literal(comment))]


def _refused(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.REFUSED, detail=detail)
