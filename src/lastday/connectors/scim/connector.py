"""Reads and changes an application over SCIM 2.0 (RFC 7644). A good status proves nothing; the read-back does."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from lastday.connectors.scim.answers import body_of, error_text, outcome_of, require_own_word
from lastday.connectors.scim.dialect import Dialect, address_of, authorisation_of, dialect_of, vendor_of
from lastday.connectors.scim.edits import Edit
from lastday.connectors.scim.features import FeatureReader, Features
from lastday.connectors.scim.groups import GroupReader, Memberships
from lastday.connectors.scim.limits import limits_of_calls
from lastday.connectors.scim.lists import FIRST, ListPage, ListReader, Place, Query
from lastday.connectors.scim.members import MemberWriter
from lastday.connectors.scim.resources import (
    SEVERAL,
    Resource,
    account_of,
    as_resource,
    attributes_of,
    elements_with,
    field,
    full_path,
    id_of,
    only_main,
    resource_of,
    schema_of,
)
from lastday.connectors.scim.searching import UserFinder, shows, values_under
from lastday.connectors.scim.vendor_terms import DisableVerb, PathForm
from lastday.connectors.scim.writing import Writer
from lastday.connectors.sdk.answers import Answer
from lastday.connectors.sdk.http import Call, HttpClient, OutcomeUnknown
from lastday.connectors.sdk.ports import ConnectorSettings, Ports, Secret
from lastday.connectors.sdk.protocols import AccountDraft, Connection, Page
from lastday.model.account import ObservedAccount
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, ConfigurationError, ListingIncomplete, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

WALKS_AT_ONCE: Final = 8
PROOFS: Final = ("externalId", "employeeNumber")
"""Keys that show an account to be the one that was to be made."""
CONTENT_TYPE: Final = "application/scim+json"
PATH_REFUSED: Final = ("invalidPath", "invalidSyntax")


class ScimConnector:
    """One SCIM application."""

    def __init__(self, client: HttpClient, dialect: Dialect | None = None) -> None:
        self._client = client
        self._dialect = dialect or Dialect()
        self._features = FeatureReader(client)
        self._lists = ListReader(client, self._dialect, self._features)
        self._groups = GroupReader(client, self._lists, self._dialect.groups)
        self._finder = UserFinder(self._lists, self._dialect, self._features)
        self._writer = Writer(client, self._dialect, self._features)
        self._members = MemberWriter(client, self._dialect, self._writer)
        self._walks: dict[str, Memberships] = {}
        self._walk_count = 0

    @classmethod
    def opened(cls, settings: ConnectorSettings, ports: Ports) -> "ScimConnector":
        """A connector by its settings. Raises ConfigurationError where one is missing or unfit."""
        vendor, token = vendor_of(settings.values), settings.text("token")
        if not token:
            raise ConfigurationError(f"{settings.application} needs token", where=f"app.{settings.application}")
        name, value = authorisation_of(token, vendor)
        client = HttpClient(
            settings.application,
            address_of(settings.values, vendor),
            ports,
            headers={
                name: value,
                "Accept": "application/scim+json, application/json",
                "Content-Type": CONTENT_TYPE,
            },
            secrets=[Secret(token)],
            ca_file=settings.text("ca_file"),
            shares=limits_of_calls(vendor),
        )
        return cls(client, dialect_of(settings.values))

    async def close(self) -> None:
        """Lets go of all connections."""
        await self._client.close()

    # Reading

    async def check_connection(self) -> Connection:
        """Reads one user and one group; the principal is what /Me says, or `bearer token` where it says nothing."""
        features = await self._features.known()
        first = await self._lists.page(Query(endpoint="Users", fresh=True), size=1)
        if self._dialect.groups.exist:
            await self._lists.page(Query(endpoint="Groups", fresh=True), size=1)
        return Connection(
            principal=await self._principal(),
            server="SCIM 2.0",
            warnings=_warnings(features, first),
        )

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        """One page of users. The first call reads all groups whole, so that every page shows the same memberships."""
        walk, place = (await self._begin_walk(), FIRST) if cursor is None else self._resumed(cursor)
        memberships = self._walks[walk]
        page = await self._lists.page(Query(endpoint="Users", fresh=cursor is None), place)
        items = await self._all_observed(page.items, memberships)
        if page.following is None:
            del self._walks[walk]
        following = None if page.following is None else _cursor(walk, page.following)
        return Page(items=items, next_cursor=following, stated_total=page.total)

    async def list_entitlements(self) -> Sequence[str]:
        """Every group, as `group/<displayName>`; with `#<id>` where several share the name."""
        return sorted((await self._groups.names()).by_id.values()) if self._dialect.groups.exist else []

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        """The account as a new connection shows it; None after a 404 that the application itself gave."""
        user = await self._read_user(native_id)
        return None if user is None else await self._observed(user)

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        """Every account whose `attribute` is `value`, by the application's filter, read fresh.

        Raises NotSupported where the application has no such filter, or none that can be shown to work, and
        AnswerUnusable where its answer shows that it was not applied.
        """
        return [await self._observed(user) for user in await self._finder.find(attribute, value)]

    # Changing

    async def create_account(self, draft: AccountDraft) -> Outcome:
        """POST /Users. After a 409 the account is ours if it carries the draft's proof, else the name is `taken`."""
        body = only_main(resource_of(draft.username, draft.attributes), self._dialect.single_valued)
        try:
            answer = await self._client.send(Call(method="POST", path=("Users",), body=body))
            if answer.status in (200, 201):
                return outcome_of(OutcomeKind.DONE, answer, native_id=_made(answer))
        except (OutcomeUnknown, AnswerUnusable) as err:
            return Outcome(kind=OutcomeKind.UNKNOWN, detail=err.what)
        if answer.status == 409:
            return await self._conflict(draft, answer)
        return outcome_of(OutcomeKind.REFUSED, answer, detail=error_text(answer))

    async def update_account(self, native_id: NativeId, values: Attributes, cleared: Sequence[str]) -> Outcome:
        """A replace for each value and a remove for each cleared attribute; the old ones come back in the outcome."""
        user = await self._read_user(native_id)
        if user is None:
            return Outcome(kind=OutcomeKind.ABSENT, detail="there is no such user")
        before = _named(user, (*values, *cleared))
        edits = [*_replacements(user, values, self._dialect), *(Edit(path=_list_path(name)) for name in cleared)]
        if not edits:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="nothing was to be changed")
        return await self._writer.change_user(native_id, edits, pre_image=before)

    async def disable_account(self, native_id: NativeId) -> Outcome:
        """active is false, in the way that the application has for it: PATCH, PUT, or DELETE where that is its word."""
        if self._dialect.disable_verb is DisableVerb.DELETE:
            return await self.delete_account(native_id)
        return await self._set_active(native_id, active=False)

    async def enable_account(self, native_id: NativeId) -> Outcome:
        """active is true. REFUSED where the disable deletes: there is nothing to switch on."""
        if self._dialect.disable_deletes:
            return Outcome(kind=OutcomeKind.REFUSED, detail="who was switched off here is gone and must be made anew")
        return await self._set_active(native_id, active=True)

    async def delete_account(self, native_id: NativeId) -> Outcome:
        """DELETE /Users/{id}; a 404 is ABSENT, which a search must confirm. Raises NotSupported where there is none."""
        if not self._dialect.has_delete:
            raise NotSupported("the application deletes nobody over SCIM", effect="Nothing was sent.")
        return await self._writer.send(Call(method="DELETE", path=("Users", native_id)))

    async def give_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        """The group has this one member more."""
        group = await self._group(entitlement)
        if group is None:
            return Outcome(kind=OutcomeKind.REFUSED, detail=f"there is no group {entitlement}")
        outcome = await self._members.put_in(group, native_id)
        if outcome.kind is OutcomeKind.ABSENT:
            return Outcome(kind=OutcomeKind.REFUSED, detail=f"the group or the user is gone: {entitlement}")
        return outcome

    async def revoke_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        """The group has this one member less, and nobody else less: see `members`."""
        group = await self._group(entitlement)
        if group is None:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail=f"there is no group {entitlement}")
        outcome = await self._members.take_out(group, native_id)
        if outcome.kind is OutcomeKind.ABSENT or outcome.detail.startswith("noTarget"):
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="it was not a member")
        return outcome

    # What the above is made of

    async def _begin_walk(self) -> str:
        groups = self._dialect.groups
        whole = groups.exist and groups.members_readable
        memberships = await self._groups.whole(fresh=True) if whole else Memberships.of([])
        self._walk_count += 1
        while len(self._walks) >= WALKS_AT_ONCE:
            del self._walks[next(iter(self._walks))]
        self._walks[str(self._walk_count)] = memberships
        return str(self._walk_count)

    def _resumed(self, cursor: str) -> tuple[str, Place]:
        walk, _, rest = cursor.partition(":")
        kind, _, where = rest.partition(":")
        if walk not in self._walks or not (kind == "c" or where.isdecimal()):
            raise ListingIncomplete("the listing was not begun here or was given up", mend="Read it from the start.")
        return walk, Place(cursor=where) if kind == "c" else Place(index=int(where))

    async def _all_observed(self, users: Sequence[Resource], memberships: Memberships) -> list[ObservedAccount]:
        """The users with what they hold; asked for one by one where groups do not show their members."""
        if self._dialect.groups.exist and not self._dialect.groups.members_readable:
            return list(await asyncio.gather(*(self._observed(user) for user in users)))
        return [account_of(user, memberships.holdings_of(user)) for user in users]

    async def _read_user(self, native_id: NativeId) -> Resource | None:
        answer = await self._client.send(Call(method="GET", path=("Users", native_id), fresh=True))
        if answer.status in (404, 410):
            require_own_word(answer)
            return None
        if answer.status != 200:
            raise AnswerUnusable(f"user {native_id} was answered {answer.status}: {error_text(answer)}")
        user = as_resource(body_of(answer))
        if id_of(user) != native_id:
            raise AnswerUnusable(f"user {id_of(user)} came where {native_id} was asked for")
        return user

    async def _observed(self, user: Resource) -> ObservedAccount:
        return account_of(user, await self._groups.holdings_of(user) if self._dialect.groups.exist else ())

    async def _group(self, entitlement: str) -> str | None:
        return await self._groups.find(entitlement) if self._dialect.groups.exist else None

    async def _principal(self) -> str:
        try:
            answer = await self._client.send(Call(method="GET", path=("Me",)))
            body = body_of(answer) if answer.status == 200 else None
        except (NotSupported, AnswerUnusable):  # RFC 7644 section 3.11 lets a server say 501 or redirect
            return "bearer token"
        name = field(body, "userName") if isinstance(body, Mapping) else None
        return name if isinstance(name, str) and name else "bearer token"

    async def _conflict(self, draft: AccountDraft, answer: Answer) -> Outcome:
        """After a 409: whether the account that is in the way is the one that was to be made, by the draft's proof.

        Raises NotSupported where the application can be searched neither by the proof nor by the name.
        """
        proof = next((name for name in PROOFS if name in draft.attributes), None)
        if proof is not None:
            value = draft.attributes.text(proof) or ""
            found = await self._carrying(proof, value, draft.username)
            if len(found) == 1:
                detail = f"it is there as {field(found[0], 'userName')}"
                return outcome_of(OutcomeKind.ALREADY_DONE, answer, detail=detail, native_id=id_of(found[0]))
        return outcome_of(OutcomeKind.REFUSED, answer, detail="taken")

    async def _carrying(self, proof: str, value: str, username: str) -> list[Resource]:
        """The users with the proof; where it cannot be searched for, those of the same name that show it."""
        try:
            return list(await self._finder.find(proof, value))
        except NotSupported:
            named = await self._finder.find("userName", username)
        return [user for user in named if shows(user, proof, value)]

    async def _set_active(self, native_id: NativeId, *, active: bool) -> Outcome:
        """In the form that is known; else with a path, and after a 400, with which nothing was done, without one."""
        edits, stated = [Edit(path="active", value=active)], self._dialect.disable_form
        if self._dialect.disable_verb is DisableVerb.PUT:
            return await self._writer.change_user(native_id, edits, put=True)
        outcome = await self._writer.change_user(native_id, edits, form=stated or PathForm.PATH)
        if stated is None and outcome.kind is OutcomeKind.REFUSED and outcome.detail.startswith(PATH_REFUSED):
            return await self._writer.change_user(native_id, edits, form=PathForm.NO_PATH)
        return outcome


