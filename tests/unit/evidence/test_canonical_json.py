"""The verifier's own RFC 8785 against the library that writes the log."""

import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from lastday.evidence.verify import canonical, parse

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_it_writes_what_the_library_writes(value):
    """RFC 8785 section 3.2."""
    assert canonical(value) == rfc8785.dumps(value)


@given(values)
def test_what_it_wrote_it_reads_back_as_canonical(value):
    assert canonical(parse(canonical(value))) == canonical(value)


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.0, b"0"),
        (-0.0, b"0"),
        (5e-324, b"5e-324"),
        (1.7976931348623157e308, b"1.7976931348623157e+308"),
        (9007199254740992.0, b"9007199254740992"),
        (295147905179352830000.0, b"295147905179352830000"),
        (9.999999999999997e22, b"9.999999999999997e+22"),
        (1e23, b"1e+23"),
        (1e21, b"1e+21"),
        (999999999999999900000.0, b"999999999999999900000"),
        (333333333.33333329, b"333333333.3333333"),
        (0.000001, b"0.000001"),
        (1e-7, b"1e-7"),
        (-0.0000033333333333333333, b"-0.0000033333333333333333"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number, written):
    """RFC 8785 appendix B."""
    assert canonical(number) == written


def test_names_are_ordered_by_utf16_units():
    """RFC 8785 section 3.2.3: a character beyond the basic plane comes before U+FB33."""
    assert canonical({"\ufb33": 1, "\U0001f600": 2, "a": 3}) == '{"a":3,"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 2**53, "\ud800"])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError, match=r"canonical form|surrogates"):
        canonical(value)


@pytest.mark.parametrize(
    "written",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{ "a":1}',
        b"1.0",
        b"NaN",
        b'"\\u0061"',
        b"[1,]",
        b"",
        b'"\xff"',
        b"[" * 99999,
    ],
)
def test_bytes_that_are_not_canonical_are_refused(written):
    """Two readings of one line would let somebody show one and sign the other."""
    with pytest.raises((ValueError, RecursionError)):
        parse(written)
