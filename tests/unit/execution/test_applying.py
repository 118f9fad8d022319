"""What an older operation does when a newer plan comes (design section 4: superseded by a newer decision)."""

from datetime import UTC, datetime

from lastday.execution.applying import still_standing
from lastday.model.ids import ApplicationName, BatchId, IdentityId, NativeId, OperationId, PlanId
from lastday.model.operation import Because, Life, Operation, OperationState, Verb
from lastday.store.operations import StoredOperation

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
LATER = datetime(2026, 12, 24, 6, tzinfo=UTC)


def operation(name, verb):
    return Operation(
        id=OperationId(name), identity=IdentityId("i-1"), application=ApplicationName("chat"), account=None,
        native_id=NativeId("n-1"), verb=verb, entitlement=None, because=Because.LEFT, detail="left",
    )  # fmt: skip


def stored(name, verb, state, wake_at=None):
    return StoredOperation(
        operation=operation(name, verb), life=Life(state=state, wake_at=wake_at), plan=PlanId("p-old"),
        batch=BatchId("b-old"), case=None, holder=None, created_at=NOW,
    )  # fmt: skip


def test_a_deletion_that_waits_for_its_hour_outlives_plans_that_do_not_speak_of_it():
    """A milestone is never reached by forgetting what was to be done."""
    waiting = stored("o-delete", Verb.DELETE, OperationState.WAITING, LATER)
    assert still_standing([waiting], []) == (waiting,)


def test_a_deletion_that_is_planned_anew_gives_way_so_that_one_account_has_one_deletion():
    waiting = stored("o-delete", Verb.DELETE, OperationState.WAITING, LATER)
    assert still_standing([waiting], [operation("o-new", Verb.DELETE)]) == ()


def test_a_persons_task_that_is_asked_for_again_keeps_its_deadline():
    task = stored("o-task", Verb.DISABLE, OperationState.MANUAL)
    assert still_standing([task], [operation("o-new", Verb.DISABLE)]) == (task,)


def test_a_persons_task_that_nothing_asks_for_any_more_is_over():
    task = stored("o-task", Verb.DISABLE, OperationState.MANUAL)
    assert still_standing([task], []) == ()


def test_what_failed_is_tried_anew_by_the_newer_plan():
    failed = stored("o-old", Verb.DISABLE, OperationState.FAILED)
    assert still_standing([failed], [operation("o-new", Verb.DISABLE)]) == ()


def test_what_waits_for_an_approval_waits_for_that_of_the_newer_plan():
    waiting = stored("o-old", Verb.GIVE, OperationState.WAITING)
    assert still_standing([waiting], [operation("o-new", Verb.GIVE)]) == ()
