"""Which mail domains are the company's own: those of people and their aliases, never a mailbox provider."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lastday.inventory.audit.accounts import Account, split_mail
from lastday.inventory.audit.people import Person
from lastday.inventory.audit.text import listed, squashed

PROVIDERS = listed(
    """gmail googlemail outlook hotmail live msn yahoo ymail gmx web icloud me mac proton protonmail pm aol mail free
    orange laposte wanadoo sfr libero virgilio tiscali t-online freenet wp o2 onet interia qq 163 126 yandex zoho
    fastmail hey tutanota tuta posteo mailbox uol bol terra ziggo kpn hushmail duck"""
)
"""First labels of domains where anybody has a mailbox."""
LEAST_ALIAS_HITS = 3
LEAST_ALIAS_SHARE = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Domains:
    company: frozenset[str]
    aliases: frozenset[str]
    """Domains of accounts whose local parts are those of people."""
    by_mail: Mapping[str, tuple[int, ...]]
    by_local: Mapping[str, tuple[int, ...]]

    def is_own(self, domain: str) -> bool:
        return domain in self.company or domain in self.aliases


def is_provider(domain: str) -> bool:
    """Anybody can have a mailbox there.

    >>> is_provider("gmail.example"), is_provider("mail.northwind.example")
    (True, False)
    """
    labels = domain.split(".")
    return labels[0] in PROVIDERS and len(labels) <= 3 and not (labels[0] in ("mail", "web", "me") and len(labels) > 2)


def learn_domains(people: Sequence[Person], accounts: Iterable[Account]) -> Domains:
    """Whose mail is whose, and which other domains mean the same people."""
    by_mail: dict[str, list[int]] = {}
    by_local: dict[str, list[int]] = {}
    company: set[str] = set()
    for position, person in enumerate(people):
        for mail in sorted(person.mails):
            local, domain = split_mail(mail)
            by_mail.setdefault(f"{local}@{domain}", []).append(position)
            if not is_provider(domain):
                company.add(domain)
                by_local.setdefault(squashed(local), []).append(position)
    holders = {local: tuple(dict.fromkeys(who)) for local, who in by_local.items()}
    return Domains(
        company=frozenset(company),
        aliases=_aliases(accounts, company, holders),
        by_mail={mail: tuple(dict.fromkeys(who)) for mail, who in by_mail.items()},
        by_local=holders,
    )


def _aliases(accounts: Iterable[Account], company: set[str], holders: Mapping[str, tuple[int, ...]]) -> frozenset[str]:
    seen: dict[str, set[str]] = {}
    for account in accounts:
        for local, domain in map(split_mail, account.mails):
            if domain not in company and not is_provider(domain):
                seen.setdefault(domain, set()).add(squashed(local))
    return frozenset(
        domain
        for domain, locals_ in seen.items()
        if (hits := sum(local in holders for local in locals_)) >= LEAST_ALIAS_HITS
        and hits >= len(locals_) * LEAST_ALIAS_SHARE
    )


def main_domains(accounts: Sequence[Account]) -> frozenset[str]:
    """Where the people have no mails: the domains that at least a third of the accounts have."""
    seen: dict[str, int] = {}
    for account in accounts:
        for domain in {split_mail(mail)[1] for mail in account.mails}:
            seen[domain] = seen.get(domain, 0) + 1
    return frozenset(
        d for d, n in seen.items() if n >= LEAST_ALIAS_HITS and n * 3 >= len(accounts) and not is_provider(d)
    )
