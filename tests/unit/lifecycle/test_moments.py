"""Dates, local times and zones as instants (T-33)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.sdk.delimited import Row
from lastday.lifecycle.moments import local_instant, read_date, read_moment, read_zone
from lastday.lifecycle.normalise import EndBasis, NormalisedRow, normalise
from lastday.model.finding import RejectedRow
from tests.unit.lifecycle.northwind import COMPANY, HEADING, SETTINGS, instant, person_row

ZONES = [
    "Pacific/Auckland", "Pacific/Chatham", "Australia/Lord_Howe", "Australia/Sydney", "Asia/Tokyo", "Asia/Kathmandu",
    "Asia/Kolkata", "Asia/Tehran", "Asia/Beirut", "Africa/Cairo", "Africa/Casablanca", "Europe/Berlin",
    "Europe/Lisbon", "Europe/Dublin", "Atlantic/Azores", "America/Sao_Paulo", "America/St_Johns", "America/Havana",
    "America/Asuncion", "America/Santiago", "America/Chicago", "America/Phoenix", "America/Los_Angeles",
    "Pacific/Apia",
]  # fmt: skip
NOW = instant("2026-11-24T06:00Z")


def row_of(**cells):
    values = person_row("E1", **cells)
    return Row(line=2, cells=values, width=len(HEADING))


def read(**cells) -> NormalisedRow:
    result = normalise(row_of(**cells), SETTINGS, COMPANY, NOW)
    assert isinstance(result, NormalisedRow), result
    return result


@pytest.mark.parametrize("zone", ZONES)
def test_an_end_of_day_shows_on_the_wall_of_the_person(zone):
    """T-33: on each day of two years, clock changes included, the instant is 17:00 there: none early, none late."""
    assert len(ZONES) == 24
    place = ZoneInfo(zone)
    for days in range(730):
        day = date(2026, 1, 1) + timedelta(days=days)
        shown = local_instant(day, time(17), place).astimezone(place)
        assert (shown.date(), shown.time()) == (day, time(17))


@given(
    zone=st.sampled_from(ZONES),
    day=st.dates(date(1990, 1, 1), date(2040, 1, 1)),
    clock=st.times(),
)
def test_an_instant_is_the_first_that_the_clock_shows_or_the_jump_takes(zone, day, clock):
    """RFC 5545 section 3.3.5: a time that occurs twice means the first; a skipped one comes after the jump."""
    place = ZoneInfo(zone)
    at = local_instant(day, clock, place)
    shown = at.astimezone(place).replace(tzinfo=None)
    wanted = datetime.combine(day, clock)
    if shown == wanted:
        assert at.astimezone(place).fold == 0
    else:
        assert shown > wanted
        before = (at - (shown - wanted)).astimezone(place)
        assert before.utcoffset() != at.astimezone(place).utcoffset()


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-10-25T02:30:00", "Europe/Berlin", "2026-10-25T00:30Z"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T01:30Z"),
        ("2026-11-23T15:00:00", "Europe/Berlin", "2026-11-23T14:00Z"),
        ("2026-11-23 15:00", "America/Chicago", "2026-11-23T21:00Z"),
        ("2026-11-23T15:00:00+09:00", "Europe/Berlin", "2026-11-23T06:00Z"),
        ("2026-11-23T15:00:00Z", "Europe/Berlin", "2026-11-23T15:00Z"),
    ],
)
def test_a_moment_without_offset_is_local(text, zone, expected):
    assert read_moment(text, ZoneInfo(zone)) == instant(expected)


def test_midnight_skipped_is_the_instant_of_the_jump():
    """Santiago's clocks jump at midnight of 2026-09-06: a start on that day is the jump, 04:00 UTC."""
    assert local_instant(date(2026, 9, 6), time(0), ZoneInfo("America/Santiago")) == instant("2026-09-06T04:00Z")


@pytest.mark.parametrize(
    "text", ["2026-11-23", "2026-11-23T15", "2026-11-23T25:00", "15:00", "2026-02-30T10:00", "٢٠٢٦-01-01T10:00"]
)
def test_a_moment_without_time_or_existence_is_refused(text):
    """A bare date would be midnight, hours before the end that was meant."""
    with pytest.raises(ValueError, match="is "):
        read_moment(text, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("2026-12-31", "YYYY-MM-DD", date(2026, 12, 31)),
        ("31.12.2026", "DD.MM.YYYY", date(2026, 12, 31)),
        ("12/31/2026", "MM/DD/YYYY", date(2026, 12, 31)),
    ],
)
def test_dates_are_read_in_the_form_of_the_source(text, pattern, expected):
    assert read_date(text, pattern) == expected


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("31.02.2026", "DD.MM.YYYY"), ("2026-1-1", "YYYY-MM-DD"), ("2026-13-01", "YYYY-MM-DD"),
     ("0001-01-01", "YYYY-MM-DD"), ("31.12.2026", "MM.DD.YYYY"), ("20261231", "YYYY-MM-DD"),
     ("2026-01-01 ", "YYYY-MM-DD")],
)  # fmt: skip
def test_a_date_that_does_not_exist_is_refused(text, pattern):
    with pytest.raises(ValueError, match=r"date|years"):
        read_date(text, pattern)


