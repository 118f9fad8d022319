"""The canonical form is that of RFC 8785, by whichever writer it was written."""

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from lastday.model.canonical import canonical_bytes

EXACT = 2**53 - 1
TEXTS = st.text() | st.sampled_from(
    ["", "\x00\x1f\x7f\x80", '"\\/\b\f\n\r\t', "\u2028", "\ufb33", "\U0001f600", "e\u0301"]
)
NUMBERS = (
    st.integers(-EXACT, EXACT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e21, -0.0, 5e-324])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(VALUES)
def test_the_bytes_are_those_of_the_reference(value):
    """RFC 8785 section 3.2: names, texts, numbers and their order."""
    assert canonical_bytes(value) == rfc8785.dumps(value)


def test_names_are_sorted_by_utf_16():
    """RFC 8785 section 3.2.3: U+1F600 comes before U+FB33, which UTF-8 puts behind it."""
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@pytest.mark.parametrize("number", [EXACT + 1, -EXACT - 1, 2**70])
def test_whole_numbers_that_not_everybody_can_read_are_refused(number: int):
    """RFC 8785 section 3.2.2.3 and RFC 7493 section 2.2."""
    with pytest.raises(rfc8785.IntegerDomainError):
        canonical_bytes({"number": [number]})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_is_refused(number: float):
    with pytest.raises(rfc8785.FloatDomainError):
        canonical_bytes([number])


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_half_of_a_character_pair_is_refused(text: str):
    """RFC 8785 section 3.2.2.2: it terminates with an error."""
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_bytes({"text": text})


def test_what_is_no_json_is_refused():
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_bytes({"at": object()})  # type: ignore[dict-item]  # what the type forbids


def test_deep_values_are_written():
    """Deeper than the quick writer goes."""
    deep: object = "end"
    for _ in range(300):
        deep = [deep]
    assert canonical_bytes(deep) == b"[" * 300 + b'"end"' + b"]" * 300  # type: ignore[arg-type]  # lists of lists
