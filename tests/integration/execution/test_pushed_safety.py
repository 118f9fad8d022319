"""What no sequence of pushes may do: keep somebody in who is out, or touch somebody else (I1, I15; S-16, S-42)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lastday.execution import reconcile
from lastday.execution.reconcile import Reconciler
from lastday.model.ids import SourceName
from tests.integration.execution.company import CONFIGURATION
from tests.integration.execution.pushed_company import (
    NINE,
    NOTHING,
    PERSON,
    SOURCE,
    TEN,
    PushedCompany,
    configuration,
    found_pushed_company,
    gone,
    patch,
    person,
)
from tests.integration.execution.pushes import client, post
from tests.integration.execution.test_pushed_intake import _until as until_planned
from tests.integration.execution.test_pushed_intake import changes, everybody, findings, of

ELEVEN = "2026-11-23T11:00:00+00:00"
AFTER = datetime(2027, 1, 1, tzinfo=UTC)
KEYED = SOURCE.replace('person_key = "externalId"', 'key = "externalId"')
NAMED = SOURCE.replace('person_key = "externalId"', 'key = "userName"')


@pytest.fixture
def twins(tmp_path, database_url):
    """A company whose key is externalId, and a second user with that of person 3 who came later."""
    company = found_pushed_company(tmp_path, database_url, source=KEYED)
    [company.ids[33]] = company.push(post({**person(3), "userName": "twin@small.example"}), at=NINE)
    company.take_in(at=NINE)
    return company


# ---------------------------------------------------------------- keys that two users have


def test_a_newcomer_with_the_old_user_name_of_another_is_not_that_person(tmp_path, database_url):
    """I15: where userName is the key, it belongs to the user that came in with it for as long as that is there."""
    company = found_pushed_company(tmp_path, database_url, source=NAMED)
    company.push(patch(company.ids[3], userName="married@small.example"), at=NINE)
    company.take_in(at=NINE)
    [newcomer] = company.push(post({**person(99), "userName": "p3@small.example"}), at=TEN)
    company.take_in(at=TEN)
    assert of(company, "E3").engagements[0].attributes.text("userName") == "married@small.example"
    assert len(everybody(company)) == 12
    assert ("S130", f"idp/{newcomer}") in findings(company)


def test_a_second_user_of_a_key_is_told_and_changes_nobody(twins):
    assert ("S130", f"idp/{twins.ids[33]}") in findings(twins)
    assert of(twins, "E3").engagements[0].attributes.text("userName") == "p3@small.example"


def test_a_second_user_of_a_key_does_not_bring_back_who_is_off(twins):
    twins.push(patch(twins.ids[3], active=False), at=TEN)
    twins.go_on(at=TEN)
    assert not twins.chat.of("E3").enabled
    twins.push(patch(twins.ids[33], title="Clerk"), at=ELEVEN)
    twins.go_on(at=ELEVEN)
    assert not twins.chat.of("E3").enabled


def test_a_second_user_of_a_key_ends_nobody_by_going(twins):
    twins.push(gone(twins.ids[33]), at=TEN)
    twins.go_on(at=TEN)
    assert twins.chat.of("E3").enabled
    assert findings(twins) == []


def test_both_users_of_a_key_switched_off_at_once_are_out(twins):
    twins.push(patch(twins.ids[3], active=False), patch(twins.ids[33], active=False), at=TEN)
    twins.go_on(at=TEN)
    assert not twins.chat.of("E3").enabled


def test_a_second_user_of_a_key_has_it_when_the_first_is_deleted(twins):
    """Duplicates are cleared away by deleting the older one: whose key it is stays."""
    twins.push(gone(twins.ids[3]), at=TEN)
    twins.go_on(at=TEN)
    assert twins.chat.of("E3").enabled
    twins.push(patch(twins.ids[33], active=False), at=ELEVEN)
    twins.go_on(at=ELEVEN)
    assert not twins.chat.of("E3").enabled


# ---------------------------------------------------------------- one moment


class LeapingClock:
    """Ten seconds later with each look at it."""

    def __init__(self, at: str) -> None:
        self.instant = datetime.fromisoformat(at)

    def now(self) -> datetime:
        self.instant += timedelta(seconds=10)
        return self.instant


@pytest.mark.parametrize("seconds", [5, 25, 45])
def test_who_left_while_they_were_taken_in_left_once(tmp_path, database_url, seconds):
    """The clock of the host that writes is ahead of the one that takes in, which is a moment later at each look."""
    company = found_pushed_company(tmp_path, database_url)
    company.push(patch(company.ids[3], active=False), at=f"2026-11-23T09:00:{seconds:02}+00:00")

    async def taken_in(session):
        engine = replace(session.engine, clock=LeapingClock(NINE))
        await reconcile.take_in_pushed(engine)

    company.in_session(taken_in, NINE)
    company.go_on(at=TEN)
    company.in_session(lambda session: reconcile.reconcile_due(session.engine), TEN)
    assert [kind for kind, _, _ in changes(company)] == ["left"]


# ---------------------------------------------------------------- leavers in a bad company


@pytest.fixture
def company(tmp_path, database_url):
    return found_pushed_company(tmp_path, database_url)


def test_silence_does_not_bring_back_who_is_off(company):
    """A PUT without `active`, or its removal, says nothing (RFC 7643 section 4.1.1): nobody is hired by it."""
    company.push(patch(company.ids[3], active=False), at=NINE)
    company.go_on(at=NINE)
    company.push(patch(company.ids[3], active=None, title="Clerk"), at=TEN)
    company.go_on(at=TEN)
    assert not company.chat.of("E3").enabled
    company.push(patch(company.ids[3], active=True), at=ELEVEN)
    company.go_on(at=ELEVEN)
    assert company.chat.of("E3").enabled


BAD = [{"timezone": "Mars/Olympus"}, {"externalId": "somebody-else"}]


@pytest.mark.parametrize("bad", BAD, ids=["unreadable", "another person"])
def test_an_end_is_believed_whatever_is_wrong_with_the_rest(company, bad):
    company.push(patch(company.ids[3], **bad, title="Chief", also={PERSON: {"endDate": "2026-11-20"}}), at=NINE)
    company.go_on(at=NINE)
    assert not company.chat.of("E3").enabled
    assert of(company, "E3").engagements[0].attributes.text("title") is None
    assert ("S130", f"idp/{company.ids[3]}") in findings(company)


@pytest.mark.parametrize("bad", BAD, ids=["unreadable", "another person"])
def test_an_end_to_come_is_believed_whatever_is_wrong_with_the_rest(company, bad):
    company.push(patch(company.ids[3], **bad, also={PERSON: {"endDate": "2026-12-04"}}), at=NINE)
    company.go_on(at=NINE)
    assert company.chat.of("E3").enabled
    later = "2026-12-05T09:00:00+00:00"
    company.in_session(lambda session: reconcile.reconcile_due(session.engine), later)
    company.go_on(at=later)
    assert not company.chat.of("E3").enabled


STATUS = '[source.idp.map.status]\ncolumn = "title"\nactive = ["Here"]\nended = ["Gone"]\n\n'


@pytest.fixture
def misread(tmp_path, database_url):
    """Person 3 came with a status that nothing mapped then; it is mapped now."""
    company = found_pushed_company(tmp_path, database_url, source=SOURCE + STATUS, also={"title": "Here"})
    company.push(patch(company.ids[3], title="Left"), at=NINE)
    company.go_on(at=NINE)
    assert ("S130", f"idp/{company.ids[3]}") in findings(company)
    text = company.config.read_text(encoding="utf-8")
    company.config.write_text(text.replace('["Gone"]', '["Gone", "Left"]'), encoding="utf-8")
    return company


def test_a_leaver_who_could_not_be_read_is_out_once_the_configuration_is_mended(misread):
    """The client has no reason to push what it pushed before."""
    misread.in_session(lambda session: reconcile.read_pushed_again(session.engine), TEN)
    misread.go_on(at=TEN)
    assert not misread.chat.of("E3").enabled
    assert findings(misread) == []
    assert misread.in_session(lambda session: reconcile.read_pushed_again(session.engine), ELEVEN) == ()


def test_the_loop_reads_again_when_it_begins(misread):
    async def one_round(session):
        reconciler = Reconciler(engine=session.engine)
        await reconciler.tick()
        try:
            await until_planned(session, 1)
        finally:
            await reconciler.close()

    misread.in_session(one_round, TEN)
    assert [kind for kind, _, _ in changes(misread)] == ["left"]


def test_reading_a_source_at_the_shell_reads_again(misread):
    assert "1 people changed" in misread.lastday("source", "read", "idp", at=TEN).out
    misread.go_on(at=TEN)
    assert not misread.chat.of("E3").enabled
    assert "nothing waits" in misread.lastday("source", "read", "idp", at=ELEVEN).out


# ---------------------------------------------------------------- a file before


@pytest.fixture
def converted(tmp_path, database_url):
    """A company that was read from a file, with a person 12 whom the client does not know."""
    company = PushedCompany(tmp_path, database_url)
    for number in range(1, 13):
        company.hire(number)
    company.config.write_text(CONFIGURATION, encoding="utf-8")
    company.export_design()
    company.deliver()
    company.lastday("source", "read", "hr", "--accept")
    company.settle()
    company.config.write_text(configuration(SOURCE.replace("source.idp", "source.hr")), encoding="utf-8")
    return company


def pushed_to_hr(company, *numbers, also=NOTHING):
    made = company.push(*(post({**person(n), **also}, by=client(SourceName("hr"))) for n in numbers), at=NINE)
    company.ids |= dict(zip(numbers, made, strict=True))


def test_what_a_file_said_before_keeps_no_leaver_in(converted):
    """Who was in the file of the source has an engagement of its key beside the pushed one: that is over."""
    pushed_to_hr(converted, *range(1, 13))
    converted.lastday("source", "read", "hr", "--accept", at=NINE)
    converted.settle(at=NINE)
    assert converted.chat.writes == []
    converted.push(patch(converted.ids[3], by=client(SourceName("hr")), active=False), at=TEN)
    converted.go_on(at=TEN)
    assert not converted.chat.of("E3").enabled


def test_whom_only_the_file_had_the_first_load_shows_as_leaving(converted):
    pushed_to_hr(converted, *range(1, 12))
    assert "left" in converted.lastday("source", "diff", "hr", at=NINE).out
    converted.lastday("source", "read", "hr", "--accept", at=NINE)
    assert ("S137", "hr/E12") in findings(converted)
    converted.settle(at=NINE)
    assert [converted.chat.of(f"E{n}").enabled for n in range(1, 13)] == [True] * 11 + [False]


def test_nobody_who_was_in_a_file_goes_because_their_user_cannot_be_read(converted):
    pushed_to_hr(converted, *range(1, 12))
    pushed_to_hr(converted, 12, also={"timezone": "Mars/Olympus"})
    converted.lastday("source", "read", "hr", "--accept", at=NINE)
    converted.settle(at=NINE)
    assert converted.chat.of("E12").enabled
    converted.push(patch(converted.ids[12], by=client(SourceName("hr")), timezone="Europe/Berlin"), at=TEN)
    converted.go_on(at=TEN)
    converted.in_session(lambda session: reconcile.read_pushed_again(session.engine), "2026-11-23T10:30:00+00:00")
    converted.push(patch(converted.ids[12], by=client(SourceName("hr")), active=False), at=ELEVEN)
    converted.go_on(at=ELEVEN)
    assert not converted.chat.of("E12").enabled


def test_pushes_of_a_source_that_is_gone_from_the_configuration_are_told(tmp_path, database_url):
    """I1: what was pushed and not taken in is no silence, whoever edited the configuration meanwhile."""
    company = found_pushed_company(tmp_path, database_url)
    company.push(patch(company.ids[3], active=False), at=NINE)
    company.config.write_text(configuration(SOURCE.replace("source.idp", "source.other")), encoding="utf-8")
    company.take_in(at=TEN)
    assert ("S141", "source/idp") in findings(company)


def test_who_was_off_in_between_is_out_although_the_switch_was_taken_away_again(tmp_path, database_url):
    """I1, I15: what was said last of the switch before it was taken in counts, also where nothing says it any more."""
    company = found_pushed_company(tmp_path, database_url)
    off_then_silent, off_then_on, on_again_then_silent = (company.ids[n] for n in (3, 4, 5))
    company.push(patch(off_then_silent, active=False), patch(off_then_silent, active=None), at=NINE)
    company.push(patch(off_then_on, active=False), patch(off_then_on, active=True), at=NINE)
    for active in (False, True, None):
        company.push(patch(on_again_then_silent, active=active), at=NINE)
    company.take_in(at=TEN)
    assert changes(company) == [("left", "E3", None)]


def test_who_was_off_in_between_is_out_where_something_else_cannot_be_read(tmp_path, database_url):
    """I1: a resource that is refused for another value loses no leaver."""
    company = found_pushed_company(tmp_path, database_url)
    unreadable = {PERSON: {"timezone": "Nowhere/Never"}}
    company.push(patch(company.ids[3], active=False), at=NINE)
    company.push(patch(company.ids[3], active=None, also=unreadable), at=NINE)
    company.take_in(at=TEN)
    assert [(kind, number) for kind, number, _ in changes(company)] == [("left", "E3")]


def test_who_was_off_before_the_first_load_is_no_newcomer(tmp_path, database_url):
    """I1: the first load, too, knows what was said last of a switch that is gone."""
    company = PushedCompany(tmp_path, database_url)
    company.config.write_text(configuration(), encoding="utf-8")
    company.hire_pushed(*range(1, 13))
    company.push(patch(company.ids[2], active=False), patch(company.ids[2], active=None))
    company.lastday("source", "read", "idp", "--accept")
    lifecycles = {person.employee_number: person.lifecycle_at(AFTER).value for person in everybody(company)}
    assert [number for number, lifecycle in lifecycles.items() if lifecycle == "ended"] == ["E2"]
    assert len(lifecycles) == 12
