"""An HTTP answer that was read whole, inside its limits."""

import json
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

from lastday.model.canonical import JsonValue
from lastday.model.errors import AnswerUnusable

MAX_BODY = 16 * 1024 * 1024
MAX_RATIO = 100
RATIO_COUNTS_FROM = 1024 * 1024
"""A short text of one repeated line may well shrink more than a hundredfold; a bomb is long."""
RETRY_WHEN_UNSAID_S = 10.0
RETRY_AT_MOST_S = 3600.0
"""A hostile Retry-After must not hold back a leaver for years."""
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "x-correlation-id", "x-ms-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers (names in lower case) and the whole body, decoded."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def request_id(self) -> str | None:
        """The application's own name of the exchange in its logs, where it gives one."""
        return next((self.headers[name] for name in REQUEST_ID_HEADERS if name in self.headers), None)

    @property
    def is_json(self) -> bool:
        """The content type says JSON, or says nothing at all."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind in ("", "application/json") or kind.endswith("+json")

    def json(self) -> JsonValue:
        """The body as JSON. Raises AnswerUnusable where it is another type or cut short."""
        if not self.is_json:
            raise AnswerUnusable(
                f"the answer {self.status} is {self.headers['content-type'][:80]!r}, not JSON",
                effect="Nothing is concluded from it.",
                mend="See whether a proxy or a sign-in page stands before the application.",
            )
        try:
            value: JsonValue = json.loads(self.content, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as err:
            raise AnswerUnusable(
                f"the answer {self.status} is not readable JSON: {err}", effect="Nothing is concluded from it."
            ) from err
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


async def read_body(chunks: AsyncIterator[bytes], encoding: str) -> bytes:
    """The body decoded. Raises AnswerUnusable over 16 MiB, over the ratio, or in an encoding not asked for."""
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise AnswerUnusable(f"the answer came in the encoding {encoding[:40]!r}, which was not asked for")
    gunzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if encoding.endswith("gzip") else None
    parts: list[bytes] = []
    raw = read = 0
    async for chunk in chunks:
        raw += len(chunk)
        part = _gunzipped(gunzip, chunk, MAX_BODY - read) if gunzip else chunk
        read += len(part)
        _refuse_oversize(raw, read)
        parts.append(part)
    if gunzip is not None and raw and not gunzip.eof:
        raise AnswerUnusable("the compressed answer ends before its end")
    return b"".join(parts)


def _gunzipped(gunzip: "zlib._Decompress", chunk: bytes, room: int) -> bytes:
    """The next piece, never more than a byte above the room that is left."""
    try:
        return gunzip.decompress(chunk, room + 1)
    except zlib.error as err:
        raise AnswerUnusable(f"the answer cannot be decompressed: {err}") from err


def _refuse_oversize(raw: int, read: int) -> None:
    if max(raw, read) > MAX_BODY:
        raise AnswerUnusable(f"the answer is larger than {MAX_BODY} bytes", mend="Make the pages smaller.")
    if read > RATIO_COUNTS_FROM and read > raw * MAX_RATIO:
        raise AnswerUnusable(f"the answer grows more than {MAX_RATIO} times when it is decompressed")


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float:
    """How long the application asks to be left alone: seconds or a date (RFC 9110 section 10.2.3), at most an hour.

    A date is measured against the answer's own Date, so that a difference of clocks changes nothing.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), RETRY_AT_MOST_S)
    until = _http_date(text)
    if until is None:
        return RETRY_WHEN_UNSAID_S
    wait = (until - (_http_date(headers.get("date", "")) or now)).total_seconds()
    return min(max(wait, 0.0), RETRY_AT_MOST_S)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
