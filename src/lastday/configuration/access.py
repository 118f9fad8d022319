"""`[role.*]`, `[sod.*]`, `[leaver.*]`, `[leave]`, `[brakes]`, `[[test]]`: what decides access."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from enum import StrEnum

from lastday.configuration.settings import (
    AbsenceProfile,
    BrakeSettings,
    LeaverProfileSettings,
    PolicyTest,
    RoleSettings,
    SodSettings,
)
from lastday.configuration.table import Table
from lastday.configuration.values import duration_of
from lastday.configuration.vocabulary import Vocabulary, read_condition, read_references
from lastday.filters.text import paths
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.identity import Lifecycle
from lastday.model.ids import RoleName

_A_DAY = timedelta(days=1)


class AccountDuringLeave(StrEnum):
    DISABLE = "disable"


def read_role(table: Table, vocabulary: Vocabulary) -> RoleSettings | None:
    """One `[role.NAME]`; None where its condition has a mistake, which is noted."""
    when = read_condition(table, "when", vocabulary, required=True)
    give = read_references(table, "give", vocabulary, required=True)
    table.close()
    if when is None:
        return None
    return RoleSettings(
        name=RoleName(table.name),
        when=when,
        names_lifecycle=any(path.attribute.lower() == "lifecycle" for path in paths(when.filter)),
        give=give,
        position=table.place.position,
    )


def read_sod(table: Table, vocabulary: Vocabulary) -> SodSettings | None:
    """One `[sod.NAME]`; None where a mistake is noted."""
    both = read_references(table, "both", vocabulary, required=True)
    why = table.text("why", required=True)
    table.close()
    count = table.count("both")
    if "both" in table and count != 2:
        table.wrong("both", f"both has {count} entitlements, not two", mend="Write one rule for each pair.")
    if len(both) != 2 or why is None:
        return None
    return SodSettings(name=table.name, both=(both[0], both[1]), why=why, position=table.place.position)


def read_leavers(root: Table, vocabulary: Vocabulary) -> tuple[LeaverProfileSettings, ...]:
    """Every `[leaver.NAME]` in the order of the file; exactly one has no `when`, or that is noted."""
    tables = tuple(root.tables("leaver"))
    profiles = tuple(_read_leaver(table, vocabulary) for table in tables)
    defaults = [table for table in tables if "when" not in table]
    if not defaults:
        place = root.document.key_place(("leaver",))
        root.problems.add(
            "no leaver profile is the default", place, "P115", mend="Exactly one [leaver.NAME] has no `when`."
        )
    for table in defaults[1:]:
        what = f"leaver.{defaults[0].name} is the default already"
        root.problems.add(what, table.place, "P115", mend="Give this one a `when`.")
    return profiles


def _read_leaver(table: Table, vocabulary: Vocabulary) -> LeaverProfileSettings:
    when = read_condition(table, "when", vocabulary)
    limit = table.parsed("limit", duration_of, like='"15m", "2h"', required=True)
    table.close()
    return LeaverProfileSettings(name=table.name, when=when, limit=limit or _A_DAY, position=table.place.position)


def read_absences(root: Table, vocabulary: Vocabulary) -> tuple[AbsenceProfile, AbsenceProfile]:
    """What `[leave]` says of a leave of absence (default: keep all) and of garden leave (default: keep nothing)."""
    suspended, released = AbsenceProfile(keep_all=True), AbsenceProfile(keep_all=False)
    table = root.table("leave")
    if table is None:
        return suspended, released
    suspended = _read_absence(table.table("suspended"), vocabulary) or suspended
    released = _read_absence(table.table("released"), vocabulary) or released
    table.close()
    return suspended, released


def _read_absence(table: Table | None, vocabulary: Vocabulary) -> AbsenceProfile | None:
    if table is None:
        return None
    table.choice("accounts", AccountDuringLeave)
    keep_all = table.holds_text("keep")
    if keep_all and table.text("keep", required=True) != "all":
        table.wrong("keep", 'keep is "all" or a list', mend='Write keep = ["application:entitlement"].')
    keep = () if keep_all else read_references(table, "keep", vocabulary, required=True)
    table.close()
    return AbsenceProfile(keep_all=keep_all, keep=keep)


def read_brakes(root: Table) -> BrakeSettings:
    """`[brakes]` over the defaults. 0 lets nothing pass; no number switches a brake off."""
    table = root.table("brakes")
    if table is None:
        return BrakeSettings()
    numbers = {field.name: table.integer(field.name) for field in fields(BrakeSettings)}
    table.close()
    for name, number in numbers.items():
        if number is not None and number < 0:
            table.wrong(name, f"{name} cannot be negative", mend="0 lets nothing pass; a brake cannot be switched off.")
        elif number is not None and name.endswith("_percent") and number > 100 and "growth" not in name:
            table.wrong(name, f"{name} is a share of the whole: 100 at most")
    if numbers["feed_rows_percent"] == 0:
        table.wrong("feed_rows_percent", "feed_rows_percent is the least share of rows: 0 would let an empty file pass")
    return BrakeSettings(**{name: number for name, number in numbers.items() if number is not None})


def read_test(table: Table, vocabulary: Vocabulary) -> PolicyTest:
    """One `[[test]]`; mistakes are noted."""
    person = table.table("person", required=True)
    has, has_not = read_references(table, "has", vocabulary), read_references(table, "has_not", vocabulary)
    if table.close() and not has and not has_not and "has" not in table and "has_not" not in table:
        table.problems.add("this test looks at nothing", table.place, "P106", mend="Give has or has_not.")
    attributes = {} if person is None else _read_person(person, (), vocabulary)
    return PolicyTest(person=Attributes.of(attributes), has=has, has_not=has_not, position=table.place.position)


def _read_person(table: Table, prefix: tuple[str, ...], vocabulary: Vocabulary) -> dict[str, Sequence[AttributeValue]]:
    found: dict[str, Sequence[AttributeValue]] = {}
    for key in table.keys:
        name = ".".join((*prefix, key))
        if table.holds_table(key):
            inner = table.table(key)
            found |= {} if inner is None else _read_person(inner, (*prefix, key), vocabulary)
        elif not vocabulary.speaks_of(name):
            place = table.document.key_place((*table.path, key))
            table.problems.add(f"no attribute called {name}", place, "P103", suggestion=vocabulary.near(name))
        else:
            found[name] = table.attribute_values(key)
    _check_lifecycle(table)
    return found


def _check_lifecycle(table: Table) -> None:
    if "lifecycle" in table:
        table.choice("lifecycle", Lifecycle)
