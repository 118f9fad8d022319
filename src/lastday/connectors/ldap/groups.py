"""Groups of three kinds, under names that mean exactly one of them, and who is in them, also through other groups."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lastday.connectors.ldap import names
from lastday.connectors.ldap.answers import Entry
from lastday.connectors.ldap.directory import Session
from lastday.connectors.ldap.names import NormalName
from lastday.model.account import ObservedHolding, Via

GROUP_FILTER = names.any_of([f"(objectClass={kind})" for kind in ("groupOfNames", "groupOfUniqueNames", "posixGroup")])
NAME_ATTRIBUTES = ("cn", "objectClass")
MEMBER_ATTRIBUTES = ("member", "uniqueMember", "memberUid")
PREFIX = "group/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One group. `name` is what entitlements call it."""

    name: str
    label: str
    """The `cn`, which several groups may have."""
    dn: str
    kinds: frozenset[str]
    """Object classes in lower case."""
    members: frozenset[NormalName]
    uids: frozenset[str]

    @property
    def member_attribute(self) -> str:
        """The attribute in which a new member is written."""
        if "groupofnames" in self.kinds:
            return "member"
        return "uniqueMember" if "groupofuniquenames" in self.kinds else "memberUid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody as groups know them."""

    dn: str
    uid: str | None

    def value_in(self, attribute: str) -> str | None:
        """How this member is written in `attribute`."""
        return self.uid if attribute == "memberUid" else self.dn

    def filter_in(self, attributes: Iterable[str] = MEMBER_ATTRIBUTES) -> str:
        """The filter for groups that name this member directly."""
        values = [(attribute, self.value_in(attribute)) for attribute in attributes]
        return names.any_of([names.equals(attribute, value) for attribute, value in values if value])


class GroupIndex:
    """All groups of a directory, read whole at one time."""

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = groups
        self._by_member: dict[NormalName, list[Group]] = {}
        self._by_uid: dict[str, list[Group]] = {}
        for group in groups:
            for member in group.members:
                self._by_member.setdefault(member, []).append(group)
            for uid in group.uids:
                self._by_uid.setdefault(uid, []).append(group)

    def holdings_of(self, member: Member) -> tuple[ObservedHolding, ...]:
        """What the member holds: directly, and through groups that are members of groups (any loop is cut)."""
        direct = {group.dn: group for group in self._holding(names.comparable(member.dn))}
        direct |= {group.dn: group for group in self._by_uid.get(member.uid or "", ())}
        reached, waiting = dict(direct), list(direct.values())
        while waiting:
            for group in self._holding(names.comparable(waiting.pop().dn)):
                if group.dn not in reached:
                    reached[group.dn] = group
                    waiting.append(group)
        return holdings(direct.values(), [group for dn, group in reached.items() if dn not in direct])

    def _holding(self, member: NormalName) -> list[Group]:
        return self._by_member.get(member, [])


def holdings(direct: Iterable[Group], through: Iterable[Group]) -> tuple[ObservedHolding, ...]:
    """The holdings that follow from being in these groups."""
    mine = {ObservedHolding(PREFIX + group.name) for group in direct}
    return tuple(sorted(mine | {ObservedHolding(PREFIX + group.name, Via.GROUP) for group in through}))


def groups_of(entries: Sequence[Entry], base: str, *, taken: Iterable[str] = ()) -> list[Group]:
    """The entries as groups, each under a name of its own.

    A `cn` that several groups have names none of them: those are called by their place under `base`
    (`cn=vpn,ou=emea`), so that no entitlement ever means two groups. `taken` are further cn's in use.
    """
    counts = Counter(names.folded(_label(entry)) for entry in entries)
    counts.update(names.folded(name) for name in taken)
    return [_group(entry, base, counts) for entry in entries]


async def read_groups(session: Session, base: str) -> list[Group]:
    """Every group under `base` with its members. Raises ListingIncomplete."""
    entries = await session.search(base, GROUP_FILTER, (*NAME_ATTRIBUTES, *MEMBER_ATTRIBUTES))
    return groups_of(entries, base)


async def read_group_names(session: Session, base: str) -> list[Group]:
    """Every group under `base`, members left out. Raises ListingIncomplete."""
    return groups_of(await session.search(base, GROUP_FILTER, NAME_ATTRIBUTES), base)


async def find_groups(session: Session, base: str, entitlement: str) -> list[Group]:
    """The groups that `entitlement` may mean, members left out: one where it is clear, none where there is none."""
    name = entitlement.removeprefix(PREFIX)
    if not entitlement.startswith(PREFIX) or not name:
        return []
    last = names.first_value(name)[1] if "=" in name else name
    wanted = names.any_of([names.equals("cn", name), names.equals("cn", last)])
    entries = await session.search(base, names.all_of(GROUP_FILTER, wanted), NAME_ATTRIBUTES)
    found = groups_of(entries, base)
    exact = [group for group in found if names.folded(group.name) == names.folded(name)]
    return exact or [group for group in found if names.folded(group.label) == names.folded(name)]


async def read_holdings(session: Session, base: str, member: Member) -> tuple[ObservedHolding, ...]:
    """What one member holds, read now: directly, and upwards through groups in groups."""
    direct = await session.search(base, names.all_of(GROUP_FILTER, member.filter_in()), NAME_ATTRIBUTES)
    known = {entry.dn: entry for entry in direct}
    waiting = list(direct)
    while waiting:
        above = names.any_of([Member(dn=entry.dn, uid=None).filter_in() for entry in waiting[:100]])
        waiting = waiting[100:]
        for entry in await session.search(base, names.all_of(GROUP_FILTER, above), NAME_ATTRIBUTES):
            if entry.dn not in known:
                known[entry.dn] = entry
                waiting.append(entry)
    groups = await _named_alone(session, base, list(known.values()))
    mine = {entry.dn for entry in direct}
    return holdings([g for g in groups if g.dn in mine], [g for g in groups if g.dn not in mine])


async def _named_alone(session: Session, base: str, entries: list[Entry]) -> list[Group]:
    """The entries as groups under the same names that a whole listing would give them."""
    if not entries:
        return []
    mine = {entry.dn for entry in entries}
    same = [names.equals("cn", _label(entry)) for entry in entries]
    found = await session.search(base, names.all_of(GROUP_FILTER, names.any_of(same)), NAME_ATTRIBUTES)
    others = [_label(entry) for entry in found if entry.dn not in mine]
    return groups_of(entries, base, taken=others)


def _label(entry: Entry) -> str:
    attribute, value = names.first_value(entry.dn)
    return value if attribute.lower() == "cn" else entry.text("cn") or value


def _group(entry: Entry, base: str, counts: Counter[str]) -> Group:
    label = _label(entry)
    alone = counts[names.folded(label)] == 1
    members = (*entry.texts("member"), *entry.texts("uniqueMember"))
    return Group(
        name=label if alone else names.relative_to(entry.dn, base),
        label=label,
        dn=entry.dn,
        kinds=frozenset(kind.lower() for kind in entry.texts("objectClass")),
        members=frozenset(names.comparable_member(member) for member in members),
        uids=frozenset(entry.texts("memberUid")),
    )
