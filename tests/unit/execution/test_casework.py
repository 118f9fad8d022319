"""The state of a case follows from its operations (design section 4); what is missing is never hidden by what waits."""

from datetime import UTC, datetime, timedelta

from lastday.execution.casework import advanced_case
from lastday.model.case import Case, CaseKind, CaseState, Coverage
from lastday.model.ids import ApplicationName, BatchId, CaseId, IdentityId, NativeId, OperationId, PlanId
from lastday.model.operation import Because, Life, Operation, OperationState, Verb
from lastday.store.operations import StoredOperation

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
CHAT = ApplicationName("chat")


def leaver():
    return Case(
        id=CaseId("LV-1"), kind=CaseKind.LEAVER, identity=IdentityId("i-1"), batch=BatchId("b-1"), effective_at=NOW,
        opened_at=NOW, state=CaseState.OPEN, profile="standard", limit_s=900, coverage=((CHAT, Coverage.PENDING),),
    )  # fmt: skip


def stored(verb, state, wake_at=None):
    operation = Operation(
        id=OperationId(f"o-{verb.value}"), identity=IdentityId("i-1"), application=CHAT, account=None,
        native_id=NativeId("n-1"), verb=verb, entitlement=None, because=Because.LEFT, detail="",
    )  # fmt: skip
    life = Life(state=state, wake_at=wake_at)
    return StoredOperation(
        operation=operation, life=life, plan=PlanId("p-1"), batch=BatchId("b-1"), case=CaseId("LV-1"), holder=None,
        created_at=NOW,
    )  # fmt: skip


DELETE_LATER = stored(Verb.DELETE, OperationState.WAITING, NOW + timedelta(days=30))


def test_case_with_a_contradicted_removal_is_incomplete_although_a_deletion_waits():
    """Found by a journey: it stayed open for thirty days, so that nobody was told and no round tried again."""
    done = (stored(Verb.DISABLE, OperationState.CONTRADICTED), DELETE_LATER)
    assert advanced_case(leaver(), done, NOW).state is CaseState.INCOMPLETE


def test_case_whose_access_is_gone_stays_open_until_the_deletion():
    done = (stored(Verb.DISABLE, OperationState.SETTLED), DELETE_LATER)
    assert advanced_case(leaver(), done, NOW).state is CaseState.OPEN


def test_case_is_open_while_something_is_tried_again():
    done = (stored(Verb.DISABLE, OperationState.RETRYING, NOW), stored(Verb.REVOKE, OperationState.FAILED))
    assert advanced_case(leaver(), done, NOW).state is CaseState.OPEN


def test_what_is_pending_elsewhere_reaches_no_milestone():
    """The operations of a rehire stand in its own case: the leaver's must not call access gone for want of any."""
    assert advanced_case(leaver(), (), NOW).milestones == ()
