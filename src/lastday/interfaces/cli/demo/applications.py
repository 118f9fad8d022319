"""What the demo asks of each application, by the application's own means and never through our connectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lastday.interfaces.cli.demo.company import Person


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, and what the application itself said."""

    question: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything that one application says of one person."""

    application: str
    answers: tuple[Answer, ...]
    inside: bool
    """The person can still do something there."""


class RunningApplication(Protocol):
    """An application of the company, running in a process of its own."""

    @property
    def name(self) -> str: ...
    @property
    def address(self) -> str:
        """For the configuration."""
        ...

    @property
    def described(self) -> str:
        """What it is, where it listens and as which process, for a reader."""
        ...

    def seed(self, people: Sequence[Person]) -> None:
        """The people have the accounts that they have on the first day."""
        ...

    def ask(self, person: Person) -> Asked:
        """What the application itself says of the person now."""
        ...

    def stop(self) -> None:
        """No process of it is left; safe to call twice, and where it never started."""
        ...
