"""Ranges of time as PostgreSQL's `tstzrange`, and texts as it can keep them."""

import hashlib
import json
from datetime import datetime

from psycopg.types.range import TimestamptzRange

from lastday.model.attributes import Attributes
from lastday.model.canonical import JsonValue


def since(instant: datetime) -> TimestamptzRange:
    """From the instant on."""
    return TimestamptzRange(instant, None, "[)")


def between(start: datetime | None, end: datetime | None) -> TimestamptzRange:
    """From start up to, not including, end; empty where it would end before it began."""
    if start is not None and end is not None and end <= start:
        return TimestamptzRange(empty=True)
    return TimestamptzRange(start, end, "[)")


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot keep (NUL, lone surrogates), so that one odd value loses no snapshot."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def attributes_text(attributes: Attributes) -> str:
    """The attributes as JSON text in one fixed form."""
    return _dumped({storable(name): _storable_json(value) for name, value in attributes.as_json().items()})


def version_digest(*parts: JsonValue) -> str:
    """Equal for equal parts; only compared with others of its kind, so whole numbers of any size are welcome."""
    return hashlib.sha256(_dumped(parts).encode("utf-8", "surrogatepass")).hexdigest()


def iso(instant: datetime | None) -> str | None:
    return None if instant is None else str(instant.timestamp())


def _dumped(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _storable_json(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable_json(item) for item in value]
    return value
