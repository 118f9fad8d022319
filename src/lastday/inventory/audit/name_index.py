"""Who is called what the account shows: found by pairs of words, never by comparing everybody with everybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lastday.inventory.audit.naming import PARTICLES, PersonName, agreement, family_keys, given_keys, short_form_sets
from lastday.inventory.audit.people import Person

_RANK = {"full": 3, "near": 2, "part": 1, "none": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class NameIndex:
    people: Sequence[Person]
    by_pair: Mapping[str, tuple[int, ...]]

    def fitting(self, shown: Sequence[str]) -> dict[int, str]:
        """People whose name agrees with these words in full or nearly, by how."""
        found: set[int] = set()
        for key in _shown_keys(shown):
            found.update(self.by_pair.get(key, ()))
        agreed = {who: self.agreement(shown, who) for who in sorted(found)}
        return {who: how for who, how in agreed.items() if _RANK[how] >= _RANK["near"]}

    def rank(self, shown: Sequence[str], who: int) -> int:
        """How well at least two words agree with somebody's name: 3 in full, 0 not at all."""
        return _RANK[self.agreement(shown, who)] if len(shown) >= 2 else 0

    def agreement(self, shown: Sequence[str], who: int) -> str:
        """How the words agree with somebody's name in its best reading; a preferred name is as good as a given one."""
        person = self.people[who]
        each = [agreement(shown, name) for name in person.names]
        preferred = (PersonName((nick,), name.family) for nick in person.nicknames for name in person.names)
        each += [agreement(shown, name) for name in preferred]
        return max(each, key=_RANK.__getitem__, default="none")


def index_names(people: Sequence[Person]) -> NameIndex:
    """Everybody under each pair of a family and a given word."""
    found: dict[str, list[int]] = {}
    for position, person in enumerate(people):
        keys = {key for name in person.names for key in _own_keys(name, person.nicknames)}
        for key in keys:
            found.setdefault(key, []).append(position)
    return NameIndex(people=people, by_pair={key: tuple(who) for key, who in found.items()})


def _own_keys(name: PersonName, nicknames: Iterable[str]) -> Iterable[str]:
    families = {*family_keys(name.family), *(word for word in name.family if word not in PARTICLES)}
    for family in families:
        for given in (*given_keys(name.given), *nicknames):
            yield f"{family} {given}"
            yield f"{family} {given[:1]}."
            yield from (f"{family} ~{number}" for number in short_form_sets(given))


def _shown_keys(shown: Sequence[str]) -> Iterable[str]:
    words = dict.fromkeys((*shown, *("".join(shown[at:]) for at in range(1, len(shown) - 1))))
    for family in words:
        for given in words:
            if family == given:
                continue
            if len(given) == 1:
                yield f"{family} {given}."
            yield f"{family} {given}"
            yield from (f"{family} ~{number}" for number in short_form_sets(given))
