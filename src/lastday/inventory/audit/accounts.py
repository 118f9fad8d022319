"""Accounts out of rows: what each is called, whether it can be used, when it last was."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache

from lastday.inventory.audit.dates import Order, looks_dated, read_moment
from lastday.inventory.audit.fields import AccountField
from lastday.inventory.audit.ordering import DateOrder, date_order
from lastday.inventory.audit.states import account_on, flag
from lastday.inventory.audit.table import Mapped
from lastday.inventory.audit.text import folded

DATED = (AccountField.USED, AccountField.CREATED)
_MAIL = re.compile(r"(?P<local>[^@\s<>]+)@(?P<domain>[^@\s<>]+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    application: str
    native_id: str
    username: str
    login: str
    """Folded, without a domain at either end; empty where the file has none."""
    mails: tuple[str, ...]
    number: str
    shown_name: str
    enabled: bool
    used: datetime | None
    created: datetime | None
    plan: str
    kind: str
    places: frozenset[str]
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    application: str
    accounts: tuple[Account, ...]
    remarks: tuple[str, ...]
    tells_use: bool
    """The file has a column for the last use."""
    free_columns: tuple[str, ...]
    """Columns whose meaning is not known: an employee number may stand in one of them."""


def read_accounts(mapped: Mapped, application: str, like: Order | None) -> Accounts:
    """The accounts of an application, in the order of their ids; `like` is the order of dates among the people."""
    order = date_order(mapped, DATED, like=like)
    ticked = _ticked(mapped)
    accounts = sorted(
        (_account(mapped, application, order, row, ticked=ticked) for row in mapped.table.rows),
        key=lambda one: (one.native_id, one.username, one.mails, sorted(one.cells.items())),
    )
    tells_use = mapped.column(AccountField.USED) is not None
    remarks = (*mapped.table.remarks, *_remarks(mapped, order))
    taken = {column for meaning, column in mapped.by_field.items() if meaning != AccountField.ID}
    return Accounts(
        application=application,
        accounts=tuple(accounts),
        remarks=remarks,
        tells_use=tells_use,
        free_columns=tuple(sorted(column for column in mapped.table.columns if column not in taken)),
    )


def _account(mapped: Mapped, application: str, order: DateOrder, row: Mapping[str, str], *, ticked: bool) -> Account:
    login = mapped.cell(row, AccountField.LOGIN)
    mails = tuple(_mails(mapped, row, login))
    names = " ".join(filter(None, (mapped.cell(row, AccountField.GIVEN), mapped.cell(row, AccountField.FAMILY))))
    native = mapped.cell(row, AccountField.ID) or login or (mails[0] if mails else "")
    places = (AccountField.JOB, AccountField.DEPARTMENT, AccountField.SITE)
    return Account(
        application=application,
        native_id=native or mapped.cell(row, AccountField.NUMBER),
        username=login or (mails[0] if mails else native),
        login=bare_login(login or ("" if mails else native)),
        mails=mails,
        number=mapped.cell(row, AccountField.NUMBER),
        shown_name=names or mapped.cell(row, AccountField.FULL),
        enabled=_enabled(mapped, row, ticked=ticked),
        used=_instant(mapped, order, row, AccountField.USED),
        created=_instant(mapped, order, row, AccountField.CREATED),
        plan=mapped.cell(row, AccountField.PLAN),
        kind=mapped.cell(row, AccountField.KIND),
        places=frozenset(folded(value) for field in places if (value := mapped.cell(row, field))),
        cells=row,
    )


def _mails(mapped: Mapped, row: Mapping[str, str], login: str) -> dict[str, None]:
    """The addresses of the account, its own first; a login that is an address counts as one."""
    found = (mapped.cell(row, AccountField.MAIL), mapped.cell(row, AccountField.OTHER_MAIL), login)
    return dict.fromkeys(value.casefold() for value in found if _MAIL.match(value.casefold()))


@lru_cache(maxsize=65_536)
def bare_login(login: str) -> str:
    """A login without the domain before or after it.

    >>> bare_login("CORP\\\\MWeber"), bare_login("mweber@corp.example")
    ('mweber', 'mweber')
    """
    return folded(login.rpartition("\\")[2].partition("@")[0])


def split_mail(mail: str) -> tuple[str, str]:
    """Local part and domain of an address, without what follows a plus.

    >>> split_mail("mia+design@northwind.example")
    ('mia', 'northwind.example')
    """
    local, _, domain = mail.rpartition("@")
    return local.partition("+")[0] or local, domain


def _enabled(mapped: Mapped, row: Mapping[str, str], *, ticked: bool) -> bool:
    """The account can be used: no column says otherwise. What is unknown counts as usable."""
    answers = (
        _switch(mapped.raw(row, AccountField.ENABLED), on=True),
        _switch(mapped.raw(row, AccountField.DISABLED), on=False),
        _status(mapped.raw(row, AccountField.STATUS)),
    )
    if ticked and not mapped.raw(row, AccountField.ENABLED):
        return False
    return False not in answers


def _ticked(mapped: Mapped) -> bool:
    """The column only ever says yes, and says nothing for no."""
    column = mapped.column(AccountField.ENABLED)
    return column is not None and all(flag(value) is True for value in mapped.table.values(column))


def _switch(value: str, *, on: bool) -> bool | None:
    """Whether a cell of an `enabled` (`on`) or `disabled` column leaves the account usable; words outrank headings."""
    if not value:
        return None
    said = flag(value)
    if said is not None:
        return said is on
    worded = account_on(value)
    if worded is not None:
        return worded
    return on if looks_dated(value) else None


def _status(value: str) -> bool | None:
    if not value:
        return None
    worded = account_on(value)
    return flag(value) if worded is None else worded


def _instant(mapped: Mapped, order: DateOrder, row: Mapping[str, str], field: AccountField) -> datetime | None:
    moment = read_moment(mapped.cell(row, field), order.of(mapped.column(field)))
    return None if moment is None else moment.at(None, bare=time())


def _remarks(mapped: Mapped, order: DateOrder) -> list[str]:
    found: list[str] = []
    switches = (AccountField.ENABLED, AccountField.DISABLED, AccountField.STATUS)
    if not any(mapped.column(field) for field in switches):
        found.append("no column says which accounts are enabled: all are taken for enabled")
    for field in DATED:
        column = mapped.column(field)
        known = order.of(column)
        if column is not None:
            bad = sorted({value for value in mapped.table.values(column) if read_moment(value, known) is None})
            found += [f"{column}: {len(bad)} values are no dates, for example {bad[0]}: taken for none"] if bad else []
    for field in switches[::2]:
        column = mapped.column(field)
        if column is not None:
            strange = sorted({v for v in mapped.table.values(column) if flag(v) is None and account_on(v) is None})
            found += [f"{column}: {', '.join(strange[:5])} is not known: taken for enabled"] if strange else []
    return found
