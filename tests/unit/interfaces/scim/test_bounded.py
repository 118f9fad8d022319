"""What may be kept at hand."""

from collections import OrderedDict

from hypothesis import given
from hypothesis import strategies as st

from lastday.interfaces.scim.bounded import BoundedCache

KEYS = st.integers(min_value=0, max_value=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(min_value=0, max_value=12)),
        st.tuples(st.just("get"), KEYS, st.just(0)),
        st.tuples(st.just("drop"), KEYS, st.just(0)),
    ),
    max_size=80,
)
MOST = 20


@given(STEPS)
def test_it_never_holds_more_than_it_may_and_gives_up_what_was_used_longest_ago(steps):
    cache: BoundedCache[int, tuple[int, int]] = BoundedCache(MOST)
    model: OrderedDict[int, tuple[tuple[int, int], int]] = OrderedDict()
    for number, (step, key, size) in enumerate(steps):
        if step == "put":
            cache.put(key, (key, number), size)
            model.pop(key, None)
            model[key] = ((key, number), size)
            while sum(size for _, size in model.values()) > MOST:
                model.popitem(last=False)
        elif step == "get":
            found = cache.get(key)
            assert found == (model[key][0] if key in model else None)
            if key in model:
                model.move_to_end(key)
        else:
            cache.drop(key)
            model.pop(key, None)
        assert cache.size == sum(size for _, size in model.values()) <= MOST
        assert list(cache.values()) == [value for value, _ in model.values()]
        assert len(cache) == len(model)


def test_what_alone_is_too_large_displaces_nothing_but_its_older_self():
    cache: BoundedCache[str, str] = BoundedCache(MOST)
    cache.put("a", "kept", 10)
    cache.put("b", "small", 1)
    cache.put("b", "huge", MOST + 1)
    assert (cache.get("a"), cache.get("b")) == ("kept", None)
