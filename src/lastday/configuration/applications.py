"""`[app.*]`: where accounts live, and how they are found, made and kept."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from lastday.configuration.connections import read_connection
from lastday.configuration.connector_keys import ConnectorKeys
from lastday.configuration.positions import KeyPath
from lastday.configuration.problems import nearest
from lastday.configuration.settings import ApplicationSettings, Condition, MatchLine, MatchStrength, Mode, Seat
from lastday.configuration.table import Table
from lastday.configuration.values import duration_of
from lastday.configuration.vocabulary import Vocabulary, condition_at, read_attribute, read_condition
from lastday.model.ids import ApplicationName

_MATCH = re.compile(r"\s*([A-Za-z][\w.$:-]*)\s*=\s*([A-Za-z][\w.$-]*)\s*", re.ASCII)
_FIELD = re.compile(r"\{([A-Za-z][A-Za-z0-9_.$-]*)(:ascii)?\}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_OWNER = re.compile(r"(?:group|user):\S+")
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_NUMBER = "n"


def read_application(
    table: Table, connectors: Mapping[str, ConnectorKeys], vocabulary: Vocabulary
) -> ApplicationSettings:
    """One `[app.NAME]`; mistakes are noted. Keys of an unknown connector are not judged."""
    if _NAME.fullmatch(table.name) is None:
        what = f'"{table.name}" cannot be the name of an application'
        table.problems.add(what, table.place, "P107", mend="Use letters, digits, - and _.")
    connector = _read_connector(table, connectors)
    settings = ApplicationSettings(
        name=ApplicationName(table.name),
        connector=connector or "",
        connection=read_connection(table, connectors[connector]) if connector else {},
        match=_read_match(table, vocabulary),
        create=_read_create(table, vocabulary),
        attributes=_read_attributes(table, vocabulary),
        owner=table.parsed("owner", _matching(_OWNER), like='"group:it" or "user:dana"'),
        mode=table.choice("mode", Mode) or Mode.OBSERVE,
        protect=_read_protect(table),
        admins=_read_entitlements(table, "admins"),
        privileged=_read_entitlements(table, "privileged"),
        manage=read_condition(table, "manage", None),
        settle=_read_duration(table, "settle"),
        keep_for=_read_duration(table, "keep_for"),
        deadline=_read_duration(table, "deadline"),
        successor=table.text("successor"),
        seat=_read_seat(table),
        position=table.place.position,
    )
    if connector is None:
        table.ignore_rest()
    table.close()
    return settings


def _read_connector(table: Table, connectors: Mapping[str, ConnectorKeys]) -> str | None:
    name = table.text("connector", required=True)
    if name is None or name in connectors:
        return name
    known = ", ".join(sorted(connectors))
    mend = f"Connectors here: {known}."
    table.wrong(
        "connector", f"no connector called {name}", code="P109", suggestion=nearest(name, connectors), mend=mend
    )
    return None


def _read_match(application: Table, vocabulary: Vocabulary) -> tuple[MatchLine, ...]:
    table = application.table("match", required=True)
    if table is None:
        return ()
    lines = [
        line
        for strength in (MatchStrength.PROOF, MatchStrength.HINT)
        for path, text in table.texts(strength.value)
        if (line := _match_line(table, path, text, strength, vocabulary)) is not None
    ]
    if table.close() and not any(table.count(strength.value) for strength in MatchStrength):
        what = f"nothing links accounts of {application.name} to people"
        application.wrong("match", what, code="P106", mend='Give proof or hint: ["externalId = employeeNumber"].')
    return tuple(lines)


def _match_line(
    table: Table, path: KeyPath, text: str, strength: MatchStrength, vocabulary: Vocabulary
) -> MatchLine | None:
    match = _MATCH.fullmatch(text)
    if match is None:
        mend = "Write account attribute = identity attribute."
        table.problems.add(f'"{text}" is no match line', table.document.value_place(path), "P107", mend=mend)
        return None
    identity = read_attribute(table, path, match[2], vocabulary, at=match.start(2))
    if identity is None:
        return None
    return MatchLine(account_attribute=match[1], identity_attribute=identity, strength=strength)


def _read_create(application: Table, vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    table = application.table("create")
    if table is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for attribute in table.keys:
        templates = table.texts(attribute)
        for path, template in templates:
            _check_template(table, path, template, vocabulary)
        if not table.count(attribute):
            table.wrong(attribute, f"{attribute} has no template", mend='Write ["{userName}"].')
        found[attribute] = tuple(template for _, template in templates)
    return found


def _check_template(table: Table, path: KeyPath, template: str, vocabulary: Vocabulary) -> None:
    stray = re.search(r"[{}]", _FIELD.sub(lambda field: " " * len(field.group()), template))
    if stray is not None:
        place = table.document.text_place(path, stray.start(), 1)
        mend = "A field is {attribute}, {attribute:ascii} or {n}."
        table.problems.add("this template cannot be read", place, "P107", mend=mend)
        return
    fields = [field for field in _FIELD.finditer(template) if field[1] != _NUMBER]
    for field in fields:
        read_attribute(table, path, field[1], vocabulary, at=field.start(1))
    if not fields:
        place = table.document.value_place(path)
        table.problems.add("this template gives everybody the same name", place, "P107", mend="Use {userName}.")


def _read_attributes(application: Table, vocabulary: Vocabulary) -> dict[str, str]:
    table = application.table("attributes")
    found: dict[str, str] = {}
    for key in table.keys if table is not None else ():
        name = table.text(key) if table is not None else None
        if table is not None and name is not None:
            found[key] = read_attribute(table, (*table.path, key), name, vocabulary) or name
    return found


def _read_protect(table: Table) -> tuple[Condition, ...]:
    """Conditions on accounts; their attributes are the application's own and free."""
    conditions = (condition_at(table, path, text, None) for path, text in table.texts("protect"))
    return tuple(condition for condition in conditions if condition is not None)


def _read_entitlements(table: Table, key: str) -> tuple[str, ...]:
    """Names inside the application; one with the application before it would never be found there."""
    texts = table.texts(key)
    for path, text in texts:
        if text.startswith(f"{table.name}:"):
            inside = text.partition(":")[2]
            place = table.document.value_place(path)
            table.problems.add(f"{text} names its own application", place, "P107", suggestion=inside)
    return tuple(text for _, text in texts)


def _read_duration(table: Table, key: str) -> timedelta | None:
    return table.parsed(key, duration_of, like='"5s", "2m", "4h", "30d"')


def _read_seat(application: Table) -> Seat | None:
    table = application.table("seat")
    if table is None:
        return None
    price = table.number_text("price", required=True)
    currency = table.parsed("currency", _matching(_CURRENCY), like='"EUR"', required=True)
    table.close()
    if price is None or currency is None:
        return None
    return Seat(price=_plain(price), currency=currency)


def _plain(number: str) -> str:
    """A TOML number without exponent: `1e2` and `0x64` are 100."""
    try:
        return f"{Decimal(number):f}"
    except InvalidOperation:
        return str(int(number, 0))


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None
