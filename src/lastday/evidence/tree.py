"""The Merkle tree of the log (RFC 9162 section 2.1), grown at its right edge.

Full subtrees never change: node (level, position) covers the 2^level leaves from position * 2^level on. They are all
kept, so that proofs for every size the log ever had can be made from stored nodes, about one node for each leaf.
Checking proofs is the verifier's part and is written apart from this, so that a slip here is not repeated there.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

EMPTY_ROOT = hashlib.sha256(b"").digest()


class Coordinate(NamedTuple):
    """A full subtree."""

    level: int
    position: int


class Node(NamedTuple):
    """A full subtree with its hash; level 0 is a leaf."""

    level: int
    position: int
    hash: bytes


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || content)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a tree: the hashes of its full subtrees from left (largest) to right."""

    size: int
    hashes: list[bytes]

    @classmethod
    def empty(cls) -> "Frontier":
        return cls(0, [])

    def grow(self, leaves: Sequence[bytes]) -> list[Node]:
        """The tree has these leaf hashes appended; the inner nodes that became full by it."""
        grown: list[Node] = []
        size, hashes, sha256 = self.size, self.hashes, hashlib.sha256
        for leaf in leaves:
            level, position, current = 0, size, leaf
            while position & 1:
                current = sha256(b"\x01" + hashes.pop() + current).digest()
                level, position = level + 1, position >> 1
                grown.append(Node(level, position, current))
            hashes.append(current)
            size += 1
        self.size = size
        return grown

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return folded(self.hashes) if self.hashes else EMPTY_ROOT


def folded(hashes: Sequence[bytes]) -> bytes:
    """The root above neighbouring full subtrees, the largest first."""
    result = hashes[-1]
    for left in reversed(hashes[:-1]):
        result = node_hash(left, result)
    return result


def coordinates(start: int, end: int) -> tuple[Coordinate, ...]:
    """The full subtrees that cover leaves [start, end), from left to right.

    >>> coordinates(0, 7)
    (Coordinate(level=2, position=0), Coordinate(level=1, position=2), Coordinate(level=0, position=6))
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        found.append(Coordinate(level, start >> level))
        start += 1 << level
    return tuple(found)


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> tuple[tuple[int, int], ...]:
    """The leaf ranges whose roots make the inclusion proof, in its order (section 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} has no leaf {index}")
    start, end = 0, size
    ranges: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return tuple(reversed(ranges))


def consistency_ranges(old: int, new: int) -> tuple[tuple[int, int], ...]:
    """The leaf ranges whose roots make the consistency proof, in its order (section 2.1.4.1)."""
    if not 0 < old <= new:
        raise ValueError(f"no proof leads from size {old} to size {new}")
    start, end, known = 0, new, True
    ranges: list[tuple[int, int]] = []
    while old < end:
        middle = start + _split(end - start)
        if old <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start, known = middle, False
    return tuple(reversed(ranges if known else [*ranges, (start, end)]))


def needed(ranges: Sequence[tuple[int, int]]) -> set[Coordinate]:
    """The stored nodes that a proof over these ranges needs."""
    return {coordinate for start, end in ranges for coordinate in coordinates(start, end)}


def proof(ranges: Sequence[tuple[int, int]], nodes: Mapping[Coordinate, bytes]) -> list[bytes]:
    """The proof, from the stored nodes. Raises KeyError where one is missing."""
    return [folded([nodes[coordinate] for coordinate in coordinates(start, end)]) for start, end in ranges]
