"""What clients push is taken in behind the brakes of a file (S-16, S-42; issue acceptance 5)."""

import asyncio
from datetime import datetime, timedelta

import pytest

from lastday.execution import pushed_intake, reconcile
from lastday.execution.pushed_intake import take_in_pushes
from lastday.execution.pushing import PushWriter
from lastday.execution.reconcile import Reconciler
from lastday.model.identity import Lifecycle
from lastday.model.ids import SourceName
from lastday.store import identities
from lastday.store.pushes import pending_pushes, pushes_of_batch
from tests.integration.execution.company import MONDAY
from tests.integration.execution.pushed_company import (
    NINE,
    PERSON,
    SOURCE,
    TEN,
    PushedCompany,
    configuration,
    found_pushed_company,
    gone,
    job,
    patch,
    person,
)
from tests.integration.execution.pushes import ENTERPRISE, GROUP, GROUP_SCHEMA, client, post

IDP = SourceName("idp")


@pytest.fixture
def company(tmp_path, database_url):
    return found_pushed_company(tmp_path, database_url)


def fetched(company, query, *parameters, at=MONDAY):
    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await tx.fetch_all(query, parameters)

    return company.in_session(work, at)


def changes(company):
    """Every change of every batch but the first load's: kind, employee number, surprise, who stopped it."""
    numbers = numbers_of(company)
    rows = fetched(
        company,
        "SELECT c.kind, c.identity, c.stopped_by FROM change c JOIN batch b ON b.id = c.batch"
        " WHERE b.cause <> 'first_load' ORDER BY b.opened_at, c.ordinal",
    )
    return [(row["kind"], numbers[row["identity"]], row["stopped_by"]) for row in rows]


def books_of(company, number):
    """Whether the person has the entitlement of the group Books in chat."""
    return "group/books" in {one.entitlement for one in company.chat.of(f"E{number}").holdings}


def minute(number):
    """So many minutes after nine."""
    return f"2026-11-23T09:{number:02}:00+00:00"


def numbers_of(company):
    return {one.id: one.employee_number for one in everybody(company)}


def everybody(company):
    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await identities.load_identities(tx)

    return company.in_session(work)


def of(company, number):
    [found] = [one for one in everybody(company) if one.employee_number == number]
    return found


def waiting(company):
    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await pending_pushes(tx, IDP, 1000)

    return company.in_session(work)


def findings(company):
    return [
        (row["code"], row["subject"])
        for row in fetched(company, "SELECT code, subject FROM finding WHERE closed_at IS NULL ORDER BY code, subject")
    ]


# ---------------------------------------------------------------- the first load


def test_pushes_wait_until_somebody_accepts_the_first_load(tmp_path, database_url):
    """They are stored and answered; nobody is taken in, also not by the loop, and a finding says why."""
    company = PushedCompany(tmp_path, database_url)
    company.config.write_text(configuration(), encoding="utf-8")
    company.export_design()
    company.hire_pushed(1, 2, 3)
    company.take_in()
    assert everybody(company) == ()
    assert len(waiting(company)) == 3
    assert findings(company) == [("S120", "source/idp")]
    refused = company.lastday("source", "read", "idp", code=4)
    assert "3 users, 3 changes wait" in refused.err
    listed = company.lastday("source", "diff", "idp", "--json").json
    assert (listed["pushes"], listed["rows"], listed["first_load"]) == (3, 3, True)
    assert [one["kind"] for one in listed["changes"]] == ["joined"] * 3
    read = company.lastday("source", "read", "idp", "--accept", "--json").json
    assert (read["first_load"], read["changes"], read["stopped"]) == (True, {"joined": 3}, 0)
    assert waiting(company) == ()
    assert findings(company) == []
    assert {one.employee_number for one in everybody(company)} == {"E1", "E2", "E3"}


