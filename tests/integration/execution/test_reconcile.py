"""The loop that nobody has to start."""

import asyncio
import os
from datetime import timedelta

import pytest

from lastday.execution import reconcile
from lastday.execution.source_watch import SourceWatch
from lastday.execution.worker import Worker
from lastday.store import looking_again
from lastday.store.leadership import Leadership
from tests.integration.execution.company import CONFIGURATION, TUESDAY, Company

EVENING = "2026-11-23T17:30:00+00:00"


async def worked(session, seconds=20.0):
    """Everything pending rests."""
    stop = asyncio.Event()
    working = asyncio.create_task(Worker(engine=session.engine, sequencer=session.sequencer, concurrency=8).run(stop))
    try:
        async with asyncio.timeout(seconds):
            while await unfinished(session):
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await working


async def unfinished(session):
    async with session.engine.database.transaction() as tx:
        row = await tx.fetch_one(
            "SELECT count(*) AS n FROM operation WHERE state IN"
            " ('planned', 'retrying', 'acting', 'uncertain', 'accepted', 'verified')"
        )
    return row["n"]


def looks(watch, company, *at_s, last=None):
    """What the watch says at these moments."""
    settings = company.compose().configuration(company.config)
    return [watch.delivered(settings.sources, last or {}, at) for at in at_s]


def test_somebody_leaves_at_their_hour_without_anybody_doing_anything(company):
    """S-18: Friday evening, no manual task."""
    company.deliver(E3={"end_date": "2026-11-23"})
    company.lastday("source", "read", "hr")
    company.settle()
    assert company.chat.of("E3").enabled

    async def work(session):
        await reconcile.reconcile_due(session.engine)
        await worked(session)

    company.in_session(work, at=EVENING)
    assert not company.chat.of("E3").enabled
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c3"}


def test_what_a_brake_holds_stays_held(company):
    """The loop never releases anything."""
    company.deliver(**{f"E{n}": {"status": "terminated", "end_date": "2026-11-23"} for n in range(1, 12)})
    company.lastday("source", "read", "hr", at=TUESDAY, code=4)

    async def work(session):
        await reconcile.reconcile_due(session.engine)
        await reconcile.sweep(session.engine)
        await worked(session)

    company.in_session(work, at=TUESDAY)
    assert not company.chat.writes


def test_released_people_go_by_themselves(company):
    """After two signatures the loop does the rest, for exactly those."""
    company.deliver(**{f"E{n}": {"status": "terminated", "end_date": "2026-11-23"} for n in range(1, 12)})
    batch = company.lastday("source", "read", "hr", "--json", at=TUESDAY, code=4).json["batch"]
    first = company.as_user("dana", "approve", batch, "--person", "E3", "--person", "E4", "--json", at=TUESDAY).json
    company.as_user("tom", "approve", first["text"].partition(" ")[0], at=TUESDAY)

    async def work(session):
        await reconcile.reconcile_due(session.engine)
        await worked(session)

    company.in_session(work, at=TUESDAY)
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c3", "c4"}


def test_a_delivered_file_is_read_when_it_rests(company):
    """T-03: a file that grows between two looks is left alone."""
    watch = SourceWatch(stable_s=2.0)
    assert looks(watch, company, 0.0) == [()]
    company.deliver(E3={"department": "Sales"})
    assert looks(watch, company, 2.5, 3.0, 4.0) == [(), (), ()]
    assert looks(watch, company, 4.6, 9.0) == [("hr",), ()]


def test_the_same_content_delivered_again_counts_once_more(company):
    """Absence is counted in files; after a start, what is known already is not read again."""
    watch = SourceWatch(stable_s=0.0)
    known = {"hr": company.in_session(last_digest)}
    assert looks(watch, company, 0.0, 0.1, 0.2, last=known) == [(), (), ()]
    later = (company.folder / "people.csv").stat().st_mtime_ns + 10**9
    os.utime(company.folder / "people.csv", ns=(later, later))
    assert looks(watch, company, 1.0, 1.1, 1.2, last=known) == [(), ("hr",), ()]


async def last_digest(session):
    async with session.engine.database.transaction() as tx:
        return (await tx.fetch_one("SELECT digest FROM feed ORDER BY received_at DESC LIMIT 1"))["digest"]


def test_a_whole_round_reads_plans_and_does(company):
    """Feed to effect with no command at all."""
    company.deliver(E3={"status": "terminated", "end_date": "2026-11-23"})

    async def work(session):
        watch = SourceWatch(stable_s=0.0)
        await reconcile.go_round(session.engine, watch)
        await reconcile.go_round(session.engine, watch)
        await worked(session)

    company.in_session(work, at=TUESDAY)
    assert not company.chat.of("E3").enabled


def test_a_first_load_is_never_accepted_or_carried_out_by_the_loop(tmp_path, database_url):
    """Design section 7: the first load needs a person; until its plan is made, no sweep acts on it."""
    company = Company(tmp_path, database_url)
    company.config.write_text(CONFIGURATION, encoding="utf-8")
    company.hire(1)
    company.chat.accounts.clear()
    company.export_design()
    company.deliver()

    async def work(session):
        watch = SourceWatch(stable_s=0.0)
        for _ in range(3):
            await reconcile.go_round(session.engine, watch)

    company.in_session(work)
    company.lastday("source", "read", "hr", "--accept")
    company.in_session(work)
    assert not company.chat.writes


def test_a_part_that_fails_holds_up_no_other(company, caplog):
    """A source that is gone does not keep a leaver in."""
    company.deliver(E3={"end_date": "2026-11-23"})
    company.lastday("source", "read", "hr")
    company.settle()
    (company.folder / "people.csv").unlink()

    async def work(session):
        await reconcile.go_round(session.engine, SourceWatch(stable_s=0.0))
        await worked(session)

    company.in_session(work, at=EVENING)
    assert not company.chat.of("E3").enabled


