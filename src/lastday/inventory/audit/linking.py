"""Whose account it is: the pieces of evidence weighed, contradictions heard, and silence where two people fit.

Confidence is 1 minus the product of what each independent kind of evidence leaves open. What each kind is worth is
measured in the file itself (Wilson's lower bound at 90 % on the accounts whose owner is certain from a number or a
mail), so a pattern that has been seen to hold 20 times of 20 counts 0.92, and one seen 5 times of 5 counts 0.75.
An account is linked from `CERTAIN` on and only if nobody else comes within `MARGIN`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import prod

from lastday.inventory.audit.accounts import Account
from lastday.inventory.audit.evidence import NAMING, Knowledge, Pieces, Sort, gather, is_foreign, shown_words
from lastday.inventory.audit.naming import name_words
from lastday.inventory.audit.people import Person, Standing
from lastday.inventory.audit.words import admin_of

CERTAIN = 0.85
"""From here on a link is certain enough to act on. In the pairs of tests/data/audit no link from it on
is wrong. Below lie names alone in files too small to measure, patterns with little support, private mails."""
MARGIN = 0.25
WORTH_A_LOOK = 0.4
DOUBT = 0.8
"""No more than this where something speaks against the link: a person has to look."""
CONTRADICTED = 0.6
DATED = 0.92
"""What dates leave of several people who fit is never surer than this."""
HIRED_AGAIN = 0.88
LEAST_PLACES = 0.8
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    who: int
    confidence: float
    named: bool
    """By a number, a mail, or a login that the file of people has."""
    agrees: int
    """How well the displayed name is theirs; 0 where none is displayed."""
    says: tuple[str, ...]
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What is concluded for one account: a person, several, or nobody."""

    person: int | None
    confidence: float
    why: str
    candidates: tuple[int, ...] = ()
    named: bool = False
    admin: bool = False
    foreign: bool = False
    """Its mails are all at domains of others."""


def link_all(accounts: Sequence[Account], known: Knowledge, at: datetime) -> tuple[Link, ...]:
    """A link for every account of one application, in their order."""
    return _one_account_each(accounts, [link(account, known, at) for account in accounts])


def link(account: Account, known: Knowledge, at: datetime) -> Link:
    """Whose account it is by all the evidence there is."""
    weighed = [_weigh(account, known, who, pieces) for who, pieces in sorted(gather(account, known).items())]
    weighed = [one for one in _by_places(account, known, weighed) if one.confidence >= WORTH_A_LOOK]
    if not weighed:
        return Link(person=None, confidence=0.0, why=_nobody(account, known), foreign=is_foreign(account, known))
    weighed.sort(key=lambda one: (-one.confidence, known.company.people[one.who].id))
    contenders = _outranking([one for one in weighed if weighed[0].confidence - one.confidence < MARGIN])
    if len(contenders) > 1:
        contenders = _by_dates(account, known.company.people, contenders)
        contenders = _as_one_person(account, known.company.people, contenders, at)
    best = contenders[0]
    says = "; ".join((*best.says, *best.against))
    if len(contenders) > 1:
        return _ambiguous(known.company.people, contenders)
    if best.confidence < CERTAIN:
        person = known.company.people[best.who]
        why = f"perhaps {person.display} ({person.id}), not certain enough: {says}"
        return Link(person=None, confidence=_rounded(best.confidence), why=why, candidates=(best.who,))
    admin = bool(admin_of(account.login))
    return Link(person=best.who, confidence=_rounded(best.confidence), why=says, named=best.named, admin=admin)


def _outranking(contenders: Sequence[Weighed]) -> list[Weighed]:
    """A mail or number outranks who is only described, unless the displayed name is rather theirs."""
    best = contenders[0]
    if not best.named or best.confidence < CERTAIN:
        return list(contenders)
    return [one for one in contenders if one.named or one.agrees > best.agrees]


def _rounded(confidence: float) -> float:
    return round(min(confidence, 0.999), 3)


def _nobody(account: Account, known: Knowledge) -> str:
    if is_foreign(account, known):
        return "its mail is at a domain where nobody of the company has one, and no number, login or name fits anybody"
    return "no number, mail, login or name fits anybody"


def _ambiguous(people: Sequence[Person], contenders: Sequence[Weighed]) -> Link:
    who = ", ".join(f"{people[one.who].display} ({people[one.who].id})" for one in contenders[:4])
    more = f" and {len(contenders) - 4} more" if len(contenders) > 4 else ""
    reasons = "; ".join(dict.fromkeys(text for one in contenders[:4] for text in (*one.says, *one.against)))
    return Link(
        person=None,
        confidence=_rounded(contenders[0].confidence / sum(one.confidence for one in contenders)),
        why=f"fits {who}{more}: {reasons}",
        candidates=tuple(one.who for one in contenders),
    )


def _weigh(account: Account, known: Knowledge, who: int, pieces: Pieces) -> Weighed:
    """The confidence that `who` owns the account, after everything that speaks against it."""
    confidence = 1 - prod(1 - piece.worth for piece in pieces.values())
    named = bool(NAMING & set(pieces))
    caps = dict(_caps(account, known, who, pieces))
    said = sorted(pieces.items(), key=lambda item: (-item[1].worth, item[0]))
    return Weighed(
        who=who,
        confidence=min((confidence, *caps.values())),
        named=named,
        agrees=known.company.names.rank(name_words(account.shown_name), who),
        says=tuple(piece.says for _, piece in said),
        against=tuple(f"but {reason}" for reason in caps),
    )


