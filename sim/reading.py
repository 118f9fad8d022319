"""Reading a simulated application back, as the shell does: by native id and by search; a failed read says nothing."""

from datetime import datetime

from lastday.configuration.settings import MatchStrength
from lastday.model.account import ObservedAccount
from lastday.model.attributes import NO_ATTRIBUTES, Attributes
from lastday.model.errors import ConnectorError
from lastday.model.operation import Operation, Verb, Verification, VerificationKind
from lastday.planning.postcondition import Extra, postcondition
from sim.application import SimulatedApplication
from sim.company import CONFIGURATIONS
from sim.memory import Memory


def read_back(
    memory: Memory, operation: Operation, application: SimulatedApplication, now: datetime
) -> tuple[Verification, ObservedAccount | None]:
    """What fresh reads show of the operation, and the account where there is one."""
    try:
        observed = None if operation.native_id is None else application.read(operation.native_id, now)
        found = _search(memory, operation, application, now)
    except ConnectorError as fault:
        unreadable = Verification(kind=VerificationKind.UNREADABLE, detail=fault.what, observed_at=now)
        return unreadable, None
    result = postcondition(operation, observed, found, key=_proof(operation), extra=_extra(operation, application, now))
    seen = Verification(kind=result.kind, detail=result.detail, observed_at=now)
    return seen, observed if observed is not None else next(iter(found), None)


def _search(
    memory: Memory, operation: Operation, application: SimulatedApplication, now: datetime
) -> tuple[ObservedAccount, ...]:
    known = operation.payload if operation.verb is Verb.CREATE else _last_seen(memory, operation)
    match = CONFIGURATIONS[memory.policy].applications[operation.application].match
    for line in sorted(match, key=lambda line: line.strength is not MatchStrength.PROOF):
        value = known.text(line.account_attribute)
        if value is not None:
            found = application.find(line.account_attribute, value, now)
            return tuple(a for a in found if operation.native_id in (None, a.native_id))
    return ()


def _last_seen(memory: Memory, operation: Operation) -> Attributes:
    if operation.native_id is None:
        return NO_ATTRIBUTES
    account = memory.accounts.get((operation.application, operation.native_id))
    return NO_ATTRIBUTES if account is None else account.observed.attributes


def _proof(operation: Operation) -> Attributes:
    if operation.verb is not Verb.CREATE:
        return NO_ATTRIBUTES
    return Attributes.of({"employeeNumber": operation.payload.get("employeeNumber", ())})


def _extra(operation: Operation, application: SimulatedApplication, now: datetime) -> Extra:
    if operation.verb is Verb.END_SESSIONS and operation.native_id is not None:
        return Extra(sessions=application.count_sessions(operation.native_id, now))
    return Extra()