def test_what_waits_for_the_acceptance_is_counted_and_not_read(tmp_path, database_url, monkeypatch):
    """The loop wakes up with every push of a first load: reading all of it each time would be quadratic."""
    company = PushedCompany(tmp_path, database_url)
    company.config.write_text(configuration(), encoding="utf-8")
    company.export_design()
    company.hire_pushed(1, 2)
    company.push(patch(company.ids[1], title="Lead"), gone(company.ids[2]))
    for name in ("pending_pushes", "read_all"):
        monkeypatch.setattr(pushed_intake, name, None)
    company.take_in()
    [found] = fetched(company, "SELECT code, detail FROM finding")
    assert (found["code"], found["detail"]) == (
        "S120",
        "this is the first load of source idp: 1 users, 4 changes wait",
    )


def test_before_anything_was_pushed_nothing_waits_for_a_person(tmp_path, database_url):
    company = PushedCompany(tmp_path, database_url)
    company.config.write_text(configuration(), encoding="utf-8")
    company.export_design()
    assert "nothing waits" in company.lastday("source", "read", "idp").out
    assert findings(company) == []


def test_a_first_load_opens_no_case_and_its_plan_waits_for_a_person(tmp_path, database_url):
    """As the first file of a source does."""
    company = PushedCompany(tmp_path, database_url)
    company.config.write_text(configuration(), encoding="utf-8")
    company.export_design()
    company.hire_pushed(1, 2)
    company.lastday("source", "read", "idp", "--accept")
    company.go_on()
    assert fetched(company, "SELECT id FROM case_file") == []
    assert company.chat.writes == []


def test_an_accepted_file_of_the_same_name_is_no_accepted_first_load(tmp_path, database_url):
    """Who turns a file into a pushed source looks again before anything of it is believed."""
    company = PushedCompany(tmp_path, database_url)
    company.config.write_text(configuration(), encoding="utf-8")
    company.export_design()
    fetched(
        company,
        "INSERT INTO feed (id, source, received_at, digest, rows, columns, keys, accepted, findings)"
        " VALUES ('f', 'idp', now(), %s, 1, '{employee_id}', '{E1}', true, '[]') RETURNING id",
        "0" * 64,
    )
    company.hire_pushed(1)
    company.take_in()
    assert everybody(company) == ()


# ---------------------------------------------------------------- leaving and coming back


def test_a_leaver_pushed_is_out_without_a_command(company):
    """Issue acceptance 5, without the network: active = false is planned, carried out and read back by the loop."""
    assert company.chat.of("E3").enabled
    company.push(patch(company.ids[3], active=False), at=NINE)
    company.go_on(at=NINE)
    assert not company.chat.of("E3").enabled
    assert changes(company) == [("left", "E3", None)]
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c3"}


def test_who_is_switched_off_left_when_we_heard_of_it(company):
    company.push(patch(company.ids[3], active=False), at=NINE)
    company.take_in(at=TEN)
    [ended] = of(company, "E3").engagements
    assert ended.ends_at is not None
    assert abs(ended.ends_at - datetime.fromisoformat(NINE)) < timedelta(minutes=1)
    [case] = company.lastday("case", "list", "--all", "--json").json["cases"]
    assert case["effective_at"].startswith("2026-11-23T09:00")


def test_a_stated_end_before_the_push_is_when_the_person_left(company):
    """Whichever is earlier."""
    said = {"endsAt": "2026-11-22T15:00:00Z"}
    company.push(patch(company.ids[3], active=False, also={PERSON: said}), at=NINE)
    company.take_in(at=NINE)
    [ended] = of(company, "E3").engagements
    assert ended.ends_at == datetime.fromisoformat("2026-11-22T15:00:00+00:00")


def test_a_later_stated_end_does_not_keep_in_who_is_switched_off(company):
    """Unlike a file, whose `ended` with a later day is believed about the day."""
    company.push(patch(company.ids[3], active=False, also={PERSON: {"endDate": "2026-12-31"}}), at=NINE)
    company.go_on(at=NINE)
    assert not company.chat.of("E3").enabled


