"""The spine, measured: one leaver in 20 applications against the critical path of calls; 200 leavers in 4 applications.

What is counted and how is said in docs/benchmarks.md.
"""

import asyncio
import json
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench.company import Company, open_company, opened, planned_and_applied
from lastday.app import Session, calm_collector
from lastday.execution.rounds import Goal, watch_until
from lastday.model.ids import OperationId
from tests.servers.scim import Request

LATENCY_MS = 50
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
APPLICATIONS = int(os.environ.get("BENCH_APPLICATIONS", "20"))
LEAVERS = int(os.environ.get("BENCH_LEAVERS", "200"))
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Prints one JSON object with both measurements."""
    calm_collector()
    found = {
        "schema": "lastday/bench-spine/1",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": os.getloadavg()},
        "one_leaver": _one_leaver(),
        "many_leavers": _many_leavers(),
        "load_after": os.getloadavg(),
    }
    print(json.dumps(found, indent=2))


# One leaver ----------------------------------------------------------------------------------------------------------


def _one_leaver() -> dict[str, Any]:
    with ExitStack() as stack:
        company = open_company(stack, people=50, scim=APPLICATIONS, ledger=False)
        rounds = asyncio.run(_rounds(company))
    return {
        "applications": APPLICATIONS,
        "latency_ms": LATENCY_MS,
        "rounds": len(rounds),
        "operations": rounds[0].operations,
        "requests": _spread([r.requests for r in rounds]),
        "critical_path_calls": _spread([r.path for r in rounds]),
        "event_to_verified_s": _spread([r.elapsed for r in rounds]),
        "parts_s": {part: _spread([r.parts[part] for r in rounds]) for part in rounds[0].parts},
        "ratio": _spread([r.elapsed / (r.path * LATENCY_MS / 1000) for r in rounds]),
        "cpu_s": {part: _spread([r.cpu[part] for r in rounds]) for part in rounds[0].cpu},
        "load": os.getloadavg(),
    }


async def _rounds(company: Company) -> "list[_Round]":
    """The first round is left out: connections, names of groups and the like are known after it."""
    async with opened(company) as session:
        for server in company.scim.values():
            server.set_latency(LATENCY_MS)
        return [await _leave(company, session, list(range(n + 1))) for n in range(ROUNDS + 1)][1:]


@dataclass(slots=True, kw_only=True)
class _Round:
    elapsed: float
    operations: int
    requests: int
    path: int
    """How many requests the longest chain has."""
    parts: dict[str, float]
    cpu: dict[str, float]


async def _leave(company: Company, session: Session, gone: list[int]) -> _Round:
    """The last of `gone` leaves now; from before the file is read until everything is verified."""
    await asyncio.sleep(2.5)  # what the round before left to settle is over
    company.feed(gone)
    for server in company.scim.values():
        server.forget()
    cpu, begun = _Cpu.now(company), time.monotonic()
    mine = await planned_and_applied(session, gone[-1:])
    applied = time.monotonic()
    await _verified(session, mine)
    done = time.monotonic()
    spent = _Cpu.now(company).since(cpu)
    logs = [server.requests() for server in company.scim.values()]
    return _Round(
        elapsed=done - begun,
        operations=len(mine),
        requests=sum(len([r for r in log if r.ended <= done]) for log in logs),
        path=max(_longest_chain([r for r in log if r.ended <= done]) for log in logs),
        parts={"feed_and_plan": applied - begun, "act_and_verify": done - applied},
        cpu=spent,
    )


async def _verified(session: Session, mine: Sequence[OperationId]) -> None:
    stored = await watch_until(session.engine, Goal(operations=tuple(mine), verified_is_enough=True))
    states = {one.life.state.value for one in stored}
    assert states <= {"verified", "settled"}, states


def _longest_chain(requests: Sequence[Request]) -> int:
    """The most requests of one application of which each began after the one before had ended."""
    chain, free_at = 0, 0.0
    for request in sorted(requests, key=lambda r: r.ended):
        if request.began >= free_at:
            chain, free_at = chain + 1, request.ended
    return chain


# Many leavers --------------------------------------------------------------------------------------------------------


def _many_leavers() -> dict[str, Any]:
    with ExitStack() as stack:
        company = open_company(stack, people=LEAVERS + 50, scim=3, ledger=True)
        return asyncio.run(_many(company))


async def _many(company: Company) -> dict[str, Any]:
    """Without the applications' rates: what Lastday itself can do."""
    async with opened(company, limits=False) as session:
        company.feed(list(range(LEAVERS)))
        for server in company.scim.values():
            server.forget()
        planning = time.monotonic()
        mine = await planned_and_applied(session, list(range(LEAVERS)))
        begun, cpu, transactions = time.monotonic(), _Cpu.now(company), _transactions(session)
        with _statements() as counted:
            await _verified(session, mine)
        elapsed, spent = time.monotonic() - begun, _Cpu.now(company).since(cpu)
        done = _transactions(session) - transactions
        requests = sum(len(server.requests()) for server in company.scim.values())
    return {
        "leavers": LEAVERS,
        "applications": 4,
        "operations": len(mine),
        "feed_and_plan_s": round(begun - planning, 2),
        "act_and_verify_s": round(elapsed, 2),
        "operations_per_s": round(len(mine) / elapsed, 1),
        "scim_requests": requests,
        "cpu_ms_per_operation": {part: round(1000 * s / len(mine), 2) for part, s in spent.items()},
        "statements_per_operation": round(counted.number / len(mine), 1),
        "transactions_per_operation": round(done / len(mine), 1),
        "load": os.getloadavg(),
    }


