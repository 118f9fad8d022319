"""Reads and changes an application over SCIM 2.0 (RFC 7644). A good status proves nothing; the read-back does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lastday.connectors.scim.groups import GroupReader, Memberships
from lastday.connectors.scim.lists import ListPage, Query, error_text, read_all, read_page
from lastday.connectors.scim.resources import (
    SEVERAL,
    Resource,
    account_of,
    as_resource,
    attributes_of,
    elements_with,
    equals,
    field,
    full_path,
    id_of,
    patch,
    resource_of,
    schema_of,
)
from lastday.connectors.sdk.answers import Answer
from lastday.connectors.sdk.http import Call, HttpClient, OutcomeUnknown
from lastday.connectors.sdk.ports import ConnectorSettings, Ports, Secret
from lastday.connectors.sdk.protocols import AccountDraft, Connection, Page
from lastday.model.account import ObservedAccount
from lastday.model.attributes import NO_ATTRIBUTES, Attributes, AttributeValue
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, ConfigurationError, ListingIncomplete, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

PAGE_SIZE: Final = 100
WALKS_AT_ONCE: Final = 8
PROOFS: Final = ("externalId", "employeeNumber")
"""Keys that show an account to be the one that was to be made."""
CONTENT_TYPE: Final = "application/scim+json"


@dataclass(frozen=True, slots=True)
class Features:
    """What /ServiceProviderConfig says; silence means that it can (RFC 7643 section 5)."""

    patch: bool = True
    filter: bool = True
    announced: bool = False


class ScimConnector:
    """One SCIM application."""

    def __init__(self, client: HttpClient, *, has_groups: bool, page_size: int) -> None:
        self._client = client
        self._has_groups = has_groups
        self._page_size = page_size
        self._groups = GroupReader(client, page_size)
        self._walks: dict[str, Memberships] = {}
        self._walk_count = 0
        self._features: Features | None = None

    @classmethod
    def opened(cls, settings: ConnectorSettings, ports: Ports) -> "ScimConnector":
        """A connector by its settings. Raises ConfigurationError where one is missing or unfit."""
        url, token = settings.text("url"), settings.text("token")
        if not url or not token:
            raise ConfigurationError(f"{settings.application} needs url and token", where=f"app.{settings.application}")
        client = HttpClient(
            settings.application,
            url,
            ports,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/scim+json, application/json",
                "Content-Type": CONTENT_TYPE,
            },
            secrets=[Secret(token)],
            ca_file=settings.text("ca_file"),
        )
        size = settings.values.get("page_size")
        return cls(
            client,
            has_groups=settings.values.get("groups") is not False,
            page_size=size if isinstance(size, int) and size > 0 else PAGE_SIZE,
        )

    async def close(self) -> None:
        """Lets go of all connections."""
        await self._client.close()

    # Reading

    async def check_connection(self) -> Connection:
        """Reads one user and one group; the principal is what /Me says, or `bearer token` where it says nothing."""
        features = await self._known_features()
        first = await read_page(self._client, Query(endpoint="Users", fresh=True), 1, 1)
        if self._has_groups:
            await read_page(self._client, Query(endpoint="Groups", fresh=True), 1, 1)
        return Connection(
            principal=await self._principal(),
            server="SCIM 2.0",
            warnings=_warnings(features, first),
        )

    async def list_accounts(self, cursor: str | None) -> Page[ObservedAccount]:
        """One page of users. The first call reads all groups whole, so that every page shows the same memberships."""
        walk, start = (await self._begin_walk(), 1) if cursor is None else self._resumed(cursor)
        memberships = self._walks[walk]
        page = await read_page(self._client, Query(endpoint="Users", fresh=cursor is None), start, self._page_size)
        items = [account_of(user, memberships.holdings_of(user)) for user in page.items]
        if page.next_index is None:
            del self._walks[walk]
        following = None if page.next_index is None else f"{walk}:{page.next_index}"
        return Page(items=items, next_cursor=following, stated_total=page.total)

    async def list_entitlements(self) -> Sequence[str]:
        """Every group, as `group/<displayName>`; with `#<id>` where several share the name."""
        return sorted((await self._groups.names()).by_id.values()) if self._has_groups else []

    async def read_account(self, native_id: NativeId) -> ObservedAccount | None:
        """The account as a new connection shows it; None after a 404 that the application itself gave."""
        user = await self._read_user(native_id)
        return None if user is None else await self._observed(user)

    async def find_accounts(self, attribute: str, value: str) -> Sequence[ObservedAccount]:
        """Every account whose `attribute` is `value`, by the application's filter, read fresh.

        Raises NotSupported where the application has no such filter and AnswerUnusable where its answer shows that it
        was not applied: an account that does not have the value.
        """
        query = Query(endpoint="Users", filter=_user_filter(attribute, value), fresh=True)
        users = await read_all(self._client, query, self._page_size)
        for user in users:
            if not _shows(user, attribute, value):
                raise AnswerUnusable(
                    f"the search for {attribute} also found user {id_of(user)}, which does not show that value",
                    effect="The filter was not applied; nothing is concluded.",
                )
        return [await self._observed(user) for user in users]

    # Changing

    async def create_account(self, draft: AccountDraft) -> Outcome:
        """POST /Users. After a 409 the account is ours if it carries the draft's proof, else the name is `taken`."""
        call = Call(method="POST", path=("Users",), body=resource_of(draft.username, draft.attributes))
        try:
            answer = await self._client.send(call)
            if answer.status in (200, 201):
                return _outcome(OutcomeKind.DONE, answer, native_id=id_of(as_resource(answer.json())))
        except (OutcomeUnknown, AnswerUnusable) as err:
            return Outcome(kind=OutcomeKind.UNKNOWN, detail=err.what)
        if answer.status == 409:
            return await self._conflict(draft, answer)
        return _outcome(OutcomeKind.REFUSED, answer, detail=error_text(answer))

    async def update_account(self, native_id: NativeId, values: Attributes, cleared: Sequence[str]) -> Outcome:
        """PATCH with a replace for each value and a remove for each cleared attribute; the old ones come back."""
        user = await self._read_user(native_id)
        if user is None:
            return Outcome(kind=OutcomeKind.ABSENT, detail="there is no such user")
        before = _named(user, (*values, *cleared))
        operations = [*_replacements(user, values), *({"op": "remove", "path": _list_path(name)} for name in cleared)]
        if not operations:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="nothing was to be changed")
        return await self._patch_user(native_id, operations, pre_image=before)

    async def disable_account(self, native_id: NativeId) -> Outcome:
        """PATCH: active is false."""
        return await self._set_active(native_id, active=False)

    async def enable_account(self, native_id: NativeId) -> Outcome:
        """PATCH: active is true."""
        return await self._set_active(native_id, active=True)

    async def delete_account(self, native_id: NativeId) -> Outcome:
        """DELETE /Users/{id}; a 404 is ABSENT, which a search must confirm."""
        return await self._change(Call(method="DELETE", path=("Users", native_id)), NO_ATTRIBUTES)

    async def give_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        """PATCH of the group: adds this one member."""
        group = await self._group(entitlement)
        if group is None:
            return Outcome(kind=OutcomeKind.REFUSED, detail=f"there is no group {entitlement}")
        add = patch({"op": "add", "path": "members", "value": [{"value": native_id}]})
        outcome = await self._change(Call(method="PATCH", path=("Groups", group), body=add), NO_ATTRIBUTES)
        if outcome.kind is OutcomeKind.ABSENT:
            return Outcome(kind=OutcomeKind.REFUSED, detail=f"the group or the user is gone: {entitlement}")
        return outcome

    async def revoke_holding(self, native_id: NativeId, entitlement: str) -> Outcome:
        """PATCH of the group: removes this one member, named in the path.

        The form with a list under `value` is never sent: a server that overlooks the list empties the group.
        """
        group = await self._group(entitlement)
        if group is None:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail=f"there is no group {entitlement}")
        remove = patch({"op": "remove", "path": f"members[{equals('value', native_id)}]"})
        outcome = await self._change(Call(method="PATCH", path=("Groups", group), body=remove), NO_ATTRIBUTES)
        if outcome.kind is OutcomeKind.ABSENT or outcome.detail.startswith("noTarget"):
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="it was not a member")
        return outcome

    # What the above is made of

    async def _begin_walk(self) -> str:
        memberships = await self._groups.whole(fresh=True) if self._has_groups else Memberships.of([])
        self._walk_count += 1
        while len(self._walks) >= WALKS_AT_ONCE:
            del self._walks[next(iter(self._walks))]
        self._walks[str(self._walk_count)] = memberships
        return str(self._walk_count)

    def _resumed(self, cursor: str) -> tuple[str, int]:
        walk, _, start = cursor.partition(":")
        if walk not in self._walks or not start.isdecimal():
            raise ListingIncomplete("the listing was not begun here or was given up", mend="Read it from the start.")
        return walk, int(start)

    async def _read_user(self, native_id: NativeId) -> Resource | None:
        answer = await self._client.send(Call(method="GET", path=("Users", native_id), fresh=True))
        if answer.status in (404, 410):
            _require_own_word(answer)
            return None
        if answer.status != 200:
            raise AnswerUnusable(f"user {native_id} was answered {answer.status}: {error_text(answer)}")
        user = as_resource(answer.json())
        if id_of(user) != native_id:
            raise AnswerUnusable(f"user {id_of(user)} came where {native_id} was asked for")
        return user

    async def _observed(self, user: Resource) -> ObservedAccount:
        return account_of(user, await self._groups.holdings_of(user) if self._has_groups else ())

    async def _group(self, entitlement: str) -> str | None:
        return await self._groups.find(entitlement) if self._has_groups else None

    async def _known_features(self) -> Features:
        """What the application says it can, asked once."""
        if self._features is None:
            answer = await self._client.send(Call(method="GET", path=("ServiceProviderConfig",)))
            body = answer.json() if answer.status == 200 and answer.is_json else None
            self._features = _features_of(body)
        return self._features

    async def _principal(self) -> str:
        try:
            answer = await self._client.send(Call(method="GET", path=("Me",)))
        except NotSupported:  # RFC 7644 section 3.11 lets a server say 501
            return "bearer token"
        body = answer.json() if answer.status == 200 and answer.is_json else None
        name = field(body, "userName") if isinstance(body, Mapping) else None
        return name if isinstance(name, str) and name else "bearer token"

    async def _conflict(self, draft: AccountDraft, answer: Answer) -> Outcome:
        """After a 409: whether the account that is in the way is the one that was to be made."""
        proof = next((name for name in PROOFS if name in draft.attributes), None)
        if proof is not None:
            found = await self.find_accounts(proof, draft.attributes.text(proof) or "")
            if len(found) == 1:
                detail = f"it is there as {found[0].username}"
                return _outcome(OutcomeKind.ALREADY_DONE, answer, detail=detail, native_id=found[0].native_id)
        return _outcome(OutcomeKind.REFUSED, answer, detail="taken")

    async def _set_active(self, native_id: NativeId, *, active: bool) -> Outcome:
        """The form with a path, and after a 400, with which nothing was done, the one without (RFC 7644 3.5.2.3)."""
        outcome = await self._patch_user(native_id, [{"op": "replace", "path": "active", "value": active}])
        if outcome.kind is OutcomeKind.REFUSED and outcome.detail.startswith(("invalidPath", "invalidSyntax")):
            return await self._patch_user(native_id, [{"op": "replace", "value": {"active": active}}])
        return outcome

    async def _patch_user(
        self, native_id: NativeId, operations: Sequence[JsonValue], pre_image: Attributes = NO_ATTRIBUTES
    ) -> Outcome:
        return await self._change(Call(method="PATCH", path=("Users", native_id), body=patch(*operations)), pre_image)

    async def _change(self, call: Call, pre_image: Attributes) -> Outcome:
        """Sends a change to something that exists and says how it was answered."""
        if call.method == "PATCH" and not (await self._known_features()).patch:
            raise NotSupported("the application does not take PATCH", mend="Its removals are done by hand.")
        try:
            answer = await self._client.send(call)
        except OutcomeUnknown as err:
            return Outcome(kind=OutcomeKind.UNKNOWN, detail=err.what, pre_image=pre_image)
        if 200 <= answer.status < 300:
            return _said_yes(answer, pre_image)
        if answer.status in (404, 410):
            _require_own_word(answer)
            return _outcome(OutcomeKind.ABSENT, answer, detail=error_text(answer))
        return _outcome(OutcomeKind.REFUSED, answer, detail=error_text(answer))


