"""Many changes in one request (RFC 7644 section 3.7). Each goes the way of a request of its own."""

from collections.abc import Awaitable
from dataclasses import replace

from lastday.interfaces.scim.answers import Answer, json_answer
from lastday.interfaces.scim.bulk_order import Turns, resolved, without_references
from lastday.interfaces.scim.bulk_request import MARK, BulkOperation, read_bulk
from lastday.interfaces.scim.changes import Asked, carry_out
from lastday.interfaces.scim.failures import done_or_refused
from lastday.interfaces.scim.protocol.errors import ScimError
from lastday.interfaces.scim.provider import Provider
from lastday.model.canonical import JsonValue
from lastday.model.ids import ResourceId
from lastday.model.scim import PushClient, PushedResource, PushMethod

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


async def bulk(provider: Provider, client: PushClient, request_id: str, document: JsonValue) -> Answer:
    """What became of each operation that was done, in the order in which they were sent.

    It counts as one request of the client's rate: `maxOperations` bounds what that is worth.
    """
    asked = read_bulk(document, provider.profiles(client.profile), most=provider.limits.bulk_operations)
    job = _Job(provider, client, request_id, asked.operations)
    await job.run(asked.fail_on_errors)
    results = [job.results[place] for place in sorted(job.results)]
    return json_answer({"schemas": [BULK_RESPONSE], "Operations": results})


class _Job:
    def __init__(
        self, provider: Provider, client: PushClient, request_id: str, operations: tuple[BulkOperation, ...]
    ) -> None:
        self.results: dict[int, JsonValue] = {}
        self._provider = provider
        self._client = client
        self._request_id = request_id
        self._operations = operations
        self._ids: dict[str, str] = {}
        self._incomplete: list[int] = []
        """Made before something that they speak of."""
        self._failed = 0

    async def run(self, fail_on_errors: int | None) -> None:
        """Does one operation after the other, until `fail_on_errors` have failed."""
        for place, early in Turns(self._operations):
            if self._failed == fail_on_errors:
                break
            await self._do(place, early=early)
        for place in self._incomplete:
            await self._complete(place)

    async def _do(self, place: int, *, early: bool) -> None:
        operation = self._operations[place]
        ready = without_references(operation, self._ids) if early else operation
        done = await self._result_of(self._carry_out(ready))
        if isinstance(done, ScimError):
            self._refused(place, done)
            return
        if operation.makes and operation.bulk_id and done is not None:
            self._ids[operation.bulk_id] = done.id
        if early:
            self._incomplete.append(place)
        self._succeeded(place, done)

    async def _complete(self, place: int) -> None:
        """Resources that speak of each other in a circle get what was left out, by a PUT of the whole."""
        operation = self._operations[place]
        made = self._ids[operation.bulk_id or ""]
        whole = replace(operation, method=PushMethod.PUT.value, path=f"{operation.path.rstrip('/')}/{made}")
        done = await self._result_of(self._carry_out(whole))
        if isinstance(done, ScimError):
            self._refused(place, done)
        else:
            self._succeeded(place, done)

    async def _result_of(self, work: Awaitable[PushedResource | None]) -> PushedResource | ScimError | None:
        """One operation must not take the others with it."""
        return await done_or_refused(work, request_id=self._request_id, limits=self._provider.limits)

    async def _carry_out(self, asked_for: BulkOperation) -> PushedResource | None:
        operation = resolved(asked_for, self._ids)
        method, kind, target = operation.address()
        asked = Asked(
            client=self._client,
            request_id=self._request_id,
            method=method,
            type=kind,
            id=None if target is None else ResourceId(target),
            data=operation.data,
            if_match=operation.version,
        )
        return (await carry_out(self._provider, asked)).after

    def _succeeded(self, place: int, done: PushedResource | None) -> None:
        operation = self._operations[place]
        status = {PushMethod.POST.value: "201", PushMethod.DELETE.value: "204"}.get(operation.method, "200")
        result = self._result(operation, status)
        if done is not None:
            result |= {"location": self._provider.location(done), "version": done.etag}
        self.results[place] = result

    def _refused(self, place: int, error: ScimError) -> None:
        self._failed += 1
        operation = self._operations[place]
        self.results[place] = {**self._result(operation, str(error.status)), "response": error.body()}

    def _result(self, operation: BulkOperation, status: str) -> dict[str, JsonValue]:
        """RFC 7644 section 3.7.3: a failed operation names its resource too, unless it would have made it."""
        result: dict[str, JsonValue] = {"method": operation.method, "status": status}
        if operation.bulk_id is not None:
            result["bulkId"] = operation.bulk_id
        target = operation.path.rpartition("/")[2]
        if operation.method != PushMethod.POST and not target.startswith(MARK):
            result["location"] = f"{self._provider.base_url}/{operation.path.lstrip('/')}"
        return result
