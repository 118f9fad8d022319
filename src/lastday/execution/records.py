"""What an application said and what was seen, as evidence entries write it."""

from lastday.model.canonical import JsonValue
from lastday.model.operation import Outcome, Verification


def outcome_record(outcome: Outcome) -> dict[str, JsonValue]:
    return {
        "kind": outcome.kind.value,
        "detail": outcome.detail,
        "native_id": outcome.native_id,
        "request_id": outcome.request_id,
        "pre_image": outcome.pre_image.as_json(),
    }


def verification_record(verification: Verification) -> dict[str, JsonValue]:
    return {
        "kind": verification.kind.value,
        "detail": verification.detail,
        "observed_at": verification.observed_at.isoformat(),
        "probes": list(verification.probes),
    }
