"""A person's word: what takes it back, what it spares, and whom an order ends. All pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lastday.execution.casework import reopened_case
from lastday.execution.hand_work import Confirmation, is_so, less_confirmed
from lastday.execution.machine import HandContradicted, OpenFinding, Record, Save, Terms, advance
from lastday.execution.people import under_orders
from lastday.execution.reconcile import _failed
from lastday.model.account import Account, AccountKind, Correlation, ObservedAccount, ObservedHolding
from lastday.model.attributes import Attributes
from lastday.model.case import Case, CaseKind, CaseState, Coverage
from lastday.model.identity import Engagement, EngagementStatus, Identity, IdentityKind, Lifecycle
from lastday.model.ids import (
    AccountId,
    ApplicationName,
    BatchId,
    CaseId,
    Digest,
    EngagementId,
    IdentityId,
    NativeId,
    OperationId,
    PlanId,
    SourceName,
    UserName,
)
from lastday.model.operation import Because, Life, Milestone, Operation, OperationState, Verb
from lastday.model.plan import MadeFrom, Plan
from lastday.store.hand_tasks import HandTask
from lastday.store.operations import StoredOperation
from lastday.store.orders import LeaveOrder

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
DAY = timedelta(days=1)
DESIGN = ApplicationName("design")
ADA = IdentityId("i-1")


def operation(name="o-1", verb=Verb.DISABLE, *, native_id="d1", entitlement=None, manual=True):
    return Operation(
        id=OperationId(name), identity=ADA, application=DESIGN, account=None, native_id=NativeId(native_id),
        verb=verb, entitlement=entitlement, because=Because.LEFT, detail="left", manual=manual,
    )  # fmt: skip


def stored(one, state):
    return StoredOperation(
        operation=one, life=Life(state=state), plan=PlanId("p-1"), batch=BatchId("b-1"), case=CaseId("LV-1"),
        holder=None, created_at=NOW,
    )  # fmt: skip


def confirmed(one, at=NOW):
    task = HandTask(
        operation=one.id, owner=None, opened_at=at, deadline=None, confirmed_by=UserName("tom"), confirmed_at=at
    )
    return Confirmation(stored(one, OperationState.CONFIRMED_BY_HAND), task)


def plan_of(*operations):
    made_from = MadeFrom(batch=BatchId("b-2"), policy=Digest("p"), snapshots=(), identities=())
    return Plan(made_from=made_from, made_at=NOW, operations=operations)


def account(*holdings, enabled=True, exists=True):
    observed = ObservedAccount(
        native_id=NativeId("d1"), username="ada", enabled=enabled,
        holdings=tuple(ObservedHolding(name) for name in holdings),
    )  # fmt: skip
    return Account(
        id=AccountId("a-1"), application=DESIGN, kind=AccountKind.PERSONAL, observed=observed, exists=exists,
        correlation=Correlation.MATCHED, identity=ADA, first_seen_at=NOW, seen_at=NOW,
    )  # fmt: skip


def test_a_denied_word_rests_contradicted_with_a_finding_and_an_entry():
    script = advance(
        operation(), Life(state=OperationState.CONFIRMED_BY_HAND), HandContradicted(detail="no"), NOW, Terms(settle=DAY)
    )
    assert next(step.life.state for step in script if isinstance(step, Save)) is OperationState.CONTRADICTED
    assert next(step.code for step in script if isinstance(step, OpenFinding)) == "X131"
    assert Record.DECISION in {getattr(step, "record", None) for step in script}


@pytest.mark.parametrize("state", [s for s in OperationState if s is not OperationState.CONFIRMED_BY_HAND])
def test_nothing_else_is_taken_back_by_a_reading(state):
    assert advance(operation(), Life(state=state), HandContradicted(detail="no"), NOW, Terms(settle=DAY)) == ()


@pytest.mark.parametrize(
    ("verb", "entitlement", "seen", "so"),
    [
        (Verb.DISABLE, None, account(enabled=False), True),
        (Verb.DISABLE, None, account(), False),
        (Verb.DISABLE, None, account(exists=False), True),
        (Verb.REVOKE, "plan/full", account("plan/full"), False),
        (Verb.REVOKE, "plan/full", account("plan/viewer"), True),
        (Verb.DELETE, None, account(enabled=False), False),
        (Verb.DELETE, None, account(exists=False), True),
        (Verb.ENABLE, None, account(enabled=False), False),
        (Verb.GIVE, "plan/full", account(), False),
        (Verb.GIVE, "plan/full", account("plan/full"), True),
    ],
)
def test_a_reading_answers_for_each_verb(verb, entitlement, seen, so):
    assert is_so(operation(verb=verb, entitlement=entitlement), [seen]) is so


def test_a_word_spares_exactly_the_task_it_is_about():
    same, other, machine = operation("o-2"), operation("o-3", native_id="d2"), operation("o-4", manual=False)
    spared = less_confirmed(plan_of(same, other, machine), [confirmed(operation())], {})
    assert spared.operations == (other, machine)
    assert len(spared.no_operations) == 1


def test_a_word_from_before_the_last_leaving_spares_nothing():
    plan = plan_of(operation("o-2"))
    assert less_confirmed(plan, [confirmed(operation(), NOW - 2 * DAY)], {ADA: NOW - DAY}) == plan
    assert less_confirmed(plan, [confirmed(operation(), NOW)], {ADA: NOW - DAY}).operations == ()


def test_a_reopened_case_loses_the_milestones_that_were_not_reached():
    case = Case(
        id=CaseId("LV-1"), kind=CaseKind.LEAVER, identity=ADA, batch=BatchId("b-1"), effective_at=NOW, opened_at=NOW,
        state=CaseState.COMPLETE, profile=None, limit_s=None,
        milestones=((Milestone.ACCESS_GONE, NOW), (Milestone.ENTITLEMENTS_GONE, NOW)),
    )  # fmt: skip
    again = reopened_case(case, [stored(operation(), OperationState.CONTRADICTED)])
    assert again.state is CaseState.OPEN
    assert again.milestones == ((Milestone.ENTITLEMENTS_GONE, NOW),)


def test_only_what_failed_or_could_not_be_read_is_tried_again():
    case = Case(
        id=CaseId("LV-1"), kind=CaseKind.LEAVER, identity=ADA, batch=BatchId("b-1"), effective_at=NOW, opened_at=NOW,
        state=CaseState.INCOMPLETE, profile=None, limit_s=None,
    )  # fmt: skip
    for value in Coverage:
        wanted = value in (Coverage.FAILED, Coverage.CONTRADICTED, Coverage.UNKNOWN)
        assert _failed(replace(case, coverage=((DESIGN, value),)), set()) is wanted
    assert not _failed(replace(case, coverage=((DESIGN, Coverage.UNKNOWN),)), {DESIGN})


def person(*spans):
    engagements = tuple(
        Engagement(
            id=EngagementId(f"e-{n}"), identity=ADA, source=SourceName("hr"), key=f"E{n}", attributes=Attributes(),
            status=EngagementStatus.ACTIVE, starts_at=starts, ends_at=ends,
        )
        for n, (starts, ends) in enumerate(spans)
    )  # fmt: skip
    return Identity(id=ADA, kind=IdentityKind.EMPLOYEE, person_key=None, engagements=engagements)


def order(at):
    return LeaveOrder(id=f"lo-{at}", identity=ADA, at=at, by=UserName("dana"), reason="x", urgent=False, ordered_at=NOW)


def test_an_order_ends_what_had_begun_and_nothing_that_begins_later():
    """A rehire after the order is in, whatever the order says."""
    ada = under_orders(person((NOW - 9 * DAY, None), (NOW + 9 * DAY, None)), [order(NOW)])
    assert ada.lifecycle_at(NOW - DAY) is Lifecycle.ACTIVE
    assert ada.lifecycle_at(NOW) is Lifecycle.ENDED
    assert ada.lifecycle_at(NOW + 10 * DAY) is Lifecycle.ACTIVE


def test_orders_on_one_person_never_hide_each_other():
    """The earlier end counts; one from before a rehire leaves the later one its effect."""
    late_and_early = [order(NOW), order(NOW + 30 * DAY)]
    assert under_orders(person((NOW - 9 * DAY, None)), late_and_early).lifecycle_at(NOW) is Lifecycle.ENDED
    rehired = person((NOW - 90 * DAY, NOW - 60 * DAY), (NOW - 30 * DAY, None))
    assert under_orders(rehired, [order(NOW - 70 * DAY), order(NOW)]).lifecycle_at(NOW) is Lifecycle.ENDED
    assert under_orders(rehired, [order(NOW - 70 * DAY)]).lifecycle_at(NOW) is Lifecycle.ACTIVE


def test_an_end_that_the_source_says_is_earlier_stays():
    ada = under_orders(person((NOW - 9 * DAY, NOW - DAY)), [order(NOW)])
    assert ada.engagements[0].ends_at == NOW - DAY
