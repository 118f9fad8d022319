"""The `columns` table of a disconnected application, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lastday.model.errors import ConfigurationError
from lastday.model.ids import ApplicationName

OWN_KEYS = frozenset({"native_id", "username", "active", "entitlements", "last_used"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveColumn:
    """Which cells mean that an account is on; with `false_values` any third value is an error, without it is off."""

    column: str
    true_values: frozenset[str]
    false_values: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    native_id: str
    username: str
    active: ActiveColumn | None
    """None: whoever is in the file can sign in."""
    entitlements: tuple[str, ...]
    last_used: str | None
    attributes: Mapping[str, str]
    """Name for match lines (`email`) -> column."""

    @property
    def needed(self) -> tuple[str, ...]:
        """Every column that the file must have."""
        named = [self.native_id, self.username, *self.entitlements, *self.attributes.values()]
        named += [self.active.column] if self.active else []
        named += [self.last_used] if self.last_used else []
        return tuple(dict.fromkeys(named))


def columns_of(table: object, application: ApplicationName) -> Columns:
    """The columns that the configuration names. Raises ConfigurationError for what is missing or unfit."""
    where = f"app.{application}.columns"
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{application} needs a table of columns", where=where)
    native_id = _text(table, "native_id", where)
    return Columns(
        native_id=native_id,
        username=_text(table, "username", where) if "username" in table else native_id,
        active=_active(table["active"], f"{where}.active") if "active" in table else None,
        entitlements=_texts(table.get("entitlements", []), f"{where}.entitlements"),
        last_used=_text(table, "last_used", where) if "last_used" in table else None,
        attributes={str(name): _text(table, str(name), where) for name in table if name not in OWN_KEYS},
    )


def _active(value: object, where: str) -> ActiveColumn:
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            "which values mean active is not said", where=where, mend='Write { column = "enabled", true = ["yes"] }.'
        )
    true_values = _texts(value.get("true", []), f"{where}.true")
    if not true_values:
        raise ConfigurationError("no value means active", where=f"{where}.true")
    return ActiveColumn(
        column=_text(value, "column", where),
        true_values=frozenset(text.casefold() for text in true_values),
        false_values=frozenset(text.casefold() for text in _texts(value.get("false", []), f"{where}.false")),
    )


def _text(table: Mapping[object, object], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{key} must name a column", where=f"{where}.{key}")
    return value.strip()


def _texts(value: object, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, Sequence) or not all(isinstance(item, str) for item in items):
        raise ConfigurationError("a text or a list of texts is expected here", where=where)
    return tuple(str(item).strip() for item in items)
