"""Everything that ties an account to a person, each piece with what it is worth in this very file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lastday.inventory.audit.accounts import Account, Accounts, split_mail
from lastday.inventory.audit.logins import Pattern, Support, learn, login_key, lower_bound, made_of_name
from lastday.inventory.audit.mails import Domains, is_provider, learn_domains, main_domains
from lastday.inventory.audit.name_index import NameIndex, index_names
from lastday.inventory.audit.naming import name_words
from lastday.inventory.audit.numbers import Numbers, index_numbers, labelled_column_holds, number_columns
from lastday.inventory.audit.people import Person
from lastday.inventory.audit.words import base_login, speaks_of_no_person

MAIL, TAGGED_MAIL, ALIAS_MAIL, HR_LOGIN = 0.98, 0.97, 0.95, 0.97
FULL_NAME, NEAR_NAME, NAME_IN_LOGIN, NEAR_IN_LOGIN, LOGIN_LIKE_NAME = 0.82, 0.55, 0.7, 0.45, 0.4
SURE_OF_NAMES = 0.92
"""However well names hold in a file: a name alone is never surer than this."""
OTHER_PATTERN = 0.7
"""What a second pattern's people count for where a better pattern has people of its own."""
LEAST_REFERENCES = 5


class Sort(StrEnum):
    """Independent kinds of evidence; the first three name a person, the others only describe one."""

    NUMBER = "number"
    MAIL = "mail"
    HR_LOGIN = "login in the file of people"
    LOGIN = "login"
    NAME = "name"


