"""`serve` and `worker`: what goes on by itself."""

import asyncio
import signal
from typing import Annotated

import typer

from lastday.execution.reconcile import Reconciler
from lastday.execution.worker import Worker
from lastday.interfaces.cli.context import DEFAULT_CONFIG, ConfigOption, with_session
from lastday.interfaces.cli.services import Session
from lastday.interfaces.cli.showing import hint
from lastday.model.errors import ExitCode

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
    """Runs Lastday: reads what sources deliver, acts when somebody's hour has come, carries out what is pending."""

    async def work(session: Session) -> None:
        stop = _told_to_stop()
        if no_worker:
            hint("serving without a worker; Ctrl-C stops")
            await _sequence_until(session, stop)
        else:
            hint(f"serving as {session.engine.worker}; Ctrl-C stops after what it has begun")
            await _work(session, concurrency, stop)

    with_session(context, config, work)
    return ExitCode.DONE


def worker(context: typer.Context, concurrency: ConcurrencyOption = 32, config: ConfigOption = DEFAULT_CONFIG) -> int:
    """Only the worker of `serve`. Any number of them, on any number of hosts, share one database."""

    async def work(session: Session) -> None:
        hint(f"worker {session.engine.worker} works; Ctrl-C stops it after what it has begun")
        await _work(session, concurrency, _told_to_stop())

    with_session(context, config, work)
    return ExitCode.DONE


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


async def _sequence_until(session: Session, stop: asyncio.Event) -> None:
    """Entries that other processes write are numbered and signed here too."""
    while not stop.is_set():
        await session.sequencer.run_once()
        await asyncio.wait((asyncio.create_task(stop.wait()),), timeout=_SEQUENCE_S)
