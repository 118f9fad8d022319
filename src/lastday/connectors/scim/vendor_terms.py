"""The closed sets in which vendor profiles speak."""

from enum import StrEnum


class Confidence(StrEnum):
    """How sure a group of facts is."""

    DOCUMENTED = "documented"
    """The vendor says so."""
    SECONDARY = "secondary"
    """Somebody else says so: a client's code, an identity provider's guide."""
    UNCONFIRMED = "unconfirmed"
    """Nobody was found who says so; it is what we assume until a read-back shows otherwise."""


class DisableVerb(StrEnum):
    PATCH = "patch"
    PUT = "put"
    DELETE = "delete"


class PathForm(StrEnum):
    """How a replace names its attribute (RFC 7644 section 3.5.2.3)."""

    PATH = "path"
    NO_PATH = "no_path"


class OpCase(StrEnum):
    LOWER = "lower"
    CAPITAL = "capital"


class Booleans(StrEnum):
    JSON = "json"
    TEXT = "text"


class SessionEnd(StrEnum):
    """What ends the sessions that run when the account is switched off."""

    NATIVE = "native"
    """The vendor ends them with the account."""
    SEPARATE_API = "separate_api"
    """Only another interface ends them."""
    NONE = "none"
    """Nothing does: they run out."""
    UNKNOWN = "unknown"


class RemoveForm(StrEnum):
    """How one member is taken out of a group."""

    PATH_FILTER = "path_filter"
    """`members[value eq "id"]` in the path."""
    VALUE_LIST = "value_list"
    """Path `members` with the member in a list under `value`."""


class PagingMode(StrEnum):
    INDEX = "index"
    CURSOR = "cursor"


class Shown(StrEnum):
    """What a read shows of an account after the change."""

    INACTIVE = "inactive"
    NOT_FOUND = "not_found"


class RetryAfter(StrEnum):
    SENT = "sent"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
