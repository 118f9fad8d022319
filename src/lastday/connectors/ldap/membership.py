"""Changing who is in a group: exactly one member's value, whatever kind of group it is.

A groupOfNames must have a member (RFC 4519 section 3.5). Where the last one is to go, a placeholder comes in its
stead in the same step: the group's own name. It exists, moves with the group, gives nobody access, and is no account.
"""

from lastday.connectors.ldap import groups, names
from lastday.connectors.ldap.answers import Answer, Change, Entry, Modification
from lastday.connectors.ldap.directory import Session
from lastday.connectors.ldap.groups import Group, Member
from lastday.model.operation import Outcome, OutcomeKind

_NO_SUCH_ATTRIBUTE = 16
_VALUE_EXISTS = 20
_CLASS_VIOLATION = 65
_DONE = Outcome(kind=OutcomeKind.DONE)
_ALREADY_DONE = Outcome(kind=OutcomeKind.ALREADY_DONE)


async def give(session: Session, group: Group, member: Member) -> Outcome:
    """The member's value is in the group. Raises NotAnswered."""
    attribute = group.member_attribute
    value = member.value_in(attribute)
    if value is None:
        return _refused("the account has no uid, which this kind of group needs")
    if await _names_in(session, group, member):
        return _ALREADY_DONE
    answer = await session.modify(group.dn, [_change(attribute, Change.ADD, value)])
    if answer.code == _VALUE_EXISTS:
        return _ALREADY_DONE
    return _DONE if answer.code == 0 else _refused(str(answer))


async def revoke(session: Session, group: Group, member: Member, placeholder: str | None) -> Outcome:
    """The member's value is not in the group, everybody else's is. Raises NotAnswered."""
    held = await _names_in(session, group, member)
    if not held:
        return _ALREADY_DONE
    changes = [_change(attribute, Change.DELETE, value) for attribute, value in held]
    answer = await session.modify(group.dn, changes)
    if answer.code == _CLASS_VIOLATION:
        attribute = held[0][0]
        answer = await session.modify(group.dn, [*changes, _change(attribute, Change.ADD, placeholder or group.dn)])
    if answer.code == _NO_SUCH_ATTRIBUTE and not await _names_in(session, group, member):
        return _ALREADY_DONE
    return _DONE if answer.code == 0 else _refused(str(answer))


async def leave_all(session: Session, base: str, member: Member, placeholder: str | None) -> Outcome | None:
    """No group names the member; what refused is returned, None where nothing did. Raises NotAnswered."""
    wanted = names.all_of(groups.GROUP_FILTER, member.filter_in())
    for entry in await session.search(base, wanted, groups.NAME_ATTRIBUTES):
        group = groups.groups_of([entry], base)[0]
        outcome = await revoke(session, group, member, placeholder)
        if outcome.kind is OutcomeKind.REFUSED:
            return outcome
    return None


async def rename(session: Session, base: str, entry: Entry, relative: str) -> Answer:
    """The entry is called `relative`, and the groups that named it name it still. Raises NotAnswered.

    Not every server follows a rename in its groups (slapo-refint does): what still has the old name is mended.
    """
    answer = await session.rename(entry.dn, relative)
    if answer.code != 0:
        return answer
    old = Member(dn=entry.dn, uid=None)
    new = names.child(relative, names.parent_of(entry.dn))
    wanted = names.all_of(groups.GROUP_FILTER, old.filter_in())
    for found in await session.search(base, wanted, groups.NAME_ATTRIBUTES):
        group = groups.groups_of([found], base)[0]
        for attribute, value in await _names_in(session, group, old):
            swap = [_change(attribute, Change.ADD, new), _change(attribute, Change.DELETE, value)]
            await session.modify(group.dn, swap)
    return answer


async def _names_in(session: Session, group: Group, member: Member) -> list[tuple[str, str]]:
    """The values under which the group has the member, each as it is written there."""
    found = await session.search(group.dn, member.filter_in(), groups.MEMBER_ATTRIBUTES, one=True)
    if not found:
        return []
    me = names.comparable(member.dn)
    held = [
        (attribute, value)
        for attribute in ("member", "uniqueMember")
        for value in found[0].texts(attribute)
        if names.comparable_member(value) == me
    ]
    return held + [("memberUid", value) for value in found[0].texts("memberUid") if value == member.uid]


def _change(attribute: str, change: Change, value: str) -> Modification:
    return Modification(attribute=attribute, change=change, values=(value.encode(),))


def _refused(detail: str) -> Outcome:
    return Outcome(kind=OutcomeKind.REFUSED, detail=detail)
