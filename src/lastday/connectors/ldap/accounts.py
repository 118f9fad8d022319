"""Entries of people as accounts, and drafts of accounts as entries."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from lastday.connectors.ldap import names, sign_in
from lastday.connectors.ldap.answers import SECRET_ATTRIBUTES, Entry
from lastday.connectors.ldap.groups import Member
from lastday.connectors.sdk.protocols import AccountDraft
from lastday.model.account import ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes, AttributeValue
from lastday.model.errors import AnswerUnusable
from lastday.model.ids import NativeId

PEOPLE_FILTER = names.any_of(["(objectClass=person)", "(objectClass=account)", "(objectClass=posixAccount)"])
READ_ATTRIBUTES = ("*", "entryUUID", "createTimestamp", "pwdAccountLockedTime", "pwdLastSuccess", "authTimestamp")
PERSON_CLASSES = ("top", "person", "organizationalPerson", "inetOrgPerson")

_KEPT_OUT = SECRET_ATTRIBUTES | {
    "entryuuid", "createtimestamp", "pwdaccountlockedtime", "pwdlastsuccess", "authtimestamp", "objectclass",
    "jpegphoto", "photo", "audio", "usercertificate", "usersmimecertificate", "userpkcs12",
}  # fmt: skip
_TIME = re.compile(r"(\d{14})(?:[.,]\d+)?Z\Z")


def native_id_of(entry: Entry) -> NativeId:
    """The id that never changes (RFC 4530). Raises AnswerUnusable where the server does not show it."""
    value = entry.text("entryUUID")
    if value is None:
        raise AnswerUnusable(
            "an entry has no entryUUID that we may read",
            effect="Accounts here have no id that survives a rename: nothing is read.",
            mend="Let our account read the operational attribute entryUUID.",
            where=entry.dn,
        )
    return NativeId(value.lower())


def member_of(entry: Entry) -> Member:
    """The entry as groups know it."""
    return Member(dn=entry.dn, uid=entry.text("uid"))


def username_of(entry: Entry) -> str:
    """The first `uid`, or what the entry is named by."""
    return entry.text("uid") or names.first_value(entry.dn)[1]


def account_of(entry: Entry, holdings: tuple[ObservedHolding, ...]) -> ObservedAccount:
    """The entry as an account; secrets, pictures and certificates stay behind."""
    return ObservedAccount(
        native_id=native_id_of(entry),
        username=username_of(entry),
        enabled=sign_in.is_enabled(entry),
        attributes=attributes_of(entry),
        holdings=holdings,
        created_at=_instant(entry.text("createTimestamp")),
        last_used=_instant(entry.text("pwdLastSuccess") or entry.text("authTimestamp")),
    )


def attributes_of(entry: Entry) -> Attributes:
    """What may be shown of an entry."""
    shown = {name: values for name, values in entry.attributes.items() if name.partition(";")[0] not in _KEPT_OUT}
    return Attributes(tuple((name, entry.texts(name)) for name in shown))


def entry_of(draft: AccountDraft) -> Mapping[str, tuple[bytes, ...]]:
    """The attributes of a new inetOrgPerson: what the draft says, and the two names that the class demands."""
    given = draft.attributes
    full = given.text("cn") or given.text("displayName") or draft.username
    made: dict[str, tuple[AttributeValue, ...]] = {
        **{name: values for name, values in given.pairs if name.lower() not in SECRET_ATTRIBUTES},
        "uid": (draft.username,),
    }
    if "cn" not in given:
        made["cn"] = (full,)
    if "sn" not in given:
        made["sn"] = (surname_in(full),)
    return {name: encoded(values) for name, values in made.items() if name.lower() != "uid" or name == "uid"}


def surname_in(full: str) -> str:
    """The last word: what `sn` is made from where nothing better is given."""
    return (full.split() or [full])[-1]


def encoded(values: tuple[AttributeValue, ...]) -> tuple[bytes, ...]:
    """The values as LDAP writes them (RFC 4517: booleans are TRUE and FALSE)."""
    return tuple(
        (str(value).upper() if isinstance(value, bool) else str(value)).encode("utf-8", "replace") for value in values
    )


def _instant(text: str | None) -> datetime | None:
    match = _TIME.match(text or "")
    if match is None:
        return None
    return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
