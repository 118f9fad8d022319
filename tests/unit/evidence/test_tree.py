"""The tree against published roots; its proofs against the verifier, which is written apart from it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastday.evidence.tree import (
    EMPTY_ROOT,
    Coordinate,
    Frontier,
    consistency_ranges,
    coordinates,
    inclusion_ranges,
    leaf_hash,
    needed,
    proof,
)
from lastday.evidence.verify import extends, includes, leaf_of

PUBLISHED_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
PUBLISHED_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Certificate Transparency's reference tree; the same hash tree as RFC 9162 section 2.1."""


def grown(size):
    """Nodes of a tree of `size`, and its root at every size from 0."""
    frontier, nodes, roots = Frontier.empty(), {}, [EMPTY_ROOT]
    for index in range(size):
        leaf = leaf_hash(b"leaf %d" % index)
        nodes[Coordinate(0, index)] = leaf
        nodes |= {Coordinate(node.level, node.position): node.hash for node in frontier.grow([leaf])}
        roots.append(frontier.root())
    return nodes, roots


NODES, ROOTS = grown(70)
sizes = st.integers(1, 70)


def test_published_roots_come_out():
    """RFC 9162 section 2.1.1; the vectors of the Certificate Transparency log."""
    frontier = Frontier.empty()
    assert frontier.root() == hashlib.sha256(b"").digest()
    for content, root in zip(PUBLISHED_LEAVES, PUBLISHED_ROOTS, strict=True):
        frontier.grow([leaf_hash(bytes.fromhex(content))])
        assert frontier.root().hex() == root


def test_published_consistency_proof_comes_out_and_verifies():
    """RFC 9162 section 2.1.4: from 6 to 8 leaves of the published tree."""
    frontier, nodes = Frontier.empty(), {}
    for index, content in enumerate(PUBLISHED_LEAVES):
        leaf = leaf_hash(bytes.fromhex(content))
        nodes[Coordinate(0, index)] = leaf
        nodes |= {Coordinate(node.level, node.position): node.hash for node in frontier.grow([leaf])}
    path = proof(consistency_ranges(6, 8), nodes)
    assert [step.hex() for step in path] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        PUBLISHED_ROOTS[3],
    ]
    assert extends(bytes.fromhex(PUBLISHED_ROOTS[5]), 6, bytes.fromhex(PUBLISHED_ROOTS[7]), 8, path)


@given(st.lists(st.binary(max_size=8), max_size=70), st.integers(0, 70))
def test_it_does_not_matter_how_the_leaves_are_portioned(contents, cut):
    leaves = [leaf_hash(content) for content in contents]
    whole, parts = Frontier.empty(), Frontier.empty()
    whole.grow(leaves)
    parts.grow(leaves[:cut])
    parts.grow(leaves[cut:])
    assert (whole.size, whole.root()) == (parts.size, parts.root())


@given(st.binary(max_size=40))
def test_writer_and_verifier_hash_leaves_alike(content):
    assert leaf_hash(content) == leaf_of(content)


@given(sizes, st.data())
def test_every_inclusion_proof_verifies_and_only_for_its_place(size, data):
    """RFC 9162 section 2.1.3; another index, leaf, root or size is refused."""
    index = data.draw(st.integers(0, size - 1))
    path = proof(inclusion_ranges(index, size), NODES)
    leaf = NODES[Coordinate(0, index)]
    assert includes(ROOTS[size], size, index, leaf, path)
    other = data.draw(st.integers(-1, size + 1).filter(lambda i: i != index))
    assert not includes(ROOTS[size], size, other, leaf, path)
    assert not includes(ROOTS[size - 1], size, index, leaf, path)
    assert not includes(ROOTS[size], size, index, leaf_hash(b"another"), path)


@given(sizes, st.data())
def test_every_consistency_proof_verifies_and_only_between_its_sizes(size, data):
    """RFC 9162 section 2.1.4."""
    old = data.draw(st.integers(1, size))
    path = proof(consistency_ranges(old, size), NODES)
    assert extends(ROOTS[old], old, ROOTS[size], size, path)
    wrong = data.draw(st.integers(1, 70).filter(lambda s: s != old))
    assert not extends(ROOTS[wrong], wrong, ROOTS[size], size, path)
    assert not extends(ROOTS[wrong], old, ROOTS[size], size, path)


@given(sizes, st.data())
def test_no_changed_proof_verifies(size, data):
    """A step flipped, dropped, doubled, added or moved."""
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    for path, holds in (
        (
            proof(inclusion_ranges(index, size), NODES),
            lambda p: includes(ROOTS[size], size, index, NODES[Coordinate(0, index)], p),
        ),
        (proof(consistency_ranges(old, size), NODES), lambda p: extends(ROOTS[old], old, ROOTS[size], size, p)),
    ):
        changed = data.draw(_mutations(path))
        assert changed == path or not holds(changed)


def _mutations(path):
    added = st.integers(0, len(path)).map(lambda at: [*path[:at], bytes(32), *path[at:]])
    if not path:
        return added
    places = st.integers(0, len(path) - 1)
    return st.one_of(
        added,
        places.map(lambda at: path[:at] + path[at + 1 :]),
        places.map(lambda at: [*path[:at], path[at], *path[at:]]),
        places.map(lambda at: [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]),
        st.permutations(path),
    )


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_coordinates_cover_a_range_once_and_in_order(start, end):
    covered = [
        leaf
        for level, position in coordinates(start, end)
        for leaf in range(position << level, (position + 1) << level)
    ]
    assert covered == list(range(start, end))


@given(st.integers(1, 10**9), st.data())
def test_proofs_need_few_nodes_even_of_a_large_log(size, data):
    index = data.draw(st.integers(0, size - 1))
    assert len(inclusion_ranges(index, size)) <= 30
    assert len(needed(inclusion_ranges(index, size))) <= 30 + 30
    assert len(consistency_ranges(index + 1, size)) <= 31


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_for_what_is_not_there(index, size):
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_ranges(index, size)
    with pytest.raises(ValueError, match="no proof leads"):
        consistency_ranges(size + 1, size)
