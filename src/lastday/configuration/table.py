"""Reads one table of the file key by key; what nobody asked for is an error at the end."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from lastday.configuration.document import Document
from lastday.configuration.positions import KeyPath
from lastday.configuration.problems import Collector, Place, nearest
from lastday.configuration.settings import SecretReference
from lastday.model.attributes import AttributeValue

ValueT = TypeVar("ValueT")
ChoiceT = TypeVar("ChoiceT", bound=StrEnum)

_KINDS = {str: "text in quotes", bool: "true or false", int: "a whole number", list: "a list", dict: "a table"}


class Table:
    """A table with its place. A reading method that meets a mistake notes it and answers as if the key were absent."""

    def __init__(self, document: Document, problems: Collector, path: KeyPath, values: Mapping[str, object]) -> None:
        self.document = document
        self.problems = problems
        self.path = path
        self._values = values
        self._asked: set[str] = set()
        self._missing: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self._values

    @property
    def name(self) -> str:
        """The last key of the table's path."""
        return str(self.path[-1]) if self.path else ""

    @property
    def _sort(self) -> str:
        return "key" if self.path else "section"

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(self._values)

    @property
    def place(self) -> Place:
        return self.document.key_place(self.path)

    def value_place(self, key: str) -> Place:
        return self.document.value_place((*self.path, key))

    def wrong(self, key: str, what: str, *, code: str = "P107", suggestion: str | None = None, mend: str = "") -> None:
        """Notes that the value of `key` is wrong."""
        self.problems.add(what, self.value_place(key), code, suggestion=suggestion, mend=mend)

    def text(self, key: str, *, required: bool = False) -> str | None:
        """The text at `key`, not empty."""
        value = self._typed(key, str, required=required)
        if value is not None and not value.strip():
            self.wrong(key, f"{key} is empty")
            return None
        return value

    def boolean(self, key: str, *, required: bool = False) -> bool | None:
        return self._typed(key, bool, required=required)

    def integer(self, key: str, *, required: bool = False) -> int | None:
        return self._typed(key, int, required=required)

    def number_text(self, key: str, *, required: bool = False) -> str | None:
        """The number at `key` as it is written, so that 12.50 keeps its cents."""
        value = self._asked_for(key, required=required)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
            self.wrong(key, f"{key} must be a number, not negative", code="P105")
            return None
        span = self.document.entries[(*self.path, key)].value
        return self.document.text[span.start : span.end].replace("_", "").lstrip("+")

    def texts(self, key: str, *, required: bool = False) -> tuple[tuple[KeyPath, str], ...]:
        """The texts of the list at `key`, each with its own path."""
        found = self._typed(key, list, required=required) or []
        paths = [(*self.path, key, index) for index in range(len(found))]
        for path, item in zip(paths, found, strict=True):
            if not isinstance(item, str) or not item.strip():
                self.problems.add(f"{key} is a list of texts", self.document.value_place(path), "P105")
        return tuple((p, item) for p, item in zip(paths, found, strict=True) if isinstance(item, str) and item.strip())

    def attribute_values(self, key: str) -> tuple[AttributeValue, ...]:
        """The one value or the list of values that an attribute has at `key`."""
        value = self._asked_for(key, required=False)
        values = value if isinstance(value, list) else [value]
        fitting = tuple(item for item in values if isinstance(item, (str, bool, int)))
        if len(fitting) != len(values):
            self.wrong(key, f"{key} must be text, true, false, a whole number, or a list of these", code="P105")
        return fitting

    def count(self, key: str) -> int:
        """How long the list at `key` is."""
        value = self._values.get(key)
        return len(value) if isinstance(value, list) else 0

    def holds_text(self, key: str) -> bool:
        return isinstance(self._values.get(key), str)

    def holds_boolean(self, key: str) -> bool:
        return isinstance(self._values.get(key), bool)

    def holds_table(self, key: str) -> bool:
        return isinstance(self._values.get(key), dict)

    def content(self, key: str, *, required: bool = False) -> Mapping[str, object] | None:
        """The table at `key` as it is: its keys are for somebody else to judge."""
        return self._typed(key, dict, required=required)

    def table(self, key: str, *, required: bool = False) -> "Table | None":
        value = self._typed(key, dict, required=required)
        return None if value is None else Table(self.document, self.problems, (*self.path, key), value)

    def tables(self, key: str) -> Iterator["Table"]:
        """Every table inside the table at `key`: `[role.a]` and `[role.b]`, in the order of the file."""
        outer = self.table(key)
        for name in outer.keys if outer is not None else ():
            inner = outer.table(name) if outer is not None else None
            if inner is not None:
                yield inner

    def table_list(self, key: str) -> Iterator["Table"]:
        """Every `[[key]]`, in the order of the file."""
        for index, item in enumerate(self._typed(key, list) or []):
            path = (*self.path, key, index)
            if isinstance(item, dict):
                yield Table(self.document, self.problems, path, item)
            else:
                self.problems.add(f"{key} is a list of tables", self.document.value_place(path), "P105")

    def parsed(
        self,
        key: str,
        parse: Callable[[str], ValueT | None],
        *,
        like: str,
        required: bool = False,
        known: Callable[[], Iterable[str]] = tuple,
    ) -> ValueT | None:
        """The text at `key` as `parse` reads it; `like` shows how it is written, `known` lists what may be meant."""
        text = self.text(key, required=required)
        value = None if text is None else parse(text)
        if text is not None and value is None:
            what = f'"{text}" is no value for {key}'
            self.wrong(key, what, suggestion=nearest(text, known()), mend=f"Write it like {like}.")
        return value

    def choice(self, key: str, kind: type[ChoiceT], *, required: bool = False) -> ChoiceT | None:
        """The member of the closed set `kind` at `key`."""
        text = self.text(key, required=required)
        if text is None or text in list(kind):
            return None if text is None else kind(text)
        known = ", ".join(kind)
        self.wrong(key, f'{key} cannot be "{text}"', suggestion=nearest(text, kind), mend=f"One of: {known}.")
        return None

    def secret(self, key: str, *, required: bool = False) -> SecretReference | None:
        """The reference to a secret at `key`; a secret that stands there itself is refused and not repeated."""
        value = self._asked_for(key, required=required)
        if value is None:
            return None
        if not isinstance(value, dict):
            mend = f'Write {key} = {{ env = "NAME" }} or {{ file = "PATH" }}, and change this one: it was written down.'
            self.wrong(key, f"{key} is a secret in the file itself", code="P104", mend=mend)
            return None
        return Table(self.document, self.problems, (*self.path, key), value)._reference(self)

    def _reference(self, outer: "Table") -> SecretReference | None:
        env, file = self.text("env"), self.text("file")
        complete = self.close()
        if ("env" in self) == ("file" in self):
            if complete:
                outer.wrong(self.name, f"{self.name} names no place of a secret", mend="Give env or file, one of them.")
            return None
        if env is not None:
            return SecretReference(env=env)
        return None if file is None else SecretReference(file=self.document.path.parent / Path(file))

    def close(self, *, hint: str = "") -> bool:
        """Every key was asked for and every required one is there; what is not so is noted.

        A missing key with an unknown one near it is one mistake: a misspelling.
        """
        unknown = [key for key in self._values if key not in self._asked]
        # A section may be continued elsewhere, a key of a table may not: what is there already was not meant.
        meant = self._asked - set(self._values) if self.path else self._asked
        for key in unknown:
            place = self.document.key_place((*self.path, key))
            self.problems.add(f"no {self._sort} called {key}", place, "P102", suggestion=nearest(key, meant), mend=hint)
        for key in dict.fromkeys(self._missing):
            if not any(nearest(other, [key]) for other in unknown):
                self.problems.add(
                    f"{key} is missing", self.place, "P106", mend=f"Add {key} = ..." if self.path else f"Add [{key}]."
                )
        return not unknown and not self._missing

    def ignore_rest(self) -> None:
        """The keys that are left cannot be judged."""
        self._asked |= set(self._values)

    def _asked_for(self, key: str, *, required: bool) -> object:
        self._asked.add(key)
        if required and key not in self._values:
            self._missing.append(key)
        return self._values.get(key)

    def _typed(self, key: str, kind: type[ValueT], *, required: bool = False) -> ValueT | None:
        value = self._asked_for(key, required=required)
        if value is None or type(value) is kind:
            return value if isinstance(value, kind) else None
        self.wrong(key, f"{key} must be {_KINDS[kind]}", code="P105")
        return None
