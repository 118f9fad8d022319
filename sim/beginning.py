"""How every history begins: three people at work, with accounts of various quality, and one that nobody may touch."""

from datetime import timedelta

from lastday.model.account import Correlation
from sim.application import TrueAccount
from sim.company import ADMINS, CHAT, CHESS, DIRECTORY, ROOT
from sim.invariants import identity_of
from sim.personnel import Job, Personnel, rows_of
from sim.world import START, World

LONG_AGO = START - timedelta(days=400)
PEOPLE = ("p1", "p2", "p3")


def first_jobs() -> tuple[Job, ...]:
    return (
        a_job("1001", "p1", "Ada", "Lo", "IT"),
        a_job("1002", "p2", "Bo", "Li", "Finance"),
        a_job("1003", "p3", "Cy", "Wu", "Sales"),
    )


def a_job(number: str, person: str, given: str, family: str, department: str, mail: str | None = None) -> Job:
    return Job(
        number=number,
        person=person,
        given=given,
        family=family,
        mail=mail or f"{given}.{family}@northwind.example".lower(),
        department=department,
        starts_at=LONG_AGO,
    )


def begin() -> tuple[World, Personnel]:
    """The world after its first load; nothing is planned yet."""
    world, personnel = World(), Personnel()
    for job in first_jobs():
        personnel.set(job)
    _put(world, "p1", "ada.lo", number="1001", holdings={"group/staff", ADMINS})
    _put(world, "p2", "bo.li", number=None, holdings={"group/staff", "group/finance", CHESS})
    root = _put(world, "p1", ROOT, number="1001", holdings={ADMINS}, protected=True)
    directory = world.applications[DIRECTORY]
    chat = TrueAccount(
        native_id=world.applications[CHAT].new_native_id(),
        username="cy.wu",
        owner=identity_of("p3"),
        number="1003",
        holdings=frozenset({"role/sales"}),
        created_at=LONG_AGO + timedelta(days=1),
    )
    world.applications[CHAT].accounts[chat.native_id] = chat
    world.feed(rows_of(personnel.jobs.values()))
    world.memory.take_snapshot(DIRECTORY, directory.list_all(world.now), world.now)
    world.memory.link((DIRECTORY, root.native_id), Correlation.MATCHED, identity_of("p1"))
    return world, personnel


def _put(
    world: World, person: str, username: str, *, number: str | None, holdings: set[str], protected: bool = False
) -> TrueAccount:
    directory = world.applications[DIRECTORY]
    account = TrueAccount(
        native_id=directory.new_native_id(),
        username=username,
        owner=identity_of(person),
        number=number,
        mail=f"{username}@northwind.example",
        holdings=frozenset(holdings),
        created_at=LONG_AGO + timedelta(days=1),
        protected=protected,
    )
    directory.accounts[account.native_id] = account
    return account
