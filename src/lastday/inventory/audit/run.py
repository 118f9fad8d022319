"""The audit itself: tables of people and of accounts in, a report out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lastday.connectors.sdk.delimited import DelimitedFile
from lastday.inventory.audit.accounts import Account, Accounts, read_accounts
from lastday.inventory.audit.evidence import Company, index_company, study
from lastday.inventory.audit.guessing import Override, as_shown, guess_accounts, guess_people
from lastday.inventory.audit.linking import Link, judged_at, link_all
from lastday.inventory.audit.people import Person, Standing, read_people
from lastday.inventory.audit.report import AuditReport, FileGuesses, Judged, Verdict
from lastday.inventory.audit.table import Mapped, Table
from lastday.inventory.audit.words import speaks_of_no_person

UNUSED_AFTER = timedelta(days=90)
PEOPLE = "people"
EVERY_APPLICATION = "accounts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """One `--map`: in the file of `scope` (people, an application, or all accounts) `column` means `field`."""

    scope: str
    field: str
    column: str


def table_of(file: DelimitedFile, name: str) -> Table:
    """The file as the audit sees it; rows with more cells than headings are set aside and told, never shifted."""
    widths = [row.width for row in file.rows]
    usual = max(sorted(set(widths)), key=widths.count, default=len(file.columns))
    good = [row for row in file.rows if row.width <= max(len(file.columns), usual)]
    remarks = []
    if len(good) < len(file.rows):
        lines = ", ".join(str(row.line) for row in file.rows if row.width > max(len(file.columns), usual))
        remarks.append(f"rows with more cells than headings were set aside: lines {lines}")
    short = [row.line for row in good if row.width < min(len(file.columns), usual)]
    if short:
        remarks.append(f"rows with fewer cells than headings, the missing ones taken for empty: {len(short)} rows")
    twice = sorted({column for column in file.columns if file.columns.count(column) > 1})
    if twice:
        remarks.append(f"headings that stand twice, the last one counts: {', '.join(twice)}")
    if file.suspect_letters and any("?" in cell for row in good for cell in row.cells.values()):
        remarks.append("the encoding (cp1252) may have lost letters: some cells have ? in them")
    columns = tuple(dict.fromkeys(file.columns))
    return Table(name=name, columns=columns, rows=tuple(row.cells for row in good), remarks=tuple(remarks))


def audit(people: Table, applications: Mapping[str, Table], at: datetime, named: Sequence[Naming] = ()) -> AuditReport:
    """Who left and is still in, at the instant `at`.

    Raises InputError where a file cannot be understood (I120 to I124): what, where, and the `--map` that mends it.
    """
    mapped = guess_people(people, _overrides(named, PEOPLE))
    read = read_people(mapped)
    company = index_company(read.people)
    files = {PEOPLE: _understood(mapped, read.remarks)}
    names = frozenset(name.bag for person in read.people for name in person.names)
    judged: list[Judged] = []
    for application in sorted(applications):
        wanted = (*_overrides(named, EVERY_APPLICATION), *_overrides(named, application))
        mapped = guess_accounts(applications[application], wanted, names)
        accounts = read_accounts(mapped, application, read.order)
        files[application] = _understood(mapped, accounts.remarks)
        judged += _judge_all(company, accounts, at)
    return AuditReport(at=at, people=len(read.people), accounts=tuple(judged), files=files)


def _overrides(named: Sequence[Naming], scope: str) -> tuple[Override, ...]:
    return tuple(Override(field=one.field, column=one.column) for one in named if one.scope == scope)


def _understood(mapped: Mapped, remarks: tuple[str, ...]) -> FileGuesses:
    return FileGuesses(file=mapped.table.name, guesses=as_shown(mapped.guesses), remarks=remarks)


def _judge_all(company: Company, file: Accounts, at: datetime) -> list[Judged]:
    links = link_all(file.accounts, study(company, file), at)
    return [_judge(company.people, file, account, link, at) for account, link in zip(file.accounts, links, strict=True)]


def _judge(people: Sequence[Person], file: Accounts, account: Account, link: Link, at: datetime) -> Judged:
    owner = None if link.person is None else people[link.person]
    verdict, why = _verdict(account, owner, link, at)
    return Judged(
        application=file.application,
        native_id=account.native_id,
        username=account.username,
        enabled=account.enabled,
        verdict=verdict,
        employee_number=None if owner is None else owner.number_at(at),
        confidence=link.confidence,
        why=why,
        person="" if owner is None else owner.display,
        candidates=tuple(people[who].number_at(at) for who in link.candidates),
        left_at=None if owner is None or owner.standing(at) is not Standing.LEFT else owner.left_at(at),
        last_used=account.used,
        plan=account.plan,
        unused_days=_idle(account, at, tells_use=file.tells_use),
    )


def _verdict(account: Account, owner: Person | None, link: Link, at: datetime) -> tuple[Verdict, str]:
    if owner is not None:
        standing, told = _standing(owner, at)
        why = f"{link.why}; {owner.display} ({owner.number_at(at)}) {told}"
        if not account.enabled:
            return Verdict.DISABLED, why
        return (Verdict.STILL_IN if standing is Standing.LEFT else Verdict.OK), why
    if not account.enabled:
        return Verdict.DISABLED, f"disabled; {link.why}"
    word = speaks_of_no_person(account, foreign=link.foreign)
    if word:
        return Verdict.NOT_PERSONAL, f'"{word}" says that it is no person\'s; {link.why}'
    return (Verdict.AMBIGUOUS if link.candidates else Verdict.UNOWNED), link.why


def _standing(owner: Person, at: datetime) -> tuple[Standing, str]:
    standing = owner.standing(at)
    if standing is Standing.HERE:
        return standing, "is here"
    if standing is Standing.NOT_YET:
        return standing, "has not begun yet"
    left = owner.left_at(at)
    return standing, f"left at {judged_at(left)}" if left is not None else "has left, the file does not say when"


def _idle(account: Account, at: datetime, *, tells_use: bool) -> int | None:
    """Days since the last use where they are too many; -1 for never used and not new."""
    if not account.enabled or not tells_use:
        return None
    if account.used is not None:
        idle = at - account.used
        return idle.days if idle > UNUSED_AFTER else None
    new = account.created is not None and at - account.created <= UNUSED_AFTER
    return None if new else -1
