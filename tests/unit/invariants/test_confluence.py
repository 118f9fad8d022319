"""I9: what counts is what the personnel office says in the end, not in which order or how often it said it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastday.planning import staying
from lastday.planning.draft import Proposal
from sim.beginning import a_job, begin
from sim.company import CHESS, DEPARTMENTS
from sim.invariants import Watch, converge, state_of
from sim.personnel import Job, in_order, rows_of
from sim.world import START, World

DAY = timedelta(days=1)
ENDS = st.sampled_from((None, START - DAY, START + DAY, START + 90 * DAY))


@st.composite
def jobs(draw, number, person):
    """One word of the personnel office on one job."""
    given_name, family = draw(st.sampled_from((("Ada", "Lo"), ("Bo", "Li"), ("Cy", "Wu"))))
    job = a_job(number, person, given_name, family, draw(st.sampled_from(DEPARTMENTS)))
    ends_at = draw(ENDS)
    return replace(job, ends_at=ends_at, on_leave=draw(st.booleans()) and ends_at is None)


NUMBERS = {"1001": "p1", "1002": "p2", "1003": "p3", "1004": "p4", "1005": "p2", "1006": "p5"}
"""1005 is a second job of somebody who has one."""
WORDS = st.sampled_from(sorted(NUMBERS)).flatmap(lambda number: jobs(number, NUMBERS[number]))


def told(world: World, current: dict[str, Job], turn: int, *, twice: bool, work: bool):
    ordered = in_order(tuple(current.values()), turn)
    world.feed(rows_of(ordered))
    if twice:
        world.feed((*rows_of(ordered), *rows_of(ordered[:1])))
        world.feed(rows_of(ordered[::-1]))
    if work:
        plan = world.plan_and_apply()
        world.approve(plan.id)
        world.settle_down()


def end_of(words, turns, works):
    """The targets after the words were told one by one: each in its own order of rows, carried out now or later."""
    world, personnel = begin()
    personnel.set(a_job("1009", "p9", "Io", "Xu", "IT"))  # who is the last administrator is decided by the way
    for job, turn, work in zip(words, turns, works, strict=True):
        personnel.set(job)
        told(world, personnel.jobs, turn, twice=turn % 3 == 0, work=work)
    converge(world, personnel, Watch(world))
    return {place: held - {CHESS} for place, held in state_of(world).items()}


def the_end_is_the_same(words, turns, works):
    """Told at once or one by one, in any order of rows, with files that come twice."""
    latest = {job.number: job for job in words}
    at_once = end_of(tuple(latest.values()), [0] * len(latest), [False] * len(latest))
    one_by_one = end_of(words, turns[: len(words)], works[: len(words)])
    assert one_by_one == at_once


@settings(max_examples=100, deadline=None)
@given(
    st.lists(WORDS, min_size=1, max_size=6),
    st.lists(st.integers(0, 11), min_size=6, max_size=6),
    st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_the_same_final_word_gives_the_same_targets(words, turns, works):
    """I9: confluence."""
    the_end_is_the_same(words, turns, works)


def test_what_only_grows_is_not_confluent(monkeypatch):
    """The test above can fail: where nothing is ever taken, the way decides the end."""
    monkeypatch.setattr(staying, "_take_excess", lambda *_: Proposal())
    there, back = a_job("1003", "p3", "Cy", "Wu", "Finance"), a_job("1003", "p3", "Cy", "Wu", "Sales")
    with pytest.raises(AssertionError):
        the_end_is_the_same((there, back), [0, 0], [True, True])
