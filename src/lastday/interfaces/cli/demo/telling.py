"""How the demo speaks: on a terminal what moves is seen moving, elsewhere one line for each step."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path

from rich.live import Live
from rich.markup import escape
from rich.table import Table

from lastday.execution.proposal import Proposed
from lastday.interfaces.cli.demo.applications import Asked
from lastday.interfaces.cli.showing import harmless, out, show
from lastday.model.operation import OperationState
from lastday.reports.wording import action_words
from lastday.store.operations import StoredOperation

_GOOD = (OperationState.SETTLED, OperationState.VERIFIED)


def heading(text: str) -> None:
    """A new part of the story."""
    out.print(f"\n[bold]{escape(harmless(text))}[/]")


def tell(text: str) -> None:
    """One step."""
    for line in text.splitlines():
        show(f"  {line}")


def near(path: Path) -> str:
    """The path as one types it from here: relative where it lies below the folder we are in."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def tell_plan(name: str, proposed: Proposed) -> None:
    """The plan for a reader: what goes, where and why, the most urgent first."""
    tell(f"plan {proposed.plan.id} for {name}:")
    for o in proposed.plan.operations:
        what = o.verb.value if o.entitlement is None else f"{o.verb.value} {o.entitlement}"
        when = f"on {o.due_at:%d %b %Y}" if o.due_at else "now"
        tell(f"  {'-' if o.verb.removes else '+'} {o.application:<10} {what:<28} {when}")
    for trip in proposed.tripped:
        tell(f"stopped: {trip.detail}")


class Progress:
    """Shows operations going accepted, verified, settled; to be given to whoever works on them."""

    def __init__(self, started: datetime) -> None:
        self._started = started
        self._states: dict[str, OperationState] = {}
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """What is reported inside the block is on the screen."""
        self._live = Live(console=out, refresh_per_second=8) if out.is_terminal else None
        with self._live or nullcontext():
            yield

    def report(self, stored: Sequence[StoredOperation]) -> None:
        """The operations as they stand."""
        if self._live is not None:
            self._live.update(self._table(stored))
            return
        for one in stored:
            if self._states.get(one.operation.id) is not one.life.state:
                self._states[one.operation.id] = one.life.state
                self._line(one)

    def _line(self, one: StoredOperation) -> None:
        if one.life.state not in (OperationState.PLANNED, OperationState.ACTING, OperationState.WAITING):
            show(f"  {one.operation.application:<10} {action_words(one):<36} {one.life.state.value}")

    def _table(self, stored: Sequence[StoredOperation]) -> Table:
        table = Table("application", "what", box=None, header_style="bold")
        for name, width in (("state", 12), ("accepted", 9), ("verified", 9), ("settled", 9)):
            table.add_column(name, min_width=width)
        for one in stored:
            state = one.life.state
            colour = "green" if state in _GOOD else "yellow"
            moments = (one.life.accepted_at, one.life.verified_at, one.life.settled_at)
            table.add_row(
                one.operation.application,
                escape(harmless(action_words(one))),
                f"[{colour}]{state.value}[/]",
                *(self._after(at) for at in moments),
            )
        return table

    def _after(self, at: datetime | None) -> str:
        return "" if at is None else f"+{(at - self._started).total_seconds():.2f} s"


def show_asked(before: Sequence[Asked], after: Sequence[Asked]) -> None:
    """What the applications themselves said, before and after."""
    for then, now in zip(before, after, strict=True):
        show(f"  {then.application}")
        for was, answer in zip(then.answers, now.answers, strict=True):
            show(f"    {was.question:<32} {was.said:<28} ->  {answer.said}")
