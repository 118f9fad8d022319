"""A value as a client sends it -> the value as it is stored, or the reason why it cannot be.

Null, an empty list, and a complex value with nothing in it are absent (RFC 7643 section 2.5): reading them gives None.
"""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from typing import TypeAlias

from lastday.filters.literals import fold, instant_of
from lastday.interfaces.scim.protocol.errors import ScimError, invalid_syntax, invalid_value
from lastday.interfaces.scim.protocol.profiles import Profile, UnknownAttributes
from lastday.interfaces.scim.protocol.schema import LONGEST_TEXT, Attribute, AttributeType, Mutability, TextFormat
from lastday.model.canonical import JsonValue

MOST_KEYED = 100_000
"""Values in one attribute whose elements are looked up by their `value`: members of a group."""
MOST_ELEMENTS = 2_000
"""Values in any other multi-valued attribute."""
LONGEST_KEY_BYTES = 2000
"""What an index of PostgreSQL takes of a text in its folded form, with room for what stands beside it."""
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}|[A-Za-z0-9_-]*={0,2}", re.ASCII)
_NO_URI = re.compile(r"[\s\x00-\x1f\x7f<>\"{}|\\^`]")
_TEXT_BOOLEANS = {"true": True, "false": False}

_Reader: TypeAlias = Callable[[Attribute, object, Profile], JsonValue]


def read_value(attribute: Attribute, given: object, profile: Profile) -> JsonValue:
    """The value of an attribute in its stored form; None where it is absent. Raises ScimError 400."""
    if given is None:
        return None
    if attribute.multi_valued:
        return read_elements(attribute, given, profile, alone=profile.single_value_as_list) or None
    return _READERS[attribute.type](attribute, given, profile)


def read_elements(attribute: Attribute, given: object, profile: Profile, *, alone: bool) -> list[JsonValue]:
    """The values of a multi-valued attribute, each once. `alone`: one value stands for a list of one.

    Among members of a group nothing may stand that names none: `[{}]` is no empty list, and would empty the group.
    """
    if not isinstance(given, list):
        if not alone:
            raise invalid_value(f"{attribute.path} is multi-valued: its value is an array")
        given = [given]
    refuse_too_many(attribute, len(given))
    reader = _READERS[attribute.type]
    read = [reader(attribute, one, profile) for one in given if one is not None]
    present: list[JsonValue] = [one for one in read if one is not None]
    if attribute.is_keyed and len(present) < len(given):
        raise names_nothing(attribute)
    if len(present) < 2:
        return present
    refuse_two_primaries(attribute, present)
    if attribute.is_keyed:
        return _each_value_once(present)
    found: dict[Hashable, JsonValue] = {}
    for element in present:
        found.setdefault(identical(element), element)
    return list(found.values())


def names_nothing(attribute: Attribute) -> ScimError:
    """400 invalidValue: what is known by its `value` alone stands there without one."""
    return invalid_value(f"{attribute.path}: each of its values has a `value`, and an empty list has none")


def refuse_too_many(attribute: Attribute, count: int) -> None:
    """Raises ScimError 400 invalidValue where an attribute would have more values than are kept."""
    most = MOST_KEYED if attribute.is_keyed else MOST_ELEMENTS
    if count > most:
        raise invalid_value(f"{attribute.path} has more than {most} values")


def _each_value_once(elements: Sequence[JsonValue]) -> list[JsonValue]:
    """What is said of one value in several elements is said in one; the first word counts."""
    found: dict[JsonValue, JsonValue] = {}
    for element in elements:
        if isinstance(element, Mapping):
            known = found.get(element["value"])
            found[element["value"]] = {**element, **known} if isinstance(known, Mapping) else element
    return list(found.values())


def refuse_two_primaries(attribute: Attribute, elements: Sequence[JsonValue]) -> None:
    """RFC 7643 section 2.4: `primary` is true for at most one value. Raises ScimError 400 invalidValue."""
    if "primary" in attribute.subs and sum(is_primary(element) for element in elements) > 1:
        raise invalid_value(f"{attribute.path} has more than one primary value")


def is_primary(element: JsonValue) -> bool:
    """The element says of itself that it is the preferred one."""
    return isinstance(element, Mapping) and element.get("primary") is True


def identical(value: JsonValue) -> Hashable:
    """Equal for equal values, and hashable; the order of what stands in lists does not count."""
    if isinstance(value, Mapping):
        return frozenset([(key, identical(inner)) for key, inner in value.items()])
    if isinstance(value, (list, tuple)):
        return frozenset([identical(inner) for inner in value])
    return value if isinstance(value, str) else (type(value), value)


def read_complex(attribute: Attribute, given: object, profile: Profile) -> JsonValue:
    """An object with what its schema knows of it; None where that is nothing."""
    if not isinstance(given, Mapping):
        given = _bare(attribute, given, profile)
        if given is None:
            return None
    found: dict[str, JsonValue] = {}
    for key, inner in given.items():
        sub = attribute.subs.get(key) or known_sub(attribute, key, profile)
        if sub is None or sub.mutability is Mutability.READ_ONLY:
            continue
        value = read_value(sub, inner, profile)
        if value is None or sub.mutability is Mutability.WRITE_ONLY:
            continue
        if sub.name in found:
            raise invalid_syntax(f"{sub.path} is given twice")
        found[sub.name] = value
    if found:
        require_subs(attribute, found)
    return found or None


