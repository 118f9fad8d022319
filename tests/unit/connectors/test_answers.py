"""Limits of bodies (T-26) and both forms of Retry-After (RFC 9110 section 10.2.3)."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.connectors.sdk.answers import MAX_BODY, Answer, read_body, retry_after_s
from lastday.connectors.sdk.redaction import MAX_KEPT, Redaction
from lastday.model.errors import AnswerUnusable

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


async def chunks(content, size=65_536):
    for start in range(0, len(content), size):
        yield content[start : start + size]


@given(st.integers(min_value=0, max_value=3600))
def test_seconds_and_a_date_mean_the_same(seconds):
    sent = NOW + timedelta(days=400)
    date = format_datetime(sent + timedelta(seconds=seconds), usegmt=True)
    assert retry_after_s({"retry-after": str(seconds)}, NOW) == seconds
    assert retry_after_s({"retry-after": date, "date": format_datetime(sent, usegmt=True)}, NOW) == seconds


def test_a_date_without_the_answers_own_date_is_measured_against_our_clock():
    date = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    assert retry_after_s({"retry-after": date}, NOW) == 90


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "١٢", "Tue, 99 Nov 2026", "\x00"])
def test_an_unreadable_wish_is_a_short_wait(text):
    assert 0 < retry_after_s({"retry-after": text}, NOW) <= 60


def test_a_hostile_wish_does_not_hold_a_leaver_back_for_years():
    assert retry_after_s({"retry-after": "999999999999"}, NOW) == 3600
    assert retry_after_s({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, NOW) == 3600
    assert retry_after_s({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, NOW) == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"x" * 200_000])
async def test_a_compressed_body_is_read(content):
    assert await read_body(chunks(gzip.compress(content, mtime=0)), "gzip") == content
    assert await read_body(chunks(content), "") == content


async def test_a_bomb_is_stopped():
    """T-26: 50 MB of zeros come as 50 KB."""
    bomb = gzip.compress(b"\0" * 50_000_000, mtime=0)
    assert len(bomb) < 100_000
    with pytest.raises(AnswerUnusable):
        await read_body(chunks(bomb), "gzip")


async def test_a_bomb_in_one_chunk_never_stands_in_memory():
    bomb = gzip.compress(b"\0" * 200_000_000, mtime=0)
    with pytest.raises(AnswerUnusable):
        await read_body(chunks(bomb, size=len(bomb)), "gzip")


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "x"])
async def test_an_encoding_that_was_not_asked_for_is_refused(encoding):
    with pytest.raises(AnswerUnusable):
        await read_body(chunks(b"abc"), encoding)


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"whole" * 1000, mtime=0)[:-12]])
async def test_a_broken_compressed_body_is_refused(content):
    with pytest.raises(AnswerUnusable):
        await read_body(chunks(content), "gzip")


async def test_a_body_over_the_limit_is_refused():
    with pytest.raises(AnswerUnusable):
        await read_body(chunks(b"x" * (MAX_BODY + 1), size=1 << 20), "")


@pytest.mark.parametrize("text", ["NaN", '{"a": Infinity}', "{", "", "\x00", '"\ud800'])
def test_what_is_not_json_is_unusable(text):
    answer = Answer(status=200, headers={}, content=text.encode("utf-8", "surrogatepass"))
    with pytest.raises(AnswerUnusable):
        answer.json()


@given(st.text(min_size=4), st.text(), st.text())
def test_a_secret_is_in_no_note_however_it_is_written(secret, before, after):
    """R: never a secret in a log: plain, in JSON and in a url."""
    redaction = Redaction([secret])
    plain = redaction.text(before + secret + after)
    assert secret not in plain or secret in "***"
    quoted = json.dumps({"x": secret})
    assert json.dumps(secret)[1:-1] not in redaction.text(quoted) or secret in '{"x": "***"}'


def test_credential_fields_and_headers_are_hidden_though_nobody_named_them():
    note = Redaction([]).message({"Authorization": "Basic eDp5", "X": "1"}, b'{"password": "hunter2", "a": "b"}')
    assert "eDp5" not in note
    assert "hunter2" not in note
    assert '"a": "b"' in note


@given(st.integers(min_value=MAX_KEPT - 40, max_value=MAX_KEPT + 40))
def test_a_note_is_bounded_and_cuts_no_secret_in_half(length):
    note = Redaction(["s3cr3t-token"]).text("x" * length + "s3cr3t-token")
    assert len(note.encode()) <= MAX_KEPT
    assert "s3" not in note
