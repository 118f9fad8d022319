"""`serve` as its own process: it reads, acts and stops; its children are the test's to end."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.integration.execution.company import CONFIGURATION, TOKENS, Company


@pytest.fixture
def by_hand_only(tmp_path, database_url):
    """The company without chat: a process of its own cannot share an application in memory."""
    company = Company(tmp_path, database_url)
    before, _, rest = CONFIGURATION.partition("[app.chat]")
    design = rest[rest.index("[app.design]") : rest.index("[role.everyone]")]
    leaver = rest[rest.index("[leaver.standard]") :]
    company.config.write_text(before + design + leaver, encoding="utf-8")
    for number in range(1, 13):
        company.hire(number)
    company.export_design(("d3", "E3", "yes"))
    company.deliver()
    company.lastday("source", "read", "hr", "--accept")
    company.settle()
    return company


def serving(company, *arguments):
    environment = {**os.environ, **TOKENS, "DATABASE_URL": company.url, "LASTDAY_HOME": str(company.folder / "home")}
    return subprocess.Popen(
        [sys.executable, "-m", "lastday", *arguments, "-c", str(company.config)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def until(true, seconds=45.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)


def test_serve_takes_in_what_is_delivered_and_asks_for_what_is_to_be_done(by_hand_only):
    """Feed to task with no command, then SIGTERM ends it with 0."""
    company = by_hand_only
    process = serving(company, "serve")
    try:
        company.deliver(E3={"status": "terminated", "end_date": "2026-11-20"})
        until(lambda: company.lastday("case", "list", "--all", "--json").json["cases"])
        until(lambda: tasks(company))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert "serving as" in err


def tasks(company):
    shown = company.lastday("case", "show", "E3", "--json").json["cases"]
    return [o for case in shown for o in case["operations"] if o["state"] == "manual"]


def test_serve_without_a_worker_stops_when_told(by_hand_only):
    process = serving(by_hand_only, "serve", "--no-worker")
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert "without a worker" in line
    assert process.returncode == 0