def known_sub(attribute: Attribute, key: str, profile: Profile) -> Attribute | None:
    """The sub-attribute with this name in any case; None for one to be passed over. Raises ScimError 400."""
    sub = attribute.subs.get(key.lower())
    if sub is None:
        refuse_unknown(f"{attribute.path}.{key}", profile)
    return sub


def refuse_unknown(name: str, profile: Profile) -> None:
    """Raises ScimError 400 invalidSyntax, unless the profile passes over what it does not know."""
    if profile.unknown_attributes is UnknownAttributes.REFUSE:
        raise invalid_syntax(f"no schema of this resource knows {shown(name)}")


def shown(name: str) -> str:
    """A name that a client made, fit to stand in an answer."""
    return repr(name[:100])


def require_subs(attribute: Attribute, found: Mapping[str, JsonValue]) -> None:
    """Raises ScimError 400 invalidValue where a required sub-attribute is not there."""
    for sub in attribute.sub_attributes:
        if sub.required and is_blank(found.get(sub.name)):
            raise invalid_value(f"{sub.path} is required")


def is_blank(value: JsonValue) -> bool:
    """What is required has a value, and a text has more than blanks in it (RFC 7643 section 4.1.1)."""
    return value is None or (isinstance(value, str) and not value.strip())


def _bare(attribute: Attribute, given: object, profile: Profile) -> Mapping[str, object] | None:
    if not profile.bare_references or not isinstance(given, str) or "value" not in attribute.subs:
        raise invalid_value(f"{attribute.path} is complex: its value is an object")
    return {"value": given} if given else None


def _text(attribute: Attribute, given: object, profile: Profile) -> str | None:
    if not isinstance(given, str):
        raise invalid_value(f"{attribute.path} is a text")
    if not given and profile.empty_text_as_absent:
        return None
    if len(given) > attribute.longest:
        raise invalid_value(f"{attribute.path} has more than {attribute.longest} characters")
    if not given.isascii():
        _refuse_halves(attribute, given)
    if "\x00" in given:
        raise invalid_value(f"{attribute.path} holds the character NUL")
    if attribute.longest < LONGEST_TEXT and len(fold(given).encode()) > LONGEST_KEY_BYTES:
        raise invalid_value(f"{attribute.path} is too long")
    return given


def _refuse_halves(attribute: Attribute, given: str) -> None:
    try:
        given.encode()
    except UnicodeEncodeError:
        raise invalid_value(f"{attribute.path} holds half of a character pair") from None


def _string(attribute: Attribute, given: object, profile: Profile) -> str | None:
    text = _text(attribute, given, profile)
    if text is None or attribute.format is TextFormat.ANY or instant_of(text) is not None or _is_date(text):
        return text
    raise invalid_value(f"{attribute.path} is a date such as 2026-11-30, or a dateTime with its zone")


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _boolean(attribute: Attribute, given: object, profile: Profile) -> bool | None:
    if isinstance(given, bool):
        return given
    if profile.booleans_as_text and isinstance(given, str):
        if not given and profile.empty_text_as_absent:
            return None
        known = _TEXT_BOOLEANS.get(given.lower())
        if known is not None:
            return known
    raise invalid_value(f"{attribute.path} is true or false")


def _integer(attribute: Attribute, given: object, _: Profile) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise invalid_value(f"{attribute.path} is a whole number")
    if not _SMALLEST <= given <= _LARGEST:
        raise invalid_value(f"{attribute.path} does not fit into 64 bits")
    return given


def _decimal(attribute: Attribute, given: object, profile: Profile) -> int | float:
    if isinstance(given, float):
        if given - given != 0:
            raise invalid_value(f"{attribute.path} is a finite number")
        return given
    if isinstance(given, bool) or not isinstance(given, int):
        raise invalid_value(f"{attribute.path} is a number")
    return _integer(attribute, given, profile)


def _moment(attribute: Attribute, given: object, profile: Profile) -> str | None:
    text = _text(attribute, given, profile)
    if text is not None and instant_of(text) is None:
        raise invalid_value(f"{attribute.path} is a dateTime with its zone, such as 2026-11-30T17:00:00Z")
    return text


def _binary(attribute: Attribute, given: object, profile: Profile) -> str | None:
    text = _text(attribute, given, profile)
    if text is not None and (_BASE64.fullmatch(text) is None or len(text.rstrip("=")) % 4 == 1):
        raise invalid_value(f"{attribute.path} is base64")
    return text


def _reference(attribute: Attribute, given: object, profile: Profile) -> str | None:
    text = _text(attribute, given, profile)
    if text is not None and _NO_URI.search(text) is not None:
        raise invalid_value(f"{attribute.path} is a URI")
    return text


_READERS: Mapping[AttributeType, _Reader] = {
    AttributeType.STRING: _string,
    AttributeType.BOOLEAN: _boolean,
    AttributeType.INTEGER: _integer,
    AttributeType.DECIMAL: _decimal,
    AttributeType.DATE_TIME: _moment,
    AttributeType.BINARY: _binary,
    AttributeType.REFERENCE: _reference,
    AttributeType.COMPLEX: read_complex,
}
