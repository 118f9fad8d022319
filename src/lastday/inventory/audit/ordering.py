"""Which comes first, the day or the month: proven by a whole file, or asked; never guessed cell by cell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lastday.inventory.audit.dates import Order, OrderVotes, read_moment, votes
from lastday.inventory.audit.table import Mapped


@dataclass(frozen=True, slots=True)
class DateOrder:
    """The order of a file's dates and where it is known from; `order` None: it cannot be known."""

    order: Order | None
    because: str
    columns: tuple[tuple[str, Order], ...] = ()
    """Columns that differ from the file's order: they prove another one."""
    doubtful: bool = False
    """Only hints speak for it, not the dates themselves."""

    def of(self, column: str | None) -> Order | None:
        """The order in `column`."""
        return dict(self.columns).get(column or "", self.order)


def date_order(mapped: Mapped, dated: Iterable[str], *, like: Order | None = None) -> DateOrder:
    """The order of day and month in the columns with these meanings; `like` is that of the file beside it."""
    columns = sorted({column for name in dated if (column := mapped.column(name)) is not None})
    if mapped.order is not None:
        return DateOrder(Order(mapped.order), "you said so")
    own = {column: votes(mapped.table.values(column)) for column in columns}
    total = _sum(own.values())
    proven = total.order
    if proven is not None:
        return DateOrder(proven, "days beyond the twelfth")
    if total.day_first and total.month_first:
        settled = tuple((column, order) for column, one in own.items() if (order := one.order) is not None)
        return DateOrder(None, "columns differ", settled)
    if not total.either:
        return DateOrder(like or Order.DMY, "no date can be read in two ways")
    return _hinted(mapped, total, like)


def _sum(all_votes: Iterable[OrderVotes]) -> OrderVotes:
    each = list(all_votes)
    return OrderVotes(
        sum(one.day_first for one in each),
        sum(one.month_first for one in each),
        sum(one.either for one in each),
        sum(one.afternoon for one in each),
    )


def _hinted(mapped: Mapped, total: OrderVotes, like: Order | None) -> DateOrder:
    by_sense = _by_sense(mapped)
    if by_sense is not None:
        return DateOrder(by_sense, "the other order would let people end before they begin", doubtful=True)
    if like is not None:
        return DateOrder(like, "as in the file of people", doubtful=True)
    if total.afternoon:
        return DateOrder(Order.MDY, "times with AM and PM", doubtful=True)
    return DateOrder(None, "every date can be read in two ways")


def _by_sense(mapped: Mapped) -> Order | None:
    """The one order in which nobody ends before they begin, where only one is."""
    start, end = mapped.column("startDate"), mapped.column("endDate")
    if start is None or end is None:
        return None
    pairs = [(row.get(start, ""), row.get(end, "")) for row in mapped.table.rows]
    sound = [order for order in Order if not _backwards(pairs, order)]
    return sound[0] if len(sound) == 1 else None


def _backwards(pairs: Sequence[tuple[str, str]], order: Order) -> bool:
    moments = ((read_moment(begin, order), read_moment(end, order)) for begin, end in pairs)
    return any(begin is not None and end is not None and end.day < begin.day for begin, end in moments)
