"""A worker that is told to stop stops, whatever it is in the middle of."""

import asyncio

import pytest

from lastday.execution.worker import Worker


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_worker_told_to_stop_at_any_moment_of_its_beginning_stops(company, cancelled):
    """A cancellation that a query of the beginning swallows does not keep it for ever."""

    async def begun_and_stopped(session, after_s):
        stop = asyncio.Event()
        worker = Worker(engine=session.engine, sequencer=session.sequencer, concurrency=8)
        task = asyncio.create_task(worker.run(stop))
        await asyncio.sleep(after_s)
        stop.set()
        if cancelled:
            task.cancel()
        async with asyncio.timeout(20):
            await asyncio.wait((task,))

    for step in range(4):
        company.in_session(lambda session, step=step: begun_and_stopped(session, 0.004 * step))