def test_a_later_end_of_somebody_who_is_switched_on_is_kept_until_it_comes(company):
    """The loop acts at the hour; the end is known from the push on."""
    company.push(patch(company.ids[3], also={PERSON: {"endsAt": "2026-11-23T09:30:00Z"}}), at=NINE)
    company.go_on(at=NINE)
    assert company.chat.of("E3").enabled

    async def work(session):
        await reconcile.reconcile_due(session.engine)

    company.in_session(work, at=TEN)
    company.go_on(at=TEN)
    assert not company.chat.of("E3").enabled


def test_a_deleted_user_has_left(company):
    """DELETE is the hardest word of a client (RFC 7644 section 3.6)."""
    company.push(gone(company.ids[4]), at=NINE)
    company.go_on(at=NINE)
    assert not company.chat.of("E4").enabled
    assert changes(company) == [("left", "E4", None)]


def test_who_was_deleted_before_anybody_took_them_in_leaves_nothing(company):
    [made] = company.push(post(person(50)))
    company.push(gone(made))
    company.take_in()
    assert "E50" not in numbers_of(company).values()


def test_switched_on_again_after_days_is_a_rehire(company):
    """The gap that was seen stays in the history: the person left and joined."""
    company.push(patch(company.ids[3], active=False), at=MONDAY)
    company.go_on(at=MONDAY)
    friday = "2026-11-27T06:00:00+00:00"
    company.push(patch(company.ids[3], active=True), at=friday)
    company.go_on(at=friday)
    assert [kind for kind, _, _ in changes(company)] == ["left", "joined"]
    assert company.chat.of("E3").enabled
    person_3 = of(company, "E3")
    assert len(person_3.engagements) == 2
    assert person_3.lifecycle_at(datetime.fromisoformat("2026-11-25T06:00:00+00:00")) is Lifecycle.ENDED
    assert person_3.lifecycle_at(datetime.fromisoformat("2026-11-27T06:05:00+00:00")) is Lifecycle.ACTIVE


def test_a_rehire_lasts_through_later_pushes(company):
    """What the resource states of a first day belongs to the stretch that is over."""
    company.push(patch(company.ids[3], active=False, also={PERSON: {"startDate": "2020-01-01"}}), at=MONDAY)
    company.take_in(at=MONDAY)
    friday, saturday = "2026-11-27T06:00:00+00:00", "2026-11-28T06:00:00+00:00"
    company.push(patch(company.ids[3], active=True), at=friday)
    company.take_in(at=friday)
    company.push(patch(company.ids[3], title="Lead"), at=saturday)
    company.take_in(at=saturday)
    assert of(company, "E3").lifecycle_at(datetime.fromisoformat("2026-11-25T06:00:00+00:00")) is Lifecycle.ENDED
    assert [kind for kind, _, _ in changes(company)] == ["left", "joined", "moved"]


def test_switched_on_again_within_the_day_is_a_return(company):
    """Somebody was put out by mistake: nothing of a joiner happens."""
    company.push(patch(company.ids[3], active=False), at=NINE)
    company.go_on(at=NINE)
    company.push(patch(company.ids[3], active=True), at=TEN)
    company.go_on(at=TEN)
    assert [kind for kind, _, _ in changes(company)] == ["left", "returned"]
    assert company.chat.of("E3").enabled


def test_off_and_on_before_anybody_looked_is_nothing(company):
    """The resource as it stands counts: the newest word always wins."""
    company.push(patch(company.ids[3], active=False), patch(company.ids[3], active=True))
    company.go_on()
    assert changes(company) == []
    assert company.chat.writes == []


# ---------------------------------------------------------------- brakes