def test_a_part_that_breaks_by_a_fault_of_ours_holds_up_no_other(company, monkeypatch, caplog):
    """One loop error does not stop the others; it is told with where it happened."""
    company.deliver(E3={"end_date": "2026-11-23"})
    company.lastday("source", "read", "hr")
    company.settle()

    async def broken(_engine, _watch):
        raise ZeroDivisionError

    monkeypatch.setattr(reconcile, "read_delivered", broken)

    async def work(session):
        await reconcile.go_round(session.engine, SourceWatch(stable_s=0.0))
        await worked(session)

    company.in_session(work, at=EVENING)
    assert not company.chat.of("E3").enabled
    assert [r.part for r in caplog.records if r.exc_info and r.exc_info[0] is ZeroDivisionError] == [
        "read delivered sources"
    ]


def test_a_feed_that_changes_nothing_asks_no_application(company):
    """A batch without changes has nothing to plan."""
    company.chat.down = True
    company.deliver()
    company.lastday("source", "read", "hr", at=TUESDAY)

    async def work(session):
        return await reconcile.plan_waiting(session.engine)

    assert company.in_session(work, at=TUESDAY) == ()
    assert company.lastday("findings", "--code", "A105", "--json").json["findings"] == []


def test_a_case_that_failed_is_tried_again_when_the_application_is_back(company):
    """S-20: keeps retrying; not more often than every 15 minutes."""
    company.chat.down = True
    company.as_user("dana", "leave", "E3", "--reason", "x")

    async def retried(session):
        found = await reconcile.retry_unfinished(session.engine)
        await worked(session)
        return len(found)

    assert company.in_session(retried, at="2026-11-23T06:20:00+00:00") == 1
    assert company.chat.of("E3").enabled
    company.chat.down = False
    assert company.in_session(retried, at="2026-11-23T06:30:00+00:00") == 0
    assert company.in_session(retried, at="2026-11-23T06:40:00+00:00") == 1
    assert not company.chat.of("E3").enabled
    shown = company.lastday("case", "list", "--all", "--json", at=TUESDAY).json["cases"]
    assert [case["state"] for case in shown] == ["complete"]


def test_whoever_waits_for_a_person_is_not_planned_again_and_again(company):
    """A task by hand is not brought nearer by a new plan."""
    company.export_design(("d3", "E3", "yes"))
    company.settle(at="2026-11-23T06:05:00Z")
    company.as_user("dana", "leave", "E3", "--reason", "x", "--wait", at="2026-11-23T06:06:00Z")

    async def retried(session):
        return await reconcile.retry_unfinished(session.engine)

    assert company.in_session(retried, at=TUESDAY) == ()


def test_everybody_is_compared_every_six_hours(company):
    """Level-triggered: a holding taken away by hand comes back with the sweep, and a sweep is not repeated early."""

    async def swept(session):
        plan = await reconcile.sweep(session.engine)
        await worked(session)
        return plan is not None

    assert company.in_session(swept)
    company.chat.add("c3", "p3@small.example", "group/all", externalId="E3")
    assert not company.in_session(swept, at="2026-11-23T09:00:00+00:00")
    assert company.in_session(swept, at="2026-11-23T12:01:00+00:00")
    assert company.chat.of("E3").holds("group/engineers")


def test_people_to_be_looked_at_again_are(company):
    """An effect that landed after a newer decision is undone."""
    identity = company.identity("E3")
    company.chat.add("c3", "p3@small.example", "group/all", "group/engineers", externalId="E3", enabled=False)

    async def noted(session):
        now = session.engine.clock.now()
        async with session.engine.database.transaction() as tx:
            await looking_again.note(tx, identity, now + timedelta(seconds=-1), "test")
        found = await reconcile.look_again(session.engine)
        await worked(session)
        return found

    assert company.in_session(noted, at="2026-11-23T06:30:00+00:00") == (identity,)
    assert company.chat.of("E3").enabled


async def test_one_process_of_all_leads_until_it_goes(database):
    first, second = Leadership(database.url, "test"), Leadership(database.url, "test")
    assert await first.held()
    assert not await second.held()
    assert await first.held()
    await first.close()
    assert await second.held()
    await second.close()


@pytest.mark.parametrize("leading", [True, False])
def test_only_the_leader_goes_rounds(company, leading):
    """Ticks return at once; without the leadership nothing is planned."""
    company.deliver(E3={"end_date": "2026-11-23"})
    company.lastday("source", "read", "hr")
    company.settle()

    async def work(session):
        other = Leadership(session.engine.database.url, "lastday reconciler")
        if not leading:
            assert await other.held()
        loop = reconcile.Reconciler(engine=session.engine)
        await loop.tick()
        for _ in range(400):
            await asyncio.sleep(0.01)
            if loop._round is not None and loop._round.done():
                break
        await loop.close()
        await other.close()
        return await unfinished(session)

    assert bool(company.in_session(work, at=EVENING)) is leading


def test_two_ticks_at_once_open_one_batch(company):
    """Two workers on one database do not count a leaver twice."""
    company.deliver(E3={"end_date": "2026-11-23"})
    company.lastday("source", "read", "hr")
    company.settle()

    async def work(session):
        await asyncio.gather(*(reconcile.reconcile_due(session.engine) for _ in range(3)))
        async with session.engine.database.transaction() as tx:
            rows = await tx.fetch_all("SELECT 1 FROM change WHERE kind = 'left'")
        await worked(session)
        return len(rows)

    assert company.in_session(work, at=EVENING) == 1
    assert not company.chat.of("E3").enabled
