"""Employee numbers in accounts: in the column for them, or in any column that turns out to hold them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lastday.inventory.audit.accounts import Account, Accounts
from lastday.inventory.audit.logins import number_core
from lastday.inventory.audit.people import Person
from lastday.inventory.audit.text import squashed

LEAST_HITS = 3
EXACT = 0.99
BY_DIGITS = 0.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Whose number is whose, and where an application's file shows numbers."""

    exact: Mapping[str, tuple[int, ...]]
    by_digits: Mapping[str, tuple[int, ...]]

    def holders(self, value: str) -> tuple[tuple[int, ...], float]:
        """Who has this number, and how sure that is."""
        found = self.exact.get(squashed(value), ())
        if found:
            return found, EXACT
        return self.by_digits.get(number_core(value), ()) if value else (), BY_DIGITS


def index_numbers(people: Sequence[Person]) -> Numbers:
    """Every number of everybody, of every engagement."""
    exact: dict[str, list[int]] = {}
    digits: dict[str, list[int]] = {}
    for position, person in enumerate(people):
        for number in sorted(person.numbers):
            exact.setdefault(squashed(number), []).append(position)
            core = number_core(number)
            if core:
                digits.setdefault(core, []).append(position)
    return Numbers(exact=_frozen(exact), by_digits=_frozen(digits))


def _frozen(found: Mapping[str, Sequence[int]]) -> Mapping[str, tuple[int, ...]]:
    return {key: tuple(dict.fromkeys(who)) for key, who in found.items()}


def number_columns(file: Accounts, numbers: Numbers, known: Mapping[int, int]) -> tuple[str, ...]:
    """The columns of unknown meaning that hold employee numbers; `known`: account -> person, certain from mails."""
    return tuple(column for column in file.free_columns if _holds_numbers(column, file.accounts, numbers, known))


def _holds_numbers(column: str, accounts: Sequence[Account], numbers: Numbers, known: Mapping[int, int]) -> bool:
    cells = [(at, value) for at, account in enumerate(accounts) if (value := account.cells.get(column, ""))]
    hits = [(at, who) for at, value in cells if (who := numbers.exact.get(squashed(value), ()))]
    if (
        len(hits) < LEAST_HITS
        or len(hits) * 2 < len(cells)
        or len({value for _, value in cells}) * 20 < len(cells) * 19
    ):
        return False
    checked = [known[at] in who for at, who in hits if at in known]
    if len(checked) >= LEAST_HITS:
        return sum(checked) * 10 >= len(checked) * 9
    return all(_distinctive(value) for _, value in cells) and len(hits) * 5 >= len(cells) * 4


def _distinctive(value: str) -> bool:
    """Too long, or too lettered, to be a mere count of rows."""
    return len(value) >= 5 or not value.isdigit()


def labelled_column_holds(file: Accounts, numbers: Numbers, known: Mapping[int, int]) -> bool:
    """The column that is called an employee number does not contradict the mails: it is the account owner's number."""
    checked = [
        known[at] in who
        for at, account in enumerate(file.accounts)
        if at in known and account.number and (who := numbers.holders(account.number)[0])
    ]
    return len(checked) < LEAST_HITS or sum(checked) * 10 >= len(checked) * 8