def _cursor(walk: str, place: Place) -> str:
    return f"{walk}:i:{place.index}" if place.cursor is None else f"{walk}:c:{place.cursor}"


def _made(answer: Answer) -> NativeId:
    """The id of what was made: in the body, else the end of Location (RFC 7644 section 3.3). Raises AnswerUnusable."""
    if answer.content.strip():
        return id_of(as_resource(body_of(answer)))
    *_, endpoint, native_id = ["", "", *urlsplit(answer.headers.get("location", "")).path.split("/")]
    if endpoint.lower() != "users" or not native_id:
        raise AnswerUnusable("what was made came without an id", effect="It is looked for.")
    return NativeId(unquote(native_id))


def _warnings(features: Features, first: ListPage) -> tuple[str, ...]:
    found = {
        "it does not announce what it can: PATCH and filters are assumed": not features.announced,
        "it takes no PATCH: what is changed is read and put back whole": not features.patch,
        "it announces no filters: a search counts only after it was seen to work": not features.filter,
        "it does not state how many accounts there are: a shortened list cannot be told": first.total is None,
    }
    return tuple(text for text, applies in found.items() if applies)


def _named(user: Resource, names: Sequence[str]) -> Attributes:
    """What the user has now under these names."""
    have = attributes_of(user)
    return Attributes.of({name: values_under(have, name) for name in names})


def _replacements(user: Resource, values: Attributes, dialect: Dialect) -> list[Edit]:
    return [_replacement(user, name, given, dialect) for name, given in values.pairs]


def _replacement(user: Resource, name: str, given: tuple[AttributeValue, ...], dialect: Dialect) -> Edit:
    outer, dot, sub = schema_of(name)[1].partition(".")
    if dot and outer.lower() in SEVERAL:
        present = field(user, outer)
        elements = elements_with(present if isinstance(present, list) else [], sub, given)
        return Edit(path=outer, value=elements[:1] if outer.lower() in dialect.single_valued else elements)
    single: JsonValue = given[0] if len(given) == 1 else list(given)
    return Edit(path=full_path(name), value=single)


def _list_path(name: str) -> str:
    """What a remove names: of a list of objects the whole list, for elements without their value are no use."""
    outer, _, _ = schema_of(name)[1].partition(".")
    return outer if outer.lower() in SEVERAL else full_path(name)
