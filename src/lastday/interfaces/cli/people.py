"""Finding the person that a command names."""

from lastday.execution.people import load_person
from lastday.model.errors import InputError
from lastday.model.identity import Identity
from lastday.model.ids import IdentityId
from lastday.store import identities
from lastday.store.database import Transaction


async def person_called(tx: Transaction, name: str) -> Identity:
    """The person with this employee number or id. Raises InputError where nobody, or more than one, has it."""
    found = await identities.find_by_employee_number(tx, name)
    if len(found) > 1:
        raise InputError(
            f"{len(found)} people have had the number {name}",
            code="I101",
            mend="Name one by id: " + ", ".join(person.id for person in found),
        )
    known = found[0].id if found else IdentityId(name)
    person = await load_person(tx, known)
    if person is None:
        raise InputError(f"nobody has the number or id {name}", code="I102", mend="See the source's key column.")
    return person