def _said_yes(answer: Answer, pre_image: Attributes) -> Outcome:
    """DONE, unless the body of the good status is an error or cannot be read: then nobody knows."""
    if answer.content.strip():
        try:
            as_resource(answer.json())
        except AnswerUnusable as err:
            return _outcome(OutcomeKind.UNKNOWN, answer, detail=err.what, pre_image=pre_image)
    return _outcome(OutcomeKind.DONE, answer, pre_image=pre_image)


def _outcome(
    kind: OutcomeKind,
    answer: Answer,
    *,
    detail: str = "",
    native_id: NativeId | None = None,
    pre_image: Attributes = NO_ATTRIBUTES,
) -> Outcome:
    return Outcome(kind=kind, detail=detail, native_id=native_id, request_id=answer.request_id, pre_image=pre_image)


def _require_own_word(answer: Answer) -> None:
    """Raises AnswerUnusable where a 404 is a web page: a proxy or a wrong url speaks, not the application."""
    if not answer.is_json:
        raise AnswerUnusable(f"the answer {answer.status} is not the application's own", mend="Check the url.")


def _features_of(body: JsonValue) -> Features:
    if not isinstance(body, Mapping):
        return Features()
    return Features(patch=_supported(body, "patch"), filter=_supported(body, "filter"), announced=True)


