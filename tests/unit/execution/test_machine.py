"""The life of an operation, event by event (design section 4). The names of the tests are the rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.execution.machine import (
    Again,
    Answered,
    Append,
    Begin,
    Call,
    Commit,
    Due,
    Fence,
    HandConfirmed,
    HolderLost,
    Judge,
    Judged,
    Judgement,
    Lease,
    LookAgain,
    NotReached,
    Observed,
    OpenFinding,
    Read,
    Record,
    Save,
    Terms,
    advance,
)
from lastday.model.ids import ApplicationName, IdentityId, NativeId, OperationId
from lastday.model.operation import (
    Because,
    Life,
    Operation,
    OperationState,
    Outcome,
    OutcomeKind,
    Verb,
    Verification,
    VerificationKind,
)

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
TERMS = Terms(settle=timedelta(seconds=5))


def operation(verb=Verb.DISABLE, **changes):
    fields = {
        "id": OperationId("o-1"),
        "identity": IdentityId("i-1"),
        "application": ApplicationName("chat"),
        "account": None,
        "native_id": NativeId("n-1"),
        "verb": verb,
        "entitlement": None,
        "because": Because.LEFT,
        "detail": "left on 23 Nov",
    }
    return Operation(**(fields | changes))


def saved(script):
    """The life that the script stores last."""
    return [step.life for step in script if isinstance(step, Save)][-1]


def seen(kind):
    return Observed(Verification(kind=kind, detail="as read", observed_at=NOW))


def said(kind, detail=""):
    return Answered(Outcome(kind=kind, detail=detail))


def entries(script):
    return [step.record for step in script if isinstance(step, Append)]


def test_an_operation_is_judged_under_a_lease_before_anything_else():
    assert advance(operation(), Life(), Due(), NOW, TERMS) == (Begin(), Lease(), Judge())


def test_an_operation_whose_hour_has_not_come_does_nothing():
    waiting = Life(state=OperationState.WAITING, wake_at=NOW + timedelta(days=30))
    assert advance(operation(Verb.DELETE), waiting, Due(), NOW, TERMS) == ()


@pytest.mark.parametrize("state", [state for state in OperationState if state.rests])
def test_what_rests_stays_at_rest(state):
    assert advance(operation(), Life(state=state), Due(), NOW, TERMS) == ()


def test_the_intent_is_durable_before_the_call():
    """I3: evidence is written before the effect."""
    script = advance(operation(), Life(), Judged(judgement=Judgement.WANTED, detail=""), NOW, TERMS)
    assert entries(script) == [Record.INTENT]
    assert script.index(Commit()) < script.index(Call())
    assert saved(script).state is OperationState.ACTING


def test_a_stale_operation_is_superseded_without_a_call():
    """I5: a rehire beats an old leaver's retry."""
    script = advance(operation(), Life(), Judged(judgement=Judgement.STALE, detail="came back"), NOW, TERMS)
    assert saved(script).state is OperationState.SUPERSEDED
    assert Call() not in script


def test_a_superseded_operation_that_was_sent_makes_us_look_again_after_the_settle_time():
    """An answer that was lost may still take effect after the newer decision."""
    sent = Life(state=OperationState.UNCERTAIN, attempts=1)
    script = advance(operation(), sent, Judged(judgement=Judgement.STALE, detail="came back"), NOW, TERMS)
    assert LookAgain(NOW + TERMS.settle) in script


def test_a_success_answer_is_only_accepted_and_read_back_at_once():
    script = advance(operation(), Life(state=OperationState.ACTING, attempts=1), said(OutcomeKind.DONE), NOW, TERMS)
    assert saved(script).state is OperationState.ACCEPTED
    assert script[-1] == Read()


def test_a_confirmed_removal_is_verified_and_settles_only_after_a_second_read():
    accepted = Life(state=OperationState.ACCEPTED, attempts=1, concluded=True, accepted_at=NOW)
    verified = saved(advance(operation(), accepted, seen(VerificationKind.CONFIRMED), NOW, TERMS))
    assert (verified.state, verified.wake_at) == (OperationState.VERIFIED, NOW + TERMS.settle)
    later = NOW + TERMS.settle
    assert advance(operation(), verified, Due(), later, TERMS) == (Begin(), Lease(), Judge())
    settled = saved(advance(operation(), verified, seen(VerificationKind.CONFIRMED), later, TERMS))
    assert (settled.state, settled.settled_at) == (OperationState.SETTLED, later)


def test_what_gives_settles_with_the_first_read():
    accepted = Life(state=OperationState.ACCEPTED, attempts=1, concluded=True)
    script = advance(operation(Verb.GIVE), accepted, seen(VerificationKind.CONFIRMED), NOW, TERMS)
    assert saved(script).state is OperationState.SETTLED


