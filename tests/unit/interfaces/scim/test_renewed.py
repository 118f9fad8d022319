"""An answer may be used for a moment: nobody gets one that was asked for more than a second before they came."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.interfaces.scim.renewed import LASTS_S, RENEW_AFTER_S, Renewed


class Oracle:
    """Answers with the moment at which it was asked, when it is told to."""

    def __init__(self):
        self.now = 100.0
        self.asked = 0
        self.waiting = []

    def time(self):
        return self.now

    async def ask(self):
        self.asked += 1
        answer = asyncio.get_running_loop().create_future()
        self.waiting.append((answer, self.now))
        return await answer

    async def answer_all(self):
        await settle()
        for answer, asked_at in self.waiting:
            if not answer.done():
                answer.set_result(asked_at)
        await settle()


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


STEPS = st.lists(st.one_of(st.floats(min_value=0.0, max_value=1.6), st.sampled_from(["answer", "want"])), max_size=60)


@given(STEPS)
def test_nobody_gets_an_answer_that_was_asked_for_more_than_a_second_before_they_came(steps):
    async def play():
        oracle = Oracle()
        renewed = Renewed(oracle.ask, oracle.time)
        wants = []
        for step in steps:
            if step == "want":
                wants.append((oracle.now, asyncio.create_task(renewed.get())))
                await settle()
            elif step == "answer":
                await oracle.answer_all()
            else:
                oracle.now += step
        await oracle.answer_all()
        for came_at, want in wants:
            assert came_at - LASTS_S <= await want
        assert oracle.asked <= len(wants)

    asyncio.run(play())


async def test_those_who_come_together_ask_once():
    oracle = Oracle()
    renewed = Renewed(oracle.ask, oracle.time)
    wants = [asyncio.create_task(renewed.get()) for _ in range(50)]
    await oracle.answer_all()
    assert set(await asyncio.gather(*wants)) == {100.0}
    assert oracle.asked == 1


async def test_an_answer_that_grows_old_is_renewed_while_it_still_serves():
    """So that on a busy server nobody has to wait for the database."""
    oracle = Oracle()
    renewed = Renewed(oracle.ask, oracle.time)
    first = asyncio.create_task(renewed.get())
    await oracle.answer_all()
    await first
    oracle.now += (RENEW_AFTER_S + LASTS_S) / 2
    assert await renewed.get() == 100.0
    await oracle.answer_all()
    assert oracle.asked == 2
    assert await renewed.get() == oracle.now
    assert oracle.asked == 2


async def test_after_it_expired_an_answer_on_its_way_counts_for_those_only_who_waited_for_it():
    oracle = Oracle()
    renewed = Renewed(oracle.ask, oracle.time)
    early = asyncio.create_task(renewed.get())
    await settle()
    renewed.expire()
    oracle.now += 0.1
    late = asyncio.create_task(renewed.get())
    await oracle.answer_all()
    assert (await early, await late) == (100.0, 100.1)
    assert oracle.asked == 2


async def test_a_fault_reaches_everybody_who_waits_and_is_not_kept():
    calls = []

    async def ask():
        calls.append(1)
        await asyncio.sleep(0)
        if len(calls) == 1:
            raise RuntimeError("away")
        return "here"

    renewed = Renewed(ask, lambda: 1.0)
    outcomes = await asyncio.gather(*(renewed.get() for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in outcomes] == ["away"] * 3
    assert await renewed.get() == "here"


async def test_whoever_gives_up_waiting_spoils_nothing_for_the_others():
    oracle = Oracle()
    renewed = Renewed(oracle.ask, oracle.time)
    one, other = (asyncio.create_task(renewed.get()) for _ in range(2))
    await settle()
    one.cancel()
    await oracle.answer_all()
    assert await other == 100.0
    with pytest.raises(asyncio.CancelledError):
        await one
