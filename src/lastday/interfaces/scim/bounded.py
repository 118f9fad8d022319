"""What may be kept at hand, and no more than that: what was used longest ago goes first."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


class BoundedCache(Generic[KeyT, ValueT]):
    """Values under keys whose sizes together never exceed `most`."""

    def __init__(self, most: int) -> None:
        """`most` in whatever `put` counts sizes in."""
        self._most = most
        self._kept: OrderedDict[KeyT, tuple[ValueT, int]] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def values(self) -> Iterator[ValueT]:
        """Everything that is kept."""
        return (value for value, _ in self._kept.values())

    def get(self, key: KeyT) -> ValueT | None:
        """What is kept under the key; it is the last to go now."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: KeyT, value: ValueT, size: int) -> None:
        """The value is kept under the key, unless it alone is larger than everything may be."""
        self.drop(key)
        if size > self._most:
            return
        self._kept[key] = (value, size)
        self.size += size
        while self.size > self._most:
            _, (_, gone) = self._kept.popitem(last=False)
            self.size -= gone

    def drop(self, key: KeyT) -> None:
        """Nothing is kept under the key."""
        found = self._kept.pop(key, None)
        if found is not None:
            self.size -= found[1]
