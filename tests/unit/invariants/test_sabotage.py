"""A suite that cannot fail proves nothing: each safeguard taken away breaks its invariant (field notes, 5.4)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lastday.execution.machine import Append, Judged, Judgement, Record, Terms
from lastday.inventory import correlation
from lastday.model.operation import OperationState
from lastday.planning import administrators, build, draft, leaving, staying, still_wanted
from lastday.planning.administrators import AdministratorDecision
from lastday.planning.draft import Proposal
from sim import judging, shell
from sim.invariants import Broken
from sim.memory import Kept, Memory
from sim.world import World
from tests.unit.invariants import stories

STORIES = [
    stories.an_administrator_leaves,
    stories.all_administrators_leave,
    stories.administrators_move_one_after_the_other,
    stories.somebody_leaves,
    stories.somebody_moves,
    stories.a_rehire_overtakes_the_leaver,
    stories.an_old_request_lands_late,
    stories.an_old_disable_lands_late,
    stories.a_request_given_up_lands_late,
    stories.a_return_is_taken_back,
    stories.a_mail_is_used_again,
    stories.somebody_invents_an_operation,
    stories.an_application_lies_and_fails,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_every_story_ends_well_with_all_safeguards(story):
    """I1-I6, I10, I15: the sabotages below show that it is the safeguards that make it so."""
    story()


def _everything_is_wanted(patch):
    answer = still_wanted.StillWanted(wanted=still_wanted.Wanted.WANTED, detail="")
    patch.setattr(still_wanted, "still_wanted", lambda *_, **__: answer)


def _no_second_look(patch):
    _settling_looks_at_no_other_request(patch)
    patch.setattr(shell, "terms_of", lambda _: Terms(settle=timedelta(0)))


def _nobody_looks_again(patch):
    patch.setattr(Memory, "note_look_again", lambda *_: None)


def _a_newer_plan_forgets_what_was_sent(patch):
    def give_way(_, memory: Memory, operation, older: Kept):
        over = replace(older.life, state=OperationState.SUPERSEDED, wake_at=None)
        memory.operations[operation] = replace(older, life=over)

    patch.setattr(World, "_give_way", give_way)


def _settling_looks_at_no_other_request(patch):
    patch.setattr(judging, "may_land_until", lambda *_: None)


def _nothing_is_protected_when_planning(patch):
    patch.setattr(build, "is_protected", lambda _: False)


def _nothing_is_protected(patch):
    _nothing_is_protected_when_planning(patch)
    patch.setattr(judging, "gateway", lambda *_: Judged(judgement=Judgement.WANTED, detail=""))


def _administrators_do_not_count_when_planning(patch):
    allowed = AdministratorDecision(allowed=True, others=1, finding=None)
    patch.setattr(draft, "judge_last_administrator", lambda *_, **__: allowed)


def _administrators_do_not_count(patch):
    allowed = AdministratorDecision(allowed=True, others=1, finding=None)
    _administrators_do_not_count_when_planning(patch)
    patch.setattr(administrators, "judge_last_administrator", lambda *_, **__: allowed)


def _requests_under_way_do_not_count(patch):
    patch.setattr(judging, "_losing_meanwhile", lambda *_: frozenset())


def _no_intent_is_written(patch):
    honest = shell.Run._append

    def forgetful(run, step: Append):
        if step.record is not Record.INTENT:
            honest(run, step)

    patch.setattr(shell.Run, "_append", forgetful)


def _outcomes_are_written_twice(patch):
    honest = shell.Run._append

    def zealous(run, step: Append):
        honest(run, step)
        if step.record is Record.OUTCOME:
            honest(run, step)

    patch.setattr(shell.Run, "_append", zealous)


def _an_operation_is_invented(patch):
    patch.setattr(stories, "invent", stories.invented)


def _the_newest_holder_of_a_mail_owns_all(patch):
    def by_hint(account, index):
        for line in index.settings.match:
            for value in correlation._values(account, line):
                people = index.holders[line].get(correlation.folded(value), frozenset())
                newest = max(people, key=lambda i: index.people[i].engagements[0].starts_at, default=None)
                if newest is not None:
                    return correlation._matched(account, newest, "has the mail now")
        return correlation._unowned(account, None)

    patch.setattr(correlation, "_by_hint", by_hint)


def _leavers_keep_what_they_hold(patch):
    patch.setattr(leaving, "_strip", lambda *_: Proposal())


def _leavers_stay_on(patch):
    patch.setattr(leaving, "_switch_off", lambda *_: ())


def _movers_keep_what_they_held(patch):
    patch.setattr(staying, "excess_reason", lambda *_: None)


def _values_never_agree(patch):
    patch.setattr(staying, "same_values", lambda *_: False)


SABOTAGES = [
    (_everything_is_wanted, stories.a_rehire_overtakes_the_leaver, "I5"),
    (_no_second_look, stories.an_old_request_lands_late, "I1"),
    (_nobody_looks_again, stories.an_old_disable_lands_late, "I5"),
    (_a_newer_plan_forgets_what_was_sent, stories.a_request_given_up_lands_late, "I5"),
    (_settling_looks_at_no_other_request, stories.a_return_is_taken_back, "I1"),
    (_nothing_is_protected, stories.an_administrator_leaves, "I2"),
    (_administrators_do_not_count, stories.all_administrators_leave, "I10"),
    (_requests_under_way_do_not_count, stories.administrators_move_one_after_the_other, "I10"),
    (_no_intent_is_written, stories.somebody_leaves, "I3"),
    (_outcomes_are_written_twice, stories.somebody_leaves, "I3"),
    (_an_operation_is_invented, stories.somebody_invents_an_operation, "I4"),
    (_the_newest_holder_of_a_mail_owns_all, stories.a_mail_is_used_again, "I15"),
    (_leavers_keep_what_they_hold, stories.somebody_leaves, "I1"),
    (_leavers_stay_on, stories.somebody_leaves, "I1"),
    (_movers_keep_what_they_held, stories.somebody_moves, "I5"),
    (_values_never_agree, stories.somebody_leaves, "I6"),
]


@pytest.mark.parametrize(("sabotage", "story", "broken"), SABOTAGES, ids=lambda part: getattr(part, "__name__", part))
def test_a_safeguard_taken_away_breaks_its_invariant(monkeypatch, sabotage, story, broken):
    """Field notes 5.4, required sabotage tests."""
    sabotage(monkeypatch)
    with pytest.raises(Broken) as seen:
        story()
    assert seen.value.name == broken


SECOND_LINES = [
    (_nothing_is_protected_when_planning, stories.an_administrator_leaves),
    (_administrators_do_not_count_when_planning, stories.all_administrators_leave),
]


@pytest.mark.parametrize(("sabotage", "story"), SECOND_LINES, ids=lambda part: part.__name__)
def test_the_gateway_holds_where_the_planner_fails(monkeypatch, sabotage, story):
    """I2 and I10 have two lines of defence: what must not happen does not, though the plan is never done."""
    sabotage(monkeypatch)
    with pytest.raises(Broken) as seen:
        story()
    assert seen.value.name == "I6"
