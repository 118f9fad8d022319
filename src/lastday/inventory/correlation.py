"""Whose account is it? Proof first, hints under strict rules, else doubt; never a guess.

A linked account is never judged again: its native id is the link. A match line of strength *proof* names an immutable
id or an employee number, of any engagement the person ever had. A *hint* (mail, user name) can be given to somebody
else one day, so it links only when the account's stronger keys are empty, exactly one person of the last 365 days
ever held the value, and the account is not older than that person's start.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from lastday.configuration.settings import ApplicationSettings, MatchLine, MatchStrength
from lastday.model.account import Account, AccountKind, Correlation
from lastday.model.finding import Finding, Severity
from lastday.model.identity import Identity
from lastday.model.ids import AccountId, IdentityId

MEMORY = timedelta(days=365)
"""How long a mail address or user name still counts as that of somebody who had it."""

_Holders: TypeAlias = Mapping[str, frozenset[IdentityId]]
NOBODY: frozenset[IdentityId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ValueHeld:
    """A person had a value of an identity attribute; `until` is when they ceased to (None: to this day)."""

    attribute: str
    value: str
    identity: IdentityId
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueHistory:
    """Every value of the attributes that hints speak of which anybody held, past engagements and versions included."""

    held: tuple[ValueHeld, ...] = ()

    def holders(self, attribute: str, now: datetime, *, here_lately: frozenset[IdentityId] | None) -> _Holders:
        """For each value (folded) who ever held it; with `here_lately` only they, and whoever had it in 365 days."""
        found: dict[str, set[IdentityId]] = {}
        for one in self.held:
            recent = one.until is None or one.until >= now - MEMORY
            counts = here_lately is None or recent or one.identity in here_lately
            if counts and one.attribute.lower() == attribute.lower():
                found.setdefault(folded(one.value), set()).add(one.identity)
        return {value: frozenset(people) for value, people in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDecision:
    """What is concluded for one account that was not linked."""

    account: AccountId
    correlation: Correlation
    identity: IdentityId | None
    """Set exactly where the account is matched."""
    why: str
    candidates: tuple[IdentityId, ...] = ()
    finding: Finding | None = None


def folded(value: object) -> str:
    """A hint's value as it compares: without surrounding blanks and case."""
    return str(value).strip().casefold()


def correlate(
    accounts: Sequence[Account],
    identities: Sequence[Identity],
    settings: ApplicationSettings,
    history: ValueHistory,
    now: datetime,
) -> tuple[LinkDecision, ...]:
    """A decision for every account of the snapshot that is not linked, in the order of native ids.

    Protected, break-glass and vanished accounts are left alone. The order of `accounts` and `identities` makes no
    difference.
    """
    index = _Index.of(identities, settings, history, now)
    open_ones = sorted((a for a in accounts if _is_open(a)), key=lambda a: a.native_id)
    return tuple(_by_proof(account, index) or _by_hint(account, index) for account in open_ones)


def _is_open(account: Account) -> bool:
    free = not account.protected and account.kind is not AccountKind.BREAK_GLASS
    return account.exists and free and account.identity is None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Index:
    """Who has which value, for each match line."""

    settings: ApplicationSettings
    people: Mapping[IdentityId, Identity]
    holders: Mapping[MatchLine, _Holders]
    """For a hint, those of the last 365 days."""
    ever: Mapping[MatchLine, _Holders]
    """For a hint, everybody who is known to have had the value at any time."""

    @classmethod
    def of(
        cls, identities: Sequence[Identity], settings: ApplicationSettings, history: ValueHistory, now: datetime
    ) -> "_Index":
        proofs = [line for line in settings.match if line.strength is MatchStrength.PROOF]
        hints = [line for line in settings.match if line.strength is MatchStrength.HINT]
        lately = [identity for identity in identities if _was_here_lately(identity, now)]
        names = frozenset(identity.id for identity in lately)
        holders = {line: _held(identities, line.identity_attribute, str.strip) for line in proofs}
        ever = {}
        for line in hints:
            attribute = line.identity_attribute
            recently = history.holders(attribute, now, here_lately=names)
            holders[line] = _united(_held(lately, attribute, folded), recently)
            always = history.holders(attribute, now, here_lately=None)
            ever[line] = _united(_held(identities, attribute, folded), always)
        return cls(settings=settings, people={i.id: i for i in identities}, holders=holders, ever=ever)

    def lines(self, strength: MatchStrength) -> tuple[MatchLine, ...]:
        return tuple(line for line in self.settings.match if line.strength is strength)


def _was_here_lately(identity: Identity, now: datetime) -> bool:
    return any(e.ends_at is None or e.ends_at >= now - MEMORY for e in identity.engagements)


