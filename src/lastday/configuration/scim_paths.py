"""SCIM attribute paths (RFC 7644 section 3.5.2) as a map writes them, and the attributes that clients may push."""

import re
from dataclasses import dataclass
from functools import lru_cache

from lastday.filters.ast import AttributePath, Filter, Present, ValuePath
from lastday.filters.parser import parse
from lastday.model.errors import FilterError

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PERSON = "urn:lastday:params:scim:schemas:extension:person:2.0:User"
"""Lastday's own extension: when somebody begins and ends, and where they are."""

DEFAULT_MAP = {
    "userName": "userName",
    "displayName": "displayName",
    "name.givenName": "name.givenName",
    "name.familyName": "name.familyName",
    "emails.value": "emails.value",
    "title": "title",
    "userType": "userType",
    "timezone": "timezone",
    "employeeNumber": f"{ENTERPRISE}:employeeNumber",
    "department": f"{ENTERPRISE}:department",
    "costCenter": f"{ENTERPRISE}:costCenter",
    "organization": f"{ENTERPRISE}:organization",
    "division": f"{ENTERPRISE}:division",
    "manager": f"{ENTERPRISE}:manager.value",
    "startDate": f"{PERSON}:startDate",
    "endDate": f"{PERSON}:endDate",
    "endsAt": f"{PERSON}:endsAt",
    "endReason": f"{PERSON}:endReason",
    "location": f"{PERSON}:location",
    "country": f"{PERSON}:country",
    "riskScore": f"{PERSON}:riskScore",
    "groups.display": "groups.display",
    "groups.value": "groups.value",
}
"""Identity attribute -> where a pushed user has it, unless a source says otherwise."""

_PLURAL = ("emails", "phoneNumbers", "ims", "photos", "entitlements", "roles", "x509Certificates")
_PLURAL_SUBS = ("value", "display", "type", "primary")
_NAME_SUBS = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_ADDRESS_SUBS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country", "type", "primary")
_SINGLE = (
    *("id", "externalId", "userName", "displayName", "nickName", "profileUrl", "title", "userType"),
    *("preferredLanguage", "locale", "timezone", "active"),
)
_ENTERPRISE = ("employeeNumber", "costCenter", "organization", "division", "department", "manager")
_PERSON = (
    *("personKey", "startDate", "endDate", "endsAt", "endReason", "status"),
    *("location", "country", "timezone", "riskScore"),
)
USER_PATHS = (
    *_SINGLE,
    *(f"name.{sub}" for sub in _NAME_SUBS),
    *(f"{name}.{sub}" for name in _PLURAL for sub in _PLURAL_SUBS),
    *(f"addresses.{sub}" for sub in _ADDRESS_SUBS),
    *(f"groups.{sub}" for sub in ("value", "display", "type")),
    *(f"{ENTERPRISE}:{name}" for name in _ENTERPRISE),
    *(f"{ENTERPRISE}:manager.{sub}" for sub in ("value", "displayName")),
    *(f"{PERSON}:{name}" for name in _PERSON),
)
"""Every attribute of a user that the standard and Lastday know, as a map may write it."""

_SELECTED = re.compile(r"(?P<path>[^\[\]]+)\[(?P<condition>.*)\](?:\.(?P<sub>[A-Za-z$_][\w$-]*))?", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimPath:
    """`emails[type eq "work"].value`: which attribute, which of its values, which part of them."""

    path: AttributePath
    condition: Filter | None = None
    """Tells which elements of a multi-valued attribute are meant; None: all."""

    @property
    def text(self) -> str:
        """The path without its condition."""
        return self.path.text


@lru_cache(maxsize=1024)
def scim_path(text: str) -> ScimPath:
    """The path that `text` writes. Raises FilterError, with the position counted from 0, where it is none.

    >>> scim_path('emails[type eq "work"].value').text
    'emails.value'
    """
    selected = _SELECTED.fullmatch(text)
    if selected is None:
        return ScimPath(path=_plain(text))
    tree = parse(f"{selected['path']}[{selected['condition']}]")
    if not isinstance(tree, ValuePath):
        raise FilterError("this is no attribute path", text=text, position=0, mend=_LIKE)
    path = tree.path
    if selected["sub"] is not None:
        path = AttributePath(schema=path.schema, attribute=path.attribute, sub=selected["sub"])
    return ScimPath(path=path, condition=tree.inner)


_LIKE = 'Write it like userName, name.givenName or emails[type eq "work"].value.'


def _plain(text: str) -> AttributePath:
    tree = parse(f"{text} pr")
    if not isinstance(tree, Present) or tree.path.text != text:
        raise FilterError("this is no attribute path", text=text, position=0, mend=_LIKE)
    return tree.path