def _caps(account: Account, known: Knowledge, who: int, pieces: Pieces) -> Iterable[tuple[str, float]]:
    """What speaks against the link, and the most that it leaves."""
    person = known.company.people[who]
    named = bool(NAMING & set(pieces))
    yield from _caps_by_name(account, known, who, named=named)
    if Sort.NUMBER not in pieces and Sort.HR_LOGIN not in pieces and Sort.MAIL not in pieces:
        if is_foreign(account, known):
            yield "its mail is private or another company's", DOUBT
        elif _other_company_mail(account, known, person):
            yield "its mail is not the one that the file of people has", DOUBT
        reason = _impossible(account, person)
        if reason:
            yield reason, CONTRADICTED


def _caps_by_name(account: Account, known: Knowledge, who: int, *, named: bool) -> Iterable[tuple[str, float]]:
    shown = shown_words(account)
    if len(shown) < 2 or (named and len(name_words(account.shown_name)) < 2):
        return
    how = known.company.names.agreement(shown, who)
    if how == "none":
        yield f"it shows another name, {' '.join(shown)}", CONTRADICTED if named else 0.0
    elif how == "part" and not named:
        yield f"it shows another name, {' '.join(shown)}", 0.3


def _other_company_mail(account: Account, known: Knowledge, person: Person) -> bool:
    has_own = any(mail.rpartition("@")[2] in known.domains.company for mail in person.mails)
    return has_own and any(mail.rpartition("@")[2] in known.own_domains for mail in account.mails)


def _by_places(account: Account, known: Knowledge, weighed: Sequence[Weighed]) -> list[Weighed]:
    """Job, department and site of the account, where they are seen to hold in this file, for what is only described."""
    if known.places_worth < LEAST_PLACES or not account.places:
        return list(weighed)
    result: list[Weighed] = []
    for one in weighed:
        places = known.company.people[one.who].places
        if one.named or not places or one.against:
            result.append(one)
        elif places & account.places:
            shared = ", ".join(sorted(places & account.places))
            raised = 1 - (1 - one.confidence) * (1 - known.places_worth / 2)
            result.append(replace(one, confidence=raised, says=(*one.says, f"same place: {shared}")))
        else:
            lowered = one.confidence * (0.6 if len(weighed) > 1 else 0.9)
            result.append(replace(one, confidence=lowered, says=(*one.says, "another place")))
    return result


def _impossible(account: Account, person: Person) -> str:
    """Why the account cannot have been this person's: used before they began, or made after they left."""
    first = person.first_day
    if account.used is not None and first is not None and account.used + A_DAY < first:
        return f"last used {account.used.date()}, before {person.display} ({person.id}) began on {first.date()}"
    ends = [one.ends for one in person.engagements]
    known_ends = [end for end in ends if end is not None]
    if account.created is not None and len(known_ends) == len(ends) and account.created > max(known_ends):
        return f"made {account.created.date()}, after {person.display} ({person.id}) had left"
    return ""


def _by_dates(account: Account, people: Sequence[Person], contenders: Sequence[Weighed]) -> list[Weighed]:
    """The one of several whom the dates of the account leave; all of them where the dates leave more or none."""
    reasons = {one.who: _impossible(account, people[one.who]) for one in contenders}
    possible = [one for one in contenders if not reasons[one.who]]
    if len(possible) != 1:
        return list(contenders)
    left = possible[0]
    others = [people[one.who] for one in contenders if one.who != left.who]
    if any(_may_be_same(people[left.who], other) for other in others):
        return list(contenders)
    dates = tuple(reason for reason in reasons.values() if reason)
    return [replace(left, confidence=min(left.confidence, DATED), says=(*left.says, *dates))]


def _as_one_person(
    account: Account, people: Sequence[Person], contenders: Sequence[Weighed], at: datetime
) -> list[Weighed]:
    """Entries with one name and mail and nothing to tell them apart are one person hired again: the one that counts.

    Not where the account was last used before that entry began: then the mail may have been given to a namesake.
    """
    entries = [people[one.who] for one in contenders]
    names = set.intersection(*({name.bag for name in entry.names} for entry in entries))
    mails = frozenset.intersection(*(entry.mails for entry in entries))
    if not names or not mails or any(entry.proven for entry in entries):
        return list(contenders)
    states = [entry.standing(at) for entry in entries]
    wanted = next(state for state in Standing if state in states)
    fitting = [one for one, state in zip(contenders, states, strict=True) if state is wanted]
    best = max(fitting, key=lambda one: (people[one.who].latest, people[one.who].id))
    if (wanted is Standing.HERE and len(fitting) > 1) or _impossible(account, people[best.who]):
        return list(contenders)
    says = (*best.says, f"{len(entries)} entries of one name and mail, taken for one person")
    return [replace(best, confidence=min(best.confidence, HIRED_AGAIN), says=says)]


def _may_be_same(left: Person, other: Person) -> bool:
    """Two entries of one name that nothing tells apart: perhaps one person hired again."""
    if left.proven and other.proven:
        return False
    return bool({name.bag for name in left.names} & {name.bag for name in other.names})


def _one_account_each(accounts: Sequence[Account], links: list[Link]) -> tuple[Link, ...]:
    """Where a person would have two accounts, those that only a pattern or a name gives them stay in doubt."""
    holders: dict[int, list[int]] = {}
    for at, one in enumerate(links):
        if one.person is not None and not one.admin:
            holders.setdefault(one.person, []).append(at)
    for who, these in holders.items():
        if len(these) < 2:
            continue
        for at in these:
            if not links[at].named:
                names = ", ".join(sorted(accounts[other].username for other in these if other != at))
                links[at] = Link(
                    person=None,
                    confidence=min(links[at].confidence, DOUBT),
                    why=f"{links[at].why}; but the same person would also have {names}",
                    candidates=(who,),
                )
    return tuple(links)


def judged_at(at: datetime) -> str:
    """The instant as messages show it."""
    return at.strftime("%Y-%m-%d %H:%M UTC")