def _held(identities: Sequence[Identity], attribute: str, read: Callable[[str], str]) -> _Holders:
    """Who has or had each value, in any of their engagements."""
    found: dict[str, set[IdentityId]] = {}
    for identity in identities:
        for engagement in identity.engagements:
            for value in engagement.attributes.get(attribute, ()):
                found.setdefault(read(str(value)), set()).add(identity.id)
    return {value: frozenset(people) for value, people in found.items() if value}


def _united(left: _Holders, right: _Holders) -> _Holders:
    return {value: left.get(value, NOBODY) | right.get(value, NOBODY) for value in {*left, *right}}


def _by_proof(account: Account, index: _Index) -> LinkDecision | None:
    """The person whom the proof lines name; doubt where they name several, or somebody unknown; None where empty."""
    named: set[IdentityId] = set()
    said: list[str] = []
    for line in index.lines(MatchStrength.PROOF):
        for value in _values(account, line):
            said.append(line.account_attribute)
            named |= index.holders[line].get(value.strip(), frozenset())
    if not said:
        return None
    if len(named) == 1:
        return _matched(account, next(iter(named)), f"{said[0]} proves it")
    if not named:
        why = f"{said[0]} has a value that no known person has or had; a hint cannot outweigh that"
        return LinkDecision(
            account=account.id,
            correlation=Correlation.UNCORRELATED,
            identity=None,
            why=why,
            finding=_finding(account, "A202", why, index.settings.owner),
        )
    return _doubt(account, named, "its proof attributes fit more than one person", index.settings.owner)


def _by_hint(account: Account, index: _Index) -> LinkDecision:
    """All hint lines that name anybody must name the same person, and nothing may speak against it."""
    named: set[IdentityId] = set()
    ever: set[IdentityId] = set()
    said: list[str] = []
    for line in index.lines(MatchStrength.HINT):
        for value in _values(account, line):
            people = index.holders[line].get(folded(value), NOBODY)
            named |= people
            ever |= index.ever[line].get(folded(value), NOBODY)
            said += [line.account_attribute] if people else []
    owner = index.settings.owner
    if not named:
        return _unowned(account, owner)
    if len(named) > 1:
        return _doubt(account, named, f"{said[0]} was held by {len(named)} persons of the last 365 days", owner)
    identity = index.people.get(next(iter(named)))
    why_not = _objection(account, identity, others=len(ever - named))
    if identity is None or why_not is not None:
        return _doubt(account, named, f"{said[0]} fits one person, but {why_not}", owner)
    return _matched(account, identity.id, f"{said[0]} fits one person only, and the account is not older than they")


def _objection(account: Account, identity: Identity | None, *, others: int) -> str | None:
    """Why a hint that names one person is still not enough."""
    if identity is None:
        return "that person is no longer known"
    if account.observed.created_at is None and others:
        return f"it is not known when the account was made, and {others} other(s) had the value before"
    starts = [engagement.starts_at for engagement in identity.engagements]
    known = [start for start in starts if start is not None]
    if not known or len(known) < len(starts):
        return "it is not known when that person began"
    return "the account is older than that person's start" if _oldest_sign(account) < min(known) else None


def _oldest_sign(account: Account) -> datetime:
    """The earliest moment at which the account is known to have been there."""
    signs = (account.observed.created_at, account.observed.last_used, account.first_seen_at)
    return min(sign for sign in signs if sign is not None)


def _values(account: Account, line: MatchLine) -> tuple[str, ...]:
    """What the account says under the line's attribute; `userName` is there for every application."""
    found = account.observed.attributes.get(line.account_attribute, ())
    if not found and line.account_attribute.lower() == "username":
        found = (account.observed.username,)
    return tuple(str(value) for value in found if str(value).strip())


def _matched(account: Account, identity: IdentityId, why: str) -> LinkDecision:
    return LinkDecision(account=account.id, correlation=Correlation.MATCHED, identity=identity, why=why)


def _doubt(account: Account, named: set[IdentityId], why: str, owner: str | None) -> LinkDecision:
    return LinkDecision(
        account=account.id,
        correlation=Correlation.AMBIGUOUS,
        identity=None,
        why=why,
        candidates=tuple(sorted(named)),
        finding=_finding(account, "A203", why, owner),
    )


def _unowned(account: Account, owner: str | None) -> LinkDecision:
    why = "no match line names anybody"
    return LinkDecision(
        account=account.id,
        correlation=Correlation.UNCORRELATED,
        identity=None,
        why=why,
        finding=_finding(account, "A202", why, owner),
    )


def _finding(account: Account, code: str, why: str, owner: str | None) -> Finding:
    doubt = code == "A203"
    return Finding(
        code=code,
        severity=Severity.WARNING,
        subject=f"{account.application}/{account.native_id}",
        detail=f"{'It is not certain whose account this is' if doubt else 'Nobody owns this account'}: {why}. "
        "Nothing is done with it.",
        mend="Link it to its owner, complete its proof attribute in the application, or name it in `protect`.",
        owner=owner,
    )
