"""Clients, people and groups as they push them, and a writer to push to."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg.rows import scalar_row

from lastday.evidence.entries import Stamp
from lastday.execution.push_group import Committed
from lastday.execution.pushing import PushWriter
from lastday.model.ids import Digest, ResourceId, SourceName, TokenId
from lastday.model.scim import (
    Body,
    Change,
    PushClient,
    PushedResource,
    PushMethod,
    ResourceType,
    TokenScope,
    Write,
    Written,
)
from lastday.store.database import Database, Transaction
from lastday.store.pushed import load_resource, load_standing
from lastday.store.pushes import PushNotice, read_notice

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
USER, GROUP = ResourceType.USER, ResourceType.GROUP
IDP = SourceName("idp")
STAMP = Stamp(tool="lastday test", policy=Digest("0" * 64), test_clock=True)
USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


class TickingClock:
    """A second later with each look at it."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        self.instant += timedelta(seconds=1)
        return self.instant


def client(source: SourceName = IDP, name: str = "entra-production") -> PushClient:
    return PushClient(
        token=TokenId(f"t-{name}"),
        name=name,
        source=source,
        profile="strict",
        scopes=frozenset(TokenScope),
        requests_per_s=100.0,
    )


def writer(database: Database, committed: Callable[[Committed], None] = lambda _: None) -> PushWriter:
    return PushWriter(database, TickingClock(), STAMP, committed=committed)


def user(name: str, **more: Any) -> Body:
    body: dict[str, Any] = {"schemas": [USER_SCHEMA], "userName": name, "active": True}
    return body | more


def group(name: str, *members: str) -> Body:
    listed = {"members": [{"value": member} for member in members]} if members else {}
    return {"schemas": [GROUP_SCHEMA], "displayName": name, **listed}


def post(body: Body, by: PushClient | None = None, kind: ResourceType = USER, request: str = "r-post") -> Write:
    return Write(
        client=by or client(), type=kind, id=None, method=PushMethod.POST, request_id=request, change=lambda _: body
    )


def change(resource: PushedResource, how: Change, by: PushClient | None = None, *, request: str = "r-patch") -> Write:
    return Write(
        client=by or client(resource.source),
        type=resource.type,
        id=resource.id,
        method=PushMethod.PATCH,
        request_id=request,
        change=how,
    )


def put(resource: PushedResource, **attributes: Any) -> Write:
    """A write that sets these attributes and leaves the others; None takes one away."""
    return change(resource, lambda before: with_attributes(before, attributes))


def with_attributes(before: PushedResource | None, attributes: dict[str, Any]) -> Body:
    assert before is not None
    merged = {**before.body, **attributes}
    return {name: value for name, value in merged.items() if value is not None}


def delete(resource: PushedResource, by: PushClient | None = None) -> Write:
    return Write(
        client=by or client(resource.source),
        type=resource.type,
        id=resource.id,
        method=PushMethod.DELETE,
        request_id="r-delete",
        change=lambda _: None,
    )


async def made(push: PushWriter, body: Body, kind: ResourceType = USER, by: PushClient | None = None) -> PushedResource:
    return after(await push.write(post(body, by, kind)))


async def read(database: Database, resource: PushedResource) -> PushedResource | None:
    async with database.transaction() as tx:
        return await load_resource(tx, resource.source, resource.type, resource.id)


async def there(database: Database, resource: PushedResource) -> PushedResource:
    found = await read(database, resource)
    assert found is not None
    return found


async def body_of(database: Database, resource: PushedResource) -> dict[str, Any]:
    return dict((await there(database, resource)).body)


def after(written: Written | BaseException) -> PushedResource:
    """How the resource stands after a write that did something."""
    assert isinstance(written, Written)
    assert written.after is not None
    return written.after


async def next_notice(heard: AsyncIterator[str]) -> PushNotice:
    notice = read_notice(await anext(heard))
    assert notice is not None
    return notice


async def last_standing(database: Database, resource: PushedResource):
    async with database.transaction() as tx:
        [found] = await load_standing(tx, resource.source, resource.type, [resource.id])
        return found


async def members_of(tx: Transaction, group: str) -> list[str]:
    """Who is in the group for whoever looks it up from the member's side."""
    return await tx.fetch_all(
        "SELECT member_id FROM pushed_member WHERE group_id = %s ORDER BY member_id", (group,), row=scalar_row
    )


async def entries(database: Database, resource: ResourceId | None = None) -> list[dict[str, Any]]:
    """What the evidence log says of pushes, in order: of this resource, or all."""
    async with database.transaction() as tx:
        rows = await tx.fetch_all("SELECT content FROM entry WHERE kind = 'resource_pushed' ORDER BY arrival")
    bodies = [json.loads(row["content"])["body"] for row in rows]
    return [body for body in bodies if resource in (None, body["resource"])]
