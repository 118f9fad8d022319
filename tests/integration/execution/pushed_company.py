"""The small company, whose people an identity provider pushes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lastday.execution import reconcile
from lastday.execution.pushing import PushWriter
from lastday.execution.worker import Worker
from lastday.model.canonical import JsonValue
from lastday.model.ids import ResourceId
from lastday.model.scim import Body, PushClient, PushMethod, ResourceType, Write
from tests.integration.execution.company import CONFIGURATION, MONDAY, Company
from tests.integration.execution.pushes import ENTERPRISE, GROUP, USER, client, group, post, user, with_attributes

NINE = "2026-11-23T09:00:00+00:00"
TEN = "2026-11-23T10:00:00+00:00"
PERSON = "urn:lastday:params:scim:schemas:extension:person:2.0:User"
SOURCE = '[server]\nlisten = "127.0.0.1:0"\n\n[source.idp]\nkind = "scim"\nperson_key = "externalId"\n\n'
NOTHING: Body = {}
_START, _END = CONFIGURATION.index("[source.hr]"), CONFIGURATION.index("[user.dana]")


def configuration(source: str = SOURCE) -> str:
    """That of the small company, with a source that is pushed in place of HR's file."""
    return CONFIGURATION[:_START] + source + CONFIGURATION[_END:]


def person(number: int) -> dict[str, Any]:
    """Person N as a client pushes them: odd ones are engineers."""
    name = f"p{number}@small.example"
    said = user(name, externalId=f"k{number}", displayName=f"Person {number}", emails=[{"value": name}])
    return {**said, ENTERPRISE: job(number)}


def job(number: int, **more: JsonValue) -> dict[str, JsonValue]:
    return {"employeeNumber": f"E{number}", "department": "Engineering" if number % 2 else "Sales", **more}


def patch(
    resource: ResourceId, kind: ResourceType = USER, *, by: PushClient | None = None, request: str = "r-patch",
    also: Body = NOTHING,
    **attributes: object,
) -> Write:  # fmt: skip
    """These attributes are set and the others left; None takes one away. `also` has those with a URN."""
    return Write(
        client=by or client(),
        type=kind,
        id=resource,
        method=PushMethod.PATCH,
        request_id=request,
        change=lambda before: with_attributes(before, {**attributes, **also}),
    )


def gone(resource: ResourceId, kind: ResourceType = USER, *, request: str = "r-delete") -> Write:
    return Write(
        client=client(), type=kind, id=resource, method=PushMethod.DELETE, request_id=request, change=lambda _: None
    )


@dataclass
class PushedCompany(Company):
    """Each person has an account in chat; `ids` are their resources."""

    ids: dict[int, ResourceId] = field(default_factory=dict)

    def push(self, *writes: Write, at: str = MONDAY) -> list[ResourceId]:
        """The writer makes them durable one after the other; the ids of what was written."""
        written: list[ResourceId] = self.in_session(lambda session: _written(session, writes), at)
        return written

    def hire_pushed(self, *numbers: int, at: str = MONDAY, also: Body = NOTHING) -> None:
        made = self.push(*(post({**person(number), **also}) for number in numbers), at=at)
        self.ids |= dict(zip(numbers, made, strict=True))

    def found_group(self, name: str, *members: int, at: str = MONDAY) -> ResourceId:
        [made] = self.push(post(group(name, *(self.ids[n] for n in members)), kind=GROUP), at=at)
        return made

    def take_in(self, at: str = MONDAY) -> None:
        """The loop takes in what waits and plans it; nobody carries it out yet."""
        self.in_session(_taken_in, at)

    def go_on(self, at: str = MONDAY) -> None:
        """The loop takes in what waits, plans it, and it is carried out until it rests."""
        self.in_session(_gone_on, at)


async def _written(session, writes: Sequence[Write]) -> list[ResourceId]:
    writer = PushWriter(session.engine.database, session.engine.clock, session.engine.stamp)
    done = [await writer.write(write) for write in writes]
    await writer.close()
    return [resource.id for one in done if (resource := one.after or one.before) is not None]


async def _taken_in(session) -> None:
    await reconcile.take_in_pushed(session.engine)
    await reconcile.plan_waiting(session.engine)


async def _gone_on(session) -> None:
    await _taken_in(session)
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(engine=session.engine, sequencer=session.sequencer, concurrency=8).run(stop))
    try:
        async with asyncio.timeout(30):
            while await _unfinished(session):
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await working


async def _unfinished(session) -> int:
    async with session.engine.database.transaction() as tx:
        row = await tx.fetch_one(
            "SELECT count(*) AS n FROM operation WHERE state IN"
            " ('planned', 'retrying', 'acting', 'uncertain', 'accepted', 'verified')"
        )
    assert row is not None
    return int(row["n"])


def found_pushed_company(
    folder: Path, url: str, people: int = 12, source: str = SOURCE, also: Body = NOTHING
) -> PushedCompany:
    """The company on its first day with Lastday: pushed, accepted, and as it should be."""
    company = PushedCompany(folder, url)
    company.config.write_text(configuration(source), encoding="utf-8")
    company.export_design()
    for number in range(1, people + 1):
        company.hire(number)
    company.hire_pushed(*range(1, people + 1), also=also)
    company.lastday("source", "read", "idp", "--accept")
    company.settle()
    company.chat.writes.clear()
    return company
