"""Resources and filters that meet: the same few names, and literals taken from the same stock as the values."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Not, Now, Or, Present, ValuePath
from lastday.filters.literals import instant_of, objection

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
CASE_EXACT = frozenset({"id", "code", "emails.value", "tags", "tags.value", "Name.Sub"})
COLUMNS = {"username": "user_name", "id": "exact_id"}

HOSTILE = (
    "", " ", "'", '"', "\\", "\\\\", "%", "_", "$$", "$1", "--", "/* */", "*/", ";", "%s", "%(x)s", "{}", "{0}", "?",
    "'; DROP TABLE resource; --", "\\u0000", "\n", "\t", "null", "true", "[]", "~", "=", "@", "\x01", "\x7f",
)  # fmt: skip
LETTERS = (
    "ada", "ADA", "Ada", "adam", "straße", "STRASSE", "strasse", "İstanbul", "i̇stanbul", "istanbul", "ısparta", "ſ",
    "K", "ﬁ", "fi", "é", "e\u0301", "É", "Σίσυφος", "σίσυφοσ", "Ω", "\u2126", "ǅ", "😀", "\U0010ffff", "\uffff", "가",
    "\u1100\u1161", "\ufeff", "\u202e", "zz", "a" * 3000,
)  # fmt: skip
MOMENTS = (
    "2026-11-20T12:00:00Z", "2026-11-20T13:00:00+01:00", "2026-11-20T12:00:00.000Z", "2026-11-20T12:00:00.000001Z",
    "2026-11-20t12:00:00z", "2026-11-20T12:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00",
    "2026-11-20T12:00:00.123456789Z",
)  # fmt: skip
NO_MOMENTS = ("2026-11-20", "2026-11-20T12:00:00", "2026-13-20T12:00:00Z", "2026-11-20T12:00:00Z ", "12:00:00Z")
NUMBERS = (
    0, 1, -1, 3, 3.0, 0.1, -0.0, 2.5, 1e23, 10**23, 2**53, 2**53 + 1, float(2**53), 1e-320, -1e300, 1e300,
    10**40, 9007199254740993.0,
)  # fmt: skip

storable_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)
common_texts = st.sampled_from(["ada", "ADA", "Ada", "adam", "straße", "STRASSE", ""])
texts = st.one_of(common_texts, st.sampled_from(HOSTILE + LETTERS + MOMENTS + NO_MOMENTS), storable_texts)
moments = st.sampled_from([NOON, NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), NOON + timedelta(days=7)])
numbers = st.sampled_from(NUMBERS) | st.integers(-(10**30), 10**30) | st.floats(allow_infinity=False)
_simple = st.one_of(st.none(), texts, texts, texts, st.booleans(), numbers, moments)

_ATTRIBUTES = ("userName", "id", "code", "title", "emails", "tags", "name", "at", "level", "value", "active", "$ref")
_SUBS = ("value", "type", "primary", "sub", "display", "$ref")


@st.composite
def simple_values(draw):
    return draw(_simple)


@st.composite
def in_some_case(draw, names):
    """One of the names, spelled in one of several ways."""
    name = draw(st.sampled_from(names))
    return draw(st.sampled_from([name, name, name.upper(), name.lower(), name.swapcase()]))


def objects(names, values, most):
    """Objects no two of whose names differ in case only."""
    pairs = st.lists(st.tuples(in_some_case(names), values), max_size=most, unique_by=lambda pair: pair[0].lower())
    return pairs.map(dict)


def several(values):
    return values | st.lists(st.none() | values, max_size=4)


_inner = objects(_SUBS, several(simple_values()), 2)
_complex = objects(_SUBS, several(simple_values() | _inner), 4)


@st.composite
def complex_values(draw):
    return draw(_complex)


_attributes = st.one_of(
    several(simple_values()), several(complex_values()), several(simple_values() | complex_values() | st.just([1]))
)


@st.composite
def attributes(draw):
    return draw(_attributes)


extensions = st.one_of(objects(_ATTRIBUTES, attributes(), 4), simple_values(), st.lists(complex_values(), max_size=2))
single_texts = st.none() | texts.filter(lambda text: instant_of(text) is None)


@st.composite
def resources(draw):
    """As a SCIM client may have written them and as none would: `userName` and `id` alone are single texts."""
    found = draw(objects(_ATTRIBUTES[2:], attributes(), 6))
    found.update(draw(st.fixed_dictionaries({"userName": single_texts, "id": single_texts})))
    if draw(st.booleans()):
        found[draw(in_some_case([ENTERPRISE, CORE]))] = draw(extensions)
    return found


_literals = st.one_of(
    common_texts,
    texts,
    texts,
    st.sampled_from(["a", "s", "ss", "T12", "a\0b", "\0", "ada\0"]),
    st.booleans(),
    st.none(),
    numbers.filter(lambda number: number == number),
    st.builds(Now, st.integers(-(10**6), 10**6) | st.sampled_from([0, 604_800])),
)


@st.composite
def literals(draw):
    return draw(_literals)


schemas = st.sampled_from([None, None, None, None, ENTERPRISE, ENTERPRISE.upper(), CORE, "urn:nobody:has:this"])
paths = st.builds(
    AttributePath,
    schema=schemas,
    attribute=in_some_case(_ATTRIBUTES),
    sub=st.none() | st.none() | in_some_case(_SUBS),
)
inner_paths = st.builds(
    AttributePath,
    schema=st.sampled_from([None, None, None, None, ENTERPRISE]),
    attribute=in_some_case(_SUBS),
    sub=st.none() | st.none() | in_some_case(_SUBS),
)


def _is_allowed(node):
    return objection(node.operator, node.value) is None


@st.composite
def conditions(draw, at):
    compared = st.builds(Compare, path=at, operator=st.sampled_from(CompareOperator), value=literals())
    return draw(st.one_of(*[compared.filter(_is_allowed)] * 3, st.builds(Present, path=at)))


def joined(inner):
    return st.one_of(
        st.builds(And, left=inner, right=inner), st.builds(Or, left=inner, right=inner), st.builds(Not, operand=inner)
    )


_inner_filters = st.recursive(conditions(inner_paths), joined, max_leaves=4)


@st.composite
def elements(draw):
    return ValuePath(path=draw(paths), inner=draw(_inner_filters))


_filters = st.recursive(st.one_of(conditions(paths), conditions(paths), elements()), joined, max_leaves=6)


@st.composite
def filters(draw):
    """Filters of every shape over the names of `resources`."""
    return draw(_filters)
