"""The scanner of places agrees with tomllib on every valid document."""

import tomllib

import pytest
import tomli_w
from hypothesis import assume, example, given
from hypothesis import strategies as st

from lastday.configuration.positions import DEEPEST, ScanError, scan_positions
from lastday.configuration.strings import read_string

KEYS = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["a", "b", "a.b", "", '"', "é"])
SCALARS = (
    st.text(st.characters(codec="utf-8"))
    | st.text("\"\\\n\t#=[]{},'a ", max_size=12)
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.dates()
    | st.times()
    | st.datetimes()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def key_paths(value, path=()):
    """Every key path of what tomllib read."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from key_paths(inner, (*path, key))


def value_at(document, path):
    for key in path:
        document = document[key]
    return document


def assert_agrees(text):
    read = tomllib.loads(text)
    scanned = scan_positions(text)
    assert set(scanned) == set(key_paths(read))
    for path, entry in scanned.items():
        if isinstance(path[-1], str):
            key = text[entry.key.start : entry.key.end]
            assert tomllib.loads(f"{key} = 1") == {path[-1]: 1}
        written = text[entry.value.start : entry.value.end]
        if entry.value != entry.key or (isinstance(path[-1], int) and not has_heading(text, entry)):
            assert tomllib.loads(f"x = {written}")["x"] == value_at(read, path)


def has_heading(text, entry):
    """The entry is a table of an array of tables: its place is the last key of its heading."""
    return text[: entry.key.start].rpartition("\n")[2].lstrip(" \t").startswith("[[")


@given(DOCUMENTS, st.booleans(), st.integers(0, 4))
def test_every_written_document_gives_the_key_paths_of_tomllib(document, multiline, indent):
    """Property over documents: each key path of tomllib has one place, and at that place stands its value."""
    text = tomli_w.dumps(document, multiline_strings=multiline, indent=indent).replace("\r\n", "\n")
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    assert_agrees(text)


PIECES = st.sampled_from(
    [
        "[a]", "[a.b]", "[[c]]", "[[c.d]]", "[ a . 'b c' ]", '["x.y".z]', "[c.e]", "# [no] = 1", "",
        "k = 1", "k.l = 'v'", '"q r" = """\nline \\\n   joined"""', "m = '''it's ''quoted'' '''", 'n = """a""b""""',
        "p = [1, [2, 3,], # comment\n  {x = 1, y.z = [ ]},\n]", "'s' = {}", "t = 1979-05-27 07:32:00Z # when",
        "u = 1_000", "v = -inf", 'w = "a\\"b # \\u00e9"', "e.f.g = {h.i = {j = []}}", '"" = true', "  o\t=\t0x1F  ",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=10))
@example(["[[c]]", "k = 1", "[c.e]", "k = 2", "[[c.d]]", "u = 1_000", "[[c]]", "[[c.d]]", "k.l = 'v'"])
@example(["[a.b]", "k = 1", "[a]", "k = 2"])
def test_hand_made_variants_give_the_key_paths_of_tomllib(pieces):
    """TOML 1.0.0: dotted and quoted keys, arrays of tables, comments, every kind of string, inline tables."""
    text = "\n".join(pieces)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    assert_agrees(text)


@given(st.text('"\\\n\tabé#u0041 ', max_size=20), st.sampled_from(['"', '"""', "'", "'''"]))
@example("\\\n  a", '"""')
@example('a"', '"""')
@example("\nx", "'''")
def test_characters_of_a_string_stand_where_they_are_written(content, quotes):
    """What read_string understands is what tomllib does, and an unescaped character is itself at its offset."""
    token = f"{quotes}{content}{quotes}"
    try:
        meant = tomllib.loads(f"x = {token}")["x"]
    except tomllib.TOMLDecodeError:
        assume(False)
    token = token[: scan_positions(f"x = {token}")["x",].value.end - 4]  # a comment may follow
    written = read_string(token)
    assert written.text == meant
    assert len(written.offsets) == len(meant)
    assert all(token[at] in (letter, "\\") for letter, at in zip(written.text, written.offsets, strict=True))


@pytest.mark.parametrize("text", ["[" * 5000, "x = " + "[" * 5000, "x = " + "{a=" * 5000, "a" + ".a" * 5000 + " = 1"])
def test_nesting_beyond_the_limit_is_refused_with_its_place(text):
    """A hostile document costs no more than its first levels."""
    with pytest.raises(ScanError) as caught:
        scan_positions(text)
    assert 0 <= caught.value.offset <= 4 * DEEPEST


@given(st.text(max_size=40) | st.text("[]{}=.,'\"\\#\n ab1", max_size=40))
def test_no_text_at_all_makes_the_scanner_fail_otherwise_than_by_name(text):
    """Any text: places, or a ScanError inside the text."""
    try:
        scan_positions(text)
    except ScanError as error:
        refused_at = error.offset
    else:
        refused_at = 0
    assert 0 <= refused_at <= len(text)
