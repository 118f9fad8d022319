"""Hard edges between operations (design section 4): a failed predecessor never makes others wait for ever."""

from dataclasses import replace

import pytest

from lastday.execution.judging import waits_for
from lastday.execution.machine import Judgement
from lastday.model.ids import ApplicationName, IdentityId, OperationId
from lastday.model.operation import Because, Operation, OperationState, Verb

BEFORE = OperationId("o-before")


def after_it(verb):
    return Operation(
        id=OperationId("o-1"), identity=IdentityId("i-1"), application=ApplicationName("chat"), account=None,
        native_id=None, verb=verb, entitlement=None, because=Because.LEFT, detail="", after=(BEFORE,),
    )  # fmt: skip


@pytest.mark.parametrize("state", [s for s in OperationState if s.counts_for_milestones])
def test_nothing_waits_for_what_is_through(state):
    assert waits_for(after_it(Verb.DELETE), {BEFORE: state}) is None


def test_what_destroys_waits_until_its_predecessor_has_settled():
    judged = waits_for(after_it(Verb.DELETE), {BEFORE: OperationState.VERIFIED})
    assert judged is not None
    assert judged.judgement is Judgement.BLOCKED


def test_what_destroys_here_waits_as_a_deletion_does():
    """A disable that deletes, as at PagerDuty: a hand-over that is verified only may still turn out untrue."""
    final = replace(after_it(Verb.DISABLE), reversible=False)
    judged = waits_for(final, {BEFORE: OperationState.VERIFIED})
    assert judged is not None
    assert judged.judgement is Judgement.BLOCKED
    assert waits_for(after_it(Verb.DISABLE), {BEFORE: OperationState.VERIFIED}) is None


def test_what_gives_needs_its_account_verified_only():
    assert waits_for(after_it(Verb.GIVE), {BEFORE: OperationState.VERIFIED}) is None


@pytest.mark.parametrize("state", [s for s in OperationState if s.rests and not s.counts_for_milestones])
def test_behind_a_predecessor_that_rests_unfinished_one_rests_too(state):
    judged = waits_for(after_it(Verb.GIVE), {BEFORE: state})
    assert judged is not None
    assert judged.judgement is Judgement.HELD
