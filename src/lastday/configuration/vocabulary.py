"""What names a file may use: its own applications and the attributes that its sources map."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lastday.configuration.document import Document
from lastday.configuration.positions import KeyPath
from lastday.configuration.problems import Collector, Place, nearest
from lastday.configuration.pushed_source import mapped_attributes
from lastday.configuration.settings import Condition
from lastday.configuration.table import Table
from lastday.filters.ast import Filter
from lastday.filters.parser import parse
from lastday.filters.text import paths
from lastday.model.account import EntitlementRef
from lastday.model.errors import FilterError

DERIVED = ("lifecycle", "startsAt", "endsAt", "endReason")
"""What every person has beside the mapped attributes."""
ENGAGEMENTS = "engagements"
SECTIONS = ("company", "server", "source", "user", "app", "role", "sod", "leaver", "leave", "brakes", "test")
_WORD = re.compile(r'[^\s()\[\]"]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """The names that conditions, templates and references of one file may use."""

    applications: tuple[str, ...]
    attributes: tuple[str, ...]
    """Mapped ones, as spelled."""
    any_application: bool = False
    """The section itself is misspelt: that is one mistake, not one for each of its names."""
    any_attribute: bool = False
    """A map is absent or misspelt."""

    def has_application(self, name: str) -> bool:
        return self.any_application or name in self.applications

    def knows(self, attribute: str) -> bool:
        """The attribute is mapped: what is set up with it can have a value."""
        return self.any_attribute or attribute.lower() in {name.lower() for name in self.attributes}

    def speaks_of(self, path: str) -> bool:
        """A condition may name `path`: a known attribute, or the complex one that known ones are part of."""
        if self.any_attribute:
            return True
        low = path.lower()
        first, _, rest = low.partition(".")
        if first == ENGAGEMENTS:
            return not rest or self.speaks_of(rest)
        names = {name.lower() for name in (*self.attributes, *DERIVED)}
        return low in names or any(name.startswith(f"{low}.") for name in names) or low.removesuffix(".value") in names

    def near(self, attribute: str) -> str | None:
        inner = attribute.lower().startswith(f"{ENGAGEMENTS}.")
        wanted = attribute[len(ENGAGEMENTS) + 1 :] if inner else attribute
        return nearest(wanted, (*self.attributes, *DERIVED, ENGAGEMENTS))


def vocabulary_of(document: Document) -> Vocabulary:
    """The names in `document`, mistakes elsewhere notwithstanding."""
    sources = _tables(document.values.get("source"))
    maps = {name: source.get("map") for name, source in sources.items()}
    pushed = [name for name, source in sources.items() if source.get("kind") == "scim"]
    delivered = [found for name, found in maps.items() if name not in pushed]
    attributes = [name for found in delivered if isinstance(found, Mapping) for name in found if name != "status"]
    attributes += [name for source in pushed for name in mapped_attributes(maps[source])]
    unmapped = any(not isinstance(found, Mapping) for found in delivered)
    return Vocabulary(
        applications=tuple(_tables(document.values.get("app"))),
        attributes=tuple(dict.fromkeys(attributes)),
        any_application=_misspelt("app", document.values),
        any_attribute=unmapped or _misspelt("source", document.values),
    )


def _misspelt(section: str, values: Mapping[str, object]) -> bool:
    return any(nearest(key, [section]) for key in values if key not in SECTIONS)


def read_condition(
    table: Table, key: str, vocabulary: Vocabulary | None, *, required: bool = False
) -> Condition | None:
    """The condition at `key` of `table`. Without a vocabulary any attribute may be named: an account's are free."""
    text = table.text(key, required=required)
    return None if text is None else condition_at(table, (*table.path, key), text, vocabulary)


def condition_at(table: Table, path: KeyPath, text: str, vocabulary: Vocabulary | None) -> Condition | None:
    """The condition that the text at `path` is; each mistake inside it is noted with its own place.

    Only conditions on people may speak of `now`: an account is judged wherever it is met, without a moment.
    """
    try:
        tree = parse(text, allow_now=vocabulary is not None)
    except FilterError as error:
        word = _WORD.match(text, error.position)
        place = table.document.text_place(path, error.position, len(word.group()) if word else 1)
        table.problems.add(error.what, place, "P101", mend=error.mend)
        return None
    if vocabulary is not None and _note_strangers(table, path, text, tree, vocabulary):
        return None
    return Condition(text=text, filter=tree, position=table.document.value_place(path).position)


def _note_strangers(table: Table, path: KeyPath, text: str, tree: Filter, vocabulary: Vocabulary) -> bool:
    """Notes each attribute that nobody has, and says whether there was one."""
    strangers = [named for named in paths(tree) if not vocabulary.speaks_of(_local(named.text))]
    for named in strangers:
        place = table.document.text_place(path, named.position, _length_at(text, named.position))
        _note_unknown(table.problems, _local(named.text), place, vocabulary)
    return bool(strangers)


def read_references(
    table: Table, key: str, vocabulary: Vocabulary, *, required: bool = False
) -> tuple[EntitlementRef, ...]:
    """The entitlements that the list at `key` names, each in an application of the file and named once."""
    found: dict[EntitlementRef, None] = {}
    for path, text in table.texts(key, required=required):
        reference = _reference(table, path, text, vocabulary)
        if reference is None:
            continue
        if reference in found:
            table.problems.add(f"{text} is named twice", table.document.value_place(path), "P117")
        found[reference] = None
    return tuple(found)


def _reference(table: Table, path: KeyPath, text: str, vocabulary: Vocabulary) -> EntitlementRef | None:
    try:
        reference = EntitlementRef.parse(text)
    except ValueError:
        mend = "Write application:entitlement, for an account application:account."
        table.problems.add(f'"{text}" names no entitlement', table.document.value_place(path), "P107", mend=mend)
        return None
    if vocabulary.has_application(reference.application):
        return reference
    place = table.document.text_place(path, 0, len(reference.application))
    near = nearest(reference.application, vocabulary.applications)
    known = ", ".join(vocabulary.applications) or "none"
    what = f"no application called {reference.application}"
    table.problems.add(what, place, "P108", suggestion=near, mend=f"Applications here: {known}.")
    return None


def read_attribute(table: Table, path: KeyPath, name: str, vocabulary: Vocabulary, *, at: int = 0) -> str | None:
    """`name`, where it is a mapped attribute; it stands `at` characters inside the text at `path`."""
    if vocabulary.knows(name):
        return name
    _note_unknown(table.problems, name, table.document.text_place(path, at, len(name)), vocabulary)
    return None


def _note_unknown(problems: Collector, name: str, place: Place, vocabulary: Vocabulary) -> None:
    mend = 'Write lifecycle eq "active".' if name.lower() == "active" else "Map it in a source first."
    problems.add(f"no attribute called {name}", place, "P103", suggestion=vocabulary.near(name), mend=mend)


def _local(path: str) -> str:
    """The path without its schema, which ends at the last colon (RFC 7644 section 3.10)."""
    return path.rpartition(":")[2]


def _length_at(text: str, position: int) -> int:
    word = _WORD.match(text, position)
    return len(word.group()) if word else 1


def _tables(values: object) -> Mapping[str, Mapping[str, object]]:
    if not isinstance(values, Mapping):
        return {}
    return {name: inner for name, inner in values.items() if isinstance(inner, Mapping)}
