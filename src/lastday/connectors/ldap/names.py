"""Writing and comparing distinguished names and filters: every value escaped, nothing built by hand elsewhere.

Sources: RFC 4514 (names), RFC 4515 (filters), RFC 4518 (what counts as the same value).
"""

import re
import unicodedata

_SPECIAL_IN_NAMES = ',+"\\<>;=#'
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]*(;[A-Za-z0-9-]+)*\Z|[0-9]+(\.[0-9]+)+\Z")
_OPTIONAL_UID = re.compile(r"#'[01]*'B\Z")

NormalName = tuple[tuple[tuple[str, str], ...], ...]
"""A name as its parts, each a sorted tuple of (attribute, value) in comparable form."""


def is_attribute_name(name: str) -> bool:
    """`name` is a well-formed attribute description (RFC 4512 section 2.5).

    >>> is_attribute_name("employeeNumber"), is_attribute_name("uid)(x=*")
    (True, False)
    """
    return _ATTRIBUTE.match(name) is not None


def escaped_in_filter(value: str) -> str:
    """The value as it stands in a filter: everything but ASCII letters and digits as `\\xx` (RFC 4515 section 3).

    >>> escaped_in_filter("a*)(uid=b")
    'a\\\\2a\\\\29\\\\28uid\\\\3db'
    """
    return "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else f"\\{byte:02x}" for byte in value.encode()
    )


def equals(attribute: str, value: str) -> str:
    """The filter `attribute = value`. Raises ValueError where `attribute` is no attribute name."""
    if not is_attribute_name(attribute):
        raise ValueError(f"{attribute!r} is not the name of an attribute")
    return f"({attribute}={escaped_in_filter(value)})"


def any_of(filters: list[str]) -> str:
    """The filter that one of `filters` is true."""
    return "(|" + "".join(filters) + ")"


def all_of(*filters: str) -> str:
    """The filter that all of `filters` are true."""
    return "(&" + "".join(filters) + ")"


def rdn(attribute: str, value: str) -> str:
    """The relative name `attribute=value`, escaped (RFC 4514 section 2.4).

    >>> rdn("uid", "# a,b ")
    'uid=\\\\# a\\\\,b\\\\20'
    """
    text = "".join(f"\\{c}" if c in _SPECIAL_IN_NAMES else c for c in value)
    text = text.replace("\x00", "\\00").replace("\n", "\\0a").replace("\r", "\\0d")
    if text.startswith(" "):
        text = "\\" + text
    if text.endswith(" ") and not text.endswith("\\ "):
        text = text[:-1] + "\\20"
    return f"{attribute}={text}"


def child(relative: str, parent: str) -> str:
    """The name of `relative` under `parent`."""
    return f"{relative},{parent}" if parent else relative


def parts_of(name: str) -> list[str]:
    """The relative names of `name`, the lowest first, escapes kept."""
    return _split(name, ",;")


def first_value(name: str) -> tuple[str, str]:
    """Attribute and value of the lowest part of `name`, unescaped."""
    attribute, _, value = _split(parts_of(name)[0], "+")[0].partition("=")
    return attribute.strip(), _unescaped(value)


def parent_of(name: str) -> str:
    """The name above `name`; empty at the top."""
    return ",".join(parts_of(name)[1:])


def comparable(name: str) -> NormalName:
    """A form that is equal for two spellings of one name. Values count as the same without case and extra blanks.

    >>> comparable("UID=Ada , OU=People") == comparable("uid=ada,ou=people")
    True
    >>> comparable(r"cn=a\\2cb") == comparable(r"cn=a\\,b")
    True
    """
    return tuple(
        tuple(sorted(_comparable_pair(pair) for pair in _split(part, "+"))) for part in parts_of(name) if part.strip()
    )


def comparable_member(value: str) -> NormalName:
    """The same for a value of `uniqueMember`, whose optional bit string says nothing about who it is (RFC 4517)."""
    return comparable(_OPTIONAL_UID.sub("", value))


def lies_under(name: str, parent: str) -> bool:
    """`name` is `parent` or stands below it."""
    low, high = comparable(name), comparable(parent)
    return low[len(low) - len(high) :] == high if len(low) >= len(high) else False


def relative_to(name: str, parent: str) -> str:
    """What stands before `parent` in `name`."""
    return ",".join(parts_of(name)[: len(parts_of(name)) - len(parts_of(parent))])


def folded(value: str) -> str:
    """The value without case, compatibility forms and extra blanks (RFC 4518)."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def _comparable_pair(pair: str) -> tuple[str, str]:
    attribute, _, value = pair.partition("=")
    return attribute.strip().lower(), folded(_unescaped(value))


def _split(text: str, separators: str) -> list[str]:
    """The pieces of `text` between separators that are neither escaped nor quoted."""
    pieces, piece, quoted, i = [], "", False, 0
    while i < len(text):
        letter = text[i]
        if letter == "\\":
            piece += text[i : i + 2]
            i += 2
            continue
        quoted = quoted != (letter == '"')
        if letter in separators and not quoted:
            pieces.append(piece)
            piece = ""
        else:
            piece += letter
        i += 1
    return [*pieces, piece]


def _unescaped(value: str) -> str:
    """The value that `value` writes; blanks around it that are not escaped do not belong to it."""
    value = value.lstrip(" ")
    while value.endswith(" ") and not value.endswith("\\ "):
        value = value[:-1]
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    out, i = bytearray(), 0
    while i < len(value):
        if value[i] == "\\" and re.match(r"[0-9A-Fa-f]{2}", value[i + 1 : i + 3]):
            out += bytes.fromhex(value[i + 1 : i + 3])
            i += 3
            continue
        i += value[i] == "\\"
        out += value[i : i + 1].encode()
        i += 1
    return out.decode(errors="replace")


def names_in_definition(definition: str) -> list[str]:
    """The names that an attribute type description gives (RFC 4512 section 4.1.2).

    >>> names_in_definition("( 2.5.4.3 NAME ( 'cn' 'commonName' ) SUP name )")
    ['cn', 'commonName']
    """
    match = re.search(r"\bNAME\s+(?:'([^']+)'|\(([^)]*)\))", definition)
    if match is None:
        return []
    return [match[1]] if match[1] else re.findall(r"'([^']+)'", match[2])
