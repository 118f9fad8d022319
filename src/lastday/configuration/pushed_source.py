"""`[source.NAME]` with `kind = "scim"`: how what clients push becomes people."""

import re
from collections.abc import Iterable, Mapping

from lastday.configuration.problems import nearest
from lastday.configuration.scim_paths import DEFAULT_MAP, ENTERPRISE, PERSON, USER, USER_PATHS, scim_path
from lastday.configuration.settings import (
    CustomAttributeSettings,
    CustomAttributeType,
    CustomMutability,
    CustomReturned,
    CustomSchemaSettings,
    StatusMapping,
)
from lastday.configuration.table import Table
from lastday.model.errors import FilterError
from lastday.model.identity import EngagementStatus

KEY = "id"
"""What names an engagement unless the source says otherwise: always there, never changed (RFC 7643 section 3.1)."""
ACTIVE_STATUS = StatusMapping(
    column="active", values={"true": EngagementStatus.ACTIVE, "false": EngagementStatus.ENDED}
)
_STATUS = "status"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9$_-]*")
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{1,31}:[\w()+,.:=@;$!*'%/?#-]+", re.IGNORECASE | re.ASCII)
_TAKEN = frozenset(urn.lower() for urn in (USER, ENTERPRISE, PERSON))


def mapped_attributes(written: object) -> tuple[str, ...]:
    """The identity attributes that a source has whose `map` is written so: the default ones, less and more."""
    own: Mapping[str, object] = written if isinstance(written, Mapping) else {}
    struck = {name.lower() for name, path in own.items() if path is False}
    names = [*DEFAULT_MAP, *(name for name in own if name != _STATUS)]
    return tuple({name.lower(): name for name in names if name.lower() not in struck}.values())


def read_extensions(source: Table) -> tuple[CustomSchemaSettings, ...]:
    """Every `[source.NAME.extension."urn:..."]`; mistakes are noted."""
    return tuple(_read_schema(table) for table in source.tables("extension"))


def known_paths(extensions: Iterable[CustomSchemaSettings]) -> tuple[str, ...]:
    """Every attribute path that a client of this source may push."""
    return (*USER_PATHS, *(path for schema in extensions for path in _paths_of(schema)))


def _paths_of(schema: CustomSchemaSettings) -> Iterable[str]:
    for attribute in schema.attributes:
        yield f"{schema.urn}:{attribute.name}"
        yield from (f"{schema.urn}:{attribute.name}.{sub.name}" for sub in attribute.sub_attributes)


def read_path(table: Table, key: str, known: Iterable[str]) -> str | None:
    """The SCIM attribute path at `key`; None where there is none, or it has a mistake, which is noted."""
    text = table.text(key)
    return None if text is None or not _is_path(table, key, text, tuple(known)) else text


def _is_path(table: Table, key: str, text: str, known: tuple[str, ...]) -> bool:
    try:
        path = scim_path(text).text
    except FilterError as error:
        place = table.document.text_place((*table.path, key), min(error.position, len(text)), 1)
        table.problems.add(error.what, place, "P101", mend=error.mend or 'Write it like emails[type eq "work"].value.')
        return False
    if path.lower() not in {one.lower() for one in known}:
        what = f"no attribute called {path} is pushed"
        mend = "Write an attribute of a user (RFC 7643), or declare it in an extension of the source."
        table.wrong(key, what, code="P103", suggestion=nearest(path, known), mend=mend)
        return False
    return True


def read_pushed_map(source: Table, known: tuple[str, ...]) -> tuple[dict[str, str], StatusMapping]:
    """The default map under what the source's own `map` adds, changes or leaves out (`attribute = false`)."""
    paths = {name.lower(): (name, path) for name, path in DEFAULT_MAP.items()}
    table = source.table("map")
    if table is None:
        return dict(paths.values()), ACTIVE_STATUS
    seen: dict[str, str] = {}
    for attribute in table.keys:
        if attribute == _STATUS:
            continue
        if (twin := seen.setdefault(attribute.lower(), attribute)) != attribute:
            table.wrong(attribute, f"{attribute} is {twin} again: names compare without case", code="P117")
        paths.pop(attribute.lower(), None)
        if (path := _read_mapped(table, attribute, known)) is not None:
            paths[attribute.lower()] = (attribute, path)
    status = table.table(_STATUS)
    return dict(paths.values()), ACTIVE_STATUS if status is None else _read_status(status, known)


def _read_mapped(table: Table, attribute: str, known: tuple[str, ...]) -> str | None:
    if not table.holds_boolean(attribute):
        return read_path(table, attribute, known)
    if table.boolean(attribute):
        table.wrong(attribute, f"{attribute} = true says nothing", mend="Write a path, or false to leave it out.")
    return None


def _read_status(table: Table, known: tuple[str, ...]) -> StatusMapping:
    column = table.text("column", required=True)
    if column is not None:
        _is_path(table, "column", column, known)
    return StatusMapping(column=column or ACTIVE_STATUS.column, values=read_status_values(table))


def read_status_values(table: Table) -> dict[str, EngagementStatus]:
    """Which values mean which status; one that means two is noted."""
    values: dict[str, EngagementStatus] = {}
    for status in EngagementStatus:
        for path, text in table.texts(status.value):
            spelled = text.strip().casefold()
            if values.get(spelled, status) is not status:
                place = table.document.value_place(path)
                table.problems.add(f'"{text}" means {values[spelled]} already', place, "P117")
            values[spelled] = status
    table.close()
    return values


def _read_schema(table: Table) -> CustomSchemaSettings:
    urn = table.name
    if not _URN.fullmatch(urn):
        mend = 'Write it like [source.NAME.extension."urn:example:params:scim:schemas:extension:company:2.0:User"].'
        table.problems.add(f"{urn} is no URN", table.place, "P107", mend=mend)
    elif urn.lower() in _TAKEN:
        table.problems.add(f"{urn} is there already", table.place, "P117", mend="Give your schema a name of its own.")
    attributes = _read_attributes(table, nested=False)
    if not table.keys:
        table.problems.add(f"{urn} has no attribute", table.place, "P106", mend='Add badge = { type = "string" }.')
    return CustomSchemaSettings(urn=urn, attributes=attributes, position=table.place.position)


def _read_attributes(table: Table, *, nested: bool) -> tuple[CustomAttributeSettings, ...]:
    seen: dict[str, str] = {}
    found = []
    for name in table.keys:
        place = table.document.key_place((*table.path, name))
        if not _NAME.fullmatch(name):
            mend = "Letters, digits, $, - and _, a letter first (RFC 7643 section 2.1)."
            table.problems.add(f"{name} is no name of an attribute", place, "P107", mend=mend)
        if (twin := seen.setdefault(name.lower(), name)) != name:
            table.problems.add(f"{name} is {twin} again: names compare without case", place, "P117")
        inner = table.table(name)
        if inner is not None:
            found.append(_read_attribute(inner, nested=nested))
    return tuple(found)


def _read_attribute(table: Table, *, nested: bool) -> CustomAttributeSettings:
    kind = table.choice("type", CustomAttributeType) or CustomAttributeType.STRING
    settings = CustomAttributeSettings(
        name=table.name,
        type=kind,
        multi_valued=table.boolean("multiValued") or False,
        required=table.boolean("required") or False,
        case_exact=table.boolean("caseExact") or False,
        mutability=table.choice("mutability", CustomMutability) or CustomMutability.READ_WRITE,
        returned=table.choice("returned", CustomReturned) or CustomReturned.DEFAULT,
        description=table.text("description") or "",
        sub_attributes=_read_parts(table, kind, nested=nested),
    )
    table.close()
    return settings


def _read_parts(table: Table, kind: CustomAttributeType, *, nested: bool) -> tuple[CustomAttributeSettings, ...]:
    """The sub-attributes, which a complex attribute has and no other; a complex one has no complex ones inside."""
    is_complex = kind is CustomAttributeType.COMPLEX
    if is_complex and nested:
        table.wrong("type", f"{table.name} is complex inside a complex attribute", mend="RFC 7643 section 2.3.8.")
        table.ignore_rest()
        return ()
    if "subAttributes" in table and not is_complex:
        table.wrong("subAttributes", f"{table.name} is not complex", mend='Set type = "complex".')
    inner = table.table("subAttributes", required=is_complex)
    return () if inner is None else _read_attributes(inner, nested=True)