def test_a_burst_of_a_hundred_has_no_effect_beyond_the_limit(tmp_path, database_url):
    """S-22: a client that switches everybody off has nobody put out; the brakes see what a file would show them."""
    company = found_pushed_company(tmp_path, database_url, people=120)
    company.push(*(patch(company.ids[n], active=False) for n in range(1, 101)), at=NINE)
    company.go_on(at=NINE)
    held = [number for _, number, stopped in changes(company) if stopped is not None]
    assert len(held) == 100
    assert company.chat.writes == []


def test_a_slow_bleed_of_single_changes_is_stopped_like_a_file(tmp_path, database_url):
    """The brakes count over batches: one PATCH at a time passes up to the limit, and no further."""
    company = found_pushed_company(tmp_path, database_url, people=40)
    for number in range(1, 11):
        company.push(patch(company.ids[number], active=False), at=minute(number))
        company.take_in(at=minute(number))
    told = changes(company)
    assert [stopped is None for _, _, stopped in told] == [True] * 4 + [False] * 6
    company.go_on(at=TEN)
    assert {native_id for _, native_id, _ in company.chat.writes} == {"c1", "c2", "c3", "c4"}


def test_a_bleed_over_days_is_stopped_by_the_week(tmp_path, database_url):
    """Not more than the day's limit each day, and still not more than twice that in seven."""
    company = found_pushed_company(tmp_path, database_url, people=40)
    numbers = iter(range(1, 40))
    for day in range(23, 27):
        for hour in range(9, 12):
            at = f"2026-11-{day}T{hour:02}:00:00+00:00"
            company.push(patch(company.ids[next(numbers)], active=False), at=at)
            company.take_in(at=at)
    stopped = [code for _, _, code in changes(company)]
    assert stopped == [None] * 8 + ["B102"] * 4


def test_what_a_brake_holds_stays_held_while_the_client_goes_on(company):
    """Another word about the same people releases nobody."""
    for number in range(1, 8):
        company.push(patch(company.ids[number], active=False), at=NINE)
    company.go_on(at=NINE)
    company.push(*(patch(company.ids[n], title="Former") for n in range(1, 8)), at=TEN)
    company.go_on(at=TEN)
    assert company.chat.writes == []


# ---------------------------------------------------------------- rows that cannot be read


def test_an_unreadable_user_keeps_the_last_good_version_and_is_a_finding(company):
    company.push(patch(company.ids[3], timezone="Mars/Olympus", title="Clerk"))
    company.take_in()
    assert of(company, "E3").engagements[0].attributes.text("title") is None
    assert ("S130", f"idp/{company.ids[3]}") in findings(company)
    company.push(patch(company.ids[3], timezone="Europe/Berlin"))
    company.take_in()
    assert of(company, "E3").engagements[0].attributes.text("title") == "Clerk"
    assert findings(company) == []


def test_nothing_that_is_wrong_with_a_user_keeps_them_in_when_switched_off(company):
    """Who cannot be read is not thereby safe from leaving."""
    company.push(patch(company.ids[3], active=False, timezone="Mars/Olympus"), at=NINE)
    company.go_on(at=NINE)
    assert not company.chat.of("E3").enabled
    assert ("S130", f"idp/{company.ids[3]}") in findings(company)


def test_who_is_given_to_another_person_and_switched_off_is_out(company):
    """A row with another person key is refused, but not for its end."""
    company.push(patch(company.ids[3], active=False, externalId="somebody-else"), at=NINE)
    company.go_on(at=NINE)
    assert not company.chat.of("E3").enabled


def test_a_user_with_another_person_key_is_not_taken(company):
    company.push(patch(company.ids[3], externalId="k4", title="Chief"))
    company.take_in()
    assert ("S135", f"idp/{company.ids[3]}") in findings(company)
    assert of(company, "E3").engagements[0].attributes.text("title") is None


# ---------------------------------------------------------------- keys, groups, managers


