"""SCIM service providers side by side: CPU per request, requests a second, 99th percentile of latency.

What is counted and how is said in docs/benchmarks.md. `--quick` runs everything once and short, to see that it runs.
"""

import argparse
import itertools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from bench.scim_contestants import BARE, DATABASE, NAMES, OURS, SERVER, Contestant, running
from bench.scim_load import Asked, Load, load
from bench.scim_work import PAGE, QUESTIONS, Place, Trial, Work, by_external_id, by_name, page_from, tried
from tests.servers.foreign import ServerMissing

READING = (Work.GET, Work.FILTER, Work.EXTERNAL, Work.LIST)
EXPECTED = frozenset({200, 201, 204})
UNCACHED = "lastday, nothing at hand"
WITH_DATABASE = "lastday with its database"
WHOLE_WAY = "lastday, the whole way"
"""A read with a header that makes us look twice, so that it goes through the application as all other requests do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    users: int
    rounds: int
    seconds: float
    connections: int
    warm_up: float
    contestants: Sequence[str]
    works: Sequence[Work] = tuple(Work)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one server did with one work in one round."""

    name: str
    work: Work
    load: Load
    driver_us: float


FULL = Sizes(users=500, rounds=3, seconds=3.0, connections=8, warm_up=1.0, contestants=NAMES)
QUICK = Sizes(users=30, rounds=1, seconds=0.1, connections=2, warm_up=0.05, contestants=NAMES)


def main() -> None:
    """Prints one JSON object, and the same as a table with the ratios below it on standard error."""
    sizes, with_filters = _sizes()
    refused: dict[str, dict[str, str]] = {}
    load_before = os.getloadavg()
    measured = [one for _ in range(sizes.rounds) for one in _round(sizes, refused)]
    cells = _cells(measured)
    ratios = _ratios(measured)
    found = {
        "schema": "lastday/bench-scim/1",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load_before": load_before},
        "users": sizes.users,
        "rounds": sizes.rounds,
        "seconds": sizes.seconds,
        "connections": sizes.connections,
        "driver_cpu_us": _spread([one.driver_us for one in measured]),
        "results": cells,
        "cannot_or_in_part": refused,
        "filters": _filters() if with_filters else None,
        "load_after": os.getloadavg(),
        "ratios": ratios,
    }
    print(json.dumps(found, indent=2))
    print("\n".join((*_table(cells, refused), *_ratio_lines(ratios), _load_line())), file=sys.stderr)


def _sizes() -> tuple[Sizes, bool]:
    parser = argparse.ArgumentParser(prog="python -m bench scim")
    parser.add_argument("--quick", action="store_true", help="once and short")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="for one work of one server")
    parser.add_argument("--connections", type=int)
    parser.add_argument("--works", help=f"some of {','.join(work.name.lower() for work in Work)}")
    parser.add_argument("--only", help=f"some of {','.join(NAMES)}")
    given = parser.parse_args(sys.argv[2:])
    usual = QUICK if given.quick else FULL
    sizes = Sizes(
        users=usual.users,
        rounds=given.rounds or usual.rounds,
        seconds=given.seconds or usual.seconds,
        connections=given.connections or usual.connections,
        warm_up=usual.warm_up,
        works=[Work[name.upper()] for name in given.works.split(",")] if given.works else usual.works,
        contestants=given.only.split(",") if given.only else usual.contestants,
    )
    return sizes, not (given.quick or given.only or given.works)


def _round(sizes: Sizes, refused: dict[str, dict[str, str]]) -> Iterator[Measured]:
    """Servers that were started for this round only, each work at all of them before the next work."""
    with ExitStack() as stack:
        contestants = list(_running(stack, sizes, refused))
        for work in sizes.works:
            for one in contestants:
                trial = tried(one.place, work) if work in one.works else Trial("not asked")
                if trial.wrong:
                    refused.setdefault(one.name, {})[work] = trial.wrong
                if trial.in_part or not trial.wrong:
                    yield _measured(one, work, sizes)
                if one.name == OURS and work is Work.GET:
                    yield _measured(_looked_at_twice(one), work, sizes)
                if one.another is not None and work in READING:
                    yield _measured_anew(one, work, sizes)


def _running(stack: ExitStack, sizes: Sizes, refused: dict[str, dict[str, str]]) -> Iterator[Contestant]:
    for name in sizes.contestants:
        try:
            yield stack.enter_context(running(name, sizes.users))
        except ServerMissing as missing:
            refused[name] = {"all": str(missing)}


def _measured(one: Contestant, work: Work, sizes: Sizes) -> Measured:
    questions = QUESTIONS[work](one.place)
    load(one.place.url, questions, connections=sizes.connections, seconds=sizes.warm_up, watched={})
    return _loaded(one.name, work, one.place.url, questions, sizes, one.watched())


def _looked_at_twice(one: Contestant) -> Contestant:
    headers = {**one.place.headers, "X-Request-Id": "bench-1"}
    return replace(one, name=WHOLE_WAY, place=replace(one.place, headers=headers))


def _measured_anew(one: Contestant, work: Work, sizes: Sizes) -> Measured:
    """Each question once, to a process that was asked nothing yet but what is not there."""
    assert one.another is not None
    with one.another() as server:
        place = Place(url=server.url, token=one.place.token, ids=one.place.ids)
        unknown, questions = _unknown(place, work), _once(place, work)
        load(place.url, unknown, connections=sizes.connections, seconds=sizes.warm_up, watched={})
        watched = {**one.watched(), SERVER: [server.pid]}
        return _loaded(UNCACHED, work, place.url, questions, sizes, watched)