@pytest.mark.parametrize(
    "text", ["Mars/Base", "../../etc/passwd", "/etc/passwd", "America", "Europe/Berlin\x00", "x" * 9000]
)
def test_an_unknown_zone_is_refused(text):
    with pytest.raises(ValueError, match="is not a time zone"):
        read_zone(text)


def test_a_zone_in_other_letters_is_proposed():
    with pytest.raises(ValueError, match="perhaps Europe/Berlin"):
        read_zone("europe/berlin")


def test_the_exact_moment_beats_the_date_and_the_date_beats_receipt():
    """Design section 6: ends_at = exact moment, else end date at end of day, else receipt if the status says ended."""
    both = read(end_date="2026-11-23", last_working_moment="2026-11-23T15:00:00", status="terminated")
    assert (both.ends_at, both.end_basis) == (instant("2026-11-23T14:00Z"), EndBasis.MOMENT)
    dated = read(end_date="2026-11-23", status="terminated")
    assert (dated.ends_at, dated.end_basis) == (instant("2026-11-23T16:00Z"), EndBasis.DATE)
    bare = read(status="terminated")
    assert (bare.ends_at, bare.end_basis) == (NOW, EndBasis.RECEIPT)
    assert (read().ends_at, read().end_basis) == (None, EndBasis.NONE)


def test_the_end_of_time_is_no_end():
    assert read(end_date="9999-12-31").ends_at is None


def test_a_row_without_zone_stands_in_the_company_zone():
    assert read(time_zone="", end_date="2026-11-23").ends_at == instant("2026-11-23T16:00Z")


def test_a_source_that_writes_dates_otherwise_says_the_same():
    """Dates are kept in one form, so that a changed export format changes nobody."""
    german = replace(SETTINGS, date_format="DD.MM.YYYY")
    row = row_of(start_date="01.01.2020", end_date="23.11.2026")
    result = normalise(row, german, COMPANY, NOW)
    assert result == read(end_date="2026-11-23")


@pytest.mark.parametrize(
    ("cells", "column", "why"),
    [
        ({"end_date": "31.02.2026"}, "end_date", "is not a date written YYYY-MM-DD"),
        ({"end_date": "2026-02-31"}, "end_date", "is a date that does not exist"),
        ({"time_zone": "Mars/Base"}, "time_zone", "is not a time zone of the IANA database"),
        ({"status": "maybe"}, "status", "is a status that nothing maps"),
        ({"status": ""}, "status", "is a status that nothing maps"),
        ({"last_working_moment": "soon"}, "last_working_moment", "is not a moment"),
        ({"employee_id": ""}, "employee_id", "the key is empty"),
        ({"employee_id": "E\x001"}, "employee_id", "the key is not a plain word"),
    ],
)
def test_a_row_that_cannot_be_read_is_rejected_with_column_and_mend(cells, column, why):
    result = normalise(row_of(**cells), SETTINGS, COMPANY, NOW)
    assert isinstance(result, RejectedRow)
    assert result.column == column
    assert result.why.startswith(why)
    assert result.mend


@given(text=st.text(max_size=3000))
def test_no_value_reaches_us_with_what_could_act(text):
    """T-4: whatever a cell holds, what is kept has no control or direction character and a bounded length."""
    kept = read(full_name=text).attributes.text("displayName") or ""
    assert len(kept) <= 1024
    assert all(ord(letter) >= 32 and not 127 <= ord(letter) < 160 for letter in kept)
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u2028\u2029") & set(kept)


def test_ten_thousand_letters_are_cut_and_told():
    row = read(job_title="x" * 10_000)
    assert row.attributes.text("title") == "x" * 1024
    assert [finding.code for finding in row.findings] == ["S132"]


def test_instants_are_kept_in_utc():
    row = read(end_date="2026-11-23")
    assert row.ends_at is not None
    assert row.ends_at.tzinfo is UTC
