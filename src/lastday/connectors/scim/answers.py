"""What an application's answer says: the body, whose word it is, and why it refused."""

import json
from collections.abc import Mapping

from lastday.connectors.scim.resources import Resource, field
from lastday.connectors.sdk.answers import Answer
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable
from lastday.model.ids import NativeId
from lastday.model.operation import Outcome, OutcomeKind


def body_of(answer: Answer) -> JsonValue:
    """The body as JSON. Raises AnswerUnusable where it is none.

    A JSON object under a wrong content type is read all the same: no web page is one.
    """
    if answer.is_json:
        return answer.json()
    found = _object_in(answer.content)
    return answer.json() if found is None else found


def require_own_word(answer: Answer) -> None:
    """Raises AnswerUnusable where a 404 is a web page: a proxy or a wrong url speaks, not the application."""
    if not answer.is_json and _object_in(answer.content) is None:
        raise AnswerUnusable(f"the answer {answer.status} is not the application's own", mend="Check the url.")


def error_text(answer: Answer) -> str:
    """What the application says about its refusal: scimType and detail, shortened."""
    try:
        value = body_of(answer)
    except AnswerUnusable:
        return "no reason given"
    if not isinstance(value, Mapping):
        return "no reason given"
    words = [str(field(value, name)) for name in ("scimType", "detail") if field(value, name)]
    return ": ".join(words)[:300] or "no reason given"


def outcome_of(
    kind: OutcomeKind,
    answer: Answer,
    *,
    detail: str = "",
    native_id: NativeId | None = None,
    pre_image: Attributes = NO_ATTRIBUTES,
) -> Outcome:
    """The outcome with the application's own name of the request."""
    return Outcome(kind=kind, detail=detail, native_id=native_id, request_id=answer.request_id, pre_image=pre_image)


def _object_in(content: bytes) -> Resource | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
