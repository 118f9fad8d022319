"""What a fuzzer calls with bytes: a filter, a path or a PATCH message, read as the service provider reads it.

Runs in an environment of its own, by test_fuzzing.py: `python target.py filter|path|patch [options of libFuzzer]`.
Everything but a refusal in words is a crash; so is an input that takes more than a tenth of a second of processor time.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import atheris

with atheris.instrument_imports(include=["lastday"]):
    from lastday.filters.parser import Limits, parse
    from lastday.filters.predicate import compile_predicate
    from lastday.filters.sql import SqlTarget, to_sql
    from lastday.interfaces.scim.limits import FILTER_LIMITS
    from lastday.interfaces.scim.protocol.errors import ScimError
    from lastday.interfaces.scim.protocol.patch import apply_patch
    from lastday.interfaces.scim.protocol.paths import parse_path, resolve
    from lastday.interfaces.scim.protocol.profiles import load_profile
    from lastday.interfaces.scim.protocol.schema_set import SchemaSet
    from lastday.model.errors import FilterError
    from lastday.model.scim import Body, ResourceType

SLOW_S = 0.1
LIMITS: Limits = FILTER_LIMITS
TARGET = SqlTarget(document="comparable", columns={"username": "user_name", "externalid": "external_id"})
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
KINDS = (SchemaSet.of(()).kind(ResourceType.USER), SchemaSet.of(()).kind(ResourceType.GROUP))
PROFILES = tuple(load_profile(name) for name in ("strict", "entra", "okta", "rippling"))
PERSON: Body = {
    "schemas": [USER],
    "userName": "ada",
    "active": True,
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"value": "a@b.example", "type": "work", "primary": True}, {"value": "c@d.example", "type": "home"}],
}
TEAM: Body = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "displayName": "Books",
    "members": [{"value": "u1"}, {"value": "u2"}],
}


def read_filter(given: atheris.FuzzedDataProvider) -> None:
    try:
        node = parse(given.ConsumeUnicodeNoSurrogates(4096), limits=LIMITS)
    except FilterError:
        return
    compile_predicate(node)(PERSON, None)
    to_sql(node, TARGET)


def read_path(given: atheris.FuzzedDataProvider) -> None:
    kind = KINDS[given.ConsumeBool()]
    try:
        resolve(parse_path(given.ConsumeUnicodeNoSurrogates(2048)), kind)
    except ScimError:
        return


def read_patch(given: atheris.FuzzedDataProvider) -> None:
    is_group = given.ConsumeBool()
    profile = PROFILES[given.ConsumeIntInRange(0, len(PROFILES) - 1)]
    message = {"schemas": [PATCH], "Operations": [_operation(given) for _ in range(given.ConsumeIntInRange(0, 4))]}
    try:
        apply_patch(TEAM if is_group else PERSON, message, KINDS[is_group], profile)
    except ScimError:
        return


def _operation(given: atheris.FuzzedDataProvider) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": ("add", "replace", "remove", "Replace", "x")[given.ConsumeIntInRange(0, 4)]}
    if given.ConsumeBool():
        operation["path"] = given.ConsumeUnicodeNoSurrogates(given.ConsumeIntInRange(0, 64))
    text = given.ConsumeUnicodeNoSurrogates(given.ConsumeIntInRange(0, 256))
    try:
        operation["value"] = json.loads(text)
    except (ValueError, RecursionError):
        operation["value"] = text
    return operation


def quickly(read: Callable[[atheris.FuzzedDataProvider], None]) -> Callable[[bytes], None]:
    """`read`, which must be quick; what was slow once is read twice more, as the machine may have been busy."""

    def once(data: bytes) -> float:
        begun = time.process_time()
        read(atheris.FuzzedDataProvider(data))
        return time.process_time() - begun

    def checked(data: bytes) -> None:
        if once(data) > SLOW_S and min(once(data), once(data)) > SLOW_S:
            raise RuntimeError("too slow")

    return checked


if __name__ == "__main__":
    chosen = {"filter": read_filter, "path": read_path, "patch": read_patch}[sys.argv[1]]
    atheris.Setup([sys.argv[0], *sys.argv[2:]], quickly(chosen))
    atheris.Fuzz()