def _supported(body: Resource, name: str) -> bool:
    part = field(body, name)
    said = field(part, "supported") if isinstance(part, Mapping) else None
    return str(said).lower() != "false"


def _warnings(features: Features, first: ListPage) -> tuple[str, ...]:
    found = {
        "it does not announce what it can: PATCH and filters are assumed": not features.announced,
        "it takes no PATCH: nothing can be changed here": not features.patch,
        "it takes no filters: accounts cannot be searched": not features.filter,
        "it does not state how many accounts there are: a shortened list cannot be told": first.total is None,
    }
    return tuple(text for text, applies in found.items() if applies)


def _user_filter(attribute: str, value: str) -> str:
    if attribute.lower() == "active":
        return f"active eq {'true' if value.lower() == 'true' else 'false'}"
    return equals(attribute, value)


def _shows(user: Resource, attribute: str, value: str) -> bool:
    """The user has the value under the attribute, case apart: most names compare so (RFC 7643 section 2.2)."""
    return value.casefold() in {str(item).casefold() for item in _values(attributes_of(user), attribute)}


def _named(user: Resource, names: Sequence[str]) -> Attributes:
    """What the user has now under these names."""
    have = attributes_of(user)
    return Attributes.of({name: _values(have, name) for name in names})


def _values(have: Attributes, name: str) -> tuple[AttributeValue, ...]:
    """The values under a name, or under its `value` where the name stands for an object (`manager`, `emails`)."""
    inner = schema_of(name)[1]
    return have.get(inner, ()) or have.get(f"{inner}.value", ())


def _replacements(user: Resource, values: Attributes) -> list[JsonValue]:
    return [_replacement(user, name, given) for name, given in values.pairs]


def _replacement(user: Resource, name: str, given: tuple[AttributeValue, ...]) -> JsonValue:
    outer, dot, sub = schema_of(name)[1].partition(".")
    if dot and outer.lower() in SEVERAL:
        present = field(user, outer)
        elements = elements_with(present if isinstance(present, list) else [], sub, given)
        return {"op": "replace", "path": outer, "value": elements}
    single: JsonValue = given[0] if len(given) == 1 else list(given)
    return {"op": "replace", "path": full_path(name), "value": single}


def _list_path(name: str) -> str:
    """What a remove names: of a list of objects the whole list, for elements without their value are no use."""
    outer, _, _ = schema_of(name)[1].partition(".")
    return outer if outer.lower() in SEVERAL else full_path(name)