@dataclass(slots=True)
class _Counter:
    number: int = 0


@contextmanager
def _statements() -> Iterator[_Counter]:
    """Counts every statement that this process sends through psycopg's async cursors, BEGIN and COMMIT left out."""
    counter, execute, many = _Counter(), psycopg.AsyncCursor.execute, psycopg.AsyncCursor.executemany

    async def counted(self: Any, *arguments: Any, **options: Any) -> Any:
        counter.number += 1
        return await execute(self, *arguments, **options)

    async def counted_many(self: Any, query: Any, rows: Any, **options: Any) -> Any:
        known = list(rows)
        counter.number += len(known)
        return await many(self, query, known, **options)

    psycopg.AsyncCursor.execute, psycopg.AsyncCursor.executemany = counted, counted_many  # type: ignore[method-assign,assignment]  # only while it is measured
    try:
        yield counter
    finally:
        psycopg.AsyncCursor.execute, psycopg.AsyncCursor.executemany = execute, many  # type: ignore[method-assign]  # as it was


def _transactions(session: Session) -> int:
    """Committed transactions of our database, as the server counts them."""
    with psycopg.connect(session.engine.database.url) as connection:
        row = connection.execute(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    return int(row[0]) if row else 0


# Processor time ------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Cpu:
    """Seconds so far: of this process, of our database's processes, of the applications' processes."""

    lastday: float
    database: dict[int, float] = field(default_factory=dict)
    applications: dict[int, float] = field(default_factory=dict)

    @classmethod
    def now(cls, company: Company) -> "_Cpu":
        database = {pid: _seconds(pid) for pid in _working_in(company.home / "pg")}
        applications = {server.pid: _seconds(server.pid) for server in company.scim.values()}
        return cls(time.process_time(), database, applications)

    def since(self, before: "_Cpu") -> dict[str, float]:
        """What was spent; a process that came or went between counts with what it shows now, or not at all."""
        return {
            "lastday": self.lastday - before.lastday,
            "database": sum(s - before.database.get(pid, 0.0) for pid, s in self.database.items()),
            "applications": sum(s - before.applications.get(pid, 0.0) for pid, s in self.applications.items()),
        }


def _working_in(folder: Path) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _cwd(entry) == folder]


def _cwd(process: Path) -> Path | None:
    try:
        return (process / "cwd").readlink()
    except OSError:
        return None


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": round(median(values), 3), "min": round(min(values), 3), "max": round(max(values), 3)}
