"""What a directory answers: entries, pages of them, results; and whether an answer is whole.

Sources: RFC 4511 (results), RFC 2696 (pages), slapo-ppolicy(5) (account usability).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NotRequired, TypedDict

from lastday.model.errors import AnswerUnusable, ListingIncomplete, PermissionMissing, Unreachable

PAGED_RESULTS = "1.2.840.113556.1.4.319"
ACCOUNT_USABILITY = "1.3.6.1.4.1.42.2.27.9.5.8"
"""The server's own judgement whether an entry can be signed in to; only where a password policy applies to it."""
SECRET_ATTRIBUTES = frozenset({"userpassword", "unicodepwd", "sambantpassword", "sambalmpassword"})
AGAIN_LATER = frozenset({51, 52})  # busy, unavailable
GRANT_MORE = "Give our account the rights listed in the connector's manifest under least_privilege."
_CUT_SHORT = frozenset({3, 4, 11})  # timeLimitExceeded, sizeLimitExceeded, adminLimitExceeded


class Change(StrEnum):
    ADD = "MODIFY_ADD"
    DELETE = "MODIFY_DELETE"
    REPLACE = "MODIFY_REPLACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Modification:
    attribute: str
    change: Change
    values: tuple[bytes, ...] = ()

    def redacted(self) -> str:
        hidden = self.attribute.lower() in SECRET_ATTRIBUTES
        shown = "***" if hidden else ", ".join(value.decode(errors="replace") for value in self.values)
        return f"{self.change.name.lower()} {self.attribute}: {shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it was read; attribute names in lower case."""

    dn: str
    attributes: Mapping[str, tuple[bytes, ...]]
    usable: bool | None = None
    """What the server says of signing in (account usability control); None where no policy applies or it is mute."""

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(value.decode(errors="replace") for value in self.attributes.get(name.lower(), ()))

    def text(self, name: str) -> str | None:
        return next(iter(self.texts(name)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPage:
    entries: tuple[Entry, ...]
    cookie: bytes
    """Empty on the last page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered to a write (RFC 4511 section 4.1.9)."""

    code: int
    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name


class Result(TypedDict):
    """The part of ldap3's result that is used."""

    result: int
    description: str
    message: str
    controls: NotRequired[object]


class Response(TypedDict):
    """The part of one of ldap3's responses that is used."""

    type: str
    dn: str
    raw_attributes: Mapping[str, list[bytes]]
    controls: NotRequired[object]


def refuse_unless_whole(result: Result, response: Sequence[Response], base: str) -> None:
    """Nothing of the answer is missing. Raises ListingIncomplete, PermissionMissing, Unreachable, AnswerUnusable."""
    code, name = result["result"], result["description"]
    if code in _CUT_SHORT:
        raise ListingIncomplete(
            f"the directory cut its answer short: {name}",
            effect="Nothing is concluded from what was read.",
            mend="Lift the limit for our account (slapd.conf: limits ... size.prtotal=unlimited).",
            where=base,
        )
    if code == 50:
        raise PermissionMissing(f"reading was refused: {name}", where=base, mend=GRANT_MORE)
    if code in AGAIN_LATER:
        raise Unreachable(f"the directory is {name}", where=base)
    if code != 0:
        raise AnswerUnusable(f"the directory answered {name}: {result['message']}", where=base)
    if any(item["type"] == "searchResRef" for item in response):
        raise ListingIncomplete("part of the tree stands on another server (referral)", where=base)


def next_cookie(result: Result, base: str) -> bytes:
    """The cookie of the next page. A server that says nothing about paging has not promised that this was all."""
    controls = result.get("controls")
    paging = controls.get(PAGED_RESULTS) if isinstance(controls, Mapping) else None
    value = paging.get("value") if isinstance(paging, Mapping) else None
    if not isinstance(value, Mapping):
        raise ListingIncomplete("the directory dropped the paging control", where=base)
    cookie = value.get("cookie")
    return cookie if isinstance(cookie, bytes) else b""


def entry_in(item: Response) -> Entry:
    """The entry that a search answered."""
    attributes = {name.lower(): tuple(values) for name, values in item["raw_attributes"].items() if values}
    return Entry(dn=item["dn"], attributes=attributes, usable=_usable(item))


def _usable(item: Response) -> bool | None:
    """The account usability of an entry: the first tag is [0] where it is available and [1] where it is not."""
    controls = item.get("controls")
    control = controls.get(ACCOUNT_USABILITY) if isinstance(controls, Mapping) else None
    value = control.get("value") if isinstance(control, Mapping) else None
    if not isinstance(value, bytes) or not value:
        return None
    return {0x80: True, 0xA1: False}.get(value[0])
