"""A plan as `plan --json` shows it (`lastday/plan/1`)."""

from collections.abc import Mapping, Sequence

from lastday.connectors.sdk.manifest import Manifest
from lastday.model.batch import Tripped
from lastday.model.canonical import JsonValue
from lastday.model.identity import Identity
from lastday.model.ids import ApplicationName, IdentityId
from lastday.model.operation import Operation
from lastday.model.plan import Plan

SCHEMA = "lastday/plan/1"


def plan_report(
    plan: Plan,
    people: Mapping[IdentityId, Identity],
    tripped: Sequence[Tripped],
    manifests: Mapping[ApplicationName, Manifest],
) -> dict[str, JsonValue]:
    """The whole plan as JSON: operations, what they do in each application, stops, findings, what needed nothing."""
    return {
        "schema": SCHEMA,
        "plan": plan.id,
        "hash": plan.hash,
        "batch": plan.made_from.batch,
        "made_at": plan.made_at.isoformat(),
        "complete": plan.complete,
        "applyable": plan.applyable,
        "unreadable": list(plan.unreadable),
        "operations": [_operation(operation, people) for operation in plan.operations],
        "effects": effects_in(plan, manifests),
        "no_operations": len(plan.no_operations),
        "stopped": [_tripped(trip, people) for trip in tripped],
        "drift": [finding.as_json() for finding in plan.drift],
        "findings": [finding.as_json() for finding in plan.findings],
    }


def effects_in(plan: Plan, manifests: Mapping[ApplicationName, Manifest]) -> list[JsonValue]:
    """For each application that something is taken in: what can be undone, what is destroyed, what stays alive."""
    taking: dict[ApplicationName, dict[str, bool]] = {}
    for operation in plan.operations:
        if operation.verb.removes:
            taking.setdefault(operation.application, {})[operation.verb.value] = not operation.destroys
    return [_effects(manifests[name], name, verbs) for name, verbs in sorted(taking.items())]


def _effects(manifest: Manifest, name: ApplicationName, verbs: Mapping[str, bool]) -> dict[str, JsonValue]:
    return {
        "application": name,
        "title": manifest.title,
        "reversible": all(verbs.values()),
        "verbs": [
            {"verb": verb, "reversible": reversible, "destroys": list(manifest.losses.get(verb, ()))}
            for verb, reversible in sorted(verbs.items())
        ],
        "hand_over_first": list(manifest.hand_over_first),
        "survives": list(manifest.survives),
    }


def _operation(operation: Operation, people: Mapping[IdentityId, Identity]) -> dict[str, JsonValue]:
    identity = people.get(operation.identity)
    return {
        "id": operation.id,
        "identity": operation.identity,
        "employee_number": identity.employee_number if identity else None,
        "application": operation.application,
        "account": operation.account,
        "native_id": operation.native_id,
        "verb": operation.verb.value,
        "entitlement": operation.entitlement,
        "because": operation.because.value,
        "detail": operation.detail,
        "due_at": operation.due_at.isoformat() if operation.due_at else None,
        "manual": operation.manual,
        "approval": operation.approval,
        "reversible": operation.reversible,
        "stopped": operation.stopped,
    }


def _tripped(trip: Tripped, people: Mapping[IdentityId, Identity]) -> dict[str, JsonValue]:
    numbers = (people[identity].employee_number for identity in trip.identities if identity in people)
    return {
        "code": trip.brake.value,
        "detail": trip.detail,
        "counted": trip.counted,
        "limit": trip.limit,
        "base": trip.base,
        "application": trip.application,
        "entitlement": trip.entitlement,
        "identities": list(trip.identities),
        "employee_numbers": sorted(number for number in numbers if number is not None),
    }
