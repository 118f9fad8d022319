"""`serve` and `worker`: what goes on by itself."""

import asyncio
import contextlib
import logging
import signal
from typing import Annotated

import typer

from lastday.execution.reconcile import Reconciler
from lastday.execution.worker import Worker
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, services_of, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint
from lastday.model.errors import ExitCode
from lastday.store.database import DatabaseBusy, DatabaseLost

logger = logging.getLogger(__name__)

ConcurrencyOption = Annotated[int, typer.Option("--concurrency", min=1, help="How many accounts at once.")]
_SEQUENCE_S = 1.0


def add_to(app: typer.Typer) -> None:
    app.command("serve")(serve)
    app.command("worker")(worker)


def serve(
    context: typer.Context,
    no_worker: Annotated[bool, typer.Option("--no-worker", help="Workers run elsewhere.")] = False,
    concurrency: ConcurrencyOption = 32,
    config: ConfigOption = DEFAULT_CONFIG,
) -> int:
    """Runs Lastday: reads what sources deliver and takes what clients push, acts when somebody's hour has come, carries
    out what is pending."""

    async def work(session: Session) -> None:
        stop = _told_to_stop()
        async with services_of(context).web(session.engine) as web, asyncio.TaskGroup() as group:
            if web is not None:
                group.create_task(web.serve(stop))
                hint(f"listening on {web.address}")
            if no_worker:
                hint("serving without a worker; Ctrl-C stops")
                group.create_task(_only_serve(session, stop))
            else:
                hint(f"serving as {session.engine.worker}; Ctrl-C stops after what it has begun")
                group.create_task(_work(session, concurrency, stop))

    with_session(context, config, work, loop_factory=_quick_loop)
    return ExitCode.DONE


def worker(context: typer.Context, concurrency: ConcurrencyOption = 32, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Only the worker of `serve`. Any number of them, on any number of hosts, share one database."""

    async def work(session: Session) -> None:
        hint(f"worker {session.engine.worker} works; Ctrl-C stops it after what it has begun")
        await _work(session, concurrency, _told_to_stop())

    with_session(context, config, work)
    return ExitCode.DONE


def _quick_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # here, as other commands need none

    return uvloop.new_event_loop()


def _told_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop


async def _work(session: Session, concurrency: int, stop: asyncio.Event) -> None:
    reconciler = Reconciler(engine=session.engine)
    working = Worker(
        engine=session.engine, sequencer=session.sequencer, concurrency=concurrency, ticks=(reconciler.tick,)
    )
    try:
        await working.run(stop)
    finally:
        await reconciler.close()


async def _only_serve(session: Session, stop: asyncio.Event) -> None:
    """Until `stop`: entries that this and other processes write are numbered and signed, and our own database is kept
    alive. One that is lost or busy is waited for.
    """
    keeping = asyncio.ensure_future(session.engine.keep_database())
    try:
        while not stop.is_set():
            try:
                await session.sequencer.run_once()
            except (DatabaseLost, DatabaseBusy) as fault:
                logger.warning("entries wait to be numbered", extra={"cause": fault.code})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SEQUENCE_S):
                    await stop.wait()
    finally:
        keeping.cancel()
