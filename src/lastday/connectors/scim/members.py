"""One member put into a group or taken out of it, and nobody else touched (RFC 7644 section 3.5.2)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from typing import Final

from lastday.connectors.scim.answers import body_of
from lastday.connectors.scim.dialect import Dialect
from lastday.connectors.scim.edits import op
from lastday.connectors.scim.groups import called, entries_of, names_of, stands_for
from lastday.connectors.scim.resources import PATCH, Resource, as_resource, equals
from lastday.connectors.scim.vendor_terms import RemoveForm
from lastday.connectors.scim.writing import Writer
from lastday.connectors.sdk.http import Call, HttpClient
from lastday.model.attributes import Attributes
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, ConnectorError, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

MemberChange = Callable[[Resource, Sequence[str]], "dict[str, JsonValue] | None"]

AT_ONCE: Final = 100
"""How many lost members are put back with one request, where no smaller limit is known."""


class MemberWriter:
    """Changes memberships of one application in the form that it is known to understand."""

    def __init__(self, client: HttpClient, dialect: Dialect, writer: Writer) -> None:
        self._client = client
        self._dialect = dialect
        self._writer = writer

    async def put_in(self, group: str, member: NativeId) -> Outcome:
        """The user is a member."""
        if await self._writer.takes_patch():
            adding = self._message({"op": "add", "path": "members", "value": [{"value": member}]})
            answered = await self._writer.patch(("Groups", group), adding)
            if answered is not None:
                return answered
        return await self._replaced(group, member, _with_member)

    async def take_out(self, group: str, member: NativeId) -> Outcome:
        """The user is no member; everybody else is as before."""
        if self._dialect.groups.remove_form is RemoveForm.VALUE_LIST:
            return await self._taken_by_list(group, member)
        if await self._writer.takes_patch():
            path = f"members[{equals('value', member)}]"
            answered = await self._writer.patch(("Groups", group), self._message({"op": "remove", "path": path}))
            if answered is not None:
                return answered
        return await self._replaced(group, member, _without_member)

    async def _replaced(self, group: str, member: NativeId, change: MemberChange) -> Outcome:
        """By PUT, which writes all members anew: only where all of them can be read."""
        rules = self._dialect.groups
        if not (rules.members_readable and rules.replace_allowed):
            raise NotSupported(
                "the application takes this change of a group by no request that leaves the other members alone",
                effect="Nothing was sent.",
                mend="It is done by hand.",
            )
        names = await self._names(member)
        return await self._writer.put(("Groups", group), lambda found: change(found, names))

    async def _names(self, member: NativeId) -> tuple[str, ...]:
        """All that an entry may call the user by, the id first: some servers list members by name and address."""
        answer = await self._client.send(Call(method="GET", path=("Users", member), fresh=True))
        return names_of(as_resource(body_of(answer))) if answer.status == 200 else (member,)

    async def _taken_by_list(self, group: str, member: NativeId) -> Outcome:
        """The member in a list under `value`, and then a look whether the others are still there.

        A server that overlooks the list empties the group: whoever was lost is put back, and it is not called done.
        """
        if not self._dialect.groups.members_readable:
            raise NotSupported("nobody could see whether this removal takes others too", effect="Nothing was sent.")
        before, names = await self._entries(group), await self._names(member)
        others = [entry for entry in before if not stands_for(entry, names)]
        mine: list[JsonValue] = [{"value": called(entry)} for entry in before if stands_for(entry, names)]
        if not mine:
            return Outcome(kind=OutcomeKind.ALREADY_DONE, detail="it was not a member")
        removal = self._message({"op": "remove", "path": "members", "value": mine})
        outcome = await self._writer.patch(("Groups", group), removal)
        if outcome is None:
            return await self._replaced(group, member, _without_member)
        outcome = replace(outcome, pre_image=Attributes.of({"members": tuple(called(entry) for entry in before)}))
        return outcome if outcome.kind is OutcomeKind.REFUSED else await self._judged(group, others, outcome)

    async def _judged(self, group: str, others: Sequence[JsonValue], outcome: Outcome) -> Outcome:
        """The outcome, where all others are still members."""
        lost = await self._missing(group, others)
        if lost is None:
            detail = "nobody could see whether the removal took others too"
            return replace(outcome, kind=OutcomeKind.UNKNOWN, detail=detail)
        if not lost:
            return outcome
        if len(lost) < len(others):  # somebody else may have taken those out: to put them back would give access
            return replace(outcome, kind=OutcomeKind.REFUSED, detail=f"{len(lost)} others went at the same time")
        await self._put_back(group, lost)
        still = await self._missing(group, others)
        left = "nobody knows how many" if still is None else str(len(still))
        detail = f"the application emptied the group: {len(lost)} others were put back, {left} are missing"
        return replace(outcome, kind=OutcomeKind.REFUSED, detail=detail)

    async def _put_back(self, group: str, lost: Sequence[JsonValue]) -> None:
        size = self._dialect.groups.max_members_per_patch or AT_ONCE
        for start in range(0, len(lost), size):
            adding = self._message({"op": "add", "path": "members", "value": list(lost[start : start + size])})
            with suppress(ConnectorError):  # what is missing afterwards is counted, and told
                await self._writer.patch(("Groups", group), adding)

    async def _missing(self, group: str, entries: Sequence[JsonValue]) -> list[JsonValue] | None:
        """Those of the entries that the group does not have now; None where it cannot be read."""
        try:
            there = {called(entry) for entry in await self._entries(group)}
        except ConnectorError:
            return None
        return [entry for entry in entries if called(entry) not in there]

    async def _entries(self, group: str) -> list[JsonValue]:
        answer = await self._client.send(Call(method="GET", path=("Groups", group), fresh=True))
        if answer.status != 200:
            raise AnswerUnusable(f"group {group} was answered {answer.status}", effect="Nothing is concluded.")
        return entries_of(as_resource(body_of(answer)))

    def _message(self, operation: dict[str, JsonValue]) -> JsonValue:
        spelled = {**operation, "op": op(str(operation["op"]), self._dialect)}
        return {"schemas": [PATCH], "Operations": [spelled]}


def _with_member(group: Resource, names: Sequence[str]) -> dict[str, JsonValue] | None:
    """The new entry has the user's address too, where it is known: some servers require it."""
    entries = entries_of(group)
    if any(stands_for(entry, names) for entry in entries):
        return None
    return _carrying(group, [*entries, dict(zip(("value", "$ref"), names, strict=False))])


def _without_member(group: Resource, names: Sequence[str]) -> dict[str, JsonValue] | None:
    entries = entries_of(group)
    kept = [entry for entry in entries if not stands_for(entry, names)]
    return None if len(kept) == len(entries) else _carrying(group, kept)


def _carrying(group: Resource, members: list[JsonValue]) -> dict[str, JsonValue]:
    whole: dict[str, JsonValue] = deepcopy(dict(group))
    key = next((have for have in whole if have.lower() == "members"), "members")
    whole[key] = members
    return whole