def test_a_key_that_a_client_changes_hides_no_leaver(tmp_path, database_url):
    """The key that came first stays; the user is known by their id."""
    source = SOURCE.replace('person_key = "externalId"', 'key = "externalId"')
    company = found_pushed_company(tmp_path, database_url, source=source)
    company.push(patch(company.ids[3], externalId="new"), at=NINE)
    company.take_in(at=NINE)
    assert ("S140", "idp/k3") in findings(company)
    assert len(everybody(company)) == 12
    company.push(patch(company.ids[3], active=False), at=TEN)
    company.go_on(at=TEN)
    assert not company.chat.of("E3").enabled


def test_who_is_deleted_and_made_again_under_the_same_key_goes_on(tmp_path, database_url):
    """One take-in sees both: whoever is there counts."""
    source = SOURCE.replace('person_key = "externalId"', 'key = "externalId"')
    company = found_pushed_company(tmp_path, database_url, source=source)
    company.push(gone(company.ids[3]), at=NINE)
    company.hire_pushed(3, at=NINE)
    company.go_on(at=NINE)
    assert company.chat.of("E3").enabled
    company.push(patch(company.ids[3], active=False), at=TEN)
    company.go_on(at=TEN)
    assert not company.chat.of("E3").enabled


def test_groups_decide_access(company):
    """S-42: groups are usable in policy; a change of a group alone changes its members."""
    text = company.config.read_text(encoding="utf-8")
    role = '[role.books]\nwhen = \'groups.display eq "Books"\'\ngive = ["chat:group/books"]\n\n'
    company.config.write_text(text.replace("[leaver.standard]", f"{role}[leaver.standard]"), encoding="utf-8")
    company.lastday("plan", "--json")
    books = company.found_group("Books", 2, 4, at=NINE)
    company.go_on(at=NINE)
    assert books_of(company, 2)
    company.push(patch(books, GROUP, members=[{"value": company.ids[4]}]), at=TEN)
    company.go_on(at=TEN)
    assert not books_of(company, 2)
    assert books_of(company, 4)


def test_a_group_with_another_name_is_another_group_to_policy(company):
    books = company.found_group("Books", 2)
    company.take_in()
    assert of(company, "E2").engagements[0].attributes["groups.display"] == ("Books",)
    company.push(patch(books, GROUP, displayName="Ledgers", schemas=[GROUP_SCHEMA]))
    company.take_in()
    assert of(company, "E2").engagements[0].attributes["groups.display"] == ("Ledgers",)
    company.push(gone(books, GROUP))
    company.take_in()
    assert "groups.display" not in of(company, "E2").engagements[0].attributes


def test_a_manager_is_the_number_of_the_user_that_is_meant(company):
    """Clients name a manager by the id of a resource; people and policies know numbers."""
    led = job(2, manager={"value": company.ids[1]})
    company.push(patch(company.ids[2], also={ENTERPRISE: led}))
    company.take_in()
    assert of(company, "E2").engagements[0].attributes.text("manager") == "E1"


def test_a_manager_who_gets_another_number_has_it_with_everybody_they_lead(company):
    company.push(patch(company.ids[2], also={ENTERPRISE: job(2, manager={"value": company.ids[1]})}))
    company.take_in()
    company.push(patch(company.ids[1], also={ENTERPRISE: job(1, employeeNumber="E100")}))
    company.take_in()
    assert of(company, "E2").engagements[0].attributes.text("manager") == "E100"


def test_a_manager_who_is_not_known_stays_as_pushed(company):
    company.push(patch(company.ids[2], also={ENTERPRISE: job(2, manager={"value": "someone"})}))
    company.take_in()
    assert of(company, "E2").engagements[0].attributes.text("manager") == "someone"


def test_nobody_is_absent_from_what_is_pushed(company):
    """A newcomer has an address of somebody known, who is looked at for it and told to be another; no more."""
    company.push(post({**person(50), "emails": [{"value": "p3@small.example"}]}))
    company.take_in()
    assert [code for code, _ in findings(company)] == ["S138"]
    assert of(company, "E3").engagements[0].ends_at is None


