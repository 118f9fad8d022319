"""How one application speaks SCIM: by its vendor's profile, by its keys in the configuration, else by the standard."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, TypeVar

from lastday.connectors.scim.vendor_profile import Groups, VendorProfile, load_vendor
from lastday.connectors.scim.vendor_terms import Booleans, DisableVerb, OpCase, PagingMode, PathForm, RemoveForm
from lastday.model.errors import ConfigurationError

PAGE_SIZE: Final = 100
BEARER: Final = "Authorization: Bearer {token}"
WordT = TypeVar("WordT", bound=StrEnum)
_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Paging(StrEnum):
    """How a list is read page by page."""

    ANNOUNCED = "announced"
    """As the application says in /ServiceProviderConfig, else by index."""
    INDEX = "index"
    """RFC 7644 section 3.4.2.4."""
    CURSOR = "cursor"
    """RFC 9865."""
    WHOLE = "whole"
    """One request without any parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDialect:
    """What can be done with groups, and how their members are known."""

    exist: bool = True
    members_readable: bool = True
    member_filter: str | None = None
    """Finds a group by its member where members cannot be read: `{user}`, and `{group}` where it is about one."""
    searchable: frozenset[str] | None = None
    """In lower case; None where nothing is known."""
    max_members_per_patch: int | None = None
    replace_allowed: bool = True
    remove_form: RemoveForm = RemoveForm.PATH_FILTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How to write and read; the defaults are the standard's."""

    page_size: int = PAGE_SIZE
    paging: Paging = Paging.ANNOUNCED
    omitted: frozenset[str] = frozenset()
    """Query parameters that are not taken."""
    put_only: bool = False
    op_case: OpCase = OpCase.LOWER
    booleans: Booleans = Booleans.JSON
    path_form: PathForm = PathForm.PATH
    disable_verb: DisableVerb = DisableVerb.PATCH
    disable_form: PathForm | None = None
    """None: with a path, and without one where that is refused."""
    disable_deletes: bool = False
    has_delete: bool = True
    searchable: Mapping[str, str] | None = None
    """Attributes of users in lower case and as they are written in a filter; None where nothing is known."""
    single_valued: frozenset[str] = frozenset()
    """Lists, in lower case, of which the application takes one element."""
    groups: GroupDialect = GroupDialect()


def dialect_of(values: Mapping[str, object]) -> Dialect:
    """The dialect of a connection. Raises ConfigurationError for a vendor or a word that is not known."""
    vendor = vendor_of(values)
    found = Dialect() if vendor is None else _of_vendor(vendor)
    size = values.get("page_size")
    size = size if isinstance(size, int) and size > 0 else PAGE_SIZE
    top = vendor.paging.max if vendor is not None else None
    return replace(
        found,
        page_size=size if top is None else min(size, top),
        paging=_word(values, "paging", Paging, found.paging),
        put_only=found.put_only or values.get("put_only") is True,
        groups=replace(
            found.groups,
            exist=found.groups.exist and values.get("groups") is not False,
            remove_form=_word(values, "remove_members", RemoveForm, found.groups.remove_form),
        ),
    )


def vendor_of(values: Mapping[str, object]) -> VendorProfile | None:
    """The profile that the connection names; None where it names none. Raises ConfigurationError for an unknown one."""
    name = values.get("vendor")
    return load_vendor(name) if isinstance(name, str) else None


def address_of(values: Mapping[str, object], vendor: VendorProfile | None) -> str:
    """The url: the one that is configured, else the vendor's with its blanks filled in from `address`.

    Raises ConfigurationError where there is neither, a blank is left, or what fills it could lead elsewhere.
    """
    url = values.get("url")
    if isinstance(url, str) and url:
        return url
    if vendor is None:
        raise ConfigurationError("url or vendor is needed", mend="Write the address below which /Users stands.")
    given = values.get("address")
    filled = {name: str(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
    for blank in vendor.address.placeholders:
        if not _PLACE.fullmatch(filled.get(blank, "")):
            raise ConfigurationError(
                f"{blank} is needed for {vendor.address.base_url}",
                mend=f'Write address = {{ {blank} = "..." }}: letters, digits, dots and dashes.',
            )
    return vendor.address.base_url.format(**filled)


def authorisation_of(token: str, vendor: VendorProfile | None) -> tuple[str, str]:
    """The name and the value of the header that carries the token."""
    name, _, value = (BEARER if vendor is None else vendor.auth.header).partition(":")
    return name.strip(), value.strip().format(token=token)


def _of_vendor(vendor: VendorProfile) -> Dialect:
    return Dialect(
        paging=Paging.CURSOR if vendor.paging.mode is PagingMode.CURSOR else Paging.INDEX,
        omitted=frozenset(vendor.paging.unsupported),
        put_only=vendor.patch.put_only,
        op_case=vendor.patch.op_case,
        booleans=vendor.patch.booleans,
        path_form=vendor.patch.path_form,
        disable_verb=vendor.disable.verb,
        disable_form=vendor.disable.form,
        disable_deletes=vendor.disable.deletes,
        has_delete=vendor.delete.exists,
        searchable={name.lower(): name for name in vendor.filter.users},
        single_valued=frozenset(name.lower() for name in vendor.create.single_valued),
        groups=_groups_of(vendor.groups, frozenset(name.lower() for name in vendor.filter.groups)),
    )


def _groups_of(groups: Groups, searchable: frozenset[str]) -> GroupDialect:
    return GroupDialect(
        exist=groups.exist,
        members_readable=groups.members_readable,
        member_filter=groups.member_filter,
        searchable=searchable,
        max_members_per_patch=groups.max_members_per_patch,
        replace_allowed=groups.replace_members_allowed,
        remove_form=groups.remove_form,
    )


def _word(values: Mapping[str, object], key: str, words: type[WordT], otherwise: WordT) -> WordT:
    said = values.get(key)
    if said is None:
        return otherwise
    if not isinstance(said, str) or said not in tuple(words):
        raise ConfigurationError(f"{key} = {said!r} is not known", mend=f"One of: {', '.join(words)}.")
    return words(said)
