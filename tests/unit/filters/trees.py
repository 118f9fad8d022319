"""Filters of every shape, for properties."""

from hypothesis import strategies as st

from lastday.filters.ast import And, AttributePath, Compare, CompareOperator, Filter, Not, Now, Or, Present, ValuePath
from lastday.filters.literals import objection

_names = st.from_regex(r"[A-Za-z$][A-Za-z0-9_$-]{0,6}", fullmatch=True).filter(lambda name: name.lower() != "not")
_schemas = st.sampled_from([None, None, None, "urn:ietf:params:scim:schemas:core:2.0:User", "urn:x:y-z:1"])
paths = st.builds(AttributePath, schema=_schemas, attribute=_names, sub=st.none() | _names)
literals = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.booleans()
    | st.none()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.builds(Now, st.integers(-(10**6), 10**6))
    | st.just("2026-11-20T17:00:00+01:00")
)
comparisons = st.builds(Compare, path=paths, operator=st.sampled_from(CompareOperator), value=literals).filter(
    lambda node: objection(node.operator, node.value) is None
)
atoms: st.SearchStrategy[Filter] = st.one_of(st.builds(Present, path=paths), comparisons)


def joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    return st.one_of(
        st.builds(And, left=inner, right=inner), st.builds(Or, left=inner, right=inner), st.builds(Not, operand=inner)
    )


flat_filters = st.recursive(atoms, joined, max_leaves=8)
filters = st.recursive(st.one_of(atoms, st.builds(ValuePath, path=paths, inner=flat_filters)), joined, max_leaves=12)