def test_no_answer_is_uncertain_and_is_read_before_anything_is_sent_again():
    script = advance(operation(), Life(state=OperationState.ACTING, attempts=1), said(OutcomeKind.UNKNOWN), NOW, TERMS)
    uncertain = saved(script)
    assert uncertain.state is OperationState.UNCERTAIN
    assert entries(script) == []
    assert script[-1] == Again()
    then = advance(operation(), uncertain, Judged(judgement=Judgement.WANTED, detail=""), NOW, TERMS)
    assert then == (Commit(), Read())


def test_a_lost_worker_leaves_its_operation_uncertain():
    acting = Life(state=OperationState.ACTING, attempts=1)
    assert saved(advance(operation(), acting, HolderLost(), NOW, TERMS)).state is OperationState.UNCERTAIN


def test_an_uncertain_operation_found_done_gets_its_one_outcome_by_reading():
    uncertain = Life(state=OperationState.UNCERTAIN, attempts=1)
    script = advance(operation(), uncertain, seen(VerificationKind.CONFIRMED), NOW, TERMS)
    assert entries(script) == [Record.OUTCOME, Record.VERIFICATION]


def test_an_application_that_lies_three_times_rests_contradicted():
    """Acceptance 5: answers 200 and does nothing: never verified."""
    life = Life(state=OperationState.ACCEPTED, attempts=1, concluded=True)
    for _ in range(TERMS.tries - 1):
        life = saved(advance(operation(), life, seen(VerificationKind.CONTRADICTED), NOW, TERMS))
        assert life.state is OperationState.RETRYING
        life = replace(life, state=OperationState.ACCEPTED)
    script = advance(operation(), life, seen(VerificationKind.CONTRADICTED), NOW, TERMS)
    assert saved(script).state is OperationState.CONTRADICTED
    assert any(isinstance(step, OpenFinding) for step in script)


def test_an_account_that_came_back_before_settling_is_removed_again():
    verified = Life(state=OperationState.VERIFIED, attempts=1, concluded=True, verified_at=NOW)
    back = saved(advance(operation(), verified, seen(VerificationKind.CONTRADICTED), NOW, TERMS))
    assert back.state is OperationState.RETRYING
    assert back.verified_at is None


def test_an_unreadable_application_is_never_verified():
    life = Life(state=OperationState.ACCEPTED, attempts=1, concluded=True)
    for _ in range(TERMS.patience):
        life = saved(advance(operation(), life, seen(VerificationKind.UNREADABLE), NOW, TERMS))
    assert life.state is OperationState.FAILED
    assert life.verified_at is None


def test_what_is_blocked_until_a_known_moment_wakes_then():
    """A removal is not settled while an older opposite request may still land."""
    verified = Life(state=OperationState.VERIFIED, attempts=1, verified_at=NOW, wake_at=NOW)
    until = NOW + timedelta(seconds=90)
    blocked = Judged(judgement=Judgement.BLOCKED, detail="a request may still land", until=until)
    life = saved(advance(operation(), verified, blocked, NOW, TERMS))
    assert (life.state, life.wake_at) == (OperationState.VERIFIED, until)


def test_application_that_cannot_be_asked_before_the_effect_is_given_up():
    """Found by a journey: with the application down, the gateway's question was put again every second for ever."""
    silent = Judged(judgement=Judgement.UNREACHABLE, detail="no answer", code="A101")
    life = Life()
    for _ in range(TERMS.patience - 1):
        life = saved(advance(operation(), life, silent, NOW, TERMS))
        assert life.state is OperationState.RETRYING
    script = advance(operation(), life, silent, NOW, TERMS)
    assert saved(script).state is OperationState.FAILED
    assert [step.code for step in script if isinstance(step, OpenFinding)] == ["A101"]


def test_being_told_to_wait_uses_up_no_try():
    """Found by the histories: after three 429 the first lost answer counted as the last contradiction."""
    limited = NotReached(code="A102", detail="429", retry_after=timedelta(seconds=7))
    life = Life(state=OperationState.ACTING, attempts=1)
    for _ in range(3):
        life = replace(saved(advance(operation(), life, limited, NOW, TERMS)), state=OperationState.ACTING)
    refused = saved(advance(operation(), life, said(OutcomeKind.REFUSED, "busy"), NOW, TERMS))
    assert refused.state is OperationState.RETRYING


