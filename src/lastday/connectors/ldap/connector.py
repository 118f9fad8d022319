"""The LDAP connector: people under one subtree, groups under another. What each verb does is in the manifest."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from lastday.connectors.ldap import accounts, groups, membership, names, sign_in
from lastday.connectors.ldap.answers import Answer, Entry
from lastday.connectors.ldap.directory import Directory, NotAnswered, Session
from lastday.connectors.ldap.places import address_in, required, tree_in
from lastday.connectors.ldap.update import changes_to_update, rename_in
from lastday.connectors.sdk.ports import ConnectorSettings, Ports
from lastday.connectors.sdk.protocols import AccountDraft, Connection, Page
from lastday.model.account import ObservedAccount
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.errors import (
    AnswerUnusable,
    ConfigurationError,
    ListingIncomplete,
    NotSupported,
    PermissionMissing,
    Unreachable,
)
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

OPEN_LISTINGS = 4
STEPS_TO_ENABLE = 2
DONE = Outcome(kind=OutcomeKind.DONE)
ALREADY_DONE = Outcome(kind=OutcomeKind.ALREADY_DONE)
ABSENT = Outcome(kind=OutcomeKind.ABSENT, detail="no entry has this entryUUID")
_PROBE = "lastday-probe-never-a-password"


@dataclass(slots=True, kw_only=True)
class _Listing:
    """A listing under way: a paging cookie is good only on the connection that gave it (RFC 2696 section 3)."""

    session: Session
    index: groups.GroupIndex
    cookie: bytes = b""
    cookies: set[bytes] = field(default_factory=set)
    ids: set[NativeId] = field(default_factory=set)


class LdapConnector:
    """Has: creates, updates, disables, deletes accounts; gives and revokes holdings; probes sign-in."""

    def __init__(self, settings: ConnectorSettings, ports: Ports) -> None:
        self._application = settings.application
        self._ports = ports
        self._tree = tree_in(settings)
        self._directory = Directory(
            application=settings.application,
            address=address_in(settings),
            bind_dn=required(settings, "bind_dn"),
            password=required(settings, "password"),
            timeout_s=int(settings.text("timeout_s") or 10),
            ports=ports,
        )
        self._placeholder = settings.text("placeholder")
        self._listings: dict[str, _Listing] = {}
        self._numbers = count(1)
        self._known_attributes: frozenset[str] | None = None

    async def close(self) -> None:
        for cursor in list(self._listings):
            await self._end_listing(cursor)
        await self._directory.close()

    # ---------- reading

    async def check_connection(self) -> Connection:
        async with self._directory.session() as session:
            told = await session.who_am_i() or self._directory.bind_dn
            dn = told.removeprefix("dn:").removeprefix("u:")
            missing = [base for base in (self._tree.people, self._tree.groups) if not await self._exists(session, base)]
            if missing:
                raise ConfigurationError(f"the directory has no {' and no '.join(missing)}", where=missing[0])
            warnings = await self._warnings(session)
            principal = await self._account_name(session, dn)
        return Connection(principal=principal, server=str(self._directory.address), warnings=warnings)

    async def _exists(self, session: Session, base: str) -> bool:
        return bool(await session.search(base, "(objectClass=*)", ("1.1",), one=True))

    async def _account_name(self, session: Session, dn: str) -> str:
        """The username under which the listing shows the entry `dn`; the name itself where it is no account."""
        if not names.lies_under(dn, self._tree.people):
            return dn
        found = await session.search(dn, accounts.PEOPLE_FILTER, ("uid",), one=True)
        return accounts.username_of(found[0]) if found else dn

    async def _warnings(self, session: Session) -> tuple[str, ...]:
        page = await session.search_page(self._tree.people, accounts.PEOPLE_FILTER, ("userPassword",), b"")
        if page.entries and not any("userpassword" in entry.attributes for entry in page.entries):
            return ("No userPassword can be read: old passwords cannot be put back, a disable may not be seen.",)
        return ()

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        """One page. Each cursor is good once: it names the connection on which the listing goes on."""
        listing = await self._begin_listing() if cursor is None else self._listings.pop(cursor, None)
        if listing is None:
            raise ListingIncomplete("this listing was given up: begin again", where=self._tree.people)
        next_cursor: str | None = None
        try:
            page = await listing.session.search_page(
                self._tree.people, accounts.PEOPLE_FILTER, accounts.READ_ATTRIBUTES, listing.cookie, controls=True
            )
            found = tuple(self._listed(listing, entry) for entry in page.entries)
            _go_on(listing, page.cookie, self._tree.people)
            next_cursor = await self._keep_listing(listing) if page.cookie else None
        finally:
            if next_cursor is None:
                await self._directory.close_session(listing.session)
        return Page(items=found, next_cursor=next_cursor)

    async def _keep_listing(self, listing: _Listing) -> str:
        """The cursor of the next page. Listings that nobody went on with make room."""
        while len(self._listings) >= OPEN_LISTINGS:
            await self._end_listing(next(iter(self._listings)))
        cursor = f"listing-{next(self._numbers)}"
        self._listings[cursor] = listing
        return cursor

    async def _begin_listing(self) -> _Listing:
        session = await self._directory.open_session()
        try:
            index = groups.GroupIndex(await groups.read_groups(session, self._tree.groups))
        except BaseException:
            await self._directory.close_session(session)
            raise
        return _Listing(session=session, index=index)

    async def _end_listing(self, cursor: str) -> None:
        await self._directory.close_session(self._listings.pop(cursor).session)

    def _listed(self, listing: _Listing, entry: Entry) -> ObservedAccount:
        account = accounts.account_of(entry, listing.index.holdings_of(accounts.member_of(entry)))
        if account.native_id in listing.ids:
            raise ListingIncomplete("the directory listed one entry twice", where=entry.dn)
        listing.ids.add(account.native_id)
        return account

    async def list_entitlements(self) -> Sequence[str]:
        async with self._directory.session() as session:
            found = await groups.read_group_names(session, self._tree.groups)
        return sorted(groups.PREFIX + group.name for group in found)

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        async with self._directory.session() as session:
            entry = await self._entry(session, native_id)
            return None if entry is None else await self._account(session, entry)

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        async with self._directory.session() as session:
            await self._refuse_unknown(session, attribute)
            entries = await self._people(session, names.equals(attribute, value))
            return tuple([await self._account(session, entry) for entry in entries])

    async def sign_in_refused(self, native_id: NativeId) -> bool | None:
        """True: the only password is the one nobody has, or the server itself says "not available", and a bind was
        refused. False: a bind with a password that cannot be right got in. None: nothing can be said, as for an
        account that is enabled or whose password we may not read.
        """
        async with self._directory.session() as session:
            entry = await self._entry(session, native_id)
        if entry is None:
            return None
        let_in = await self._directory.try_sign_in(entry.dn, _PROBE)
        if let_in:
            return False
        return True if let_in is False and not sign_in.is_enabled(entry) else None

    # ---------- writing

    async def create_account(self, draft: AccountDraft) -> Outcome:
        async with self._directory.session() as session:
            try:
                return await self._existing(session, draft) or await self._create(session, draft)
            except NotAnswered as err:
                return _unknown(err)

    async def _existing(self, session: Session, draft: AccountDraft) -> Outcome | None:
        """What is to be said where the account is there already, or its name is another's."""
        proof = draft.attributes.text(self._tree.proof)
        if proof:
            mine = await self._people(session, names.equals(self._tree.proof, proof))
            if len(mine) == 1:
                return Outcome(kind=OutcomeKind.ALREADY_DONE, native_id=accounts.native_id_of(mine[0]))
            if mine:
                return _refused(f"ambiguous: {len(mine)} entries have this {self._tree.proof}")
        named = await session.search(self._tree.base, names.equals("uid", draft.username), ("1.1",))
        return _refused("taken") if named else None

    async def _create(self, session: Session, draft: AccountDraft) -> Outcome:
        dn = names.child(names.rdn("uid", draft.username), self._tree.people)
        answer = await session.add(dn, accounts.PERSON_CLASSES, accounts.entry_of(draft))
        if answer.code == 68:  # entryAlreadyExists
            return _refused("taken")
        if answer.code != 0:
            return _refused(str(answer))
        made = await session.search(dn, "(objectClass=*)", ("entryUUID",), one=True)
        if not made:
            return Outcome(kind=OutcomeKind.UNKNOWN, detail="added, but not to be read")
        return Outcome(kind=OutcomeKind.DONE, native_id=accounts.native_id_of(made[0]))

    async def update_account(self, native_id: NativeId, values: Attributes, cleared: Sequence[str]) -> Outcome:
        async def act(session: Session, entry: Entry) -> Outcome:
            before = accounts.attributes_of(entry)
            done = ALREADY_DONE
            relative = rename_in(entry, values)
            if relative is not None:
                answer = await membership.rename(session, self._tree.groups, entry, relative)
                if answer.code != 0:
                    return _refused("taken" if answer.code == 68 else str(answer))
                entry = await self._entry(session, native_id) or entry
                done = DONE
            changes = changes_to_update(entry, values, cleared)
            if not changes:
                return done
            answer = await session.modify(entry.dn, changes)
            return _outcome(answer, pre_image=before) if answer.code else Outcome(kind=DONE.kind, pre_image=before)

        return await self._on_account(native_id, act)

    async def disable_account(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, entry: Entry) -> Outcome:
            if not sign_in.changes_to_disable(entry):
                return ALREADY_DONE
            if sign_in.password_is_hidden(entry):
                raise _hidden(entry, "it cannot be kept to be put back")
            await sign_in.keep_password(self._ports, self._application, native_id, entry)
            answer = await session.modify(entry.dn, sign_in.changes_to_disable(entry))
            if answer.code != 0:
                return await self._lock_alone(session, entry, native_id, answer)
            return await self._finish_disable(session, native_id)

        return await self._on_account(native_id, act)

    async def _lock_alone(self, session: Session, entry: Entry, native_id: NativeId, refusal: Answer) -> Outcome:
        """The server will not take the password: a lock that the server obeys is still the sign-in gone."""
        if refusal.code == 32:  # noSuchObject about an entry just read: how slapd hides what we may not touch
            raise _hidden(entry, "it cannot be changed")
        if refusal.code == 20:  # the history holds this password for this very second already: slapo-ppolicy(5)
            raise Unreachable("the password was changed twice within a second", where=entry.dn)
        if not sign_in.has_lock(entry) and sign_in.lock_would_work(entry):
            await session.modify(entry.dn, [sign_in.LOCK])
        entry_now = await self._entry(session, native_id)
        if entry_now is not None and sign_in.is_locked(entry_now):
            return Outcome(kind=DONE.kind, detail=f"lock only; the password was not replaced: {refusal}")
        return _refused(str(refusal))

    async def _finish_disable(self, session: Session, native_id: NativeId) -> Outcome:
        """An entry that had no password gets the server's judgement only now: the lock follows where it works."""
        entry = await self._entry(session, native_id)
        if entry is None:
            return ABSENT
        rest = sign_in.changes_to_disable(entry)
        if rest:
            answer = await session.modify(entry.dn, rest)
            entry = await self._entry(session, native_id)
            if answer.code != 0 or entry is None:
                return Outcome(kind=DONE.kind, detail=f"unusable password; the lock was refused: {answer}")
        return Outcome(kind=DONE.kind, detail="unusable password" + (" and lock" if sign_in.is_locked(entry) else ""))

    async def enable_account(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, entry: Entry) -> Outcome:
            kept = await sign_in.kept_password(self._ports, self._application, native_id)
            lost = kept is None and sign_in.has_unusable_password(entry)
            written = False
            now: Entry | None = entry
            for _ in range(STEPS_TO_ENABLE):
                change = None if now is None else sign_in.next_change_to_enable(now, kept or ())
                if now is None or change is None:
                    break
                answer = await session.modify(now.dn, [change])
                if answer.code != 0:
                    return _refused(str(answer))
                written, now = True, await self._entry(session, native_id)
            if now is not None and not sign_in.has_unusable_password(now):  # seen, not only said
                await sign_in.forget_password(self._ports, self._application, native_id)
            if not written:
                return ALREADY_DONE
            return Outcome(kind=DONE.kind, detail="no old password was kept: a new one must be set" if lost else "")

        return await self._on_account(native_id, act)

    async def give_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        async def act(session: Session, entry: Entry) -> Outcome:
            found = await groups.find_groups(session, self._tree.groups, entitlement)
            if len(found) != 1:
                return _no_such(entitlement, len(found))
            return await membership.give(session, found[0], accounts.member_of(entry))

        return await self._on_account(native_id, act)

    async def revoke_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        async def act(session: Session, entry: Entry) -> Outcome:
            found = await groups.find_groups(session, self._tree.groups, entitlement)
            if not found:
                return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="there is no such group")
            if len(found) > 1:
                return _no_such(entitlement, len(found))
            member = accounts.member_of(entry)
            outcome = await membership.revoke(session, found[0], member, self._placeholder)
            if outcome.kind is not OutcomeKind.ALREADY_DONE:
                return outcome
            held = await groups.read_holdings(session, self._tree.groups, member)
            if any(holding.entitlement == groups.PREFIX + found[0].name for holding in held):
                return _refused("held through another group: remove that one")
            return outcome

        return await self._on_account(native_id, act)

    async def delete_account(self, native_id: NativeId) -> Outcome:
        async def act(session: Session, entry: Entry) -> Outcome:
            left = await membership.leave_all(session, self._tree.groups, accounts.member_of(entry), self._placeholder)
            if left is not None:
                return left
            answer = await session.delete(entry.dn)
            if answer.code == 32:  # noSuchObject: somebody was faster
                return ABSENT
            if answer.code == 0:
                await sign_in.forget_password(self._ports, self._application, native_id)
            return _outcome(answer)

        return await self._on_account(native_id, act)

    # ---------- shared by the above

    async def _on_account(self, native_id: NativeId, act: Callable[[Session, Entry], Awaitable[Outcome]]) -> Outcome:
        """What `act` says of the entry as it is now, under its present name; our own entry is never touched."""
        async with self._directory.session() as session:
            entry = await self._entry(session, native_id)
            if entry is None:
                return ABSENT
            if names.comparable(entry.dn) == names.comparable(self._directory.bind_dn):
                return _refused("this is the account that Lastday itself uses")
            try:
                return await act(session, entry)
            except NotAnswered as err:
                return _unknown(err)

    async def _entry(self, session: Session, native_id: NativeId) -> Entry | None:
        """The entry wherever in the tree it stands now. Raises AnswerUnusable for what is no entryUUID."""
        try:
            wanted = str(uuid.UUID(native_id))
        except ValueError as err:
            raise AnswerUnusable(f"{native_id!r} is not an entryUUID") from err
        found = await session.search(
            self._tree.base, names.equals("entryUUID", wanted), accounts.READ_ATTRIBUTES, controls=True
        )
        return next((entry for entry in found if accounts.native_id_of(entry) == wanted), None)

    async def _people(self, session: Session, text: str) -> tuple[Entry, ...]:
        wanted = names.all_of(accounts.PEOPLE_FILTER, text)
        return await session.search(self._tree.people, wanted, accounts.READ_ATTRIBUTES, controls=True)

    async def _account(self, session: Session, entry: Entry) -> ObservedAccount:
        member = accounts.member_of(entry)
        return accounts.account_of(entry, await groups.read_holdings(session, self._tree.groups, member))

    async def _refuse_unknown(self, session: Session, attribute: str) -> None:
        """A filter on an attribute that the schema lacks matches nothing: an empty answer would prove nothing."""
        if not names.is_attribute_name(attribute):
            raise NotSupported(f"{attribute!r} is not the name of an attribute")
        if self._known_attributes is None:
            self._known_attributes = await _schema_names(session)
        if self._known_attributes and attribute.partition(";")[0].lower() not in self._known_attributes:
            raise NotSupported(f"the directory's schema has no attribute {attribute}", effect="Nothing was searched.")


