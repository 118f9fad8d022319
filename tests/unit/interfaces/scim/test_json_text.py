"""The JSON of requests (RFC 8259)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.interfaces.scim.json_text import read_json
from lastday.interfaces.scim.protocol.errors import ScimError, ScimType

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5).filter(lambda t: "\0" not in t and t.isascii()), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(value=VALUES, spaced=st.booleans(), escaped=st.booleans())
def test_whatever_json_writes_is_read(value, spaced, escaped):
    """RFC 8259: spaces, escapes and colons in texts change nothing."""
    text = json.dumps(value, indent=2 if spaced else None, ensure_ascii=escaped)
    assert read_json(text.encode(), depth=64) == value


@given(
    value=st.dictionaries(
        st.text(st.sampled_from('a:"\\{[u003'), max_size=6), st.text(st.sampled_from('a:"\\{[u0')), min_size=1
    )
)
def test_a_name_that_comes_twice_is_always_seen(value):
    """RFC 8259 section 4: readers differ in which value counts, so none does, whatever the texts say."""
    name = next(iter(value))
    text = json.dumps(value)
    twice = text[:-1] + f", {json.dumps(name)} : 1}}"
    assert read_json(text.encode(), depth=64) == value
    for one in (twice, f"[1, {twice}]", json.dumps({"x": "é"})[:-1] + f', "y": {twice}}}'):
        with pytest.raises(ScimError) as refused:
            read_json(one.encode(), depth=64)
        assert (refused.value.status, refused.value.scim_type) == (400, ScimType.INVALID_SYNTAX)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'"\\ud800"',
        b'"\xff"',
        b"\xff\xfe{\x00}\x00",
        b'{"a": "\x00"}',
        b'{"a": "\\u0000"}',
        b'{"a\\u0000": 1}',
        b'[{"a": ["\\u003a", "\\u0000"]}]',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": "\\u003a", "a": ":"}',
        b'{"a":1}{"b":2}',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 65 + b"1" + b"}" * 65,
        b"[" * 1_000 + b"]" * 1_000,
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused(content):
    """RFC 7644 table 9: invalidSyntax."""
    with pytest.raises(ScimError) as refused:
        read_json(content, depth=64)
    assert (refused.value.status, refused.value.scim_type) == (400, ScimType.INVALID_SYNTAX)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b'"\\\\u0000"', "\\u0000"),
        (b'{"a\\u003A": "\\u003a:"}', {"a:": "::"}),
        (b'[{"a": 1}, ' + b"[" * 63 + b"]" * 64, [{"a": 1}, json.loads("[" * 63 + "]" * 63)]),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b'["{{{{[[[[' + b"[" * 99 + b'"]', ["{{{{[[[[" + "[" * 99]),
    ],
)
def test_what_only_looks_odd_is_read(content, value):
    """A byte order mark (RFC 8259 section 8.1), escapes, brackets in texts, the deepest that is allowed."""
    assert read_json(content, depth=64) == value