def _once(place: Place, work: Work) -> Iterator[Asked]:
    if work is Work.LIST:
        return (place.asked("GET", page_from(at)) for at in range(1, max(len(place.ids) - PAGE, 1) + 1))
    return itertools.islice(QUESTIONS[work](place), len(place.ids))


def _unknown(place: Place, work: Work) -> Iterator[Asked]:
    paths = {
        Work.GET: lambda at: f"/Users/none-{at}",
        Work.FILTER: lambda at: by_name(10_000 + at),
        Work.EXTERNAL: lambda at: by_external_id(10_000 + at),
        Work.LIST: lambda at: page_from(10_000 + at),
    }
    return (place.asked("GET", paths[work](at)) for at in range(40))


def _loaded(
    name: str, work: Work, url: str, questions: Iterator[Asked], sizes: Sizes, watched: Mapping[str, Sequence[int]]
) -> Measured:
    began = time.process_time()
    found = load(url, questions, connections=sizes.connections, seconds=sizes.seconds, watched=watched)
    return Measured(
        name=name, work=work, load=found, driver_us=(time.process_time() - began) * 1e6 / max(found.requests, 1)
    )


# What came of it -----------------------------------------------------------------------------------------------------


def _cells(measured: Sequence[Measured]) -> dict[str, dict[str, dict[str, Any]]]:
    cells: dict[str, dict[str, dict[str, Any]]] = {}
    for name, work in dict.fromkeys((one.name, one.work) for one in measured):
        loads = [one.load for one in measured if (one.name, one.work) == (name, work)]
        cells.setdefault(name, {})[work] = _cell(loads)
    return cells


def _cell(loads: Sequence[Load]) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cpu_us": _spread([one.cpu_us[SERVER] for one in loads]),
        "per_second": _spread([one.per_second for one in loads]),
        "p99_ms": _spread([one.latency_ms(0.99) for one in loads]),
        "requests": sum(one.requests for one in loads),
    }
    if DATABASE in loads[0].cpu_us:
        cell["database_cpu_us"] = _spread([one.cpu_us[DATABASE] for one in loads])
    failed = sum(count for one in loads for status, count in one.statuses.items() if status not in EXPECTED)
    return {**cell, "failed": failed} if failed else cell


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {"median": round(median(values), 2), "range": [round(min(values), 2), round(max(values), 2)]}


def _ratios(measured: Sequence[Measured]) -> dict[str, dict[str, Any]]:
    """CPU per request of the server's own processes, as ratios within one round; ours also with its database's."""
    rounds = _cpu_by_round(measured)
    names = [name for name in dict.fromkeys(one.name for one in measured) if name != OURS]
    wanted = {f"{name} / {OURS}": (name, OURS) for name in names}
    wanted |= {f"{name} / {WITH_DATABASE}": (name, WITH_DATABASE) for name in names if not name.startswith(OURS)}
    wanted |= {f"{name} / {BARE} GET": (name, BARE) for name in (WHOLE_WAY, OURS)}
    return {
        label: found for label, (upper, lower) in wanted.items() if (found := _by_work(rounds, upper, lower, label))
    }


def _by_work(
    rounds: Sequence[Mapping[tuple[str, Work], float]], upper: str, lower: str, label: str
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for work in Work:
        below = (lower, Work.GET if label.endswith("GET") else work)
        pairs = [(one[upper, work], one[below]) for one in rounds if (upper, work) in one and below in one]
        if pairs and all(under for _, under in pairs):
            found[work] = _spread([over / under for over, under in pairs])
    return found


def _cpu_by_round(measured: Sequence[Measured]) -> list[dict[tuple[str, Work], float]]:
    rounds: list[dict[tuple[str, Work], float]] = []
    for one in measured:
        key = (one.name, one.work)
        place = next((known for known in rounds if key not in known), None)
        if place is None:
            place = {}
            rounds.append(place)
        place[key] = one.load.cpu_us[SERVER]
        if one.name == OURS:
            place[WITH_DATABASE, one.work] = sum(one.load.cpu_us.values())
    return rounds


def _filters() -> Any:
    """What `python -m bench filters` says, in a process of its own."""
    ran = subprocess.run([sys.executable, "-m", "bench", "filters"], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def _table(cells: Mapping[str, Mapping[str, Any]], refused: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    yield "CPU us per request of the server's processes [+ its database's], requests/s, p99 ms"
    yield " | ".join(("", *Work))
    for name in dict.fromkeys((*cells, *refused)):
        reasons = refused.get(name, {})
        yield " | ".join((name, *(_shown(cells.get(name, {}).get(work), reasons.get(work, "")) for work in Work)))


def _shown(cell: Mapping[str, Any] | None, reason: str) -> str:
    if cell is None:
        return reason or "-"
    database = f" + {cell['database_cpu_us']['median']:.0f}" if "database_cpu_us" in cell else ""
    failed = f", {cell['failed']} FAILED" if "failed" in cell else ""
    rate, p99 = cell["per_second"]["median"], cell["p99_ms"]["median"]
    return f"{cell['cpu_us']['median']:.0f}{database} ({rate:.0f}/s, {p99:.1f} ms{failed}) {reason}".rstrip()


def _ratio_lines(ratios: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for label, works in ratios.items():
        shown = (f"{work} {one['median']:g} ({one['range'][0]:g}-{one['range'][1]:g})" for work, one in works.items())
        yield f"{label}: {', '.join(shown)}"


def _load_line() -> str:
    return f"load average {' '.join(f'{one:.1f}' for one in os.getloadavg())}"