NAMING = frozenset((Sort.NUMBER, Sort.MAIL, Sort.HR_LOGIN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    worth: float
    says: str


Pieces = dict[Sort, Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """The people, and every way to find one of them."""

    people: Sequence[Person]
    numbers: Numbers
    names: NameIndex
    by_login: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What one application's file taught about itself."""

    company: Company
    domains: Domains
    own_domains: frozenset[str]
    number_columns: tuple[str, ...]
    trust_number: bool
    supports: tuple[Support, ...]
    name_worth: float
    places_worth: float
    """How often the place an account shows is that of its owner; 0 where too few could be checked."""


def index_company(people: Sequence[Person]) -> Company:
    """The people, findable by number, login and name."""
    by_login: dict[str, list[int]] = {}
    for position, person in enumerate(people):
        for login in sorted(person.logins):
            by_login.setdefault(login.partition("@")[0], []).append(position)
    return Company(
        people=people,
        numbers=index_numbers(people),
        names=index_names(people),
        by_login={login: tuple(who) for login, who in by_login.items()},
    )


def study(company: Company, file: Accounts) -> Knowledge:
    """What the file shows about numbers, domains, logins, names and places, measured where the owner is certain."""
    domains = learn_domains(company.people, file.accounts)
    by_mail = _known_by_mail(file.accounts, domains)
    trust = labelled_column_holds(file, company.numbers, by_mail)
    columns = number_columns(file, company.numbers, by_mail)
    known = {**_known_by_number(file.accounts, company.numbers, columns, trust=trust), **by_mail}
    personal = [one for one in file.accounts if not speaks_of_no_person(one, foreign=False)]
    name_worth = _worth_of_names(
        company, file.accounts, known, named=sum(len(name_words(one.shown_name)) >= 2 for one in personal)
    )
    certain = known if len(known) >= LEAST_REFERENCES else {**_known_by_name(company, file.accounts), **known}
    logins = [(base_login(file.accounts[at].login), who) for at, who in sorted(certain.items())]
    return Knowledge(
        company=company,
        domains=domains,
        own_domains=domains.company | domains.aliases or main_domains(file.accounts),
        number_columns=columns,
        trust_number=trust,
        supports=learn(company.people, [base_login(one.login) for one in personal], logins),
        name_worth=name_worth,
        places_worth=_worth_of_places(company.people, file.accounts, certain),
    )


def _known_by_mail(accounts: Sequence[Account], domains: Domains) -> dict[int, int]:
    found: dict[int, int] = {}
    for at, account in enumerate(accounts):
        for local, domain in map(split_mail, account.mails):
            holders = domains.by_mail.get(f"{local}@{domain}", ())
            if len(holders) == 1:
                found.setdefault(at, holders[0])
    return found


def _known_by_number(
    accounts: Sequence[Account], numbers: Numbers, columns: Sequence[str], *, trust: bool
) -> dict[int, int]:
    found: dict[int, int] = {}
    for at, account in enumerate(accounts):
        values = [account.number if trust else "", *(account.cells.get(column, "") for column in columns)]
        for value in values:
            holders = numbers.holders(value)[0] if value else ()
            if len(holders) == 1:
                found.setdefault(at, holders[0])
    return found


def _known_by_name(company: Company, accounts: Sequence[Account]) -> dict[int, int]:
    found: dict[int, int] = {}
    for at, account in enumerate(accounts):
        full = _full_matches(company, account)
        if len(full) == 1:
            found[at] = full[0]
    return found


def _full_matches(company: Company, account: Account) -> tuple[int, ...]:
    shown = name_words(account.shown_name)
    if len(shown) < 2:
        return ()
    return tuple(who for who, how in company.names.fitting(shown).items() if how == "full")


def _worth_of_names(company: Company, accounts: Sequence[Account], known: Mapping[int, int], *, named: int) -> float:
    """How sure a full name is that one person only has."""
    unique = {at: full[0] for at, one in enumerate(accounts) if len(full := _full_matches(company, one)) == 1}
    checked = [unique[at] == who for at, who in known.items() if at in unique]
    if len(checked) >= LEAST_REFERENCES:
        return min(SURE_OF_NAMES, lower_bound(sum(checked), len(checked)))
    return max(FULL_NAME, min(SURE_OF_NAMES, lower_bound(len(unique), named)))


def _worth_of_places(people: Sequence[Person], accounts: Sequence[Account], known: Mapping[int, int]) -> float:
    checked = [
        bool(accounts[at].places & people[who].places)
        for at, who in known.items()
        if accounts[at].places and people[who].places
    ]
    return lower_bound(sum(checked), len(checked)) if len(checked) >= LEAST_REFERENCES else 0.0


def gather(account: Account, known: Knowledge) -> dict[int, Pieces]:
    """Who the account may belong to, and what speaks for each."""
    found: dict[int, Pieces] = {}
    _add_numbers(account, known, found)
    _add_mails(account, known, found)
    login = base_login(account.login)
    for who in known.company.by_login.get(login, ()) if login else ():
        _add(found, who, Sort.HR_LOGIN, HR_LOGIN, f"login {login} stands in the file of people")
    _add_patterns(account, known, found)
    _add_names(account, known, found)
    return found


def _add(found: dict[int, Pieces], who: int, sort: Sort, worth: float, says: str) -> None:
    """The piece is among those for `who`, unless a better one of its sort is."""
    pieces = found.setdefault(who, {})
    if sort not in pieces or pieces[sort].worth < worth:
        pieces[sort] = Piece(worth=worth, says=says)


def _add_numbers(account: Account, known: Knowledge, found: dict[int, Pieces]) -> None:
    values = [account.number if known.trust_number else ""]
    values += [account.cells.get(column, "") for column in known.number_columns]
    for value in filter(None, values):
        holders, worth = known.company.numbers.holders(value)
        for who in holders:
            _add(found, who, Sort.NUMBER, worth, f"employee number {value}")


def _add_mails(account: Account, known: Knowledge, found: dict[int, Pieces]) -> None:
    for mail in account.mails:
        local, domain = split_mail(mail)
        worth = MAIL if f"{local}@{domain}" == mail else TAGGED_MAIL
        for who in known.domains.by_mail.get(f"{local}@{domain}", ()):
            _add(found, who, Sort.MAIL, worth, f"mail {mail}")
        if domain in known.domains.aliases:
            for who in known.domains.by_local.get(login_key(local, Pattern.MAIL_LOCAL), ()):
                _add(found, who, Sort.MAIL, ALIAS_MAIL, f"mail {mail}, whose domain is another name of the company's")


def _add_patterns(account: Account, known: Knowledge, found: dict[int, Pieces]) -> None:
    """By the login; where the file has none, by the local part of a mail."""
    login = base_login(account.login) or (split_mail(account.mails[0])[0] if account.mails else "")
    better: set[int] = set()
    for support in known.supports:
        who_fits = support.index.get(login_key(login, support.pattern), ())
        for who in who_fits:
            factor = 1.0 if not better or who in better else OTHER_PATTERN
            says = f"login {login} is made of the {support.pattern}, as {support.hits} of {support.total} here are"
            _add(found, who, Sort.LOGIN, support.confidence * factor, says)
        better = better or set(who_fits)


def shown_words(account: Account) -> tuple[str, ...]:
    """The words of a name that the account shows: its display name, else a mail or login with a dot in it."""
    shown = name_words(account.shown_name)
    if len(shown) >= 2:
        return shown
    for text in (*(split_mail(mail)[0] for mail in account.mails), account.login):
        parts = name_words(text.replace(".", " ").replace("_", " ").rstrip("0123456789"))
        if len(parts) >= 2 and all(part.isalpha() for part in parts):
            return parts
    return ()


def _add_names(account: Account, known: Knowledge, found: dict[int, Pieces]) -> None:
    shown = shown_words(account)
    if len(shown) < 2:
        return
    displayed = len(name_words(account.shown_name)) >= 2
    for who, how in known.company.names.fitting(shown).items():
        full = how == "full"
        if displayed:
            worth = known.name_worth if full else NEAR_NAME
            login = base_login(account.login) or (split_mail(account.mails[0])[0] if account.mails else "")
            if full and made_of_name(login, known.company.people[who]):
                _add(found, who, Sort.LOGIN, LOGIN_LIKE_NAME, f"login {login} can be made of the name")
            _add(found, who, Sort.NAME, worth, f"{'the name' if full else 'nearly the name'} {account.shown_name}")
        else:
            worth = NAME_IN_LOGIN if full else NEAR_IN_LOGIN
            _add(found, who, Sort.LOGIN, worth, f"{' '.join(shown)} in login or mail is like the name")


def is_foreign(account: Account, known: Knowledge) -> bool:
    """Every mail of the account is at a domain where nobody of the company has one."""
    if not account.mails:
        return False
    if any(f"{local}@{domain}" in known.domains.by_mail for local, domain in map(split_mail, account.mails)):
        return False
    domains = {split_mail(mail)[1] for mail in account.mails}
    return not domains & known.own_domains and (bool(known.own_domains) or any(map(is_provider, domains)))