async def _schema_names(session: Session) -> frozenset[str]:
    root = await session.search("", "(objectClass=*)", ("subschemaSubentry",), one=True)
    place = root[0].text("subschemaSubentry") if root else None
    if place is None:
        return frozenset()
    found = await session.search(place, "(objectClass=subschema)", ("attributeTypes",), one=True)
    definitions = found[0].texts("attributeTypes") if found else ()
    return frozenset(name.lower() for text in definitions for name in names.names_in_definition(text))


def _go_on(listing: _Listing, cookie: bytes, where: str) -> None:
    if cookie and cookie in listing.cookies:
        raise ListingIncomplete("the directory gave the same page twice", where=where)
    listing.cookie = cookie
    listing.cookies.add(cookie)


def _outcome(answer: Answer, *, pre_image: Attributes = NO_ATTRIBUTES) -> Outcome:
    if answer.code == 0:
        return Outcome(kind=OutcomeKind.DONE, pre_image=pre_image)
    return _refused(str(answer))


def _refused(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.REFUSED, detail=detail)


def _unknown(err: NotAnswered) -> Outcome:
    return Outcome(kind=OutcomeKind.UNKNOWN, detail=str(err))


def _no_such(entitlement: str, found: int) -> Outcome:
    return _refused(f"{found} groups are called {entitlement}" if found else f"there is no {entitlement}")


def _hidden(entry: Entry, why: str) -> PermissionMissing:
    return PermissionMissing(
        f"we have no right to the password of an entry: {why}",
        effect="The account is as it was.",
        mend="Give our account `manage` on userPassword.",
        where=entry.dn,
    )