def test_retry_after_is_obeyed_and_never_counts_as_giving_up():
    life = Life(state=OperationState.ACTING, attempts=1, failures=50)
    limited = NotReached(code="A102", detail="429", retry_after=timedelta(seconds=17))
    script = advance(operation(), life, limited, NOW, TERMS)
    assert saved(script).wake_at == NOW + timedelta(seconds=17)
    assert saved(script).state is OperationState.RETRYING


def test_an_application_that_is_down_rests_failed_with_a_finding():
    life = Life(state=OperationState.ACTING, attempts=5, failures=TERMS.patience - 1)
    script = advance(operation(), life, NotReached(code="A101", detail="refused"), NOW, TERMS)
    assert saved(script).state is OperationState.FAILED
    assert any(isinstance(step, OpenFinding) for step in script)


def test_a_taken_name_gives_the_next_candidate_at_once():
    create = operation(Verb.CREATE, native_id=None, name_candidates=("rui", "rui2"))
    script = advance(
        create, Life(state=OperationState.ACTING, attempts=1), said(OutcomeKind.REFUSED, "taken"), NOW, TERMS
    )
    assert saved(script).candidate == 1
    assert script[-1] == Again()


def test_when_every_name_is_taken_it_rests_failed():
    create = operation(Verb.CREATE, native_id=None, name_candidates=("rui",))
    script = advance(
        create, Life(state=OperationState.ACTING, attempts=1), said(OutcomeKind.REFUSED, "taken"), NOW, TERMS
    )
    assert saved(script).state is OperationState.FAILED


def test_work_for_a_person_waits_for_that_person():
    manual = operation(Verb.REVOKE, manual=True)
    script = advance(manual, Life(), Judged(judgement=Judgement.WANTED, detail=""), NOW, TERMS)
    assert saved(script).state is OperationState.MANUAL
    assert Call() not in script
    done = advance(manual, saved(script), HandConfirmed(by="dana", detail="removed"), NOW, TERMS)
    assert saved(done).state is OperationState.CONFIRMED_BY_HAND
    assert entries(done) == [Record.HAND_CONFIRMATION]


def test_what_the_gateway_refuses_rests_failed_without_a_call():
    script = advance(operation(), Life(), Judged(judgement=Judgement.REFUSED, detail="protected"), NOW, TERMS)
    assert saved(script).state is OperationState.FAILED
    assert Call() not in script


EVENTS = st.one_of(
    st.just(Due()),
    st.just(HolderLost()),
    st.sampled_from(Judgement).map(lambda j: Judged(judgement=j, detail="")),
    st.sampled_from(OutcomeKind).map(said),
    st.sampled_from(VerificationKind).map(seen),
    st.just(NotReached(code="A101", detail="down")),
)
LIVES = st.builds(
    Life,
    state=st.sampled_from([s for s in OperationState if not s.rests]),
    attempts=st.integers(0, 9),
    failures=st.integers(0, 9),
    contradictions=st.integers(0, 9),
    reads=st.integers(0, 9),
    concluded=st.booleans(),
)


@given(LIVES, EVENTS, st.sampled_from(Verb))
def test_only_a_confirming_read_makes_verified_or_settled(life, event, verb):
    """I1: nothing is claimed that was not seen."""
    for step in advance(operation(verb), life, event, NOW, TERMS):
        if isinstance(step, Save) and step.life.state in (OperationState.VERIFIED, OperationState.SETTLED):
            assert step.life.state is life.state or event == seen(VerificationKind.CONFIRMED)


@given(LIVES, EVENTS, st.sampled_from(Verb))
def test_every_script_that_writes_ends_its_transaction_before_it_leaves(life, event, verb):
    """No call and no read happens inside a transaction."""
    script = advance(operation(verb), life, event, NOW, TERMS)
    open_since = isinstance(event, Judged)
    for step in script:
        if isinstance(step, Begin):
            open_since = True
        elif isinstance(step, Commit):
            open_since = False
        elif isinstance(step, (Call, Read, Again)):
            assert not open_since
    assert not open_since or (script and script[-1] == Judge()) or script == ()


@given(LIVES, EVENTS, st.sampled_from(Verb))
def test_one_outcome_for_each_operation(life, event, verb):
    """I3: an operation that has its outcome never gets a second one."""
    script = advance(operation(verb), life, event, NOW, TERMS)
    assert entries(script).count(Record.OUTCOME) <= (0 if life.concluded else 1)


@given(LIVES, EVENTS, st.sampled_from(Verb))
def test_conclusions_are_fenced(life, event, verb):
    """A worker that was overtaken cannot conclude: whatever follows an answer or a read checks the generation."""
    script = advance(operation(verb), life, event, NOW, TERMS)
    if isinstance(event, (Answered, Observed, NotReached)) and script:
        assert script[:2] == (Begin(), Fence())