# ---------------------------------------------------------------- bookkeeping


def test_a_batch_names_client_and_request_and_keeps_its_pushes(company):
    """S-41: who asked for it, and in which request."""
    by = client(name="okta-preview")
    company.push(patch(company.ids[3], by=by, request="req-77", active=False), at=NINE)
    company.take_in(at=NINE)
    [batch] = fetched(company, "SELECT id, reference, by FROM batch WHERE cause = 'feed'")
    assert "req-77" in batch["reference"]
    assert batch["by"] == "source idp via client okta-preview"

    async def work(session):
        async with session.engine.database.transaction() as tx:
            return await pushes_of_batch(tx, batch["id"])

    [push] = company.in_session(work)
    assert (push.request_id, push.client_name) == ("req-77", "okta-preview")
    taken = fetched(company, "SELECT content FROM entry WHERE kind = 'feed_accepted' AND batch = %s", batch["id"])
    assert b'"count":1' in bytes(taken[0]["content"])


def test_a_push_that_makes_no_difference_to_a_person_opens_no_batch(company):
    """It is taken all the same, so that it does not wait for ever."""
    company.push(patch(company.ids[3], nickName="Trey"))
    company.take_in()
    assert waiting(company) == ()
    assert fetched(company, "SELECT id FROM batch WHERE cause = 'feed'") == []


def test_everything_that_waits_is_taken_together(company):
    company.push(*(patch(company.ids[n], title="Lead") for n in range(1, 7)))
    company.take_in()
    assert len(fetched(company, "SELECT id FROM batch WHERE cause = 'feed'")) == 1


def test_taking_in_twice_at_once_takes_each_push_once(company):
    company.push(patch(company.ids[3], active=False), at=NINE)

    async def work(session):
        settings = session.engine.configuration.sources[IDP]
        return await asyncio.gather(*(take_in_pushes(session.engine, settings) for _ in range(3)))

    taken = company.in_session(work, at=NINE)
    assert sorted(one is None for one in taken) == [False, True, True]
    assert changes(company) == [("left", "E3", None)]


def test_reading_with_nothing_waiting_says_so(company):
    assert "nothing waits" in company.lastday("source", "read", "idp").out


def test_sources_are_listed_with_their_clients_and_what_waits(company):
    company.lastday("token", "new", "scim", "--source", "idp", "--name", "entra-production", "--profile", "entra")
    company.push(patch(company.ids[3], title="Lead"))
    [listed] = company.lastday("source", "list", "--json").json["sources"]
    assert (listed["clients"], listed["waiting"], listed["accepted"]) == (["entra-production"], 1, True)
    assert listed["last_push"] is not None
    assert "entra-production" in company.lastday("source", "list").out


# ---------------------------------------------------------------- the loop


def test_the_loop_is_woken_by_the_writer(company):
    """Each push begins a round of its own: there is one tick, and no other."""

    async def work(session):
        reconciler = Reconciler(engine=session.engine)
        await reconciler.tick()
        try:
            for plans, number in enumerate((2, 3, 4), start=1):
                await _push(session, patch(company.ids[number], active=False))
                await _until(session, plans)
        finally:
            await reconciler.close()

    company.in_session(work, at=NINE)


async def _push(session, write):
    writer = PushWriter(session.engine.database, session.engine.clock, session.engine.stamp)
    await writer.write(write)
    await writer.close()


async def _until(session, plans):
    """So many plans were made for feeds, and no push waits."""
    async with asyncio.timeout(20):
        while True:
            async with session.engine.database.transaction() as tx:
                row = await tx.fetch_one(
                    "SELECT count(*) AS n FROM batch WHERE cause = 'feed' AND planned_at IS NOT NULL"
                )
                if row["n"] == plans and not await pending_pushes(tx, IDP, 1):
                    return
            await asyncio.sleep(0.05)
