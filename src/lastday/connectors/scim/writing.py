"""Changes on their way: PATCH where it is taken, else the whole resource read, changed and PUT back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from lastday.connectors.scim.answers import body_of, error_text, outcome_of, require_own_word
from lastday.connectors.scim.dialect import Dialect
from lastday.connectors.scim.edits import Edit, edited, patch_of
from lastday.connectors.scim.features import FeatureReader
from lastday.connectors.scim.resources import Resource, as_resource, id_of
from lastday.connectors.scim.resources import field as value_of
from lastday.connectors.scim.vendor_terms import PathForm
from lastday.connectors.sdk.answers import Answer
from lastday.connectors.sdk.http import Call, HttpClient, OutcomeUnknown
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable, NotSupported
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind

ROUNDS: Final = 3
"""How often a resource that others change meanwhile is read and written again."""
NOT_ALLOWED: Final = 405
PRECONDITION_FAILED: Final = 412
STALE: Final = "stale"

Change = Callable[[Resource], "dict[str, JsonValue] | None"]
"""The resource as it shall be; None where it is so already."""


class Writer:
    """Sends changes to one application."""

    def __init__(self, client: HttpClient, dialect: Dialect, features: FeatureReader) -> None:
        self._client = client
        self._dialect = dialect
        self._features = features

    async def change_user(
        self,
        native_id: NativeId,
        edits: Sequence[Edit],
        *,
        form: PathForm | None = None,
        put: bool = False,
        pre_image: Attributes = NO_ATTRIBUTES,
    ) -> Outcome:
        """The user has the values, by PATCH, or by PUT where PATCH is not taken."""
        path = ("Users", native_id)

        def change(user: Resource) -> dict[str, JsonValue]:
            return edited(user, edits, self._dialect)

        answered: Outcome | None = None
        if not put and await self.takes_patch():
            message = patch_of(edits, self._dialect, form or self._dialect.path_form)
            answered = await self.patch(path, message, pre_image=pre_image)
        return answered or await self.put(path, change, pre_image=pre_image)

    async def takes_patch(self) -> bool:
        """As far as the profile and the application itself say."""
        return not self._dialect.put_only and (await self._features.known()).patch

    async def patch(
        self, path: tuple[str, ...], message: JsonValue, *, pre_image: Attributes = NO_ATTRIBUTES
    ) -> Outcome | None:
        """The outcome of a PATCH; None where this one is not implemented and nothing was done (405, 501)."""
        try:
            answer = await self._client.send(Call(method="PATCH", path=path, body=message))
        except NotSupported:
            return None
        except OutcomeUnknown as err:
            return _unknown(err, pre_image)
        return None if answer.status == NOT_ALLOWED else outcome_from(answer, pre_image)

    async def send(self, call: Call, *, pre_image: Attributes = NO_ATTRIBUTES) -> Outcome:
        """The outcome of a change to something that exists. Raises NotSupported where there is no such method."""
        try:
            answer = await self._client.send(call)
        except OutcomeUnknown as err:
            return _unknown(err, pre_image)
        if answer.status == NOT_ALLOWED:
            raise NotSupported(f"the application takes no {call.method} of {call.path[0]}", effect="Nothing was done.")
        return outcome_from(answer, pre_image)

    async def put(self, path: tuple[str, ...], change: Change, *, pre_image: Attributes = NO_ATTRIBUTES) -> Outcome:
        """The resource is read, changed and put back, only over the version that was read (RFC 7644 section 3.14).

        Where the application gives no version, a change of somebody else in between is lost: SCIM has no other guard.
        """
        for _ in range(ROUNDS):
            answer = await self._client.send(Call(method="GET", path=path, fresh=True))
            if answer.status != 200:
                return outcome_from(answer, pre_image)
            resource = _asked_for(as_resource(body_of(answer)), path[-1])
            wanted = change(resource)
            if wanted is None:
                return outcome_of(OutcomeKind.ALREADY_DONE, answer, detail="it is so already")
            call = Call(method="PUT", path=path, body=wanted, headers=_guard(answer, resource))
            outcome = await self.send(call, pre_image=pre_image)
            if not outcome.detail.startswith(STALE):
                return outcome
        return Outcome(kind=OutcomeKind.REFUSED, detail="others change it at the same time")


def outcome_from(answer: Answer, pre_image: Attributes = NO_ATTRIBUTES) -> Outcome:
    """What an answer to a change says. Raises AnswerUnusable for a 404 that is not the application's own word."""
    if 200 <= answer.status < 300:
        return _said_yes(answer, pre_image)
    if answer.status in (404, 410):
        require_own_word(answer)
        return outcome_of(OutcomeKind.ABSENT, answer, detail=error_text(answer))
    if answer.status == PRECONDITION_FAILED:
        return outcome_of(OutcomeKind.REFUSED, answer, detail=f"{STALE}: {error_text(answer)}")
    return outcome_of(OutcomeKind.REFUSED, answer, detail=error_text(answer))


def _said_yes(answer: Answer, pre_image: Attributes) -> Outcome:
    """DONE, unless the body of the good status is an error or cannot be read: then nobody knows."""
    if answer.content.strip():
        try:
            as_resource(body_of(answer))
        except AnswerUnusable as err:
            return outcome_of(OutcomeKind.UNKNOWN, answer, detail=err.what, pre_image=pre_image)
    return outcome_of(OutcomeKind.DONE, answer, pre_image=pre_image)


def _unknown(err: OutcomeUnknown, pre_image: Attributes) -> Outcome:
    return Outcome(kind=OutcomeKind.UNKNOWN, detail=err.what, pre_image=pre_image)


def _asked_for(resource: Resource, native_id: str) -> Resource:
    if id_of(resource) != native_id:
        raise AnswerUnusable(f"{id_of(resource)} came where {native_id} was asked for", effect="Nothing was changed.")
    return resource


def _guard(answer: Answer, resource: Resource) -> dict[str, str]:
    """If-Match with the version that was read, where the application gives one."""
    meta = value_of(resource, "meta")
    stated = value_of(meta, "version") if isinstance(meta, Mapping) else None
    version = answer.headers.get("etag") or (stated if isinstance(stated, str) else "")
    return {"If-Match": version} if version else {}
