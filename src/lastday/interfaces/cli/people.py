"""Finding the person that a command names."""

from collections.abc import Sequence

from lastday.execution.people import load_people, load_person
from lastday.model.errors import InputError
from lastday.model.identity import Engagement, Identity
from lastday.model.ids import IdentityId
from lastday.store import identities
from lastday.store.database import Transaction


async def person_called(tx: Transaction, name: str) -> Identity:
    """The person with this employee number, id, or mail address or user name that nobody else has or had.

    Raises InputError where nobody, or more than one, has it.
    """
    found = await identities.find_by_employee_number(tx, name)
    if len(found) > 1:
        raise _several(found, f"have had the number {name}")
    known = found[0].id if found else IdentityId(name)
    person = await load_person(tx, known)
    return person if person is not None else await _by_address(tx, name)


async def _by_address(tx: Transaction, name: str) -> Identity:
    """A mail address is used again: it names somebody only where one person ever had it."""
    wanted = name.casefold()
    found = [p for p in await load_people(tx) if any(_is_called(e, wanted) for e in p.engagements)]
    if len(found) > 1:
        raise _several(found, f"have had the address {name}")
    if not found:
        raise InputError(
            f"nobody has the number, id or address {name}", code="I102", mend="See the source's key column."
        )
    return found[0]


def _is_called(engagement: Engagement, wanted: str) -> bool:
    named = ("userName", "emails.value")
    return any(str(v).casefold() == wanted for name in named for v in engagement.attributes.get(name, ()))


def _several(found: Sequence[Identity], what: str) -> InputError:
    ids = ", ".join(person.id for person in found)
    return InputError(f"{len(found)} people {what}", code="I101", mend=f"Name one by id: {ids}")
